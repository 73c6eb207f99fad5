"""Spans on disk, as Parquet, parted by trace: each part is worked through by itself, so that memory does not grow with the data.

The columns of spans.py as plain text, and beside them what joins and counts go by: a 64-bit key of each trace, the last 16 hexadecimal
digits of its identifier or a hash where that is something else; one of each span and parent, made of both their identifiers, so that it
means the same span in whatever trace; and a number for each name, kind and outcome. That two of a million spans share a key by chance
happens to one part in 40 million.
"""

from __future__ import annotations

import os
import sys
from array import array
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from truetier.errors import SourceError
from truetier.record import NamedTuple
from truetier.telemetry.spans import Columns, Outcome, SpanKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_ROWS = 120_000  # of one row group
_WAITING = 256 * 2**20  # bytes of rows that wait for a row group to be full
# Names, and characters of all of them. Past the first, spans are told apart by what has a name already; past twice as many, services too.
_MOST_NAMES, _MOST_LETTERS = 500_000, 64 * 2**20
_SPREAD = ((np.uint64(30), np.uint64(0xBF58_476D_1CE4_E5B9)), (np.uint64(27), np.uint64(0x94D0_49BB_1331_11EB)))
_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)  # brings what differs in the lower half of a key into the upper one
_HEX = frozenset("0123456789abcdef")
_TEXTS = ("trace_id", "span_id", "parent_id", "service", "name", "kind")
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("start_ns", pa.int64()),
        ("duration_ns", pa.int64()),
        ("outcome", pa.string()),
        ("peer", pa.string()),
        ("tkey", pa.int64()),
        ("skey", pa.int64()),
        ("pkey", pa.int64()),
        ("svc", pa.int32()),
        ("label", pa.int32()),
        ("whom", pa.int32()),
        ("k", pa.int8()),
        ("f", pa.int8()),
    ]
)
# Keys and times do not compress, and what is read again and again had better not be unpacked each time.
_WORDS = ["service", "name", "kind", "outcome", "peer"]
_NUMBERS = ("svc", "label", "whom", "k", "f")
_PACKED = {field.name: "zstd" if pa.types.is_string(field.type) else "snappy" if field.name in _NUMBERS else "none" for field in _SCHEMA}
_KEYED = pa.schema([field for field in _SCHEMA if field.name not in _NUMBERS])
_GIVEN = [field for field in _KEYED if field.name in Columns.__slots__]
_KINDS = pa.array(
    [SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.INTERNAL, SpanKind.UNKNOWN], pa.string()
)
_OUTCOMES = pa.array([Outcome.OK, Outcome.ERROR, Outcome.TIMEOUT, Outcome.UNREACHABLE, Outcome.UNRECORDED], pa.string())
_CHECKS: tuple[tuple[str, Callable[[pa.Table, int], pa.Array]], ...] = (
    ("no trace id", lambda batch, _: pc.not_equal(batch["trace_id"], "")),
    ("no span id", lambda batch, _: pc.not_equal(batch["span_id"], "")),
    ("no service name", lambda batch, _: pc.not_equal(batch["service"], "")),
    ("no start time", lambda batch, _: pc.greater(batch["start_ns"], 0)),
    ("starts in the future", lambda batch, latest_ns: pc.less_equal(batch["start_ns"], latest_ns)),
    ("ends before it starts", lambda batch, _: pc.greater_equal(batch["duration_ns"], 0)),
    ("is its own parent", lambda batch, _: pc.not_equal(batch["span_id"], batch["parent_id"])),
)
_LINKS = pa.schema([("skey", pa.int64()), ("service", pa.string())])
_SAID = pa.schema([("skey", pa.int64()), ("callee", pa.string())])
_BY_LOG = pa.schema([("s", pa.int64())])


class Counts(NamedTuple):
    """What became of the spans that were met: ``read`` is ``used`` and all ``skipped``, by reason."""

    read: int
    used: int
    skipped: dict[str, int]


