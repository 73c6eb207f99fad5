"""A fleet that is kept up to date delivers what a pass over the changed fleet would."""

from __future__ import annotations

import random
from array import array
from typing import TYPE_CHECKING

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.graph.random_graphs import Numbered, graphs, layered
from truetier.availability import live_fleet
from truetier.availability.fleet import deliver
from truetier.availability.live_fleet import LiveFleet

if TYPE_CHECKING:
    from collections.abc import Iterable

DOWNS = (None, 0.0, 1e-12, 1e-6, 1e-3, 0.1, 0.5, 1.0)


def assert_live_is_fresh(live: LiveFleet, edges: Iterable[tuple[int, int]], own: list[float | None], levels: array[int]) -> None:
    found = deliver(Numbered(len(own), tuple(edges)).ours, own, levels)
    for node in range(len(own)):
        delivery = live.delivery(node)
        assert delivery.down_low == pytest.approx(found.down_low[node], rel=1e-12)
        assert delivery.down_high == pytest.approx(found.down_high[node], rel=1e-12)
        assert delivery.services == found.needs.services[node]
        assert delivery.of_level == tuple(counts[node] for counts in found.needs.of_level)


@given(graphs(8), st.data())
def test_any_changes_one_after_the_other_end_where_a_pass_would(numbered: Numbered, data: st.DataObject) -> None:
    own: list[float | None] = [data.draw(st.sampled_from(DOWNS)) for _ in range(numbered.services)]
    levels = array("i", [node % 3 - (node % 5 == 4) for node in range(numbered.services)])
    edges = set(numbered.edges)
    live = LiveFleet(numbered.ours, own, levels)
    node = st.integers(0, numbered.services - 1)
    for _ in range(data.draw(st.integers(1, 6))):
        tail, head = data.draw(node), data.draw(node)
        match data.draw(st.sampled_from(("number", "edge"))):
            case "number":
                own[tail] = data.draw(st.sampled_from(DOWNS))
                live.set_own(tail, own[tail])
            case _ if (tail, head) in edges:
                edges.remove((tail, head))
                live.remove_edge(tail, head)
            case _:
                edges.add((tail, head))
                live.add_edge(tail, head)
        assert_live_is_fresh(live, edges, own, levels)


@pytest.mark.parametrize(("few", "most"), [(0, 2.0), (0, 0.0), (3, 0.3), (10**9, 1.0)])
def test_services_walked_one_by_one_in_a_part_or_in_a_whole_pass_come_out_alike(
    few: int, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_fleet, "_FEW", few)
    monkeypatch.setattr(live_fleet, "_MOST", most)
    chance = random.Random(4)
    numbered = layered(chance, 200, 320, back=0.02)
    own: list[float | None] = [10.0 ** -chance.uniform(1, 9) for _ in range(200)]
    levels = array("i", [chance.randint(-1, 3) for _ in range(200)])
    edges = sorted(set(numbered.edges))
    live = LiveFleet(numbered.ours, own, levels)
    for _ in range(12):
        live.remove_edge(*edges.pop(chance.randrange(len(edges))))
        edge = (chance.randrange(200), chance.randrange(200))
        live.add_edge(*edge)
        edges = sorted({*edges, edge})
        changed = chance.randrange(200)
        own[changed] = 10.0 ** -chance.uniform(1, 9)
        live.set_own(changed, own[changed])
    assert_live_is_fresh(live, edges, own, levels)


def test_a_change_concerns_what_stands_above_it_and_nobody_where_it_decides_nothing() -> None:
    numbered = Numbered(5, ((0, 1), (1, 2), (0, 3), (4, 3)))
    live = LiveFleet(numbered.ours, [0.1] * 5, array("i", bytes(20)))
    assert sorted(live.dependents(3)) == sorted(nx.ancestors(numbered.theirs, 3) | {3})
    assert sorted(live.set_own(2, 0.2)) == [0, 1, 2]
    assert list(live.add_edge(0, 2)) == []  # reached already
    assert list(live.add_edge(0, 2)) == []  # there already
    assert list(live.remove_edge(0, 2)) == []
    assert sorted(live.add_edge(3, 2)) == [0, 3, 4]
    assert list(live.remove_edge(0, 1)) == [0]


def test_an_edge_that_is_not_there_cannot_be_removed() -> None:
    live = LiveFleet(Numbered(2, ((0, 1),)).ours, [0.1, 0.2], array("i", (0, 0)))
    with pytest.raises(KeyError):
        live.remove_edge(1, 0)


def test_a_dominating_failure_that_is_mended_leaves_no_rounding_behind() -> None:
    numbered = Numbered(3, ((0, 1), (0, 2)))
    own: list[float | None] = [1e-12, 0.5, 1e-13]
    live = LiveFleet(numbered.ours, own, array("i", (0, 0, 0)))
    live.set_own(1, 1e-15)
    assert live.delivery(0).down_low == pytest.approx(1e-12 + 1e-13 + 1e-15, rel=1e-14)
