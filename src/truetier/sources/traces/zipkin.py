"""Zipkin's JSON, version 1 with annotations and version 2.

Zipkin lets the two ends of a call share one identifier: in version 1 one object may even carry both. Here each end is a span of its
own. The client keeps the identifier; the server gets one made from it and stands below the client; and what stood below the shared
identifier stands below the server, which did that work, unless it is work of the client's own service.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from truetier.record import NamedTuple
from truetier.sources.traces import attributes
from truetier.sources.traces.batch import Batch, identifier
from truetier.sources.traces.documents import WRONG, documents, elements, mended
from truetier.telemetry.spans import Outcome, SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truetier.telemetry.spans import Sink

_NOT_SPANS = "document that is no list of Zipkin spans"
_MALFORMED = "malformed span"
_SERVER_END = "-server"
_NAMELESS = "unknown"
_KINDS = {kind.name: kind.value for kind in SpanKind if kind.value}
_CLIENT, _SERVER, _INTERNAL = SpanKind.CLIENT.value, SpanKind.SERVER.value, SpanKind.INTERNAL.value
_ENDS = {"cs": _CLIENT, "cr": _CLIENT, "sr": _SERVER, "ss": _SERVER}
_PEERS = {"sa": _CLIENT}


class _Endpoint(Struct, gc=False, rename={"service": "serviceName"}):
    service: str | None = None
    ipv4: str | None = None


class _Annotation(Struct, gc=False):
    timestamp: int | None = None
    value: str | None = None
    endpoint: _Endpoint | None = None


class _Binary(Struct, gc=False):
    key: str | None = None
    value: str | int | float | bool | None = None
    endpoint: _Endpoint | None = None


class _Span(Struct, gc=False, rename="camel"):
    trace_id: str | None = None
    id: str | None = None
    parent_id: str | None = None
    name: str | None = None
    kind: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    shared: bool | None = None
    local_endpoint: _Endpoint | None = None
    remote_endpoint: _Endpoint | None = None
    tags: dict[str, str | int | float | bool | None] | None = None
    annotations: list[_Annotation] | None = None
    binary_annotations: list[_Binary] | None = None


class _End(NamedTuple):
    """One end of a call, or work that is none."""

    trace: str
    span: str
    parent: str
    service: str
    name: str
    kind: str
    start_us: int
    duration_us: int
    told: attributes.Told
    peer: str


_span = msgspec.json.Decoder(_Span, strict=False).decode


def read(stream: IO[bytes], sink: Sink) -> None:
    """Gives every span of the file to the sink."""
    batch = Batch(sink)
    for document in documents(stream, sink):
        found = elements(document)
        if found is None:
            closed = mended(document, sink)
            found = None if closed is None else elements(closed)
        if found is not None:
            _take(_flat(found, sink), batch, sink)
    batch.flush()


def _flat(pieces: Iterable[Raw], sink: Sink) -> Iterator[Raw]:
    """The spans of a list, or of a list of traces that are lists."""
    for piece in pieces:
        inner = elements(piece) if bytes(memoryview(piece)[:1]) == b"[" else (piece,)
        if inner is None:
            sink.skip(_NOT_SPANS)
            continue
        yield from inner


def _take(pieces: Iterable[Raw], batch: Batch, sink: Sink) -> None:
    """All spans of a document: whether an identifier is shared shows only when all are there."""
    ends: list[_End] = []
    for raw in pieces:
        try:
            span = _span(raw)
        except WRONG:
            sink.skip(_MALFORMED)
            continue
        ends += _of_version_2(span) if span.annotations is None and span.binary_annotations is None else _of_version_1(span)
    clients = {(end.trace, end.span): end.service for end in ends if end.kind == _CLIENT}
    servers = {(end.trace, end.span) for end in ends if end.kind == _SERVER and (end.trace, end.span) in clients}
    for end in ends:
        _add(_apart(end, clients, servers), batch)


def _apart(end: _End, clients: dict[tuple[str, str], str], servers: set[tuple[str, str]]) -> _End:
    """The same with an identifier that no other end has, below what did the work around it."""
    if end.kind == _SERVER and (end.trace, end.span) in servers:
        return end._replace(span=end.span + _SERVER_END, parent=end.span)
    above = end.trace, end.parent
    return end._replace(parent=end.parent + _SERVER_END) if above in servers and clients[above] != end.service else end


def _add(end: _End, batch: Batch) -> None:
    outcome = attributes.failure(end.told) if attributes.is_failed(end.kind, None, end.told) else Outcome.OK.value
    batch.add(
        (end.trace, end.span, end.parent),
        service=_named(end.service),
        name=end.name,
        kind=end.kind,
        times=(end.start_us * 1000, end.duration_us * 1000),
        outcome=outcome,
        peer=end.peer or attributes.peer("", end.told),  # hosts are not told from the callee's own address
    )


def _of_version_2(span: _Span) -> Iterator[_End]:
    kind = _KINDS.get((span.kind or "").upper(), _INTERNAL)
    trace, own, parent = _identity(span)
    peer = _service(span.remote_endpoint) if kind in (_CLIENT, SpanKind.PRODUCER.value) else ""
    told = _told((span.tags or {}).items())
    yield _End(
        trace, own, parent, _service(span.local_endpoint), span.name or "", kind, span.timestamp or 0, span.duration or 0, told, peer
    )


def _of_version_1(span: _Span) -> Iterator[_End]:
    """Each end that left annotations; without any, the work is internal to whoever described it."""
    trace, own, parent = _identity(span)
    times: dict[str, dict[str, int]] = {}
    services: dict[str, str] = {}
    for annotation in span.annotations or ():
        end = _ENDS.get(annotation.value or "")
        if end is not None:
            times.setdefault(end, {})[annotation.value or ""] = annotation.timestamp or 0
            services[end] = services.get(end) or _service(annotation.endpoint)
    binaries = span.binary_annotations or []
    if not times:
        service = next(filter(None, (_service(each.endpoint) for each in (*binaries, *(span.annotations or ())))), "")
        kinds = [(_INTERNAL, service, span.timestamp or 0, span.duration or 0)]
    else:
        kinds = [(end, services[end], *_interval(span, times[end], is_only=len(times) == 1)) for end in times]
    for kind, service, start, duration in kinds:
        peer = next((_service(each.endpoint) for each in binaries if _PEERS.get(each.key or "") == kind), "")
        told = _told((each.key or "", each.value) for each in binaries if each.key not in ("sa", "ca"))  # of the call: of both its ends
        yield _End(trace, own, parent, service, span.name or "", kind, start, duration, told, peer)


def _interval(span: _Span, times: dict[str, int], *, is_only: bool) -> tuple[int, int]:
    """Start and duration of one end: its own annotations, else what the span as a whole says."""
    begin, end = times.get("cs", times.get("sr")), times.get("cr", times.get("ss"))
    if begin is None or (is_only and span.timestamp):
        begin = span.timestamp or begin or end or 0
    if is_only and span.duration is not None:
        return begin, span.duration
    return begin, max(0, (end if end is not None else begin + (span.duration or 0)) - begin)


def _identity(span: _Span) -> tuple[str, str, str]:
    """Trace, span and parent, as numbers; a trace of 128 bits is known to old libraries by half of them."""
    trace, own, parent = (identifier(text or "") for text in (span.trace_id, span.id, span.parent_id))
    return trace[-16:], own, "" if parent == own else parent


def _service(endpoint: _Endpoint | None) -> str:
    return "" if endpoint is None else endpoint.service or ""


def _named(service: str) -> str:
    """Zipkin allows a span without a service; what it calls and who calls it is of use all the same."""
    return service or _NAMELESS


def _told(found: Iterable[tuple[str, str | int | float | bool | None]]) -> attributes.Told:
    told: attributes.Told = {}
    for key, value in found:
        meaning = attributes.MEANINGS.get(key)
        if meaning is not None:
            told[meaning] = "" if value is None else value
    return told
