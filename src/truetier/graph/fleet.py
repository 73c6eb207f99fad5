"""Who reaches whom in a whole fleet at once: cycles, dependencies and dependents by tier, inversions with their paths.

Services are numbers in file order, and answers are arrays with one entry for each: a million services have no room for a value
each. Only hard serve edges are looked at, each pair once. A level is a place in an order of the caller's, such as a tier's row:
0 is the strictest, and -1 is no level. Time and memory are those of the kernel; nothing here is quadratic.
"""

from __future__ import annotations

from array import array
from functools import cached_property, partial
from itertools import chain, count, repeat
from typing import TYPE_CHECKING

from truetier.graph import kernel
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.graph.build import Graph
    from truetier.graph.kernel import Adjacency, Closure

_SCANS = 200_000  # edges looked at in one component before the search for a shorter cycle is given up
_SCANS_PER_EDGE = 20
_BLOCKS = 256 << 20  # bytes that the blocks of all workers may take
_WIDEST = 32  # words; wider blocks fall out of the caches
_EXACT = 53  # bits of a sum that loses nothing


class FleetGraph:
    """The hard serve edges of a fleet between numbered services, and what all passes over them begin with."""

    def __init__(self, callees: Adjacency) -> None:
        self.services = len(callees[0]) - 1
        self.callees = callees

    @classmethod
    def between(cls, services: int, callers: array[int], callees: array[int]) -> FleetGraph:
        """The graph of so many services with these edges; a pair that is named twice counts once."""
        return cls(kernel.adjacency(services, callers, callees))

    @classmethod
    def leading_to(cls, ahead: Sequence[Sequence[int]]) -> FleetGraph:
        """The graph in which each service needs those; one that is named twice counts once."""
        callers = array("i", chain.from_iterable(map(repeat, count(), map(len, ahead))))
        return cls.between(len(ahead), callers, array("i", chain.from_iterable(ahead)))

    @classmethod
    def of(cls, graph: Graph) -> FleetGraph:
        """The hard serve edges of a graph; services are numbered in file order."""
        return cls.leading_to(graph.hard)

    @cached_property
    def callers(self) -> Adjacency:
        """Who needs each service, ascending."""
        return kernel.reversed_edges(self.callees)

    @property
    def preorder(self) -> array[int]:
        """The services as a walk from the first on meets them: each before what it needs, and all that before the next."""
        return kernel.preorder(self.callees)

    @cached_property
    def _components(self) -> tuple[array[int], int]:
        return kernel.components(self.callees)

    @property
    def component_of(self) -> array[int]:
        """The component of each service: those that need each other share one; callees' components have smaller numbers."""
        return self._components[0]

    @cached_property
    def members(self) -> Adjacency:
        """The services of each component, ascending."""
        return self.members_in(kernel.consecutive(self.services))

    def members_in(self, order: array[int]) -> Adjacency:
        """The same in another order."""
        return kernel.grouped(self._components[1], self.component_of, order)

    @cached_property
    def condensed(self) -> Adjacency:
        """The edges between components."""
        return kernel.condensed(self.callees, self.component_of, self.members)

    @cached_property
    def closure(self) -> Closure:
        """What each component needs."""
        return kernel.Closure(self.condensed)


class CycleGroup(NamedTuple):
    """Services that need each other, and a shortest cycle of them; its last needs its first."""

    members: tuple[int, ...]
    witness: tuple[int, ...]
    is_shortest: bool


def cycle_groups(graph: FleetGraph) -> tuple[CycleGroup, ...]:
    """Every group of services that fall together because they need each other, by their first members."""
    starts, members = graph.members
    cyclic = kernel.cyclic(graph.callees, graph.members)
    if not cyclic:
        return ()
    search = kernel.Cycles(graph.callees, graph.callers, graph.component_of)
    found: list[CycleGroup] = []
    for component in cyclic:
        inside = members[starts[component] : starts[component + 1]]
        edges = sum(graph.callees[0][node + 1] - graph.callees[0][node] for node in inside)
        witness, is_shortest = search.shortest(inside, max(_SCANS, _SCANS_PER_EDGE * edges))
        found.append(CycleGroup(tuple(inside), tuple(witness), is_shortest))
    return tuple(sorted(found))


