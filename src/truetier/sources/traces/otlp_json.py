"""OTLP as JSON: what the collector's file exporter appends line by line, a request saved whole, and a trace as Tempo gives it.

Structs say which fields there are, so that nothing else is built: dictionaries cost more than parsing does. A request is decoded at
once; one that is large or holds something malformed is taken apart, down to single spans, and what is sound is used.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from truetier.sources.traces import attributes, kernel
from truetier.sources.traces.batch import FULL, Batch
from truetier.sources.traces.documents import WRONG, documents, elements, is_absent, is_whole, mended
from truetier.sources.traces.otlp import KINDS, SERVICE_NAME, STATUSES
from truetier.telemetry.spans import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truetier.telemetry.spans import Columns, Sink

_LARGE = 4 * 1024 * 1024  # bytes of a request that is taken apart instead of decoded at once
_OK = Outcome.OK.value
_NOT_A_REQUEST = "document that is no OTLP request"
_MALFORMED = "malformed span"


_NONE = Raw(b"[]")


class _Value(Struct, gc=False, rename="camel"):
    string_value: str | None = None
    int_value: int | None = None
    bool_value: bool | None = None
    double_value: float | str | None = None


class _Attribute(Struct, gc=False):
    key: str | None = None
    value: Raw = Raw()  # decoded only where it is looked at


class _Event(Struct, gc=False):
    name: str | None = None
    attributes: list[_Attribute] | None = None


class _Link(Struct, gc=False, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None


class _Status(Struct, gc=False):
    code: int | str | None = None
    message: str | None = None


class _Span(Struct, gc=False, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: int | None = None
    end_time_unix_nano: int | None = None
    attributes: Raw = _NONE
    status: _Status | None = None
    links: list[_Link] | None = None
    events: Raw = Raw()  # decoded only for a span that failed


class _Resource(Struct, gc=False):
    attributes: list[_Attribute] | None = None


class _Scope(Struct, gc=False):
    spans: list[_Span] | None = None


class _OfResource(Struct, gc=False, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_Scope] | None = None
    instrumentation_library_spans: list[_Scope] | None = None


class _Request(Struct, gc=False, rename="camel"):
    resource_spans: list[_OfResource] | None = None
    batches: list[_OfResource] | None = None
    trace: _Request | None = None


class _RoughScope(Struct, gc=False):
    spans: Raw = Raw()


class _RoughOfResource(Struct, gc=False, rename="camel"):
    resource: Raw = Raw()
    scope_spans: Raw = Raw()
    instrumentation_library_spans: Raw = Raw()


class _RoughRequest(Struct, gc=False, rename="camel"):
    resource_spans: Raw = Raw()
    batches: Raw = Raw()
    trace: Raw = Raw()


# Not strict: 64-bit integers are text in JSON, as protobuf has it.
_request = msgspec.json.Decoder(_Request, strict=False).decode
_resource = msgspec.json.Decoder(_Resource, strict=False).decode
_of_resource = msgspec.json.Decoder(_OfResource, strict=False).decode
_value = msgspec.json.Decoder(_Value | None, strict=False).decode
_attributes = msgspec.json.Decoder(list[_Attribute] | None).decode
_span = msgspec.json.Decoder(_Span, strict=False).decode
_events = msgspec.json.Decoder(list[_Event], strict=False).decode
_rough_request = msgspec.json.Decoder(_RoughRequest).decode
_rough_of_resource = msgspec.json.Decoder(_RoughOfResource).decode
_rough_scope = msgspec.json.Decoder(_RoughScope).decode


def read(stream: IO[bytes], sink: Sink) -> None:
    """Gives every span of the file to the sink."""
    batch = Batch(sink, is_hexadecimal=True)
    for document in documents(stream, sink):
        request = None
        if len(document) <= _LARGE:
            try:
                request = _request(document)
            except WRONG:
                request = None
        if request is None:
            _take_apart(document, batch, sink)
        else:
            _add_request(request, batch)
    batch.flush()


def _add_request(request: _Request, batch: Batch) -> None:
    for of_resource in (*(request.resource_spans or ()), *(request.batches or ())):
        _add_of_resource(of_resource, batch)
    if request.trace is not None:
        _add_request(request.trace, batch)


def _add_of_resource(of_resource: _OfResource, batch: Batch) -> None:
    service = _service(of_resource.resource)
    for scope in (*(of_resource.scope_spans or ()), *(of_resource.instrumentation_library_spans or ())):
        _add(scope.spans or (), service, batch)


def _service(resource: _Resource | None) -> str:
    """The name of the service; empty where there is none or it is malformed."""
    for attribute in (resource and resource.attributes) or ():
        if attribute.key == SERVICE_NAME:
            try:
                return str(plain(attribute.value))
            except WRONG:
                return ""
    return ""


def _add(spans: Sequence[_Span], service: str, batch: Batch) -> None:
    """Column by column, which takes less time than span by span."""
    for first in range(0, len(spans), FULL):
        _add_some(spans[first : first + FULL] if len(spans) > FULL else spans, service, batch)
        batch.flush_if_full()


def _add_some(spans: Sequence[_Span], service: str, batch: Batch) -> None:
    try:
        told = [_told(span.attributes) for span in spans]
    except WRONG:
        spans, told = _sound(spans, batch.sink)
    columns = batch.columns
    kinds = [KINDS.get(span.kind, "") for span in spans]
    starts = [span.start_time_unix_nano or 0 for span in spans]
    columns.trace_id += [span.trace_id or "" for span in spans]
    columns.span_id += [span.span_id or "" for span in spans]
    columns.parent_id += [span.parent_span_id or "" for span in spans]
    columns.service += [service] * len(spans)
    columns.name += [span.name or "" for span in spans]
    columns.kind += kinds
    columns.start_ns += starts
    columns.duration_ns += [(span.end_time_unix_nano or start) - start for span, start in zip(spans, starts, strict=True)]
    _add_told(spans, kinds, told, columns)
    for span in spans:
        if span.links:
            for link in span.links:
                batch.link(service, link.trace_id, link.span_id)


def _sound(spans: Sequence[_Span], sink: Sink) -> tuple[list[_Span], list[attributes.Told]]:
    """Those spans whose attributes can be read, and what these say; counts the others."""
    sound, said = [], []
    for span in spans:
        try:
            said.append(_told(span.attributes))
        except WRONG:
            sink.skip(_MALFORMED)
        else:
            sound.append(span)
    return sound, said


def _told(raw: Raw) -> attributes.Told:
    found = _FINDER.told(raw)
    if found is None:
        found = {}
        for attribute in _attributes(raw) or ():
            meaning = attributes.MEANINGS.get(attribute.key or "")
            if meaning is not None:
                found[meaning] = plain(attribute.value)
    return found


def _add_told(spans: Sequence[_Span], kinds: Sequence[str], said: Sequence[attributes.Told], columns: Columns) -> None:
    """What status and attributes say: outcome and peer."""
    is_failed, peer = attributes.is_failed, attributes.peer
    outcomes, peers = columns.outcome.append, columns.peer.append
    for span, kind, told in zip(spans, kinds, said, strict=True):
        status = span.status
        is_error = STATUSES.get(status.code) if status is not None else None
        if is_error or (told and is_failed(kind, is_error, told)):
            outcomes(attributes.failure(told, _complaints(span)))
        else:
            outcomes(_OK)
        peers(peer(kind, told) if told else "")


def plain(raw: Raw | bytes) -> attributes.Value:
    """The value of an attribute; an empty text for one that is absent, or holds no single value. Raises what is in WRONG."""
    value: _Value | None = _value(raw) if memoryview(raw).nbytes else None
    if value is None:
        return ""
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return value.int_value
    if value.bool_value is not None:
        return value.bool_value
    return value.double_value or ""


_FINDER = kernel.Finder(attributes.MEANINGS, plain)


def _complaints(span: _Span) -> str:
    """What a failed span and the exceptions recorded in it say."""
    found = [span.status.message or ""] if span.status is not None else []
    if not memoryview(span.events).nbytes:
        return "\n".join(found)
    try:
        events: Iterable[_Event] = _events(span.events)
    except WRONG:
        events = ()
    for event in events:
        if event.name == "exception":
            found += (str(plain(each.value)) for each in event.attributes or () if each.key in attributes.COMPLAINTS)
    return "\n".join(found)


def _take_apart(document: bytes, batch: Batch, sink: Sink) -> None:
    """The request piece by piece."""
    try:
        request = _rough_request(document)
    except WRONG:
        closed = document if is_whole(document) else mended(document, sink)
        if closed is None:
            return
        try:
            request = _rough_request(closed)
        except WRONG:
            sink.skip(_NOT_A_REQUEST)
            return
    pieces = [*_list(request.resource_spans, sink), *_list(request.batches, sink)]
    for piece in pieces:
        _take_apart_resource(piece, batch, sink)
    if not is_absent(request.trace):
        _take_apart(bytes(request.trace), batch, sink)


def _take_apart_resource(piece: Raw, batch: Batch, sink: Sink) -> None:
    if len(memoryview(piece)) <= _LARGE:
        try:
            _add_of_resource(_of_resource(piece), batch)
        except WRONG:
            pass
        else:
            return
    try:
        of_resource = _rough_of_resource(piece)
    except WRONG:
        sink.skip(_NOT_A_REQUEST)
        return
    try:
        service = _service(_resource(of_resource.resource))
    except WRONG:
        service = ""
    for scope in (*_list(of_resource.scope_spans, sink), *_list(of_resource.instrumentation_library_spans, sink)):
        _take_apart_scope(scope, service, batch, sink)


def _take_apart_scope(scope: Raw, service: str, batch: Batch, sink: Sink) -> None:
    try:
        spans = _rough_scope(scope).spans
    except WRONG:
        sink.skip(_NOT_A_REQUEST)
        return
    for raw in _list(spans, sink):
        try:
            span = _span(raw)
        except WRONG:
            sink.skip(_MALFORMED)
        else:
            _add((span,), service, batch)


def _list(raw: Raw, sink: Sink) -> list[Raw]:
    """The elements where there are any; what is no list is counted."""
    found = [] if is_absent(raw) else elements(raw)
    if found is None:
        sink.skip(_NOT_A_REQUEST)
    return found or []
