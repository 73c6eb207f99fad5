"""Parquet: our own span table, and the columns of ``otel_traces`` that the OpenTelemetry exporter to ClickHouse makes."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from truetier.sources.traces import attributes
from truetier.sources.traces.batch import FULL, LONGEST_TEXT, Batch
from truetier.sources.traces.otlp import STATUSES
from truetier.telemetry.spans import Columns, Outcome, SpanKind

if TYPE_CHECKING:
    from truetier.telemetry.spans import Sink

_OWN = tuple(Columns.__slots__)
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
        file = pq.ParquetFile(stream)
        names = set(file.schema_arrow.names)
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
        for rows in file.iter_batches(FULL, columns=wanted):
            take(rows, batch)
    except _WRONG:
        sink.skip(_DAMAGED_ROWS)
    batch.flush()


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