class Reach(NamedTuple):
    """For each service, how many services it reaches, itself included, and how many of each level."""

    services: array[int]
    of_level: tuple[array[int], ...]


class Totals(NamedTuple):
    """For each service, some sums over everything it needs, itself included; how much that is, and how much fails with it."""

    sums: tuple[array[float], ...]
    needs: Reach
    dependents: Reach


def totals(graph: FleetGraph, weights: Sequence[array[float]], levels: array[int], *, workers: int = 1) -> Totals:
    """What each service reaches in both directions: each service counts once, however many paths lead to it."""
    one = _Pass(graph, weights, levels)
    parts = one.parts(is_both_ways=True, workers=workers)
    return Totals(*one.needs(parts), one.dependents(parts))


def needs(
    graph: FleetGraph, weights: Sequence[array[float]], levels: array[int], *, workers: int = 1
) -> tuple[tuple[array[float], ...], Reach]:
    """The same downwards alone: the sums, and how much it is."""
    one = _Pass(graph, weights, levels)
    return one.needs(one.parts(is_both_ways=False, workers=workers))


def component_sums(graph: FleetGraph, weights: Sequence[array[float]]) -> tuple[array[float], int]:
    """For each component, some sums over everything it needs, itself included, side by side; and how far apart two components are.

    For many sums that are looked at together: what ``needs`` gives is one array of each.
    """
    one = _Pass(graph, weights, array("i", bytes(4 * graph.services)))
    return one.sums(one.parts(is_both_ways=False, workers=1)), one.width


