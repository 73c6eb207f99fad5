"""Everything random about a fleet: which events there are, how likely, and in which joint states each thing holds."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from math import prod
from typing import TYPE_CHECKING

from tests.oracles.reading import Reading, domains_around, draw_of, needs_of, staleness_of, view
from tests.oracles.state_space import Event, StateSpace, outage_values
from truetier.catalog.model import Phase

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from datetime import date

    from tests.oracles.reading import NeedKey, View
    from truetier.catalog.model import Fleet, Need, Service

PLAIN = timedelta()  # up(t) is up(t | 0)
DEFAULT_OUTAGE = timedelta(hours=1)
DEFAULT_COMMON_CAUSE = Decimal("0.1")

Component = tuple[str, str, int]  # own | common | copy | domain, of what, which copy
Instance = tuple[str, timedelta]  # up(service | limit)


def own_unavailability(fleet: Fleet, service: Service) -> float | None:
    """How much the service's own part is down: stated, else promised; None where neither is known."""
    stated = service.availability or service.target
    if stated is None and service.tier is not None:
        stated = fleet.tiers.row(service.tier).target
    return None if stated is None else stated.unavailability


def is_unknown(fleet: Fleet, service: Service) -> bool:
    """Whether nothing is known of the service's own part."""
    has_copies = service.placement is not None and service.placement.availability is not None
    return not has_copies and own_unavailability(fleet, service) is None


def own_part(service: Service) -> Component:
    """The one event of the service as a whole: its own part, or the common cause of its copies."""
    has_copies = service.placement is not None and service.placement.availability is not None
    return ("common" if has_copies else "own", service.name, 0)


def copy_part(service: Service, index: int) -> Component | None:
    """The event of one copy; None where copies have none of their own."""
    has_copies = service.placement is not None and service.placement.availability is not None
    return ("copy", service.name, index) if has_copies else None


def domain_parts(fleet: Fleet, path: str) -> tuple[Component, ...]:
    """The events of the domains around a copy: those with a number, cells excepted."""
    counted = []
    for prefix, kind in domains_around(fleet, path):
        declared = fleet.domains.get(prefix)
        if declared is not None and declared.availability is not None and kind != "cell":
            counted.append(("domain", prefix, 0))
    return tuple(counted)


def reached(seen: View, roots: Iterable[str]) -> list[Instance]:
    """Every (service, limit) that the formulas of the roots look at, in the order they are met."""
    found = dict.fromkeys((root, PLAIN) for root in roots)
    waiting = list(found)
    while waiting:
        name, limit = waiting.pop()
        for ask in seen.asks[name]:
            named = [(callee, limit) for callee in ask.callees] if ask.required else []
            staleness = staleness_of(ask)
            if staleness is not None:
                named.append((ask.callees[0], max(limit, staleness)))
            if ask.fallback is not None and ask.fallback.service is not None:
                named.append((ask.fallback.service, limit))
            if ask.broker is not None:
                named.append((ask.broker, limit))
            fresh = [instance for instance in named if instance not in found]
            found.update(dict.fromkeys(fresh))
            waiting.extend(fresh)
    return list(found)


