"""Costs sum to the downtime, and the costliest ten are the costliest of all."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from tests.unit.availability.fleets import assessed, cached, domain, need, placement, service, share, static
from truetier.availability.quadrature import gauss_legendre
from truetier.catalog.model import Failover, PlacementMode


def test_own_in_series_with_a_pair_costs_half_and_a_quarter_each() -> None:
    found = assessed(service("a", "0.9999", [need("b", "c")]), service("b", "0.99"), service("c", "0.99")).services["a"]
    assert found.delivered.down == pytest.approx(2e-4, rel=1e-3)
    total = sum(item.costs for item in found.contributors)
    assert total == pytest.approx(found.delivered.minutes_per_year, rel=1e-12)
    parts = {item.component: item.costs / total for item in found.contributors}
    assert parts == {"a": pytest.approx(0.5, abs=1e-4), "b": pytest.approx(0.25, abs=1e-4), "c": pytest.approx(0.25, abs=1e-4)}
    gains = {item.component: item.gives_back for item in found.contributors}
    assert gains["a"] == pytest.approx(gains["b"], rel=0.02)  # by Birnbaum they look alike: it does not sum


def test_the_login_example_blames_the_two_lower_tiers_alike() -> None:
    found = assessed(service("login", tier="T1", needs=[need("p"), need("f")]), service("p", tier="T2"), service("f", tier="T2"))
    login = found.services["login"]
    assert [(item.component, round(100 * item.costs / (login.delivered.minutes_per_year or 1), 1)) for item in login.contributors] == [
        ("f", 47.6),
        ("p", 47.6),
        ("login", 4.8),
    ]


def test_what_comes_back_when_one_is_perfect_is_what_gives_back_says() -> None:
    services = [service("a", "0.999", [static("b", "0.9"), cached("c", 30)]), service("b", "0.99", [need("c")]), service("c", "0.98")]
    whole = assessed(*services).services["a"]
    perfect = assessed(services[0], services[1], service("c", "1")).services["a"]
    gain = next(item.gives_back for item in whole.contributors if item.component == "c")
    assert whole.delivered.minutes_per_year is not None
    assert perfect.delivered.minutes_per_year is not None
    assert gain == pytest.approx(whole.delivered.minutes_per_year - perfect.delivered.minutes_per_year, rel=1e-9)


def test_mechanisms_and_failovers_are_among_the_contributors_and_all_sum_to_the_downtime() -> None:
    pair = placement({"e": 1, "w": 1}, "0.99", mode=PlacementMode.ACTIVE_PASSIVE, failover=Failover(timedelta(minutes=6), share("0.9")))
    found = assessed(service("a", "0.999", [static("b", "0.9"), need("c")]), service("b", "0.99"), service("c", placement=pair)).services[
        "a"
    ]
    names = {item.component for item in found.contributors}
    assert {"a", "b", "a -> b (static fallback)", "c (failover)", "c (common cause)"} <= names
    assert sum(item.costs for item in found.contributors) == pytest.approx(found.delivered.minutes_per_year, rel=1e-12)
    assert found.contributors_total == len(found.contributors)


def test_only_ten_are_listed_and_all_are_counted() -> None:
    leaves = [service(f"s{index:02}", f"0.99{index:02}") for index in range(30)]
    found = assessed(service("a", "1", [need(leaf.name) for leaf in leaves]), *leaves).services["a"]
    assert [item.component for item in found.contributors] == [f"s{index:02}" for index in range(10)]
    assert found.contributors_total == 30


def test_a_hopeless_service_still_gets_costs_that_sum_to_its_downtime() -> None:
    leaves = [service(f"s{index}", "0.5") for index in range(9)]
    found = assessed(service("a", "0.9", [need(leaf.name) for leaf in leaves]), *leaves).services["a"]
    assert sum(item.costs for item in found.contributors) == pytest.approx(found.delivered.minutes_per_year, rel=1e-12)
    assert found.residue == 0.0


def test_a_service_that_is_surely_down_costs_a_year() -> None:
    found = assessed(service("a", "0", [need("b")]), service("b", "0.5")).services["a"]
    assert found.delivered.down == 1.0
    assert sum(item.costs for item in found.contributors) == pytest.approx(525_600)


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16, 64])
def test_nodes_integrate_polynomials_exactly(count: int) -> None:
    nodes, weights = gauss_legendre(count)
    for degree in (0, 1, 2 * count - 1):
        assert sum(w * t**degree for t, w in zip(nodes, weights, strict=True)) == pytest.approx(1 / (degree + 1), rel=1e-13)


def test_what_costs_nothing_costs_nought_and_not_minus_nought() -> None:
    pair = placement({"e": 1, "w": 1}, mode=PlacementMode.ACTIVE_PASSIVE, failover=Failover(timedelta()))
    found = assessed(service("a", "0.9", placement=pair), domains={"e": domain("e", "0.95")}).services["a"].contributors
    assert all(math.copysign(1, part.costs) == math.copysign(1, part.gives_back) == 1 for part in found)
