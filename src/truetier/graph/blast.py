"""Who is down when exactly one service is, for longer than every staleness limit.

The down services are the smallest set the failure explains (design section 3, Cycles): caches are too old, conditions hold,
mechanisms and placement work. A service whose endpoints have shares fails only for requests that draw an endpoint that
fails, so a failure can hit a part of the requests; the draw is made once per request and shared by all paths.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.graph.demand import serve_demands
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from truetier.catalog.model import Fleet, Service
    from truetier.graph.build import Graph

    Subject = tuple[bool, str]  # whether it is a journey, name
    Draw = Mapping[str, str | None]  # service with shares -> the endpoint drawn; None: one that does not fail

_STEPS = 1_000_000  # subjects times combinations of draws that are told apart
_NOTHING: Draw = {}


class Part(NamedTuple):
    """A part of a whole, 0 to 1, as an interval; one value where both ends are equal."""

    low: float
    high: float


class Hit(NamedTuple):
    """A service or journey that fails, and for which part of its requests in the cell that failed."""

    name: str
    part: Part


class BlastRadius(NamedTuple):
    """What fails with one service, itself included, in file order.

    ``users`` is the part of all users who see a journey fail: at least those of the journey hit worst, at most those of
    all journeys hit and of one of the service's cells. None where a journey that is hit has no user share, or none has.
    """

    service: str
    cells: int
    services: tuple[Hit, ...]
    journeys: tuple[Hit, ...]
    users: Part | None


class Blasts:
    """The blast radius of any service, on demand.

    Building it is linear in the graph, one radius linear in what it hits (times the combinations of endpoint draws,
    limited; beyond the limit parts are intervals). All radii together can be quadratic, as their sizes are: a rule that
    wants every service's must limit what it asks for.
    """

    def __init__(self, graph: Graph) -> None:
        fleet = graph.fleet
        self._fleet = fleet
        self._order: dict[Subject, int] = {}
        self._asked: dict[str, list[int]] = {name: [] for name in fleet.services}
        self._owner: list[tuple[Subject, str | None]] = []  # who asks, and for which of its drawn endpoints
        self._spare: list[int] = []  # how many of the services asked for may fail
        for name, service in fleet.services.items():
            self._order[False, name] = len(self._order)
            for wanted in serve_demands(graph.uses[name]):
                endpoint = wanted.use.endpoint if service.has_shares else None
                self._enter((False, name), endpoint, wanted.services, wanted.required)
        for name, journey in fleet.journeys.items():
            self._order[True, name] = len(self._order)
            for criterion in journey.succeeds:
                self._enter((True, name), None, criterion.services, criterion.required)

    def _enter(self, subject: Subject, endpoint: str | None, services: Sequence[str], required: int) -> None:
        for service in services:
            self._asked[service].append(len(self._owner))
        self._owner.append((subject, endpoint))
        self._spare.append(len(services) - required)

    def of(self, name: str) -> BlastRadius:
        """The blast radius of one service."""
        worst, endpoints = self._failing(name, None)
        parts = self._parts(name, worst, endpoints)
        hits = [(subject, Hit(subject[1], parts[subject])) for subject in sorted(worst, key=self._order.__getitem__)]
        hits = [(subject, hit) for subject, hit in hits if hit.part.high > 0]
        services = tuple(hit for (is_journey, _), hit in hits if not is_journey)
        journeys = tuple(hit for (is_journey, _), hit in hits if is_journey)
        cells = cells_of(self._fleet, self._fleet.services[name])
        return BlastRadius(name, cells, services, journeys, self._users(journeys, cells))

    def _failing(self, name: str, draw: Draw | None) -> tuple[list[Subject], dict[str, dict[str, None]]]:
        """Who fails with the service under a draw (None: every endpoint is drawn), and the drawn endpoints that fail."""
        down: dict[Subject, None] = {(False, name): None}
        endpoints: dict[str, dict[str, None]] = {}
        lost: dict[int, int] = {}
        todo = [name]
        while todo:
            for index in self._asked[todo.pop()]:
                lost[index] = lost.get(index, 0) + 1
                if lost[index] != self._spare[index] + 1:
                    continue
                subject, endpoint = self._owner[index]
                if endpoint is not None:
                    endpoints.setdefault(subject[1], {})[endpoint] = None
                    if draw is not None and draw.get(subject[1]) != endpoint:
                        continue
                if subject not in down:
                    down[subject] = None
                    if not subject[0]:
                        todo.append(subject[1])
        return list(down), endpoints

    def _parts(self, name: str, worst: Sequence[Subject], endpoints: Mapping[str, Collection[str]]) -> dict[Subject, Part]:
        """For which part of the draws each subject fails."""
        endpoints = {service: failing for service, failing in endpoints.items() if service != name}
        if not endpoints:
            return dict.fromkeys(worst, Part(1, 1))
        if _combinations(endpoints) * len(worst) > _STEPS:
            certain = set(self._failing(name, _NOTHING)[0])
            return {subject: Part(1 if subject in certain else 0, 1) for subject in worst}
        weights = dict.fromkeys(worst, Decimal())
        for weight, draw in self._draws(endpoints):
            for subject in self._failing(name, draw)[0]:
                weights[subject] += weight
        return {subject: Part(float(weight), float(weight)) for subject, weight in weights.items()}

    def _draws(self, endpoints: Mapping[str, Collection[str]]) -> Iterator[tuple[Decimal, Draw]]:
        """Every combination of draws that matters, and how likely it is."""
        from itertools import product

        choices = []
        for name, failing in endpoints.items():
            drawn_from = self._fleet.services[name].endpoints
            shares = {endpoint.name: endpoint.share.value for endpoint in drawn_from if endpoint.share is not None}
            options: list[tuple[str, str | None, Decimal]] = [(name, endpoint, shares[endpoint]) for endpoint in failing]
            options.append((name, None, 1 - sum((share for _, _, share in options), Decimal())))
            choices.append([option for option in options if option[2] > 0])
        for drawn in product(*choices):
            weight = Decimal(1)
            for _, _, share in drawn:
                weight *= share
            yield weight, {name: endpoint for name, endpoint, _ in drawn}

    def _users(self, journeys: Sequence[Hit], cells: int) -> Part | None:
        shares = {name: journey.users for name, journey in self._fleet.journeys.items()}
        if all(share is None for share in shares.values()):
            return None
        lows, highs = [0.0], [0.0]
        for hit in journeys:
            share = shares[hit.name]
            if share is None:
                return None
            lows.append(float(share) * hit.part.low)
            highs.append(float(share) * hit.part.high)
        return Part(max(lows) / cells, min(1.0, sum(highs)) / cells)


def _combinations(endpoints: Mapping[str, Collection[str]]) -> int:
    count = 1
    for failing in endpoints.values():
        count *= len(failing) + 1
    return count


def cells_of(fleet: Fleet, service: Service) -> int:
    """Into how many parts the service divides its users: its ``cells``, or the domains of kind cell it runs in."""
    if service.placement is None:
        return service.cells
    paths = {domain.path for path, _ in service.placement.copies for domain in fleet.domains_around(path) if domain.kind == "cell"}
    return max(service.cells, len(paths))