class World:
    """The joint states of a fleet and what holds in each; what is certain is not enumerated."""

    def __init__(self, fleet: Fleet, as_of: date, *, is_unknown_down: bool) -> None:
        self.fleet = fleet
        self.views = {reading: view(fleet, reading, as_of) for reading in Reading}
        self._sites = self.views[Reading.TRUSTING].sites
        self._down = dict(self._all_parts(1.0 if is_unknown_down else 0.0))
        self._limits = self._all_limits()
        self._events = tuple(self._all_events())
        self._random = {event.name for event in self._events}
        self._masks: dict[tuple[Hashable, tuple[int, ...]], int] = {}
        self._space: StateSpace | None = None

    @property
    def event_count(self) -> int:
        """How many random events the fleet has."""
        return len(self._events)

    @property
    def state_count(self) -> int:
        """How many joint states they have; known without making them."""
        return prod(len(event.probabilities) for event in self._events)

    @property
    def space(self) -> StateSpace:
        """The joint states, made when first asked for."""
        if self._space is None:
            self._space = StateSpace(self._events)
        return self._space

    def can_fail(self, component: Component) -> bool:
        """Whether the component is ever down."""
        return component in self._random

    def limits(self, component: Component) -> tuple[timedelta, ...]:
        """The limits some cache or failover compares the component's age with, shortest first."""
        return tuple(sorted(self._limits[component]))

    def up(self, component: Component, limit: timedelta) -> int:
        """Where the component is up, or has been down no longer than the limit."""
        young = sum(1 for known in self._limits[component] if known <= limit)
        return self._where(component, tuple(range(young + 1)))

    def works(self, key: NeedKey) -> int:
        """Where the fallback of that need works."""
        return self._where(("works", key), (0,))

    def fails_over(self, service: str) -> int:
        """Where the failover of that service works."""
        return self._where(("failover", service), (0,))

    def holds(self, draw: NeedKey | str) -> int:
        """Where the request needs what hangs on that draw."""
        return self._where(("draw", draw), (0,))

    def draws(self, service: Service, endpoint: str) -> int:
        """Where the request, if it meets that service, means that endpoint."""
        position = [known.name for known in service.endpoints].index(endpoint)
        return self._where(("endpoint", service.name), (position,))

    def _where(self, name: Hashable, values: tuple[int, ...]) -> int:
        if name not in self._random:
            return self.space.all
        if (name, values) not in self._masks:
            self._masks[name, values] = self.space.states_where(name, values)
        return self._masks[name, values]

    def _all_parts(self, unknown: float) -> Iterator[tuple[Component, float]]:
        """Every component and its unavailability."""
        for service in self.fleet.services.values():
            placement = service.placement
            if placement is None or placement.availability is None:
                own = own_unavailability(self.fleet, service)
                yield own_part(service), unknown if own is None else own
            else:
                alone = placement.availability.exact_unavailability
                share = DEFAULT_COMMON_CAUSE if placement.common_cause is None else placement.common_cause.value
                yield own_part(service), float(share * alone)
                each = float((alone - share * alone) / (1 - share * alone)) if share * alone < 1 else 0.0
                for index in range(placement.total):
                    yield ("copy", service.name, index), each
            for path in self._sites[service.name].paths:
                for part in domain_parts(self.fleet, path):
                    availability = self.fleet.domains[part[1]].availability
                    yield part, 0.0 if availability is None else availability.unavailability

    def _all_limits(self) -> dict[Component, set[timedelta]]:
        limits: dict[Component, set[timedelta]] = {part: set() for part in self._down}
        for seen in self.views.values():
            for name, limit in reached(seen, self.fleet.services):
                for part in self.parts_of(self.fleet.services[name]):
                    limits[part].add(limit)
        for service in self.fleet.services.values():
            if service.placement is not None and service.placement.failover is not None:
                for part in self.trigger_parts(service):
                    limits[part].add(service.placement.failover.time)
        for known in limits.values():
            known.discard(PLAIN)
        return limits

    def parts_of(self, service: Service) -> Iterator[Component]:
        """Every component of a service and of where it runs."""
        yield own_part(service)
        for index, path in enumerate(self._sites[service.name].paths):
            yield from self.copy_parts(service, index, path)

    def copy_parts(self, service: Service, index: int, path: str) -> tuple[Component, ...]:
        """The components of one copy: its own event, if it has one, and the domains around it."""
        copy = copy_part(service, index)
        return ((copy,) if copy is not None else ()) + domain_parts(self.fleet, path)

    def trigger_parts(self, service: Service) -> tuple[Component, ...]:
        """The components whose long outage makes the standby step in: those of copy 1 and its domains."""
        return self.copy_parts(service, 0, self._sites[service.name].paths[0])

    def _mean(self, component: Component) -> timedelta:
        kind, name, _ = component
        stated = self.fleet.domains[name].mttr if kind == "domain" else self.fleet.services[name].mttr
        return DEFAULT_OUTAGE if stated is None else stated

    def _all_events(self) -> Iterator[Event]:
        for component, down in self._down.items():
            if down > 0:
                yield Event(component, outage_values(down, self.limits(component), self._mean(component)))
        draws: set[NeedKey | str] = set()
        for service in self.fleet.services.values():
            if service.has_shares:
                yield Event(("endpoint", service.name), tuple(float(known.share) for known in service.endpoints if known.share is not None))
            failover = service.placement.failover if service.placement is not None else None
            if failover is not None and failover.coverage.value < 1:
                yield Event(("failover", service.name), (float(failover.coverage), float(failover.coverage.complement)))
            for key, need in needs_of(service):
                draw = draw_of(key, need)
                if Phase.SERVE not in need.phases:
                    continue
                if draw is not None and draw not in draws:
                    draws.add(draw)
                    yield Event(("draw", draw), (float(need.share), float(need.share.complement)))
                if any(ask.key == key and ask.fallback is not None for ask in self.views[Reading.TRUSTING].asks[service.name]):
                    yield from _mechanism(key, need)


def _mechanism(key: NeedKey, need: Need) -> Iterator[Event]:
    """The event of a fallback that may fail."""
    if need.fallback is not None:
        works = need.fallback.availability.value * need.fallback.coverage.value
        if works < 1:
            yield Event(("works", key), (float(works), float(1 - works)))
