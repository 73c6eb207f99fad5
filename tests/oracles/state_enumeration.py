"""An independent oracle: the availability of small fleets by looking at every joint state of everything random.

It iterates the greatest fixed point of design section 3 on the fleet itself: every (service, limit) pair starts as up in
every joint state, and what its formula does not support is taken away until nothing changes. No graph, no simplification,
no decision diagram, no cycle treated apart; nothing of ``truetier.graph`` or ``truetier.availability`` is imported.

How the text was understood where it leaves room (see also ``reading``):

- *Own unknown* (no availability, no promise; T4 promises nothing): low takes it as down in every state, with an age as any
  other outage, so that an old enough cache sees it up; high takes it as perfect.
- *Domains of kind cell* change no probability, also when they state an availability.
- *Active-passive*: ``copy 1 up`` is here(1), needs included; the failover looks at the real ages, also inside up(t | x). Own part or
  common cause stay in series with the pair.
- *Affinity* looks for the innermost surrounding domain of that kind; a copy outside any asks the whole callee. It holds alike for
  plain needs, members, brokers, stand-ins and caches; ``full`` asks the whole callee.
- *Endpoint with shares*: its service given the draw, for everyone who needs that service. *Endpoint without shares*: only the
  request asked about is limited to this endpoint's and the common needs; whoever needs the service in turn still needs every endpoint.
- *Ceiling*: own, common cause, copies, fallbacks and failover of the subject are perfect wherever they are looked at, also in cycles.
- *A draw* of a conditional need exists in the verified reading only where the need's claim is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.oracles.reading import COMMON, Reading, staleness_of, surrounding
from tests.oracles.state_space import at_least
from tests.oracles.world import PLAIN, World, is_unknown, own_part, reached
from truetier.catalog.model import FallbackKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date, timedelta

    from tests.oracles.reading import Ask
    from tests.oracles.world import Component, Instance
    from truetier.catalog.model import Endpoint, Fleet, Journey, Service


class Interval(NamedTuple):
    """Unavailability and availability; low and high differ only where an own availability is unknown."""

    down_low: float
    down_high: float
    up_low: float
    up_high: float


class Numbers(NamedTuple):
    """What the text calls delivered, full, ceiling and verified."""

    delivered: Interval
    full: Interval
    ceiling: Interval
    verified: Interval


class Outcome(NamedTuple):
    """The numbers of every subject; endpoints are named ``service/endpoint``."""

    services: dict[str, Numbers]
    journeys: dict[str, Numbers]
    endpoints: dict[str, Numbers]


class Scene(NamedTuple):
    """What is held fixed: the service whose own parts are perfect, and the service and endpoint that are drawn."""

    perfect: str | None = None
    drawn: tuple[str, str] | None = None


class Solution:
    """The greatest fixed point of one reading in one scene."""

    def __init__(self, world: World, reading: Reading, scene: Scene, roots: Iterable[str]) -> None:
        self._world = world
        self._scene = scene
        self._all = world.space.all
        seen = world.views[reading]
        self._services = world.fleet.services
        self._asks = seen.asks
        self._sites = seen.sites
        self._instances = reached(seen, roots)
        self._own = {(name, limit): self._is_up(own_part(self._services[name]), limit) for name, limit in self._instances}
        self._alone = {
            (instance, index): self._standing(*instance, index) for instance in self._instances for index in self._copies(instance[0])
        }
        self._near = {name: tuple(self._beside(name, index) for index in self._copies(name)) for name in dict(self._instances)}
        self._sparing = {ask.key: self._spared(ask) for name in dict(self._instances) for ask in self._asks[name]}
        self._whole: dict[Instance, int] = dict.fromkeys(self._instances, self._all)
        self._here: dict[tuple[Instance, int], int] = {
            (instance, index): self._all for instance in self._instances for index in self._copies(instance[0])
        }
        while self._take_away():
            pass

    def up(self, name: str) -> int:
        """Where the service is up."""
        return self._whole[name, PLAIN]

    def only(self, name: str, endpoint: Endpoint) -> int:
        """Where the service is up for a request that needs this endpoint alone."""
        heres = [self._copy(name, PLAIN, index, endpoint.name) for index in self._copies(name)]
        return self._together(name, PLAIN, heres)

    def full(self, roots: Iterable[str]) -> dict[str, int]:
        """Where each service that the roots wait for is up with everything."""
        names = [name for name, limit in self._instances if limit == PLAIN]
        full = {name: self.up(name) for name in names}
        is_moving = True
        while is_moving:
            is_moving = False
            for name in names:
                less = full[name] & self._all_full(name, full, None)
                is_moving = is_moving or less != full[name]
                full[name] = less
        return {root: full[root] for root in roots}

    def full_only(self, name: str, endpoint: Endpoint) -> int:
        """Where a request that needs this endpoint alone meets a full service."""
        return self.only(name, endpoint) & self._all_full(name, self.full(self._asked_fully()), endpoint.name)

    def _asked_fully(self) -> list[str]:
        return [name for name, limit in self._instances if limit == PLAIN]

    def _all_full(self, name: str, full: dict[str, int], endpoint: str | None) -> int:
        """Where every sync need that counts for the request is full."""
        states = self._all
        for ask in self._asks_for(name, endpoint):
            if ask.required:
                states &= at_least(ask.required, [full[callee] for callee in ask.callees], self._all) | self._sparing[ask.key]
        return states

    def _take_away(self) -> bool:
        """One round over every instance; whether something was taken away."""
        is_moving = False
        for instance in self._instances:
            name, limit = instance
            heres = []
            for index in self._copies(name):
                here = self._copy(name, limit, index, None)
                is_moving = is_moving or here != self._here[instance, index]
                self._here[instance, index] = here
                heres.append(here)
            whole = self._together(name, limit, heres)
            is_moving = is_moving or whole != self._whole[instance]
            self._whole[instance] = whole
        return is_moving

    def _together(self, name: str, limit: timedelta, heres: list[int]) -> int:
        """up(s | limit) from here(i): own part, and enough copies or the standby."""
        own = self._own[name, limit]
        site = self._sites[name]
        if not site.is_pair:
            return own & at_least(site.required, heres, self._all)
        if not site.has_standby:
            return own & heres[0]
        return own & (heres[0] | (self._triggered(name) & heres[1]))

    def _triggered(self, name: str) -> int:
        """Where a single component of copy 1 or its domains has been down long enough and the failover works."""
        service = self._services[name]
        placement = service.placement
        if placement is None or placement.failover is None:
            return 0
        states = 0
        for part in self._world.trigger_parts(service):
            states |= self._all & ~self._is_up(part, placement.failover.time)
        return states if name == self._scene.perfect else states & self._world.fails_over(name)

    def _is_up(self, part: Component, limit: timedelta) -> int:
        if part[0] != "domain" and part[1] == self._scene.perfect:
            return self._all
        return self._world.up(part, limit)

    def _copies(self, name: str) -> range:
        return range(len(self._sites[name].paths))

    def _standing(self, name: str, limit: timedelta, index: int) -> int:
        """Where one copy and every domain around it are up."""
        states = self._all
        for part in self._world.copy_parts(self._services[name], index, self._sites[name].paths[index]):
            states &= self._is_up(part, limit)
        return states

    def _beside(self, name: str, index: int) -> str | None:
        """The domain whose copies serve that copy; None where any copy does."""
        site = self._sites[name]
        return None if site.affinity == "any" else surrounding(self._world.fleet, site.paths[index], site.affinity)

    def _copy(self, name: str, limit: timedelta, index: int, endpoint: str | None) -> int:
        """here(i | limit): the copy, every domain around it, and every serve need."""
        states = self._alone[(name, limit), index]
        for ask in self._asks_for(name, endpoint):
            states &= self._ok(ask, limit, self._near[name][index]) | self._sparing[ask.key]
        return states

    def _asks_for(self, name: str, endpoint: str | None) -> Iterator[Ask]:
        """Every need of a request; of one that needs a single endpoint, those of that endpoint and the common ones."""
        return (ask for ask in self._asks[name] if endpoint is None or ask.key.endpoint in (COMMON, endpoint))

    def _spared(self, ask: Ask) -> int:
        """Where the request does not need it: its condition does not hold, or another endpoint is drawn."""
        spared = 0
        if ask.draw is not None:
            spared |= self._all & ~self._world.holds(ask.draw)
        service = self._services[ask.key.service]
        if ask.key.endpoint != COMMON and service.has_shares:
            if self._scene.drawn is not None and self._scene.drawn[0] == service.name:
                return spared if self._scene.drawn[1] == ask.key.endpoint else self._all
            spared |= self._all & ~self._world.draws(service, ask.key.endpoint)
        return spared

    def _ok(self, ask: Ask, limit: timedelta, near: str | None) -> int:
        """Where the need is met, asked by a copy that is served from that domain."""
        states = self._all
        if ask.required:
            states = at_least(ask.required, [self._asked(callee, limit, near) for callee in ask.callees], self._all)
        if ask.fallback is not None:
            states |= self._works(ask) & self._answered_otherwise(ask, limit, near)
        if ask.broker is not None:
            states &= self._asked(ask.broker, limit, near)
        return states

    def _works(self, ask: Ask) -> int:
        return self._all if ask.key.service == self._scene.perfect else self._world.works(ask.key)

    def _answered_otherwise(self, ask: Ask, limit: timedelta, near: str | None) -> int:
        """What a working fallback still needs."""
        staleness = staleness_of(ask)
        if staleness is not None:
            return self._asked(ask.callees[0], max(limit, staleness), near)
        if ask.fallback is not None and ask.fallback.kind is FallbackKind.STAND_IN and ask.fallback.service is not None:
            return self._asked(ask.fallback.service, limit, near)
        return self._all

    def _asked(self, callee: str, limit: timedelta, near: str | None) -> int:
        """up(callee | limit) as seen from a copy: the copies beside it, or the whole callee where there are none."""
        site = self._sites[callee]
        beside = () if near is None or site.is_pair else site.beside(near)
        if not beside:
            return self._whole[callee, limit]
        required = -(-site.required * len(beside) // len(site.paths))
        heres = [self._here[(callee, limit), index] for index in beside]
        return self._own[callee, limit] & at_least(required, heres, self._all)


def enumerate_states(fleet: Fleet, as_of: date) -> Outcome:
    """The numbers of every service, journey and endpoint of the fleet."""
    worst = World(fleet, as_of, is_unknown_down=True)
    best = worst
    if any(is_unknown(fleet, service) for service in fleet.services.values()):
        best = World(fleet, as_of, is_unknown_down=False)
    low, high = _Sums(worst), _Sums(best)
    return Outcome(
        {name: _numbers(low.of(name), high.of(name)) for name in fleet.services},
        {name: _numbers(low.of_journey(journey), high.of_journey(journey)) for name, journey in fleet.journeys.items()},
        {
            f"{service.name}/{endpoint.name}": _numbers(low.of_endpoint(service, endpoint), high.of_endpoint(service, endpoint))
            for service in fleet.services.values()
            for endpoint in service.endpoints
        },
    )


class Part(NamedTuple):
    """How much of the time a subject is down and up."""

    down: float
    up: float


class _Sums:
    """The four numbers of every subject, with the unknown own parts taken one way."""

    def __init__(self, world: World) -> None:
        self._world = world
        names = tuple(world.fleet.services)
        self._trusting = Solution(world, Reading.TRUSTING, Scene(), names)
        self._verified = Solution(world, Reading.VERIFIED, Scene(), names)
        self._full = self._trusting.full(names)

    def of(self, name: str) -> tuple[Part, ...]:
        """The numbers of a service."""
        ceiling = Solution(self._world, Reading.TRUSTING, Scene(perfect=name), (name,)).up(name)
        return self._parts(self._trusting.up(name), self._full[name], ceiling, self._verified.up(name))

    def of_journey(self, journey: Journey) -> tuple[Part, ...]:
        """The numbers of a journey: its ceiling is what is delivered."""
        delivered = self._succeeds(journey, self._trusting.up)
        full = self._succeeds(journey, self._full.__getitem__)
        return self._parts(delivered, full, delivered, self._succeeds(journey, self._verified.up))

    def of_endpoint(self, service: Service, endpoint: Endpoint) -> tuple[Part, ...]:
        """The numbers of an endpoint: its service given the draw, or with its needs alone."""
        name = service.name
        drawn = (name, endpoint.name) if service.has_shares else None
        trusting = Solution(self._world, Reading.TRUSTING, Scene(drawn=drawn), (name,))
        ceiling = Solution(self._world, Reading.TRUSTING, Scene(perfect=name, drawn=drawn), (name,))
        verified = Solution(self._world, Reading.VERIFIED, Scene(drawn=drawn), (name,))
        return self._parts(
            trusting.only(name, endpoint), trusting.full_only(name, endpoint), ceiling.only(name, endpoint), verified.only(name, endpoint)
        )

    def _succeeds(self, journey: Journey, states_of: Callable[[str], int]) -> int:
        everything = self._world.space.all
        states = everything
        for criterion in journey.succeeds:
            states &= at_least(criterion.required, [states_of(name) for name in criterion.services], everything)
        return states

    def _parts(self, *readings: int) -> tuple[Part, ...]:
        space = self._world.space
        return tuple(Part(space.probability(space.all & ~states), space.probability(states)) for states in readings)


def _numbers(low: tuple[Part, ...], high: tuple[Part, ...]) -> Numbers:
    return Numbers(*(Interval(good.down, bad.down, bad.up, good.up) for bad, good in zip(low, high, strict=True)))
