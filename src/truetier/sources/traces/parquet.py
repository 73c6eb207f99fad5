"""Parquet: our own span table, and the columns of ``otel_traces`` that the OpenTelemetry exporter to ClickHouse makes."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from truetier.sources.traces import attributes
from truetier.sources.traces.batch import Batch
from truetier.sources.traces.otlp import STATUSES
from truetier.telemetry.spans import Columns, Outcome, SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truetier.telemetry.spans import Sink

_ROWS = 20_000
_OWN = tuple(Columns.__slots__)
_CLICKHOUSE = ("TraceId", "SpanId", "ParentSpanId", "SpanName", "SpanKind", "ServiceName", "Duration", "Timestamp", "StatusCode")
_MORE = ("StatusMessage", "SpanAttributes", "Links.TraceId", "Links.SpanId")
_UNREADABLE = "Parquet file that cannot be read"
_OF_OTHERS = "Parquet file with other columns"
_KINDS = {kind.name: kind.value for kind in SpanKind if kind.value}
_NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def read(stream: IO[bytes], sink: Sink) -> None:
    """Gives every span of the file to the sink."""
    try:
        file = pq.ParquetFile(stream)
        names = set(file.schema_arrow.names)
        if names.issuperset(_OWN):
            for rows in file.iter_batches(_ROWS, columns=list(_OWN)):
                _take_own(rows, sink)
        elif names.issuperset(_CLICKHOUSE):
            chosen = [*_CLICKHOUSE, *(name for name in _MORE if name in names)]
            batch = Batch(sink, is_hexadecimal=True)
            for rows in file.iter_batches(_ROWS, columns=chosen):
                _take_clickhouse(rows, batch)
            batch.flush()
        else:
            sink.skip(_OF_OTHERS)
    except (pa.ArrowException, OSError, ValueError):
        sink.skip(_UNREADABLE)


def _take_own(rows: pa.RecordBatch, sink: Sink) -> None:
    texts = {"start_ns": pa.int64(), "duration_ns": pa.int64()}
    columns = {}
    for name in _OWN:
        wanted = texts.get(name, pa.string())
        column = rows.column(rows.schema.get_field_index(name)).cast(wanted)
        columns[name] = column.fill_null(0 if wanted == pa.int64() else "")
    sink.table(pa.table(columns))


def _take_clickhouse(rows: pa.RecordBatch, batch: Batch) -> None:
    starts = _nanoseconds(rows.column(rows.schema.get_field_index("Timestamp")))
    for row, start in zip(rows.to_pylist(), starts, strict=True):
        kind = _KINDS.get(str(row["SpanKind"] or "").upper().removeprefix("SPAN_KIND_"), "")
        status = str(row["StatusCode"] or "").upper()
        is_error = STATUSES.get(status, STATUSES.get(f"STATUS_CODE_{status}"))
        told = _told(row.get("SpanAttributes"))
        text = row.get("StatusMessage") or ""
        batch.add(
            (row["TraceId"] or "", row["SpanId"] or "", row["ParentSpanId"] or ""),
            service=row["ServiceName"] or "",
            name=row["SpanName"] or "",
            kind=kind,
            times=(start or 0, int(row["Duration"] or 0)),
            outcome=attributes.failure(told, text) if attributes.is_failed(kind, is_error, told) else Outcome.OK.value,
            peer=attributes.peer(kind, told),
        )
        for trace, span in zip(row.get("Links.TraceId") or (), row.get("Links.SpanId") or (), strict=False):
            batch.link(row["ServiceName"] or "", trace, span)


def _nanoseconds(column: pa.Array) -> list[int | None]:
    """Times as numbers; a column of plain numbers holds them already."""
    if not pa.types.is_timestamp(column.type):
        return [None if number is None else int(number) for number in column.to_pylist()]
    factor = _NANOSECONDS[column.type.unit]
    return [None if number is None else number * factor for number in column.cast(pa.int64()).to_pylist()]


def _told(found: Mapping[str, Any] | Iterable[tuple[str, Any]] | None) -> attributes.Told:
    told: attributes.Told = {}
    for key, value in dict(found or ()).items():
        meaning = attributes.MEANINGS.get(key)
        if meaning is not None and isinstance(value, (str, int, float)):
            told[meaning] = value
    return told
