from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rules.fleets import facts_of
from truetier.audit.engine import run
from truetier.audit.finding import Finding, Severity, SkippedRule
from truetier.audit.registry import all_rules
from truetier.graph.hardness import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

LOGIN = """
version: 1
services:
  login:           {tier: 1, needs: [user-profile, fraud-detection, {service: notifications, mode: async}]}
  user-profile:    {tier: 2}
  fraud-detection: {tier: 2}
  notifications:   {availability: 99.5%}
"""


def found(catalog: str, rule: str, *, trust: Reading = Reading.TRUSTING) -> Sequence[Finding]:
    return run(facts_of(catalog, trust=trust), all_rules(), select=[rule])[0]


def skipped(catalog: str, rule: str) -> tuple[SkippedRule, ...]:
    return run(facts_of(catalog), all_rules(), select=[rule])[1]


def one(catalog: str, rule: str, *, trust: Reading = Reading.TRUSTING) -> Finding:
    (finding,) = found(catalog, rule, trust=trust)
    return finding


def test_login_shows_what_breaks_its_promise_and_nothing_else_that_is_an_error() -> None:
    findings, unjudged = run(facts_of(LOGIN), all_rules())
    assert [(finding.severity.value, finding.code, finding.subject) for finding in findings] == [
        ("error", "TT101", "login -> fraud-detection"),
        ("error", "TT101", "login -> user-profile"),
        ("error", "TT103", "login"),
        ("warning", "TT108", "notifications"),
        ("note", "TT106", "fraud-detection"),
        ("note", "TT106", "user-profile"),
    ]
    assert unjudged == ()


def test_an_inversion_says_who_promises_what_and_what_it_costs() -> None:
    finding = found(LOGIN, "inversion")[1]
    assert finding.message == "login (T1, 99.99%) hard needs user-profile (T2, 99.9%): 8.76 h/yr lost"
    assert finding.path == ("login", "user-profile")
    assert finding.minutes_per_year == pytest.approx(525.6)
    assert str(finding.place) == "truetier.yaml:4:38"


def test_a_conditional_inversion_costs_its_share() -> None:
    finding = one("version: 1\nservices:\n  a: {tier: T1, needs: [{service: b, share: 20%}]}\n  b: {tier: T2}\n", "inversion")
    assert finding.minutes_per_year == pytest.approx(105.12)
    assert "for 20% of its requests" in finding.message


def test_several_needs_on_one_service_are_one_inversion_at_the_larger_share() -> None:
    catalog = """
version: 1
services:
  a:
    tier: T1
    needs:
      - {service: b, share: 20%, condition: small}
      - {service: b, share: 80%, condition: large}
      - {service: b, share: 30%, condition: odd}
  b: {tier: T2}
"""
    finding = one(catalog, "inversion")
    assert "80%" in finding.message
    assert finding.place is not None
    assert finding.place.line == 8


def test_an_inversion_in_a_drawn_endpoint_costs_the_share_of_its_draw() -> None:
    catalog = """
version: 1
services:
  a:
    tier: T2
    endpoints:
      buy:    {tier: T1, share: 10%, needs: [b]}
      browse: {share: 90%}
  b: {tier: T2}
"""
    finding = one(catalog, "inversion")
    assert finding.minutes_per_year == pytest.approx(52.56)
    assert "in its endpoint buy" in finding.message


def test_an_endpoint_of_a_weaker_tier_may_need_what_its_service_may_not() -> None:
    catalog = """
version: 1
services:
  pages: {tier: T1, endpoints: {buy: {tier: T1}, reviews: {tier: T3, needs: [comments]}}}
  comments: {tier: T3}
"""
    assert found(catalog, "inversion") == ()


def test_the_needs_all_endpoints_share_are_held_to_the_strictest_of_them() -> None:
    catalog = """
version: 1
services:
  pages: {tier: T3, needs: [session], endpoints: {buy: {tier: T1}, reviews: {tier: T3}}}
  session: {tier: T2}
"""
    assert one(catalog, "inversion").subject == "pages -> session"


def test_a_tier_that_promises_nothing_is_the_weakest() -> None:
    assert one("version: 1\nservices:\n  a: {tier: T3, needs: [b]}\n  b: {tier: T4}\n", "inversion").minutes_per_year is None


