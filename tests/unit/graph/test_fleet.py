"""Answers for whole fleets are those networkx gives for one service at a time."""

from __future__ import annotations

import random
from array import array
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given

from tests.unit.graph.fleets import graph as catalog_graph
from tests.unit.graph.fleets import need, service
from tests.unit.graph.random_graphs import Numbered, graphs, layered
from truetier.graph import kernel
from truetier.graph.fleet import (
    FleetGraph,
    block_width,
    cycle_groups,
    first_of_order,
    inversions,
    needs,
    totals,
    worst_levels,
)

SEEDS = range(6)


def sample(seed: int) -> Numbered:
    chance = random.Random(seed)
    return layered(chance, 400, chance.choice((500, 900)), back=chance.choice((0.0, 0.01, 0.1)))


def some_levels(services: int, seed: int = 1, least: int = -1) -> array[int]:
    chance = random.Random(seed)
    return array("i", [chance.randint(least, 3) for _ in range(services)])


def assert_totals_are_right(numbered: Numbered, levels: array[int]) -> None:
    graph = numbered.ours
    weights = array("d", [2.0 ** -(number % 40) for number in range(numbered.services)])
    sums, below, above = totals(graph, [weights, weights], levels)
    assert needs(graph, [weights], levels) == ((sums[0],), below)
    theirs = numbered.theirs
    for node in range(numbered.services):
        needed = {node} | nx.descendants(theirs, node)
        needing = {node} | nx.ancestors(theirs, node)
        expected = sum(weights[member] for member in needed)
        assert sums[0][node] == pytest.approx(expected, rel=1e-14)
        assert sums[1][node] == sums[0][node]
        for reach, members in ((below, needed), (above, needing)):
            assert reach.services[node] == len(members)
            of_level = [sum(levels[member] == level for member in members) for level in range(max(levels) + 1)]
            assert [counts[node] for counts in reach.of_level] == of_level
    assert sum(below.services) == sum(above.services)


@given(graphs())
def test_what_a_service_needs_counts_once_however_many_paths_lead_to_it(numbered: Numbered) -> None:
    assert_totals_are_right(numbered, some_levels(numbered.services))


@pytest.mark.parametrize("seed", SEEDS)
def test_closures_of_several_blocks_are_those_of_networkx(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier.graph.fleet._WIDEST", 1)
    assert_totals_are_right(sample(seed), some_levels(400, seed))


@pytest.mark.parametrize("workers", [2, 3, 16])
def test_several_workers_find_what_one_finds(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier.graph.fleet._WIDEST", 1)
    graph = sample(3).ours
    weights, levels = array("d", [1.0 / (1 + number) for number in range(400)]), some_levels(400)
    alone, together = totals(graph, [weights], levels), totals(graph, [weights], levels, workers=workers)
    assert together[1:] == alone[1:]
    assert together.sums[0].tolist() == pytest.approx(alone.sums[0].tolist(), rel=1e-14)


def test_services_without_edges_reach_themselves() -> None:
    found = totals(FleetGraph.between(3, array("i"), array("i")), [array("d", (1.0, 2.0, 3.0))], array("i", (0, 0, 0)))
    assert found.sums[0].tolist() == [1.0, 2.0, 3.0]
    assert found.needs.services.tolist() == found.dependents.services.tolist() == [1, 1, 1]


def test_an_empty_fleet_has_no_answers() -> None:
    graph = FleetGraph.between(0, array("i"), array("i"))
    assert cycle_groups(graph) == ()
    assert totals(graph, [array("d")], array("i")).needs.services.tolist() == []
    assert worst_levels(graph, array("i")).tolist() == []


@given(graphs())
def test_components_are_those_of_networkx_and_callees_come_first(numbered: Numbered) -> None:
    graph = numbered.ours
    found: dict[int, set[int]] = {}
    for node, component in enumerate(graph.component_of):
        found.setdefault(component, set()).add(node)
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, nx.strongly_connected_components(numbered.theirs)))
    for tail, head in numbered.edges:
        assert graph.component_of[head] <= graph.component_of[tail]


@given(graphs(8))
def test_a_witness_is_a_cycle_and_none_is_shorter(numbered: Numbered) -> None:
    theirs = numbered.theirs
    groups = {group.members: group for group in cycle_groups(numbered.ours)}
    cyclic = [part for part in nx.strongly_connected_components(theirs) if len(part) > 1 or theirs.has_edge(*(list(part) * 2))]
    assert sorted(groups) == sorted(tuple(sorted(part)) for part in cyclic)
    for members, group in groups.items():
        assert group.is_shortest
        assert all(theirs.has_edge(*edge) for edge in pairwise((*group.witness, group.witness[0])))
        assert len(group.witness) == min(map(len, nx.simple_cycles(theirs.subgraph(members))))


