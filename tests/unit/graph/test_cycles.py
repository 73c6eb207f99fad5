from __future__ import annotations

import random

import networkx as nx
import pytest

from truetier.graph import cycles
from truetier.graph.cycles import below_cycles, shortest_cycle, strongly_connected

Arrows = dict[int, list[int]]


def random_arrows(seed: int, size: int, per_node: float) -> Arrows:
    chance = random.Random(seed)
    return {node: [other for other in range(size) if chance.random() < per_node / size] for node in range(size)}


def oracle(arrows: Arrows) -> nx.DiGraph[int]:
    made: nx.DiGraph[int] = nx.DiGraph()
    made.add_nodes_from(arrows)
    made.add_edges_from((node, other) for node, others in arrows.items() for other in others)
    return made


def shortest(arrows: Arrows, openings: Arrows) -> int:
    """The length of a shortest cycle that takes one of the openings; 0 where there is none."""
    made = oracle(arrows)
    ways = ((other, node) for node, others in openings.items() for other in others if nx.has_path(made, other, node))
    return min((nx.shortest_path_length(made, *way) + 1 for way in ways), default=0)


@pytest.mark.parametrize("seed", range(30))
def test_components_are_those_of_networkx_and_come_callees_first(seed: int) -> None:
    arrows = random_arrows(seed, 40, 1.5)
    parts = strongly_connected(range(40), arrows.__getitem__)
    assert {frozenset(part) for part in parts} == {frozenset(part) for part in nx.strongly_connected_components(oracle(arrows))}
    rank = {node: index for index, part in enumerate(parts) for node in part}
    assert all(rank[other] <= rank[node] for node, others in arrows.items() for other in others)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_left_without_the_nodes_above_all_cycles_is_what_a_cycle_reaches(seed: int) -> None:
    arrows = random_arrows(seed, 40, 1.0)
    made = oracle(arrows)
    reached = {
        other
        for node in arrows
        if any(nx.has_path(made, child, node) for child in arrows[node])
        for other in nx.descendants(made, node) | {node}
    }
    assert below_cycles(list(arrows.values())) == sorted(reached)


def test_members_stand_in_the_order_of_the_nodes() -> None:
    arrows = {"c": ["a"], "a": ["b"], "b": ["c"]}
    assert strongly_connected(["b", "c", "a"], arrows.__getitem__) == [["b", "c", "a"]]


def test_successors_outside_the_nodes_are_left_out() -> None:
    arrows = {"a": ["b"], "b": ["a", "x"], "x": ["a"]}
    assert strongly_connected(["b"], arrows.__getitem__) == [["b"]]
    assert strongly_connected(["a", "b"], arrows.__getitem__) == [["a", "b"]]
    assert shortest_cycle(["b"], arrows.__getitem__) == ([], True)


def test_a_chain_of_100_000_has_as_many_components() -> None:
    parts = strongly_connected(range(100_000), lambda node: (node + 1,))
    assert parts[0] == [99_999]
    assert len(parts) == 100_000


@pytest.mark.parametrize("seed", range(40))
def test_the_shortest_cycle_is_as_short_as_networkx_says(seed: int) -> None:
    arrows = random_arrows(seed, 30, 1.2)
    path, is_sure = shortest_cycle(range(30), arrows.__getitem__)
    assert is_sure
    assert len(path) == shortest(arrows, arrows)
    assert all(path[(index + 1) % len(path)] in arrows[node] for index, node in enumerate(path))
    assert len(set(path)) == len(path)


@pytest.mark.parametrize("seed", range(40))
def test_a_cycle_with_an_opening_is_the_shortest_of_those_and_begins_with_it(seed: int) -> None:
    arrows = random_arrows(seed, 25, 1.4)
    chance = random.Random(seed)
    openings = {node: [other for other in others if chance.random() < 0.3] for node, others in arrows.items()}
    path, is_sure = shortest_cycle(range(25), arrows.__getitem__, openings=openings)
    assert is_sure
    assert len(path) == shortest(arrows, openings)
    if path:
        assert path[1 % len(path)] in openings[path[0]]


def test_a_ring_of_10_000_is_its_own_only_cycle() -> None:
    path, is_sure = shortest_cycle(range(10_000), lambda node: ((node + 1) % 10_000,))
    assert path == list(range(10_000))
    assert is_sure


def test_a_long_ring_with_a_short_cut_is_searched_without_squaring_the_work() -> None:
    size = 10_000
    path, is_sure = shortest_cycle(range(size), lambda node: ((node + 1) % size, *((5_000,) if node == 5_100 else ())))
    assert path == list(range(5_000, 5_101))
    assert is_sure


def test_a_search_that_would_take_too_long_gives_the_best_so_far_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "_SCANS", 10)
    monkeypatch.setattr(cycles, "_SCANS_PER_EDGE", 0)
    size = 40
    path, is_sure = shortest_cycle(range(size), lambda node: ((node + 1) % size, (node + 7) % size))
    assert not is_sure
    assert all((path[(index + 1) % len(path)] - node) % size in (1, 7) for index, node in enumerate(path))
