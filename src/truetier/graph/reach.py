"""How far a promise reaches along hard paths: how strict a service must be for its callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from truetier.catalog.model import Fleet, Journey, Service
    from truetier.catalog.tier import TierTable
    from truetier.graph.build import Graph
    from truetier.units import Availability

    # A claim, by number, on its way to some services.
    _Offer = tuple[Sequence[int], int]

SHOWN = 50  # names of a path that anything prints
_NONE = -1


class Claim(NamedTuple):
    """A promise that reaches a service: its own, or that of a service or journey with a hard path to it.

    ``distance`` counts the steps of a shortest such path, and ``path`` holds its names from the origin on, at most 50.
    """

    promise: Availability
    origin: str
    is_journey: bool
    distance: int
    path: tuple[str, ...]

    @property
    def is_direct(self) -> bool:
        """Whether a journey names the service itself."""
        return self.is_journey and self.distance == 1


class Claims:
    """For each service the strictest promises that reach it. What it promises itself counts as one.

    A claim is kept as numbers, and told when somebody asks: which claim it came from (none where a promise is made), where it is,
    and how far from its origin. Services come first in the count of those who promise, then journeys.
    """

    __slots__ = ("_names", "_number", "_paths", "_services", "arrived", "at", "distance", "origin", "own", "promise", "second", "source")

    def __init__(self, names: Sequence[str], number: Mapping[str, int]) -> None:
        self._names = names  # of all who promise
        self._number = number
        self._services = len(number)
        self._paths: dict[int, tuple[str, ...]] = {}
        self.promise: list[Availability] = []
        self.origin: list[int] = []
        self.source: list[int] = []
        self.at: list[int] = []
        self.distance: list[int] = []
        self.own = [_NONE] * self._services
        self.arrived = [_NONE] * self._services
        self.second = [_NONE] * self._services  # of another origin

    def made(self, origin: int, promise: Availability) -> int:
        """A new claim at its origin."""
        claim = len(self.origin)
        self.promise.append(promise)
        self.origin.append(origin)
        self.source.append(_NONE)
        self.at.append(origin)
        self.distance.append(0)
        return claim

    def needed(self, name: str) -> Claim | None:
        """The strictest promise among the service and everything with a hard path to it; None where nobody promises."""
        claim, asked = self.own[self._number[name]], self.asked(name)
        own = None if claim == _NONE else self._told(claim)
        return asked if own is None or (asked is not None and asked.promise > own.promise) else own

    def has_asked(self, name: str) -> bool:
        """Whether anything with a hard path to the service promises, be it itself."""
        return self.arrived[self._number[name]] != _NONE

    def asked(self, name: str, *, beside: str | None = None) -> Claim | None:
        """The strictest promise among everything else with a hard path to the service; ``beside`` is left out as well."""
        claim = self.strictest(self._number[name], _NONE if beside is None else self._number[beside])
        return None if claim == _NONE else self._told(claim)

    def strictest(self, number: int, left_out: int = _NONE) -> int:
        """The number of that claim; -1 when there is none."""
        for claim in (self.arrived[number], self.second[number]):
            if claim != _NONE and self.origin[claim] != number and self.origin[claim] != left_out:
                return claim
        return _NONE

    def _told(self, claim: int) -> Claim:
        origin = self.origin[claim]
        return Claim(self.promise[claim], self._names[origin], origin >= self._services, self.distance[claim], self._path(claim))

    def _path(self, claim: int) -> tuple[str, ...]:
        """The names from the origin on; each path stands on the one before, and all of a long one are told at once."""
        paths, ahead = self._paths, []
        while claim not in paths and claim != _NONE:
            ahead.append(claim)
            claim = self.source[claim]
        path = paths.get(claim, ())
        for further in reversed(ahead):
            if len(path) < SHOWN:
                path = (*path, self._names[self.at[further]])
            paths[further] = path
        return path


def claims(graph: Graph, *, through: Callable[[str], bool] | None = None) -> Claims:
    """The promises that reach each service through hard paths, a journey's through what it cannot succeed without.

    ``through`` limits which services may lie between.

    An endpoint with a tier promises that for its own needs; the needs of the service are every endpoint's, so the
    strictest counts there. Linear: the strictest promise spreads first, each service takes two of different origin and
    passes on what it takes. Of equal promises the nearest origin comes first, of equally near ones the one whose path
    begins earlier in the files.
    """
    names = [*graph.number, *graph.fleet.journeys]
    found = Claims(names, graph.number)
    offers: dict[Availability, list[_Offer]] = {}
    promise_of = graph.fleet.promise
    for number, service in enumerate(graph.fleet.services.values()):
        if service.endpoints:
            for callee, promise, claim in _apart(graph, service, number, found):
                offers.setdefault(promise, []).append(((callee,), claim))
        elif (own := promise_of(service)) is not None:
            claim = found.own[number] = found.made(number, own)
            offers.setdefault(own, []).append((graph.hard[number], claim))
    for origin, journey in enumerate(graph.fleet.journeys.values(), start=len(graph.number)):
        promised = graph.fleet.tier_promise(journey.tier)
        if promised is not None and (named := [graph.number[name] for name in _criteria(journey)]):
            offers.setdefault(promised, []).append((named, found.made(origin, promised)))
    between = None if through is None else [through(name) for name in graph.number]
    for _, equal in sorted(offers.items(), reverse=True):
        _spread(graph.hard, found, equal, between)
    return found


def _apart(graph: Graph, service: Service, number: int, found: Claims) -> Iterator[tuple[int, Availability, int]]:
    """Whom a service with endpoints needs hard, each with what is promised on its need; notes what the service promises itself."""
    made = {
        endpoint: None if promise is None else (promise, found.made(number, promise))
        for endpoint, promise in _promises(graph.fleet, service).items()
    }
    if (common := made[None]) is not None:
        found.own[number] = common[1]
    for edge in graph.hard_callees(service.name):
        if (origin := made[edge.use.endpoint]) is not None:
            yield graph.number[edge.callee], *origin


def _promises(fleet: Fleet, service: Service) -> dict[str | None, Availability | None]:
    """What is promised on the needs of each endpoint; under None on those they have in common: the strictest."""
    own = fleet.promise(service)
    found: dict[str | None, Availability | None] = {}
    for endpoint in service.endpoints:
        found[endpoint.name] = own if endpoint.tier is None else fleet.tier_promise(endpoint.tier)
    found[None] = min([own, *found.values()], key=fleet.tiers.rank)
    return found


def _criteria(journey: Journey) -> Iterator[str]:
    """The services without each of which the journey fails."""
    for criterion in journey.succeeds:
        if criterion.required == len(criterion.services):
            yield from criterion.services


def _spread(hard: Sequence[Sequence[int]], found: Claims, offers: list[_Offer], between: Sequence[bool] | None) -> None:
    """Hands equal promises on, breadth first, so that each arrives by a shortest path; the stricter ones have been."""
    arrived, second = found.arrived, found.second
    origins, promises, sources, places, distances = found.origin, found.promise, found.source, found.at, found.distance
    for reached, claim in offers:  # grows while it is walked
        origin, promise, distance = origins[claim], promises[claim], distances[claim] + 1
        for number in reached:
            if second[number] != _NONE:
                continue
            first = arrived[number]
            if first == _NONE:
                arrived[number] = len(origins)
            elif origins[first] == origin:
                continue
            else:
                second[number] = len(origins)
            if between is None or between[number]:
                offers.append((hard[number], len(origins)))
            origins.append(origin)
            promises.append(promise)
            sources.append(claim)
            places.append(number)
            distances.append(distance)


def tier_keeping(tiers: TierTable, promise: Availability) -> str:
    """The least strict tier that promises at least this much; the strictest one where none does."""
    rows = tiers.rows
    enough = [row.name for row in rows if row.target is not None and row.target >= promise]
    return enough[-1] if enough else rows[0].name
