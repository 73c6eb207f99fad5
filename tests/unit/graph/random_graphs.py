"""Numbered graphs to hold whole-fleet answers against networkx: with cycles, equal rows, parallel edges and chains."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx
from hypothesis import strategies as st

from truetier.graph.fleet import FleetGraph

if TYPE_CHECKING:
    import random


class Numbered(NamedTuple):
    """A graph as truetier and as networkx see it."""

    services: int
    edges: tuple[tuple[int, int], ...]

    @property
    def ours(self) -> FleetGraph:
        return FleetGraph.between(self.services, array("i", [tail for tail, _ in self.edges]), array("i", [head for _, head in self.edges]))

    @property
    def theirs(self) -> nx.DiGraph[int]:
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(self.services))
        graph.add_edges_from(self.edges)
        return graph

    @property
    def needed(self) -> list[set[int]]:
        """Everything that each service reaches, itself included."""
        theirs = self.theirs
        return [{service} | nx.descendants(theirs, service) for service in range(self.services)]


@st.composite
def graphs(draw: st.DrawFn, most: int = 12) -> Numbered:
    services = draw(st.integers(1, most))
    node = st.integers(0, services - 1)
    return Numbered(services, tuple(draw(st.lists(st.tuples(node, node), max_size=3 * services))))


def layered(chance: random.Random, services: int, edges: int, back: float = 0.0) -> Numbered:
    """Hubs that many need, services that need the same, and some calls called back."""
    found: list[tuple[int, int]] = []
    while len(found) < edges:
        tail = chance.randrange(services)
        head = min(services - 1, tail + 1 + int(chance.expovariate(8 / services)))
        found.append((tail, head))
        if chance.random() < back:
            found.append((head, tail))
        if chance.random() < 0.2:  # its neighbour needs the same
            found.append((max(0, tail - 1), head))
        if chance.random() < 0.1:
            found.append(chance.choice(found))
    return Numbered(services, tuple(edge for edge in found if edge[0] != edge[1]))
