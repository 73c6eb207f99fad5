"""Documents on disk, so that a start needs nobody.

A copy is written under a name of its own, forced to disk, and renamed into place; then the folder is forced to disk. Whatever happens in
between, under a name that ends in ``.snapshot`` there is a whole document, or none. A reader verifies it all the same: disks lie.
Several processes may share a folder, as the workers of one service do.
"""

from __future__ import annotations

import errno
import os
import time
from itertools import count
from typing import TYPE_CHECKING

from truetier_runtime.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_COPY, _SURVIVED, _HALF = ".snapshot", ".survived", ".half"
_DIGITS = 16  # the largest version has as many
_HALF_SECONDS = 3600.0  # a copy that has been half written for so long is nobody's any more
_numbers = count()


class Files:
    """The steps that touch the disk, one method each, so that a test can stop between any two of them. All raise OSError."""

    __slots__ = ()

    def write(self, path: str, data: bytes) -> None:
        """Makes a file that was not there."""
        with open(path, "xb", opener=_for_us) as file:
            file.write(data)

    def sync(self, path: str) -> None:
        """Returns when what a file or folder holds is on disk."""
        # Where a folder cannot be opened, as on Windows, its entries are on disk when rename returns.
        if os.path.isdir(path) and not hasattr(os, "O_DIRECTORY"):
            return
        number = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
        try:
            os.fsync(number)
        finally:
            os.close(number)

    def rename(self, old: str, new: str) -> None:
        """Puts a file in the place of another, at once."""
        os.replace(old, new)

    def remove(self, path: str) -> None:
        """Removes a file."""
        os.remove(path)

    def read(self, path: str, most_bytes: int) -> bytes:
        """The beginning of a file."""
        with open(path, "rb") as file:
            return file.read(most_bytes)


def write_whole(files: Files, path: str, data: bytes) -> None:
    """Puts a file in place so that at every moment there is the old one or the new one, whole. Raises OSError with that path.

    What is there and is no file stays: to root it may be a device that all depend on.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "is there and is no file", path)
    half = f"{path}.{os.getpid()}-{next(_numbers)}-{time.time_ns()}{_HALF}"
    try:
        files.write(half, data)
        files.sync(half)
        files.rename(half, path)
    except OSError as error:
        _removed(files, half)
        error.filename = path
        raise
    files.sync(os.path.dirname(path) or ".")


class Copies:
    """The last ``keep`` documents in a folder, and whatever of them is known to have run for long.

    The folder is for one scope, or one issuer, alone: copies are named by their version, and those of another scope would take their place.
    """

    __slots__ = ("files", "folder", "keep")

    def __init__(self, folder: str, *, keep: int = 5, files: Files | None = None) -> None:
        if keep < 2:
            raise UsageError(f"keep is {keep}; at least 2, one to run and one to fall back to, were expected")
        self.folder = folder
        self.keep = keep
        self.files = files or Files()

    def versions(self, *, proven_only: bool = False) -> list[int]:
        """Which there are, the newest first. Raises OSError."""
        try:
            names = set(os.listdir(self.folder))
        except (FileNotFoundError, NotADirectoryError):  # anything else, as a disk that fails, does not say that there are none
            return []
        found = [int(name[:_DIGITS]) for name in names if name == self._name(name[:_DIGITS], _COPY)]
        return sorted((one for one in found if not proven_only or self._name(one, _SURVIVED) in names), reverse=True)

    def read(self, version: int, most_bytes: int) -> bytes:
        """A document, cut after ``most_bytes``. Raises OSError."""
        return self.files.read(self._path(version, _COPY), most_bytes)

    def write(self, version: int, document: bytes) -> None:
        """Keeps a document, and lets the oldest go. Raises OSError: then it may not be on disk, and what was there still is."""
        os.makedirs(self.folder, 0o775, exist_ok=True)
        write_whole(self.files, self._path(version, _COPY), document)
        for path in self._stale(version):
            _removed(self.files, path)

    def prove(self, version: int) -> None:
        """Marks a version as one that ran for long. Raises OSError."""
        write_whole(self.files, self._path(version, _SURVIVED), b"")

    def _stale(self, newest: int) -> Iterator[str]:
        """What need not be kept. Newer ones than ``newest`` are another process's, or damaged: not ours to judge, and not to be counted."""
        older = [version for version in self.versions() if version < newest]
        proven = [version for version in self.versions(proven_only=True) if version <= newest][:1]
        kept = {newest, *older[: self.keep - 1], *proven}
        for version in older:
            if version not in kept:
                yield self._path(version, _COPY)
                yield self._path(version, _SURVIVED)
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            if name.endswith(_HALF) and _is_old(path):
                yield path

    def _path(self, version: int, ending: str) -> str:
        return os.path.join(self.folder, self._name(version, ending))

    @staticmethod
    def _name(version: int | str, ending: str) -> str:
        text = str(version)
        return f"{text:0>{_DIGITS}}{ending}" if text.isascii() and text.isdigit() else ""


def _for_us(path: str, flags: int) -> int:
    """Opens a file that others may never write, whatever the umask: keys of issuers are believed as they lie."""
    return os.open(path, flags, 0o664)


def _is_old(path: str) -> bool:
    try:
        return time.time() - os.stat(path).st_mtime > _HALF_SECONDS
    except OSError:
        return False


def _removed(files: Files, path: str) -> None:
    """Removes what does no harm if it stays: another process may have been faster, or the disk may be gone."""
    try:
        files.remove(path)
    except OSError:
        return
