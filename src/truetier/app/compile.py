"""Compiled catalogs: a merged fleet in one file that is read in a fraction of the time, as long as its sources are what they were.

The file begins with a signature that no text has, the number of its format, the truetier that wrote it and a checksum of what
follows: what was looked at when it was compiled, and the fleet. A checksum shows damage, not intent, so whatever follows is read as a
stranger's (docs/adr/0010).
"""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

from truetier import __version__
from truetier.app.from_sources import COMPILED, SUFFIXES, read_fleet_in, shown_path
from truetier.app.input_tree import MAX_BYTES, STANDARD_INPUT, Disk, UnreadableError, is_open_already
from truetier.catalog.snapshot.codecs import TEXT, Many, Number, Record
from truetier.catalog.snapshot.columns import DamagedError, Reader, Writer
from truetier.catalog.snapshot.fleet import read_fleet, write_fleet
from truetier.errors import ModelError, SourceError, UsageError
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.app.input_tree import Entry
    from truetier.catalog.model import Fleet

FORMAT = 5
_NUMBER = 4  # bytes
_DIGEST = 32
_LONGEST_VERSION = 100
_MOST_BYTES = 16 * MAX_BYTES  # of a compiled file
_MOST_SHOWN = 20


class _Read(NamedTuple):
    """A file that was read, from the folder of the compiled file on."""

    path: str
    size: int
    digest: str


class _Walked(NamedTuple):
    """A folder that was looked into, and the digest of the names that could be catalogs or manifests."""

    path: str
    digest: str


_SIZE = Number(0, MAX_BYTES)
_READ = Many(Record(_Read, TEXT, _SIZE, TEXT))
_WALKED = Many(Record(_Walked, TEXT, TEXT))
_INPUTS = Many(Record(tuple, TEXT, Number(0, 2**31 - 1)))  # name in the digest, and which of the files


class Compiled(NamedTuple):
    """A fleet as bytes, and what it holds."""

    content: bytes
    services: int
    needs: int
    files: int


