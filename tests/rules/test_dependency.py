from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.rules.fleets import facts_of
from truetier.audit.engine import run
from truetier.audit.finding import Finding, Severity
from truetier.audit.registry import all_rules
from truetier.audit.rule import EXAMPLE_DAY

if TYPE_CHECKING:
    from collections.abc import Sequence


def found(needs: str, rule: str, *, more: str = "", as_of: date = EXAMPLE_DAY) -> Sequence[Finding]:
    catalog = f"version: 1\nservices:\n  a: {{tier: T1, needs: [{needs}]}}\n  b: {{tier: T2}}\n  c: {{tier: T2}}\n{more}"
    return run(facts_of(catalog, as_of), all_rules(), select=[rule])[0]


def test_a_need_may_lack_both_timeout_and_fallback() -> None:
    need = "{service: b, hardness: soft}"
    assert [finding.code for finding in found(need, "TT20")] == ["TT201", "TT202"]


@pytest.mark.parametrize("rule", ["soft-without-timeout", "soft-without-fallback", "fallback-never-exercised"])
@pytest.mark.parametrize("need", ["b", "{service: b, mode: async}", "{any_of: [b, c]}", "{service: b, hardness: unknown}"])
def test_what_is_not_soft_needs_no_fallback(need: str, rule: str) -> None:
    assert found(need, rule) == ()


def test_a_soft_need_that_counts_as_hard_costs_the_downtime_of_its_callee() -> None:
    assert found("{service: b, fallback: static}", "soft-without-timeout")[0].minutes_per_year == pytest.approx(525.6)


def test_a_soft_start_need_without_a_timeout_costs_nothing_while_serving() -> None:
    assert found("{service: b, phase: start, fallback: static}", "soft-without-timeout")[0].minutes_per_year is None


def test_the_budget_is_what_callers_wait_where_none_is_stated() -> None:
    more = "  front: {tier: T1, needs: [{service: a, timeout: 300ms}]}\n"
    (finding,) = found("{service: b, timeout: 300ms, fallback: static}", "timeout-not-below-budget", more=more)
    assert "not below the 300ms its own callers wait" in finding.message
    assert finding.severity is Severity.WARNING


def test_a_hard_need_slower_than_a_stated_budget_is_a_note() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, budget: 1s, needs: [{service: b, timeout: 2s}]}\n  b: {tier: T1}\n"
    (finding,) = run(facts_of(catalog), all_rules(), select=["timeout-not-below-budget"])[0]
    assert finding.severity is Severity.NOTE
    assert finding.minutes_per_year is None


def test_a_hard_need_slower_than_what_callers_wait_is_no_finding() -> None:
    more = "  front: {tier: T1, needs: [{service: a, timeout: 300ms}]}\n"
    assert found("{service: b, timeout: 300ms}", "timeout-not-below-budget", more=more) == ()


@pytest.mark.parametrize("need", ["{service: b, timeout: 2s, mode: async}", "{service: b, timeout: 2s, phase: start}", "b"])
def test_what_nobody_waits_for_while_serving_has_no_budget_to_keep(need: str) -> None:
    catalog = f"version: 1\nservices:\n  a: {{tier: T1, budget: 1s, needs: [{need}]}}\n  b: {{tier: T1}}\n"
    assert run(facts_of(catalog), all_rules(), select=["timeout-not-below-budget"])[0] == ()


@pytest.mark.parametrize(
    ("verified", "level", "words"),
    [
        ("{by: game-day, on: 2026-11-24}", "warning", "dated 2026-11-24, which is still to come"),
        ("{by: game-day, on: 2026-11-24, until: 2027-01-01}", "warning", "still to come"),
        ("{by: game-day, on: 2026-01-01, until: 2026-11-22}", "warning", "ran out on 2026-11-22"),
    ],
)
def test_evidence_that_does_not_hold_on_the_day_is_a_warning(verified: str, level: str, words: str) -> None:
    (finding,) = found(f"{{service: b, timeout: 1s, fallback: static, verified: {verified}}}", "fallback-never-exercised")
    assert finding.severity.value == level
    assert words in finding.message


def test_evidence_counts_on_its_last_day_and_without_an_end_for_ever() -> None:
    need = "{service: b, timeout: 1s, fallback: static, verified: {by: game-day, on: 2026-01-01%s}}"
    assert found(need % ", until: 2026-11-23", "fallback-never-exercised") == ()
    assert found(need % "", "fallback-never-exercised", as_of=date(2096, 1, 1)) == ()


