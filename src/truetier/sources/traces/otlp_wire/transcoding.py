"""An OTLP request in JSON as the same in protobuf."""

from __future__ import annotations

from typing import cast

import msgspec
from msgspec import Raw, Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from truetier.errors import SourceError
from truetier.sources.traces.batch import identifier
from truetier.sources.traces.documents import WRONG

_KINDS = {name: number for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))}
_CODES = {"UNSET": 0, "OK": 1, "ERROR": 2}


class _Value(Struct, rename="camel"):
    string_value: str | None = None
    int_value: int | None = None
    bool_value: bool | None = None
    double_value: float | None = None
    array_value: _Values | None = None
    kvlist_value: _Pairs | None = None


class _Values(Struct):
    values: list[_Value] | None = None


class _Pair(Struct):
    key: str = ""
    value: _Value | None = None


class _Pairs(Struct):
    values: list[_Pair] | None = None


class _Event(Struct):
    name: str | None = None
    attributes: list[_Pair] | None = None


class _Link(Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None


class _Status(Struct):
    code: int | str | None = None
    message: str | None = None


class _Span(Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: int | None = None
    end_time_unix_nano: int | None = None
    attributes: list[_Pair] | None = None
    status: _Status | None = None
    links: list[_Link] | None = None
    events: list[_Event] | None = None


class _Resource(Struct):
    attributes: list[_Pair] | None = None


class _Scope(Struct):
    spans: list[Raw] | None = None


class _OfResource(Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_Scope] | None = None


class _Request(Struct, rename="camel"):
    resource_spans: list[_OfResource] | None = None


# Not strict: 64-bit integers are text in JSON, as protobuf has it.
_request = msgspec.json.Decoder(_Request, strict=False).decode
_span = msgspec.json.Decoder(_Span, strict=False).decode


def to_protobuf(document: bytes) -> tuple[bytes, int]:
    """The request in protobuf, and how many malformed spans it held, which are left out. Raises SourceError for what is no request."""
    made = ExportTraceServiceRequest()
    malformed = 0
    try:
        for given in _request(document).resource_spans or ():
            of_resource = made.resource_spans.add()
            _add_pairs(given.resource.attributes if given.resource else None, of_resource.resource.attributes)
            for scope in given.scope_spans or ():
                spans = of_resource.scope_spans.add().spans
                for raw in scope.spans or ():
                    span = _made(raw)
                    if span is None:
                        malformed += 1
                    else:
                        spans.append(span)
    except WRONG as error:
        raise SourceError(f"the body is no ExportTraceServiceRequest in JSON: {error}") from None
    return bytes(made.SerializeToString()), malformed


def _made(raw: Raw) -> Span | None:
    """The span, or nothing where it is malformed."""
    span = Span()
    try:
        given = _span(raw)
        span.trace_id = _identity(given.trace_id)
        span.span_id = _identity(given.span_id)
        span.parent_span_id = _identity(given.parent_span_id)
        span.name = given.name or ""
        span.kind = cast("Span.SpanKind.ValueType", _number(given.kind, "SPAN_KIND_", _KINDS))
        span.start_time_unix_nano = given.start_time_unix_nano or 0
        span.end_time_unix_nano = given.end_time_unix_nano or 0
        _add_pairs(given.attributes, span.attributes)
        if given.status is not None:
            span.status.code = cast("Status.StatusCode.ValueType", _number(given.status.code, "STATUS_CODE_", _CODES))
            span.status.message = given.status.message or ""
        for link in given.links or ():
            span.links.add(trace_id=_identity(link.trace_id), span_id=_identity(link.span_id))
        for event in given.events or ():
            _add_pairs(event.attributes, span.events.add(name=event.name or "").attributes)
    except WRONG:
        return None
    return span


def _identity(given: str | None) -> bytes:
    """Hexadecimal, as OTLP has it in JSON, or base64, as others have. Raises ValueError for what is neither."""
    return bytes.fromhex(identifier(given or ""))


def _number(given: int | str | None, prefix: str, known: dict[str, int]) -> int:
    """An enumeration by number or name. Raises ValueError for a name that is none."""
    text = str(given or 0)
    name = text.removeprefix(prefix)
    return known[name] if name in known else int(text)


def _add_pairs(given: list[_Pair] | None, target: list[KeyValue]) -> None:
    target.extend(KeyValue(key=pair.key, value=_value(pair.value)) for pair in given or ())


def _value(given: _Value | None) -> AnyValue:
    if given is None:
        return AnyValue()
    if given.string_value is not None:
        return AnyValue(string_value=given.string_value)
    if given.bool_value is not None:
        return AnyValue(bool_value=given.bool_value)
    if given.int_value is not None:
        return AnyValue(int_value=given.int_value)
    if given.double_value is not None:
        return AnyValue(double_value=given.double_value)
    made = AnyValue()
    if given.array_value is not None:
        made.array_value.values.extend(_value(value) for value in given.array_value.values or ())
    elif given.kvlist_value is not None:
        _add_pairs(given.kvlist_value.values, made.kvlist_value.values)
    return made
