"""Requests as services send them."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

START = 1_790_000_000_000_000_000


def request(*spans: Span, service: str = "shop") -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    of_resource = made.resource_spans.add()
    if service:
        of_resource.resource.attributes.add(key="service.name", value=AnyValue(string_value=service))
    of_resource.scope_spans.add().spans.extend(spans)
    return made


def span(number: int = 1, **more: Any) -> Span:  # noqa: ANN401 - fields of the message
    identity = {"trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big")}
    return Span(**{**identity, "name": "GET", "kind": 3, "start_time_unix_nano": START, "end_time_unix_nano": START + 5, **more})


def told(**attributes: str) -> list[KeyValue]:
    return [KeyValue(key=key.replace("__", "."), value=AnyValue(string_value=value)) for key, value in attributes.items()]


def content(*numbers: int) -> bytes:
    """A request of such spans as it is sent."""
    return bytes(request(*map(span, numbers)).SerializeToString())
