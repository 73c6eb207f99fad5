"""Where text goes: standard output, or a file that is whole or not there."""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

from truetier.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import TextIO


_CATALOG_NAMES = (".yaml", ".yml", "truetier.json")  # what the program writes without being asked for a catalog has other names
_OPEN_ALREADY = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")


def write(text: str | Iterable[str], file: str | None, *, machine: bool = False, replace: bool = False) -> None:
    """Writes to the file, or to standard output when there is none. ``machine`` output is UTF-8 whatever the terminal says.

    A text may come in pieces, which are written as they come.

    A reader that stops reading (``| head``) is no error: the verdict stands. Raises UsageError when the text cannot be written.
    """
    pieces = (text,) if isinstance(text, str) else text
    if file is not None and file != "-":
        write_file("".join(pieces), file, replace=replace)
        return
    try:
        if machine and hasattr(sys.stdout, "buffer"):
            sys.stdout.flush()
            for piece in pieces:
                sys.stdout.buffer.write(piece.encode("utf-8", "backslashreplace"))
        else:
            sys.stdout.writelines(pieces)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    except OSError as error:
        silence(sys.stdout)
        raise UsageError(f"cannot write to standard output: {said(error)}") from None


def silence(stream: TextIO) -> None:
    """Sends what a stream still holds, and all that follows, nowhere: what is left must not fail again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def plain(text: str) -> str:
    """The text with control and other unprintable characters escaped, lines kept: safe to print on a terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character == "\n" else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def write_file(text: str | bytes, file: str, *, replace: bool = False) -> None:
    """Writes the file in one step: a reader sees the old text or the new, never a part.

    A pipe or device is written directly. Raises UsageError when it cannot be written, and where it would cost somebody a
    catalog or manifest, unless ``replace`` says that this was asked for.
    """
    from pathlib import Path

    content = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    target = Path(file)
    try:
        if file.startswith(_OPEN_ALREADY) or (target.exists() and not target.is_file()):
            target.write_bytes(content)
            return
        target = target.resolve()
        if not replace and target.name.endswith(_CATALOG_NAMES) and target.is_file():
            raise UsageError(f"{file} is there already, and may be a catalog or a manifest; write to a file of another name")
        _replace(content, target)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL in the name
        raise UsageError(f"cannot write {file}: {_reason(error, file)}") from None


def use_color(choice: str, environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to print colours: the option decides, then NO_COLOR, FORCE_COLOR, and whether a person reads along."""
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return is_terminal and environment.get("TERM") != "dumb"


def _replace(content: bytes, target: Path) -> None:
    import tempfile
    from pathlib import Path

    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    handle, name = tempfile.mkstemp(prefix=".truetier-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        temporary.chmod(_mode_for(target))
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise


def _mode_for(target: Path) -> int:
    """The permissions the file has, or a new file would get; a temporary file starts out private."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _reason(error: Exception, file: str) -> str:
    folder = os.path.dirname(file)
    if isinstance(error, FileNotFoundError) and folder and not os.path.isdir(folder):
        return f"there is no folder {folder}"
    if isinstance(error, NotADirectoryError):
        return f"{folder} is not a folder"
    return said(error)


def said(error: Exception) -> str:
    """What the operating system said, in our style: ``permission denied``."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return words[:1].lower() + words[1:]
