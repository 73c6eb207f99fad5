"""Spans of SkyWalking as rows: entry, exit and local spans, times in milliseconds, and whether there was an error."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from truetier.sources.traces.batch import Batch
from truetier.sources.traces.rows import MALFORMED, rows
from truetier.telemetry.spans import Outcome, SpanKind

if TYPE_CHECKING:
    from truetier.telemetry.spans import Sink

COLUMNS = frozenset({"StartTime", "EndTime", "URL", "SpanType", "Service", "SpanId", "TraceId", "Peer", "ParentSpan", "IsError"})
_KINDS = {"entry": SpanKind.SERVER.value, "exit": SpanKind.CLIENT.value, "local": SpanKind.INTERNAL.value}
_OF_QUEUES = {"entry": SpanKind.CONSUMER.value, "exit": SpanKind.PRODUCER.value}  # of components such as kafka-producer
_CALLING = frozenset({SpanKind.CLIENT.value, SpanKind.PRODUCER.value})
_MILLISECOND = 1_000_000
_NO_PARENT = "-1"


def read(stream: IO[bytes], sink: Sink) -> None:
    """Gives every span of the file to the sink."""
    batch = Batch(sink)
    for row in rows(stream, sink, COLUMNS):
        try:
            start, end = int(row["StartTime"]), int(row["EndTime"])
        except ValueError:
            sink.skip(MALFORMED)
            continue
        kinds = _OF_QUEUES if row.get("Component", "").endswith(("-producer", "-consumer")) else _KINDS
        kind = kinds.get(row["SpanType"].lower(), SpanKind.UNKNOWN.value)
        batch.add(
            (row["TraceId"], row["SpanId"], "" if row["ParentSpan"] == _NO_PARENT else row["ParentSpan"]),
            service=row["Service"],
            name=row["URL"],
            kind=kind,
            times=(start * _MILLISECOND, (end - start) * _MILLISECOND),
            outcome=(Outcome.ERROR if row["IsError"].lower() == "true" else Outcome.OK).value,
            peer=row["Peer"] if kind in _CALLING else "",
        )
    batch.flush()
