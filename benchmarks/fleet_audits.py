"""Six questions about every service of a fleet, answered by truetier, by a plain compiled bitset, by networkx and by rustworkx.

1. Which services need each other in a circle, with a shortest cycle of each group.
2. How available each one is, over the distinct services it needs.
3. Which edges lead to a worse tier, and how near the nearest service of each worse tier is, with a path.
4. How bad the worst tier is that it needs.
5. Who fails with it, in all and by tier; and so for what it needs.
6. Which five services are down most among those it needs.

Everybody is given the same edges as arrays and begins with making a graph of them.
"""

from __future__ import annotations

import heapq
import math
from array import array
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from truetier.availability.fleet import deliver, least_available, losses
from truetier.availability.kernel import unavailabilities
from truetier.graph import kernel
from truetier.graph.fleet import FleetGraph, cycle_groups, inversions, worst_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    import numpy as np
    import rustworkx
    from numpy.typing import NDArray

    from truetier.graph.kernel import Adjacency

MOST = 5
_PLAIN_WIDTH = 16  # words: the best of 4, 8, 16, 32 at 100,000 services


class Fleet(NamedTuple):
    """What is asked about: hard edges, tiers and own unavailabilities of numbered services."""

    services: int
    callers: array[int]
    callees: array[int]
    tiers: array[int]
    down: array[float]


class Answers(NamedTuple):
    """Everything there is to compare; ``nearest`` holds for each service the distance to each worse tier, None where there is none."""

    groups: list[tuple[tuple[int, ...], int]]
    down: Sequence[float]
    needs: list[Sequence[int]]
    dependents: list[Sequence[int]]
    worst: Sequence[int]
    leading: list[list[int]]
    inversions: list[tuple[int, int]]
    nearest: list[list[int | None]]


def of_truetier(fleet: Fleet, workers: int = 1) -> Callable[[], Answers]:
    """The audit, timed; and its answers in the form that is compared."""
    graph = FleetGraph.between(fleet.services, fleet.callers, fleet.callees)
    groups = cycle_groups(graph)
    delivered = deliver(graph, fleet.down, fleet.tiers, workers=workers)
    return partial(
        _collected,
        fleet,
        groups,
        (delivered.down_low, *([reach.services, *reach.of_level] for reach in (delivered.needs, delivered.dependents))),
        (worst_levels(graph, fleet.tiers), least_available(graph, fleet.down, MOST), inversions(graph, fleet.tiers)),
    )


def of_plain_bitset(plain: ModuleType, fleet: Fleet) -> Callable[[], Answers]:
    """The same with both closures by a bitset that is neither compressed nor remembers anything; the rest as we do it."""
    import numpy as np

    graph = FleetGraph.between(fleet.services, fleet.callers, fleet.callees)
    groups = cycle_groups(graph)
    starts, placed = graph.condensed
    components = len(starts) - 1
    down, needs = _plain_side(plain, graph.condensed, graph.component_of, [losses(fleet.down)], fleet)
    # from below: edges turned around, and numbers too, so that callees still have the smaller ones
    tails = np.repeat(np.arange(components, dtype=np.int32), np.diff(np.frombuffer(starts, dtype=np.int32)))
    turned = kernel.adjacency(components, *(_integers(components - 1 - ends) for ends in (np.frombuffer(placed, dtype=np.int32), tails)))
    of_each = _integers(components - 1 - np.frombuffer(graph.component_of, dtype=np.int32))
    _, above = _plain_side(plain, turned, of_each, [], fleet)
    return partial(
        _collected,
        fleet,
        groups,
        (down, needs, above),
        (worst_levels(graph, fleet.tiers), least_available(graph, fleet.down, MOST), inversions(graph, fleet.tiers)),
    )


