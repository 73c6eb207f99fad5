"""The same semantics once more, one joint state at a time with plain true and false: slow, and too simple to be wrong alike."""

from __future__ import annotations

from itertools import product
from math import fsum, prod
from typing import TYPE_CHECKING

from tests.oracles.reading import Reading, surrounding
from tests.oracles.world import World, own_part, reached
from truetier.catalog.model import FallbackKind

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from datetime import date, timedelta

    from tests.oracles.reading import Ask
    from tests.oracles.world import Component, Instance
    from truetier.catalog.model import Fleet


class _State:
    """One joint state: which value each event has."""

    def __init__(self, world: World, reading: Reading, values: Mapping[Hashable, int]) -> None:
        self._world = world
        self._view = world.views[reading]
        self._values = values
        self._instances = reached(self._view, world.fleet.services)

    def up(self) -> set[str]:
        """The services that are up."""
        everywhere = {(instance, index) for instance in self._instances for index in range(len(self._view.sites[instance[0]].paths))}
        while True:
            kept = {(instance, index) for instance, index in everywhere if self._is_here(instance, index, everywhere)}
            if kept == everywhere:
                return {name for name, limit in self._instances if not limit and self._is_whole(name, limit, kept)}
            everywhere = kept

    def _is_part_up(self, part: Component, limit: timedelta) -> bool:
        value = self._values.get(part, 0)
        return value == 0 or sum(known <= limit for known in self._world.limits(part)) >= value

    def _is_here(self, instance: Instance, index: int, everywhere: set[tuple[Instance, int]]) -> bool:
        name, limit = instance
        site = self._view.sites[name]
        parts = self._world.copy_parts(self._world.fleet.services[name], index, site.paths[index])
        near = None if site.affinity == "any" else surrounding(self._world.fleet, site.paths[index], site.affinity)
        return all(self._is_part_up(part, limit) for part in parts) and all(
            self._is_met(ask, limit, near, everywhere) for ask in self._view.asks[name]
        )

    def _is_met(self, ask: Ask, limit: timedelta, near: str | None, everywhere: set[tuple[Instance, int]]) -> bool:
        service = self._world.fleet.services[ask.key.service]
        if ask.draw is not None and self._values.get(("draw", ask.draw), 0) != 0:
            return True
        if ask.key.endpoint and service.has_shares:
            drawn = service.endpoints[self._values[("endpoint", service.name)]]
            if drawn.name != ask.key.endpoint:
                return True
        is_met = not ask.required or sum(self._is_answered(name, limit, near, everywhere) for name in ask.callees) >= ask.required
        if not is_met and ask.fallback is not None and self._values.get(("works", ask.key), 0) == 0:
            match ask.fallback.kind:
                case FallbackKind.STATIC:
                    is_met = True
                case FallbackKind.CACHED:
                    staleness = ask.fallback.staleness
                    is_met = staleness is not None and self._is_answered(ask.callees[0], max(limit, staleness), near, everywhere)
                case FallbackKind.STAND_IN:
                    other = ask.fallback.service
                    is_met = other is not None and self._is_answered(other, limit, near, everywhere)
        return is_met and (ask.broker is None or self._is_answered(ask.broker, limit, near, everywhere))

    def _is_answered(self, name: str, limit: timedelta, near: str | None, everywhere: set[tuple[Instance, int]]) -> bool:
        site = self._view.sites[name]
        beside = site.beside(near) if near is not None and not site.is_pair else ()
        if not beside:
            return self._is_whole(name, limit, everywhere)
        alive = sum(((name, limit), index) in everywhere for index in beside)
        return self._is_part_up(own_part(self._world.fleet.services[name]), limit) and alive * len(site.paths) >= site.required * len(
            beside
        )

    def _is_whole(self, name: str, limit: timedelta, everywhere: set[tuple[Instance, int]]) -> bool:
        service = self._world.fleet.services[name]
        site = self._view.sites[name]
        here = [((name, limit), index) in everywhere for index in range(len(site.paths))]
        if not self._is_part_up(own_part(service), limit):
            return False
        if not site.is_pair:
            return sum(here) >= site.required
        placement = service.placement
        if here[0] or not site.has_standby or placement is None or placement.failover is None:
            return here[0]
        after = placement.failover.time
        is_triggered = any(not self._is_part_up(part, after) for part in self._world.trigger_parts(service))
        return is_triggered and self._values.get(("failover", name), 0) == 0 and here[1]


def walk(fleet: Fleet, as_of: date, reading: Reading, *, is_unknown_down: bool) -> dict[str, float]:
    """The unavailability of every service."""
    world = World(fleet, as_of, is_unknown_down=is_unknown_down)
    events = world.space.events
    down: dict[str, list[float]] = {name: [] for name in fleet.services}
    for values in product(*(range(len(event.probabilities)) for event in events)):
        weight = prod(event.probabilities[value] for event, value in zip(events, values, strict=True))
        up = _State(world, reading, {event.name: value for event, value in zip(events, values, strict=True)}).up()
        for name in fleet.services:
            if name not in up:
                down[name].append(weight)
    return {name: fsum(weights) for name, weights in down.items()}
