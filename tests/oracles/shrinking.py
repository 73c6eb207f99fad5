"""Makes a fleet on which two methods disagree as small as it gets, so that a person can decide who is right."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.catalog.model import Affinity, Endpoint, Fleet, Need, PlacementMode, Service
from truetier.catalog.tier import BUILT_IN
from truetier.units import CERTAIN, WHOLE, Availability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_EVEN = Availability(Decimal("0.5"))


def shrink(fleet: Fleet, is_bad: Callable[[Fleet], bool]) -> Fleet:
    """The fleet with everything taken away that is not needed to keep it bad."""
    is_moving = True
    while is_moving:
        is_moving = False
        for smaller in _smaller(fleet):
            if is_bad(smaller):
                fleet = smaller
                is_moving = True
                break
    return fleet


def _smaller(fleet: Fleet) -> Iterator[Fleet]:
    """Every fleet that is one step simpler, the largest steps first."""
    for name in fleet.services:
        yield _without(fleet, name)
    if fleet.journeys:
        yield fleet._replace(journeys={})
    for path, domain in fleet.domains.items():
        yield fleet._replace(domains={other: kept for other, kept in fleet.domains.items() if other != path})
        for simpler in (domain._replace(availability=_EVEN), domain._replace(mttr=None)):
            if simpler != domain:
                yield fleet._replace(domains={**fleet.domains, path: simpler})
    if fleet.tiers != BUILT_IN:
        yield fleet._replace(tiers=BUILT_IN)
    for name, service in fleet.services.items():
        for simpler_service in _simpler_services(service):
            if simpler_service != service:
                yield fleet._replace(services={**fleet.services, name: simpler_service})


def _without(fleet: Fleet, name: str) -> Fleet:
    """The fleet without a service and without whatever names it."""
    services = {}
    for service in fleet.services.values():
        if service.name != name:
            endpoints = tuple(each._replace(needs=_not_naming(each.needs, name)) for each in service.endpoints)
            services[service.name] = service._replace(needs=_not_naming(service.needs, name), endpoints=endpoints)
    journeys = {
        journey.name: journey
        for journey in fleet.journeys.values()
        if all(name not in criterion.services for criterion in journey.succeeds)
    }
    return fleet._replace(services=services, journeys=journeys)


def _not_naming(needs: Sequence[Need], name: str) -> tuple[Need, ...]:
    return tuple(need for need in needs if name not in need.services)


def _simpler_services(service: Service) -> Iterator[Service]:
    yield service._replace(endpoints=())
    yield service._replace(needs=())
    yield service._replace(placement=None)
    plain = Service(service.name, service.evidence)
    yield service._replace(layer=None, plane=plain.plane, external=False, observed=None, cells=1)
    if service.placement is None or service.placement.availability is None:
        for own in (CERTAIN, _EVEN):
            if service.availability != CERTAIN and (service.availability, service.tier) != (own, None):
                yield service._replace(availability=own, tier=None, target=None)
    yield service._replace(mttr=None)
    yield service._replace(budget=None)
    for position, need in enumerate(service.needs):
        for simpler in _simpler_needs(need):
            yield service._replace(needs=(*service.needs[:position], *simpler, *service.needs[position + 1 :]))
    for position, endpoint in enumerate(service.endpoints):
        for simpler_endpoint in _simpler_endpoints(endpoint):
            yield service._replace(endpoints=service.endpoints[:position] + simpler_endpoint + service.endpoints[position + 1 :])
    yield from _with_simpler_placements(service)


def _simpler_endpoints(endpoint: Endpoint) -> Iterator[tuple[Endpoint, ...]]:
    if endpoint.share is None:
        yield ()
    yield (endpoint._replace(tier=None),)
    for position, need in enumerate(endpoint.needs):
        for simpler in _simpler_needs(need):
            yield (endpoint._replace(needs=(*endpoint.needs[:position], *simpler, *endpoint.needs[position + 1 :])),)


def _simpler_needs(need: Need) -> Iterator[tuple[Need, ...]]:
    plain = Need(need.targets[:1], need.evidence)
    yield ()
    yield (plain,)
    simpler = [
        need._replace(share=WHOLE, condition=None),
        need._replace(verified=None),
        need._replace(phases=plain.phases),
        need._replace(broker=None),
        need._replace(condition=None),
    ]
    if need.fallback is not None:
        simpler.append(need._replace(fallback=need.fallback._replace(availability=CERTAIN, coverage=WHOLE)))
    if need.is_group and len(need.targets) > max(2, need.required):
        simpler += [need._replace(targets=need.targets[:position] + need.targets[position + 1 :]) for position in range(len(need.targets))]
    simpler.append(need._replace(targets=tuple(target._replace(attempts=1, backoff=target.backoff * 0) for target in need.targets)))
    yield from ((each,) for each in simpler if each != need)


def _with_simpler_placements(service: Service) -> Iterator[Service]:
    placement = service.placement
    if placement is None:
        return
    yield service._replace(placement=placement._replace(verified=None, affinity=Affinity.ANY))
    yield service._replace(placement=placement._replace(affinity=Affinity.ANY))
    if placement.availability is not None:
        yield service._replace(placement=placement._replace(availability=None, common_cause=None), availability=CERTAIN)
        if placement.availability != _EVEN:
            yield service._replace(placement=placement._replace(availability=_EVEN))
        yield service._replace(placement=placement._replace(common_cause=None))
    if placement.failover is not None:
        yield service._replace(placement=placement._replace(failover=placement.failover._replace(coverage=WHOLE, verified=None)))
    if placement.mode is PlacementMode.ACTIVE_ACTIVE and placement.need is None:
        for position, (path, number) in enumerate(placement.copies):
            fewer = ((path, number - 1),) if number > 1 else ()
            copies = placement.copies[:position] + fewer + placement.copies[position + 1 :]
            if copies:
                yield service._replace(placement=placement._replace(copies=copies))