def _plain_side(
    plain: ModuleType, graph: Adjacency, of_each: array[int], sums: Sequence[array[float]], fleet: Fleet
) -> tuple[Sequence[float], list[Sequence[int]]]:
    """Unavailabilities, where there is something to sum, and counts of everything reached."""
    bits = fleet.services.bit_length()
    packing = (bits, 53 // bits, max(fleet.tiers) + 1)
    vectors = len(sums) + -(-packing[2] // packing[1])
    weights = kernel.vectors_of(of_each, len(graph[0]) - 1, sums, fleet.tiers, packing)
    totals = plain.closure_sums(*graph, weights, vectors, _PLAIN_WIDTH)
    counts, together = kernel.counts_of_each(of_each, totals, vectors, packing)
    return (unavailabilities(kernel.sum_of_each(of_each, totals, vectors, 0)) if sums else ()), [together, *counts]


def _integers(values: NDArray[np.int32]) -> array[int]:
    return array("i", values.astype("int32").tobytes())


def _collected(fleet: Fleet, groups, closures, others) -> Answers:  # noqa: ANN001 - as they come
    everyone, tiers = range(fleet.services), range(max(fleet.tiers) + 1)
    down, needs, above = closures
    worst, leading, found = others
    return Answers(
        [(group.members, len(group.witness)) for group in groups],
        down,
        needs,
        above,
        worst,
        [leading.of(service) for service in everyone],
        sorted(found.edges),
        [[found.distance(service, tier) for tier in tiers] for service in everyone],
    )


def of_networkx(fleet: Fleet) -> Callable[[], Answers]:
    """One search for each service and question."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(range(fleet.services))
    graph.add_edges_from(zip(fleet.callers, fleet.callees, strict=True))
    components = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    groups = [(tuple(part), _girth(part, graph.successors)) for part in sorted(components)]
    table = _Table(fleet)
    for service in range(fleet.services):
        table.add(nx.descendants(graph, service) | {service}, nx.ancestors(graph, service) | {service})
    backward = graph.reverse(copy=False)
    nearest = []
    for tier in range(1, max(fleet.tiers) + 1):
        sources = [service for service, own in enumerate(fleet.tiers) if own >= tier]
        layers = nx.bfs_layers(backward, sources)
        nearest.append({service: distance for distance, layer in enumerate(layers) for service in layer})
    return partial(table.answers, groups, nearest)


def of_rustworkx(fleet: Fleet) -> Callable[[], Answers]:
    """The same, searches in Rust."""
    import rustworkx as rx

    graph = rx.PyDiGraph(multigraph=False)
    graph.add_nodes_from(range(fleet.services))
    graph.add_edges_from_no_data(list(zip(fleet.callers, fleet.callees, strict=True)))
    components = [sorted(part) for part in rx.strongly_connected_components(graph) if len(part) > 1]
    groups = [(tuple(part), _girth(part, graph.successor_indices)) for part in sorted(components)]
    table = _Table(fleet)
    for service in range(fleet.services):
        table.add(rx.descendants(graph, service) | {service}, rx.ancestors(graph, service) | {service})
    return partial(table.answers, groups, [_distances(graph, fleet, tier) for tier in range(1, max(fleet.tiers) + 1)])


def _distances(graph: rustworkx.PyDiGraph[int, None], fleet: Fleet, tier: int) -> dict[int, int]:
    """Steps to the nearest service of at least a tier: shortest paths to a node that all of these lead to."""
    import rustworkx as rx

    backward = graph.copy()
    backward.reverse()
    origin = backward.add_node(-1)
    backward.add_edges_from_no_data([(origin, service) for service, own in enumerate(fleet.tiers) if own >= tier])
    lengths = rx.dijkstra_shortest_path_lengths(backward, origin, lambda _: 1.0)
    return {service: round(length) - 1 for service, length in lengths.items()}


class _Table:
    """What is kept of one set after the other."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._losses = losses(fleet.down)
        order = sorted(range(fleet.services), key=fleet.down.__getitem__, reverse=True)
        self._order = order
        self._ranks = array("i", bytes(4 * fleet.services))
        for rank, service in enumerate(order):
            self._ranks[service] = rank
        self._kinds = max(fleet.tiers) + 1
        self._down: list[float] = []
        self._needs: list[list[int]] = [[] for _ in range(self._kinds + 1)]
        self._dependents: list[list[int]] = [[] for _ in range(self._kinds + 1)]
        self._worst: list[int] = []
        self._leading: list[list[int]] = []

    def add(self, needed: Iterable[int], needing: Iterable[int]) -> None:
        """One more service."""
        needed = list(needed)
        self._down.append(0.0 - math.expm1(-math.fsum(map(self._losses.__getitem__, needed))))
        self._leading.append([self._order[rank] for rank in heapq.nsmallest(MOST, map(self._ranks.__getitem__, needed))])
        tiers = self._counted(needed, self._needs)
        self._worst.append(max(tier for tier in range(self._kinds) if tiers.count(tier)))
        self._counted(needing, self._dependents)

    def _counted(self, services: Iterable[int], columns: list[list[int]]) -> bytes:
        tiers = bytes(map(self._fleet.tiers.__getitem__, services))
        columns[0].append(len(tiers))
        for tier, column in enumerate(columns[1:]):
            column.append(tiers.count(tier))
        return tiers

    def answers(self, groups: list[tuple[tuple[int, ...], int]], nearest: Sequence[dict[int, int]]) -> Answers:
        """Everything together."""
        own = self._fleet.tiers
        edges = sorted({edge for edge in zip(self._fleet.callers, self._fleet.callees, strict=True) if own[edge[0]] < own[edge[1]]})
        distances = [
            [nearest[tier - 1].get(service) if tier > own[service] else None for tier in range(self._kinds)]
            for service in range(self._fleet.services)
        ]
        return Answers(groups, self._down, self._needs, self._dependents, self._worst, self._leading, edges, distances)


def _girth(members: Sequence[int], successors: Callable[[int], Iterable[int]]) -> int:
    """The length of a shortest cycle among the members: a search from each, cut at the best so far."""
    inside = set(members)
    best = len(members) + 1
    for start in members:
        seen, level, length = {start}, [start], 1
        while level and length < best:
            reached = [child for node in level for child in successors(node) if child in inside]
            if start in reached:
                best = length
            level = list(set(reached) - seen)
            seen.update(level)
            length += 1
    return best


def difference(ours: Answers, theirs: Answers) -> str | None:
    """The first answer that is not the same; probabilities are to agree to 1e-12 of themselves."""
    for name in Answers._fields:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if name == "down":
            if any(abs(one - two) > 1e-12 * two for one, two in zip(mine, other, strict=True)):
                return name
        elif [list(row) if isinstance(row, (list, tuple, array)) else row for row in mine] != [
            list(row) if isinstance(row, (list, tuple, array)) else row for row in other
        ]:
            return name
    return None
