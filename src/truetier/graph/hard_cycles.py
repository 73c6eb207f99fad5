"""Services that fall together because they need each other hard, and the cheapest way out.

All elementary cycles can be exponentially many, so the unit to report is the component, with one shortest cycle as its witness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.graph.cycles import below_cycles, shortest_cycle, strongly_connected
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from truetier.graph.build import Edge, Graph
    from truetier.graph.cuts import Purse


class HardCycle(NamedTuple):
    """Services that fall together: a component of hard serve edges.

    ``witness`` is a shortest cycle inside, each edge beginning where the one before ends; ``is_shortest`` is false
    when the component was too large to be sure. ``cuts`` is a smallest set of edges whose removal leaves no cycle;
    ``is_fewest`` is false when it was found by a heuristic, or where one need makes several edges and so one cut may end several.
    """

    members: tuple[str, ...]
    witness: tuple[Edge, ...]
    is_shortest: bool
    cuts: tuple[Edge, ...]
    is_fewest: bool

    @property
    def path(self) -> tuple[str, ...]:
        """The witness as names; the last needs the first."""
        return tuple(edge.caller for edge in self.witness)


def hard_cycles(graph: Graph) -> tuple[HardCycle, ...]:
    """Every component of services that need each other hard while serving, in file order."""
    names, ahead = list(graph.number), graph.hard
    numbers = below_cycles(ahead)
    components = [part for part in strongly_connected(numbers, ahead.__getitem__) if len(part) > 1 or part[0] in ahead[part[0]]]
    if not components:
        return ()
    from truetier.graph.cuts import Purse

    components.sort()
    purse = Purse()
    return tuple(_hard_cycle(graph, [names[number] for number in part], purse) for part in components)


def _hard_cycle(graph: Graph, members: list[str], purse: Purse) -> HardCycle:
    from truetier.graph.cuts import feedback_edges

    inside = set(members)
    edges: dict[tuple[str, str], list[Edge]] = {}
    ahead: dict[str, list[str]] = {name: [] for name in members}
    for name in members:
        for edge in graph.hard_callees(name):
            if edge.callee in inside:
                edges.setdefault((name, edge.callee), []).append(edge)
                ahead[name].append(edge.callee)
    path, is_shortest = shortest_cycle(members, ahead.__getitem__)
    witness = tuple(edges[caller, path[(index + 1) % len(path)]][0] for index, caller in enumerate(path))
    # Where both would do, cut the call at which the promise drops: that edge is an inversion as well.
    preferred = sorted(edges, key=lambda pair: not _drops(graph, *pair))
    weights = {pair: len({edge.use.number for edge in edges[pair]}) for pair in preferred}
    pairs, is_fewest = feedback_edges(members, weights, purse)
    chosen = set(pairs)
    cuts = tuple(edge for pair, parallel in edges.items() if pair in chosen for edge in parallel)
    is_joint = sum(weights.values()) > len({(edge.caller, edge.use.number) for parallel in edges.values() for edge in parallel})
    return HardCycle(tuple(members), witness, is_shortest, cuts, is_fewest and not is_joint)


def _drops(graph: Graph, caller: str, callee: str) -> bool:
    fleet = graph.fleet
    rank = fleet.tiers.rank
    return rank(fleet.promise(fleet.services[caller])) < rank(fleet.promise(fleet.services[callee]))
