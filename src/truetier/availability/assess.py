"""What every service, journey and endpoint of a fleet delivers, and the details behind it when somebody asks."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from truetier.availability.costs import NO_COSTS, costliest, costs
from truetier.availability.estimate import Assessment, Estimate, Method, SubjectKind, Verdict
from truetier.availability.exact import Engine, keyed
from truetier.availability.factors import Factors, bits
from truetier.availability.structure import Bounds, Structure
from truetier.catalog.model import PlacementMode
from truetier.catalog.tier import is_met
from truetier.graph.cycles import strongly_connected
from truetier.graph.hardness import Reading, is_unverified_claim, verified_uses
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from truetier.availability.estimate import Contributor, Costs
    from truetier.availability.value import Value
    from truetier.catalog.model import Endpoint, Fleet, Journey, Placement, Service
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Use
    from truetier.units import Availability

_DEEP = 60_000  # frames: blocks inside blocks, where fallbacks stand behind fallbacks


class Assessments(NamedTuple):
    """All assessments of a fleet, in file order; endpoints are named ``service/endpoint``."""

    services: Mapping[str, Assessment]
    journeys: Mapping[str, Assessment]
    endpoints: Mapping[str, Assessment]
    claims: int = 0  # that no test has shown to work, each counted once however many subjects rest on it


def assess(
    graph: Graph, as_of: date, *, reading: Reading = Reading.TRUSTING, progress: Callable[[int, int], None] | None = None
) -> Assessments:
    """What every subject delivers. ``reading`` decides which estimate the verdicts go by."""
    with deep_recursion():
        return _Assessor(graph, as_of, reading).all(progress)


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Sets inside sets are evaluated by recursion."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def unverified_redundancy(fleet: Fleet, as_of: date) -> frozenset[str]:
    """Services whose spare copies or standby nobody has shown to work."""
    return frozenset(
        service.name
        for service in fleet.services.values()
        if service.placement is not None and _is_redundant(service.placement) and not _is_shown(service.placement, as_of)
    )


def _own_claims(graph: Graph, as_of: date, alone: frozenset[str]) -> dict[str, int]:
    """For each service, how many unverified claims it makes itself: with its serve needs, and with its spare copies."""
    return {
        name: (name in alone) + sum(is_unverified_claim(use, as_of) for use in uses if use.need.at_serve)
        for name, uses in graph.uses.items()
    }


def _is_redundant(placement: Placement) -> bool:
    return placement.mode is PlacementMode.ACTIVE_PASSIVE or placement.required < placement.total


def _is_shown(placement: Placement, as_of: date) -> bool:
    """By evidence on the placement, or, of a standby, on its failover."""
    if placement.verified is not None and placement.verified.holds(as_of):
        return True
    failover = placement.failover
    return failover is not None and failover.verified is not None and failover.verified.holds(as_of)


class _Part(NamedTuple):
    """What the bounds look at, None: no one value; a need inside a cycle counts for the least but, as met, not for the product."""

    value: float | None
    is_factor: bool = True


class _Subject(NamedTuple):
    """What is to be assessed: its formulas, what a ceiling takes as perfect, and what its bounds are made of.

    ``outside`` is what the other members of its cycle add to the product. What is a function is asked for when somebody asks.
    """

    name: str
    kind: SubjectKind
    tier: str | None
    promise: Availability | None
    claims: int
    up: Bounds
    full: Callable[[], Bounds]
    verified: Callable[[], Bounds]
    perfect: Callable[[Structure], int]
    parts: Callable[[], Sequence[_Part]]
    outside: Callable[[], float | None]


class _Details:
    """What lies behind one verdict; see ``estimate.Details``."""

    def __init__(self, assessor: _Assessor, subject: _Subject) -> None:
        self._assessor = assessor
        self._subject = subject

    @cached_property
    def full(self) -> Estimate:
        with deep_recursion():
            return self._assessor.estimate(self._subject.full())

    @cached_property
    def ceiling(self) -> Estimate:
        with deep_recursion():
            return self._assessor.ceiling(self._subject, Reading.TRUSTING)

    @cached_property
    def verified(self) -> Estimate:
        with deep_recursion():
            return self._assessor.estimate(self._subject.verified())

    @cached_property
    def verified_ceiling(self) -> Estimate:
        with deep_recursion():
            return self._assessor.ceiling(self._subject, Reading.VERIFIED)

    @cached_property
    def own_down(self) -> float:
        return self._assessor.own_down(self._subject)

    @cached_property
    def bounds(self) -> tuple[float | None, float | None]:
        with deep_recursion():
            return self._assessor.bounds(self._subject.parts(), self._subject.outside())

    @cached_property
    def costs(self) -> Costs:
        with deep_recursion():
            return self._assessor.costs(self._subject.up)

    @cached_property
    def costliest(self) -> Contributor | None:
        with deep_recursion():
            return self._assessor.costliest(self._subject.up)


class _Assessor:
    """One run over one fleet. It outlives the run: details that nobody has asked for yet are worked out with it."""

    def __init__(self, graph: Graph, as_of: date, reading: Reading) -> None:
        self._graph = graph
        self._fleet = graph.fleet
        self._as_of = as_of
        self._reading = reading
        self._near: dict[int, int] = {}
        self._factors = Factors()
        self._trusting = Structure(self._fleet, graph.uses, self._factors, self._near)
        self._alone = unverified_redundancy(self._fleet, as_of)
        claims = _own_claims(graph, as_of, self._alone)
        self._own_claims = sum(claims.values())
        self._engine = Engine(self._factors, self._near)
        components = strongly_connected(list(self._fleet.services), lambda name: [edge.callee for edge in graph.callees[name]])
        component_of = {name: number for number, members in enumerate(components) for name in members}
        self._claims = _claims_below(components, component_of, graph, claims)
        self._cycles = _cycles(components, self._trusting)
        self._cycle_factors: dict[frozenset[str], dict[str, float | None]] = {}
        self._paid: dict[tuple[int, int], Costs] = {}  # members of a cycle share one set
        self._delivered: dict[str, float | None] = {}  # by service: to look up a set costs as much as it is large
        self._most_paid: dict[tuple[int, int], Contributor | None] = {}

    def all(self, progress: Callable[[int, int], None] | None) -> Assessments:
        order = self._trusting.order
        services: dict[str, Assessment] = {}
        for done, name in enumerate(order):
            services[name] = self._service(self._fleet.services[name])
            if progress is not None:
                progress(done + 1, len(order))
        return Assessments(
            {name: services[name] for name in self._fleet.services},
            {journey.name: self._journey(journey) for journey in self._fleet.journeys.values()},
            {
                f"{service.name}/{endpoint.name}": self._endpoint(service, endpoint)
                for service in self._fleet.services.values()
                for endpoint in service.endpoints
            },
            self._own_claims,
        )

    @cached_property
    def _verified(self) -> Structure:
        """The formulas of the verified reading, evaluated from below."""
        if not self._own_claims:
            return self._trusting
        structure = Structure(self._fleet, verified_uses(self._graph.uses, self._as_of), self._factors, self._near, alone=self._alone)
        for name in structure.order:
            self._engine.value(structure.up(name).low)
        return structure

    @cached_property
    def _with_full(self) -> Structure:
        """The formulas of the trusting reading, those of full(s) evaluated from below."""
        for name in self._trusting.order:
            self._engine.value(self._trusting.full(name).low)
        return self._trusting

    # -- subjects

    def _service(self, service: Service) -> Assessment:
        name = service.name
        return self._assessment(
            _Subject(
                name,
                SubjectKind.SERVICE,
                service.tier,
                self._fleet.promise(service),
                self._claims[name],
                up=self._trusting.up(name),
                full=lambda: self._with_full.full(name),
                verified=lambda: self._verified.up(name),
                perfect=lambda reading: reading.perfected(service),
                parts=lambda: self._parts(name, tuple(self._trusting.needs_of(name))),
                outside=lambda: self._outside(name),
            )
        )

    def _endpoint(self, service: Service, endpoint: Endpoint) -> Assessment:
        return self._assessment(
            _Subject(
                f"{service.name}/{endpoint.name}",
                SubjectKind.ENDPOINT,
                endpoint.tier,
                self._fleet.tier_promise(endpoint.tier),
                self._claims[service.name],
                up=self._trusting.endpoint(service, endpoint),
                full=lambda: self._with_full.endpoint(service, endpoint, full=True),
                verified=lambda: self._verified.endpoint(service, endpoint),
                perfect=lambda reading: reading.perfected(service),
                parts=lambda: self._parts(service.name, self._uses_of(service, endpoint), drawn=endpoint.name),
                outside=lambda: self._outside_of(service, endpoint),
            )
        )

    def _journey(self, journey: Journey) -> Assessment:
        return self._assessment(
            _Subject(
                journey.name,
                SubjectKind.JOURNEY,
                journey.tier,
                self._fleet.tier_promise(journey.tier),
                sum(self._claims[name] for name in {name for criterion in journey.succeeds for name in criterion.services}),
                up=self._trusting.journey(journey),
                full=lambda: self._with_full.journey(journey, full=True),
                verified=lambda: self._verified.journey(journey),
                perfect=lambda _: 0,
                parts=lambda: [_Part(self._known(self._trusting.met(criterion))) for criterion in journey.succeeds],
                outside=lambda: 1.0,
            )
        )

    def _assessment(self, subject: _Subject) -> Assessment:
        delivered = self.estimate(subject.up)
        details = _Details(self, subject)
        judged = delivered if self._reading is Reading.TRUSTING else details.verified
        verdict = _verdict(subject.tier, subject.promise, judged)
        return Assessment(
            subject.name, subject.kind, subject.tier, subject.promise, delivered, verdict, subject.claims, self._fleet.tiers, details
        )

    # -- numbers

    def estimate(self, sets: Bounds) -> Estimate:
        """The probability of a set as a result."""
        value = self._engine.value(sets.low)
        if sets.high != sets.low:
            best = self._engine.value(sets.high)
            value = value._replace(up_high=best.up_high, down_low=best.down_low)
        return _estimate(value)

    def ceiling(self, subject: _Subject, reading: Reading) -> Estimate:
        """The same where everything of the subject itself holds."""
        if reading is Reading.TRUSTING:
            sets, perfect = subject.up, subject.perfect(self._trusting)
        else:
            sets, perfect = subject.verified(), subject.perfect(self._verified)
        low = self._perfect(sets.low, perfect)
        return self.estimate(Bounds(low, low if sets.high == sets.low else self._perfect(sets.high, perfect)))

    def own_down(self, subject: _Subject) -> float:
        """At most so much of the time something of the subject itself fails; 1 where nobody knows. No reading has more of it."""
        found = 0.0
        for number in bits(subject.perfect(self._trusting)):
            down = self._factors.literals[number].event.down
            found += 1.0 if down is None else down
        return min(1.0, found)

    def _perfect(self, mask: int, perfect: int) -> int:
        found = self._factors.given(mask, perfect)
        if mask in self._near:
            self._near.setdefault(found, self._near[mask])
        self._engine.split(found, wider=mask)
        return found

    def costs(self, sets: Bounds) -> Costs:
        """What the failures of a set cost; nothing where it is an interval."""
        if sets.low != sets.high:
            return NO_COSTS
        key = keyed(sets.low)
        if key not in self._paid:
            self._paid[key] = costs(self._engine, sets.low)
        return self._paid[key]

    def costliest(self, sets: Bounds) -> Contributor | None:
        """The costliest of them."""
        if sets.low != sets.high:
            return None
        key = keyed(sets.low)
        if key not in self._most_paid:
            known = self._paid.get(key)
            found = costliest(self._engine, sets.low) if known is None else next(iter(known.contributors), None)
            self._most_paid[key] = found
        return self._most_paid[key]

    def bounds(self, parts: Iterable[_Part], outside: float | None) -> tuple[float | None, float | None]:
        """The least available part, and the product of the parts as if independent."""
        least, product = 1.0, outside
        for part in parts:
            if part.value is None:
                return None, None
            least = min(least, part.value)
            if part.is_factor and product is not None:
                product *= part.value
        return least, product

    def _known(self, sets: Bounds) -> float | None:
        if sets.low != sets.high:
            return None
        value = self._engine.value(sets.low)
        return value.up_low if value.is_exact else None

    def _parts(self, name: str, uses: Sequence[Use], *, drawn: str | None = None) -> list[_Part]:
        """Own, site, and each need."""
        parts = [_Part(self._known(Bounds(alone, alone))) for alone in (self._trusting.own(name), self._trusting.site(name))]
        parts.extend(_Part(self._need(use, drawn), not self._leads_inside(name, use)) for use in uses)
        return parts

    def _need(self, use: Use, drawn: str | None) -> float | None:
        """The probability that a need is met; what most ask for is delivered by a service, and known."""
        asked = self._trusting.asked_whole(use, drawn=drawn)
        if asked is None:
            return self._known(self._trusting.need(use, drawn=drawn))
        if asked not in self._delivered:
            self._delivered[asked] = self._known(self._trusting.up(asked))
        return self._delivered[asked]

    def _uses_of(self, service: Service, endpoint: Endpoint) -> list[Use]:
        """The needs of one endpoint: its own and the common ones."""
        return [use for use in self._trusting.needs_of(service.name) if use.endpoint in (None, endpoint.name)]

    def _outside_of(self, service: Service, endpoint: Endpoint) -> float | None:
        """The same as for its service, if it asks anybody of the cycle that the service stands in."""
        is_inside = any(self._leads_inside(service.name, use) for use in self._uses_of(service, endpoint))
        return self._outside(service.name) if is_inside else 1.0

    def _leads_inside(self, name: str, use: Use) -> bool:
        """Whether a need asks a service of the cycle its caller stands in."""
        inside = self._cycles.get(name)
        return inside is not None and not inside.isdisjoint(use.asked)

    def _outside(self, name: str) -> float | None:
        """Own, site and the needs leading out of every other member of its cycle."""
        inside = self._cycles.get(name)
        if inside is None:
            return 1.0
        if inside not in self._cycle_factors:
            self._cycle_factors[inside] = self._all_but_one([member for member in self._fleet.services if member in inside])
        return self._cycle_factors[inside][name]

    def _all_but_one(self, members: Sequence[str]) -> dict[str, float | None]:
        """For each member of a cycle, the product over the others, without a division."""
        factors = [self._member(name) for name in members]
        after: list[float | None] = [1.0]
        for factor in reversed(factors):
            after.append(_times(after[-1], factor))
        found: dict[str, float | None] = {}
        before: float | None = 1.0
        for index, name in enumerate(members):
            found[name] = _times(before, after[len(members) - 1 - index])
            before = _times(before, factors[index])
        return found

    def _member(self, name: str) -> float | None:
        product: float | None = 1.0
        for part in self._parts(name, tuple(self._trusting.needs_of(name))):
            if part.is_factor:
                product = _times(product, part.value)
        return product


def _cycles(components: Sequence[Sequence[str]], structure: Structure) -> dict[str, frozenset[str]]:
    """For each service that needs itself through others to serve, all that stand in its cycle; who is only told closes none."""
    found: dict[str, frozenset[str]] = {}
    for component in components:
        if len(component) > 1:
            asked = {name: [service for use in structure.needs_of(name) for service in use.asked] for name in component}
            for members in strongly_connected(component, asked.__getitem__):
                if len(members) > 1:
                    found.update(dict.fromkeys(members, frozenset(members)))
    return found


def _claims_below(
    components: Sequence[Sequence[str]],
    component_of: Mapping[str, int],
    graph: Graph,
    claims: Mapping[str, int],
) -> dict[str, int]:
    """For each service, how many unverified claims its delivered availability rests on, its own included."""
    by_weight: dict[int, int] = {}  # number of claims -> the services that make so many
    bit_of: dict[str, int] = {}
    for name in graph.fleet.services:
        weight = claims[name]
        if weight:
            bit_of[name] = 1 << len(bit_of)
            by_weight[weight] = by_weight.get(weight, 0) | bit_of[name]
    resting: list[int] = []
    found: dict[str, int] = {}
    for members in components:
        mask = 0
        for name in members:
            mask |= bit_of.get(name, 0)
            for edge in graph.callees[name]:
                below = component_of[edge.callee]
                if below < len(resting):
                    mask |= resting[below]
        resting.append(mask)
        count = sum(weight * (mask & services).bit_count() for weight, services in by_weight.items())
        for name in members:
            found[name] = count
    return found


def _verdict(tier: str | None, promise: Availability | None, judged: Estimate) -> Verdict:
    if promise is None:
        return Verdict.NONE if tier is None else Verdict.MET
    if is_met(judged.down_high, promise):
        return Verdict.MET
    return Verdict.UNKNOWN if is_met(judged.down_low, promise) else Verdict.MISSED


def _estimate(value: Value) -> Estimate:
    method = Method.EXACT if value.is_exact else Method.INTERVAL
    return Estimate(value.up_low, value.up_high, value.down_low, value.down_high, method)


def _times(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left * right
