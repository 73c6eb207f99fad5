"""Spans without kind and status, and the logs that say what failed."""

from __future__ import annotations

import json

import pytest

from tests.unit.sources.traces.samples import NEZHA, NEZHA_LOG, PARENT, SPAN, START, TRACE
from tests.unit.sources.traces.sinks import Kept, Row, kept
from truetier.sources.traces import nezha


def logged(line: str, trace: str = TRACE) -> Kept:
    field = json.dumps({"log": line}).replace('"', '""')
    return kept(nezha.read_logs, f'TimeUnixNano,PodName,TraceID,SpanID,Log\n1,p,{trace},{SPAN},"{field}"\n')


def test_spans_are_read_and_a_service_is_a_pod_without_what_its_replica_was_given() -> None:
    assert kept(nezha.read_spans, NEZHA).rows == [
        Row(TRACE, PARENT, "", "shop-web", "/buy", "", START, 9000, "?", ""),
        Row(TRACE, SPAN, PARENT, "payment", "pay", "", START + 1000, 3000, "?", ""),
    ]


def test_a_pod_with_a_short_name_is_its_own_service() -> None:
    content = NEZHA.replace("payment-5c66d57d58-6mp2b", "redis-0")
    assert kept(nezha.read_spans, content).rows[1].service == "redis-0"


def test_an_over_long_line_is_counted_and_the_lines_around_it_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier.sources.traces.rows._LONGEST_LINE", 400)
    first, second, *rest = NEZHA.splitlines(keepends=True)
    sink = kept(nezha.read_spans, "".join([first, second, "," * 401 + "\n", *rest]))
    assert (len(sink.rows), sink.skipped) == (2, {"line past 32 MiB": 1})


def test_a_line_that_tells_of_a_failure_counts_and_says_for_want_of_whom() -> None:
    sink = kept(nezha.read_logs, NEZHA_LOG)
    assert sink.by_log == [(TRACE, SPAN)]
    assert sink.said == [(TRACE, SPAN, "ledger")]
    assert sink.met == 0


@pytest.mark.parametrize(
    ("line", "has_failed", "missing"),
    [
        ("WARN No instances available for ledger, trying again", False, None),
        ("servlet threw exception [a bug]", True, None),
        ("servlet threw exception [UnknownHostException: ledger]", True, "ledger"),
        ("INFO all is well", False, None),
    ],
)
def test_only_a_line_of_a_failure_proves_anything(line: str, has_failed: bool, missing: str | None) -> None:  # noqa: FBT001
    sink = logged(line)
    assert bool(sink.by_log) == has_failed
    assert [name for *_, name in sink.said] == ([missing] if missing else [])


def test_an_error_outside_of_any_request_is_of_no_span() -> None:
    sink = logged("threw exception [No instances available for ledger]", trace="")
    assert (sink.by_log, sink.said) == ([], [])


def test_lines_are_given_some_thousand_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nezha, "FULL", 2)
    lines = "".join(f"1,p,{TRACE},{number:016x},threw exception\n" for number in range(1, 6))
    assert len(kept(nezha.read_logs, f"TimeUnixNano,PodName,TraceID,SpanID,Log\n{lines}").by_log) == 5


def test_what_is_malformed_is_counted() -> None:
    sink = kept(nezha.read_spans, NEZHA + f"{TRACE},{SPAN},root,pod,op,x,2,3\nhalf,a\n")
    assert (len(sink.rows), sink.skipped) == (2, {"malformed span": 1, "row of another length than the first line": 1})
