"""Which constructs of the catalog a fleet contains, so that a test can count them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.oracles.reading import Reading, domains_around, needs_of, surrounding, view
from tests.oracles.world import World, is_unknown, reached
from truetier.catalog.evidence import Kind
from truetier.catalog.model import Affinity, FallbackKind, Hardness, Mode, Phase, PlacementMode
from truetier.catalog.tier import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal

    from tests.oracles.reading import Ask, View
    from truetier.catalog.evidence import Verification
    from truetier.catalog.model import Fleet, Need, Placement, Service


def constructs(fleet: Fleet, as_of: date) -> set[str]:
    """The names of every construct that the fleet contains."""
    seen = view(fleet, Reading.TRUSTING, as_of)
    found = set(_of_journeys(fleet))
    found.update(_of_domains(fleet))
    found.update(_of_limits(fleet, seen, as_of))
    found.update(_of_cycles(seen))
    for service in fleet.services.values():
        found.update(_of_service(fleet, service))
        asks = {ask.key: ask for ask in seen.asks[service.name]}
        for key, need in needs_of(service):
            found.update(_of_verification(need.verified, f"need, {_form(need)}", as_of))
            found.update(f"need at {phase.value} only" for phase in need.phases if len(need.phases) == 1 and phase is not Phase.SERVE)
            if key in asks:
                found.update(_of_need(fleet, service, need, asks[key]))
                found.update(_of_affinity(fleet, service, asks[key]))
        if service.placement is not None:
            found.update(_of_placement(fleet, service.placement, as_of))
    found.update(_of_conditions(fleet))
    if fleet.tiers != BUILT_IN:
        found.add("tiers of the policy")
    return found


def _form(need: Need) -> str:
    if need.is_group:
        return "group"
    if need.mode is Mode.ASYNC:
        return "async"
    if need.fallback is not None:
        return need.fallback.kind.value
    return "conditional" if need.share.value < 1 else "plain"


def _of_verification(verification: Verification | None, what: str, as_of: date) -> Iterator[str]:
    if verification is None:
        yield f"no verification: {what}"
    elif verification.on > as_of:
        yield "verification in the future"
        yield f"verification that does not count: {what}"
    elif verification.until is not None and verification.until < as_of:
        yield "verification that ended"
        yield f"verification that does not count: {what}"
    else:
        yield f"verification that counts: {what}"
        if verification.until == as_of:
            yield "verification on its last day"
        if verification.until is None:
            yield "verification without end"


def _of_service(fleet: Fleet, service: Service) -> Iterator[str]:
    own_copies = service.placement is not None and service.placement.availability is not None
    if is_unknown(fleet, service):
        yield "own unknown, T4" if service.tier == "T4" else "own unknown, no tier" if service.tier is None else "own unknown"
    elif service.availability is not None:
        yield "own stated"
        yield from ["own stated as 100 %"] if service.availability.value == 1 else []
    elif not own_copies:
        yield "own from the target" if service.target is not None else "own from the tier"
    if service.target is not None and service.tier is not None:
        yield "target beside a tier"
    yield "mttr stated" if service.mttr is not None else "mttr default"
    yield "budget stated" if service.budget is not None else "budget not stated"
    for key, is_there in {
        "cells": service.cells > 1,
        "plane control": service.plane.value == "control",
        "layer": service.layer is not None,
        "external": service.external,
        "observed end to end": service.observed is not None,
        "several needs on one service": max(Counter(need.service for need in service.all_needs if not need.is_group).values(), default=0)
        > 1,
    }.items():
        if is_there:
            yield key
    if service.endpoints:
        kind = "with shares" if service.has_shares else "without shares"
        yield f"endpoints {kind}"
        yield from [f"endpoints {kind} and common needs"] if service.needs else []
        yield from [f"endpoint {kind} with a tier"] if any(endpoint.tier for endpoint in service.endpoints) else []
        if service.name in {
            name for other in fleet.services.values() for need in other.all_needs if need.at_serve for name in need.services
        }:
            yield f"need on a service with endpoints {kind}"


def _of_need(fleet: Fleet, service: Service, need: Need, ask: Ask) -> Iterator[str]:
    """Constructs of one serve need."""
    budget = "stated" if service.budget is not None else "default" if service.name in _named_with_timeout(fleet) else "unknown"
    if len(need.phases) > 1:
        yield "need at serve and another phase"
    if need.evidence.kind is Kind.OBSERVED:
        yield f"need only observed, {(need.hardness or Hardness.UNKNOWN).value}"
    if need.share.value < 1:
        form = "soft" if ask.fallback is not None else _form(need)
        yield f"share with a named condition, {form}" if need.condition is not None else f"share without a name, {form}"
    if need.is_group:
        yield from _of_group(need, ask, budget)
    elif need.mode is Mode.ASYNC:
        yield "async without broker" if need.broker is None else "async with a broker"
    elif need.hardness is Hardness.UNKNOWN:
        yield "hardness unknown without fallback" if need.fallback is None else "hardness unknown with a fallback"
    elif need.hardness is Hardness.SOFT or need.fallback is not None:
        yield from _of_soft(need, ask, budget)
    else:
        yield "hard as written" if need.hardness is Hardness.HARD else "hard by default"


def _of_soft(need: Need, ask: Ask, budget: str) -> Iterator[str]:
    target = need.targets[0]
    if need.fallback is None:
        yield "soft without fallback"
    elif target.timeout is None:
        yield "soft without timeout"
    elif ask.fallback is None:
        yield f"soft with a timeout not below the {budget} budget"
        yield from [f"soft whose attempts overrun the {budget} budget"] if target.attempts > 1 else []
    else:
        yield f"soft that counts, {need.fallback.kind.value}"
        yield f"soft that counts, {budget} budget"
        yield from ["soft that counts with attempts"] if target.attempts > 1 else []
        yield from ["soft that counts with backoff"] if target.attempts > 1 and target.backoff else []
        yield from ["fallback availability"] if need.fallback.availability.value < 1 else []
        yield from ["fallback coverage"] if need.fallback.coverage.value < 1 else []
        yield from (
            ["fallback availability and coverage"] if need.fallback.availability.value < 1 and need.fallback.coverage.value < 1 else []
        )


def _of_group(need: Need, ask: Ask, budget: str) -> Iterator[str]:
    number = len(need.targets)
    yield "any of" if need.required == 1 else "all of a group" if need.required == number else "k of n"
    timeouts = sum(target.timeout is not None for target in need.targets)
    if timeouts == 0:
        yield "group without timeouts"
    elif timeouts < number:
        yield "group with some timeouts"
    elif need.required < number:
        yield f"group too slow for the {budget} budget" if ask.required == number else f"group in time for the {budget} budget"
    if need.share.value < 1:
        yield "group with a share"


def _named_with_timeout(fleet: Fleet) -> set[str]:
    return {
        target.service
        for service in fleet.services.values()
        for need in service.all_needs
        if need.at_serve and need.mode is Mode.SYNC
        for target in need.targets
        if target.timeout is not None
    }


def _of_conditions(fleet: Fleet) -> Iterator[str]:
    per_service = [
        Counter(need.condition for need in each.all_needs if need.at_serve and need.condition is not None)
        for each in fleet.services.values()
    ]
    if any(count > 1 for counter in per_service for count in counter.values()):
        yield "named condition twice in one service"
    if any(count > 1 for count in Counter(name for counter in per_service for name in counter).values()):
        yield "named condition in several services"


def _of_placement(fleet: Fleet, placement: Placement, as_of: date) -> Iterator[str]:
    """Constructs of one placement."""
    own = "with" if placement.availability is not None else "without"
    is_pair = placement.mode is PlacementMode.ACTIVE_PASSIVE
    yield f"{'active-passive' if is_pair else 'copies'} {own} events of their own"
    if placement.availability is not None:
        yield "common cause default" if placement.common_cause is None else f"common cause stated{_extreme(placement.common_cause.value)}"
    numbers = [number for _, number in placement.copies]
    for kind in {kind for path, _ in placement.copies for _, kind in domains_around(fleet, path)[-1:]}:
        yield f"copies in a {kind}" if kind in ("region", "zone", "cell") else "copies in another kind of domain"
    paths = [path for path, _ in placement.copies]
    if any(other.startswith(path + "/") for path in paths for other in paths):
        yield "copies at two depths of one domain"
    if is_pair:
        yield from _of_pair(fleet, placement, as_of)
    else:
        yield "copies needed stated" if placement.need is not None else "copies needed by default"
        yield from ["copies in one domain"] if len(numbers) == 1 else ["copies in several domains"]
        yield from ["several copies in one of several domains"] if len(numbers) > 1 and max(numbers) > 1 else []
        yield from ["a single copy"] if sum(numbers) == 1 else []
        if placement.affinity is not Affinity.ANY:
            yield f"affinity {placement.affinity.value}"
        if sum(numbers) > 1:
            yield from _of_verification(placement.verified, "copies", as_of)


def _extreme(share: Decimal) -> str:
    if share in (0, 1):
        return " as 100 %" if share else " as 0 %"
    return ""


def _of_pair(fleet: Fleet, placement: Placement, as_of: date) -> Iterator[str]:
    failover = placement.failover
    if failover is None:
        return
    yield "failover coverage stated" if failover.coverage.value < 1 else "failover coverage default"
    yield "failover at once" if failover.time == timedelta() else "failover after some time"
    paths = [path for path, number in placement.copies for _ in range(number)]
    if paths[0] == paths[1]:
        yield "active-passive in one domain"
    counted = [
        path for path, _ in domains_around(fleet, paths[0]) if path in fleet.domains and fleet.domains[path].availability is not None
    ]
    if len(counted) > 1:
        yield "failover that looks at nested domains"
    if any(paths[1] == path or paths[1].startswith(path + "/") for path in counted):
        yield "active-passive sharing a domain"
    yield from _of_verification(failover.verified, "failover", as_of)
    yield from _of_verification(placement.verified, "active-passive", as_of)


def _of_domains(fleet: Fleet) -> Iterator[str]:
    """Constructs of the domains that copies lie in."""
    for service in fleet.services.values():
        for path, _ in service.placement.copies if service.placement is not None else ():
            around = domains_around(fleet, path)
            numbers = [fleet.domains[prefix].availability for prefix, _ in around if prefix in fleet.domains]
            stated = [number for number in numbers if number is not None]
            yield from ["domain that states no availability"] if None in numbers else []
            yield from ["domain named only in copies"] if path not in fleet.domains else []
            yield from ["domain with an availability"] if stated else []
            yield from ["nested domains with availabilities"] if len(stated) > 1 else []
            for depth, (prefix, kind) in enumerate(around, start=1):
                declared = fleet.domains.get(prefix)
                if declared is not None:
                    yield "domain mttr stated" if declared.mttr is not None else "domain mttr default"
                    yield from ["domain of another kind than its depth says"] if kind != {1: "region", 2: "zone"}.get(depth, kind) else []
                    yield from ["domain of kind cell with an availability"] if kind == "cell" and declared.availability is not None else []


def _of_affinity(fleet: Fleet, service: Service, ask: Ask) -> Iterator[str]:
    """What a need asks of copies beside it, by the way it asks."""
    placement = service.placement
    if placement is None or placement.affinity is Affinity.ANY:
        return
    near = {surrounding(fleet, path, placement.affinity.value) for path, _ in placement.copies}
    asked = {"member" if len(ask.callees) > 1 else "need": ask.callees if ask.required else ()}
    asked["broker"] = (ask.broker,) if ask.broker is not None else ()
    if ask.fallback is not None:
        asked["cached"] = ask.callees if ask.fallback.kind is FallbackKind.CACHED else ()
        asked["stand-in"] = (ask.fallback.service,) if ask.fallback.service is not None else ()
    for way, names in asked.items():
        for name in names:
            callee = fleet.services[name].placement
            if callee is None:
                yield f"affinity, {way} without placement"
            elif callee.mode is PlacementMode.ACTIVE_PASSIVE:
                yield f"affinity, {way} active-passive" if way == "need" else "affinity, other active-passive"
            else:
                yield from _of_near(way, near, [path for path, _ in callee.copies])


def _of_near(way: str, near: set[str | None], paths: list[str]) -> Iterator[str]:
    for domain in near:
        if domain is None:
            yield "affinity, calling copy in no such domain"
        else:
            beside = [path for path in paths if path == domain or path.startswith(domain + "/")]
            how = "none beside" if not beside else "all beside" if len(beside) == len(paths) else "some beside"
            yield f"affinity, {way}, {how}" if how != "all beside" else f"affinity, {how}"


def _of_limits(fleet: Fleet, seen: View, as_of: date) -> Iterator[str]:
    """Constructs of caches and failovers that look at ages."""
    world = World(fleet, as_of, is_unknown_down=True)
    instances = reached(seen, fleet.services)
    stalenesses: dict[str, set[timedelta]] = {}
    caches: Counter[str] = Counter()
    for name, asks in seen.asks.items():
        for ask in asks:
            if ask.fallback is not None and ask.fallback.staleness is not None:
                callee = ask.callees[0]
                stalenesses.setdefault(callee, set()).add(ask.fallback.staleness)
                caches[callee] += 1
                outer = {limit for instance, limit in instances if instance == name and limit > timedelta()}
                yield from ["cache inside a cache, inner limit longer"] if any(limit < ask.fallback.staleness for limit in outer) else []
                yield from ["cache inside a cache, outer limit longer"] if any(limit > ask.fallback.staleness for limit in outer) else []
                yield from ["staleness of nothing"] if ask.fallback.staleness == timedelta() else []
                yield from (
                    ["stand-in or broker behind a cache"]
                    if any(inner.broker or (inner.fallback and inner.fallback.service) for inner in seen.asks[callee])
                    else []
                )
    yield from ["several stalenesses on one service"] if any(len(each) > 1 for each in stalenesses.values()) else []
    yield from ["one age seen by several caches"] if any(number > 1 for number in caches.values()) else []
    yield from ["cache over an unknown own part"] if any(is_unknown(fleet, fleet.services[name]) for name in stalenesses) else []
    looked_at = {part for name, limit in instances if limit > timedelta() for part in world.parts_of(fleet.services[name])}
    for service in fleet.services.values():
        failover = service.placement.failover if service.placement is not None else None
        if (
            failover is not None
            and failover.time
            and any(part in looked_at and world.can_fail(part) for part in world.trigger_parts(service))
        ):
            yield "one age seen by a cache and a failover"


def _of_journeys(fleet: Fleet) -> Iterator[str]:
    for journey in fleet.journeys.values():
        yield "journey with users" if journey.users is not None else "journey without users"
        yield from ["journey with a tier"] if journey.tier is not None else []
        for criterion in journey.succeeds:
            number = len(criterion.services)
            kind = "any of" if criterion.required == 1 else "all" if criterion.required == number else "k of n"
            yield f"journey over {kind}" if criterion.is_group else "journey over a service"
            yield from (
                ["journey over a service with endpoint shares"]
                if any(fleet.services[name].has_shares for name in criterion.services)
                else []
            )


def _of_cycles(seen: View) -> Iterator[str]:
    """Constructs of the cycles among serve needs."""
    reach = {name: _reach(seen, name) for name in seen.asks}
    for name, asks in seen.asks.items():
        if name not in reach[name]:
            continue
        inside = [ask for ask in asks if any(name in reach[other] or name == other for other in _named(ask))]
        yield "cycle"
        for ask in inside:
            yield from ["cycle with a group"] if 0 < ask.required < len(ask.callees) else []
            yield from [f"cycle with a fallback, {ask.fallback.kind.value}"] if ask.fallback is not None else []
            yield from ["cycle with a broker"] if ask.broker is not None else []
            yield from ["cycle with a share"] if ask.draw is not None else []
            yield from (
                [f"cycle through an endpoint {'with' if seen.fleet.services[name].has_shares else 'without'} shares"]
                if ask.key.endpoint
                else []
            )
        placement = seen.fleet.services[name].placement
        if placement is not None:
            yield "cycle through an active-passive" if placement.mode is PlacementMode.ACTIVE_PASSIVE else "cycle through copies"
            yield from ["cycle with affinity"] if placement.affinity is not Affinity.ANY else []
        members = {other for other in reach[name] if name in reach[other]}
        between = [ask for member in members for ask in seen.asks[member] if members & set(_named(ask))]
        if all(ask.required == len(ask.callees) and ask.fallback is None and ask.draw is None and not ask.key.endpoint for ask in between):
            yield "cycle, all hard"


def _named(ask: Ask) -> Iterator[str]:
    yield from ask.callees if ask.required else ()
    if ask.fallback is not None and ask.fallback.service is not None:
        yield ask.fallback.service
    if ask.broker is not None:
        yield ask.broker


def _reach(seen: View, name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in {other for ask in seen.asks[waiting.pop()] for other in _named(ask)} - found:
            found.add(other)
            waiting.append(other)
    return found
