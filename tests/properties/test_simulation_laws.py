"""Laws of simulated years, on random fleets: the same chance, other formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.fleet_parts import availability, cached, fleet, hard, minutes, service, share, some_of
from truetier.availability.exact import Engine
from truetier.availability.factors import Factors
from truetier.availability.simulation.network import obstacle
from truetier.availability.simulation.run import Plan, Subject, run
from truetier.availability.structure import Structure
from truetier.graph.build import build
from truetier.units import MINUTES_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.simulation.run import Run
    from truetier.catalog.model import Fleet, Service

SHARES = st.sampled_from(("100%", "99.9%", "99%", "97%", "90%", "40%"))
YEARS = 5


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Three to six services; each needs some of those behind it, hard, for a share of requests, cached, or one of two."""
    count = draw(st.integers(3, 6))
    made: list[Service] = []
    for number in range(count):
        behind = [f"s{other}" for other in range(number + 1, count)]
        needs = []
        for callee in draw(st.lists(st.sampled_from(behind), max_size=3, unique=True)) if behind else ():
            kind = draw(st.sampled_from(("hard", "share", "cached", "group")))
            if kind == "group" and len(behind) > 1:
                needs.append(some_of(1, callee, next(other for other in behind if other != callee)))
            elif kind == "cached":
                needs.append(cached(callee, minutes(draw(st.sampled_from((1, 30, 240))))))
            else:
                needs.append(hard(callee, of=share("30%" if kind == "share" else "100%")))
        made.append(service(f"s{number}", *needs, own=availability(draw(SHARES))))
    return fleet(*made)


def followed(subjects: Fleet, masks: Sequence[int] | None = None, seed: int = 1) -> tuple[Factors, list[int], Run]:
    """Years of all services, or of other formulas over the same events."""
    factors, near = Factors(), dict[int, int]()
    structure = Structure(subjects, build(subjects).uses, factors, near)
    engine = Engine(factors, near)
    masks = masks or [structure.up(name).low for name in subjects.services]
    asked = [
        Subject(str(number), mask, None, engine.value(mask).down_low, engine.value(mask).down_high) for number, mask in enumerate(masks)
    ]
    assert not any(obstacle(factors, mask) for mask in masks)
    return factors, list(masks), run(factors, asked, Plan(seed, years=YEARS))


@settings(max_examples=60)
@given(fleets(), st.integers(0, 2**63 - 1))
def test_downtime_is_part_of_the_time_in_which_something_fails_and_no_more_than_there_is(subjects: Fleet, seed: int) -> None:
    _, _, found = followed(subjects, seed=seed)
    for each in found.followed:
        assert 0.0 <= each.year.mean.value <= MINUTES_PER_YEAR * (1 + 1e-9)
        ordered = [figure.value for figure in each.year.percentiles]
        assert ordered == sorted(ordered)
        for figure in (each.year.mean, *each.year.percentiles, each.year.calm, each.month.calm):
            assert figure.low <= figure.value * (1 + 1e-9)
            assert figure.high is None or figure.value <= figure.high * (1 + 1e-9)
        if each.length is not None:
            assert each.year.mean.value <= each.outages.value * each.length.value * (1 + 1e-9)


@settings(max_examples=60)
@given(fleets())
def test_needing_more_never_helps_in_any_year(subjects: Fleet) -> None:
    """All services together, each alone, and any of them, in the same years."""
    factors, near = Factors(), dict[int, int]()
    structure = Structure(subjects, build(subjects).uses, factors, near)
    engine = Engine(factors, near)
    alone = [structure.up(name).low for name in subjects.services]
    masks = [factors.all_of(alone), *alone, factors.at_least(1, alone)]
    asked = [
        Subject(str(number), mask, None, engine.value(mask).down_low, engine.value(mask).down_high) for number, mask in enumerate(masks)
    ]
    together, *each_alone, any_of_them = run(factors, asked, Plan(3, years=YEARS)).followed
    slack = 1e-6
    for each in each_alone:
        assert any_of_them.year.mean.value <= each.year.mean.value + slack
        assert each.year.mean.value <= together.year.mean.value + slack
        for worse, better in ((together, each), (each, any_of_them)):
            for more, less in zip(worse.year.percentiles, better.year.percentiles, strict=True):
                assert less.value <= more.value + slack


@settings(max_examples=40)
@given(fleets())
def test_months_and_what_is_left_make_the_year(subjects: Fleet) -> None:
    _, _, found = followed(subjects)
    for each in found.followed:
        rest = each.year.mean.value - 12 * each.month.mean.value
        assert -1e-6 <= rest <= 5 * 1440 + 1e-6
