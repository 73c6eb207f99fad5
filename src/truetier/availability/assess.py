"""Everything computed about every service, journey and endpoint of a fleet."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from truetier.availability.costs import FIRST_NODES, NO_COSTS, costs
from truetier.availability.estimate import Assessment, Estimate, Method, SubjectKind, Verdict
from truetier.availability.exact import Engine
from truetier.availability.factors import Factors
from truetier.availability.structure import Bounds, Structure
from truetier.catalog.model import PlacementMode
from truetier.catalog.tier import is_met
from truetier.graph.cycles import strongly_connected
from truetier.graph.hardness import Reading, is_unverified_claim, verified_uses
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from truetier.availability.costs import Costs
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


def assess(
    graph: Graph, as_of: date, *, reading: Reading = Reading.TRUSTING, progress: Callable[[int, int], None] | None = None
) -> Assessments:
    """What every subject delivers. ``reading`` decides which estimate the verdicts go by; both are computed."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEP))
    try:
        return _Assessor(graph, as_of, reading).all(progress)
    finally:
        sys.setrecursionlimit(limit)


def unverified_redundancy(fleet: Fleet, as_of: date) -> frozenset[str]:
    """Services whose spare copies or standby nobody has shown to work."""
    return frozenset(
        service.name
        for service in fleet.services.values()
        if service.placement is not None and _is_redundant(service.placement) and not _is_shown(service.placement, as_of)
    )


def _is_redundant(placement: Placement) -> bool:
    return placement.mode is PlacementMode.ACTIVE_PASSIVE or placement.required < placement.total


def _is_shown(placement: Placement, as_of: date) -> bool:
    """By evidence on the placement, or, of a standby, on its failover."""
    if placement.verified is not None and placement.verified.holds(as_of):
        return True
    failover = placement.failover
    return failover is not None and failover.verified is not None and failover.verified.holds(as_of)


class _Part(NamedTuple):
    """A set the bounds look at; a need inside a cycle counts for the least but, as met, not for the product."""

    mask: int
    is_factor: bool = True


class _Subject(NamedTuple):
    """What is to be assessed: its formulas, what a ceiling takes as perfect, and what its bounds are made of.

    ``outside`` is what the other members of its cycle add to the product.
    """

    name: str
    kind: SubjectKind
    tier: str | None
    promise: Availability | None
    up: Bounds
    full: Bounds
    verified: Bounds
    perfect: int
    claims: int
    parts: Sequence[_Part]
    outside: float | None