def test_a_target_counts_for_more_than_the_tier() -> None:
    assert found("version: 1\nservices:\n  a: {tier: T1, needs: [b]}\n  b: {tier: T2, target: 99.99%}\n", "inversion") == ()
    finding = one("version: 1\nservices:\n  a: {tier: T2, target: 99.95%, needs: [b]}\n  b: {tier: T2}\n", "inversion")
    assert "a (99.95%)" in finding.message
    assert finding.fix.startswith("raise b to T1")


def test_where_a_target_counts_it_is_the_target_that_must_be_raised() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [b]}\n  b: {tier: T1, target: 99.9%}\n"
    assert one(catalog, "inversion").fix.startswith("raise the target of b to 99.99%, or ")
    assert one(catalog, "under-tiered").fix.startswith("raise the target of b to 99.99%, or ")


def test_of_the_endpoints_that_need_a_service_the_one_that_promises_most_is_told() -> None:
    catalog = """
version: 1
services:
  pages: {tier: T2, endpoints: {see: {tier: T2, share: 90%, needs: [b]}, buy: {tier: T1, share: 10%, needs: [b]}}}
  b: {tier: T3}
"""
    finding = one(catalog, "inversion")
    assert "in its endpoint buy" in finding.message
    assert finding.fix.startswith("raise b to T1")


@pytest.mark.parametrize(
    ("need", "way"),
    [
        ("b", "make the need survivable: async, or soft with a timeout and a fallback"),
        ("{service: b, hardness: unknown}", "make the need survivable: async, or soft with a timeout and a fallback"),
        ("{service: c, mode: async, broker: b}", "hand the work for c over in another way"),
        ("{k: 2, of: [b, c]}", "give the group a member it can do without (k below n)"),
        ("{any_of: [{service: b, timeout: 1s}, c]}", "give every member of the group a timeout, so that the next is asked in time"),
        (
            "{any_of: [{service: b, timeout: 4s}, {service: c, timeout: 4s}]}",
            "make the attempts on all members together shorter than the budget of a",
        ),
        ("{service: b, hardness: soft}", "give the need a timeout and a fallback"),
        ("{service: b, hardness: soft, timeout: 1s}", "give the need a fallback"),
        ("{service: b, fallback: static}", "give the need a timeout, without which its fallback never gets its turn"),
        (
            "{service: b, timeout: 5s, fallback: static}",
            "make its attempts end before the budget of a does, so that its fallback counts",
        ),
    ],
)
def test_the_way_out_of_an_inversion_fits_the_need(need: str, way: str) -> None:
    catalog = f"version: 1\nservices:\n  a: {{tier: T1, budget: 5s, needs: [{need}]}}\n  b: {{tier: T2}}\n  c: {{tier: T1}}\n"
    assert one(catalog, "inversion").fix == f"raise b to T1, or {way}"


@pytest.mark.parametrize(
    ("need", "way"),
    [
        ("{service: b, timeout: 1s, fallback: static}", "show that its fallback works, and write it down (verified)"),
        ("{service: b, mode: async}", "show that a does not wait for b, and write it down (verified)"),
        ("{any_of: [b, c]}", "show that a can do without a member of the group, and write it down (verified)"),
    ],
)
def test_what_was_dropped_for_want_of_evidence_wants_evidence(need: str, way: str) -> None:
    catalog = f"version: 1\nservices:\n  a: {{tier: T1, needs: [{need}]}}\n  b: {{tier: T2}}\n  c: {{tier: T1}}\n"
    assert one(catalog, "inversion", trust=Reading.VERIFIED).fix == f"raise b to T1, or {way}"


def test_no_tier_is_strict_enough_for_a_target_beyond_the_table() -> None:
    finding = one("version: 1\nservices:\n  a: {target: 99.9999%, needs: [b]}\n  b: {tier: T0}\n", "inversion")
    assert finding.fix.startswith("give b a target of 99.9999%, or ")


def test_where_every_service_has_a_tier_no_path_is_reported() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [b]}\n  b: {tier: T2, needs: [c]}\n  c: {tier: T3}\n"
    assert found(catalog, "inversion-path") == ()
    assert [finding.subject for finding in found(catalog, "inversion")] == ["a -> b", "b -> c"]


