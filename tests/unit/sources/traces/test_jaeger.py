"""Jaeger's JSON in its forms, and what is malformed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sources.traces.samples import PARENT, SPAN, START, TRACE, as_json, jaeger_answer, jaeger_span
from tests.unit.sources.traces.sinks import Kept, Row, kept
from truetier.sources.traces import jaeger

ONE = Row(TRACE, SPAN, "", "checkout", "pay", "", START, 5000, "", "")
OTHER_TRACE = "f" * 32


def read(document: object) -> Kept:
    return kept(jaeger.read, as_json(document))


ERROR = {"key": "error", "type": "bool", "value": True}


def tag(key: str, value: object) -> dict[str, object]:
    return {"key": key, "type": "string", "value": value}


def reference(kind: str = "CHILD_OF", trace: str = TRACE, span: str = PARENT) -> dict[str, object]:
    return {"refType": kind, "traceID": trace, "spanID": span}


@pytest.mark.parametrize(
    "document",
    [
        jaeger_answer(jaeger_span()),
        jaeger_answer(jaeger_span())["data"],
        jaeger_answer(jaeger_span())["data"][0],
        jaeger_span(processID=None, process={"serviceName": "checkout"}),
        {"_index": "jaeger-span", "_source": jaeger_span(process={"serviceName": "checkout"})},
        [jaeger_span(process={"serviceName": "checkout"})],
    ],
)
def test_every_form_is_read(document: object) -> None:
    sink = read(document)
    assert (sink.rows, sink.skipped) == ([ONE], {})


def test_spans_of_a_store_stand_one_on_each_line() -> None:
    line = as_json(jaeger_span(process={"serviceName": "checkout"}))
    assert kept(jaeger.read, line + b"\n" + line).rows == [ONE, ONE]


def test_the_json_of_protobuf_is_read() -> None:
    span = {
        "traceId": "CvdlGRbNQ92ESOshHIAxnA==",
        "spanId": "t61rcWkgMzE=",
        "operationName": "pay",
        "startTime": "2023-11-14T17:13:20.000000007-05:00",
        "duration": "1.5s",
        "process": {"serviceName": "checkout"},
        "references": [{"refType": "CHILD_OF", "traceId": "CvdlGRbNQ92ESOshHIAxnA==", "spanId": "APBnqguqkCs="}],
        "tags": [{"key": "error", "vType": "BOOL", "vBool": True}, {"key": "http.status_code", "vInt64": "504"}, {"key": "a", "vStr": "b"}],
    }
    (row,) = read({"spans": [span]}).rows
    assert row == ONE._replace(parent_id="00f067aa0baa902b", start_ns=START + 7, duration_ns=1_500_000_000, outcome="timeout")


@pytest.mark.parametrize(
    ("text", "expected"), [("5000ns", 5000), ("7us", 7000), ("2ms", 2_000_000), ("0.000004s", 4000), ("12", 12_000), (None, 0)]
)
def test_a_duration_has_a_unit_or_is_of_microseconds(text: str | None, expected: int) -> None:
    assert read(jaeger_answer(jaeger_span(duration=text))).rows[0].duration_ns == expected


def test_the_parent_is_the_first_of_the_own_trace_and_others_are_links() -> None:
    references = [reference(trace=OTHER_TRACE), reference("FOLLOWS_FROM"), reference(), reference(span="0" * 15 + "9")]
    sink = read(jaeger_answer(jaeger_span(references=references)))
    assert sink.rows == [ONE._replace(parent_id=PARENT)]
    assert sink.linked == [(OTHER_TRACE, PARENT, "checkout"), (TRACE, PARENT, "checkout"), (TRACE, "0" * 15 + "9", "checkout")]


def test_a_span_repeated_inside_a_reference_is_not_met_again() -> None:
    whole = jaeger_span(spanID=PARENT, references=[reference(span="9" * 16)])
    sink = read(jaeger_answer(jaeger_span(references=[{**reference(), "span": whole}])))
    assert sink.rows == [ONE._replace(parent_id=PARENT)]


def test_an_old_span_names_its_parent_beside() -> None:
    assert read(jaeger_answer(jaeger_span(parentSpanID=PARENT))).rows == [ONE._replace(parent_id=PARENT)]


@pytest.mark.parametrize(
    ("tags", "kind", "outcome", "peer"),
    [
        ([tag("span.kind", "client"), tag("peer.service", "payment")], "client", "", "payment"),
        ([tag("span.kind", "SERVER"), tag("http.status_code", 404)], "server", "", ""),
        ([tag("span.kind", "client"), tag("http.status_code", "404")], "client", "error", ""),
        ([ERROR], "", "error", ""),
        ([tag("error", "false")], "", "", ""),
        ([tag("otel.status_code", "ERROR"), tag("otel.status_description", "deadline exceeded")], "", "timeout", ""),
        ([tag("otel.status_code", "OK"), ERROR], "", "", ""),
        ([tag("peer.service", ["x"]), tag("span.kind", 5)], "", "", ""),
    ],
)
def test_tags_say_kind_outcome_and_peer(tags: list[Any], kind: str, outcome: str, peer: str) -> None:
    assert read(jaeger_answer(jaeger_span(tags=tags))).rows == [ONE._replace(kind=kind, outcome=outcome, peer=peer)]


def test_tags_of_a_store_may_be_fields() -> None:
    span = jaeger_span(tag={"span@kind": "server", "error": "true"}, tags=None)
    assert read(jaeger_answer(span)).rows == [ONE._replace(kind="server", outcome="error")]


def test_logs_of_a_failed_span_say_how_it_failed() -> None:
    logs = [{"timestamp": 1, "fields": [tag("event", "error"), tag("message", "no route to host")]}]
    assert read(jaeger_answer(jaeger_span(tags=[ERROR], logs=logs))).rows[0].outcome == "unreachable"
    assert read(jaeger_answer(jaeger_span(tags=[ERROR], logs=[5]))).rows[0].outcome == "error"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (5, "malformed span"),
        (jaeger_span(operationName={}), "malformed span"),
        (jaeger_span(duration="long"), "malformed span"),
        (jaeger_span(startTime="yesterday"), "malformed span"),
        (jaeger_span(startTime="9" * 5000), "malformed span"),
        (jaeger_span(startTime=2**63), "span with a time out of range"),
        (jaeger_span(spanID=None), "span without an identifier"),
    ],
)
def test_a_malformed_span_is_counted_and_the_others_are_used(bad: object, reason: str) -> None:
    sink = read(jaeger_answer(jaeger_span(), bad))
    assert (sink.rows, sink.skipped) == ([ONE], {reason: 1})


@pytest.mark.parametrize("document", [5, [5], {"data": 5}, {"data": [5]}, {"spans": {}}])
def test_a_document_of_another_shape_is_counted(document: object) -> None:
    assert read(document).skipped == {"document that is no Jaeger trace": 1}


@pytest.mark.parametrize("processes", [None, 5, {"p1": None}, {"p1": {}}, {"p1": {"serviceName": None}}])
def test_a_process_nobody_describes_leaves_its_spans_without_a_service(processes: object) -> None:
    document = jaeger_answer(jaeger_span())
    document["data"][0]["processes"] = processes
    assert read(document).rows == [ONE._replace(service="")]


def test_an_answer_that_was_cut_off_is_used_as_far_as_it_goes() -> None:
    content = as_json(jaeger_answer(jaeger_span(), jaeger_span(), jaeger_span()))
    sink = kept(jaeger.read, content[: content.rindex(b"traceID", 0, content.index(b'"processes"'))])
    assert (sink.rows, sink.skipped) == ([ONE._replace(service="")] * 2, {"end of a file that was cut off": 1})