class _Assessor:
    """One run over one fleet."""

    def __init__(self, graph: Graph, as_of: date, reading: Reading) -> None:
        self._graph = graph
        self._fleet = graph.fleet
        self._reading = reading
        near: dict[int, int] = {}
        self._near = near
        self._factors = Factors()
        self._trusting = Structure(self._fleet, graph.uses, self._factors, near)
        alone = unverified_redundancy(self._fleet, as_of)
        claims = {name: sum(is_unverified_claim(use, as_of) for use in uses if use.need.at_serve) for name, uses in graph.uses.items()}
        if alone or any(claims.values()):
            uses = verified_uses(graph.uses, as_of)
            self._verified = Structure(self._fleet, uses, self._factors, near, alone=alone, full=False)
        else:
            self._verified = self._trusting
        self._engine = Engine(self._factors, near)
        self._components = strongly_connected(list(self._fleet.services), lambda name: [edge.callee for edge in graph.callees[name]])
        self._component_of = {name: number for number, members in enumerate(self._components) for name in members}
        self._claims = _claims_below(self._components, self._component_of, graph, claims, alone)
        self._cycles: dict[int, frozenset[str]] = {}
        self._cycle_factors: dict[int, dict[str, float | None]] = {}
        self._paid: dict[int, Costs] = {}  # members of a cycle share one set

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
        )

    # -- subjects

    def _service(self, service: Service) -> Assessment:
        name = service.name
        uses = tuple(self._trusting.needs_of(name))
        return self._assessment(
            _Subject(
                name,
                SubjectKind.SERVICE,
                service.tier,
                self._fleet.promise(service),
                up=self._trusting.up(name),
                full=self._trusting.full(name),
                verified=self._verified.up(name),
                perfect=self._trusting.perfected(service),
                claims=self._claims[name],
                parts=self._parts(name, uses),
                outside=self._outside(name),
            )
        )

    def _endpoint(self, service: Service, endpoint: Endpoint) -> Assessment:
        uses = tuple(use for use in self._trusting.needs_of(service.name) if use.endpoint in (None, endpoint.name))
        return self._assessment(
            _Subject(
                f"{service.name}/{endpoint.name}",
                SubjectKind.ENDPOINT,
                endpoint.tier,
                self._fleet.tier_promise(endpoint.tier),
                up=self._trusting.endpoint(service, endpoint),
                full=self._trusting.endpoint(service, endpoint, full=True),
                verified=self._verified.endpoint(service, endpoint),
                perfect=self._trusting.perfected(service),
                claims=self._claims[service.name],
                parts=self._parts(service.name, uses, drawn=endpoint.name),
                outside=self._outside(service.name),
            )
        )

    def _journey(self, journey: Journey) -> Assessment:
        return self._assessment(
            _Subject(
                journey.name,
                SubjectKind.JOURNEY,
                journey.tier,
                self._fleet.tier_promise(journey.tier),
                up=self._trusting.journey(journey),
                full=self._trusting.journey(journey, full=True),
                verified=self._verified.journey(journey),
                perfect=0,
                claims=sum(self._claims[name] for name in {name for criterion in journey.succeeds for name in criterion.services}),
                parts=[_Part(self._trusting.met(criterion).low) for criterion in journey.succeeds],
                outside=1.0,
            )
        )

    def _assessment(self, subject: _Subject) -> Assessment:
        self._engine.prepare(subject.up.low, FIRST_NODES)
        delivered = self._estimate(subject.up)
        shown = self._estimate(subject.verified)
        judged = delivered if self._reading is Reading.TRUSTING else shown
        paid = self._costs(subject.up)
        least, product = self._bounds(subject)
        perfected = Bounds(self._perfect(subject.up.low, subject.perfect), self._perfect(subject.up.high, subject.perfect))
        return Assessment(
            name=subject.name,
            kind=subject.kind,
            tier=subject.tier,
            promise=subject.promise,
            delivered=delivered,
            full=self._estimate(subject.full),
            ceiling=self._estimate(perfected),
            verified=shown,
            delivered_tier=self._fleet.tiers.best_met(delivered.down_high),
            nominal_tier=self._fleet.tiers.best_met(delivered.down_high, nominal=True),
            verified_tier=self._fleet.tiers.best_met(shown.down_high),
            verdict=_verdict(subject.tier, subject.promise, judged),
            unverified_claims=subject.claims,
            least_available=least,
            product=product,
            contributors=paid.contributors,
            contributors_total=paid.total,
            residue=paid.residue,
        )

    # -- numbers

    def _estimate(self, sets: Bounds) -> Estimate:
        value = self._engine.value(sets.low)
        if sets.high != sets.low:
            best = self._engine.value(sets.high)
            value = value._replace(up_high=best.up_high, down_low=best.down_low)
        return _estimate(value)

    def _perfect(self, mask: int, perfect: int) -> int:
        found = self._factors.given(mask, perfect)
        if mask in self._near:
            self._near.setdefault(found, self._near[mask])
        self._engine.split(found, wider=mask)
        return found

    def _costs(self, sets: Bounds) -> Costs:
        if sets.low != sets.high:
            return NO_COSTS
        if sets.low not in self._paid:
            self._paid[sets.low] = costs(self._engine, sets.low)
        return self._paid[sets.low]

    def _known(self, mask: int) -> float | None:
        value = self._engine.value(mask)
        return value.up_low if value.is_exact else None

    def _parts(self, name: str, uses: Sequence[Use], *, drawn: str | None = None) -> list[_Part]:
        """Own, site, and each need."""
        inside = self._inside(name)
        parts = [_Part(self._trusting.own(name)), _Part(self._trusting.site(name))]
        for use in uses:
            is_factor = not inside or inside.isdisjoint(use.need.services)
            parts.append(_Part(self._trusting.need(use, drawn=drawn).low, is_factor))
        return parts

    def _bounds(self, subject: _Subject) -> tuple[float | None, float | None]:
        """The least available part, and the product of the parts as if independent."""
        least, product = 1.0, subject.outside
        for part in subject.parts:
            value = self._known(part.mask)
            if value is None:
                return None, None
            least = min(least, value)
            if part.is_factor and product is not None:
                product *= value
        return least, product

    def _inside(self, name: str) -> frozenset[str]:
        """The members of the cycle a service stands in; none where it stands in none."""
        number = self._component_of[name]
        if number not in self._cycles:
            members = self._components[number]
            self._cycles[number] = frozenset(members) if len(members) > 1 else frozenset()
        return self._cycles[number]

    def _outside(self, name: str) -> float | None:
        """Own, site and the needs leading out of every other member of its cycle."""
        inside = self._inside(name)
        if not inside:
            return 1.0
        number = self._component_of[name]
        if number not in self._cycle_factors:
            self._cycle_factors[number] = self._all_but_one(self._components[number])
        return self._cycle_factors[number][name]

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
                product = _times(product, self._known(part.mask))
        return product


def _claims_below(
    components: Sequence[Sequence[str]],
    component_of: Mapping[str, int],
    graph: Graph,
    claims: Mapping[str, int],
    alone: frozenset[str],
) -> dict[str, int]:
    """For each service, how many unverified claims its delivered availability rests on, its own included."""
    by_weight: dict[int, int] = {}  # number of claims -> the services that make so many
    bit_of: dict[str, int] = {}
    for name in graph.fleet.services:
        weight = claims[name] + (name in alone)
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
