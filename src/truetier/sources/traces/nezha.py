"""Spans and logs of one minute as the Nezha data sets have them: spans without kind and status, and the log lines written in them.

That a request failed is known only where a log line of its span says so. One that names who could not be reached is the plainest
evidence there is of a hard dependency: the callee has no span then, and the trace alone cannot show it.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from truetier.sources.traces.batch import FULL, Batch, clean, identifier
from truetier.sources.traces.error_text import unreachable_in
from truetier.sources.traces.rows import MALFORMED, rows
from truetier.telemetry.spans import Outcome, SpanKind

if TYPE_CHECKING:
    from truetier.telemetry.spans import Sink

SPANS = frozenset({"TraceID", "SpanID", "ParentID", "PodName", "OperationName", "StartTimeUnixNano", "EndTimeUnixNano"})
LOGS = frozenset({"TimeUnixNano", "PodName", "TraceID", "SpanID", "Log"})
_NO_PARENT = "root"
_FAILED = ("threw exception", "with root cause")


def read_spans(stream: IO[bytes], sink: Sink) -> None:
    """Gives every span of the file to the sink."""
    batch = Batch(sink, is_hexadecimal=True)
    for row in rows(stream, sink, SPANS):
        try:
            start, end = int(row["StartTimeUnixNano"]), int(row["EndTimeUnixNano"])
        except ValueError:
            sink.skip(MALFORMED)
            continue
        batch.add(
            (row["TraceID"], row["SpanID"], "" if row["ParentID"] == _NO_PARENT else row["ParentID"]),
            service=_service(row["PodName"]),
            name=row["OperationName"],
            kind=SpanKind.UNKNOWN.value,
            times=(start, end - start),
            outcome=Outcome.UNRECORDED.value,
        )
    batch.flush()


def read_logs(stream: IO[bytes], sink: Sink) -> None:
    """Gives what log lines say of failures to the sink."""
    failed: list[tuple[str, str]] = []
    missing: list[tuple[str, str, str]] = []
    for row in rows(stream, sink, LOGS):
        text = row["Log"]
        if not any(words in text for words in _FAILED):
            continue
        trace, span = identifier(row["TraceID"]), identifier(row["SpanID"])
        if not trace or not span:
            continue
        failed.append((trace, span))
        callee = unreachable_in(text)
        if callee:
            missing.append((trace, span, clean(callee)))
        if len(failed) >= FULL:
            sink.failed(failed)
            sink.missing(missing)
            failed, missing = [], []
    sink.failed(failed)
    sink.missing(missing)


def _service(pod: str) -> str:
    """The name of a pod without what its replica set and itself add to it."""
    return "-".join(pod.split("-")[:-2]) or pod
