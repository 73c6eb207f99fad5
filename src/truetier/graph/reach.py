"""How far a promise reaches along hard paths: how strict a service must be for its callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from truetier.catalog.model import Fleet, Journey, Service
    from truetier.catalog.tier import TierTable
    from truetier.graph.build import Edge, Graph
    from truetier.units import Availability

    # A claim on its way to some services: over edges from where it holds, or (no edge) as it is.
    _Offer = tuple[Sequence[int], "Claim", Sequence[Edge | None]]

SHOWN = 50  # names of a path that anything prints


class Claim(NamedTuple):
    """A promise that reaches a service: its own, or that of a service or journey with a hard path to it.

    ``distance`` counts the steps of a shortest such path, ``path`` holds its names from the origin on, at most 50, and
    ``edge`` is its last step; None at the origin, and where a journey names the service itself.
    """

    promise: Availability
    origin: str
    is_journey: bool
    distance: int
    path: tuple[str, ...]
    edge: Edge | None


class Claims:
    """For each service the strictest promises that reach it. What it promises itself counts as one."""

    __slots__ = ("_number", "_others", "_own")

    def __init__(self, own: Mapping[str, Claim], others: Sequence[Sequence[Claim]], number: Mapping[str, int]) -> None:
        self._number = number
        self._own = own
        self._others = others

    def needed(self, name: str) -> Claim | None:
        """The strictest promise among the service and everything with a hard path to it; None where nobody promises."""
        own, asked = self._own.get(name), self.asked(name)
        return asked if own is None or (asked is not None and asked.promise > own.promise) else own

    def asked(self, name: str, *, beside: str | None = None) -> Claim | None:
        """The strictest promise among everything else with a hard path to the service; ``beside`` is left out as well."""
        for claim in self._others[self._number[name]]:
            if claim.is_journey or (claim.origin != name and claim.origin != beside):  # noqa: PLR1714 - asked for every edge
                return claim
        return None


def claims(graph: Graph, *, through: Callable[[str], bool] | None = None) -> Claims:
    """The promises that reach each service through hard paths, a journey's through what it cannot succeed without.

    ``through`` limits which services may lie between.

    An endpoint with a tier promises that for its own needs; the needs of the service are every endpoint's, so the
    strictest counts there. Linear: the strictest promise spreads first, each service takes two of different origin and
    passes on what it takes. Of equal promises the nearest origin comes first, of equally near ones the one whose path
    begins earlier in the files.
    """
    own: dict[str, Claim] = {}
    offers: dict[Availability, list[_Offer]] = {}
    number, promise_of = graph.number, graph.fleet.promise
    for name, service in graph.fleet.services.items():
        if service.endpoints:
            for edge, origin in _apart(graph, service, own):
                offers.setdefault(origin.promise, []).append(((number[edge.callee],), origin, (edge,)))
        elif (promise := promise_of(service)) is not None:
            common = own[name] = Claim(promise, name, is_journey=False, distance=0, path=(name,), edge=None)
            offers.setdefault(promise, []).append((graph.hard[number[name]], common, graph.hard_callees(name)))
    for journey in graph.fleet.journeys.values():
        for offer in _criteria(graph, journey):
            offers.setdefault(offer[1].promise, []).append(offer)
    spreading = _Spreading(graph, through)
    for _, equal in sorted(offers.items(), reverse=True):
        spreading.spread(equal)
    return Claims(own, spreading.taken, number)


def _apart(graph: Graph, service: Service, own: dict[str, Claim]) -> Iterator[tuple[Edge, Claim]]:
    """The hard edges of a service with endpoints, each with what is promised on its need; notes what the service promises itself."""
    name = service.name
    made = {
        endpoint: None if promise is None else Claim(promise, name, is_journey=False, distance=0, path=(name,), edge=None)
        for endpoint, promise in _promises(graph.fleet, service).items()
    }
    if (common := made[None]) is not None:
        own[name] = common
    for edge in graph.hard_callees(name):
        if (origin := made[edge.use.endpoint]) is not None:
            yield edge, origin


def _promises(fleet: Fleet, service: Service) -> dict[str | None, Availability | None]:
    """What is promised on the needs of each endpoint; under None on those they have in common: the strictest."""
    own = fleet.promise(service)
    found: dict[str | None, Availability | None] = {}
    for endpoint in service.endpoints:
        found[endpoint.name] = own if endpoint.tier is None else fleet.tier_promise(endpoint.tier)
    found[None] = min([own, *found.values()], key=fleet.tiers.rank)
    return found


def _criteria(graph: Graph, journey: Journey) -> Iterator[_Offer]:
    promise = graph.fleet.tier_promise(journey.tier)
    if promise is not None:
        for criterion in journey.succeeds:
            if criterion.required == len(criterion.services):
                for name in criterion.services:
                    path = (journey.name, name)
                    yield (graph.number[name],), Claim(promise, journey.name, is_journey=True, distance=1, path=path, edge=None), (None,)


class _Spreading:
    """Hands promises on, the strictest first; ``taken`` is what each service, by number, has taken so far."""

    __slots__ = ("_full", "_graph", "_names", "_through", "taken")

    def __init__(self, graph: Graph, through: Callable[[str], bool] | None) -> None:
        self._graph = graph
        self._through = through
        self._names = list(graph.number)
        self._full = bytearray(len(self._names))  # who takes no more
        self.taken: list[list[Claim]] = [[] for _ in self._names]

    def spread(self, offers: list[_Offer]) -> None:
        """Hands equal promises on, breadth first, so that each arrives by a shortest path."""
        graph, taken, full, through = self._graph, self.taken, self._full, self._through
        for reached, claim, edges in offers:  # grows while it is walked
            for place, number in enumerate(reached):
                if full[number]:
                    continue
                known = taken[number]
                if known and known[0].origin == claim.origin and known[0].is_journey == claim.is_journey:
                    continue
                edge = edges[place]
                arrived = claim if edge is None else _one_further(claim, edge)
                known.append(arrived)
                full[number] = len(known) == 2
                name = self._names[number]
                if through is None or through(name):
                    offers.append((graph.hard[number], arrived, graph.hard_callees(name)))


def _one_further(claim: Claim, edge: Edge) -> Claim:
    path = claim.path if len(claim.path) == SHOWN else (*claim.path, edge.callee)
    return Claim(claim.promise, claim.origin, claim.is_journey, claim.distance + 1, path, edge)


def tier_keeping(tiers: TierTable, promise: Availability) -> str:
    """The least strict tier that promises at least this much; the strictest one where none does."""
    rows = tiers.rows
    enough = [row.name for row in rows if row.target is not None and row.target >= promise]
    return enough[-1] if enough else rows[0].name
