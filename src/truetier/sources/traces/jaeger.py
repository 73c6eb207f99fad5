"""Jaeger's JSON: what its interface and API give, a trace alone, and spans with their process inside, as its stores keep them.

A span's parent is the first reference CHILD_OF within its trace; every other reference is a link, since a trace that follows from
another one does not wait in it. Some exports repeat in each reference the whole span it leads to: those are not spans met again.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from truetier.sources.traces import attributes
from truetier.sources.traces.batch import Batch
from truetier.sources.traces.documents import WRONG, elements, is_absent, pieces
from truetier.telemetry.spans import Outcome, SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truetier.telemetry.spans import Sink

_NOT_A_TRACE = "document that is no Jaeger trace"
_MALFORMED = "malformed span"
_KINDS = {kind.value: kind.value for kind in SpanKind}
_STATUSES = {"error": True, "ok": False}
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_DURATION = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s)")
_FRACTION = re.compile(r"\.([0-9]{1,9})[0-9]*")


class _Tag(Struct, gc=False, rename={"text": "vStr", "flag": "vBool", "number": "vInt64"}):
    key: str | None = None
    value: Any = None
    text: str | None = None
    flag: bool | None = None
    number: int | None = None


class _Log(Struct, gc=False):
    fields: list[_Tag] | None = None


class _Reference(
    Struct, gc=False, rename={"kind": "refType", "trace": "traceID", "span": "spanID", "trace_64": "traceId", "span_64": "spanId"}
):
    kind: str | None = None
    trace: str | None = None
    span: str | None = None
    trace_64: str | None = None
    span_64: str | None = None


class _Process(Struct, gc=False, rename={"service": "serviceName"}):
    service: str | None = None


_NAMES = {
    "trace": "traceID",
    "span": "spanID",
    "trace_64": "traceId",
    "span_64": "spanId",
    "parent": "parentSpanID",
    "name": "operationName",
    "start": "startTime",
    "process_id": "processID",
    "tag_map": "tag",
}


class _Span(Struct, gc=False, rename=_NAMES):
    """A span; identifiers under a name with 64 are in base64, as the JSON of protobuf has them."""

    trace: str | None = None
    span: str | None = None
    trace_64: str | None = None
    span_64: str | None = None
    parent: str | None = None
    name: str | None = None
    start: int | str | None = None
    duration: int | str | None = None
    process_id: str | None = None
    process: _Process | None = None
    references: list[_Reference] | None = None
    tags: list[_Tag] | None = None
    tag_map: dict[str, Any] | None = None
    logs: Raw = Raw()


class _Document(Struct, gc=False, rename={"source": "_source"}):
    data: Raw = Raw()
    spans: Raw = Raw()
    processes: Raw = Raw()
    source: Raw = Raw()


_document = msgspec.json.Decoder(_Document).decode
_span = msgspec.json.Decoder(_Span, strict=False).decode
_processes = msgspec.json.Decoder(dict[str, _Process | None]).decode
_logs = msgspec.json.Decoder(list[_Log], strict=False).decode


def read(stream: IO[bytes], sink: Sink) -> None:
    """Gives every span of the file to the sink."""
    batch = Batch(sink, is_hexadecimal=True)
    for piece in pieces(stream, sink):
        _take(piece, batch, sink)
    batch.flush()


def _take(content: Raw | bytes, batch: Batch, sink: Sink) -> None:
    """An answer, a trace or a span."""
    try:
        document = _document(content)
    except WRONG:
        sink.skip(_NOT_A_TRACE)
        return
    if not is_absent(document.data):
        for trace in _list(document.data, sink):
            _take_trace(trace, batch, sink)
    elif not is_absent(document.spans):
        _take_spans(document, batch, sink)
    else:
        _take_span(content if is_absent(document.source) else document.source, {}, batch, sink)


def _take_trace(content: Raw, batch: Batch, sink: Sink) -> None:
    try:
        _take_spans(_document(content), batch, sink)
    except WRONG:
        sink.skip(_NOT_A_TRACE)


def _take_spans(trace: _Document, batch: Batch, sink: Sink) -> None:
    try:
        known = {} if is_absent(trace.processes) else _processes(trace.processes)
    except WRONG:
        known = {}
    services = {name: process.service or "" for name, process in known.items() if process is not None}
    for raw in _list(trace.spans, sink):
        _take_span(raw, services, batch, sink)


def _list(raw: Raw, sink: Sink) -> list[Raw]:
    found = [] if is_absent(raw) else elements(raw)
    if found is None:
        sink.skip(_NOT_A_TRACE)
    return found or []


def _take_span(raw: Raw | bytes, services: dict[str, str], batch: Batch, sink: Sink) -> None:
    try:
        span = _span(raw)
        times = _start(span.start), _duration(span.duration)
    except WRONG:
        sink.skip(_MALFORMED)
        return
    told, kind, is_error, text = _told(span)
    has_failed = attributes.is_failed(kind, is_error, told)
    service = services.get(span.process_id or "", "") if span.process is None else span.process.service or ""
    trace, own = span.trace or span.trace_64 or "", span.span or span.span_64 or ""
    batch.add(
        (trace, own, _parent(span, trace)),
        service=service,
        name=span.name or "",
        kind=kind,
        times=times,
        outcome=attributes.failure(told, f"{text}\n{_complaints(span.logs)}") if has_failed else Outcome.OK.value,
        peer=attributes.peer(kind, told),
    )
    parent_is_found = False
    for reference in span.references or ():
        to_trace, to_span = reference.trace or reference.trace_64, reference.span or reference.span_64
        if not parent_is_found and _is_parent(reference, trace):
            parent_is_found = True
        else:
            batch.link(service, to_trace, to_span)


def _is_parent(reference: _Reference, trace: str) -> bool:
    return reference.kind != "FOLLOWS_FROM" and (reference.trace or reference.trace_64) == trace


def _parent(span: _Span, trace: str) -> str:
    for reference in span.references or ():
        if _is_parent(reference, trace):
            return reference.span or reference.span_64 or ""
    return span.parent or ""


def _told(span: _Span) -> tuple[attributes.Told, str, bool | None, str]:
    """What the tags say: attributes, kind, whether the status is an error, and its description."""
    told: attributes.Told = {}
    kind, is_error, text = "", None, ""
    for key, value in _tags(span):
        meaning = attributes.MEANINGS.get(key)
        if meaning is not None:
            told[meaning] = value
        elif key == "span.kind":
            kind = _KINDS.get(str(value).lower(), "")
        elif key == "otel.status_code":
            is_error = _STATUSES.get(str(value).lower())
    return told, kind, is_error, text


def _tags(span: _Span) -> Iterable[tuple[str, attributes.Value]]:
    for tag in span.tags or ():
        yield tag.key or "", _plain(tag)
    for key, value in (span.tag_map or {}).items():
        yield key.replace("@", "."), _scalar(value)


def _plain(tag: _Tag) -> attributes.Value:
    for value in (tag.text, tag.flag, tag.number):
        if value is not None:
            return value
    return _scalar(tag.value)


def _scalar(value: object) -> attributes.Value:
    return value if isinstance(value, (str, int, float)) else ""


def _complaints(raw: Raw) -> str:
    """What the logs of a failed span say."""
    try:
        logs = [] if is_absent(raw) else _logs(raw)
    except WRONG:
        return ""
    return "\n".join(str(_plain(field)) for log in logs for field in log.fields or ())


def _start(text: int | str | None) -> int:
    """Nanoseconds since 1970 of a number of microseconds or a date. Raises ValueError."""
    number = _of_microseconds(text)
    if number is not None:
        return number
    assert isinstance(text, str), "what is no number is a text"
    fraction = _FRACTION.search(text)
    nanoseconds = int(fraction.group(1).ljust(9, "0")) if fraction else 0
    moment = datetime.fromisoformat(_FRACTION.sub("", text))
    whole = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(whole.timestamp()) * 1_000_000_000 + nanoseconds


def _duration(text: int | str | None) -> int:
    """Nanoseconds of a number of microseconds or of 5000ns, 1.5s. Raises ValueError."""
    number = _of_microseconds(text)
    if number is not None:
        return number
    found = _DURATION.fullmatch(str(text))
    if found is None:
        raise ValueError(text)
    whole, _, fraction = found.group(1).partition(".")
    unit = _UNITS[found.group(2)]
    return int(whole) * unit + (int(fraction.ljust(9, "0")) * unit // 1_000_000_000 if fraction else 0)


def _of_microseconds(text: int | str | None) -> int | None:
    """Nanoseconds of a number of microseconds, nought where there is none; None for another text."""
    if text is None or isinstance(text, int):
        return (text or 0) * 1000
    return int(text) * 1000 if text.isdecimal() and text.isascii() else None