@pytest.mark.parametrize("seed", range(8))
def test_cycles_without_a_mutual_pair_have_a_shortest_witness(seed: int) -> None:
    chance = random.Random(seed)
    edges = {(chance.randrange(60), chance.randrange(60)) for _ in range(110)}
    numbered = Numbered(60, tuple((tail, head) for tail, head in edges if tail != head and not ((head, tail) in edges and head < tail)))
    theirs = numbered.theirs
    for group in cycle_groups(numbered.ours):
        lengths = (1 + nx.shortest_path_length(theirs, head, tail) for tail, head in theirs.subgraph(group.members).edges)
        assert len(group.witness) == min(lengths) == len(set(group.witness))


def test_a_ring_is_its_own_witness_whatever_its_length() -> None:
    size = 20_000
    ring = FleetGraph.between(size, array("i", range(size)), array("i", [*range(1, size), 0]))
    (group,) = cycle_groups(ring)
    assert group.witness == group.members == tuple(range(size))
    assert group.is_shortest


def test_a_search_that_may_look_at_no_more_edges_says_that_a_shorter_cycle_may_exist() -> None:
    ring = FleetGraph.between(40, array("i", [*range(40), 25]), array("i", [*range(1, 40), 0, 20]))
    search = kernel.Cycles(ring.callees, ring.callers, ring.component_of)
    witness, is_shortest = search.shortest(array("i", range(40)), 10)
    assert not is_shortest
    assert len(witness) == 40
    assert len(cycle_groups(ring)[0].witness) == 6


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_of_an_order_are_the_first_of_everything_needed(seed: int) -> None:
    numbered = sample(seed)
    order = list(range(numbered.services))
    random.Random(seed).shuffle(order)
    place = {service: rank for rank, service in enumerate(order)}
    leading = first_of_order(numbered.ours, array("i", order), 5)
    for node, needed in enumerate(numbered.needed):
        assert leading.of(node) == sorted(needed, key=place.__getitem__)[:5]


@given(graphs())
def test_the_worst_level_is_that_of_the_worst_service_needed(numbered: Numbered) -> None:
    levels = some_levels(numbered.services)
    worst = worst_levels(numbered.ours, levels)
    assert worst.tolist() == [max(levels[other] for other in needed) for needed in numbered.needed]


@given(graphs())
def test_an_inversion_has_a_shortest_path_and_an_edge_at_which_the_level_drops(numbered: Numbered) -> None:
    levels = some_levels(numbered.services)
    theirs = numbered.theirs
    found = inversions(numbered.ours, levels)
    assert sorted(found.edges) == sorted((tail, head) for tail, head in theirs.edges if 0 <= levels[tail] < levels[head])
    for node in range(numbered.services):
        distances = nx.single_source_shortest_path_length(theirs, node)
        for level in range(4):
            wanted = [distance for other, distance in distances.items() if levels[other] >= level > levels[node] >= 0]
            assert found.distance(node, level) == min(wanted, default=None)
            path = found.path(node, level)
            assert len(path) == (min(wanted) + 1 if wanted else 0)
            assert all(theirs.has_edge(*edge) for edge in pairwise(path))
            if path:
                assert levels[path[-1]] >= level
                assert set(pairwise(path)) & set(found.edges) or any(levels[other] < 0 for other in path)


def test_hard_serve_edges_of_a_catalog_are_the_edges() -> None:
    services = (service("a", need("b"), need("c", phases=("start",))), service("b", need("c"), need("c")), service("c"))
    graph = FleetGraph.of(catalog_graph(*services))
    assert graph.callees[0].tolist() == [0, 1, 2, 2]
    assert graph.callees[1].tolist() == [1, 2]


def test_blocks_get_narrower_where_there_are_many_rows_or_workers() -> None:
    assert block_width(1_000, 100, 1) == 2
    assert block_width(100_000, 50_000, 1) == 32
    assert block_width(700_000, 300_000, 1) * 700_000 * 8 <= 256 << 20
    assert block_width(700_000, 300_000, 8) * 700_000 * 8 * 8 <= 256 << 20
    assert block_width(100_000_000, 100_000_000, 1) == 1
