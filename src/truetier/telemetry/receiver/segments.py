"""Requests on disk, one behind the other in files that ``observe`` reads: what was committed is there whatever happens next.

A record is its length in four bytes, the request, and behind it a field of the request that no reader knows: a checksum. A process
starts a file of its own, so that only the end of the last file can be torn; at the next start that end is set aside. A file that could
not be written or synchronised is given up at its last committed byte: after a failed fsync nobody knows what the disk holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import zlib
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from truetier.errors import SourceError
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LARGEST_RECORD = 64 * 1024 * 1024  # bytes
_FULL_FILE = 64 * 1024 * 1024  # bytes
_LONGEST_FILE = 3600.0  # seconds that a file is written to
_CHECKSUM = b"\xfd\x7f"  # field 2047, four bytes
_TAIL = len(_CHECKSUM) + 4
_PREFIX, _SUFFIX = "spans-", ".otlp"
_TORN = ".torn-"
_LOCK = ".lock"


class DiskFullError(Exception):
    """What may be stored is stored."""


class Recovered(NamedTuple):
    """What was found wrong at the start: a file, and what about it."""

    file: str
    words: str


class Segments:
    """The files of a folder, in order of name that of time. Not for several threads at once.

    ``most`` is how many bytes the folder may hold. ``clock`` gives seconds since 1970.
    Raises SourceError when the folder cannot be used, or another process uses it.
    """

    def __init__(self, folder: str, most: int, clock: Callable[[], float]) -> None:
        self._folder = folder
        self.most = most
        self._clock = clock
        self._file: IO[bytes] | None = None
        self._path = ""
        self._size = 0
        self._began = 0.0
        self._number = 0
        self.recovered: Recovered | None = None
        self.used = 0
        try:
            self._lock = _locked(folder)
        except BlockingIOError:
            raise SourceError(f"{folder}: another receiver writes there") from None
        except FileExistsError:
            raise SourceError(f"{folder}: a file, where a folder is wanted") from None
        except OSError as error:
            raise SourceError(f"{folder}: cannot store spans there: {error.strerror}") from error
        try:
            self._look_around()
        except OSError as error:
            self._lock.close()
            raise SourceError(f"{folder}: cannot store spans there: {error.strerror}") from error

    def commit(self, requests: Sequence[bytes]) -> None:
        """Writes all of them and waits for the disk. Raises DiskFullError or OSError; none of them counts as written then."""
        records = b"".join(map(record, requests))
        if self.used + len(records) > self.most:
            self.used = self._measured()  # somebody may have taken files away
            if self.used + len(records) > self.most:
                raise DiskFullError
        while not self._is_written(records):
            self._end_file()  # somebody took the file away: what was written to it now is lost
        self.used += len(records)

    def close(self) -> None:
        """Leaves the folder to others; what was committed is on disk already."""
        self._end_file()
        self._lock.close()

    # -- inside

    def _look_around(self) -> None:
        """What an earlier process left there."""
        names = self._names()
        if names:
            self.recovered = _recover(self._folder, names[-1])
            self._number = _number(names[-1])
        self.used = self._measured()

    def _end_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _is_written(self, records: bytes) -> bool:
        """Whether they are in a file that has a name."""
        file = self._current()
        try:
            left = memoryview(records)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            self._give_up(file)
            raise
        self._size += len(records)
        return os.fstat(file.fileno()).st_nlink > 0

    def _names(self) -> list[str]:
        names = [name for name in os.listdir(self._folder) if name.startswith(_PREFIX) and name.endswith(_SUFFIX)]
        return sorted(names, key=_number)

    def _measured(self) -> int:
        """Bytes of everything in the folder, torn ends too."""
        with os.scandir(self._folder) as entries:
            return sum(entry.stat(follow_symlinks=False).st_size for entry in entries if entry.is_file(follow_symlinks=False))

    def _current(self) -> IO[bytes]:
        now = self._clock()
        if self._file is not None and (self._size >= _FULL_FILE or now - self._began >= _LONGEST_FILE):
            self._end_file()
        if self._file is None:
            self._number += 1
            day = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
            name = f"{_PREFIX}{day}-{self._number:08}{_SUFFIX}"
            self._path = os.path.join(self._folder, name)
            self._file = open(self._path, "xb", buffering=0)  # noqa: SIM115 - written to for an hour
            self._size, self._began = 0, now
            _sync_folder(self._folder)
        return self._file

    def _give_up(self, file: IO[bytes]) -> None:
        """Ends the file at its last committed byte; one that holds none goes, since a full disk may be tried again and again."""
        with contextlib.suppress(OSError):
            if self._size:
                os.ftruncate(file.fileno(), self._size)
            else:
                os.unlink(self._path)
        self._end_file()


def _locked(folder: str) -> IO[bytes]:
    """Makes the folder, and keeps others away from it as long as the file is open. Raises OSError."""
    os.makedirs(folder, exist_ok=True)
    lock = open(os.path.join(folder, _LOCK), "ab")  # noqa: SIM115 - held as long as the process lives
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


def _number(name: str) -> int:
    """The number of a file, more than that of the one before it; 0 of one that has none."""
    number = name.removesuffix(_SUFFIX).rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def record(request: bytes) -> bytes:
    """A request as it stands in a file."""
    size = len(request) + _TAIL
    return size.to_bytes(4, "big") + request + _CHECKSUM + zlib.crc32(request).to_bytes(4, "little")


def _recover(folder: str, name: str) -> Recovered | None:
    """Sets aside what stands behind the last whole record of a file."""
    path = os.path.join(folder, name)
    with open(path, "r+b") as file:
        whole = _end_of_records(file)
        size = file.seek(0, os.SEEK_END)
        if whole == size:
            return None
        file.seek(whole)
        aside = os.path.join(folder, f"{_TORN}{name}")
        with open(aside, "wb") as kept:
            kept.write(file.read())
            os.fsync(kept.fileno())
        file.truncate(whole)
        os.fsync(file.fileno())
    _sync_folder(folder)
    return Recovered(
        path, f"its last {size - whole:,} bytes are no whole record, so nobody was told they were stored; they are in {aside} now"
    )


def _end_of_records(file: IO[bytes]) -> int:
    """Behind the last record that is whole. One that is damaged while others follow stays where it is."""
    whole = place = 0
    while len(head := file.read(4)) == 4:
        size = int.from_bytes(head, "big")
        if not _TAIL <= size <= LARGEST_RECORD:
            break
        content = file.read(size)
        place += 4 + size
        if len(content) < size:
            break
        if content[-_TAIL:] == _CHECKSUM + zlib.crc32(content[:-_TAIL]).to_bytes(4, "little"):
            whole = place
    return whole


def _sync_folder(folder: str) -> None:
    """Makes names of files last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
