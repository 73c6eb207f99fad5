"""The graph of a fleet: services and the edges between them while requests are served."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from truetier.catalog.bare import BareNeeds
from truetier.graph.hardness import Kind, asked_by, bare_services, default_budgets, trusting_uses, verified_uses
from truetier.graph.later import Later
from truetier.record import NamedTuple, maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, timedelta

    from truetier.catalog.model import Fleet
    from truetier.errors import Place
    from truetier.graph.hardness import Use


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

    ``number`` counts the services in file order, and ``hard`` holds by number the numbers of those each needs hard, in the
    order of ``hard_callees``: what looks at every edge looks at these. ``budgets`` is how long callers wait for a service, for
    those that somebody waits for a stated time. ``bare`` are the services whose needs say nothing but whom they ask: nothing
    about their calls can be wrong but whom they call, and their uses and edges are made when somebody asks for them. ``told`` are
    the others, in file order.
    """

    fleet: Fleet
    uses: Mapping[str, tuple[Use, ...]]
    callees: Mapping[str, tuple[Edge, ...]]
    callers: Mapping[str, tuple[Edge, ...]]
    number: Mapping[str, int]
    hard: Sequence[Sequence[int]]
    budgets: Mapping[str, timedelta]
    bare: frozenset[str]
    told: Sequence[str]

    @property
    def telling_uses(self) -> Iterator[Use]:
        """The needs that may say more than whom they ask, in file order."""
        return chain.from_iterable(map(self.uses.__getitem__, self.told))

    def hard_callees(self, name: str) -> tuple[Edge, ...]:
        """The hard serve edges that leave a service."""
        edges = self.callees[name]
        return edges if name in self.bare else tuple(edge for edge in edges if edge.is_hard)

    def called(self, name: str) -> Sequence[str]:
        """Whom a service calls while it serves, in the order of ``callees``."""
        return asked_by(self.fleet.services[name]) if name in self.bare else [edge.callee for edge in self.callees[name]]

    def places(self, name: str) -> Callable[[int], Place | None]:
        """Tells where the catalog writes the need behind each of them; a bare one is not made for it."""
        needs = self.fleet.services[name].needs
        if name in self.bare and isinstance(needs, BareNeeds):
            return needs.place
        edges = self.hard_callees(name)
        return lambda number: edges[number].place


def build(fleet: Fleet) -> Graph:
    """The graph of the fleet, declarations believed."""
    bare = bare_services(fleet)
    budgets = default_budgets(fleet, bare=bare)
    return _joined(fleet, trusting_uses(fleet, budgets, bare), budgets, bare)


def proven(graph: Graph, as_of: date) -> Graph:
    """The same graph with every mitigation dropped that nobody has shown to work."""
    return _joined(graph.fleet, verified_uses(graph.uses, as_of, bare=graph.bare), graph.budgets, graph.bare)


def _joined(fleet: Fleet, uses: Mapping[str, tuple[Use, ...]], budgets: Mapping[str, timedelta], bare: frozenset[str]) -> Graph:
    callees: dict[str, tuple[Edge, ...]] = {}
    number = {name: position for position, name in enumerate(fleet.services)}
    reached: list[Sequence[int]] = []
    hard: list[Sequence[int]] = []
    for name, service in fleet.services.items():
        if name in bare:
            asked = list(map(number.__getitem__, asked_by(service)))
            reached.append(asked)
            hard.append(asked)
            continue
        edges: list[Edge] = []
        for use in uses[name]:
            if use.need.at_serve:
                edges += _edges(use)
        callees[name] = tuple(edges)
        asked = [number[edge.callee] for edge in edges]
        reached.append(asked)
        hard.append([callee for callee, edge in zip(asked, edges, strict=True) if edge.is_hard])
    ahead = Later(number, lambda name: _bare_edges(name, uses[name]), callees)
    told = [name for name in number if name not in bare]
    return Graph(fleet, uses, ahead, _callers(number, reached, ahead), number, hard, budgets, bare, told)


def _bare_edges(name: str, uses: Sequence[Use]) -> tuple[Edge, ...]:
    return tuple([Edge(name, use.need.targets[0].service, use, is_hard=True) for use in uses])


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
