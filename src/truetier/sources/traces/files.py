"""Files and folders of spans, opened whatever they are packed in."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa

from truetier.catalog.model import SkippedInput
from truetier.errors import SourceError
from truetier.sources.traces import parquet
from truetier.sources.traces.recognition import HEAD, reader_of, why_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from truetier.telemetry.spans import Sink

_GZIP, _ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_LINK = "a link to a folder, which is not followed: name the folder itself"
_NOT_REGULAR = "no regular file"
_PACKED_PARQUET = "Parquet that was packed once more: unpack it first"
_CUT_OFF = "end of a packed file that was cut off or damaged"
_DAMAGED = (EOFError, OSError, zlib.error)
_MOST_LISTED = 1_000


def read_traces(paths: Sequence[str], sink: Sink, *, progress: Callable[[int, int], None] | None = None) -> tuple[SkippedInput, ...]:
    """Gives the spans of all files to the sink; what in a folder holds none is listed.

    Raises SourceError for a path that is not there, or that is named and holds no spans.
    """
    files = [(file, path == file) for path in paths for file in trace_files(path)]
    unread: list[SkippedInput] = []
    wrong: list[str] = []
    for done, (file, is_named) in enumerate(files, start=1):
        why_not = _read(file, sink)
        if why_not is not None:
            if is_named:
                wrong.append(f"{file}: {why_not}")
            elif len(unread) < _MOST_LISTED:
                unread.append(SkippedInput(file, why_not))
        if progress is not None:
            progress(done, len(files))
    if wrong:
        raise SourceError("\n".join(wrong))
    return tuple(unread)


def trace_files(path: str) -> Iterator[str]:
    """The file, or the files in the folder, each folder's in order of name and before those of folders in it.

    Links to folders are among the files: they are not followed, since they may lead around in circles.
    """
    if not os.path.isdir(path):
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        yield from (os.path.join(folder, name) for name in sorted([*names, *links]) if not name.startswith("."))


def _read(file: str, sink: Sink) -> str | None:
    """Why nothing of the file was read; None where it was."""
    try:
        if os.path.isdir(file):
            return _LINK
        with open(file, "rb", opener=_without_waiting) as raw:
            if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
                return _NOT_REGULAR
            return _read_open(raw, sink)
    except (OSError, ValueError) as error:  # a name with a zero byte in it is a wrong value
        return (isinstance(error, OSError) and error.strerror) or str(error)


def _without_waiting(file: str, flags: int) -> int:
    """Opens a pipe that nobody writes to at once, too."""
    return os.open(file, flags | getattr(os, "O_NONBLOCK", 0))


def _read_open(raw: io.BufferedReader, sink: Sink) -> str | None:
    unpacked = _unpacked(raw)
    stream = _Forgiving(unpacked, sink)
    head = stream.peek_ahead(HEAD)
    reader = reader_of(head)
    if reader is None:
        return why_none(head)
    if unpacked is raw:  # a file as it is, which some readers move about in
        raw.seek(0)
        reader(raw, sink)
    elif reader is parquet.read:
        return _PACKED_PARQUET
    else:
        reader(cast("IO[bytes]", io.BufferedReader(stream)), sink)
    return None


def _unpacked(raw: io.BufferedReader) -> io.BufferedIOBase:
    magic = raw.read(4)
    raw.seek(0)
    if magic.startswith(_GZIP):
        return gzip.GzipFile(fileobj=raw)
    if magic.startswith(_ZSTANDARD):
        return cast("io.BufferedIOBase", pa.CompressedInputStream(raw, "zstd"))
    return raw


class _Forgiving(io.RawIOBase):
    """A stream that ends, and says so, where what it unpacks is cut off or damaged."""

    def __init__(self, stream: io.BufferedIOBase, sink: Sink) -> None:
        self._stream = stream
        self._sink = sink
        self._ahead = b""
        self._is_over = False

    def peek_ahead(self, size: int) -> bytes:
        """So many bytes from the start, which are read again afterwards."""
        parts: list[bytes] = []
        while sum(map(len, parts)) < size and (part := self._next(size)):
            parts.append(part)
        self._ahead = b"".join(parts)
        return self._ahead[:size]

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """The next bytes; none at the end."""
        found = self._ahead[: len(buffer)]
        self._ahead = self._ahead[len(found) :]
        found = found or self._next(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def _next(self, size: int) -> bytes:
        if self._is_over:
            return b""
        try:
            return self._stream.read1(size)  # what comes before any damage is given first
        except _DAMAGED:
            self._is_over = True
            self._sink.skip(_CUT_OFF)
            return b""
