"""What is kept of a request: mining sees the same spans, and nothing else is left."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.unit.sources.traces.otlp_wire.requests import START, request, some_spans, span, told
from tests.unit.sources.traces.sinks import Kept, kept
from truetier.errors import SourceError
from truetier.sources.traces import otlp_protobuf
from truetier.sources.traces.attributes import without_path
from truetier.sources.traces.otlp_wire.sieve import sieve


def read(content: bytes) -> Kept:
    return kept(otlp_protobuf.read, content)


def kept_of(made: Span, *more: str) -> Span:
    found = sieve(more)(request(made).SerializeToString())
    assert (found.accepted, found.rejected) == (1, {})
    found_again: Span = ExportTraceServiceRequest.FromString(found.content).resource_spans[0].scope_spans[0].spans[0]
    return found_again


def test_payloads_and_what_nobody_looks_at_are_not_kept() -> None:
    secret = "alice@example.com"
    made = span(
        attributes=told(user__email=secret, peer__service="cart", http__url=f"https://alice:pw@cart:80/u/{secret}?q={secret}"),
        trace_state=secret,
        events=[
            Span.Event(name="log", attributes=told(body=secret)),
            Span.Event(name="exception", attributes=told(exception__message=f"{secret} timed out", exception__stacktrace=secret)),
        ],
        links=[Span.Link(trace_id=b"t" * 16, span_id=b"s" * 8, attributes=told(of=secret), trace_state=secret)],
    )
    made.status.code = Status.STATUS_CODE_ERROR
    made.status.message = f"connection refused by {secret}"
    content = request(made)
    content.resource_spans[0].resource.attributes.extend(told(host__name=secret))
    content.resource_spans[0].scope_spans[0].scope.name = secret
    found = sieve()(content.SerializeToString())
    assert secret.encode() not in found.content
    assert b"pw" not in found.content
    assert read(found.content).rows == read(content.SerializeToString()).rows
    assert read(found.content).linked == read(content.SerializeToString()).linked


def test_the_address_of_who_called_a_server_is_not_kept_but_that_of_a_callee_is() -> None:
    address = told(net__peer__ip="10.1.2.3")
    assert not kept_of(span(kind=2, attributes=address)).attributes
    assert kept_of(span(kind=3, attributes=address)).attributes


def test_what_is_asked_for_is_kept_as_it_is() -> None:
    listed = KeyValue(key="tags", value=AnyValue(array_value={"values": [AnyValue(string_value="é")]}))  # type: ignore[arg-type]
    attributes = [*told(http__route="/u/{id}", http__url="http://cart/u/1"), listed]
    assert list(kept_of(span(attributes=attributes), "http.route", "http.url", "tags").attributes) == attributes


@pytest.mark.parametrize(
    ("made", "service", "reason"),
    [
        (span(trace_id=b"short"), "shop", "trace id is not 16 bytes"),
        (span(trace_id=bytes(16)), "shop", "trace id is not 16 bytes"),
        (span(span_id=b""), "shop", "span id is not 8 bytes"),
        (span(parent_span_id=b"odd"), "shop", "parent id is not 8 bytes"),
        (span(), "", "no service name"),
        (span(start_time_unix_nano=0), "shop", "no start time"),
        (span(start_time_unix_nano=2**63), "shop", "time out of range"),
        (span(end_time_unix_nano=START - 1), "shop", "ends before it starts"),
        (span(parent_span_id=(1).to_bytes(8, "big")), "shop", "is its own parent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_span_that_nobody_could_use_is_rejected_and_the_others_are_not(made: Span, service: str, reason: str) -> None:
    good = request(span(7))
    good.MergeFrom(request(made, service=service))
    found = sieve()(good.SerializeToString())
    assert (found.accepted, found.rejected) == (1, {reason: 1})
    assert len(read(found.content).rows) == 1


def test_a_span_that_is_no_row_of_fields_or_no_text_is_rejected_alone() -> None:
    name = span(2, name="BAD").SerializeToString()
    for wrong in (name.replace(b"BAD", b"\xff\xfeD"), name + b"\x0b", name + b"\x4a\x7f"):
        spans = b"".join(b"\x12" + bytes([len(each)]) + each for each in (span(1).SerializeToString(), wrong))
        scope = b"\x12" + len(spans).to_bytes(1, "big") + spans if len(spans) < 128 else b"\x12" + _varint(len(spans)) + spans
        resource = request(span()).resource_spans[0].resource.SerializeToString()
        inside = b"\x0a" + bytes([len(resource)]) + resource + scope
        found = sieve()(b"\x0a" + _varint(len(inside)) + inside)
        assert (found.accepted, found.rejected) == (1, {"malformed span": 1})


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + _varint(number >> 7)


@pytest.mark.parametrize("content", [b"\xff", b"\x0a\x05ab", b"\x0b", b"\x0a" + b"\xff" * 11, b"\x02\x00", b"{}"])
def test_what_is_no_request_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match="no ExportTraceServiceRequest"):
        sieve()(content)


def test_nothing_is_a_request_without_spans() -> None:
    assert sieve()(b"") == (b"", 0, {})


OTHER_WORDS = Span.Event(name="exception", attributes=told(db__system__name="TIMEOUT"))


@given(st.lists(some_spans(), max_size=4), st.sampled_from(["shop", "é"]))
@example([span(kind=0, events=[OTHER_WORDS], status=Status(code=Status.STATUS_CODE_ERROR))], "shop")
def test_mining_sees_of_what_is_kept_what_it_saw_of_the_whole(spans: list[Span], service: str) -> None:
    content = request(*spans, service=service).SerializeToString()
    found = sieve()(content)
    assert (found.accepted, found.rejected) == (len(spans), {})
    assert len(found.content) <= len(content)
    assert read(found.content).rows == read(content).rows


@given(st.binary(max_size=200))
def test_any_bytes_are_sifted_or_refused(content: bytes) -> None:
    try:
        found = sieve()(content)
    except SourceError:
        return
    ExportTraceServiceRequest.FromString(found.content)


@given(st.integers(0, 2**32))
def test_a_damaged_request_is_sifted_or_refused_and_what_is_kept_is_readable(seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(
        request(*(span(number, attributes=told(peer__service="é", error="x")) for number in range(1, 4))).SerializeToString()
    )
    for _ in range(chance.randint(1, 4)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    try:
        found = sieve()(bytes(content))
    except SourceError:
        return
    assert read(found.content).skipped.total() == 0
    assert len(read(found.content).rows) == found.accepted


signs_of_urls = st.text("ahtP:/@?#[]%.1-_+ é", max_size=25)
urls = (
    signs_of_urls
    | st.builds("{}://{}".format, st.text("htp+1é", max_size=33), signs_of_urls)
    | st.builds("http://{}/x".format, st.text("a", max_size=300))
)


@given(urls)
@example("http://me:secret@cart:80/x")
@example("http://[::1]:80/x")
@example("http://cart:80?at=me@home")
@example("http://cart:me@home")
def test_of_a_url_scheme_and_host_are_kept_and_no_more(url: str) -> None:
    made = kept_of(span(attributes=told(url__full=url, http__method="GET")))
    assert "".join(pair.value.string_value for pair in made.attributes) == without_path(url)
