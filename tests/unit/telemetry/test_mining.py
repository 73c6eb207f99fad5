from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.telemetry.made import Traces, edge, mined, observed, pairs, requests
from truetier.errors import UsageError
from truetier.telemetry.engines import DuckDB

if TYPE_CHECKING:
    from pathlib import Path


def test_a_call_leads_from_the_client_span_to_the_service_that_answered(tmp_path: Path) -> None:
    traces = requests(3, lambda traces, trace, _: traces.call(trace, 1, "b"))
    assert pairs(observed(traces, tmp_path)) == [("a", "b", 3, 0)]


def test_a_call_that_nobody_answered_leads_to_whom_it_names(tmp_path: Path) -> None:
    traces = requests(2, lambda traces, trace, _: traces.span(trace, "c", "r", "a", "client", peer="db"))
    assert pairs(observed(traces, tmp_path)) == [("a", "db", 2, 0)]


def test_without_a_client_span_the_parent_of_an_arrival_is_its_caller(tmp_path: Path) -> None:
    traces = requests(2, lambda traces, trace, _: traces.span(trace, "s", "r", "b", "server", outcome="error"))
    assert pairs(observed(traces, tmp_path)) == [("a", "b", 2, 2)]


def test_spans_without_kinds_are_arrivals_where_the_service_changes(tmp_path: Path) -> None:
    traces = Traces()
    traces.span("1", "r", "", "a", "")
    traces.span("1", "i", "r", "a", "")
    traces.span("1", "s", "i", "b", "")
    traces.span("1", "j", "s", "b", "")
    found = observed(traces, tmp_path)
    assert pairs(found) == [("a", "b", 1, 0)]
    assert edge(found, "a", "b").requests == 1


def test_a_client_right_under_another_service_shows_a_call_to_its_own(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, _: int) -> None:
        traces.span(trace, "i", "r", "a", "internal")
        traces.span(trace, "c", "i", "b", "client", peer="db")
        traces.span(trace, "d", "c", "b", "client", peer="db")
        traces.span(trace, "e", "d", "z", "client", peer="db")  # under a client, which says itself whom it calls

    found = observed(requests(2, make), tmp_path)
    assert pairs(found) == [("a", "b", 2, 0), ("b", "db", 2, 0), ("z", "db", 2, 0)]
    assert edge(found, "a", "b").requests == 2


@pytest.mark.parametrize("depth", [1, 2, 3, 9, 40, 100])
def test_a_request_is_found_behind_any_number_of_internal_spans(depth: int, tmp_path: Path) -> None:
    traces = Traces()
    traces.span("1", "r", "", "a", "server", outcome="error")
    for level in range(depth):
        traces.span("1", f"i{level}", f"i{level - 1}" if level else "r", "a", "internal")
    traces.span("1", "c", f"i{depth - 1}", "a", "client", peer="b", outcome="error")
    found = mined(traces, tmp_path)
    (pattern,) = found.patterns.to_pylist()
    assert (pattern["n"], pattern["failed"]) == (1, 1)


def test_parents_in_a_circle_belong_to_no_request(tmp_path: Path) -> None:
    traces = Traces()
    traces.span("1", "i", "j", "a", "internal")
    traces.span("1", "j", "i", "a", "internal")
    traces.span("1", "c", "i", "a", "client", peer="b")
    (row,) = mined(traces, tmp_path).edges.to_pylist()
    assert (row["calls"], row["unowned"], row["requests"]) == (1, 1, 0)


def test_a_client_around_a_client_is_one_call(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, _: int) -> None:
        traces.span(trace, "o", "r", "a", "client", peer="b")
        traces.span(trace, "c", "o", "a", "client", peer="b")
        traces.span(trace, "s", "c", "b", "server")

    found = observed(requests(2, make), tmp_path)
    assert pairs(found) == [("a", "b", 2, 0)]
    assert edge(found, "a", "b").requests == 2


def test_a_proxy_and_the_program_behind_it_are_one_arrival(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, _: int) -> None:
        traces.span(trace, "c", "r", "a", "client", peer="b")
        traces.span(trace, "p", "c", "b", "server")
        traces.span(trace, "s", "p", "b", "server")
        traces.span(trace, "d", "s", "b", "client", peer="db")

    found = observed(requests(2, make), tmp_path)
    assert pairs(found) == [("a", "b", 2, 0), ("b", "db", 2, 0)]
    assert [service.observed.requests for service in found.services if service.name == "b" and service.observed] == [2]
    assert edge(found, "b", "db").requests == 2


def test_spans_delivered_twice_count_once(tmp_path: Path) -> None:
    traces = requests(3, lambda traces, trace, _: traces.call(trace, 1, "b"))
    once = observed(traces, tmp_path / "once")
    for name in traces.columns.__slots__:
        getattr(traces.columns, name).extend(list(getattr(traces.columns, name)))
    twice = observed(traces, tmp_path / "twice")
    assert twice.edges == once.edges
    assert twice.services == once.services


def test_a_retry_that_succeeds_masks_the_failure(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, _: int) -> None:
        traces.call(trace, 1, "b", at=1, lasts=5, outcome="error")
        traces.call(trace, 2, "b", at=6, lasts=5)

    only = edge(observed(requests(4, make), tmp_path), "a", "b")
    assert (only.calls, only.errors, only.masked, only.modes["error"].failed_calls) == (8, 4, 4, 0)


