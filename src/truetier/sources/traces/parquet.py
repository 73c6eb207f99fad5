"""Parquet: our own span table, and the columns of ``otel_traces`` that the OpenTelemetry exporter to ClickHouse makes."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from truetier.sources.traces import attributes
from truetier.sources.traces.batch import FULL, LONGEST_TEXT, Batch
from truetier.sources.traces.otlp import STATUSES
from truetier.sources.traces.parquet_footer import chunks
from truetier.telemetry.spans import Columns, Outcome, SpanKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from truetier.sources.traces.parquet_footer import Chunk
    from truetier.telemetry.spans import Sink

_OWN = tuple(Columns.__slots__)
_AT_ONCE = 64 * 2**20  # bytes of rows, as far as the file says how large they are
_LONG = LONGEST_TEXT + 1  # characters: what is longer is as much too long as this
_NUMBERS = frozenset({"start_ns", "duration_ns"})
_CLICKHOUSE = frozenset({"TraceId", "SpanId", "ParentSpanId", "SpanName", "ServiceName", "Timestamp", "Duration"})
_MORE = frozenset({"SpanKind", "StatusCode", "StatusMessage", "SpanAttributes", "Links.TraceId", "Links.SpanId"})
_MALFORMED = "malformed span"
_DAMAGED = "damaged Parquet file"
_DAMAGED_ROWS = "rows of a damaged Parquet file"
_OF_OTHERS = "Parquet file without the columns of spans"
_KINDS = {kind.name: kind.value for kind in SpanKind if kind.value}
_NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_WRONG = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError)


def read(stream: IO[bytes], sink: Sink) -> None:
    """Gives every span of the file, which has to be one that can be searched, to the sink."""
    try:
        metadata = pq.read_metadata(stream)
        names = set(metadata.schema.to_arrow_schema().names)
    except _WRONG:
        sink.skip(_DAMAGED)
        return
    if names.issuperset(_OWN):
        take, batch, wanted = _take_own, Batch(sink), list(_OWN)
    elif names.issuperset(_CLICKHOUSE):
        take, batch, wanted = _take_clickhouse, Batch(sink, is_hexadecimal=True), sorted(_CLICKHOUSE | names & _MORE)
    else:
        sink.skip(_OF_OTHERS)
        return
    try:
        columns = [chunk for chunk in chunks(stream) if any(f"{chunk.path}.".startswith(f"{name}.") for name in wanted)]
        longest = _longest_texts(stream, columns)
        # A column that is read like that writes no text out before it is cut; one within another cannot be read like that.
        file = pq.ParquetFile(stream, read_dictionary=[path for path, size in longest.items() if path in names and size > _LONG])
        for rows in file.iter_batches(_rows_at_once(columns, wanted, longest), columns=wanted):
            take(pa.RecordBatch.from_arrays([*map(_short, rows.columns)], rows.schema.names), batch)
    except _WRONG:
        sink.skip(_DAMAGED_ROWS)
    batch.flush()


def _longest_texts(stream: IO[bytes], columns: Iterable[Chunk]) -> dict[str, int]:
    """Of columns whose texts the file keeps once each, however many rows they stand in: the longest, in bytes."""
    once = [chunk for chunk in columns if chunk.is_text and chunk.has_dictionary]
    longest = {chunk.path: 0 for chunk in once}
    file = pq.ParquetFile(stream, read_dictionary=list(longest))
    for chunk in once:
        for first in file.iter_batches(1, row_groups=[chunk.group], columns=[chunk.path]):
            sizes = (_longest(texts) for column in first.columns for texts in _texts_of(column))
            longest[chunk.path] = max(longest[chunk.path], *sizes)
            break  # all texts come with the first row
    return longest


def _texts_of(column: pa.Array) -> Iterator[pa.Array]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield column.dictionary
    elif pa.types.is_map(kind):
        yield from _texts_of(column.keys)
        yield from _texts_of(column.items)
    elif pa.types.is_struct(kind):
        for place in range(kind.num_fields):
            yield from _texts_of(column.field(place))
    elif pa.types.is_list(kind):
        yield from _texts_of(column.values)


def _longest(texts: pa.Array) -> int:
    return pc.max(pc.binary_length(texts)).as_py() or 0


def _rows_at_once(columns: Iterable[Chunk], wanted: Collection[str], longest: Mapping[str, int]) -> int:
    """So many that memory holds them: a row may be large, may be a list, and a text may be the one before it and a bit more."""
    most = FULL
    for chunk in columns:
        values = max(1, chunk.values)
        most = min(most, _AT_ONCE * chunk.rows // max(1, chunk.bytes), FULL * chunk.rows // values)
        if chunk.path not in wanted:  # within another column
            most = min(most, _AT_ONCE * chunk.rows // (values * max(1, longest.get(chunk.path, 0))))
        if chunk.is_delta:
            most = min(most, _AT_ONCE // max(1, chunk.size))
    return max(1, most)


def _short(column: pa.Array) -> pa.Array:
    """The same with its texts written out, each cut before it is written into many rows."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _short(column.dictionary).take(column.indices)
    if not (pa.types.is_string(kind) or pa.types.is_binary(kind)) or _longest(column) <= _LONG:
        return column
    return pc.utf8_slice_codeunits(column, 0, _LONG) if pa.types.is_string(kind) else pc.binary_slice(column, 0, 4 * _LONG)


