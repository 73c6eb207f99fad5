"""From the graph to success formulas: what must hold for each service, endpoint and journey to be up.

Theory. up(s), up(s | x), up(s) seen from one region, and full(s) are unknowns of one system of monotone Boolean equations.
Strongly connected unknowns take the greatest solution, for every state of the events: the down services are the smallest set
the failures explain. Unknowns that only need each other hard are one unknown; the rest of a component is iterated from "all
up" on a diagram (fixed_point.py). Source: design section 3.

What may go wrong: the diagram grows. Past its budget each equation with the members up bounds its solution from above, and
all of them together bound every member from below; both are kept.
"""

from __future__ import annotations

from itertools import chain, repeat
from types import MappingProxyType
from typing import TYPE_CHECKING

from truetier.availability import events
from truetier.availability.diagram.kernel import Overgrown
from truetier.availability.factors import ALWAYS, NEVER
from truetier.availability.fixed_point import greatest
from truetier.availability.formula import FULL, AllOf, AtLeast, Unknown, conjuncts, has_soft_inside, unknowns
from truetier.catalog.model import Affinity, FallbackKind, Mode, PlacementMode
from truetier.graph.cycles import strongly_connected
from truetier.graph.hardness import Kind
from truetier.record import NamedTuple, maker
from truetier.units import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from truetier.availability.factors import Factors
    from truetier.availability.formula import Formula
    from truetier.catalog.model import Criterion, Endpoint, Fleet, Journey, Placement, Service
    from truetier.graph.hardness import Use


_UNKNOWN = maker(Unknown)
_NO_GATES: Mapping[str, events.Event] = MappingProxyType({})


class Bounds(NamedTuple):
    """A formula's set from below and from above: equal unless a cycle was too large to solve."""

    low: int
    high: int


