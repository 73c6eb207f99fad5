"""Whole fleets of hard needs deliver what the engine for any structure says of each service, and the laws of a product hold."""

from __future__ import annotations

import math
import random
from array import array
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.availability.fleets import assessed, need, service
from tests.unit.graph.random_graphs import Numbered, graphs, layered
from truetier.availability import assess
from truetier.availability.fleet import Deliveries, deliver, least_available, losses

OWN = (None, "0", "0.5", "0.99", "0.999", "0.9999999999", "1")


def delivered(numbered: Numbered, own: list[float | None]) -> Deliveries:
    return deliver(numbered.ours, own, array("i", bytes(4 * numbered.services)))


@given(graphs(10), st.data())
def test_a_fleet_delivers_what_the_engine_for_any_structure_says(numbered: Numbered, data: st.DataObject) -> None:
    stated = [data.draw(st.sampled_from(OWN)) for _ in range(numbered.services)]
    wanted = {(tail, head) for tail, head in numbered.edges if tail != head}
    services = [
        service(f"s{node}", stated[node], [need(f"s{head}") for tail, head in sorted(wanted) if tail == node])
        for node in range(numbered.services)
    ]
    found = delivered(numbered, [None if text is None else float(1 - Fraction(text)) for text in stated])
    for node, subject in enumerate(assessed(*services).services.values()):
        assert found.down_low[node] == pytest.approx(subject.delivered.down_low, rel=1e-12)
        assert found.down_high[node] == pytest.approx(subject.delivered.down_high, rel=1e-12)


def test_the_engine_and_the_fleet_agree_on_hundreds_of_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assess, "AT_ONCE_FROM", math.inf)
    chance = random.Random(5)
    numbered = layered(chance, 300, 700, back=0.05)
    stated = [f"0.{'9' * chance.randint(1, 7)}{chance.randint(1, 9)}" for _ in range(300)]
    wanted = sorted(set(numbered.edges))
    services = [service(f"s{node}", stated[node], [need(f"s{head}") for tail, head in wanted if tail == node]) for node in range(300)]
    found = delivered(numbered, [float(1 - Fraction(text)) for text in stated])
    for node, subject in enumerate(assessed(*services).services.values()):
        assert found.down_high[node] == found.down_low[node] == pytest.approx(subject.delivered.down_low, rel=1e-12)


def test_rare_failures_keep_their_digits() -> None:
    chain = Numbered(30, tuple((node, node + 1) for node in range(29)))
    own = [1e-50 * (1 + node) for node in range(30)]
    for node, down in enumerate(delivered(chain, list(own)).down_low):
        exact = 1 - math.prod((1 - Fraction(q) for q in own[node:]), start=Fraction(1))
        assert abs(Fraction(down) / exact - 1) <= 1e-14


def test_a_service_nobody_knows_anything_of_makes_an_interval_of_all_that_need_it() -> None:
    found = delivered(Numbered(3, ((0, 1), (1, 2))), [0.25, None, 0.5])
    assert found.down_low.tolist() == [0.625, 0.5, 0.5]
    assert found.down_high.tolist() == [1.0, 1.0, 0.5]


def test_a_service_that_is_never_up_takes_all_that_need_it_along() -> None:
    found = delivered(Numbered(3, ((0, 1), (1, 2))), [0.25, 1.0, 0.5])
    assert found.down_low.tolist() == [1.0, 1.0, 0.5]


@given(graphs(), st.integers(0, 9))
def test_the_laws_of_a_product_over_distinct_services_hold(numbered: Numbered, seed: int) -> None:
    chance = random.Random(seed)
    own: list[float | None] = [10.0 ** -chance.uniform(1, 6) for _ in range(numbered.services)]
    found = delivered(numbered, own)
    tail, head = chance.randrange(numbered.services), chance.randrange(numbered.services)
    worse = delivered(Numbered(numbered.services, (*numbered.edges, (tail, head))), own)
    for node in range(numbered.services):
        needed = [down for at, down in enumerate(found.down_low) if (node, at) in numbered.edges]
        assert found.down_low[node] >= max([own[node] or 0.0, *needed]) * (1 - 1e-14)
        if found.needs.services[node] == numbered.services:  # needs everything: no more than all paths together
            assert losses([found.down_low[node]])[0] == pytest.approx(sum(losses(own)), rel=1e-12)
        assert worse.down_low[node] >= found.down_low[node] * (1 - 1e-14)
        assert worse.needs.services[node] >= found.needs.services[node]


def test_the_least_available_come_first_and_equal_ones_in_file_order() -> None:
    leading = least_available(Numbered(5, ((0, 1), (0, 2), (2, 3), (1, 3))).ours, [0.1, 0.3, None, 0.3, 0.9], 3)
    assert leading.of(0) == [1, 3, 0]
    assert leading.of(2) == [3, 2]
    assert leading.of(4) == [4]