def test_two_needs_on_one_service_are_two_findings() -> None:
    both = found("{service: b, fallback: static}, {service: b, share: 5%, fallback: static}", "soft-without-timeout")
    assert [finding.subject for finding in both] == ["a -> b", "a -> b"]
    assert both[0].fingerprint != both[1].fingerprint


def amplified(services: str, journeys: str = "") -> list[tuple[str, int]]:
    findings, _ = run(facts_of(f"version: 1\nservices:\n{services}{journeys}"), all_rules(), select=["retry-amplification"])
    return [(finding.subject, finding.path_length) for finding in findings]


def retrying(caller: str, callee: str, attempts: int, tier: str = "T1") -> str:
    return f"  {caller}: {{tier: {tier}, needs: [{{service: {callee}, timeout: 1s, attempts: {attempts}}}]}}\n"


def test_three_calls_of_three_attempts_are_twenty_seven_requests() -> None:
    services = retrying("a", "b", 3) + retrying("b", "c", 3) + retrying("c", "d", 3) + "  d: {tier: T1}\n"
    findings, _ = run(facts_of(f"version: 1\nservices:\n{services}"), all_rules(), select=["retry-amplification"])
    assert [finding.message for finding in findings] == ["one request of a can become 27 requests to d: the attempts on the way multiply"]
    assert findings[0].path == ("a", "b", "c", "d")


def test_two_attempts_once_are_allowed_and_twice_are_not() -> None:
    assert amplified(retrying("a", "b", 2) + retrying("b", "c", 1) + "  c: {tier: T1}\n") == []
    assert amplified(retrying("a", "b", 2) + retrying("b", "c", 2) + "  c: {tier: T1}\n") == [("a", 3)]


def test_a_path_is_reported_from_the_first_service_that_retries() -> None:
    services = retrying("a", "m", 1) + retrying("b", "m", 1) + retrying("m", "n", 3) + "  n: {tier: T1}\n"
    assert amplified(services) == [("m", 2)]


def test_one_call_that_is_tried_too_often_alone_is_not_told_to_be_the_only_one() -> None:
    services = retrying("a", "b", 3) + retrying("b", "c", 1) + "  c: {tier: T1}\n"
    ((finding,), _) = run(facts_of(f"version: 1\nservices:\n{services}"), all_rules(), select=["retry-amplification"])
    assert finding.message == "one request of a can become 3 requests to c: b is tried so often"
    assert finding.fix == "make at most 2 attempts on b, and share a retry budget there"


def test_what_no_critical_service_or_journey_calls_may_retry() -> None:
    services = retrying("a", "b", 9, "T2") + "  b: {tier: T2}\n"
    assert amplified(services) == []
    assert amplified(services, "journeys:\n  j: {tier: T1, succeeds: [a]}\n") == [("a", 2)]
    assert amplified(services, "journeys:\n  j: {tier: T2, succeeds: [a]}\n") == []


def test_a_critical_endpoint_makes_its_service_critical() -> None:
    services = "  a: {tier: T2, endpoints: {x: {tier: T1}}, needs: [{service: b, timeout: 1s, attempts: 3}]}\n  b: {tier: T2}\n"
    assert amplified(services) == [("a", 2)]


def test_in_a_circle_one_call_is_followed() -> None:
    services = retrying("a", "b", 3) + retrying("b", "c", 2) + retrying("c", "a", 2)
    assert amplified(services) == [("a", 2)]


def test_the_factor_stays_readable_however_long_the_path() -> None:
    services = "".join(retrying(f"s{number}", f"s{number + 1}", 2) for number in range(80)) + "  s80: {tier: T1}\n"
    (finding,) = run(facts_of(f"version: 1\nservices:\n{services}"), all_rules(), select=["retry-amplification"])[0]
    assert "more than 1,000,000 requests to the last service" in finding.message
    assert len(finding.path) == 50
    assert finding.path_length == 81


def test_an_expired_waiver_is_an_error_and_what_it_excused_counts_again() -> None:
    waiver = 'waivers:\n  - {rule: inversion, subject: a -> b, owner: o, reason: "r", expires: 2026-11-22}\n'
    findings = (*found("b", "inversion", more=waiver), *found("b", "waiver-expired", more=waiver))
    assert [(finding.code, finding.severity.value, finding.is_waived) for finding in findings] == [
        ("TT101", "error", False),
        ("TT209", "error", False),
    ]


def test_of_several_paths_the_worst_is_told() -> None:
    calls = "{service: b, timeout: 1s, attempts: 3}, {service: c, timeout: 1s, attempts: 4}, {service: b, timeout: 1s, attempts: 2}"
    (finding,) = found(calls, "retry-amplification")
    assert finding.path == ("a", "c")
