"""Requests as services send them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from truetier.sources.traces.attributes import MEANINGS

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


values = st.one_of(
    st.builds(
        lambda text: AnyValue(string_value=text), st.text(max_size=30) | st.sampled_from(["http://a:1/b?c", "timed out", "500", "true"])
    ),
    st.builds(lambda number: AnyValue(int_value=number), st.integers(-(2**63), 2**63 - 1) | st.sampled_from([200, 404, 500, 504])),
    st.builds(lambda truth: AnyValue(bool_value=truth), st.booleans()),
    st.builds(lambda number: AnyValue(double_value=number), st.floats(allow_nan=False)),
    st.builds(lambda text: AnyValue(array_value={"values": [AnyValue(string_value=text)]}), st.text(max_size=5)),  # type: ignore[arg-type]
    st.just(AnyValue()),
)
pairs = st.builds(lambda key, value: KeyValue(key=key, value=value), st.sampled_from([*MEANINGS, "user.email", ""]), values)
events = st.builds(
    lambda name, attributes: Span.Event(name=name, attributes=attributes),
    st.sampled_from(["exception", "log"]),
    st.lists(pairs, max_size=3),
)


traces, identifiers = st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8)
links = st.builds(lambda trace, own: Span.Link(trace_id=trace, span_id=own), traces, identifiers)


@st.composite
def some_spans(draw: st.DrawFn) -> Span:
    """Spans in which everything happens that readers know."""
    made = span(
        draw(st.integers(1, 2**60)),
        name=draw(st.text(max_size=20)),
        kind=draw(st.integers(0, 7)),
        end_time_unix_nano=draw(st.sampled_from([0, START, START + 10**9])),
        attributes=draw(st.lists(pairs, max_size=6, unique_by=lambda pair: pair.key)),
        events=draw(st.lists(events, max_size=2)),
        links=draw(st.lists(links, max_size=2)),
        flags=draw(st.integers(0, 2**32 - 1)),
    )
    if draw(st.booleans()):
        made.status.code = draw(st.sampled_from(Status.StatusCode.values()))
        made.status.message = draw(st.text(max_size=20) | st.sampled_from(["deadline exceeded", "ECONNREFUSED"]))
    return made