class Structure:
    """The solved formulas of one reading of a fleet."""

    def __init__(  # noqa: PLR0913 - what makes a reading
        self,
        fleet: Fleet,
        uses: Mapping[str, tuple[Use, ...]],
        factors: Factors,
        near: dict[int, int],
        *,
        alone: frozenset[str] = frozenset(),
        as_measured: bool = False,
        gates: Mapping[str, events.Event] = _NO_GATES,
    ) -> None:
        """``alone``: services whose redundancy does not count, all copies are needed; ``as_measured``: what was measured counts before what
        is stated, where it is worse; ``gates``: what some need beyond their parts.
        """
        self.factors = factors
        self.near = near  # for a set, a large part of it that was met before it
        self._fleet = fleet
        self._uses = uses
        self._alone = alone
        self._as_measured = as_measured
        self._gates = gates
        self._solved: dict[Unknown, Bounds] = {}
        self._has_gaps = False  # whether some cycle was too large to solve
        self._owns: dict[str, int] = {}
        self._fallbacks: dict[tuple[str, int], int] = {}
        self._has_full = can_be_degraded(fleet, chain.from_iterable(uses.values()))
        self._solve([Unknown(name) for name in fleet.services])

    # -- what callers ask for

    def up(self, service: str) -> Bounds:
        """The service is up."""
        return self._solved[Unknown(service)]

    def full(self, service: str) -> Bounds:
        """The service is up with everything it waits for."""
        unknown = self._fully(service)
        self._solve([unknown])
        return self._solved[unknown]

    @property
    def order(self) -> list[str]:
        """The services, callees before their callers as far as cycles allow."""
        return [unknown.service for unknown in self._solved if unknown.age == 0 and unknown.place is None]

    def need(self, use: Use, *, drawn: str | None = None) -> Bounds:
        """One need of a service is met, its callee asked whole; a need of an endpoint: not drawn, or met.

        ``drawn``: given that this endpoint of the caller is.
        """
        asked = asked_whole(use)
        if asked is not None and drawn is None:
            return self.up(asked)
        formula = self._met(use, 0, None)
        service = self._fleet.services[use.caller]
        if use.endpoint is not None and service.has_shares and drawn is None:
            formula = AtLeast(1, (self._not_drawn(service, use.endpoint), formula))
        found = self._solved_value(formula)
        return found if drawn is None else self._given_draw(service, drawn, found)

    def _given_draw(self, service: Service, endpoint: str, sets: Bounds) -> Bounds:
        if not service.has_shares:
            return sets
        holds, fails = self.factors.draw_of(_endpoint_draw(service.name), endpoint)
        return Bounds(self.factors.given(sets.low, holds, fails), self.factors.given(sets.high, holds, fails))

    def site(self, service: str) -> int:
        """The copies and domains of a service alone."""
        return self._value(self._copies(self._fleet.services[service], 0, None, AllOf(()))).low

    def own(self, service: str) -> int:
        """The service's own part, or the common cause of its copies."""
        return self._own(self._fleet.services[service], 0)

    def needs_of(self, service: str) -> Iterator[Use]:
        """The serve needs of a service, its endpoints' included."""
        return (use for use in self._uses[service] if use.need.at_serve)

    def endpoint(self, service: Service, endpoint: Endpoint, *, full: bool = False) -> Bounds:
        """With shares: the service given this draw; without: the service with this endpoint's and the common needs only."""
        if service.has_shares:
            return self._given_draw(service, endpoint.name, self.full(service.name) if full else self.up(service.name))
        kept = tuple(use for use in self.needs_of(service.name) if use.endpoint in (None, endpoint.name))
        formula = self._at_place(service, 0, None, kept)
        if full:
            formula = AllOf((formula, *(self._fully_met(use) for use in kept)))
        return self._solved_value(formula)

    def journey(self, journey: Journey, *, full: bool = False) -> Bounds:
        """Every criterion of the journey holds."""
        return self._solved_value(AllOf(tuple(self._criterion(item, full=full) for item in journey.succeeds)))

    def met(self, criterion: Criterion) -> Bounds:
        """One criterion of a journey holds."""
        return self._value(self._criterion(criterion, full=False))

    def _criterion(self, criterion: Criterion, *, full: bool) -> Formula:
        return AtLeast(criterion.required, tuple(self._fully(name) if full else Unknown(name) for name in criterion.services))

    def perfected(self, service: Service) -> int:
        """Everything of the service itself that a ceiling takes as perfect: own, common cause, copies, mechanisms."""
        found = self._own(service, 0)
        placement = service.placement
        if placement is not None and placement.has_copies:
            for domain, count in placement.copies:
                for number in range(1, count + 1):
                    found |= self.factors.up(self._copy(service, placement, domain, number))
        if placement is not None and placement.failover is not None:
            found |= self.factors.up(events.failover_event(service, placement.failover.coverage))
        for use in self.needs_of(service.name):
            if use.kind is Kind.SOFT:
                found |= self._fallback(use)
        return found & ~NEVER

    # -- equations

    def _equation(self, unknown: Unknown) -> Formula:
        service = self._fleet.services[unknown.service]
        uses = tuple(self.needs_of(service.name))
        if unknown.age == FULL:
            return self._fully_up(service, uses)
        return self._at_place(service, unknown.age, unknown.place, uses)

    def _at_place(self, service: Service, age: int, place: tuple[str, str] | None, uses: tuple[Use, ...]) -> Formula:
        own = self._own(service, age)
        placement = service.placement
        if placement is None or placement.affinity is Affinity.ANY:
            needs = self._all_met(service, uses, age, None)
            if placement is None:
                return AllOf((own, needs))
            return AllOf((own, self._copies(service, age, place, AllOf(())), needs))
        return AllOf((own, self._copies(service, age, place, None, uses)))

    def _all_met(self, service: Service, uses: Iterable[Use], age: int, beside: tuple[str, str] | None) -> AllOf:
        return AllOf(tuple(self._of_all_endpoints(service, uses, lambda use: self._met(use, age, beside))))

    def _copies(
        self, service: Service, age: int, place: tuple[str, str] | None, needs: AllOf | None, uses: tuple[Use, ...] = ()
    ) -> Formula:
        placement = service.placement
        if placement is None:
            return ALWAYS
        if placement.mode is PlacementMode.ACTIVE_PASSIVE:
            return self._active_passive(service, placement, age)
        here: list[Formula] = []
        kept = [entry for entry in placement.copies if place is None or self._is_inside(entry[0], place)]
        for domain, count in kept:
            around = self._around(domain, age)
            if needs is None:
                beside = self._place_of(domain, placement.affinity)
                met: Formula = self._all_met(service, uses, age, beside)
            else:
                met = needs
            if not placement.has_copies:
                here.extend([AllOf((around, met))] * count)
            else:
                here.extend(
                    AllOf((self.factors.up(self._copy(service, placement, domain, number), age), around, met))
                    for number in range(1, count + 1)
                )
        total = placement.total
        required = total if service.name in self._alone else placement.required
        return AtLeast(-(-required * len(here) // total), tuple(here))

    def _active_passive(self, service: Service, placement: Placement, age: int) -> Formula:
        """Copy 1, or something of it down for longer than the failover takes, a failover that works, and copy 2."""
        domains = [domain for domain, count in placement.copies for _ in range(count)]
        sides: list[int] = []
        for number, domain in enumerate(domains, 1):
            copy = ALWAYS
            if placement.has_copies:
                copy = self.factors.up(self._copy(service, placement, domain, _number_in(domains, number)), age)
            sides.append(self.factors.all_of((copy, self._around(domain, age))))
        failover = placement.failover
        if failover is None or service.name in self._alone:
            return sides[0]
        limit = events.microseconds(failover.time)
        causes = [self.factors.outlasted(event, limit) for event in self._counted(domains[0])]
        if placement.has_copies:
            causes.append(self.factors.outlasted(self._copy(service, placement, domains[0], 1), limit))
        works = self.factors.up(events.failover_event(service, failover.coverage))
        return AtLeast(1, (sides[0], AllOf((AtLeast(1, tuple(causes)), works, sides[1]))))

    def _met(self, use: Use, age: int, beside: tuple[str, str] | None) -> Formula:
        """ok(e) of the design, from one place of the caller."""
        need = use.need
        parts: list[Formula] = []
        match use.kind:
            case Kind.GROUP:
                parts.append(AtLeast(use.required, tuple(self._seen(target.service, age, beside) for target in need.targets)))
            case Kind.HARD:
                parts.append(self._seen(need.service, age, beside))
            case Kind.SOFT:
                parts.append(self._softened(use, age, beside))
            case Kind.ASYNC:
                pass
        if need.broker is not None:
            parts.append(self._seen(need.broker, age, beside))
        met: Formula = parts[0] if len(parts) == 1 else AllOf(tuple(parts))
        return met if use.share == WHOLE else AtLeast(1, (self._not_asked(use), met))

    def _softened(self, use: Use, age: int, beside: tuple[str, str] | None) -> Formula:
        fallback = use.need.fallback
        assert fallback is not None, "a soft use has a fallback"
        works = self._fallback(use)
        callee = self._seen(use.need.service, age, beside)
        match fallback.kind:
            case FallbackKind.STATIC:
                return AtLeast(1, (callee, works))
            case FallbackKind.CACHED:
                assert fallback.staleness is not None, "a cache has a staleness"
                # up(t) or (m and up(t | x)), written as up(t | x) and (up(t) or m): up at once is up at every age
                older = max(age, events.microseconds(fallback.staleness))
                return AllOf((self._seen(use.need.service, older, beside), AtLeast(1, (callee, works))))
            case FallbackKind.STAND_IN:
                assert fallback.service is not None, "a stand-in is a service"
                return AtLeast(1, (callee, AllOf((works, self._seen(fallback.service, age, beside)))))

    def _fully_met(self, use: Use) -> Formula:
        if use.need.mode is Mode.ASYNC:
            return ALWAYS
        full = AtLeast(use.required, tuple(self._fully(target.service) for target in use.need.targets))
        return full if use.share == WHOLE else AtLeast(1, (self._not_asked(use), full))

    def _fully_up(self, service: Service, uses: tuple[Use, ...]) -> Formula:
        """full(s). A callee that is fully up meets its need, so that the need itself is left out: the greatest solution is the same.

        With affinity a need asks for a part of the callee, and the whole may be up without it.
        """
        placement = service.placement
        if placement is None or placement.affinity is Affinity.ANY:
            up = self._at_place(service, 0, None, tuple(use for use in uses if use.need.mode is Mode.ASYNC))
        else:
            up = Unknown(service.name)
        return AllOf((up, *self._of_all_endpoints(service, uses, self._fully_met)))

    def _fully(self, service: str) -> Unknown:
        """full(s) of a service; up(s) where nothing can be degraded."""
        return Unknown(service, FULL if self._has_full else 0)

    def _of_all_endpoints(self, service: Service, uses: Iterable[Use], met: Callable[[Use], Formula]) -> Iterator[Formula]:
        """Common needs as they are; an endpoint's needs count when it is drawn, or always where nothing is drawn."""
        drawn: dict[str, list[Formula]] = {}
        for use in uses:
            if use.endpoint is None or not service.has_shares:
                yield met(use)
            else:
                drawn.setdefault(use.endpoint, []).append(met(use))
        for endpoint, needs in drawn.items():
            yield AtLeast(1, (self._not_drawn(service, endpoint), AllOf(tuple(needs))))

    # -- literals

    def _own(self, service: Service, age: int) -> int:
        if age == 0 and service.name in self._owns:
            return self._owns[service.name]
        found = self._own_at(service, age)
        if age == 0:
            self._owns[service.name] = found
        return found

    def _own_at(self, service: Service, age: int) -> int:
        placement = service.placement
        if placement is not None and placement.has_copies:
            found = self.factors.up(events.common_event(service, placement, as_measured=self._as_measured), age)
        else:
            found = self.factors.up(events.own_event(self._fleet, service, as_measured=self._as_measured), age)
        gate = self._gates.get(service.name)
        return found if gate is None else found | self.factors.up(gate, age)

    def _copy(self, service: Service, placement: Placement, domain: str, number: int) -> events.Event:
        return events.copy_event(service, placement, domain, number, as_measured=self._as_measured)

    def _fallback(self, use: Use) -> int:
        """The mechanism behind a soft need works; asked for at every age and place of its caller."""
        known = self._fallbacks.get((use.caller, use.number))
        if known is None:
            known = self._fallbacks[use.caller, use.number] = self.factors.up(events.fallback_event(use, self._uses[use.caller]))
        return known

    def _around(self, domain: str, age: int) -> int:
        return self.factors.all_of(self.factors.up(event, age) for event in self._counted(domain))

    def _counted(self, path: str) -> list[events.Event]:
        around = self._fleet.domains_around(path)
        return [events.domain_event(domain) for domain in around if domain.availability is not None and is_counted(domain.kind)]

    def _not_asked(self, use: Use) -> int:
        """The request is not one of the share this need is asked for; needs of one condition share the draw."""
        need = use.need
        draw = f"condition {need.condition}" if need.condition is not None else f"need {use.number} of {use.caller}"
        return self.factors.not_drawn(draw, "asked", need.share.value)

    def _not_drawn(self, service: Service, endpoint: str) -> int:
        share = next(item.share for item in service.endpoints if item.name == endpoint)
        assert share is not None, "all endpoints of a service have a share, or none has"
        return self.factors.not_drawn(_endpoint_draw(service.name), endpoint, share.value)

    # -- places

    def _place_of(self, domain: str, affinity: Affinity) -> tuple[str, str] | None:
        """The region or zone around a copy, None where it has none."""
        for around in self._fleet.domains_around(domain):
            if around.kind == affinity.value:
                return (affinity.value, around.path)
        return None

    def _is_inside(self, domain: str, place: tuple[str, str]) -> bool:
        return domain == place[1] or domain.startswith(place[1] + "/")

    def _seen(self, callee: str, age: int, beside: tuple[str, str] | None) -> Unknown:
        """The callee's copies beside the caller's; one with none there, or active-passive, is asked whole."""
        if beside is not None:
            placement = self._fleet.services[callee].placement
            if placement is not None and placement.mode is PlacementMode.ACTIVE_ACTIVE:
                inside = sum(count for domain, count in placement.copies if self._is_inside(domain, beside))
                if inside:
                    return Unknown(callee, age, beside)
        return Unknown(callee, age)

    # -- solving

    def _solved_value(self, formula: Formula) -> Bounds:
        """The sets of a formula that may hold unknowns nobody has asked for before: full(s), or with affinity a callee as a whole."""
        self._solve(list(unknowns(formula)))
        return self._value(formula)

    def _solve(self, roots: Sequence[Unknown]) -> None:
        equations: dict[Unknown, Formula] = {}
        inside: dict[Unknown, list[Unknown]] = {}
        waiting = list(reversed(roots))
        while waiting:
            unknown = waiting.pop()
            if unknown in inside or unknown in self._solved:
                continue
            needed = self._plain(unknown)
            if needed is None:
                equations[unknown] = self._equation(unknown)
                needed = list(dict.fromkeys(unknowns(equations[unknown])))
            inside[unknown] = needed
            waiting.extend([other for other in reversed(needed) if other not in inside])
        for component in strongly_connected(list(inside), inside.__getitem__):
            first = component[0]
            if len(component) > 1 or first in inside[first]:
                for unknown in component:
                    equations.setdefault(unknown, AllOf((self._owns[unknown.service], *inside[unknown])))  # of a plain one
                self._solve_component(component, equations)
            elif first in equations:
                self._solved[first] = self._value(equations[first])
            else:
                self._solved[first] = self._all_up(self._owns[first.service], inside[first])

    def _solve_component(self, component: list[Unknown], equations: Mapping[Unknown, Formula]) -> None:
        """Unknowns that only need each other hard are one; what is left is solved on a diagram."""
        members = set(component)
        hard = {unknown: [other for other in conjuncts(equations[unknown]) if other in members] for unknown in component}
        parts = strongly_connected(component, hard.__getitem__)
        part_of = {unknown: number for number, part in enumerate(parts) for unknown in part}
        system = [AllOf(tuple(equations[unknown] for unknown in part)) for part in parts]
        if len(parts) == 1 and not has_soft_inside(system[0], members):
            solved = [self._with_members_up(system[0], members)]
        else:
            solved = self._greatest(system, part_of, members)
        for unknown in component:
            self._solved[unknown] = solved[part_of[unknown]]

    def _greatest(self, system: Sequence[Formula], part_of: Mapping[Unknown, int], members: set[Unknown]) -> list[Bounds]:
        try:
            low = greatest(system, part_of, lambda unknown: self._solved[unknown].low, self.factors)
            high = greatest(system, part_of, lambda unknown: self._solved[unknown].high, self.factors) if self._has_gaps else low
        except Overgrown:
            self._has_gaps = True
            everyone = self._with_members_up(AllOf(tuple(system)), members)
            return [Bounds(everyone.low, self._with_members_up(formula, members).high) for formula in system]
        return [Bounds(self.factors.condensed(least), self.factors.condensed(most)) for least, most in zip(low, high, strict=True)]

    def _with_members_up(self, formula: Formula, members: set[Unknown]) -> Bounds:
        """A formula with the unknowns of its cycle up.

        This bounds a cycle from above, and solves it where all is hard. All equations together bound it from below: where
        they hold, every member being up is a solution.
        """

        def of(item: Formula, side: int) -> int:
            match item:
                case int():
                    return item
                case Unknown():
                    return ALWAYS if item in members else self._solved[item][side]
                case AllOf(items):
                    return self.factors.all_of(of(each, side) for each in items)
                case AtLeast(required, items):
                    return self.factors.at_least(required, [of(each, side) for each in items])

        low = self.factors.condensed(of(formula, 0))
        return Bounds(low, self.factors.condensed(of(formula, 1)) if self._has_gaps else low)

    def _plain(self, unknown: Unknown) -> list[Unknown] | None:
        """All that an unknown needs beside the own part of its service; None where its equation has to be written down."""
        name, age, place = unknown
        if age > 0 or place is not None or name in self._gates:
            return None
        service = self._fleet.services[name]
        callees = plain_callees(self._uses[name], full=age == FULL) if service.placement is None else None
        if callees is None:
            return None
        self._own(service, 0)
        return list(map(_UNKNOWN, zip(dict.fromkeys(callees), repeat(age), repeat(None))))

    def _all_up(self, own: int, needed: Sequence[Unknown]) -> Bounds:
        """Its own part and everything it needs hold: what ``_value`` makes of the equation."""
        solved = self._solved
        union, nearest, size = own, 0, 0
        for other in needed:
            mask = solved[other].low
            union |= mask
            if mask and mask != nearest and (count := mask.bit_count()) > size:
                nearest, size = mask, count
        low = NEVER if union & NEVER else union
        if nearest and low == union:
            self.near.setdefault(low, nearest)
        if not self._has_gaps:
            return Bounds(low, low)
        return Bounds(low, self.factors.all_of((own, *(solved[other].high for other in needed))))

    def _value(self, formula: Formula) -> Bounds:
        low, nearest = self._set(formula, 0)
        if nearest:
            self.near.setdefault(low, nearest)
        high = self._set(formula, 1)[0] if self._has_gaps else low
        return Bounds(low, high)

    def _set(self, formula: Formula, side: int) -> tuple[int, int]:
        """The set of a formula over solved unknowns, and the largest solved set that is part of it."""
        match formula:
            case int():
                return formula, 0
            case Unknown():
                found = self._solved[formula][side]
                return found, found
            case AtLeast(required, items) if required < len(items):
                return self.factors.at_least(required, [self._set(item, side)[0] for item in items]), 0
            case AllOf(items) | AtLeast(_, items):
                union = nearest = size = 0
                for item in items:
                    if isinstance(item, Unknown):  # most are
                        mask = part = self._solved[item][side]
                    else:
                        mask, part = self._set(item, side)
                    union |= mask
                    if part and part != nearest and (count := part.bit_count()) > size:
                        nearest, size = part, count
                return (NEVER, 0) if union & NEVER else (union, nearest)


def plain_callees(uses: Iterable[Use], *, full: bool = False, lenient: bool = False) -> list[str] | None:
    """The services that are all a service needs, beside its own part, to be up (``full``: fully), as often as it needs them.

    None where anything else has a say, if only in words: ``lenient`` passes over what is met anyway, by a fallback that never
    fails. It is the equation of most services that have no placement, told before it is written down.
    """
    found: list[str] = []
    for use in uses:
        _, endpoint, _, need, kind, required, share, _ = use  # of every need of a fleet: to ask for each by name takes twice as long
        if not need.at_serve:
            continue
        if endpoint is not None or share is not WHOLE:
            return None
        if full and need.mode is not Mode.ASYNC:
            if required < len(need.targets):
                return None
            found.extend([target.service for target in need.targets])
        elif need.broker is not None:
            return None
        elif kind is Kind.HARD:
            found.append(need.targets[0].service)
        elif kind is not Kind.ASYNC and not (lenient and _is_always_met(use)):
            return None
    return found


def asked_whole(use: Use) -> str | None:
    """The service that a need is met by whenever it is up, and else not; as most needs are."""
    if use.kind is Kind.HARD and use.endpoint is None and use.need.broker is None and use.share is WHOLE:
        return use.need.targets[0].service
    return None


def _is_always_met(use: Use) -> bool:
    """Whether a soft need is met with or without its callee."""
    fallback = use.need.fallback
    return use.kind is Kind.SOFT and fallback is not None and fallback.kind is FallbackKind.STATIC and events.fallback_down(fallback) == 0


def can_be_degraded(fleet: Fleet, uses: Iterable[Use]) -> bool:
    """Whether a caller can be up while something it waits for is not, or asks for a part of it; where none does, full is up."""
    return any(use.is_mitigated and use.kind is not Kind.ASYNC for use in uses) or any(
        item.placement is not None and item.placement.affinity is not Affinity.ANY for item in fleet.services.values()
    )


def is_counted(kind: str) -> bool:
    """Whether a domain of this kind enters probability: cells partition users and change blast radius only."""
    return kind != "cell"


def _endpoint_draw(service: str) -> str:
    return f"endpoint of {service}"


def _number_in(domains: Sequence[str], number: int) -> int:
    """Which copy of its domain the n-th copy is, counted from 1."""
    return sum(1 for domain in domains[:number] if domain == domains[number - 1])