def test_a_path_is_blamed_on_the_edge_where_the_promise_drops_with_the_shortest_way_there() -> None:
    catalog = """
version: 1
services:
  far:  {tier: T1, needs: [x]}
  near: {tier: T1, needs: [y]}
  low:  {tier: T3, needs: [y]}
  x:    {availability: 100%, needs: [y]}
  y:    {availability: 100%, needs: [z, {any_of: [z, near]}, {service: z, share: 5%}]}
  z:    {tier: T2}
"""
    finding = one(catalog, "inversion-path")
    assert finding.path == ("near", "y", "z")
    assert finding.subject == "y -> z"
    assert finding.place is not None
    assert finding.place.line == 8


def test_a_path_is_told_from_below_the_direct_inversion_above_it() -> None:
    catalog = """
version: 1
services:
  top:    {tier: T1, needs: [middle]}
  middle: {tier: T2, needs: [open]}
  open:   {availability: 100%, needs: [low]}
  low:    {tier: T3}
"""
    finding = one(catalog, "inversion-path")
    assert finding.path == ("middle", "open", "low")
    assert "raise low to T2" in finding.fix


def test_a_service_without_a_tier_that_nobody_needs_breaks_no_promise() -> None:
    catalog = "version: 1\nservices:\n  a: {availability: 99%, needs: [b]}\n  b: {tier: T3}\n"
    assert [finding.identity for finding in found(catalog, "TT10")] == [finding.identity for finding in found(catalog, "no-tier")]


def severity(catalog: str, subject: str) -> Severity:
    return next(finding.severity for finding in found(catalog, "promise-not-deliverable") if finding.subject == subject)


def test_a_promise_its_ceiling_misses_is_an_error() -> None:
    finding = one(LOGIN, "promise-not-deliverable")
    assert finding.severity is Severity.ERROR
    assert finding.message == (
        "login promises T1, 99.99% but delivers 99.7901% (T3): 18.385 h/yr down where 52.56 min/yr are allowed, "
        "47.6% of it from fraud-detection; with everything of its own perfect it would be 99.8001%"
    )
    assert finding.minutes_per_year == pytest.approx(1103.1293, rel=1e-6)


def test_a_promise_missed_by_over_a_quarter_of_the_budget_is_a_warning() -> None:
    assert severity("version: 1\nservices:\n  a: {tier: T1, needs: [b]}\n  b: {tier: T1}\n", "a") is Severity.WARNING


def test_a_promise_missed_by_less_is_a_note_where_own_was_assumed_and_a_warning_where_it_was_stated() -> None:
    assumed = "version: 1\nservices:\n  a: {tier: T1, needs: [b]}\n  b: {tier: T0}\n"
    stated = "version: 1\nservices:\n  a: {tier: T1, availability: 99.99%, needs: [b]}\n  b: {tier: T0}\n"
    assert severity(assumed, "a") is Severity.NOTE
    assert severity(stated, "a") is Severity.WARNING


@pytest.mark.parametrize(
    "need",
    ["{service: b, timeout: 1s, fallback: static}", "{service: b, mode: async}", "{any_of: [b, c]}", "{service: b, share: 1%}"],
)
def test_what_nobody_has_verified_is_hard_for_who_trusts_no_claims(need: str) -> None:
    catalog = f"version: 1\nservices:\n  a: {{tier: T1, needs: [{need}]}}\n  b: {{tier: T3}}\n  c: {{tier: T1}}\n"
    finding = one(catalog, "inversion", trust=Reading.VERIFIED)
    assert finding.subject == "a -> b"
    assert finding.minutes_per_year == pytest.approx(5256)
    shown = catalog.replace(need, need[:-1] + ", verified: {by: game-day, on: 2026-11-02}}")
    verified, trusted = (found(shown, "inversion", trust=trust) for trust in (Reading.VERIFIED, Reading.TRUSTING))
    assert [(each.subject, each.message) for each in verified] == [(each.subject, each.message) for each in trusted]


def test_a_ceiling_that_rests_on_unverified_claims_is_no_ceiling_for_who_trusts_none() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [{service: b, timeout: 1s, fallback: static}]}\n  b: {tier: T3}\n"
    finding = one(catalog, "promise-not-deliverable", trust=Reading.VERIFIED)
    assert finding.severity is Severity.ERROR
    assert finding.message.endswith("with everything of its own perfect it would be 99.000%")
    same = "version: 1\nservices:\n  a: {tier: T1, needs: [{service: b, timeout: 1s, fallback: static}]}\n  b: {tier: T1}\n"
    assert one(same, "promise-not-deliverable", trust=Reading.VERIFIED).severity is Severity.WARNING


