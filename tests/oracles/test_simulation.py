"""Simulated years agree with the exact value, with closed forms, and with a second simulation that looks at every moment."""

from __future__ import annotations

import math
import statistics
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.oracles.event_simulation import years_of
from tests.oracles.fleet_parts import WRITTEN, availability, cached, fleet, hard, minutes, service, share, soft, some_of
from tests.oracles.random_fleets import random_fleet
from truetier.availability.exact import Engine
from truetier.availability.factors import Factors
from truetier.availability.simulation.kernel import IS_COMPILED
from truetier.availability.simulation.network import network, obstacle
from truetier.availability.simulation.run import Plan, Subject, run
from truetier.availability.structure import Structure
from truetier.catalog.model import Domain, Endpoint, Failover, Fallback, FallbackKind, Placement, PlacementMode
from truetier.graph.build import build
from truetier.units import CERTAIN, MINUTES_PER_YEAR

if TYPE_CHECKING:
    from truetier.availability.simulation.run import Followed
    from truetier.catalog.model import Fleet

YEARS = 300 if IS_COMPILED else 30
FEW_OUTAGES = 1_000_000 if IS_COMPILED else 30_000  # of all components of a fleet in all years: what there is time for
OFTEN = 200  # outages in all: rarer ones are too far from normal for a score
POOR, WEAK = availability("97%"), availability("99%")
A_ZONE = Domain("r/a", "zone", WRITTEN, availability("99%"), timedelta(hours=4))
A_REGION = Domain("r", "region", WRITTEN, availability("99.5%"))
COPIES = Placement((("r/a", 1), ("r/b", 2)), WRITTEN, availability=POOR, common_cause=share("0%"), need=2)
PAIR = Placement(
    (("r/a", 1), ("q", 1)),
    WRITTEN,
    availability=POOR,
    common_cause=share("0%"),
    mode=PlacementMode.ACTIVE_PASSIVE,
    failover=Failover(minutes(30)),
)
# The first service is the one that is looked at.
FLEETS = {
    "one component": fleet(service("a", own=POOR)),
    "long outages": fleet(service("a", own=POOR)._replace(mttr=timedelta(days=2))),
    "mostly down": fleet(service("a", own=availability("20%"))),
    "a chain": fleet(service("a", hard("b"), own=POOR), service("b", hard("c"), own=WEAK), service("c", own=POOR)),
    "a diamond": fleet(
        service("a", hard("b"), hard("c"), own=WEAK),
        service("b", hard("d"), own=WEAK),
        service("c", hard("d"), own=WEAK),
        service("d", own=POOR),
    ),
    "one of two": fleet(service("a", some_of(1, "b", "c"), own=CERTAIN), service("b", own=POOR), service("c", own=POOR)),
    "two of three": fleet(
        service("a", some_of(2, "b", "c", "d"), own=WEAK), service("b", own=POOR), service("c", own=POOR), service("d", own=POOR)
    ),
    "a static fallback": fleet(service("a", soft("b", Fallback(FallbackKind.STATIC)), own=POOR), service("b", own=POOR)),
    "a cache": fleet(service("a", cached("b", minutes(30)), own=CERTAIN), service("b", own=POOR)),
    "two caches of one callee": fleet(
        service("a", hard("b"), cached("c", minutes(90)), own=WEAK),
        service("b", cached("c", minutes(20)), own=WEAK),
        service("c", own=POOR),
    ),
    "a cache inside a cache": fleet(
        service("a", cached("b", minutes(10)), own=CERTAIN),
        service("b", cached("c", minutes(60)), own=POOR)._replace(budget=timedelta(seconds=1)),
        service("c", some_of(1, "d", "e"), own=WEAK),
        service("d", own=POOR),
        service("e", own=POOR),
    ),
    "copies in zones": fleet(service("a", own=None, placement=COPIES), domains=(A_REGION, A_ZONE)),
    "a standby": fleet(service("a", own=None, placement=PAIR), domains=(A_REGION, A_ZONE)),
    "a cache before a standby": fleet(
        service("a", cached("b", minutes(45)), own=CERTAIN), service("b", own=None, placement=PAIR), domains=(A_REGION, A_ZONE)
    ),
    "a cycle": fleet(service("a", hard("b"), own=POOR), service("b", hard("a"), own=POOR)),
    "a cycle with a group": fleet(service("a", some_of(1, "b", "c"), own=POOR), service("b", hard("a"), own=POOR), service("c", own=POOR)),
}
# What the second simulation does not know: mechanisms that may fail, request draws.
MORE_FLEETS = {
    "a cache that may fail": fleet(
        service(
            "a",
            soft("b", Fallback(FallbackKind.CACHED, staleness=minutes(30), availability=availability("90%"), coverage=share("80%"))),
            own=WEAK,
        ),
        service("b", own=POOR),
    ),
    "a standby that may fail": fleet(
        service("a", own=None, placement=PAIR._replace(failover=Failover(minutes(5), share("60%")))), domains=(A_REGION, A_ZONE)
    ),
    "a stand-in": fleet(
        service("a", soft("b", Fallback(FallbackKind.STAND_IN, service="c", coverage=share("70%"))), own=WEAK),
        service("b", own=POOR),
        service("c", own=POOR),
    ),
    "conditions": fleet(
        service("a", hard("b", of=share("20%")), hard("c", of=share("30%"), condition="rich"), hard("d"), own=WEAK),
        service("b", own=POOR),
        service("c", own=POOR),
        service("d", hard("b", of=share("30%"), condition="rich"), own=WEAK),
    ),
    "endpoints by share": fleet(
        service("a", hard("b"), own=CERTAIN),
        service(
            "b",
            own=WEAK,
            endpoints=(
                Endpoint("buy", WRITTEN, share=share("10%"), needs=(hard("c"),)),
                Endpoint("see", WRITTEN, share=share("90%"), needs=(cached("c", minutes(60)),)),
            ),
        ),
        service("c", own=POOR),
    ),
}


