"""OTLP as protobuf: one request or a stream of them, and what is malformed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.unit.sources.traces.otlp_wire.requests import request, some_spans, span
from tests.unit.sources.traces.samples import PARENT, SPAN, START, TRACE, framed, otlp_message, otlp_span, text
from tests.unit.sources.traces.sinks import Row, kept
from truetier.sources.traces import otlp_protobuf
from truetier.sources.traces.batch import FULL
from truetier.sources.traces.otlp_wire.kernel import MalformedError

if TYPE_CHECKING:
    from typing import Never

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

ONE = Row(TRACE, SPAN, "", "checkout", "pay", "client", START, 5, "", "")
MESSAGE = otlp_message(otlp_span())
NOT_UTF_8 = b"p\xffy"


def test_one_request_is_read() -> None:
    sink = kept(otlp_protobuf.read, MESSAGE)
    assert (sink.rows, sink.skipped) == ([ONE], {})


def test_requests_behind_their_lengths_are_read() -> None:
    sink = kept(otlp_protobuf.read, framed(MESSAGE, otlp_message(otlp_span(spanId=PARENT, parentSpanId=SPAN), service="cart")))
    assert sink.rows == [ONE, ONE._replace(span_id=PARENT, parent_id=SPAN, service="cart")]


def test_status_attributes_and_exceptions_mean_what_they_mean_in_json() -> None:
    exception = {"name": "exception", "attributes": [text("exception.message", "Connection refused")]}
    spans = [
        otlp_span(status={"code": 2}, events=[exception]),
        otlp_span(attributes=[{"key": "http.response.status_code", "value": {"intValue": "504"}}, text("server.address", "payment")]),
        otlp_span(attributes=[{"key": "error", "value": {"boolValue": True}}, {"key": "peer.service", "value": {"doubleValue": 0.5}}]),
        otlp_span(attributes=[{"key": "error", "value": {"boolValue": False}}, {"key": "peer.service"}]),
    ]
    sink = kept(otlp_protobuf.read, otlp_message(*spans))
    assert [(row.outcome, row.peer) for row in sink.rows] == [("unreachable", ""), ("timeout", "payment"), ("error", "0.5"), ("", "")]


def test_links_lead_to_other_traces() -> None:
    message = otlp_message(otlp_span(links=[{"traceId": "/////////////////////w==", "spanId": "//////////8="}]))
    assert kept(otlp_protobuf.read, message).linked == [("f" * 32, "f" * 16, "checkout")]


@pytest.mark.parametrize("whole", [MESSAGE, framed(MESSAGE)])
def test_what_was_cut_off_is_counted(whole: bytes) -> None:
    for cut in range(1, len(whole)):
        sink = kept(otlp_protobuf.read, whole[:cut])
        assert (sink.rows, sink.skipped.total()) == ([], 1)


def test_the_requests_before_one_that_was_cut_off_are_used() -> None:
    sink = kept(otlp_protobuf.read, framed(MESSAGE, MESSAGE)[:-3])
    assert (sink.rows, sink.skipped) == ([ONE], {"end of a file that was cut off": 1})


def test_text_that_is_no_utf_8_spoils_its_own_span_alone() -> None:
    message = otlp_message(otlp_span(), otlp_span(name="p?y"), otlp_span(spanId=PARENT)).replace(b"p?y", NOT_UTF_8)
    sink = kept(otlp_protobuf.read, message)
    assert (sink.rows, sink.skipped) == ([ONE, ONE._replace(span_id=PARENT)], {"malformed span": 1})


def test_a_resource_that_is_malformed_leaves_its_spans_without_a_service() -> None:
    message = otlp_message(otlp_span(), service="p?y").replace(b"p?y", NOT_UTF_8)
    assert kept(otlp_protobuf.read, message).rows == [ONE._replace(service="")]


@pytest.mark.parametrize("content", [b"\n\x05\xff\xff\xff\xff\xff", b"\n\x02\x12\x09", b"\n\x04\x12\x02\x12\x09"])
def test_what_is_no_request_is_counted(content: bytes) -> None:
    sink = kept(otlp_protobuf.read, content)
    assert (sink.rows, sink.skipped) == ([], {"message that is no OTLP request": 1})


def test_fields_nobody_knows_are_passed_over() -> None:
    unknown = b"\x10\x05\x19abcdefgh\x25abcd\x1a\x01x"
    sink = kept(otlp_protobuf.read, MESSAGE + unknown)
    assert (sink.rows, sink.skipped) == ([ONE], {})


def test_a_message_past_the_limit_is_counted_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    large = otlp_message(otlp_span(name="x" * 500))
    monkeypatch.setattr(otlp_protobuf, "LARGEST", len(large) - 10)
    for content in (framed(large, MESSAGE), large + MESSAGE):
        sink = kept(otlp_protobuf.read, content)
        assert (sink.rows, sink.skipped) == ([ONE], {"message past 256 MiB": 1})


def test_a_large_request_is_read_span_by_span(monkeypatch: pytest.MonkeyPatch) -> None:
    message = otlp_message(otlp_span(), otlp_span(name="x" * 500), otlp_span(spanId=PARENT))
    monkeypatch.setattr(otlp_protobuf, "_LARGE", 400)
    sink = kept(otlp_protobuf.read, message)
    assert (sink.rows, sink.skipped) == ([ONE, ONE._replace(span_id=PARENT)], {"span past 8 MiB": 1})


def test_a_resource_past_the_limit_names_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    message = otlp_message(otlp_span(), service="x" * 1_000)
    monkeypatch.setattr(otlp_protobuf, "_LARGE", 900)
    assert kept(otlp_protobuf.read, message).rows == [ONE._replace(service="")]


def test_a_field_that_claims_too_much_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_protobuf, "_LARGE", 2)
    monkeypatch.setattr(otlp_protobuf, "LARGEST", 100)
    sink = kept(otlp_protobuf.read, b"\n\x03\x1a\xc8\x01")
    assert (sink.rows, sink.skipped) == ([], {"message past 256 MiB": 1})


def test_spans_are_given_some_thousand_at_a_time() -> None:
    sink = kept(otlp_protobuf.read, otlp_message(*(otlp_span(spanId=f"{number:016x}") for number in range(1, FULL + 2))))
    assert (len(sink.rows), sink.largest) == (FULL + 1, FULL)


def test_an_empty_file_holds_nothing() -> None:
    assert kept(otlp_protobuf.read, b"").met == 0


@given(st.lists(some_spans(), max_size=4), st.sampled_from(["shop", ""]))
def test_spans_are_read_from_their_bytes_as_protobuf_reads_them(spans: list[Span], service: str) -> None:
    content = request(*spans, service=service).SerializeToString()
    quick = kept(otlp_protobuf.read, content)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(otlp_protobuf, "Spans", malformed)
        slow = kept(otlp_protobuf.read, content)
    assert quick.rows == slow.rows
    assert (quick.linked, quick.skipped) == (slow.linked, slow.skipped)


def malformed(*_: object) -> Never:
    raise MalformedError


def test_what_stands_twice_in_a_message_is_merged_as_protobuf_does() -> None:
    one, two = (request(span(1), service=name).resource_spans[0].SerializeToString() for name in ("first", "second"))
    size = len(one) + len(two)
    message = b"\n" + bytes([size & 127 | 128, size >> 7]) + one + two
    expected = ExportTraceServiceRequest.FromString(message).resource_spans[0]
    assert [len(scope.spans) for scope in expected.scope_spans] == [1, 1]
    assert [row.service for row in kept(otlp_protobuf.read, message).rows] == ["first", "first"]


def test_a_value_before_its_name_that_would_reach_into_it_is_malformed_as_protobuf_finds() -> None:
    name = b"\n\x0cpeer.service"
    attribute = b"\x12\x02\n" + bytes([len(name)]) + name
    inside = span(1).SerializeToString() + b"\x4a" + bytes([len(attribute)]) + attribute
    scope = b"\x12" + bytes([len(inside)]) + inside
    resource = b"\x12" + bytes([len(scope)]) + scope
    sink = kept(otlp_protobuf.read, b"\n" + bytes([len(resource)]) + resource)
    assert (sink.rows, sink.skipped) == ([], {"malformed span": 1})
