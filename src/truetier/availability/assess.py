"""What every service, journey and endpoint of a fleet delivers, and the details behind it when somebody asks."""

from __future__ import annotations

import math
import sys
from array import array
from contextlib import contextmanager
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING

from truetier.availability.costs import NO_COSTS, costliest, costs
from truetier.availability.estimate import Assessment, Estimate, Method, SubjectKind, Verdict
from truetier.availability.events import own_event
from truetier.availability.exact import Engine, keyed
from truetier.availability.factors import Factors, bits
from truetier.availability.structure import Bounds, Structure, asked_whole, can_be_degraded, plain_callees
from truetier.catalog.model import PlacementMode
from truetier.catalog.tier import is_met
from truetier.graph.cycles import below_cycles, strongly_connected
from truetier.graph.hardness import Reading, is_unverified_claim
from truetier.record import NamedTuple, maker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from truetier.availability.estimate import Confidence, Contributor, Costs, Further
    from truetier.availability.posterior import Posterior
    from truetier.availability.series import SeriesFleet
    from truetier.availability.value import Value
    from truetier.catalog.model import Endpoint, Fleet, Journey, Placement, Service
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Use
    from truetier.graph.uses import Uses
    from truetier.units import Availability

_DEEP = 60_000  # frames: blocks inside blocks, where fallbacks stand behind fallbacks
AT_ONCE_FROM = 100  # services: with fewer, to load what passes over whole fleets takes longer than all that it saves
_ASSESSMENT = maker(Assessment)


class Assessments(NamedTuple):
    """All assessments of a fleet, in file order; endpoints are named ``service/endpoint``."""

    services: Mapping[str, Assessment]
    journeys: Mapping[str, Assessment]
    endpoints: Mapping[str, Assessment]
    claims: int = 0  # that no test has shown to work, each counted once however many subjects rest on it


