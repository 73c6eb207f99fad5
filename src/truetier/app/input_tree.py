"""Files on this machine: what a path is, what a folder holds, and the bytes of a file, all within limits."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Protocol

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 64 * 1024 * 1024  # of one file, unpacked
STANDARD_INPUT = "-"
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages"})  # hidden ones are skipped as well
_OPEN_ALREADY = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")  # what a shell's <(command) stands for
_SPECIAL = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))


class UnreadableError(Exception):
    """A file or folder cannot be read; the message follows its name."""


class Entry(NamedTuple):
    """A file found in a folder; ``why_not`` says why it cannot be read."""

    path: str
    why_not: str = ""


class InputTree(Protocol):
    """Where files come from: this machine, or a revision in git."""

    def is_folder(self, path: str) -> bool:
        """Whether the path is a folder. Raises UnreadableError where there is nothing."""
        ...

    def walk(self, folder: str) -> Iterator[Entry]:
        """Every file in the folder and the folders in it, files before folders, each in order of name; hidden ones left out."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of a file, unpacked. Raises UnreadableError."""
        ...

    def identity(self, path: str) -> str:
        """The same text for all paths of one file."""
        ...


class Disk:
    """The files of this machine."""

    def is_folder(self, path: str) -> bool:
        """Whether the path is a folder. Raises UnreadableError where there is nothing."""
        if path == STANDARD_INPUT:
            return False
        try:
            return stat.S_ISDIR(os.stat(path).st_mode)
        except (OSError, ValueError) as error:
            raise UnreadableError(_why(error)) from None

    def walk(self, folder: str) -> Iterator[Entry]:
        """Every file in the folder and the folders in it; a link to a folder is not followed, so no walk goes in circles."""
        stack = [folder]
        while stack:
            path = stack.pop()
            try:
                with os.scandir(path) as scan:
                    entries = sorted((entry for entry in scan if not entry.name.startswith(".")), key=lambda entry: entry.name)
            except OSError as error:
                yield Entry(path, _why(error))
                continue
            inner = []
            for entry in entries:
                if not _is_folder(entry):
                    yield Entry(entry.path)
                elif entry.is_symlink():
                    yield Entry(entry.path, "a link to a folder is not followed; name the folder itself")
                elif not is_skipped_folder(entry.name):
                    inner.append(entry.path)
            stack += reversed(inner)

    def read(self, path: str) -> bytes:
        """The bytes of a file, unpacked; ``-`` is standard input. Raises UnreadableError, also for what is no regular file."""
        try:
            if path == STANDARD_INPUT:
                content = _standard_input()
            else:
                _check_regular(path)
                with open(path, "rb") as file:
                    content = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            raise UnreadableError(_why(error)) from None
        return unpacked(content, path)

    def identity(self, path: str) -> str:
        """The path with links followed."""
        return path if path == STANDARD_INPUT else os.path.realpath(path)


def is_open_already(path: str) -> bool:
    """Whether the path stands for what another process pipes to this one: it can be read once."""
    return path.startswith(_OPEN_ALREADY)


def is_skipped_folder(name: str) -> bool:
    """Whether a folder of that name is never looked into: hidden, or full of other people's files."""
    return name.startswith(".") or name in _SKIPPED_FOLDERS


def unpacked(content: bytes, path: str) -> bytes:
    """The content, decompressed when the name says that it is compressed. Raises UnreadableError when it is too large or damaged."""
    if path.endswith(".gz"):
        import gzip
        import zlib
        from io import BytesIO

        try:
            with gzip.GzipFile(fileobj=BytesIO(content)) as packed:
                content = packed.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            raise UnreadableError("is not a gzip file, or a damaged one") from None
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"has more than {MAX_BYTES // 1024 // 1024} MiB; split it into several files")
    return content


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _standard_input() -> bytes:
    import sys

    if sys.stdin is None:
        raise UnreadableError("is closed")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _check_regular(path: str) -> None:
    if is_open_already(path):
        return
    mode = os.stat(path).st_mode
    for is_kind, name in _SPECIAL:
        if is_kind(mode):
            raise UnreadableError(f"is {name}, not a file")


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, PermissionError):
        return "may not be read (permission denied)"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror.lower()})"
    return "is no possible file name"
