"""When a run stops, what it compares, and what it cannot follow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.oracles.fleet_parts import WRITTEN, availability, cached, fleet, hard, minutes, service, share, soft
from truetier.availability.exact import Engine
from truetier.availability.factors import Factors
from truetier.availability.simulation.boot import gated, gates_behind
from truetier.availability.simulation.network import MOST_WORLDS, obstacle
from truetier.availability.simulation.run import Lengths, Plan, Subject, run, run_with_gates
from truetier.availability.structure import Structure
from truetier.catalog.model import Endpoint, Fallback, FallbackKind, Need, Phase, Target
from truetier.errors import ModelError
from truetier.graph.build import build
from truetier.units import MINUTES_PER_YEAR

if TYPE_CHECKING:
    from truetier.availability.simulation.run import Followed, Run, Waited
    from truetier.catalog.model import Fleet
    from truetier.units import Availability

WEAK = availability("99%")
ALONE = fleet(service("a", own=WEAK))


def subject_of(subjects: Fleet, *, promise: Availability | None = None) -> tuple[Factors, Structure, Subject]:
    factors, near = Factors(), dict[int, int]()
    structure = Structure(subjects, build(subjects).uses, factors, near)
    mask = structure.up("a").low
    value = Engine(factors, near).value(mask)
    return factors, structure, Subject("a", mask, promise, value.down_low, value.down_high)


def years_of(subjects: Fleet, plan: Plan, *, promise: Availability | None = None) -> Run:
    factors, _, subject = subject_of(subjects, promise=promise)
    return run(factors, [subject], plan)


def test_a_run_stops_when_mean_and_95th_percentile_are_precise() -> None:
    rare = fleet(service("a", own=availability("99.9%")))
    rough, fine = years_of(rare, Plan(1, precision=0.2)), years_of(rare, Plan(1, precision=0.02))
    assert rough.is_precise
    assert fine.is_precise
    assert rough.years < fine.years
    year = fine.followed[0].year
    for figure in (year.mean, year.percentiles[2]):
        assert figure.high is not None
        assert (figure.high - figure.low) / 2 <= 0.02 * figure.value


def test_a_run_that_is_never_precise_says_so() -> None:
    for text in ("99.99999%", "99.999999999%"):  # of the second no outage is ever seen
        found = years_of(fleet(service("a", own=availability(text))), Plan(1, precision=0.01, most_years=1500))
        assert (found.years, found.is_precise) == (1500, False)
    assert years_of(fleet(service("a", own=availability("100%"))), Plan(1)).is_precise


def test_a_number_of_years_is_what_is_run() -> None:
    seen: list[tuple[int, int]] = []
    factors, _, subject = subject_of(ALONE)
    assert run(factors, [subject], Plan(1, years=37), lambda done, total: seen.append((done, total))).years == 37
    assert seen == [(37, 37)]


def test_nothing_to_follow_takes_no_years() -> None:
    assert run(Factors(), [], Plan(1)).years == 0


def test_a_mean_that_the_exact_value_contradicts_ends_the_run() -> None:
    factors, _, subject = subject_of(ALONE)
    with pytest.raises(ModelError, match=r"a: downtime a year: simulated .*, exact .* minutes, standard error .* after 400 years"):
        run(factors, [subject._replace(down_low=subject.down_low * 1.2, down_high=1.0)], Plan(1, years=400))
    with pytest.raises(ModelError):
        run(factors, [subject._replace(down_low=0.0, down_high=subject.down_low * 0.85)], Plan(1, years=400))
    run(factors, [subject._replace(down_low=subject.down_low * 0.5, down_high=1.0)], Plan(1, years=400))  # an interval around it


def test_rare_long_outages_that_no_year_had_are_no_contradiction() -> None:
    rare = service("b", own=availability("99.999%"))._replace(mttr=timedelta(days=30))
    for seed in range(5):
        found = years_of(fleet(service("a", hard("b"), own=WEAK), rare), Plan(seed, years=500)).followed[0]
        assert found.is_compared


@pytest.mark.parametrize("lengths", [Lengths.LOGNORMAL, Lengths.FIXED])
def test_other_lengths_have_the_same_mean_and_another_spread(lengths: Lengths) -> None:
    usual = years_of(ALONE, Plan(2, years=300)).followed[0]
    other = years_of(ALONE, Plan(2, lengths, years=300)).followed[0]
    assert other.is_compared  # and so it agrees with the exact value
    widths = [found.year.percentiles[1].value - found.year.percentiles[0].value for found in (usual, other)]
    assert (widths[0] < widths[1]) is (lengths is Lengths.LOGNORMAL)


def test_ages_of_other_lengths_are_not_compared() -> None:
    aged = fleet(service("a", cached("b", minutes(30)), own=availability("100%")), service("b", own=WEAK))
    assert years_of(aged, Plan(2, years=50)).followed[0].is_compared
    fixed = years_of(aged, Plan(2, Lengths.FIXED, years=200)).followed[0]
    assert not fixed.is_compared
    assert fixed.length is not None
    assert fixed.length.value == pytest.approx(30.0, rel=0.01)  # of each hour the cache answers the first half


def test_a_promise_is_kept_up_to_its_budget() -> None:
    found = years_of(ALONE, Plan(3, years=400), promise=WEAK).followed[0]
    assert found.year.allowed == pytest.approx(0.01 * MINUTES_PER_YEAR)
    assert found.month.allowed == pytest.approx(432.0)
    assert found.year.kept is not None
    assert 0.4 < found.year.kept.value < 0.65  # the mean is the budget
    never = years_of(ALONE, Plan(3, years=10)).followed[0]
    assert never.year.kept is None


# -- draws


def test_half_the_requests_lose_half_the_minutes() -> None:
    some = fleet(service("a", hard("b", of=share("50%")), own=availability("100%")), service("b", own=WEAK))
    found = years_of(some, Plan(4, years=300)).followed[0]
    assert found.length is not None
    assert found.length.value == pytest.approx(60.0, rel=0.06)  # outages are as long, and half as deep
    assert found.year.mean.value == pytest.approx(found.outages.value * 30.0, rel=0.06)


def test_what_cannot_be_followed_has_a_reason() -> None:
    def reason(subjects: Fleet) -> str:
        factors, _, subject = subject_of(subjects)
        return obstacle(factors, subject.mask) or ""

    assert reason(ALONE) == ""
    assert reason(fleet(service("a", hard("b"), own=WEAK), service("b"))) == "nobody knows how often b is down"
    instant = service("a", own=WEAK)._replace(mttr=timedelta())
    assert reason(fleet(instant)) == "a would fail more than 1,000,000 times a year: its mean outage is too short"
    below = [service(f"s{number}", own=WEAK) for number in range(13)]
    inside = service("b", *(hard(each.name, of=share("10%")) for each in below), own=WEAK)
    drawn = fleet(service("a", soft("b", Fallback(FallbackKind.STAND_IN, service="s0")), own=WEAK), inside, *below)
    assert reason(drawn) == f"its conditions and endpoints can fall in more than {MOST_WORLDS:,} ways"
    assert reason(fleet(service("a", hard("b"), own=WEAK), inside, *below)) == ""  # apart they are few


# -- boot loops


def loop(*, serve: bool) -> Fleet:
    """a starts only when b serves, and b serves only when a does, or starts only when a serves."""
    start = Need((Target("b"),), WRITTEN, phases=frozenset({Phase.START}))
    back = hard("a") if serve else Need((Target("a"),), WRITTEN, phases=frozenset({Phase.RECOVER}))
    return fleet(service("a", start, own=WEAK), service("b", back, own=availability("99.5%")))


def waiting(subjects: Fleet, by_hand: timedelta, years: int = 200) -> tuple[Followed, Waited]:
    factors, structure, subject = subject_of(subjects)
    behind, gates = gated(build(subjects), structure, ["a", "b"])
    found = gates_behind(factors, behind.up("a").low, gates)
    plan = Plan(6, years=years, by_hand=by_hand)
    waited = run_with_gates(factors, [subject], [subject._replace(mask=behind.up("a").low)], found, plan)
    return run(factors, [subject], plan).followed[0], waited[0]


def test_who_starts_only_with_what_needs_him_to_serve_waits_for_people_after_every_failure() -> None:
    usual, waited = waiting(loop(serve=True), timedelta(minutes=90))
    assert waited.followed.length is not None
    assert usual.length is not None
    assert waited.followed.length.value == pytest.approx(usual.length.value + 90.0, rel=0.05)


def test_who_starts_with_each_other_waits_only_when_both_have_failed() -> None:
    usual, waited = waiting(loop(serve=False), timedelta(days=5))
    assert waited.followed.outages.value == pytest.approx(usual.outages.value, rel=0.1)
    # both are down at once in 0.01 x 0.005 of the time, and enter that state 2 x 0.01 x 0.005 / 60 of the minutes
    lost = 2 * 0.01 * 0.005 / 60 * MINUTES_PER_YEAR * 5 * 1440
    assert waited.added.value == pytest.approx(lost, rel=0.2)


def test_people_who_start_at_once_leave_nothing_to_wait_for() -> None:
    _, waited = waiting(loop(serve=True), timedelta(), years=50)
    assert waited.added.value == pytest.approx(0.0, abs=1e-9)


def test_a_formula_without_a_member_of_a_loop_waits_for_no_gate() -> None:
    subjects = fleet(*loop(serve=True).services.values(), service("c", own=WEAK))
    factors, structure, _ = subject_of(subjects)
    behind, gates = gated(build(subjects), structure, ["a", "b"])
    assert gates_behind(factors, behind.up("c").low, gates) == []
    assert len(gates_behind(factors, behind.up("a").low, gates)) == 2


def test_a_start_asks_for_every_condition_and_endpoint() -> None:
    start = Need((Target("b"),), WRITTEN, phases=frozenset({Phase.START}))
    drawn = service("b", own=WEAK, endpoints=(Endpoint("buy", WRITTEN, share=share("100%"), needs=(hard("a"),)),))
    subjects = fleet(service("a", start, own=WEAK), drawn)
    factors, structure, subject = subject_of(subjects)
    behind, gates = gated(build(subjects), structure, ["a", "b"])
    plan = Plan(6, years=50, by_hand=timedelta(minutes=90))
    found = run_with_gates(factors, [subject], [subject._replace(mask=behind.up("a").low)], gates, plan)[0].followed
    assert found.length is not None
    assert found.length.value == pytest.approx(150.0, rel=0.15)