class Spool:
    """Takes what readers give, checks it, and writes it into parts.

    ``parts`` is a power of two: to have fewer costs memory, to have more costs time. ``latest_ns`` is the time of reading, after
    which nothing can have begun.
    """

    def __init__(self, folder: str, parts: int, latest_ns: int) -> None:
        os.makedirs(folder, exist_ok=True)
        self._folder = folder
        self._parts = parts
        self._latest_ns = latest_ns
        self._waiting: list[list[pa.Table]] = [[] for _ in range(parts)]
        self._rows = [0] * parts
        self._bytes = 0
        self._files: list[pq.ParquetWriter | None] = [None] * parts
        self._names: dict[str, int] = {"": 0}
        self._letters = 0
        self._links: list[pa.Table] = []
        self._said: list[pa.Table] = []
        self._by_log: list[pa.Table] = []
        self._read = self._used = 0
        self._skipped: dict[str, int] = {}

    # -- what readers call

    def spans(self, columns: Columns) -> None:
        """Takes spans, and counts those that make no sense."""
        if len(columns):
            self.table(pa.table({field.name: pa.array(getattr(columns, field.name), field.type) for field in _GIVEN}))

    def table(self, given: pa.Table) -> None:
        """Takes spans that are columns already: those of spans.py."""
        self._read += given.num_rows
        batch = self._numbered(self._sensible(_keyed(given)))
        self._used += batch.num_rows
        self._bytes += batch.nbytes
        part_of = pc.bit_wise_and(batch["tkey"], self._parts - 1)
        if self._parts > 1:
            batch = batch.take(pc.sort_indices(part_of))
        begin = 0
        for part, rows in sorted((each["values"], each["counts"]) for each in pc.value_counts(part_of).to_pylist()):
            self._waiting[part].append(batch.slice(begin, rows))
            begin += rows
            self._rows[part] += rows
            if self._rows[part] >= _ROWS:
                self._write(part)
        if self._bytes >= _WAITING:
            for part in range(self._parts):
                self._write(part)
            self._bytes = 0

    def links(self, links: Sequence[tuple[str, str, str]]) -> None:
        """Takes what spans are linked to."""
        if links:
            traces, spans, services = zip(*links, strict=True)
            self._number_of(services)
            self._links.append(pa.table([span_keys(keys(traces), spans), pa.array(services)], schema=_LINKS))

    def missing(self, found: Sequence[tuple[str, str, str]]) -> None:
        """Takes what logs say of services that could not be reached."""
        if found:
            traces, spans, callees = zip(*found, strict=True)
            self._number_of(callees)
            self._said.append(pa.table([span_keys(keys(traces), spans), pa.array(callees)], schema=_SAID))

    def failed(self, found: Sequence[tuple[str, str]]) -> None:
        """Takes what logs say of spans that failed."""
        if found:
            traces, spans = zip(*found, strict=True)
            self._by_log.append(pa.table([span_keys(keys(traces), spans)], schema=_BY_LOG))

    def skip(self, reason: str, count: int = 1) -> None:
        """Counts what could not be read."""
        self._read += count
        self._skipped[reason] = self._skipped.get(reason, 0) + count

    # -- the end

    def close(self) -> Spooled:
        """Writes what is left. Raises SourceError when the disk does not take it."""
        try:
            for part in range(self._parts):
                self._write(part)
            for file in self._files:
                if file is not None:
                    file.close()
            names = list(self._names)
            self._table("names", pa.table({"name": pa.array(names, pa.string()), "id": pa.array(range(len(names)), pa.int32())}))
            self._table("links", _joined(self._links, _LINKS))
            self._table("said", _joined(self._said, _SAID))
            self._table("by_log", _joined(self._by_log, _BY_LOG))
        except OSError as error:
            raise SourceError(f"{self._folder}: cannot write spans there: {error.strerror or error}") from error
        counts = Counts(self._read, self._used, dict(sorted(self._skipped.items())))
        parts = tuple(part for part, file in enumerate(self._files) if file is not None)
        spooled = Spooled(self._folder, parts, counts, ())
        return spooled._replace(doubled=tuple(part for part in parts if may_be_doubled(spooled.spans(part))))

    # -- inside

    def _sensible(self, batch: pa.Table) -> pa.Table:
        """Those spans of which something can be learned; each of the others is counted under the first reason that holds."""
        for reason, is_right in _CHECKS:
            batch = self._kept(batch, reason, is_right(batch, self._latest_ns))
        return batch

    def _kept(self, batch: pa.Table, reason: str, is_right: pa.Array) -> pa.Table:
        if pc.all(is_right, min_count=0).as_py():  # of none at all, too
            return batch
        right = batch.filter(is_right)
        self._skipped[reason] = self._skipped.get(reason, 0) + batch.num_rows - right.num_rows
        return right

    def _numbered(self, batch: pa.Table) -> pa.Table:
        """The same with the numbers of its names, kinds and outcomes."""
        for number, column in (("svc", "service"), ("label", "name"), ("whom", "peer")):
            texts = batch[column].combine_chunks().dictionary_encode()
            numbers = self._number_of(texts.dictionary.to_pylist(), 1 if number == "label" else 2)
            batch = batch.append_column(number, pa.array(numbers, pa.int32()).take(texts.indices))
        kinds = pc.add(pc.fill_null(pc.index_in(batch["kind"], _KINDS), len(_KINDS) - 1), 1)
        outcomes = pc.fill_null(pc.index_in(batch["outcome"], _OUTCOMES), len(_OUTCOMES) - 1)
        batch = batch.append_column("k", kinds.cast(pa.int8())).append_column("f", outcomes.cast(pa.int8()))
        return self._kept(batch, "one service too many", pc.not_equal(batch["svc"], 0))

    def _number_of(self, names: Sequence[str], share: int = 2) -> list[int]:
        """The numbers of names, new ones counted on; past ``share`` times the most those that are new are all the empty one."""
        known = self._names
        before = len(known)
        if before >= share * _MOST_NAMES or self._letters >= share * _MOST_LETTERS:
            return [known.get(name, 0) for name in names]
        numbers = [known.setdefault(name, len(known)) for name in names]
        if len(known) > before:
            self._letters += sum(len(name) for name, number in zip(names, numbers, strict=True) if number >= before)
        return numbers

    def _write(self, part: int) -> None:
        if not self._waiting[part]:
            return
        file = self._files[part]
        if file is None:
            path = os.path.join(self._folder, f"spans-{part:03}.parquet")
            file = self._files[part] = pq.ParquetWriter(path, _SCHEMA, compression=_PACKED, use_dictionary=_WORDS)
        file.write_table(pa.concat_tables(self._waiting[part]), row_group_size=_ROWS)
        self._waiting[part] = []
        self._rows[part] = 0

    def _table(self, name: str, table: pa.Table) -> None:
        pq.write_table(table, os.path.join(self._folder, f"{name}.parquet"))