def test_copies_with_a_stated_availability_are_no_assumption() -> None:
    catalog = """
version: 1
services:
  a: {tier: T1, needs: [b], placement: {copies: {x: 1, y: 1}, availability: 99.9%, common_cause: 9%}}
  b: {tier: T0}
"""
    assert severity(catalog, "a") is Severity.WARNING


def test_a_journey_is_a_note_only_where_a_service_in_it_was_assumed() -> None:
    assumed = "version: 1\nservices:\n  a: {tier: T1, needs: [b]}\n  b: {tier: T0}\njourneys:\n  j: {tier: T1, succeeds: [a]}\n"
    stated = """
version: 1
services:
  a: {tier: T1, availability: 99.99%, needs: [b]}
  b: {tier: T0}
journeys:
  j: {tier: T1, succeeds: [a]}
"""
    lost = "version: 1\nservices:\n  a: {tier: T2}\njourneys:\n  j: {tier: T1, succeeds: [a]}\n"
    assert severity(assumed, "j") is Severity.NOTE
    assert severity(stated, "j") is Severity.ERROR
    assert severity(lost, "j") is Severity.ERROR


def test_an_endpoint_with_a_tier_is_judged_by_itself() -> None:
    catalog = """
version: 1
services:
  pages:
    tier: T2
    availability: 99.999%
    endpoints:
      buy: {tier: T1, needs: [b]}
      see: {tier: T3}
  b: {tier: T2, availability: 99.95%}
"""
    finding = one(catalog, "promise-not-deliverable")
    assert finding.subject == "pages/buy"
    assert finding.message.startswith("endpoint pages/buy promises T1, 99.99%")
    assert finding.place is not None
    assert finding.place.line == 8
    assert finding.fix.startswith("make b more available")


def test_a_promise_nobody_can_judge_is_skipped_with_the_reason() -> None:
    (skip,) = skipped("version: 1\nservices:\n  a: {tier: T2, needs: [b]}\n  b: {tier: T4}\n", "promise-not-deliverable")
    assert skip.subject == "a"
    assert "too little is known" in skip.reason


def test_a_promise_that_fails_whatever_the_unknown_turns_out_to_be_is_missed() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [b, c]}\n  b: {tier: T4}\n  c: {tier: T3}\n"
    finding = one(catalog, "promise-not-deliverable")
    assert "delivers at most 98.990%: at least 3.686 d/yr down" in finding.message
    assert finding.minutes_per_year is None


def test_a_service_that_misses_by_its_own_part_is_told_to_mend_itself() -> None:
    finding = one("version: 1\nservices:\n  a: {tier: T1, availability: 99.9%}\n", "promise-not-deliverable")
    assert finding.fix.startswith("make a itself more available")
    assert finding.severity is Severity.WARNING


def test_exactly_ten_dependencies_with_an_extra_nine_are_allowed() -> None:
    names = ", ".join(f"s{number}" for number in range(10))
    below = "".join(f"  s{number}: {{tier: T1}}\n" for number in range(10))
    assert found(f"version: 1\nservices:\n  a: {{tier: T2, needs: [{names}]}}\n{below}", "extra-nine-missing") == ()


def test_a_callee_that_promises_less_is_an_inversion_and_no_missing_nine() -> None:
    assert found(LOGIN, "extra-nine-missing") == ()


def test_one_too_many_with_an_extra_nine_want_no_extra_nine_but_fewer_needs() -> None:
    names = ", ".join(f"s{number}" for number in range(11))
    below = "".join(f"  s{number}: {{tier: T1}}\n" for number in range(11))
    finding = one(f"version: 1\nservices:\n  a: {{tier: T2, needs: [{names}]}}\n{below}", "extra-nine-missing")
    assert finding.message.endswith("allow 110% of its downtime: each has the extra nine, but together they are too many")
    assert finding.fix == "make some of the needs survivable, or have some of s0, s1, s2 and 8 more promise still more"


@pytest.mark.parametrize(("share", "used"), [("10%", None), ("11%", "11%")])
def test_a_conditional_need_spends_for_its_share(share: str, used: str | None) -> None:
    catalog = f"version: 1\nservices:\n  a: {{tier: T1, needs: [{{service: b, share: {share}}}]}}\n  b: {{tier: T1}}\n"
    messages = [finding.message for finding in found(catalog, "extra-nine-missing")]
    assert messages == (
        [] if used is None else [f"a (T1, 99.99%) hard needs 1 service whose promises allow {used} of its downtime: b lacks the extra nine"]
    )


