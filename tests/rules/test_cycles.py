from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rules.fleets import facts_of
from truetier.audit.engine import run
from truetier.audit.registry import all_rules
from truetier.graph.hardness import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.audit.finding import Finding


def found(catalog: str, rule: str) -> Sequence[Finding]:
    return run(facts_of(f"version: 1\nservices:\n{catalog}"), all_rules(), select=[rule])[0]


def test_a_component_is_one_finding_with_a_shortest_circle_and_what_to_cut() -> None:
    catalog = """
  a: {tier: T1, needs: [b]}
  b: {tier: T1, needs: [c]}
  c: {tier: T1, needs: [d, a]}
  d: {tier: T1, needs: [c, e]}
  e: {tier: T1}
"""
    (finding,) = found(catalog, "hard-cycle")
    assert finding.subject == "a"
    assert finding.path == ("c", "d", "c")
    assert finding.message.startswith(
        "4 services fall together: a, b, c, d; a shortest circle has 2 needs, cutting 2 needs ends them all: "
    )
    assert finding.minutes_per_year is not None


def test_the_need_at_which_the_promise_drops_is_the_one_to_cut() -> None:
    (finding,) = found("  a: {tier: T2, needs: [b]}\n  b: {tier: T1, needs: [a]}\n", "hard-cycle")
    assert finding.fix.startswith("cut b -> a:")
    assert finding.place is not None
    assert finding.place.line == 4


def test_two_needs_to_cut_between_the_same_services_are_named_once() -> None:
    (finding,) = found("  a: {tier: T1, needs: [b, {service: b, share: 5%}]}\n  b: {tier: T1, needs: [a, a, a]}\n", "hard-cycle")
    assert finding.message.endswith("cutting 2 needs ends them all: a -> b")
    assert finding.fix == "cut a -> b: turn each into events (mode: async), or make it soft with a timeout and a fallback"


def test_of_a_group_that_needs_all_its_members_nobody_says_how_few_cuts_do() -> None:
    catalog = "  a: {tier: T1, needs: [{k: 2, of: [b, c]}]}\n  b: {tier: T1, needs: [a]}\n  c: {tier: T1, needs: [a]}\n"
    (finding,) = found(catalog, "hard-cycle")
    assert " (fewer may do) ends them all: " in finding.message


def test_a_need_that_takes_no_fallback_is_cut_in_another_way() -> None:
    (finding,) = found("  a: {tier: T1, needs: [{k: 2, of: [b, c]}]}\n  b: {tier: T1, needs: [a]}\n  c: {tier: T1}\n", "hard-cycle")
    assert finding.fix == "cut a -> b: give the group a member it can do without (k below n)"
    queue = "  a: {tier: T1, needs: [{service: b, mode: async, broker: q}]}\n  b: {tier: T1}\n  q: {tier: T1, needs: [a]}\n"
    (finding,) = found(queue, "hard-cycle")
    assert finding.fix == "cut a -> q: hand the work for b over in another way"
    both = "  a: {tier: T1, needs: [b]}\n  b: {tier: T1, needs: [a, {k: 1, of: [c]}]}\n  c: {tier: T1, needs: [b]}\n"
    (finding,) = found(both, "hard-cycle")
    assert finding.fix.startswith("cut ")
    assert finding.fix.endswith("or give the group a member it can do without (k below n)")


def test_two_components_are_two_findings() -> None:
    catalog = "  a: {tier: T1, needs: [b]}\n  b: {tier: T1, needs: [a]}\n  c: {tier: T1, needs: [d, a]}\n  d: {tier: T1, needs: [c]}\n"
    assert [finding.subject for finding in found(catalog, "hard-cycle")] == ["a", "c"]


@pytest.mark.parametrize(
    "back",
    [
        "{service: a, mode: async}",
        "{any_of: [a, c]}",
        "{service: a, timeout: 1s, fallback: static}",
        "{service: a, phase: start}",
    ],
)
def test_a_circle_that_something_survives_is_no_hard_cycle(back: str) -> None:
    assert found(f"  a: {{tier: T1, needs: [b]}}\n  b: {{tier: T1, needs: [{back}]}}\n  c: {{tier: T1}}\n", "hard-cycle") == ()


def test_a_circle_is_closed_by_what_nobody_has_verified_for_who_trusts_no_claims() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [b]}\n  b: {tier: T1, needs: [{service: a, timeout: 1s, fallback: static}]}\n"
    facts = facts_of(catalog, trust=Reading.VERIFIED)
    assert [finding.slug for finding in run(facts, all_rules(), select=["cycles"])[0]] == ["hard-cycle"]
    assert [finding.subject for finding in run(facts, all_rules(), select=["fallback-never-exercised"])[0]] == ["b -> a"]


def test_a_boot_loop_begins_with_a_need_at_start() -> None:
    catalog = "  a: {tier: T1, needs: [b]}\n  b: {tier: T1, needs: [{service: a, phase: recover}]}\n"
    (finding,) = found(catalog, "boot-loop")
    assert finding.path == ("b", "a", "b")
    assert finding.message == "from a cold start a, b wait for each other and never serve"


@pytest.mark.parametrize(
    ("need", "way"),
    [
        ("{service: b, phase: start}", "make the start need soft, with a timeout and a fallback"),
        ("{service: b, phase: start, fallback: static}", "give the need a timeout, without which its fallback never gets its turn"),
        ("{service: b, phase: start, timeout: 1s, fallback: static}", "show that its fallback works, and write it down (verified)"),
        ("{service: b, phase: start, mode: async}", "show that a does not wait for b, and write it down (verified)"),
        ("{any_of: [b], phase: start}", "give the group a member it can do without (k below n)"),
    ],
)
def test_a_loop_is_opened_in_a_way_that_its_start_need_allows(need: str, way: str) -> None:
    catalog = f"version: 1\nservices:\n  a: {{tier: T1, needs: [{need}]}}\n  b: {{tier: T1, needs: [a]}}\n"
    ((finding,), _) = run(facts_of(catalog, trust=Reading.VERIFIED), all_rules(), select=["boot-loop"])
    assert finding.fix.partition(" with it, or ")[2] == way


def test_a_fallback_at_start_may_take_longer_than_a_request() -> None:
    catalog = """
  dns:    {tier: T1, budget: 100ms, needs: [{service: config, phase: start, timeout: 1s, fallback: static}]}
  config: {tier: T1, needs: [{service: dns, phase: start}]}
"""
    assert found(catalog, "boot-loop") == ()
    assert found(catalog, "timeout-not-below-budget") == ()


def test_who_only_waits_behind_a_loop_is_counted_there() -> None:
    catalog = (
        "  a: {tier: T1, needs: [{service: b, phase: start}]}\n  b: {tier: T1, needs: [{service: a, phase: start}]}\n  c: {needs: [a]}\n"
    )
    (finding,) = found(catalog, "boot-loop")
    assert "it keeps 1 more service from serving: c" in finding.message


def test_layers_count_for_calls_in_every_phase_and_of_groups() -> None:
    catalog = """
  top: {tier: T1, layer: 4, needs: [{any_of: [low, mid]}]}
  mid: {tier: T1, layer: 3}
  low: {tier: T1, layer: 1, needs: [{service: top, phase: start}]}
"""
    assert [finding.subject for finding in found(catalog, "upward-call")] == ["low -> top"]
    assert [finding.subject for finding in found(catalog, "layer-skipping-call")] == ["top -> low"]