@pytest.mark.parametrize(
    ("well", "badly", "attempts"),
    [
        (1, 3, 3.0),  # tried three times
        (4, 4, 1.0),  # asked four times, of which all fail: nothing is tried again
        (2, 6, 3.0),  # both
        (4, 1, 1.0),  # gives up at the first failure
    ],
)
def test_attempts_are_what_a_failed_request_adds(well: int, badly: int, attempts: float, tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        has_failed = number % 2 == 0
        for call in range(badly if has_failed else well):
            traces.call(trace, call, "b", at=1 + 6 * call, lasts=5, outcome="error" if has_failed else "")

    assert edge(observed(requests(10, make), tmp_path), "a", "b").attempts == attempts


def test_requests_with_many_calls_and_one_that_fails_do_not_retry(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        for call in range(9 if number % 2 == 0 else 1):
            traces.call(trace, call, "b", at=1 + 6 * call, lasts=5, outcome="error" if (call, number % 2) == (8, 0) else "")

    assert edge(observed(requests(10, make), tmp_path), "a", "b").attempts == 1.0


@pytest.mark.parametrize("whole", [8, 9])
def test_of_too_few_requests_no_attempts_are_told(whole: int, tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        has_failed = number < 5
        for call in range(2 if has_failed else 1):
            traces.call(trace, call, "b", at=1 + 6 * call, lasts=5, outcome="error" if has_failed else "")

    assert edge(observed(requests(whole, make), tmp_path), "a", "b").attempts is None
    assert edge(observed(requests(10, make), tmp_path / "ten"), "a", "b").attempts == 2.0


def test_a_parallel_call_that_succeeds_masks_nothing(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, _: int) -> None:
        traces.call(trace, 1, "b", at=1, lasts=50, outcome="error")
        traces.call(trace, 2, "b", at=2, lasts=5)

    only = edge(observed(requests(4, make), tmp_path), "a", "b")
    assert (only.masked, only.modes["error"].failed_calls) == (0, 4)


def test_a_call_of_another_name_is_no_retry(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, _: int) -> None:
        traces.call(trace, 1, "b", at=1, lasts=5, outcome="error", name="get price")
        traces.call(trace, 2, "b", at=10, lasts=5, name="get stock")

    assert edge(observed(requests(4, make), tmp_path), "a", "b").modes["error"].failed_calls == 4


def test_a_failure_that_the_client_does_not_report_is_swallowed(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, _: int) -> None:
        traces.span(trace, "c", "r", "a", "client", peer="b")
        traces.span(trace, "s", "c", "b", "server", outcome="error")

    only = edge(observed(requests(2, make), tmp_path), "a", "b")
    assert (only.errors, only.swallowed) == (0, 2)


def test_a_message_leads_to_whoever_links_to_it_and_nobody_waits_for_it(tmp_path: Path) -> None:
    traces = requests(2, lambda traces, trace, _: traces.span(trace, "p", "r", "a", "producer", peer="queue"))
    for number in range(2):
        traces.span(f"9{number}", "k", "", "worker", "consumer", at=number * 1000 + 50)
        traces.links.append((f"{number + 1:032x}", "p", "worker"))
    (only,) = observed(traces, tmp_path).edges
    assert (only.caller, only.callee, only.is_async, only.calls, only.modes) == ("a", "worker", True, 2, {})


@pytest.mark.parametrize("parts", [2, 8])
def test_parts_sum_up_to_the_whole(parts: int, tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        traces.call(trace, 1, "b", outcome="error" if number % 7 == 0 else "")
        traces.call(trace, 2, "c", at=20, outcome="error" if number % 5 == 0 else "")

    traces = requests(200, make, outcome=lambda number: "error" if number % 7 == 0 else "")
    assert observed(traces, tmp_path / "parts", parts) == observed(traces, tmp_path / "whole")


def test_who_is_asked_only_after_a_failure_is_the_fallback(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        traces.call(trace, 1, "b", outcome="error" if number % 2 else "")
        traces.call(trace, 2, "c", at=20)
        if number % 2:
            traces.call(trace, 3, "standby", at=30)

    found = observed(requests(20, make), tmp_path)
    assert edge(found, "a", "b").fallback == "standby"
    assert edge(found, "a", "c").fallback is None


def test_a_log_that_names_the_callee_shows_a_hard_dependency_from_one_request_on(tmp_path: Path) -> None:
    traces = Traces()
    traces.span("1", "r", "", "a", "", outcome="?")
    traces.span("1", "i", "r", "a", "", outcome="?")
    traces.failed.append(("1", "i"))
    traces.missing += [("1", "i", "b"), ("1", "i", "b")]
    only = edge(observed(traces, tmp_path), "a", "b")
    unreachable = only.modes["unreachable"]
    assert (unreachable.verdict.value, unreachable.failed_calls, unreachable.flags) == ("hard", 1, ("by_log", "one_window"))
    assert only.calls == 0


def test_where_a_callee_always_fails_nobody_is_taken_for_its_fallback(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, _: int) -> None:
        traces.call(trace, 1, "b", outcome="error")
        traces.call(trace, 2, "c", at=20)

    assert edge(observed(requests(20, make), tmp_path), "a", "b").fallback is None


def test_a_size_of_memory_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lots"):
        DuckDB(memory="lots", spill=str(tmp_path))