def test_a_drawn_endpoint_spends_of_its_service_by_its_share_and_of_its_own_promise_all() -> None:
    catalog = """
version: 1
services:
  pages: {tier: T1, needs: [d], endpoints: {buy: {tier: T1, share: 5%, needs: [b]}, see: {share: 95%, needs: [c]}}}
  b: {tier: T1}
  c: {tier: T0}
  d: {tier: T0}
"""
    (finding,) = found(catalog, "extra-nine-missing")
    assert finding.subject == "pages/buy"
    assert "hard needs 2 services whose promises allow 110% of its downtime: b lacks" in finding.message
    everywhere = catalog.replace("tier: T1, share: 5%", "share: 5%").replace("needs: [c]", "needs: [b]")
    assert "pages (T1, 99.99%) hard needs 2 services whose promises allow 110% of" in one(everywhere, "extra-nine-missing").message
    rare = catalog.replace("tier: T1, share: 5%", "share: 5%")
    assert found(rare, "extra-nine-missing") == ()


def test_an_endpoint_of_a_weaker_tier_does_not_spend_of_its_services_promise() -> None:
    catalog = """
version: 1
services:
  pages: {tier: T1, endpoints: {buy: {tier: T1, needs: [b]}, see: {tier: T3, needs: [c]}}}
  b: {tier: T0}
  c: {tier: T1}
"""
    assert found(catalog, "extra-nine-missing") == ()
    both = catalog.replace("b: {tier: T0}", "b: {tier: T1}").replace("c: {tier: T1}", "c: {tier: T3}")
    assert [finding.subject for finding in found(both, "extra-nine-missing")] == ["pages", "pages/see"]


def test_what_a_callee_without_a_tier_may_spend_is_unknown() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [b, c]}\n  b: {availability: 99%}\n  c: {tier: T0}\n"
    assert found(catalog, "extra-nine-missing") == ()
    (skip,) = skipped(catalog, "extra-nine-missing")
    assert (skip.subject, skip.reason) == ("a", "its callee b has no tier, so nobody knows how much of the budget it may spend")


def test_a_callee_named_twice_counts_once() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [b, {service: b, share: 5%}, c]}\n  b: {tier: T1}\n  c: {tier: T1}\n"
    assert "2 services whose promises allow 200% of its downtime: b, c lack the extra nine" in one(catalog, "extra-nine-missing").message


def test_a_service_is_not_over_tiered_where_a_journey_or_a_start_need_asks_for_it() -> None:
    catalog = """
version: 1
services:
  low:   {tier: T3, needs: [named, needed, outside, loose]}
  other: {tier: T3, needs: [{service: needed, phase: recover}]}
  named:   {tier: T1}
  needed:  {tier: T1}
  outside: {tier: T1, external: true}
  loose:   {tier: T4}
journeys:
  j: {tier: T3, succeeds: [{any_of: [named, low]}]}
"""
    assert found(catalog, "over-tiered") == ()


@pytest.mark.parametrize(
    ("caller", "callee", "fix"),
    [
        ("tier: T3", "tier: T1", "lower b to T2, an extra nine for a, or write down who needs more"),
        ("tier: T3", "tier: T2", None),
        (
            "tier: T3",
            "tier: T2, target: 99.99%",
            "lower the target of b to 99.9%, an extra nine for a, or write down who needs more",
        ),
        ("tier: T2", "tier: T1", None),
        ("target: 99.95%", "tier: T1", None),
        ("target: 99.9%", "tier: T0", "lower b to T1, an extra nine for a, or write down who needs more"),
        ("target: 99.91%", "tier: T0", None),
        ("tier: T4", "tier: T1", "lower b to T4, or write down who needs more"),
        ("tier: T4", "target: 99.99%", "drop the target of b and give it T4, or write down who needs more"),
    ],
)
def test_a_service_is_over_tiered_only_where_a_weaker_tier_leaves_its_callers_an_extra_nine(
    caller: str, callee: str, fix: str | None
) -> None:
    catalog = f"version: 1\nservices:\n  a: {{{caller}, needs: [b]}}\n  b: {{{callee}}}\n"
    assert [finding.fix for finding in found(catalog, "over-tiered")] == ([] if fix is None else [fix])
    assert fix is None or found(catalog, "extra-nine-missing") == ()


