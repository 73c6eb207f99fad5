"""Laws of what rests on measured numbers: more data helps, coarser data does not, and what is asked for is enough."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.beta import incomplete_beta
from tests.oracles.random_fleets import random_fleet
from tests.oracles.test_posterior import measured_instead
from tests.unit.availability.fleets import DAY, assessed, availability, need, service
from truetier.availability.assess import assess
from truetier.availability.estimate import Assessment, Verdict
from truetier.availability.posterior import SURE
from truetier.catalog.measured import Measured
from truetier.catalog.model import Fleet, Placement, PlacementMode, Service
from truetier.graph.build import build
from truetier.graph.hardness import Reading

SEEDS = st.integers(min_value=0, max_value=10**6)
COUNTS = st.tuples(st.integers(1, 10**6), st.integers(0, 200)).map(lambda pair: Measured(pair[0] + pair[1], pair[1]))
laws = settings(max_examples=40)


def subjects(fleet: Fleet, reading: Reading = Reading.TRUSTING) -> list[Assessment]:
    found = assess(build(fleet), DAY, reading=reading)
    return [*found.services.values(), *found.journeys.values(), *found.endpoints.values()]


def has_standby(fleet: Fleet) -> bool:
    return any(item.placement is not None and item.placement.mode is PlacementMode.ACTIVE_PASSIVE for item in fleet.services.values())


def with_more(fleet: Fleet, requests: int) -> Fleet:
    """The fleet with so many more requests to what was measured, none of which failed."""

    def of(item: Service) -> Service:
        if item.measured is not None:
            return item._replace(measured=item.measured._replace(requests=item.measured.requests + requests))
        placement = item.placement
        if placement is None or placement.measured is None:
            return item
        counted = placement.measured._replace(requests=placement.measured.requests + requests)
        return item._replace(placement=placement._replace(measured=counted))

    return fleet._replace(services={name: of(item) for name, item in fleet.services.items()})


@laws
@given(SEEDS, st.integers(1, 10**5))
def test_more_requests_without_a_failure_never_lower_the_probability(seed: int, more: int) -> None:
    fleet = measured_instead(random_fleet(seed), seed)
    if has_standby(fleet):
        return  # a long outage can trigger what a short one does not
    for before, after in zip(subjects(fleet), subjects(with_more(fleet, more)), strict=True):
        assert (before.confidence is None) == (after.confidence is None)
        if before.confidence is not None and after.confidence is not None:
            assert after.confidence.down_high <= before.confidence.down_high * (1 + 1e-9)
            if before.confidence.met is not None and before.confidence.draws == after.confidence.draws:
                assert after.confidence.met is not None
                assert after.confidence.met >= before.confidence.met


@laws
@given(COUNTS, st.integers(2, 50))
def test_more_clustering_widens_the_interval(counted: Measured, clustering: int) -> None:
    fine = assessed(service("a", measured=counted)).services["a"].confidence
    coarse = assessed(service("a", measured=counted._replace(clustering=Decimal(clustering)))).services["a"].confidence
    assert fine is not None
    assert coarse is not None
    assert coarse.down_high - coarse.down_low > fine.down_high - fine.down_low


@laws
@given(SEEDS)
def test_the_interval_holds_the_middle_and_a_verdict_is_what_the_probability_says(seed: int) -> None:
    for subject in subjects(measured_instead(random_fleet(seed), seed)):
        confidence = subject.confidence
        if confidence is None:
            continue
        assert 0.0 <= confidence.low <= confidence.high <= 1.0
        if subject.promise is not None:
            assert confidence.met is not None
            if subject.verdict is Verdict.MET:
                assert confidence.met >= SURE
            elif subject.delivered.is_known:
                assert subject.verdict is (Verdict.MISSED if confidence.met <= 0.04 else subject.verdict)


@laws
@given(SEEDS)
def test_verified_is_never_better_than_delivered_where_numbers_are_measured_beside_stated_ones(seed: int) -> None:
    fleet = random_fleet(seed)
    beside = measured_instead(fleet, seed)
    services = {
        name: item._replace(availability=fleet.services[name].availability, placement=_both(item, fleet, name))
        for name, item in beside.services.items()
    }
    fleet = fleet._replace(services=services)
    if has_standby(fleet):
        return
    for subject in subjects(fleet):
        assert subject.verified.down_high * (1 + 1e-11) >= subject.delivered.down_high


def _both(item: Service, fleet: Fleet, name: str) -> Placement | None:
    placement, before = item.placement, fleet.services[name].placement
    return placement if placement is None or before is None else placement._replace(availability=before.availability)


@laws
@given(COUNTS, st.sampled_from(["T1", "T2", "T3"]))
def test_the_requests_asked_for_are_enough_and_a_thirtieth_fewer_are_not(counted: Measured, tier: str) -> None:
    def judged(more: int) -> Assessment:
        return assessed(service("a", measured=counted._replace(requests=counted.requests + more), tier=tier)).services["a"]

    before = judged(0)
    if before.verdict is not Verdict.UNKNOWN:
        assert before.further is None
        return
    assert before.further is not None
    wanted = before.further.requests
    assert wanted is not None
    assert judged(wanted).verdict is Verdict.MET
    fewer = (counted.requests + wanted) // 30
    if fewer < wanted:
        assert judged(wanted - fewer).verdict is not Verdict.MET
    assert before.promise is not None
    exact = incomplete_beta(counted.failures, counted.successes + wanted, before.promise.unavailability)
    assert exact == pytest.approx(SURE, abs=0.004) or wanted < 1000


def test_where_one_service_alone_cannot_decide_each_gets_requests() -> None:
    parts = [service(name, measured=Measured(40_000, 6)) for name in "bcdefg"]
    subject = assessed(service("a", "1", tier="T2", needs=[need(part.name) for part in parts]), *parts).services["a"]
    assert subject.is_short_of_data
    assert subject.further is not None
    assert (subject.further.service, subject.further.services) == (None, 6)
    assert subject.further.requests is not None


def test_where_what_is_stated_misses_no_number_of_requests_is_enough() -> None:
    subject = assessed(
        service("a", "0.9991", tier="T2", needs=[need("b"), need("c")]), service("b", "0.9999"), service("c", measured=Measured(1000, 0))
    ).services["a"]
    assert subject.verdict is not Verdict.MET
    if subject.is_short_of_data:
        assert subject.further is not None
        assert subject.further.requests is None or subject.further.requests > 0


def test_what_nobody_knows_below_keeps_a_promise_undecided_however_much_is_measured() -> None:
    subject = assessed(service("a", measured=Measured(10**9), tier="T2", needs=[need("b")]), service("b")).services["a"]
    assert subject.verdict is Verdict.UNKNOWN
    assert subject.further is not None
    assert subject.further.requests is None
    assert subject.confidence is not None
    assert (subject.confidence.met, subject.confidence.low) == (0.0, 0.0)


def test_stated_counts_and_the_verified_reading_takes_what_was_measured_where_it_is_worse() -> None:
    worse = service("a", measured=Measured(1000, 30), tier="T2")._replace(availability=availability("0.9999"))
    better = service("b", measured=Measured(10**7, 0), tier="T2")._replace(availability=availability("0.999"))
    found = assessed(worse, better).services
    assert found["a"].delivered.down == pytest.approx(1e-4)
    assert found["a"].verified.down == float(Measured(1000, 30).unavailability)
    assert found["b"].verified == found["b"].delivered
    assert found["a"].confidence is None
    fleet = Fleet({"a": worse, "b": better})
    verified = assess(build(fleet), DAY, reading=Reading.VERIFIED).services
    assert verified["a"].confidence is not None
    assert verified["a"].verdict is Verdict.MISSED
    assert verified["b"].confidence is None