class _Pass:
    """One pass over the closure: what it sums, and where it counts services of each level."""

    def __init__(self, graph: FleetGraph, weights: Sequence[array[float]], levels: array[int]) -> None:
        self._graph = graph
        self._sums = len(weights)
        self._levels = max(levels, default=-1) + 1
        has_none = min(levels, default=0) < 0
        slots = array("i", [self._levels if level < 0 else level for level in levels]) if has_none else levels
        bits = max(1, graph.services.bit_length())
        self._packing = (bits, _EXACT // bits, self._levels + has_none)
        self._counts = -(-self._packing[2] // self._packing[1])
        self._vectors = self._sums + self._counts
        components = graph.closure.nodes
        self._weights = kernel.vectors_of(graph.component_of, components, weights, slots, self._packing)
        self._members = kernel.vectors_of(graph.component_of, components, (), slots, self._packing) if weights else self._weights
        self._bundles = graph.closure.bundled(self._weights, self._vectors)

    def parts(self, *, is_both_ways: bool, workers: int) -> list[tuple[array[float], array[float]]]:
        """The sums of all rows and columns, in one part for each worker: which blocks a worker does never depends on how fast it is."""
        closure = self._graph.closure
        back = self._counts if is_both_ways else 0
        counts = closure.counted(self._members, back)
        width = block_width(closure.rows, closure.columns, workers)
        blocks = -(-closure.columns // (width * kernel.WORD))
        workers = max(1, min(workers, blocks))
        run = partial(closure.block_sums, self._bundles, self._vectors, counts, back, width)
        if workers == 1:
            return [run(0, 1)]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers) as pool:
            tasks = [pool.submit(run, worker, workers) for worker in range(workers)]
            return [task.result() for task in tasks]

    def needs(self, parts: Sequence[tuple[array[float], array[float]]]) -> tuple[tuple[array[float], ...], Reach]:
        """What each service needs."""
        of_each = self._graph.component_of
        found = self.sums(parts)
        sums = tuple(kernel.sum_of_each(of_each, found, self._vectors, vector) for vector in range(self._sums))
        return sums, self._reach(found, self._vectors)

    @property
    def width(self) -> int:
        """How many numbers are summed for each component."""
        return self._vectors

    def sums(self, parts: Sequence[tuple[array[float], array[float]]]) -> array[float]:
        """All that is summed, of one component after the other."""
        return self._graph.closure.node_sums(self._bundles, self._vectors, [rows for rows, _ in parts])

    def dependents(self, parts: Sequence[tuple[array[float], array[float]]]) -> Reach:
        """Who fails with each service."""
        found = self._graph.closure.caller_sums(self._members, self._counts, [columns for _, columns in parts])
        return self._reach(found, self._counts)

    def _reach(self, found: array[float], vectors: int) -> Reach:
        counts, together = kernel.counts_of_each(self._graph.component_of, found, vectors, self._packing)
        return Reach(together, tuple(counts[: self._levels]))


def block_width(rows: int, columns: int, workers: int) -> int:
    """How many words of columns a block has: a power of two, so that all workers' blocks stay within their memory."""
    width = 1
    while width < _WIDEST and 2 * width * rows * 8 * workers <= _BLOCKS and width * kernel.WORD < columns:
        width *= 2
    return width


def first_of_order(graph: FleetGraph, order: array[int], most: int) -> Leading:
    """The services that come first in an order of all of them, among what each service needs, itself included."""
    ranks = kernel.ranks(order)
    return Leading(graph, order, kernel.leading(graph.condensed, graph.members_in(order), ranks, most), most)


class Leading:
    """The few services that lead what each service needs."""

    __slots__ = ("_graph", "_most", "_order", "_ranks")

    def __init__(self, graph: FleetGraph, order: array[int], ranks: array[int], most: int) -> None:
        self._graph = graph
        self._order = order
        self._ranks = ranks
        self._most = most

    def of(self, service: int) -> list[int]:
        """Those of one service, the first of the order first."""
        begin = self._graph.component_of[service] * self._most
        return [self._order[rank] for rank in self._ranks[begin : begin + self._most] if rank >= 0]


def worst_levels(graph: FleetGraph, levels: array[int]) -> array[int]:
    """The largest level among everything that each service needs, itself included."""
    return kernel.highest(graph.condensed, graph.component_of, levels)


class Inversions:
    """Where a service needs one of a worse level: each edge that does, and for each service the nearest of every worse level.

    Every service with a level that needs a worse one has such an edge on each path to it, or a service without a level.
    """

    __slots__ = ("_distances", "_levels", "_steps", "edges")

    def __init__(
        self, levels: array[int], edges: Sequence[tuple[int, int]], distances: Sequence[array[int]], steps: Sequence[array[int]]
    ) -> None:
        self._levels = levels
        self.edges = edges
        self._distances = distances
        self._steps = steps

    def distance(self, service: int, level: int) -> int | None:
        """How many edges the nearest service of at least that level is away; None where the level is no worse, or there is none."""
        own = self._levels[service]
        if own < 0 or level <= own or level > len(self._distances):
            return None
        distance = self._distances[level - 1][service]
        return None if distance < 0 else distance

    def path(self, service: int, level: int) -> tuple[int, ...]:
        """A shortest path to the nearest service of at least that level, from the service itself on; empty where there is none."""
        distance = self.distance(service, level)
        if distance is None:
            return ()
        found = [service]
        for _ in range(distance):
            found.append(self._steps[level - 1][found[-1]])
        return tuple(found)


def inversions(graph: FleetGraph, levels: array[int]) -> Inversions:
    """All inversions of a fleet, direct and through others."""
    searches = [kernel.nearest(graph.callers, levels, level) for level in range(1, max(levels, default=0) + 1)]
    return Inversions(
        levels, kernel.worse_edges(graph.callees, levels), [distances for distances, _ in searches], [steps for _, steps in searches]
    )