def test_a_service_without_a_tier_on_the_way_needs_an_extra_nine_as_well() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [m]}\n  m: {availability: 99%, needs: [b]}\n  b: {tier: T0}\n"
    assert found(catalog, "over-tiered") == ()
    assert one(catalog.replace("T1", "T3"), "over-tiered").fix.startswith("lower b to T2, an extra nine for a")


def test_what_is_asked_from_further_up_holds_past_a_caller_that_promises_nothing() -> None:
    catalog = "version: 1\nservices:\n  b: {tier: T2, needs: [a]}\n  a: {tier: T4, needs: [c]}\n  c: {tier: T0, needs: [b]}\n"
    assert one(catalog, "over-tiered").fix == "lower c to T1, an extra nine for b, or write down who needs more"


def test_who_shares_a_budget_with_many_is_not_over_tiered() -> None:
    def with_callees(count: int) -> Sequence[Finding]:
        names = ", ".join(f"s{number}" for number in range(count))
        below = "".join(f"  s{number}: {{tier: T0}}\n" for number in range(count))
        return found(f"version: 1\nservices:\n  a: {{tier: T2, needs: [{names}]}}\n{below}", "over-tiered")

    assert len(with_callees(10)) == 10
    assert with_callees(11) == ()


@pytest.mark.parametrize(
    ("need", "tier"),
    [
        ("{any_of: [b, c]}", "T1"),
        ("{service: b, timeout: 1s, fallback: {kind: stand-in, service: c}}", "T1"),
        ("{service: c, timeout: 1s, fallback: {kind: stand-in, service: b}}", "T1"),
        ("{service: b, timeout: 1s, fallback: {kind: cached, staleness: 1h}}", "T1"),
        ("{service: b, timeout: 1s, fallback: {kind: static, coverage: 99%}}", "T1"),
        ("{service: b, timeout: 1s, fallback: static}", "T4"),
        ("{service: b, mode: async}", "T4"),
    ],
)
def test_who_counts_on_a_service_it_can_lose_needs_what_it_promises(need: str, tier: str) -> None:
    catalog = f"version: 1\nservices:\n  a: {{tier: T1, needs: [{need}]}}\n  b: {{tier: T0}}\n  c: {{tier: T4}}\n"
    finding = one(catalog, "over-tiered")
    assert finding.fix == f"lower b to {tier}, or write down who needs more"
    assert ("which can do without it" in finding.message) == (tier == "T1")
    untold = catalog.replace("a: {tier: T1,", "a: {availability: 99%,")
    assert [skip.subject for skip in skipped(untold, "over-tiered")] == ([] if tier == "T4" else ["b"])


def test_what_callers_without_a_tier_need_is_unknown_however_far_up_they_are() -> None:
    catalog = """
version: 1
services:
  a: {tier: T3, needs: [m]}
  z: {availability: 99%, needs: [m]}
  m: {availability: 99%, needs: [b]}
  b: {tier: T1}
"""
    assert found(catalog, "over-tiered") == ()
    (skip,) = skipped(catalog, "over-tiered")
    assert (skip.subject, skip.reason) == ("b", "its caller m has no tier, so nobody knows what it needs")


def test_an_endpoint_with_a_tier_says_what_its_service_needs() -> None:
    catalog = """
version: 1
services:
  pages: {availability: 99%, endpoints: {see: {tier: T3, needs: [b]}}}
  b: {tier: T0}
"""
    assert one(catalog, "over-tiered").fix.startswith("lower b to T2")


@pytest.mark.parametrize(("need", "tier"), [("b", "T2"), ("{any_of: [b, c]}", "T3")])
def test_a_circle_does_not_make_a_service_need_itself(need: str, tier: str) -> None:
    catalog = f"version: 1\nservices:\n  a: {{tier: T3, needs: [{need}]}}\n  b: {{tier: T1, needs: [a]}}\n  c: {{tier: T3}}\n"
    assert one(catalog, "over-tiered").fix.startswith(f"lower b to {tier}, ")


