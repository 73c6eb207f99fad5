"""What rests on measured numbers, against closed forms, nested integrals, and fleets in which every draw is stated."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.oracles.beta import beta_quantile, expectation, incomplete_beta, root
from tests.oracles.random_fleets import random_fleet
from tests.unit.availability.fleets import DAY, assessed, cached, domain, fleet, need, placement, service, share, static
from truetier.availability.assess import assess
from truetier.availability.exact import Engine
from truetier.availability.factors import Factors
from truetier.availability.posterior import Draws, Sample, quantiles
from truetier.availability.structure import Structure
from truetier.catalog.measured import Measured
from truetier.graph.build import build
from truetier.units import Availability

if TYPE_CHECKING:
    from truetier.availability.estimate import Confidence
    from truetier.catalog.model import Fleet, Service

SHAPES = [(1000, 0, "1"), (20_000, 2, "1"), (1_000_000, 120, "3"), (50, 50, "1"), (7, 3, "2.5"), (10**9, 10**6, "1"), (10**6, 2, "1000")]


def confidence(*services: Service) -> Confidence:
    """How sure the first of the services is."""
    found = assessed(*services).services[services[0].name].confidence
    assert found is not None
    return found


@pytest.mark.parametrize(("requests", "failed", "clustering"), SHAPES)
def test_quantiles_are_those_of_the_incomplete_beta_function(requests: int, failed: int, clustering: str) -> None:
    measured = Measured(requests, failed, Decimal(clustering))
    shares = [1e-6, 0.05, 0.5, 0.95, 1 - 1e-6]
    for share_below, down in zip(shares, quantiles(measured, shares), strict=True):
        assert incomplete_beta(measured.failures, measured.successes, down) == pytest.approx(share_below, rel=max(1e-9, 1e-14 * requests))


def test_the_mean_of_the_posterior_is_the_point_value() -> None:
    measured = Measured(20_000, 2, Decimal(4))
    mean = expectation(measured.failures, measured.successes, lambda q: q, 1000)
    assert float(measured.unavailability) == pytest.approx(measured.failures / (measured.failures + measured.successes), rel=1e-15)
    assert mean == pytest.approx(float(measured.unavailability), rel=2e-3)
    (own,) = assessed(service("a", measured=measured, tier="T2")).services.values()
    assert own.delivered.down == float(measured.unavailability)


@pytest.mark.parametrize(("requests", "failed", "clustering"), [(20_000, 2, "1"), (1_000_000, 120, "3"), (3000, 0, "1"), (90_000, 5, "1")])
@pytest.mark.parametrize("other", ["1", "0.99995", "0.9995"])
def test_one_thing_measured_in_a_series_is_a_closed_form(requests: int, failed: int, clustering: str, other: str) -> None:
    measured = Measured(requests, failed, Decimal(clustering))
    found = confidence(service("a", measured=measured, tier="T2", needs=[need("b")]), service("b", other))
    limit = 1 - 0.999 / float(other)
    assert found.met is not None
    assert found.met == pytest.approx(incomplete_beta(measured.failures, measured.successes, limit), abs=0.5 / found.draws)
    low, high = (beta_quantile(measured.failures, measured.successes, share_below) for share_below in (0.05, 0.95))
    assert found.down_low == pytest.approx(1 - (1 - low) * float(other), rel=5e-3)
    assert found.down_high == pytest.approx(1 - (1 - high) * float(other), rel=5e-3)


@pytest.mark.parametrize(
    "counts", [((20_000, 6), (20_000, 7)), ((50_000, 20), (3000, 0)), ((2500, 0), (2500, 0)), ((9000, 4), (500_000, 300))]
)
def test_two_things_measured_in_a_series_are_a_nested_integral(counts: tuple[tuple[int, int], tuple[int, int]]) -> None:
    first, second = (Measured(*pair) for pair in counts)
    found = confidence(service("a", measured=first, tier="T2", needs=[need("b")]), service("b", measured=second))
    exact = expectation(
        first.failures,
        first.successes,
        lambda q: incomplete_beta(second.failures, second.successes, 1 - 0.999 / (1 - q)) if q < 1 else 0.0,
        1500,
    )
    assert found.met is not None
    assert found.standard_error is not None
    assert found.met == pytest.approx(exact, abs=4 * found.standard_error + 1e-3)


def test_two_things_measured_side_by_side_are_a_nested_integral() -> None:
    first, second = Measured(300, 9), Measured(200, 6)
    found = confidence(service("a", "1", tier="T2", needs=[need("b", "c")]), service("b", measured=first), service("c", measured=second))
    exact = expectation(
        first.failures, first.successes, lambda q: incomplete_beta(second.failures, second.successes, min(1.0, 0.001 / q)), 1500
    )
    assert found.met is not None
    assert found.standard_error is not None
    assert found.met == pytest.approx(exact, abs=4 * found.standard_error + 1e-3)


@pytest.mark.parametrize("common", ["0", "0.1", "1"])
def test_copies_share_one_draw_with_what_they_have_in_common(common: str) -> None:
    measured = Measured(10_000, 60)
    where = placement({"r": 2}, measured=measured, common_cause=share(common))
    found = confidence(service("a", placement=where, tier="T2"))
    c = float(common)

    def down(q: float) -> float:
        alone = (1 - c) * q / (1 - c * q)
        return c * q + (1 - c * q) * alone * alone

    limit = root(lambda q: down(q) - 0.001)
    assert found.met == pytest.approx(incomplete_beta(measured.failures, measured.successes, limit), abs=0.5 / found.draws)
    low, high = (beta_quantile(measured.failures, measured.successes, share_below) for share_below in (0.05, 0.95))
    assert found.down_low == pytest.approx(down(low), rel=1e-2)
    assert found.down_high == pytest.approx(down(high), rel=1e-2)


def test_a_pair_of_copies_is_not_better_known_than_one() -> None:
    measured = Measured(50_000, 20)
    one = confidence(service("a", measured=measured))
    pair = confidence(service("a", placement=placement({"r": 2}, measured=measured, need=2, common_cause=share("0"))))
    two = confidence(service("a", "1", needs=[need("b"), need("c")]), service("b", measured=measured), service("c", measured=measured))
    assert pair.down_high / pair.down_low == pytest.approx(one.down_high / one.down_low, rel=1e-3)
    assert two.down_high / two.down_low < 0.9 * one.down_high / one.down_low  # independent ones are


def stated(subjects: Fleet, drawn: dict[str, float]) -> Fleet:
    """The same fleet with every measured number stated as it was drawn."""

    def of(item: Service) -> Service:
        if item.name not in drawn:
            return item
        own = Availability(1 - Decimal(drawn[item.name]))
        if item.placement is not None and item.placement.measured is not None:
            return item._replace(placement=item.placement._replace(measured=None, availability=own))
        return item._replace(measured=None, availability=own)

    return subjects._replace(services={name: of(item) for name, item in subjects.services.items()})


def measured_instead(subjects: Fleet, seed: int) -> Fleet:
    """The fleet with some stated numbers measured instead."""
    random = Random(seed)

    def of(item: Service) -> Service:
        if random.random() < 0.4:
            return item
        counted = Measured(random.randint(1, 200), 0)
        counted = counted._replace(failed=random.randint(0, counted.requests))
        if item.placement is not None and item.placement.availability is not None:
            return item._replace(placement=item.placement._replace(measured=counted, availability=None))
        return item._replace(measured=counted, availability=None)

    return subjects._replace(services={name: of(item) for name, item in subjects.services.items()})


def compare_draws(subjects: Fleet, draws: int) -> None:
    """Each of some draws, evaluated as a column and as a fleet of its own."""
    graph = build(subjects)
    factors, near = Factors(), dict[int, int]()
    structure = Structure(subjects, graph.uses, factors, near)
    engine = Engine(factors, near)
    source = Draws(1)
    sides = [Sample(engine, source, 1024, pessimistic=side) for side in (True, False)]
    columns = {}
    for name in structure.order:
        sets = structure.up(name)
        for mask in sets:
            engine.value(mask)
        columns[name] = [sample.down(engine.split(mask)) for sample, mask in zip(sides, sets, strict=True)]
    for draw in range(draws):
        drawn = {
            item.name: source.of(item.name, counted, 1024)[draw]
            for item in subjects.services.values()
            if (counted := item.measured if item.placement is None or item.placement.measured is None else item.placement.measured)
            is not None
        }
        found = assess(build(stated(subjects, drawn)), DAY)
        for name, (worst, best) in columns.items():
            delivered = found.services[name].delivered
            assert worst[draw] == pytest.approx(delivered.down_high, rel=1e-9, abs=1e-14)
            assert best[draw] == pytest.approx(delivered.down_low, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("seed", range(60))
def test_every_draw_is_what_a_fleet_delivers_that_states_it(seed: int) -> None:
    compare_draws(measured_instead(random_fleet(seed), seed), 3)


def test_ages_of_components_looked_at_together_are_drawn_together() -> None:
    counted = Measured(100, 3)
    subjects = fleet(
        service("a", "1", needs=[cached("b", 30), cached("b", 90), need("c", "d")]),
        service("b", "0.99", needs=[need("x"), need("y")]),
        service("x", measured=counted),
        service("y", measured=counted._replace(failed=5)),
        service("c", "0.9", needs=[static("b", "0.7")]),
        service("d", "0.8", needs=[need("x")]),
    )
    compare_draws(subjects, 10)


def test_many_services_in_a_few_zones_are_conditioned_in_every_draw() -> None:
    zones = {"r/a": 1, "r/b": 1, "r/c": 1}
    domains = {path: domain(path, "0.99") for path in ("r", *zones)}
    names = [f"s{number}" for number in range(12)]
    parts = [
        service(name, placement=placement(zones, measured=Measured(50 + number, 3)), needs=[need(other) for other in names[:number]][-2:])
        for number, name in enumerate(names)
    ]
    compare_draws(fleet(*parts, domains=domains), 4)


def test_seed_and_name_decide_the_draws_and_nothing_else() -> None:
    counted = Measured(1000, 2)
    again = Draws(3)
    again.of("b", counted, 64)
    assert Draws(3).of("a", counted, 64) == again.of("a", counted, 64)
    assert Draws(4).of("a", counted, 64) != again.of("a", counted, 64)
    assert again.of("b", counted, 64) != again.of("a", counted, 64)
    assert sorted(again.of("b", counted, 64)) == sorted(again.of("a", counted, 64))


def test_what_never_worked_is_a_number_all_the_same() -> None:
    found = confidence(service("a", measured=Measured(1, 1), tier="T2", needs=[need("b")]), service("b", measured=Measured(10**15, 10**15)))
    assert found.met == 0.0
    assert 0.0 <= found.low <= found.high <= 1.0
