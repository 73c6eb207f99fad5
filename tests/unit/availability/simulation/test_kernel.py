"""Chance in the kernel: the same digits everywhere, the right distributions, years that stand alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from tests.oracles.fleet_parts import availability, cached, fleet, hard, minutes, service, some_of
from truetier.availability.factors import Factors
from truetier.availability.simulation.kernel import IS_COMPILED, Simulator
from truetier.availability.simulation.network import network
from truetier.availability.structure import Structure
from truetier.graph.build import build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.simulation.network import Network
    from truetier.catalog.model import Fleet

YEAR = 525_600.0
RARE = fleet(service("a", own=availability("99.99%")))
MIXED = fleet(
    service("a", hard("b"), cached("c", minutes(30)), own=availability("99%")),
    service("b", some_of(1, "c", "d"), own=availability("99.5%")),
    service("c", own=availability("98%")),
    service("d", own=availability("30%")),
)
EXPONENTIAL, LOGNORMAL, FIXED = 0, 1, 2


def network_of(subjects: Fleet, *names: str) -> Network:
    factors = Factors()
    structure = Structure(subjects, build(subjects).uses, factors, {})
    return network(factors, [structure.up(name).low for name in names or ("a",)])


def lengths(shape: int, count: int, *, mean: float = 60.0) -> list[float]:
    """Lengths of the only outage of a year, of which nothing was cut off."""
    simulator = Simulator(network_of(RARE), seed=11, shape=shape)
    found: list[float] = []
    first = 0
    while len(found) < count:
        down, _, outages, _ = simulator.run(first, 20_000)
        found += [value for value, number in zip(down, outages, strict=True) if number == 1 and value < 1000 * mean]
        first += 20_000
    return found[:count]


def distance(values: Sequence[float], below: dict[float, float]) -> float:
    """How many standard errors the shares of the values below some bounds are from what they should be, at most."""
    count = len(values)
    return max(
        abs(sum(value < bound for value in values) / count - share) / math.sqrt(share * (1 - share) / count)
        for bound, share in below.items()
    )


def test_the_same_seed_gives_the_same_digits_compiled_and_not() -> None:
    down, touched, outages, months = Simulator(network_of(MIXED, "a", "b"), seed=42).run(0, 2)
    assert [repr(value) for value in down] == DOWN
    assert list(outages) == OUTAGES
    assert touched == down  # no request draws: what is down is down for all
    assert sum(months) == pytest.approx(sum(down), rel=0.03)  # twelve months leave five days of a year


DOWN = ["15644.040924658586", "8896.078430396386", "14556.428439791416", "8207.204829840095"]
OUTAGES = [283, 235, 306, 267]


def test_a_longer_run_begins_with_the_shorter_and_goes_on_where_it_ended() -> None:
    made = network_of(MIXED, "a", "c")
    whole = Simulator(made, seed=5).run(0, 6)
    simulator = Simulator(made, seed=5)
    first, second = simulator.run(0, 2), simulator.run(2, 4)
    assert first[0] + second[0] == whole[0]
    assert first[2] + second[2] == whole[2]
    assert first[3] + second[3] == whole[3]


def test_another_seed_gives_other_years() -> None:
    made = network_of(MIXED)
    assert Simulator(made, seed=5).run(0, 3) != Simulator(made, seed=6).run(0, 3)
    assert Simulator(made, seed=5).run(0, 3) != Simulator(made, seed=5 + 2**63).run(0, 3)


def test_a_subject_has_the_same_years_whoever_else_is_simulated_with_the_same_components() -> None:
    alone = Simulator(network_of(MIXED, "a"), seed=5).run(0, 3)
    beside = Simulator(network_of(MIXED, "a", "b"), seed=5).run(0, 3)
    assert list(beside[0][::2]) == list(alone[0])


def test_exponential_outages_are_exponential() -> None:
    found = lengths(EXPONENTIAL, 20_000 if IS_COMPILED else 2_000)
    bounds = (1, 3, 10, 20, 40, 60, 90, 120, 180, 300, 460)  # the last lie in the tail of the ziggurat
    assert distance(found, {bound: -math.expm1(-bound / 60) for bound in bounds}) < 3.5


def test_lognormal_outages_have_the_mean_and_the_spread_they_should() -> None:
    found = lengths(LOGNORMAL, 20_000 if IS_COMPILED else 2_000)
    middle = math.log(60) - 0.5
    below = {math.exp(middle + z): 0.5 * (1 + math.erf(z / math.sqrt(2))) for z in (-2.0, -1.0, -0.3, 0.0, 0.5, 1.0, 2.0)}
    assert distance(found, below) < 3.5


def test_fixed_outages_are_all_alike() -> None:
    assert {round(length, 6) for length in lengths(FIXED, 300)} == {60.0}


def test_failures_come_like_those_of_a_poisson_process() -> None:
    years = 40_000 if IS_COMPILED else 4_000
    _, _, outages, _ = Simulator(network_of(fleet(service("a", own=availability("99.98%")))), seed=3).run(0, years)
    rate = 0.0002 * YEAR / 60  # of outages that begin: those who are up, at their rate
    expected = [math.exp(-rate) * rate**number / math.factorial(number) for number in range(6)]
    found = [sum(value == number for value in outages) / years for number in range(6)]
    for should, does in zip(expected, found, strict=True):
        assert abs(does - should) <= 3.5 * math.sqrt(should / years)


def test_years_know_nothing_of_each_other() -> None:
    years = 20_000 if IS_COMPILED else 2_000
    down, _, _, _ = Simulator(network_of(RARE._replace(services={"a": service("a", own=availability("99.9%"))})), seed=8).run(0, years)
    mean = sum(down) / years
    off = [value - mean for value in down]
    for lag in (1, 2, 7):
        correlation = sum(a * b for a, b in zip(off, off[lag:], strict=False)) / sum(value * value for value in off)
        assert abs(correlation) <= 3.5 / math.sqrt(years)


def test_each_of_many_components_fails_as_often_as_it_should() -> None:
    shares = {f"c{number}": f"{99 + number / 20:.2f}%" for number in range(16)}
    many = fleet(*(service(name, own=availability(text)) for name, text in shares.items()))
    years = 500 if IS_COMPILED else 60
    down, _, _, _ = Simulator(network_of(many, *shares), seed=4).run(0, years)
    for number, text in enumerate(shares.values()):
        expected = availability(text).unavailability * YEAR
        found = down[number :: len(shares)]
        mean = sum(found) / years
        error = math.sqrt(sum((value - mean) ** 2 for value in found) / years / years)
        assert abs(mean - expected) <= 3.5 * error


def test_what_never_works_is_down_all_year_and_what_needs_nothing_never() -> None:
    subjects = fleet(service("a", own=availability("0%")), service("b", own=availability("100%")))
    down, touched, outages, months = Simulator(network_of(subjects, "a", "b"), seed=1).run(0, 2)
    assert list(down) == [YEAR, 0.0, YEAR, 0.0]
    assert list(touched) == list(down)
    assert list(outages) == [0, 0, 0, 0]
    assert list(months) == [43_200.0, 0.0] * 24