def followed(subjects: Fleet, years: int, *, seed: int = 3) -> Followed:
    """Years of the first service. Raises ModelError where they disagree with the exact value."""
    factors, near = Factors(), dict[int, int]()
    structure = Structure(subjects, build(subjects).uses, factors, near)
    name = next(iter(subjects.services))
    mask = structure.up(name).low
    down = Engine(factors, near).value(mask).down_low
    subject = Subject(name, mask, None, down, down)
    return run(factors, [subject], Plan(seed, years=years)).followed[0]


@pytest.mark.parametrize("name", [*FLEETS, *MORE_FLEETS])
def test_the_mean_of_simulated_years_is_within_three_standard_errors_of_the_exact_value(name: str) -> None:
    found = followed({**FLEETS, **MORE_FLEETS}[name], YEARS)
    mean = found.year.mean
    assert mean.high is not None
    error = (mean.high - mean.value) / 1.96
    assert abs(mean.value - found.subject.down_low * MINUTES_PER_YEAR) <= 3 * error


@pytest.mark.parametrize("name", FLEETS)
def test_outages_come_as_often_and_years_differ_as_much_as_in_a_simulation_of_every_moment(name: str) -> None:
    count, more = 8, YEARS
    slow = years_of(FLEETS[name], "a", count, seed=5)
    found = followed(FLEETS[name], more)
    for figure, values in ((found.year.mean, [down for down, _ in slow]), (found.outages, [float(begun) for _, begun in slow])):
        assert figure.high is not None
        deviation = (figure.high - figure.value) / 1.96 * math.sqrt(more)
        assert abs(figure.value - sum(values) / count) <= 3.5 * deviation * math.sqrt(1 / count + 1 / more)
        assert 0.3 <= statistics.stdev(values) / deviation <= 2.0


