"""Laws that hold for every fleet, tried on random ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.random_fleets import random_fleet
from tests.unit.availability.fleets import DAY, need
from truetier.availability.assess import Assessments, assess
from truetier.availability.estimate import Assessment, Method
from truetier.catalog.model import Fleet, PlacementMode
from truetier.graph.build import build

SEEDS = st.integers(min_value=0, max_value=10**6)
SLACK = 1 + 1e-11
laws = settings(max_examples=60)


def assessed(fleet: Fleet) -> Assessments:
    return assess(build(fleet), DAY)


def subjects(found: Assessments) -> list[Assessment]:
    return [*found.services.values(), *found.journeys.values(), *found.endpoints.values()]


def has_standby(fleet: Fleet) -> bool:
    return any(item.placement is not None and item.placement.mode is PlacementMode.ACTIVE_PASSIVE for item in fleet.services.values())


@laws
@given(SEEDS)
def test_verified_is_never_better_and_full_never_more_than_delivered(seed: int) -> None:
    fleet = random_fleet(seed)
    for subject in subjects(assessed(fleet)):
        assert subject.full.down_low * SLACK >= subject.delivered.down_low
        if not has_standby(fleet):  # a standby can be triggered by a long outage only: not coherent
            assert subject.verified.down_high * SLACK >= subject.delivered.down_high
            assert subject.ceiling.down_low <= subject.delivered.down_low * SLACK


@laws
@given(SEEDS)
def test_no_one_delivers_more_than_the_least_available_part(seed: int) -> None:
    fleet = random_fleet(seed)
    affine = any(item.placement is not None and item.placement.affinity.value != "any" for item in fleet.services.values())
    for subject in subjects(assessed(fleet)):
        if subject.least_available is not None and not affine:  # with affinity a need is asked per copy
            assert subject.delivered.up_low <= subject.least_available * SLACK


@laws
@given(SEEDS)
def test_costs_sum_to_the_downtime(seed: int) -> None:
    for subject in subjects(assessed(random_fleet(seed))):
        if subject.delivered.method is Method.EXACT and subject.delivered.down and subject.contributors_total <= 10 and not subject.residue:
            assert sum(item.costs for item in subject.contributors) == pytest.approx(subject.delivered.minutes_per_year, rel=1e-9)


@laws
@given(SEEDS)
def test_the_costliest_component_is_the_first_contributor_whichever_is_asked_for_first(seed: int) -> None:
    fleet = random_fleet(seed)
    firsts = [subject.costliest for subject in subjects(assessed(fleet))]
    for first, subject in zip(firsts, subjects(assessed(fleet)), strict=True):
        same = next(iter(subject.contributors), None)
        assert (first is None) == (same is None)
        if first is not None and same is not None:  # they may be added up in another order
            assert (first.component, first.service) == (same.component, same.service)
            assert (first.costs, first.gives_back) == pytest.approx((same.costs, same.gives_back), rel=1e-12)


@laws
@given(SEEDS)
def test_no_more_than_what_fails_of_the_subject_itself_lies_between_it_and_its_ceiling(seed: int) -> None:
    for subject in subjects(assessed(random_fleet(seed))):
        own = subject.details.own_down
        assert subject.delivered.down_low - own <= subject.ceiling.down_low + 1e-12
        assert subject.verified.down_low - own <= subject.verified_ceiling.down_low + 1e-12


@laws
@given(SEEDS)
def test_one_more_hard_need_never_helps(seed: int) -> None:
    fleet = random_fleet(seed)
    names = list(fleet.services)
    if has_standby(fleet) or len(names) < 2:
        return
    first = fleet.services[names[0]]
    harder = fleet._replace(services={**fleet.services, first.name: first._replace(needs=(*first.needs, need(names[-1])))})
    before, after = assessed(fleet), assessed(harder)
    for name in names:
        assert after.services[name].delivered.down_high * SLACK >= before.services[name].delivered.down_high


@laws
@given(SEEDS)
def test_the_order_of_services_changes_nothing(seed: int) -> None:
    fleet = random_fleet(seed)
    turned = fleet._replace(services=dict(reversed(list(fleet.services.items()))))
    before, after = assessed(fleet), assessed(turned)
    for name, subject in before.services.items():
        assert after.services[name].delivered.down_high == pytest.approx(subject.delivered.down_high, rel=1e-11, abs=0)


@laws
@given(SEEDS)
def test_both_sides_of_an_estimate_add_up(seed: int) -> None:
    for subject in subjects(assessed(random_fleet(seed))):
        for estimate in (subject.delivered, subject.full, subject.ceiling, subject.verified):
            assert estimate.up_low + estimate.down_high == pytest.approx(1, abs=1e-12)
            assert estimate.up_high + estimate.down_low == pytest.approx(1, abs=1e-12)
