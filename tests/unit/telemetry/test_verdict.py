from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.telemetry.made import Traces, edge, observed, requests

if TYPE_CHECKING:
    from pathlib import Path

MINUTES = 60_000.0


def some_fail(traces: Traces, trace: str, number: int) -> None:
    traces.call(trace, 1, "b", outcome="error" if number % 10 == 0 else "")


def test_a_caller_that_fails_whenever_the_callee_does_depends_hard(tmp_path: Path) -> None:
    traces = requests(400, some_fail, outcome=lambda number: "error" if number % 10 == 0 else "", every=2000)
    found = edge(observed(traces, tmp_path), "a", "b").modes["error"]
    assert (found.verdict.value, found.failed_calls, found.windows, found.failures_needed, found.flags) == ("hard", 40, 4, 0, ())


def test_a_caller_that_answers_all_the_same_depends_softly(tmp_path: Path) -> None:
    found = edge(observed(requests(400, some_fail, every=2000), tmp_path), "a", "b").modes["error"]
    assert found.verdict.value == "soft"
    assert found.high is not None
    assert found.high < 0.2


def test_a_caller_that_fails_every_other_time_depends_in_part(tmp_path: Path) -> None:
    traces = requests(900, some_fail, outcome=lambda number: "error" if number % 20 == 0 else "", every=1000)
    assert edge(observed(traces, tmp_path), "a", "b").modes["error"].verdict.value == "partial"


def test_what_never_failed_is_unknown_and_not_soft(tmp_path: Path) -> None:
    found = edge(observed(requests(400, lambda traces, trace, _: traces.call(trace, 1, "b")), tmp_path), "a", "b")
    for mode in ("error", "timeout", "unreachable"):
        evidence = found.modes[mode]
        assert (evidence.verdict.value, evidence.probability, evidence.failures_needed) == ("unknown", None, 7)


@pytest.mark.parametrize(("failures", "verdict", "needed"), [(3, "unknown", 4), (6, "unknown", 1), (8, "hard", 0)])
def test_few_failures_leave_it_unknown_and_say_how_many_more_would_decide(failures: int, verdict: str, needed: int, tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        traces.call(trace, 1, "b", outcome="error" if number < failures else "")

    found = edge(observed(requests(400, make, outcome=lambda number: "error" if number < failures else ""), tmp_path), "a", "b").modes[
        "error"
    ]
    assert found.verdict.value == verdict
    assert abs(found.failures_needed - needed) <= 1  # a background is never quite nought


def test_two_callees_that_fail_in_the_same_requests_are_told_apart_by_those_in_which_one_does(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        traces.call(trace, 1, "fatal", outcome="error" if number % 4 == 0 else "")
        traces.call(trace, 2, "harmless", at=20, outcome="error" if number % 8 in (0, 1) else "")

    found = observed(requests(400, make, outcome=lambda number: "error" if number % 4 == 0 else ""), tmp_path)
    assert edge(found, "a", "fatal").modes["error"].verdict.value == "hard"
    assert edge(found, "a", "harmless").modes["error"].verdict.value == "soft"


def test_an_incident_of_the_caller_itself_is_not_blamed_on_a_callee_that_fails_in_it(tmp_path: Path) -> None:
    incident = range(234, 333)  # five minutes

    def fails(number: int) -> str:
        return "error" if number in incident and number % 2 else ""

    def make(traces: Traces, trace: str, number: int) -> None:
        traces.call(trace, 1, "b", outcome="error" if number in incident and number % 3 == 0 else "")

    found = edge(observed(requests(600, make, outcome=fails, every=3000), tmp_path), "a", "b").modes["error"]
    assert found.verdict.value != "hard"
    assert found.low is not None
    assert found.low < 0.05


def test_without_contrast_there_is_a_verdict_and_the_flag(tmp_path: Path) -> None:
    traces = requests(60, lambda traces, trace, _: traces.call(trace, 1, "b", outcome="error"), outcome=lambda _: "error")
    found = edge(observed(traces, tmp_path), "a", "b").modes["error"]
    assert found.verdict.value == "hard"
    assert found.flags == ("no_contrast", "one_window")


def test_one_edge_can_be_soft_to_an_error_and_hard_to_a_hang(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        if number % 2:
            traces.call(trace, 1, "b", outcome="error", lasts=4)
        else:
            traces.span(trace, "c1", "r", "a", "client", at=1, lasts=20_000 + number % 5, outcome="error", peer="b")

    traces = requests(200, make, outcome=lambda number: "" if number % 2 else "error", every=30_000)
    found = edge(observed(traces, tmp_path), "a", "b")
    assert (found.modes["error"].verdict.value, found.modes["timeout"].verdict.value) == ("soft", "hard")
    assert found.limit_ns is not None
    assert found.limit_ns == pytest.approx(20e9, rel=0.08)


def test_fast_failures_that_the_callee_did_not_record_are_unreachable(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        if number % 10:
            traces.call(trace, 1, "b")
        else:
            traces.span(trace, "c1", "r", "a", "client", at=1, lasts=1, outcome="error", peer="b")

    found = edge(observed(requests(300, make), tmp_path), "a", "b")
    assert (found.modes["unreachable"].verdict.value, found.modes["error"].failed_calls) == ("soft", 0)


def test_what_a_span_says_of_its_failure_counts_before_what_its_duration_shows(tmp_path: Path) -> None:
    def make(traces: Traces, trace: str, number: int) -> None:
        outcome = ("timeout", "unreachable", "")[number % 3]
        traces.call(trace, 1, "b", outcome=outcome)

    found = edge(observed(requests(90, make), tmp_path), "a", "b")
    assert {mode: item.failed_calls for mode, item in found.modes.items()} == {"error": 0, "timeout": 30, "unreachable": 30}


def test_where_the_caller_s_outcome_was_not_recorded_nothing_is_concluded(tmp_path: Path) -> None:
    traces = requests(60, some_fail, outcome=lambda _: "?")
    found = edge(observed(traces, tmp_path), "a", "b").modes["error"]
    assert (found.verdict.value, found.failed_calls, found.flags) == ("unknown", 6, ("outcome_not_recorded",))


def test_what_fails_with_nothing_failed_below_is_the_service_s_own(tmp_path: Path) -> None:
    traces = requests(400, some_fail, outcome=lambda number: "error" if number % 10 == 0 or number in (7, 233) else "")
    (service,) = [each for each in observed(traces, tmp_path).services if each.name == "a"]
    assert service.own is not None
    assert service.observed is not None
    assert (service.own.requests, service.own.failed) == (360, 2)
    assert (service.observed.requests, service.observed.failed) == (400, 42)


def test_of_what_was_kept_for_how_it_ended_no_frequency_is_told(tmp_path: Path) -> None:
    hard = requests(400, some_fail, outcome=lambda number: "error" if number % 10 == 0 else "", every=2000)
    found = observed(hard, tmp_path / "hard", is_sampled_by_outcome=True)
    (item,) = [mode for mode in edge(found, "a", "b").modes.values() if mode.failed_calls]
    assert (item.verdict.value, item.probability, item.low, item.high) == ("unknown", None, None, None)
    assert item.flags == ("sampled_by_outcome",)
    assert (edge(found, "a", "b").share, [service.own or service.observed for service in found.services]) == (None, [None, None])
    soft = observed(requests(400, some_fail, every=2000), tmp_path / "soft", is_sampled_by_outcome=True)
    assert edge(soft, "a", "b").modes["error"].verdict.value == "soft"  # to keep failures cannot make a caller look soft
