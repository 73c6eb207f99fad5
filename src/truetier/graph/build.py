"""The graph of a fleet: services and the edges between them while requests are served."""

from __future__ import annotations

from itertools import compress, count, repeat
from typing import TYPE_CHECKING

from truetier.catalog.listed import ListedNeeds
from truetier.graph.hardness import Kind, asked_by
from truetier.graph.later import Later
from truetier.graph.uses import default_budgets, trusting_uses
from truetier.record import NamedTuple, maker
from truetier.units import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, timedelta

    from truetier.catalog.model import Fleet, Service
    from truetier.errors import Place
    from truetier.graph.hardness import Use
    from truetier.graph.uses import Uses


class Edge(NamedTuple):
    """One service naming another in a serve need.

    Hard: some request of the caller fails when the callee fails (a conditional need is hard for its share; members
    of a group that needs them all are hard; the broker of an async need is hard).
    """

    caller: str
    callee: str
    use: Use
    is_hard: bool

    @property
    def place(self) -> Place | None:
        """Where the catalog writes the need."""
        return self.use.need.evidence.place

    @property
    def subject(self) -> str:
        """``caller -> callee`` as findings and waivers write it."""
        return f"{self.caller} -> {self.callee}"


_EDGE = maker(Edge)


class Graph(NamedTuple):
    """Who needs whom. ``uses`` holds every phase; ``callees`` and ``callers`` only serve, in file order.

    ``number`` counts the services in file order; ``asked`` holds by number the numbers of those each asks, in the order of
    ``callees``, and ``hard`` those it needs hard, in the order of ``hard_callees``: what looks at every edge looks at these.
    ``budgets`` is how long callers wait for a service, for those that somebody waits for a stated time. Edges of services whose
    needs are listed are made when somebody asks for them.
    """

    fleet: Fleet
    uses: Uses
    callees: Mapping[str, tuple[Edge, ...]]
    callers: Mapping[str, tuple[Edge, ...]]
    number: Mapping[str, int]
    asked: Sequence[Sequence[int]]
    hard: Sequence[Sequence[int]]
    budgets: Mapping[str, timedelta]

    @property
    def bare(self) -> frozenset[str]:
        """The services whose needs say nothing but whom they ask: nothing about their calls can be wrong but whom they call."""
        return self.uses.bare

    @property
    def told(self) -> Sequence[str]:
        """The others, in file order."""
        return self.uses.told

    def hard_callees(self, name: str) -> tuple[Edge, ...]:
        """The hard serve edges that leave a service."""
        edges, number = self.callees[name], self.number[name]
        return edges if len(edges) == len(self.hard[number]) else tuple(edge for edge in edges if edge.is_hard)

    def called(self, name: str) -> Sequence[str]:
        """Whom a service calls while it serves, in the order of ``callees``."""
        return asked_by(self.fleet.services[name]) if name in self.uses.columns else [edge.callee for edge in self.callees[name]]

    def is_whole(self, name: str) -> bool:
        """Whether it is known by what they say alone that every request of the service meets each of its hard needs."""
        return name in self.bare or (name in self.uses.columns and not any(self.uses.judge(_is_partly_hard)(name)))

    def places(self, name: str) -> Callable[[int], Place | None]:
        """Tells where the catalog writes the need behind each of the hard ones; a listed one is not made for it."""
        needs = self.fleet.services[name].needs
        if name not in self.uses.columns or not isinstance(needs, ListedNeeds):
            edges = self.hard_callees(name)
            return lambda place: edges[place].place
        if len(self.hard[self.number[name]]) == len(needs):
            return needs.place
        numbers = self._hard_places(name)
        return lambda place: needs.place(numbers[place])

    def _hard_places(self, name: str) -> Sequence[int]:
        """Which of the calls of a service are hard."""
        are_hard = self.uses.judge(_is_hard)(name) if name in self.uses.columns else map(_is_hard, self.callees[name])
        return list(compress(count(), are_hard))


def build(fleet: Fleet) -> Graph:
    """The graph of the fleet, declarations believed."""
    budgets = default_budgets(fleet)
    return _joined(fleet, trusting_uses(fleet, budgets), budgets)


def proven(graph: Graph, as_of: date) -> Graph:
    """The same graph with every mitigation dropped that nobody has shown to work."""
    return _joined(graph.fleet, graph.uses.verified(as_of), graph.budgets)


def _joined(fleet: Fleet, uses: Uses, budgets: Mapping[str, timedelta]) -> Graph:
    callees: dict[str, tuple[Edge, ...]] = {}
    number = {name: position for position, name in enumerate(fleet.services)}
    are_hard = uses.judge(_is_hard)
    asked: list[Sequence[int]] = []
    hard: list[Sequence[int]] = []
    for name, service in fleet.services.items():
        needed: Sequence[bool] | None = None
        if name in uses.columns:
            reached = list(map(number.__getitem__, asked_by(service)))
            if name not in uses.bare:
                needed = are_hard(name)
        else:
            edges = callees[name] = tuple([edge for use in uses[name] if use.need.at_serve for edge in _edges(use)])
            reached = [number[edge.callee] for edge in edges]
            needed = [edge.is_hard for edge in edges]
        asked.append(reached)
        hard.append(reached if needed is None or all(needed) else list(compress(reached, needed)))
    ahead = Later(number, lambda name: _listed_edges(fleet.services[name], uses[name]), callees)
    return Graph(fleet, uses, ahead, _callers(number, asked, ahead), number, asked, hard, budgets)


def _is_hard(use: Use | Edge) -> bool:
    return use.is_hard


def _is_partly_hard(use: Use) -> bool:
    return use.is_hard and use.share != WHOLE


def _listed_edges(service: Service, uses: Sequence[Use]) -> tuple[Edge, ...]:
    return tuple(map(_EDGE, zip(repeat(service.name), asked_by(service), uses, map(_is_hard, uses), strict=False)))


def _callers(number: Mapping[str, int], reached: Sequence[Sequence[int]], ahead: Mapping[str, tuple[Edge, ...]]) -> Later[tuple[Edge, ...]]:
    names = list(number)
    places: list[list[tuple[str, int]]] = []

    def edges(name: str) -> tuple[Edge, ...]:
        if not places:
            places.extend([] for _ in names)
            for caller, asked in zip(names, reached, strict=True):
                for place, callee in enumerate(asked):
                    places[callee].append((caller, place))
        return tuple([ahead[caller][place] for caller, place in places[number[name]]])

    return Later(number, edges, {})


def _edges(use: Use) -> list[Edge]:
    caller, need, is_hard = use.caller, use.need, use.is_hard
    edges = [_EDGE((caller, target.service, use, is_hard)) for target in need.targets]
    if use.kind is Kind.SOFT and need.fallback is not None and need.fallback.service is not None:
        edges.append(Edge(caller, need.fallback.service, use, is_hard=False))
    if need.broker is not None:
        edges.append(Edge(caller, need.broker, use, is_hard=True))
    return edges
