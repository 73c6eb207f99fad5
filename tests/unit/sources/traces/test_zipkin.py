"""Zipkin's JSON, both versions: above all, halves of a call that share an identifier, in whichever order they come."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.unit.sources.traces.samples import PARENT, SPAN, START, TRACE, as_json, zipkin_span
from tests.unit.sources.traces.sinks import Kept, Row, kept
from truetier.sources.traces import zipkin

OLD = TRACE[-16:]  # what libraries of 64 bits know of the trace
ONE = Row(OLD, SPAN, "", "checkout", "pay", "internal", START, 5000, "", "")
US = START // 1000


def read(document: object) -> Kept:
    return kept(zipkin.read, as_json(document))


def at(service: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return zipkin_span(localEndpoint={"serviceName": service}, **fields)


def tree(spans: list[dict[str, Any]]) -> dict[str, str]:
    """The name of each span, with that of the one it is below."""
    rows = read(spans).rows
    names = {row.span_id: row.name for row in rows}
    return {row.name: names.get(row.parent_id, row.parent_id) for row in rows}


CALL = [
    at("shop", id="a" * 16, kind="SERVER", name="buy"),
    at("shop", id="b" * 16, parentId="a" * 16, kind="CLIENT", name="call"),
    at("payment", id="b" * 16, parentId="a" * 16, kind="SERVER", name="pay", shared=True),
    at("payment", id="c" * 16, parentId="b" * 16, name="book"),
    at("shop", id="d" * 16, parentId="b" * 16, name="wait for a connection"),
    at("payment-worker", id="e" * 16, parentId="b" * 16, name="book later"),
]


@pytest.mark.parametrize(
    "document", [[zipkin_span()], [[zipkin_span()]], zipkin_span(), [zipkin_span(id=SPAN.upper(), traceId=TRACE.upper(), parentId=None)]]
)
def test_lists_lists_of_lists_and_lines_are_read(document: object) -> None:
    sink = read(document)
    assert (sink.rows, sink.skipped) == ([ONE], {})


def test_halves_that_share_an_identifier_become_two_spans_in_whichever_order_they_come() -> None:
    expected = {
        "buy": "",
        "call": "buy",
        "pay": "call",
        "book": "pay",  # in the service of the server half
        "wait for a connection": "call",  # in the service of the client half
        "book later": "pay",  # in neither: below the server half
    }
    for spans in itertools.permutations(CALL):
        assert tree(list(spans)) == expected
    assert {row.span_id for row in read(CALL).rows if row.name == "pay"} == {"b" * 16 + "-server"}


def test_a_service_that_calls_itself_goes_on_below_the_server_half() -> None:
    spans = [{**span, "localEndpoint": {"serviceName": "shop"}} for span in CALL[:4]]
    assert tree(spans)["book"] == "pay"


def test_two_servers_that_answer_one_call_stay_apart() -> None:
    other = at("payment-2", id="b" * 16, parentId="a" * 16, kind="SERVER", name="pay again", shared=True)
    child = at("payment-2", id="f" * 16, parentId="b" * 16, name="book again")
    found = tree([*CALL, other, child])
    assert (found["pay again"], found["book again"], found["book"]) == ("call", "pay again", "pay")


def test_a_shared_server_span_whose_client_half_nobody_sent_stays_as_it_is() -> None:
    (row,) = read([at("payment", parentId=PARENT, kind="SERVER", shared=True)]).rows
    assert (row.span_id, row.parent_id) == (SPAN, PARENT)


def test_halves_of_the_stretch_before_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipkin, "_STRETCH", 2)
    assert tree(CALL[:4]) == {"buy": "", "call": "buy", "pay": "call", "book": "pay"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "CLIENT", "remoteEndpoint": {"serviceName": "payment"}}, ("client", "", "payment")),
        ({"kind": "producer", "remoteEndpoint": {"serviceName": "kafka"}}, ("producer", "", "kafka")),
        ({"kind": "CONSUMER", "tags": {"error": ""}}, ("consumer", "error", "")),
        ({"kind": "CLIENT", "tags": {"error": "Connection refused"}}, ("client", "unreachable", "")),
        ({"kind": "CLIENT", "tags": {"error": "false", "http.url": "http://u:p@payment:8080/x"}}, ("client", "", "")),
        ({"kind": "SERVER", "tags": {"http.status_code": "503"}}, ("server", "error", "")),
        ({"kind": "SERVER", "tags": {"http.status_code": "404"}, "remoteEndpoint": {"serviceName": "shop"}}, ("server", "", "")),
        ({"kind": None, "tags": None, "annotations": [{"timestamp": 1, "value": "x"}]}, ("internal", "", "")),
    ],
)
def test_version_2_says_kind_outcome_and_peer(fields: dict[str, Any], expected: tuple[str, str, str]) -> None:
    (row,) = read([zipkin_span(**fields)]).rows
    assert (row.kind, row.outcome, row.peer) == expected


def annotation(value: str, service: str, offset: int) -> dict[str, Any]:
    return {"timestamp": US + offset, "value": value, "endpoint": {"serviceName": service, "port": 80}}


def said(key: str, value: object, service: str) -> dict[str, Any]:
    return {"key": key, "value": value, "endpoint": {"serviceName": service, "port": 80}}


BOTH: dict[str, Any] = {
    "traceId": TRACE,
    "id": SPAN,
    "parentId": PARENT,
    "name": "pay",
    "timestamp": US,
    "duration": 100,
    "annotations": [
        annotation("cs", "shop", 0),
        annotation("sr", "payment", 20),
        annotation("ss", "payment", 80),
        annotation("cr", "shop", 100),
    ],
    "binaryAnnotations": [said("error", "timed out", "shop"), said("http.status_code", "500", "payment"), said("x", "y", "other")],
}


def test_an_object_with_both_halves_becomes_two_spans() -> None:
    child = {**BOTH, "id": "c" * 16, "parentId": SPAN, "annotations": None, "binaryAnnotations": [said("lc", "", "payment")]}
    client, server, below = read([BOTH, child]).rows
    assert client == Row(OLD, SPAN, PARENT, "shop", "pay", "client", START, 100_000, "timeout", "")
    assert server == Row(OLD, f"{SPAN}-server", SPAN, "payment", "pay", "server", START + 20_000, 60_000, "timeout", "")
    assert (below.parent_id, below.kind, below.service) == (server.span_id, "internal", "payment")


def test_an_object_with_one_half_is_one_span() -> None:
    half = {**BOTH, "annotations": BOTH["annotations"][1:3], "binaryAnnotations": None}
    assert read([half]).rows == [Row(OLD, SPAN, PARENT, "payment", "pay", "server", START, 100_000, "", "")]
    unfinished = {**BOTH, "annotations": BOTH["annotations"][:1], "binaryAnnotations": [said("sa", "true", "db")]}
    assert read([unfinished]).rows == [Row(OLD, SPAN, PARENT, "shop", "pay", "client", START, 100_000, "", "db")]


def test_halves_that_came_as_two_objects_are_told_apart_too() -> None:
    client = {**BOTH, "annotations": BOTH["annotations"][::3], "binaryAnnotations": []}
    server = {**BOTH, "annotations": BOTH["annotations"][1:3], "binaryAnnotations": []}
    assert [(row.span_id, row.parent_id) for row in read([server, client]).rows] == [(f"{SPAN}-server", SPAN), (SPAN, PARENT)]


def test_messages_are_sent_and_received() -> None:
    sent = {**BOTH, "annotations": [annotation("ms", "shop", 0)]}
    received = {**BOTH, "id": "c" * 16, "annotations": [annotation("mr", "payment", 9)]}
    assert [row.kind for row in read([sent, received]).rows] == ["producer", "consumer"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (5, "malformed span"),
        (zipkin_span(timestamp="now"), "malformed span"),
        (zipkin_span(tags=[]), "malformed span"),
        (zipkin_span(traceId=""), "span without an identifier"),
        (zipkin_span(id=None), "span without an identifier"),
        (zipkin_span(timestamp=10**18), "span with a time out of range"),
    ],
)
def test_a_malformed_span_is_counted_and_the_others_are_used(bad: object, reason: str) -> None:
    sink = read([zipkin_span(), bad])
    assert (sink.rows, sink.skipped) == ([ONE], {reason: 1})


def test_a_list_that_was_cut_off_is_used_as_far_as_it_goes() -> None:
    for document in ([zipkin_span(), zipkin_span(), zipkin_span()], [[zipkin_span()], [zipkin_span(), zipkin_span()]]):
        sink = kept(zipkin.read, as_json(document)[:-30])
        assert (sink.rows, sink.skipped) == ([ONE, ONE], {"end of a file that was cut off": 1})


def test_spans_without_an_end_or_a_service_are_given() -> None:
    assert read([zipkin_span(timestamp=None, duration=None, localEndpoint=None, name=None)]).rows == [
        Row(OLD, SPAN, "", "unknown", "", "internal", 0, 0, "", "")
    ]


def test_a_span_of_version_2_with_annotations_is_one_of_version_2() -> None:
    span = at("proxy", kind="SERVER", shared=True, annotations=[{"timestamp": US, "value": "queued"}, {"timestamp": US, "value": "ss"}])
    assert [(row.service, row.kind, row.duration_ns) for row in read([span]).rows] == [("proxy", "server", 5000)]


def test_work_of_no_kind_right_below_another_service_is_where_a_request_comes_in() -> None:
    spans = [
        at("shop", id="a" * 16, kind="SERVER"),
        at("stock", id="b" * 16, parentId="a" * 16),
        at("stock", id="c" * 16, parentId="b" * 16),
        at("ledger", id="d" * 16, parentId="c" * 16),
        at("shop", id="e" * 16, parentId="a" * 16, kind="CLIENT"),
        at("cart", id="f" * 16, parentId="e" * 16),
    ]
    assert [row.kind for row in read(spans).rows] == ["server", "server", "internal", "server", "client", "internal"]


def test_a_list_on_each_line_shares_identifiers_with_the_others() -> None:
    lines = b"\n".join(as_json([span]) for span in CALL[:3]) + b"\n" + as_json(CALL[3])
    rows = kept(zipkin.read, lines).rows
    assert [row.parent_id for row in rows] == ["", "a" * 16, "b" * 16, "b" * 16 + "-server"]
