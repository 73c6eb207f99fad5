"""OTLP as JSON: every way in which exporters and stores write it, and what is malformed."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.unit.sources.traces.samples import PARENT, SPAN, START, TRACE, as_json, otlp, otlp_span, text
from tests.unit.sources.traces.sinks import Kept, Row, kept
from truetier.sources.traces import otlp_json
from truetier.sources.traces.batch import FULL

ONE = Row(TRACE, SPAN, "", "checkout", "pay", "client", START, 5, "", "")
OTHER_TRACE = "f" * 32


def read(document: object) -> Kept:
    return kept(otlp_json.read, as_json(document))


def test_a_request_in_one_document_is_read() -> None:
    sink = read(otlp(otlp_span()))
    assert sink.rows == [ONE]
    assert sink.skipped == {}


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\n\n  \n"])
def test_a_request_on_each_line_is_read(separator: bytes) -> None:
    lines = [as_json(otlp(otlp_span())), as_json(otlp(otlp_span(spanId=PARENT), service="cart"))]
    sink = kept(otlp_json.read, separator + separator.join(lines) + separator)
    assert sink.rows == [ONE, ONE._replace(span_id=PARENT, service="cart")]
    assert sink.skipped == {}


def test_a_document_over_many_lines_behind_a_byte_order_mark_is_read() -> None:
    content = "\ufeff" + json.dumps(otlp(otlp_span()), indent=2)
    assert kept(otlp_json.read, content).rows == [ONE]


@pytest.mark.parametrize(
    "document",
    [
        {"batches": otlp(otlp_span())["resourceSpans"]},
        {"trace": otlp(otlp_span())},
        {
            "resourceSpans": [
                {"resource": {"attributes": [text("service.name", "checkout")]}, "instrumentationLibrarySpans": [{"spans": [otlp_span()]}]}
            ]
        },
    ],
)
def test_other_names_for_the_same_are_read(document: object) -> None:
    assert read(document).rows == [ONE]


@pytest.mark.parametrize("trace", [TRACE.upper(), b64encode(bytes.fromhex(TRACE)).decode()])
def test_identifiers_are_the_same_in_capitals_and_in_base64(trace: str) -> None:
    span = b64encode(bytes.fromhex(SPAN)).decode()
    assert read(otlp(otlp_span(traceId=trace, spanId=span))).rows == [ONE]


@pytest.mark.parametrize("parent", ["", None, "0" * 16])
def test_no_parent_in_whichever_way_is_a_root(parent: str | None) -> None:
    assert read(otlp(otlp_span(parentSpanId=parent))).rows == [ONE]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (2, "server"),
        ("SPAN_KIND_SERVER", "server"),
        ("2", "server"),
        (0, ""),
        (None, ""),
        (77, ""),
        ("SPAN_KIND_CONSUMER", "consumer"),
        (1, "internal"),
    ],
)
def test_a_kind_is_a_number_or_a_name(kind: object, expected: str) -> None:
    assert read(otlp(otlp_span(kind=kind))).rows[0].kind == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"code": 2}, "error"),
        ({"code": "STATUS_CODE_ERROR"}, "error"),
        ({"code": 2, "message": "context deadline exceeded"}, "timeout"),
        ({"code": 2, "message": "dial tcp 10.0.0.1:80: connect: connection refused"}, "unreachable"),
        ({"code": 1, "message": "timeout"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_the_status_says_how_the_work_ended(status: object, expected: str) -> None:
    assert read(otlp(otlp_span(status=status))).rows[0].outcome == expected


def test_the_exception_of_a_failed_span_says_how() -> None:
    event = {"name": "exception", "attributes": [text("exception.type", "java.net.UnknownHostException")]}
    assert read(otlp(otlp_span(status={"code": 2}, events=[event]))).rows[0].outcome == "unreachable"
    assert read(otlp(otlp_span(events=[event]))).rows[0].outcome == ""
    assert read(otlp(otlp_span(status={"code": 2}, events="none"))).rows[0].outcome == "error"


@pytest.mark.parametrize(
    ("value", "expected"), [({"intValue": "503"}, "error"), ({"intValue": 200}, ""), ({"stringValue": "504"}, "timeout")]
)
def test_numbers_of_64_bits_are_text_or_numbers(value: dict[str, Any], expected: str) -> None:
    attributes = [{"key": "http.status_code", "value": value}, {"key": "x", "value": None}, {"key": None}]
    assert read(otlp(otlp_span(attributes=attributes))).rows[0].outcome == expected
    assert read(otlp(otlp_span(startTimeUnixNano=START, endTimeUnixNano=START + 5))).rows == [ONE]


def test_the_peer_is_whom_a_call_says_it_calls() -> None:
    attributes = [text("server.address", "payment"), {"key": "error", "value": {"boolValue": False}}]
    assert read(otlp(otlp_span(attributes=attributes))).rows == [ONE._replace(peer="payment")]


def test_links_lead_to_other_traces() -> None:
    sink = read(otlp(otlp_span(links=[{"traceId": OTHER_TRACE.upper(), "spanId": PARENT}, {"traceId": OTHER_TRACE}, {}])))
    assert sink.linked == [(OTHER_TRACE, PARENT, "checkout")]


def test_a_span_that_never_ended_took_no_time() -> None:
    assert read(otlp(otlp_span(endTimeUnixNano="0"))).rows[0].duration_ns == 0


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (5, "malformed span"),
        (otlp_span(name=["pay"]), "malformed span"),
        (otlp_span(startTimeUnixNano="soon"), "malformed span"),
        (otlp_span(traceId=""), "span without an identifier"),
        (otlp_span(spanId=None), "span without an identifier"),
        (otlp_span(spanId="0" * 16), "span without an identifier"),
        (otlp_span(traceId="x" * 1001), "span without an identifier"),
        (otlp_span(startTimeUnixNano=str(2**63)), "span with a time out of range"),
        (otlp_span(endTimeUnixNano=10**4000), "span with a time out of range"),
        (otlp_span(endTimeUnixNano="7" * 5000), "malformed span"),
        (otlp_span(attributes=[5]), "malformed span"),
    ],
)
def test_a_malformed_span_is_counted_and_the_others_are_used(bad: object, reason: str) -> None:
    sink = read(otlp(otlp_span(), bad, otlp_span(spanId=PARENT)))
    assert sink.rows == [ONE, ONE._replace(span_id=PARENT)]
    assert sink.skipped == {reason: 1}


def test_text_that_is_no_utf_8_spoils_its_own_span_alone() -> None:
    content = as_json(otlp(otlp_span(), otlp_span(name="@"))).replace(b"@", b"\xff")
    sink = kept(otlp_json.read, content)
    assert (sink.rows, sink.skipped) == ([ONE], {"malformed span": 1})


@pytest.mark.parametrize("length", [1, 3, 15, 17, 31, 33, 64])
def test_identifiers_of_odd_lengths_are_kept(length: int) -> None:
    odd = "Ab" * length
    sink = read(otlp(otlp_span(traceId=odd[:length])))
    assert sink.rows == [ONE._replace(trace_id=odd[:length].lower())]


@pytest.mark.parametrize(
    "document",
    [
        {"resourceSpans": 5},
        {"resourceSpans": [5]},
        {"resourceSpans": [{"scopeSpans": {}}]},
        {"resourceSpans": [{"scopeSpans": [7]}]},
        5,
        "x",
        [1],
    ],
)
def test_a_document_of_another_shape_is_counted(document: object) -> None:
    assert read(document).skipped == {"document that is no OTLP request": 1}


@pytest.mark.parametrize("document", [{}, {"resourceSpans": None}, {"resourceSpans": []}, {"resourceSpans": [{"scopeSpans": None}]}])
def test_a_request_without_spans_is_none_to_complain_of(document: object) -> None:
    sink = read(document)
    assert sink.met == 0


def test_a_resource_that_is_malformed_leaves_its_spans_without_a_service() -> None:
    document = otlp(otlp_span())
    document["resourceSpans"][0]["resource"] = 5
    assert read(document).rows == [ONE._replace(service="")]


def test_hostile_names_are_cut_and_made_printable() -> None:
    long = "x" * 5000
    sink = read(otlp(otlp_span(name="a\x00b\x1b[31m\u202e"), otlp_span(name=long), service="a\nb"))
    assert [row.name for row in sink.rows] == ["a\ufffdb\ufffd[31m\ufffd", "x" * 1000]
    assert sink.rows[0].service == "a\ufffdb"


def test_half_a_last_line_is_counted_and_what_it_holds_whole_is_used() -> None:
    line = as_json(otlp(otlp_span(), otlp_span(spanId=PARENT)))
    sink = kept(otlp_json.read, line + b"\n" + line[:-40])
    assert len(sink.rows) == 3
    assert sink.skipped == {"end of a file that was cut off": 1}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_document_that_was_cut_off_is_used_as_far_as_it_goes(indent: int | None) -> None:
    content = json.dumps(
        otlp(*(otlp_span(spanId=f"{number:016x}", attributes=[text("a", '"]}')]) for number in range(1, 5))), indent=indent
    )
    for cut in range(1, len(content) - 1):
        sink = kept(otlp_json.read, content[:cut])
        assert sink.skipped.total() == 1
        whole = content[:cut].count('"spanId"') - 1
        assert whole <= len(sink.rows) <= whole + 1


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_holds_nothing(content: bytes) -> None:
    assert kept(otlp_json.read, content).rows == []


def test_deep_nesting_is_counted() -> None:
    deep = b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    sink = kept(otlp_json.read, deep + b"\n" + as_json(otlp(otlp_span())))
    assert sink.skipped == {"piece that is no JSON": 1}


def test_spans_are_given_some_thousand_at_a_time() -> None:
    sink = read(otlp(*(otlp_span(spanId=f"{number:016x}") for number in range(1, 2 * FULL + 2))))
    assert len(sink.rows) == 2 * FULL + 1
    assert sink.largest == FULL


def test_a_large_request_is_taken_apart_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    document = otlp(otlp_span(), otlp_span(spanId=PARENT, attributes=[text("server.address", "payment")]))
    at_once = read(document).rows
    monkeypatch.setattr(otlp_json, "_LARGE", 1)
    assert read(document).rows == at_once
    assert read({"trace": document}).rows == at_once


def test_a_line_past_the_limit_is_counted_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    line = as_json(otlp(otlp_span()))
    monkeypatch.setattr("truetier.sources.traces.documents.LARGEST", len(line) + 5)
    sink = kept(otlp_json.read, line + b"\n" + line + b"          \n" + line)
    assert (len(sink.rows), sink.skipped) == (2, {"document past 256 MiB": 1})
    pretty = json.dumps(otlp(otlp_span()), indent=9)
    sink = kept(otlp_json.read, pretty)
    assert (sink.rows, sink.skipped) == ([], {"document past 256 MiB": 1})


def test_an_attribute_is_malformed_only_where_it_is_looked_at() -> None:
    unseen = otlp_span(attributes=[{"key": "shop.basket", "value": {"intValue": "many"}}, {"key": "x", "value": 5}])
    assert read(otlp(unseen)).rows == [ONE]
    document = otlp(otlp_span(), otlp_span(attributes=[{"key": "http.status_code", "value": {"intValue": "many"}}]))
    scopes = document["resourceSpans"][0]["scopeSpans"]
    sink = read({"resourceSpans": [{**document["resourceSpans"][0], "scopeSpans": [*scopes, *scopes]}]})
    assert (sink.rows, sink.skipped) == ([ONE, ONE], {"malformed span": 2})


@pytest.mark.parametrize("key", ["peer.service", "peer\\u002eservice"])
def test_an_attribute_is_found_however_its_name_is_written(key: str) -> None:
    content = as_json(otlp(otlp_span(attributes=[text("a", "b"), text("KEY", 'caf\u00e9 \\ "x"')]))).replace(b"KEY", key.encode())
    assert kept(otlp_json.read, content).rows[0].peer == 'caf\u00e9 \\ "x"'