def test_under_tiered_tells_who_needs_it_and_through_how_many() -> None:
    catalog = """
version: 1
services:
  a: {tier: T1, needs: [m]}
  b: {tier: T1, needs: [m]}
  c: {tier: T3, needs: [m]}
  m: {tier: T2, needs: [n]}
  n: {tier: T2}
"""
    m, n = found(catalog, "under-tiered")
    assert m.message == "m (T2, 99.9%) is needed by a (T1, 99.99%) through 2 callers"
    assert n.path == ("a", "m", "n")
    assert n.severity is Severity.NOTE


def test_nines_of_copies_are_wasted_like_any_others() -> None:
    catalog = """
version: 1
services:
  a: {tier: T2, needs: [b], placement: {copies: {x: 1, y: 1}, availability: 99.99%, common_cause: 1%}}
  b: {tier: T2}
"""
    finding = one(catalog, "nines-wasted")
    assert finding.message.startswith("a itself works 99.9998")
    assert finding.fix.startswith("put the effort into b")


def test_nines_that_were_only_assumed_are_not_called_wasted() -> None:
    assert found(LOGIN, "nines-wasted") == ()


@pytest.mark.parametrize(
    ("service", "level", "fix"),
    [
        ("{availability: 99.5%}", "warning", "give a a tier; T3 is what it delivers"),
        ("{}", "warning", "give a a tier"),
        ("{target: 99.95%}", "note", "give a a tier; T2 is what it has to keep"),
        ("{endpoints: {x: {tier: T2}, y: {tier: T3}}}", "note", "give a a tier"),
    ],
)
def test_a_service_without_a_tier_is_told_which_one_fits(service: str, level: str, fix: str) -> None:
    finding = one(f"version: 1\nservices:\n  a: {service}\n", "no-tier")
    assert (finding.severity.value, finding.fix) == (level, fix)


def test_a_service_without_a_tier_that_is_needed_has_to_keep_what_needs_it() -> None:
    finding = one("version: 1\nservices:\n  a: {tier: T1, needs: [b]}\n  b: {availability: 99%}\n", "no-tier")
    assert finding.message == "b has no tier, yet a (T1, 99.99%) hard needs it"
    assert finding.path == ("a", "b")
    assert finding.fix.endswith("T1 is what it has to keep")


def test_a_service_whose_endpoints_alone_have_tiers_takes_what_is_asked_of_it() -> None:
    catalog = """
version: 1
services:
  front: {tier: T1, needs: [pages]}
  pages: {availability: 100%, endpoints: {buy: {tier: T1, needs: [b]}, see: {tier: T3, needs: [c]}}}
  b: {tier: T2}
  c: {tier: T3}
"""
    assert [finding.subject for finding in found(catalog, "inversion")] == ["pages -> b"]
    assert [finding.path for finding in found(catalog, "inversion-path")] == [("front", "pages", "c")]


def test_names_with_slashes_are_told_from_their_endpoints() -> None:
    catalog = """
version: 1
services:
  team/pages: {tier: T2, endpoints: {v1/buy: {tier: T1}}}
"""
    finding = one(catalog, "promise-not-deliverable")
    assert finding.subject == "team/pages/v1/buy"
    assert finding.place is not None
    assert finding.place.line == 4


def test_no_path_leads_from_a_service_to_itself() -> None:
    catalog = """
version: 1
services:
  c: {tier: T4, endpoints: {buy: {tier: T2, needs: [b]}, see: {tier: T4}}}
  b: {availability: 99.9%, needs: [c]}
"""
    assert found(catalog, "inversion-path") == ()
    others = catalog + "  a: {tier: T3, needs: [b]}\n"
    assert one(others, "inversion-path").message.startswith("a (T3, 99%) hard needs c (T4, no promise) through b, which has no tier")


def test_a_callee_is_raised_to_what_a_caller_without_a_tier_has_to_keep() -> None:
    catalog = """
version: 1
services:
  shop:  {tier: T1, needs: [pages]}
  pages: {availability: 99.999%, endpoints: {see: {tier: T2, needs: [d]}}}
  d:     {tier: T3}
"""
    assert one(catalog, "inversion").fix.startswith("raise d to T1, or ")
    raised = catalog.replace("tier: T3", "tier: T1")
    assert found(raised, "inversion") == found(raised, "inversion-path") == ()


def test_a_service_whose_endpoints_alone_have_a_tier_gets_the_one_that_is_asked_of_it() -> None:
    catalog = "version: 1\nservices:\n  shop: {tier: T1, needs: [pages]}\n  pages: {endpoints: {see: {tier: T2}}}\n"
    assert one(catalog, "no-tier").fix == "give pages a tier; T1 is what it has to keep"