def test_random_fleets_agree_with_the_exact_value() -> None:
    scores: list[float] = []
    for seed in range(30 if IS_COMPILED else 10):
        scores.extend(scores_of(random_fleet(seed), seed))
    assert len(scores) >= (60 if IS_COMPILED else 1)
    assert max(map(abs, scores)) < 4
    assert sum(abs(score) > 3 for score in scores) <= max(1, len(scores) // 100)
    if IS_COMPILED:  # else they are few
        assert 0.3 < sum(score * score for score in scores) / len(scores) < 1.3


def scores_of(subjects: Fleet, seed: int) -> list[float]:
    """For each subject of a fleet that fails often: how many standard errors its mean is from the exact value.

    Raises ModelError where one, rare or not, disagrees.
    """
    factors, near = Factors(), dict[int, int]()
    structure = Structure(subjects, build(subjects).uses, factors, near)
    engine = Engine(factors, near)
    sets = [structure.up(name) for name in subjects.services]
    sets += [structure.journey(each) for each in subjects.journeys.values()]
    sets += [structure.endpoint(each, endpoint) for each in subjects.services.values() for endpoint in each.endpoints]
    values = [(each.low, engine.value(each.low)) for each in dict.fromkeys(sets) if each.low == each.high]
    asked = [
        Subject(str(mask), mask, None, value.down_low, value.down_high)
        for mask, value in values
        if value.is_exact and not obstacle(factors, mask)
    ]
    if not asked:
        return []
    made = network(factors, [subject.mask for subject in asked])
    longest = max(made.mttr)
    years = min(200, int(FEW_OUTAGES / sum(MINUTES_PER_YEAR / (gap + mean) for gap, mean in zip(made.gap, made.mttr, strict=True))))
    if years < 20:
        return []
    scores = []
    for found in run(factors, asked, Plan(seed, years=years)).followed:
        mean = found.year.mean
        assert mean.high is not None
        down = found.subject.down_low
        # what is rare and long may be missing from twenty years, and from their variance
        error = max((mean.high - mean.value) / 1.96, (2 * down * (1 - down) * longest * MINUTES_PER_YEAR / years) ** 0.5)
        distance = mean.value - down * MINUTES_PER_YEAR
        if found.outages.value * years >= OFTEN and error > 0:
            scores.append(distance / error)
    return scores


def test_a_series_has_the_outages_of_its_closed_form() -> None:
    found = followed(FLEETS["a chain"], YEARS)
    closed = found.closed_form
    assert closed is not None
    assert closed.length is not None
    # by hand: rates q / ((1 - q) r) of 3 %, 1 % and 3 % an hour, times the share of the time that all are up
    rate = (3 / 97 + 1 / 99 + 3 / 97) / 60
    up = 0.97 * 0.99 * 0.97
    assert closed.outages == pytest.approx(up * rate * MINUTES_PER_YEAR, rel=1e-12)
    assert closed.length == pytest.approx((1 - up) / (up * rate), rel=1e-12)
    assert closed.calm_month == pytest.approx(up * math.exp(-rate * 43_200), rel=1e-12)
    assert found.outages.low <= closed.outages <= (found.outages.high or 0)
    assert found.length is not None
    assert found.length.low <= closed.length <= (found.length.high or 0)


def test_months_without_downtime_are_as_frequent_as_the_closed_form_says() -> None:
    found = followed(fleet(service("a", own=availability("99.9%"))), 2 * YEARS)
    assert found.closed_form is not None
    assert found.closed_form.calm_month == pytest.approx(0.999 * math.exp(-0.001 / 0.999 / 60 * 43_200), rel=1e-12)
    assert found.month.calm.low <= found.closed_form.calm_month <= (found.month.calm.high or 0)
    assert found.year.calm.low <= found.closed_form.calm_year <= (found.year.calm.high or 0)
