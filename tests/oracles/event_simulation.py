"""A second, slow simulation, written from the words of the theory page: intervals of every component, and every moment looked at.

It knows hard needs, static and cached fallbacks that always work, groups, copies in domains, active-passive pairs with a failover that
always works, and cycles. It shares nothing with the program but the catalog's values.
"""

from __future__ import annotations

from bisect import bisect
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from truetier.catalog.model import FallbackKind, PlacementMode

if TYPE_CHECKING:
    from datetime import timedelta

    from truetier.catalog.model import Fleet, Need, Service
    from truetier.units import Availability

YEAR = 525_600.0
HOUR = 60.0


class Outages(NamedTuple):
    """When a component is down, in order."""

    spans: tuple[tuple[float, float], ...]

    def longer(self, limit: float, at: float) -> bool:
        """Whether it is down at that moment, and has been for longer than the limit."""
        index = bisect(self.spans, (at, 0.0)) - 1  # the last outage that began before
        return index >= 0 and self.spans[index][0] + limit < at < self.spans[index][1]


def years_of(fleet: Fleet, name: str, years: int, seed: int) -> list[tuple[float, int]]:
    """Of each year: minutes a service is down, and how many of its outages begin."""
    random = Random(seed)
    return [_year(fleet, name, random) for _ in range(years)]


def _year(fleet: Fleet, name: str, random: Random) -> tuple[float, int]:
    components = {
        key: _outages(availability, mean, random) for key, availability, mean in _components(fleet) if availability.unavailability > 0
    }
    limits = {0.0, *_limits(fleet)}
    moments = {0.0, YEAR}
    for outages in components.values():
        for begin, end in outages.spans:
            moments.update(moment for moment in (*(begin + limit for limit in limits), end) if 0.0 < moment < YEAR)
    ordered = sorted(moments)
    down, begun, was_up = 0.0, 0, None
    for begin, end in pairwise(ordered):
        is_up = _up(fleet, components, (begin + end) / 2)[name]
        if not is_up:
            down += end - begin
            begun += was_up is True
        was_up = is_up
    return down, begun


def _outages(availability: Availability, mean: float, random: Random) -> Outages:
    """Alternating times up and down, both exponential, from a stationary start."""
    down = availability.unavailability
    up_mean = mean * (1 - down) / down
    spans = []
    at = 0.0
    if random.random() < down:
        end = random.expovariate(1 / mean)
        spans.append((-random.expovariate(1 / mean), end))  # how long it has been down, and how long it will be
        at = end
    while at < YEAR:
        begin = at + random.expovariate(1 / up_mean)
        at = begin + random.expovariate(1 / mean)
        spans.append((begin, at))
    return Outages(tuple(spans))


def _components(fleet: Fleet) -> list[tuple[tuple[str, ...], Availability, float]]:
    found: list[tuple[tuple[str, ...], Availability, float]] = []
    for service in fleet.services.values():
        mean = HOUR if service.mttr is None else _minutes(service.mttr)
        if service.availability is not None:
            found.append(((service.name,), service.availability, mean))
        if service.placement is not None and service.placement.availability is not None:
            assert service.placement.common_cause is not None, "copies here share nothing or say what"
            assert service.placement.common_cause.value == 0, "copies here share nothing"
            found.extend(((service.name, str(number)), service.placement.availability, mean) for number in range(service.placement.total))
    found.extend(
        (("domain", domain.path), domain.availability, HOUR if domain.mttr is None else _minutes(domain.mttr))
        for domain in fleet.domains.values()
        if domain.availability is not None
    )
    return found


def _limits(fleet: Fleet) -> list[float]:
    found: list[float] = []
    for service in fleet.services.values():
        found.extend(_minutes(need.fallback.staleness) for need in service.needs if need.fallback and need.fallback.staleness)
        if service.placement is not None and service.placement.failover is not None:
            found.append(_minutes(service.placement.failover.time))
    return found


def _up(fleet: Fleet, components: dict[tuple[str, ...], Outages], at: float) -> dict[str, bool]:
    """Who is up at that moment: from everybody up, down to where nothing changes any more."""
    ages = sorted({0.0, *_limits(fleet)})
    up = {(name, age): True for name in fleet.services for age in ages}
    while True:
        after = {key: _holds(fleet, components, up, key, at) for key in up}
        if after == up:
            return {name: up[name, 0.0] for name in fleet.services}
        up = after


def _holds(
    fleet: Fleet, components: dict[tuple[str, ...], Outages], up: dict[tuple[str, float], bool], key: tuple[str, float], at: float
) -> bool:
    name, age = key
    service = fleet.services[name]

    def works(component: tuple[str, ...], limit: float = age) -> bool:
        return component not in components or not components[component].longer(limit, at)

    if not works((name,)) or not _sited(service, fleet, works, age):
        return False
    return all(_met(need, up, age) for need in service.needs)


def _sited(service: Service, fleet: Fleet, works: Works, age: float) -> bool:
    placement = service.placement
    if placement is None:
        return True
    places = [path for path, count in placement.copies for _ in range(count)]
    parts = [
        [(service.name, str(number)), *(("domain", domain.path) for domain in fleet.domains_around(path))]
        for number, path in enumerate(places)
    ]
    here = [all(works(part, age) for part in of_copy) for of_copy in parts]
    if placement.mode is PlacementMode.ACTIVE_PASSIVE:
        assert placement.failover is not None
        limit = _minutes(placement.failover.time)
        return here[0] or (here[1] and any(not works(part, limit) for part in parts[0]))
    return sum(here) >= placement.required


def _met(need: Need, up: dict[tuple[str, float], bool], age: float) -> bool:
    if need.fallback is None:
        return sum(up[target.service, age] for target in need.targets) >= (need.required if need.is_group else 1)
    if need.fallback.kind is FallbackKind.STATIC:
        return True
    assert need.fallback.staleness is not None
    return up[need.service, max(age, _minutes(need.fallback.staleness))]


def _minutes(duration: timedelta) -> float:
    return duration.total_seconds() / 60


if TYPE_CHECKING:
    from typing import Protocol

    class Works(Protocol):
        def __call__(self, component: tuple[str, ...], limit: float = ...) -> bool: ...