def _take_own(rows: pa.RecordBatch, batch: Batch) -> None:
    """As columns, but for names that no screen takes."""
    columns = {}
    try:
        for name in _OWN:
            column = rows.column(rows.schema.get_field_index(name))
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.timestamp("ns"))
            columns[name] = column.cast(pa.int64() if name in _NUMBERS else pa.string()).fill_null(0 if name in _NUMBERS else "")
    except pa.ArrowException:
        batch.sink.skip(_MALFORMED, rows.num_rows)
        return
    if all(_is_plain(columns[name]) for name in _OWN if name not in _NUMBERS):
        batch.sink.table(pa.table(columns))
        return
    for name, column in columns.items():
        getattr(batch.columns, name).extend(column.to_pylist())
    batch.flush()


def _is_plain(texts: pa.Array) -> bool:
    return bool(pc.all(pc.and_(pc.utf8_is_printable(texts), pc.less_equal(pc.utf8_length(texts), LONGEST_TEXT)), min_count=0).as_py())


def _take_clickhouse(rows: pa.RecordBatch, batch: Batch) -> None:
    found = {name: _plain(rows.column(place)) for place, name in enumerate(rows.schema.names)}
    for place in range(rows.num_rows):
        row = {name: values[place] for name, values in found.items()}
        start, duration = row["Timestamp"], row["Duration"]
        if not isinstance(start, int) or not isinstance(duration, int):
            batch.sink.skip(_MALFORMED)
            continue
        kind = _KINDS.get(_text(row.get("SpanKind")).upper().removeprefix("SPAN_KIND_"), "")
        status = _text(row.get("StatusCode")).upper()
        is_error = STATUSES.get(status, STATUSES.get(f"STATUS_CODE_{status}"))
        told = _told(row.get("SpanAttributes"))
        service, text = _text(row["ServiceName"]), _text(row.get("StatusMessage"))
        batch.add(
            (_text(row["TraceId"]), _text(row["SpanId"]), _text(row["ParentSpanId"])),
            service=service,
            name=_text(row["SpanName"]),
            kind=kind,
            times=(start, duration),
            outcome=attributes.failure(told, text) if attributes.is_failed(kind, is_error, told) else Outcome.OK.value,
            peer=attributes.peer(kind, told),
        )
        for trace, span in zip(_list(row.get("Links.TraceId")), _list(row.get("Links.SpanId")), strict=False):
            batch.link(service, _text(trace), _text(span))


def _plain(column: pa.Array) -> list[Any]:
    """The values; moments as nanoseconds since 1970."""
    if not pa.types.is_timestamp(column.type):
        values: list[Any] = column.to_pylist()
        return values
    factor = _NANOSECONDS[column.type.unit]
    return [None if number is None else number * factor for number in column.cast(pa.int64()).to_pylist()]


def _told(found: object) -> attributes.Told:
    told: attributes.Told = {}
    for pair in found.items() if isinstance(found, dict) else _list(found):
        if isinstance(pair, tuple) and len(pair) == 2:
            meaning = attributes.MEANINGS.get(_text(pair[0]))
            if meaning is not None:
                told[meaning] = _text(pair[1])
    return told


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """ClickHouse writes its texts as bytes unless told otherwise."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