class Spooled(NamedTuple):
    """Spans as they lie on disk: the parts that hold any, what was counted on the way, and the parts in which some spans may be twice."""

    folder: str
    parts: tuple[int, ...]
    counts: Counts
    doubled: tuple[int, ...]

    def spans(self, part: int) -> str:
        """The file of one part."""
        return os.path.join(self.folder, f"spans-{part:03}.parquet")

    def table(self, name: str) -> str:
        """The file of what belongs to all parts: ``names``, ``links``, ``said`` or ``by_log``."""
        return os.path.join(self.folder, f"{name}.parquet")


def keys(identifiers: Sequence[str]) -> pa.Array:
    """A 64-bit key of each identifier; of an empty one nothing."""
    widths = set(map(len, identifiers))
    found = array("Q")
    if len(widths) == 1 and widths <= {16, 32}:
        try:
            found.frombytes(bytes.fromhex("".join(identifiers)))
        except ValueError:  # not all of them are hexadecimal
            found = array("Q")
        else:
            if sys.byteorder == "little":
                found.byteswap()
            found = found[1::2] if widths == {32} else found
            return pa.Array.from_buffers(pa.int64(), len(found), [None, pa.py_buffer(found)])
    signed = [None if text == "" else _key(text) for text in identifiers]
    return pa.array(signed, pa.int64())


def span_keys(traces: pa.Array, identifiers: Sequence[str]) -> pa.Array:
    """A 64-bit key of each span, given the key of its trace; of an empty identifier nothing.

    Keys of traces are spread over all numbers first (the finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014): identifiers that are
    counted on, as some tracers do, must not meet those of other traces.
    """
    spread = traces.fill_null(0).to_numpy().view(np.uint64)
    for shift, factor in _SPREAD:
        spread = (spread ^ (spread >> shift)) * factor
    return pc.bit_wise_xor(pa.array((spread ^ (spread >> np.uint64(31))).view(np.int64)), keys(identifiers))


def _key(text: str) -> int:
    if len(text) <= 32 and _HEX.issuperset(text):
        number = int(text[-16:], 16)
    else:
        number = int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return number - (1 << 64) if number >> 63 else number


def _keyed(given: pa.Table) -> pa.Table:
    trace = keys(given["trace_id"].to_pylist())
    span, parent = (span_keys(trace, given[name].to_pylist()) for name in ("span_id", "parent_id"))
    return pa.table([*(given[field.name] for field in _GIVEN), trace, span, parent], schema=_KEYED)


def _joined(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables(tables) if tables else schema.empty_table()


def may_be_doubled(file: str) -> bool:
    """Whether some spans share a key, as copies do: sorted numbers tell that in a fifth of the time that grouping takes.

    First halves of the keys alone are sorted; those of the few that share one are looked at whole.
    """
    spread = pq.read_table(file, columns=["skey"])["skey"].to_numpy().view(np.uint64) * _ODD
    high = (spread >> np.uint64(32)).astype(np.uint32)
    is_near = np.zeros(1 << 16, dtype=np.bool_)
    is_near[_shared(high) >> 16] = True
    return bool(len(_shared(spread[is_near[high >> 16]])))


def _shared(numbers: NDArray[Any]) -> NDArray[Any]:
    """Those that are there more than once."""
    ordered = np.sort(numbers)
    shared: NDArray[Any] = ordered[1:][ordered[1:] == ordered[:-1]]
    return shared