class _Recorded(Disk):
    """The files of this machine, and what was asked of them."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.listings: dict[str, str] = {}

    def read(self, path: str) -> bytes:
        """The bytes of a file; noted. Raises UsageError for what cannot be found again, and UnreadableError."""
        if path == STANDARD_INPUT or is_open_already(path):
            raise UsageError("what is compiled is looked at again when it is used, which a pipe does not allow; name a file")
        content = self.contents[path] = super().read(path)
        return content

    def walk(self, folder: str) -> Iterator[Entry]:
        """Every file in the folder; noted."""
        entries = list(super().walk(folder))
        self.listings[folder] = _listing_digest(folder, entries)
        return iter(entries)


def compiled(paths: Sequence[str], file: str, *, evidence: Sequence[str] = ()) -> Compiled:
    """What the paths describe, with what telemetry showed of it, as the bytes of a file of that name.

    Raises CatalogError and SourceError as reading the paths does, and UsageError where they cannot be found again from that file.
    """
    if file.endswith(SUFFIXES):
        raise UsageError(f"cannot compile to {file}: by its name it is a catalog; take another, such as fleet.compiled")
    tree = _Recorded()
    fleet = read_fleet_in(tree, paths, evidence=evidence)
    home = os.path.dirname(file) or "."
    paths_read = list(tree.contents)
    by_content = {id(content): number for number, content in enumerate(tree.contents.values())}
    to = Writer()
    _READ.write([[_Read(_from(home, path), len(content), _digest(content)) for path, content in tree.contents.items()]], to)
    _WALKED.write([[_Walked(_from(home, folder), listing) for folder, listing in tree.listings.items()]], to)
    _INPUTS.write([[(name, by_content[id(content)]) for name, content in fleet.inputs]], to)
    write_fleet(fleet, to)
    content = _sealed(to.written())
    if _opened(content, file, home) != fleet:
        raise ModelError("a compiled catalog says something else than its sources")
    needs = sum(len(each.needs) + sum(len(endpoint.needs) for endpoint in each.endpoints) for each in fleet.services.values())
    return Compiled(content, len(fleet.services), needs, len(paths_read))


def load_compiled(path: str) -> Fleet:
    """The fleet of a compiled catalog. Raises SourceError where it is damaged, of another truetier, or its sources have changed."""
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{shown_path(path)} cannot be read ({error.strerror})") from None
    return _opened(content, shown_path(path), os.path.dirname(path) or ".")


def _sealed(body: bytes) -> bytes:
    version = __version__.encode()
    front = COMPILED + FORMAT.to_bytes(_NUMBER, "little") + len(version).to_bytes(_NUMBER, "little") + version
    if len(front) + _DIGEST + len(body) > _MOST_BYTES:
        raise UsageError("what the paths describe is too large to be compiled")
    return front + sha256(front + body).digest() + body


def _opened(content: bytes, name: str, home: str) -> Fleet:
    source = Reader(_unsealed(content, name))
    try:
        (read,) = _READ.read(1, source)
        (walked,) = _WALKED.read(1, source)
        (inputs,) = _INPUTS.read(1, source)
        fleet = read_fleet(source)
        source.finish()
    except DamagedError:
        raise _damaged(name) from None
    contents = _checked_sources(read, walked, name, home)
    if any(number >= len(contents) for _, number in inputs):
        raise _damaged(name)
    return fleet._replace(inputs=tuple((digest_name, contents[number]) for digest_name, number in inputs))


def _unsealed(content: bytes, name: str) -> memoryview:
    """What stands behind the checksum."""
    at = len(COMPILED)
    form = int.from_bytes(content[at : at + _NUMBER], "little")
    if len(content) < at + 2 * _NUMBER + _DIGEST:
        raise _damaged(name)
    if form != FORMAT:
        raise SourceError(f"{name} is compiled in format {form}, this truetier reads format {FORMAT}; {_again(name)}")
    at += _NUMBER
    length = int.from_bytes(content[at : at + _NUMBER], "little")
    at += _NUMBER
    version = content[at : at + min(length, _LONGEST_VERSION)].decode("utf-8", "replace")
    if version != __version__:
        raise SourceError(f"{name} was compiled by truetier {version}, this is {__version__}; {_again(name)}")
    at += length
    checksum = sha256(content[:at])
    checksum.update(body := memoryview(content)[at + _DIGEST :])
    if len(content) > _MOST_BYTES or checksum.digest() != content[at : at + _DIGEST]:
        raise _damaged(name)
    return body


def _checked_sources(read: Sequence[_Read], walked: Sequence[_Walked], name: str, home: str) -> list[bytes]:
    """The contents of the files that were read. Raises SourceError with every one that is not what it was."""
    disk, contents, changes = Disk(), list[bytes](), list[str]()
    for source in read:
        path = _found(home, source.path, name)
        try:
            content = disk.read(path)
        except UnreadableError as error:
            changes.append(f"{shown_path(path)} {error}")
            continue
        if len(content) != source.size or _digest(content) != source.digest:
            changes.append(f"{shown_path(path)} has changed")
        contents.append(content)
    for folder in walked:
        path = _found(home, folder.path, name)
        if _listing_digest(path, disk.walk(path)) != folder.digest:
            changes.append(f"{shown_path(path)} holds other files")
    if changes:
        more = [f"and {len(changes) - _MOST_SHOWN} more"] if len(changes) > _MOST_SHOWN else []
        listed = "".join(f"\n  {change}" for change in (*changes[:_MOST_SHOWN], *more))
        raise SourceError(f"{name} is not what its sources say any more; {_again(name)}{listed}")
    return contents


def _found(home: str, path: str, name: str) -> str:
    """Where a source is now. A compiled file names its sources from where it lies; whatever else it asks for is not read."""
    if os.path.isabs(path) or "\0" in path or path == STANDARD_INPUT:
        raise _damaged(name)
    return os.path.normpath(os.path.join(home, path))


def _from(home: str, path: str) -> str:
    try:
        return os.path.relpath(path, home)
    except ValueError:  # another drive
        raise UsageError(f"{shown_path(path)} lies on another drive than the compiled file, which could not find it again") from None


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _listing_digest(folder: str, entries: Iterator[Entry] | Sequence[Entry]) -> str:
    names = [
        f"{os.path.relpath(entry.path, folder)}\0{entry.why_not}" for entry in entries if entry.why_not or entry.path.endswith(SUFFIXES)
    ]
    return _digest("\0".join(names).encode("utf-8", "surrogateescape"))


def _damaged(name: str) -> SourceError:
    return SourceError(f"{name} is a damaged compiled catalog; {_again(name)}")


def _again(name: str) -> str:
    return f"compile it again: truetier compile PATH... -o {name}"