def test_who_needs_another_twice_is_told_to_make_both_needs_survivable() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [b, {service: b, timeout: 1s, hardness: soft}]}\n  b: {tier: T2}\n"
    assert one(catalog, "inversion").fix == "raise b to T1, or make each of the 2 needs on it survivable"


@pytest.mark.parametrize("trust", list(Reading))
def test_work_that_is_handed_to_the_callee_itself_waits_for_it(trust: Reading) -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, needs: [{service: queue, mode: async, broker: queue}]}\n  queue: {tier: T2}\n"
    assert one(catalog, "inversion", trust=trust).fix == "raise queue to T1, or hand the work for queue over in another way"


def test_a_pair_with_a_direct_inversion_is_no_path_as_well() -> None:
    catalog = """
version: 1
services:
  shop:  {tier: T0, needs: [pages]}
  pages: {availability: 99.999%, endpoints: {see: {tier: T1, needs: [d]}, list: {tier: T4, needs: [d]}}}
  d:     {tier: T2}
"""
    assert one(catalog, "inversion").fix.startswith("raise d to T0, or ")
    assert found(catalog, "inversion-path") == ()


COSTLY = """
version: 1
services:
  shop:   {tier: T1, availability: 99.5%, needs: [prices], endpoints: {buy: {tier: T1, share: 10%}, see: {share: 90%}}}
  prices: {tier: T2, availability: 99.99%}
  pair:   {tier: T2, placement: {copies: {eu: 2}, availability: 99%}}
  far:    {tier: T2, placement: {copies: {us: 3}, availability: 99.99%}}
  front:  {tier: T2, availability: 99.999%, needs: [pair]}
domains: {us: {kind: region, availability: 99.5%}}
"""


@pytest.mark.parametrize(
    ("subject", "fix"),
    [
        ("shop", "make shop itself more available, or promise what is delivered (T3)"),
        ("shop/buy", "make shop itself more available, or promise what is delivered (T3)"),
        ("pair", "make pair (common cause) more available, or promise what is delivered (T3)"),
        ("front", "make pair (common cause) more available or the need on pair survivable, or promise what is delivered (T3)"),
        ("far", "have what it rests on outlive the loss of us, or promise what is delivered (T3)"),
    ],
)
def test_the_advice_fits_the_kind_of_what_is_down_most(subject: str, fix: str) -> None:
    (finding,) = [each for each in found(COSTLY, "promise-not-deliverable") if each.subject == subject]
    assert finding.fix == fix


def test_work_on_the_service_is_not_advised_where_it_cannot_help() -> None:
    catalog = "version: 1\nservices:\n  shop: {tier: T1, availability: 99%, needs: [prices]}\n  prices: {tier: T2}\n"
    finding = one(catalog, "promise-not-deliverable")
    assert "90.9% of it from shop; with everything of its own perfect it would be 99.9000%" in finding.message
    assert finding.fix == "make prices more available or the need on it survivable, or promise nothing (T4)"


def test_no_tier_is_advised_where_none_is_met() -> None:
    catalog = "version: 1\nservices:\n  a: {tier: T1, availability: 90%}\npolicy: {tiers: {T1: {target: 99%}}}\n"
    assert one(catalog, "promise-not-deliverable").fix == "make a itself more available, or promise less"


def test_wasted_nines_point_to_another_service_and_not_to_copies_of_ones_own() -> None:
    catalog = """
version: 1
services:
  a: {tier: T3, placement: {copies: {eu: 2}, availability: 98.5%}, needs: [b, c]}
  b: {tier: T3, availability: 99.86%}
  c: {tier: T3, availability: 99.86%}
policy: {tiers: {T0: {target: 99.8%}, T3: {target: 99%}}}
"""
    assert one(catalog, "nines-wasted").fix == "put the effort into b, or save the cost of what a has too much"


def test_the_tier_a_service_delivers_is_that_of_the_reading_that_is_trusted() -> None:
    catalog = """
version: 1
services:
  a: {availability: 99.999%, needs: [{service: b, timeout: 1s, fallback: static}]}
  b: {tier: T1}
"""
    assert one(catalog, "no-tier").fix == "give a a tier; T0 is what it delivers"
    assert one(catalog, "no-tier", trust=Reading.VERIFIED).fix == "give a a tier; T2 is what it delivers"
