"""Every default that entered a number, listed: what nobody stated, what was taken instead, and why."""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING

from truetier.availability.structure import is_counted
from truetier.catalog.evidence import Assumption
from truetier.catalog.model import DEFAULT_MTTR, FallbackKind, Hardness, PlacementMode
from truetier.graph.hardness import Kind
from truetier.units import CERTAIN, WHOLE, availability_text, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from truetier.catalog.measured import Measured
    from truetier.catalog.model import Fleet, Placement, Service
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Use


def assumptions(graph: Graph) -> tuple[Assumption, ...]:
    """The assumptions behind the trusting numbers of a fleet, in file order; what concerns all services first."""
    return tuple(_assumptions(graph))


def _assumptions(graph: Graph) -> Iterator[Assumption]:
    fleet = graph.fleet
    aged = _aged(graph)
    ask_for_budget = graph.uses.judge(_asks_for_budget)
    assume = graph.uses.judge(lambda use: any(True for _ in _of_need(use)))
    has_ages = bool(aged) or any(_has_standby(service) for service in fleet.services.values())
    yield from _of_the_whole(graph, has_ages=has_ages)
    for name, service in fleet.services.items():
        yield from _of_own(fleet, service)
        if name in aged and service.mttr is None:
            why = "not stated; a cache or a failover looks at the age of its outages"
            yield Assumption(service.name, "mttr", duration_text(DEFAULT_MTTR), why)
        if service.placement is not None:
            yield from _of_placement(service, service.placement)
        if name not in graph.bare:
            if service.budget is None and any(ask_for_budget(name)):
                yield _of_budget(service, graph.budgets)
            if any(are_assumed := assume(name)):
                yield from chain.from_iterable(map(_of_need, compress(graph.uses[name], are_assumed)))
    yield from _of_domains(fleet, has_ages=has_ages)


def _of_the_whole(graph: Graph, *, has_ages: bool) -> Iterator[Assumption]:
    are_silent = graph.uses.judge(_is_silent)
    silent = sum(len(graph.fleet.services[name].needs) for name in graph.bare) + sum(sum(are_silent(name)) for name in graph.told)
    if silent:
        yield Assumption("*", "needs.hardness", Hardness.HARD.value, f"needs that state neither hardness nor fallback: {silent}")
    yield Assumption("*", "independence", "independent", "events are independent unless the catalog says what they share")
    if has_ages:
        why = "a cache or a failover looks at it; outages already over are forgotten inside a cache's view"
        yield Assumption("*", "age of outages", "exponential", why)


def _is_silent(use: Use) -> bool:
    need = use.need
    return need.hardness is None and not need.is_group and use.kind is Kind.HARD and need.at_serve


def _of_own(fleet: Fleet, service: Service) -> Iterator[Assumption]:
    placement = service.placement
    if service.availability is not None or (placement is not None and placement.availability is not None):
        return
    if service.measured is not None:
        yield _of_measured(service.name, "availability", service.measured)
        return
    if placement is not None and placement.measured is not None:
        yield _of_measured(service.name, "placement.availability", placement.measured)
        return
    promise = fleet.promise(service)
    if promise is None:
        yield Assumption(service.name, "availability", "unknown", "nothing states or promises it: counted from 0% to 100%")
    else:
        yield Assumption(service.name, "availability", str(promise), "own availability not stated: the promise is taken")


def _of_measured(subject: str, key: str, measured: Measured) -> Assumption:
    from truetier.availability.posterior import quantiles

    down = float(measured.unavailability)
    best, worst = (availability_text(1.0 - q, q) for q in quantiles(measured, (0.05, 0.95)))
    why = f"{measured}: the mean of the posterior of a Jeffreys prior; from 5 to 95% of it {worst} to {best}"
    return Assumption(subject, key, availability_text(1.0 - down, down), why)


def _of_placement(service: Service, placement: Placement) -> Iterator[Assumption]:
    if placement.has_copies and placement.common_cause is None:
        yield Assumption(service.name, "placement.common_cause", "10%", "not stated: what redundancy cannot mask")
    if placement.need is None and placement.mode is PlacementMode.ACTIVE_ACTIVE:
        yield Assumption(service.name, "placement.need", str(placement.required), "copies left when the fullest domain is lost")
    if placement.failover is not None and placement.failover.coverage == WHOLE:
        yield Assumption(service.name, "placement.failover.coverage", "100%", "every failover is taken to work")


def _of_budget(service: Service, budgets: Mapping[str, timedelta]) -> Assumption:
    default = budgets.get(service.name)
    if default is None:
        return Assumption(service.name, "budget", "unknown", "no caller states a timeout: any finite timeout is taken to fit")
    return Assumption(service.name, "budget", duration_text(default), "the smallest timeout its callers use")


def _asks_for_budget(use: Use) -> bool:
    return use.need.at_serve and any(target.timeout is not None for target in use.need.targets)


def _of_need(use: Use) -> Iterator[Assumption]:
    need = use.need
    if not need.at_serve:
        return
    if need.hardness is Hardness.UNKNOWN:
        yield Assumption(use.subject, "hardness", "hard", "hardness unknown counts as hard")
    if use.kind is Kind.ASYNC and need.broker is None:
        yield Assumption(use.subject, "broker", "none", "an async need without a broker needs nothing to serve")
    fallback = need.fallback
    if use.kind is not Kind.SOFT or fallback is None:
        return
    if fallback.availability == CERTAIN:
        yield Assumption(use.subject, "fallback.availability", "100%", "the fallback is taken to work whenever it is needed")
    if fallback.coverage == WHOLE:
        yield Assumption(use.subject, "fallback.coverage", "100%", "the fallback is taken to answer every request")


def _aged(graph: Graph) -> set[str]:
    """Services whose outage ages are looked at: below a cache that counts, or with a standby."""
    found: set[str] = set()
    waiting = [use.need.service for use in graph.uses.chosen(_is_cached)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(graph.called(name))
    for service in graph.fleet.services.values():
        if _has_standby(service) and service.placement is not None and service.placement.has_copies:
            found.add(service.name)
    return found


def _is_cached(use: Use) -> bool:
    fallback = use.need.fallback
    return use.kind is Kind.SOFT and fallback is not None and fallback.kind is FallbackKind.CACHED and use.need.at_serve


def _has_standby(service: Service) -> bool:
    return service.placement is not None and service.placement.failover is not None


def _of_domains(fleet: Fleet, *, has_ages: bool) -> Iterator[Assumption]:
    seen: set[str] = set()
    for service in fleet.services.values():
        for path, _ in service.placement.copies if service.placement is not None else ():
            for domain in fleet.domains_around(path):
                if domain.path in seen or not is_counted(domain.kind):
                    continue
                seen.add(domain.path)
                if domain.availability is None:
                    yield Assumption(domain.path, "availability", "not counted", "no availability stated for this failure domain")
                elif domain.mttr is None and has_ages:
                    yield Assumption(domain.path, "mttr", duration_text(DEFAULT_MTTR), "no mean outage stated for this failure domain")