def assess(
    graph: Graph,
    as_of: date,
    *,
    reading: Reading = Reading.TRUSTING,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Assessments:
    """What every subject delivers. ``reading`` decides which estimate the verdicts go by; ``seed`` the draws of what was measured."""
    with deep_recursion():
        return _Assessor(graph, as_of, reading, seed).all(progress)


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


def _own_claims(graph: Graph, as_of: date, alone: frozenset[str]) -> Sequence[int]:
    """For each service, how many unverified claims it makes itself: with its serve needs, and with its spare copies."""
    are_claims = graph.uses.judge(lambda use: use.need.at_serve and is_unverified_claim(use, as_of))
    claims = {name: sum(are_claims(name)) for name in graph.told}
    return [(name in alone) + claims.get(name, 0) for name in graph.number]


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

    @cached_property
    def confidence(self) -> Confidence | None:
        with deep_recursion():
            return self._assessor.confidence(self._subject)

    @cached_property
    def further(self) -> Further | None:
        with deep_recursion():
            return self._assessor.further(self._subject, self.confidence)


class _SeriesDetails:
    """The same of a service that is a series, in the reading that is trusted; in another one it may be none."""

    __slots__ = ("_assessor", "_number", "_series")

    def __init__(self, assessor: _Assessor, series: SeriesFleet, number: int) -> None:
        self._assessor = assessor
        self._series = series
        self._number = number

    @property
    def _formulas(self) -> _Details:
        return _Details(self._assessor, self._assessor.subject(self._number))

    @property
    def full(self) -> Estimate:
        series = self._assessor.full_series
        return series.delivered[self._number] if series.has(self._number) else self._formulas.full

    @property
    def ceiling(self) -> Estimate:
        return self._series.ceiling(self._number)

    @property
    def verified(self) -> Estimate:
        series = self._assessor.verified_series
        return series.delivered[self._number] if series.has(self._number) else self._formulas.verified

    @property
    def verified_ceiling(self) -> Estimate:
        series = self._assessor.verified_series
        return series.ceiling(self._number) if series.has(self._number) else self._formulas.verified_ceiling

    @property
    def own_down(self) -> float:
        return self._series.own_down(self._number)

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        return self._assessor.bounds_of(self._number)

    @property
    def costs(self) -> Costs:
        return self._series.costs(self._number)

    @property
    def costliest(self) -> Contributor | None:
        return self._series.costliest(self._number)

    @property
    def further(self) -> Further | None:
        return None  # nothing of the fleet was measured


class _Assessor:
    """One run over one fleet. It outlives the run: details that nobody has asked for yet are worked out with it."""

    def __init__(self, graph: Graph, as_of: date, reading: Reading, seed: int) -> None:
        self._graph = graph
        self._fleet = graph.fleet
        self._as_of = as_of
        self._reading = reading
        self._seed = seed
        self._names = list(graph.number)
        # What was measured is drawn, and each draw takes the formulas.
        self._is_at_once = len(self._names) >= AT_ONCE_FROM and not any(map(_is_measured, self._fleet.services.values()))
        self._near: dict[int, int] = {}
        self._factors = Factors()
        self._engine = Engine(self._factors, self._near)
        self._alone = unverified_redundancy(self._fleet, as_of)
        claims = _own_claims(graph, as_of, self._alone)
        self._own_claims = sum(claims)
        self._claims = _claims_below(graph, claims) if self._own_claims else claims
        self._cycle_factors: dict[frozenset[str], dict[str, float | None]] = {}
        self._paid: dict[tuple[int, int], Costs] = {}  # members of a cycle share one set
        self._delivered: dict[str, float | None] = {}  # by service: to look up a set costs as much as it is large
        self._most_paid: dict[tuple[int, int], Contributor | None] = {}

    def all(self, progress: Callable[[int, int], None] | None) -> Assessments:
        fleet = self._fleet
        services: dict[str, Assessment] = {}
        for name, assessment in self._all_services():
            services[name] = assessment
            if progress is not None:
                progress(len(services), len(fleet.services))
        return Assessments(
            {name: services[name] for name in fleet.services},
            {journey.name: self._journey(journey) for journey in fleet.journeys.values()},
            {
                f"{service.name}/{endpoint.name}": self._endpoint(service, endpoint)
                for service in fleet.services.values()
                for endpoint in service.endpoints
            },
            self._own_claims,
        )

    def _all_services(self) -> Iterator[tuple[str, Assessment]]:
        """Those that are a series, all at once, then the others, callees before their callers as far as cycles allow."""
        done: set[str] = set()
        if self._is_at_once:
            series = self.series
            for number, (name, service) in enumerate(self._fleet.services.items()):
                if series.has(number):
                    done.add(name)
                    self._delivered[name] = series.ups[number]
                    yield name, self._of_series(series, number, service)
        if len(done) < len(self._names):
            number_of = self._graph.number
            for name in self._trusting.order:
                if name not in done:
                    yield name, self._assessment(self.subject(number_of[name]))

    # -- readings

    @cached_property
    def _trusting(self) -> Structure:
        """The formulas with every claim believed."""
        return Structure(self._fleet, self._graph.uses, self._factors, self._near)

    @cached_property
    def series(self) -> SeriesFleet:
        """What is delivered by services that only need others hard."""
        return self._series_of(self._graph.uses)

    @cached_property
    def full_series(self) -> SeriesFleet:
        """The same with everything that is waited for."""
        uses = self._graph.uses
        return self._series_of(uses, full=True) if can_be_degraded(self._fleet, uses.said) else self.series

    @cached_property
    def verified_series(self) -> SeriesFleet:
        """The same in the verified reading."""
        return self._series_of(self._verified_uses) if self._own_claims else self.series

    @cached_property
    def _verified_uses(self) -> Uses:
        return self._graph.uses.verified(self._as_of)

    def _series_of(self, uses: Uses, *, full: bool = False) -> SeriesFleet:
        from truetier.availability.series import SeriesFleet

        asked, number = self._graph.asked, self._graph.number
        callees: list[Sequence[int] | None] = []
        of_samples = [plain_callees((sample,), full=full, lenient=True) for sample in uses.samples]
        has_a_say = [None if plain is None else bool(plain) for plain in of_samples]
        for (name, service), reached in zip(self._fleet.services.items(), asked, strict=True):
            column = uses.columns.get(name)
            if service.placement is not None:
                callees.append(None)
            elif column is None:
                plain = plain_callees(uses[name], full=full, lenient=True)
                callees.append(None if plain is None else [number[callee] for callee in plain])
            elif name in uses.bare:
                callees.append(reached)
            else:
                needed = list(map(has_a_say.__getitem__, column))
                callees.append(reached if all(needed) else None if None in needed else list(compress(reached, needed)))
        return SeriesFleet(self._names, self._own_downs, callees, None if callees == asked else self._numbered)

    @cached_property
    def _own_downs(self) -> Sequence[float | None]:
        """How much of the time each service itself is down; None where nobody knows."""
        return [own_event(self._fleet, service).down for service in self._fleet.services.values()]

    def _numbered(self) -> Sequence[int]:
        """The services in the order in which their own parts are numbered."""
        if not self.series.is_everyone:
            return sorted(range(len(self._names)), key=lambda number: self._trusting.own(self._names[number]))
        from truetier.graph.fleet import FleetGraph

        number, uses = self._graph.number, self._graph.uses
        has_a_say = uses.judge(lambda use: bool(use.asked))
        asked = [
            list(compress(reached, has_a_say(name)))
            if name in uses.columns
            else [number[callee] for use in uses[name] if use.need.at_serve for callee in use.asked]
            for name, reached in zip(self._names, self._graph.asked, strict=True)
        ]
        return FleetGraph.leading_to(asked).preorder

    @cached_property
    def _cycles(self) -> Mapping[str, frozenset[str]]:
        """For each service that needs itself through others to serve, all that stand in its cycle."""
        if self._is_at_once and self.series.is_everyone and self.series.is_all_asked:
            cycles = [frozenset(map(self._names.__getitem__, cycle)) for cycle in self.series.cycles]
            return {name: cycle for cycle in cycles for name in cycle}
        return _cycles(self._graph)

    @cached_property
    def _verified(self) -> Structure:
        """The formulas of the verified reading, evaluated from below."""
        if not self._own_claims and not any(map(_is_measured_beside, self._fleet.services.values())):
            return self._trusting
        _ = self._trusting  # its numbers come first
        structure = Structure(self._fleet, self._verified_uses, self._factors, self._near, alone=self._alone, as_measured=True)
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

    def _of_series(self, series: SeriesFleet, number: int, service: Service) -> Assessment:
        promise = self._fleet.promise(service)
        delivered = series.delivered[number]
        details = _SeriesDetails(self, series, number)
        judged = delivered if self._reading is Reading.TRUSTING else details.verified
        made: Assessment = _ASSESSMENT(
            (
                service.name,
                SubjectKind.SERVICE,
                service.tier,
                promise,
                delivered,
                _verdict(service.tier, promise, judged, None),
                self._claims[number],
                self._fleet.tiers,
                details,
                None,
            )
        )
        return made

    def subject(self, number: int) -> _Subject:
        """One service as its formulas say."""
        name = self._names[number]
        service = self._fleet.services[name]
        return _Subject(
            name,
            SubjectKind.SERVICE,
            service.tier,
            self._fleet.promise(service),
            self._claims[number],
            up=self._trusting.up(name),
            full=lambda: self._with_full.full(name),
            verified=lambda: self._verified.up(name),
            perfect=lambda reading: reading.perfected(service),
            parts=lambda: self._parts(name, self._needs_of(name)),
            outside=lambda: self._outside(name),
        )

    def _endpoint(self, service: Service, endpoint: Endpoint) -> Assessment:
        return self._assessment(
            _Subject(
                f"{service.name}/{endpoint.name}",
                SubjectKind.ENDPOINT,
                endpoint.tier,
                self._fleet.tier_promise(endpoint.tier),
                self._claims[self._graph.number[service.name]],
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
                sum(
                    self._claims[self._graph.number[name]]
                    for name in {name for criterion in journey.succeeds for name in criterion.services}
                ),
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
        confidence = details.confidence
        verdict = _verdict(subject.tier, subject.promise, judged, confidence)
        return Assessment(
            *(subject.name, subject.kind, subject.tier, subject.promise, delivered, verdict, subject.claims, self._fleet.tiers),
            details,
            confidence,
        )

    # -- what was measured

    @cached_property
    def _posterior(self) -> Posterior:
        from truetier.availability.posterior import Posterior

        return Posterior(self._engine, self._seed)

    def _judged(self, subject: _Subject) -> Bounds:
        return subject.up if self._reading is Reading.TRUSTING else subject.verified()

    def confidence(self, subject: _Subject) -> Confidence | None:
        """How sure the estimate is that a verdict goes by; None where it rests on nothing measured."""
        return self._posterior.confidence(self._judged(subject), subject.promise) if self._factors.measured else None

    def further(self, subject: _Subject, confidence: Confidence | None) -> Further | None:
        """What is missing to judge a subject that rests on what was measured; None where nothing is."""
        if confidence is None or confidence.is_met or confidence.is_missed or subject.promise is None:
            return None
        return self._posterior.further(self._judged(subject), subject.promise, confidence.draws)

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

    def bounds_of(self, number: int) -> tuple[float | None, float | None]:
        """The same of a series."""
        series = self.series
        values = [series.own_up(number), *map(series.ups.__getitem__, series.callees[number])]
        if None in values:
            return None, None
        known = [value for value in values if value is not None]
        return min(known), _times(self._outside(self._names[number]), self._factors_of(number))

    def _factors_of(self, number: int) -> float | None:
        """The product of the own part of a series and of the needs that lead out of its cycle; None where one is unknown."""
        series = self.series
        asked = series.callees[number]
        inside = self._cycles.get(self._names[number])
        if inside is not None:
            asked = [callee for callee in asked if self._names[callee] not in inside]
        known = [value for value in (series.own_up(number), *map(series.ups.__getitem__, asked)) if value is not None]
        return math.prod(known) if len(known) > len(asked) else None

    def _known(self, sets: Bounds) -> float | None:
        if sets.low != sets.high:
            return None
        value = self._engine.value(sets.low)
        return value.up_low if value.is_exact else None

    def _parts(self, name: str, uses: Sequence[Use], *, drawn: str | None = None) -> list[_Part]:
        """Own, site, and each need."""
        alone = (self._trusting.own(name), self._trusting.site(name))
        parts = [_Part(self._known(Bounds(mask, mask))) for mask in alone]
        parts.extend(_Part(self._need(use, drawn), not self._leads_inside(name, use)) for use in uses)
        return parts

    def _need(self, use: Use, drawn: str | None) -> float | None:
        """The probability that a need is met; what most ask for is delivered by a service, and known."""
        asked = asked_whole(use)
        if asked is None or drawn is not None:
            return self._known(self._trusting.need(use, drawn=drawn))
        if asked not in self._delivered:
            self._delivered[asked] = self._known(self._trusting.up(asked))
        return self._delivered[asked]

    def _uses_of(self, service: Service, endpoint: Endpoint) -> list[Use]:
        """The needs of one endpoint: its own and the common ones."""
        return [use for use in self._needs_of(service.name) if use.endpoint in (None, endpoint.name)]

    def _needs_of(self, name: str) -> Sequence[Use]:
        return [use for use in self._graph.uses[name] if use.need.at_serve]

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
        factors = [self._factors_of(self._graph.number[name]) if self._is_series(name) else self._member(name) for name in members]
        after: list[float | None] = [1.0]
        for factor in reversed(factors):
            after.append(_times(after[-1], factor))
        found: dict[str, float | None] = {}
        before: float | None = 1.0
        for index, name in enumerate(members):
            found[name] = _times(before, after[len(members) - 1 - index])
            before = _times(before, factors[index])
        return found

    def _is_series(self, name: str) -> bool:
        return self._is_at_once and self.series.has(self._graph.number[name])

    def _member(self, name: str) -> float | None:
        product: float | None = 1.0
        for part in self._parts(name, self._needs_of(name)):
            if part.is_factor:
                product = _times(product, part.value)
        return product


def _cycles(graph: Graph) -> dict[str, frozenset[str]]:
    """For each service that needs itself through others to serve, all that stand in its cycle; who is only told closes none."""
    found: dict[str, frozenset[str]] = {}
    names = list(graph.number)
    for component in strongly_connected(below_cycles(graph.asked), graph.asked.__getitem__):
        if len(component) > 1:
            asked = {
                names[number]: [service for use in graph.uses[names[number]] if use.need.at_serve for service in use.asked]
                for number in component
            }
            for members in strongly_connected(list(asked), asked.__getitem__):
                if len(members) > 1:
                    found.update(dict.fromkeys(members, frozenset(members)))
    return found


def _claims_below(graph: Graph, claims: Sequence[int]) -> Sequence[int]:
    """For each service, how many unverified claims its delivered availability rests on, its own included."""
    from truetier.graph.fleet import FleetGraph, needs

    (sums,), _ = needs(FleetGraph.leading_to(graph.asked), [array("d", claims)], array("i", bytes(4 * len(claims))))
    return list(map(int, sums))


def _is_measured(service: Service) -> bool:
    """Whether a number of it was counted."""
    return service.measured is not None or (service.placement is not None and service.placement.measured is not None)


def _is_measured_beside(service: Service) -> bool:
    """Whether something was measured that is stated too."""
    placement = service.placement
    return (service.measured is not None and service.availability is not None) or (
        placement is not None and placement.measured is not None and placement.availability is not None
    )


def _verdict(tier: str | None, promise: Availability | None, judged: Estimate, confidence: Confidence | None) -> Verdict:
    if promise is None:
        return Verdict.NONE if tier is None else Verdict.MET
    if confidence is not None:
        return Verdict.MET if confidence.is_met else Verdict.MISSED if confidence.is_missed else Verdict.UNKNOWN
    if is_met(judged.down_high, promise):
        return Verdict.MET
    return Verdict.UNKNOWN if is_met(judged.down_low, promise) else Verdict.MISSED


def _estimate(value: Value) -> Estimate:
    method = Method.EXACT if value.is_exact else Method.INTERVAL
    return Estimate(value.up_low, value.up_high, value.down_low, value.down_high, method)


def _times(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left * right
