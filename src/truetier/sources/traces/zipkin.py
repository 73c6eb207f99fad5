"""Zipkin's JSON, version 1 with annotations and version 2: lists of spans, lists of such lists, or a span or list on each line.

Zipkin lets the two ends of a call share one identifier: in version 1 one object may even carry both. Here each end is a span of its
own. The client keeps the identifier; the server gets one made from it and stands below the client; and what stood below the shared
identifier stands below the server, which did that work, unless it is work of the client's own service. That an identifier is shared
shows only when both ends were seen, in any order; so spans are held back, up to 200,000, and the ends before those are remembered.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import msgspec
from msgspec import Struct

from truetier.record import NamedTuple
from truetier.sources.traces import attributes
from truetier.sources.traces.batch import Batch, identifier
from truetier.sources.traces.documents import WRONG, elements, pieces
from truetier.telemetry.spans import Outcome, SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truetier.telemetry.spans import Sink

_MALFORMED = "malformed span"
_STRETCH = 200_000  # spans
_NAMELESS = "unknown"
_KINDS = {kind.name: kind.value for kind in SpanKind if kind.value}
_CLIENT, _SERVER, _INTERNAL = SpanKind.CLIENT.value, SpanKind.SERVER.value, SpanKind.INTERNAL.value
_CALLING = frozenset({_CLIENT, SpanKind.PRODUCER.value})
_CALLED = frozenset({_SERVER, SpanKind.CONSUMER.value})
_ENDS = {"cs": _CLIENT, "cr": _CLIENT, "sr": _SERVER, "ss": _SERVER, "ms": SpanKind.PRODUCER.value, "mr": SpanKind.CONSUMER.value}
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
    stretch = _Stretch()
    for end in _ends(stream, sink):
        stretch.add(end)
        if len(stretch.ends) >= _STRETCH:
            stretch.give(batch)
            stretch = _Stretch(stretch)
    stretch.give(batch)
    batch.flush()


class _Stretch:
    """Ends of calls, and work that is none, held back until it is known which identifiers are shared. Keys: trace and span."""

    def __init__(self, before: _Stretch | None = None) -> None:
        self.ends: list[_End] = []
        self.clients: dict[tuple[str, str], str] = {}  # to the service
        self.servers: dict[tuple[str, str], list[str]] = {}
        self.others: dict[tuple[str, str], str] = {}
        self._clients_before = {} if before is None else before.clients
        self._servers_before = {} if before is None else before.servers
        self._others_before = {} if before is None else before.others

    def add(self, end: _End) -> None:
        """Takes an end."""
        self.ends.append(end)
        key = end.trace, end.span
        if end.kind in _CALLING:
            self.clients.setdefault(key, end.service)
        elif end.kind == _INTERNAL:
            self.others.setdefault(key, end.service)
        elif end.service not in self.servers.setdefault(key, []):
            self.servers[key].append(end.service)

    def give(self, batch: Batch) -> None:
        """Gives them all, each with an identifier that no other end has, below what did the work around it."""
        for services in self.servers.values():
            services.sort()  # so that a span that was sent twice has the same name both times
        for end in self.ends:
            own = end.trace, end.span
            if end.kind in _CALLED and self._client(own) is not None:
                _add(end._replace(span=_of_server(end.span, self._servers(own).index(end.service)), parent=end.span), batch)
            else:
                _add(self._below(end), batch)

    def _below(self, end: _End) -> _End:
        """The end below the span that did the work around it, where its identifier is shared."""
        above = end.trace, end.parent
        client, servers = self._client(above), self._servers(above)
        if client is not None and servers and (end.service in servers or end.service != client):
            place = servers.index(end.service) if end.service in servers else 0
            end = end._replace(parent=_of_server(end.parent, place))
            asking = servers[place]
        elif client is not None:
            asking = end.service
        else:
            asking = servers[0] if servers else self.others.get(above, self._others_before.get(above, end.service))
        # Zipkin says no kind of what is no call: right below another service it is where a request comes in.
        return end._replace(kind=_SERVER) if end.kind == _INTERNAL and asking != end.service else end

    def _client(self, key: tuple[str, str]) -> str | None:
        return self.clients.get(key, self._clients_before.get(key))

    def _servers(self, key: tuple[str, str]) -> list[str]:
        return self.servers.get(key) or self._servers_before.get(key, [])


def _of_server(span: str, place: int) -> str:
    """The identifier of the server's end; several services may have answered one call."""
    return f"{span}-server{place or ''}"


def _ends(stream: IO[bytes], sink: Sink) -> Iterator[_End]:
    for piece in pieces(stream, sink):
        inner = elements(piece)
        for raw in (piece,) if inner is None else inner:
            try:
                span = _span(raw)
            except WRONG:
                sink.skip(_MALFORMED)
            else:
                yield from _of_version_1(span) if _is_version_1(span) else _of_version_2(span)


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


def _is_version_1(span: _Span) -> bool:
    """Whether what the span is stands in annotations; version 2 has some too, but they say nothing of that."""
    if span.binary_annotations is not None:
        return True
    return span.kind is None and any(each.endpoint is not None or each.value in _ENDS for each in span.annotations or ())


def _of_version_2(span: _Span) -> Iterator[_End]:
    kind = _KINDS.get((span.kind or "").upper(), _INTERNAL)
    trace, own, parent = _identity(span)
    peer = _service(span.remote_endpoint) if kind in _CALLING else ""
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
    begin = next((times[each] for each in ("cs", "sr", "ms", "mr") if each in times), None)
    end = times.get("cr", times.get("ss"))
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
