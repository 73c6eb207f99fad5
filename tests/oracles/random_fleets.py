"""Seeded random fleets, small enough to enumerate, in which every construct of the catalog turns up.

Each fleet has a taste: a few constructs it is full of, so that rare ones meet each other often enough to matter.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from tests.oracles.fleet_parts import SEEN, WRITTEN
from tests.oracles.world import World
from truetier.catalog.evidence import Verification
from truetier.catalog.model import (
    Affinity,
    Criterion,
    Domain,
    Endpoint,
    Failover,
    Fallback,
    FallbackKind,
    Fleet,
    Hardness,
    Journey,
    Mode,
    Need,
    Phase,
    Placement,
    PlacementMode,
    Plane,
    Service,
    Target,
)
from truetier.catalog.tier import BUILT_IN, Tier, TierTable
from truetier.units import CERTAIN, WHOLE, Availability, Share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AS_OF = date(2026, 11, 23)
MOST_EVENTS = 16
_MOST_STATES = 1 << 16
_USUALLY = ((4, 1 << 11), (7, 1 << 12), (9, 1 << 13))  # fewest events, most joint states

# How likely each feature is, usually and in a fleet with a taste for it.
_FEATURES = {
    "cycle": (0.15, 0.9),
    "group": (0.12, 0.5),
    "slow group": (0.35, 0.9),
    "static": (0.12, 0.5),
    "cached": (0.12, 0.75),
    "stand-in": (0.1, 0.6),
    "weak soft": (0.15, 0.6),
    "tight budget": (0.2, 0.8),
    "async": (0.08, 0.5),
    "phase": (0.08, 0.4),
    "condition": (0.1, 0.5),
    "unknown need": (0.05, 0.3),
    "placement": (0.15, 0.85),
    "affinity": (0.3, 0.9),
    "pair": (0.2, 0.7),
    "endpoints": (0.12, 0.6),
    "unknown own": (0.05, 0.3),
    "perfect": (0.25, 0.6),
    "journeys": (0.3, 1.0),
    "verified": (0.35, 0.8),
    "trimmings": (0.1, 0.5),
}
# Constructs that rarely meet by chance and are interesting where they do.
_MEETINGS = (
    ("placement", "affinity", "perfect", "cached"),
    ("placement", "affinity", "perfect", "stand-in"),
    ("placement", "affinity", "perfect", "stand-in"),
    ("placement", "affinity", "perfect", "async"),
    ("placement", "affinity", "perfect", "async"),
    ("placement", "affinity", "perfect", "group"),
    ("placement", "affinity", "perfect", "pair"),
    ("placement", "pair", "cached", "perfect"),
    ("cached", "perfect", "cycle"),
    ("cached", "perfect"),
    ("cached", "cycle"),
    ("cached", "stand-in", "async", "perfect"),
    ("group", "slow group", "tight budget"),
    ("group", "slow group", "static"),
    ("group", "slow group", "cached"),
    ("static", "condition", "perfect"),
    ("stand-in", "condition", "perfect"),
    ("cached", "condition", "perfect"),
    ("placement", "affinity", "perfect", "stand-in", "cached"),
    ("placement", "affinity", "perfect", "stand-in", "async"),
    ("affinity", "perfect", "stand-in", "cached", "async"),
    ("affinity", "perfect", "stand-in", "cached"),
    ("placement", "affinity", "perfect", "stand-in", "cached", "group"),
    ("static", "condition"),
    ("group", "slow group", "perfect", "static"),
    ("group", "slow group", "tight budget", "perfect"),
)
_REGIONS = ("r1", "r2")
_ZONES = ("r1/a", "r1/b", "r2/a")
_PATHS = (*_REGIONS, *_ZONES, "r1/a/c1")
_SHARES: tuple[tuple[str, ...], ...] = (("1",), ("0.5", "0.5"), ("0.1", "0.9"), ("0.35", "0.65"), ("0.2", "0.3", "0.5"), ("0.05", "0.95"))
_VERIFICATIONS = (
    Verification("game-day", date(2026, 11, 2), date(2027, 5, 2)),
    Verification("game-day", date(2026, 11, 2), None),
    Verification("load-test", AS_OF, AS_OF),
    Verification("game-day", date(2025, 1, 1), date(2026, 11, 22)),  # ended yesterday
    Verification("game-day", date(2026, 11, 24), None),  # planned for tomorrow
)
_OWN_TABLE = TierTable(
    (
        Tier("T0", Availability(Decimal("0.9995"))),
        Tier("T1", Availability(Decimal("0.95"))),
        Tier("T2", Availability(Decimal("0.9"))),
        Tier("T3", Availability(Decimal("0.7"))),
        Tier("T4", None),
        Tier("T5", Availability(Decimal("0.4"))),
    )
)


def random_fleet(seed: int) -> Fleet:
    """The fleet of that seed: at most 16 events, at most 65,536 joint states, usually far fewer."""
    random = Random(seed)
    fewest_events, most_states = (15, _MOST_STATES) if random.random() < 0.008 else random.choice(_USUALLY)
    while True:
        made = _Maker(random).fleet()
        world = World(made, AS_OF, is_unknown_down=True)
        if fewest_events <= world.event_count <= MOST_EVENTS and world.state_count <= most_states:
            return made


class _Maker:
    """Makes one fleet, deciding everything by one source of randomness."""

    def __init__(self, random: Random) -> None:
        self._random = random
        tastes = random.choice(_MEETINGS) if random.random() < 0.6 else random.sample(sorted(_FEATURES), random.randint(2, 5))
        self._chances = {feature: chances[feature in tastes] for feature, chances in _FEATURES.items()}
        self._names = [f"s{number}" for number in range(random.choice((2, 3, 3, 4, 4, 5, 6, 7)))]
        self._limits = random.sample(
            (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=1), timedelta(hours=3), timedelta()), random.choice((1, 2, 3, 3))
        )
        self._condition_shares = {name: self._share() for name in ("rich", "abroad")}

    def fleet(self) -> Fleet:
        """The fleet."""
        services = {name: self._service(name) for name in self._names}
        journeys = [self._journey(f"j{number}") for number in range(2) if self._wants("journeys")]
        return Fleet(
            services,
            {domain.path: domain for domain in self._domains()},
            {journey.name: journey for journey in journeys},
            tiers=_OWN_TABLE if self._random.random() < 0.1 else BUILT_IN,
        )

    def _wants(self, feature: str) -> bool:
        return self._random.random() < self._chances[feature]

    def _one_in(self, number: int) -> bool:
        return self._random.randrange(number) == 0

    def _availability(self) -> Availability:
        if self._wants("perfect"):
            return CERTAIN
        down = Decimal(self._random.randint(1, 999)).scaleb(-self._random.choice((3, 3, 3, 4, 5, 6, 8)))
        return Availability(1 - down)

    def _share(self) -> Share:
        return Share(Decimal(self._random.randint(1, 99)).scaleb(-2))

    def _maybe_share(self) -> Share:
        return self._share() if self._one_in(2) else WHOLE

    def _mean(self) -> timedelta | None:
        return self._random.choice((None, None, None, timedelta(minutes=10), timedelta(minutes=45), timedelta(hours=2), timedelta(days=1)))

    def _timeout(self) -> timedelta:
        return timedelta(milliseconds=self._random.choice((20, 50, 50, 100, 150, 200)))

    def _verification(self) -> Verification | None:
        return self._random.choice(_VERIFICATIONS) if self._wants("verified") else None

    def _service(self, name: str) -> Service:
        endpoints = self._endpoints(name) if self._wants("endpoints") else ()
        placement = self._placement() if self._wants("placement") else None
        made = Service(
            name,
            WRITTEN,
            needs=tuple(self._needs(name, self._random.choice((0, 1, 1, 2) if endpoints else (0, 1, 1, 2, 2, 3)))),
            endpoints=endpoints,
            placement=placement,
            budget=timedelta(milliseconds=self._random.choice((100, 150, 200, 400, 800))) if self._wants("tight budget") else None,
            mttr=self._mean(),
            cells=self._random.choice((1, 20)) if self._wants("trimmings") else 1,
            plane=Plane.CONTROL if self._wants("trimmings") else Plane.DATA,
            layer=self._random.randrange(4) if self._wants("trimmings") else None,
            external=self._wants("trimmings"),
            observed=self._availability() if self._wants("trimmings") else None,
        )
        return self._with_own(made)

    def _with_own(self, service: Service) -> Service:
        """The service with a tier, target or availability, or with none of them."""
        if self._wants("unknown own"):
            return service._replace(tier=self._random.choice((None, "T4")))
        tier = self._random.choice((None, "T0", "T1", "T2", "T3", "T4"))
        if service.placement is not None and service.placement.availability is not None:
            return service._replace(tier=tier)
        if tier is not None and self._one_in(3):
            return service._replace(tier=tier)
        if self._one_in(4):
            return service._replace(tier=tier, target=Availability(Decimal(self._random.choice(("0.5", "0.8", "0.99", "0.99999")))))
        return service._replace(tier=tier, availability=self._availability())

    def _needs(self, name: str, number: int) -> Iterator[Need]:
        others = [other for other in self._names if other != name and (self._wants("cycle") or other > name)]
        if others:
            for _ in range(number):
                yield self._need(others)

    def _need(self, others: Sequence[str]) -> Need:
        is_group = len(others) > 1 and self._wants("group")
        need = self._group(others) if is_group else self._plain(self._random.choice(others), others)
        if self._wants("phase"):
            phases = self._random.choice(
                ((Phase.START,), (Phase.RECOVER,), (Phase.CHANGE,), (Phase.SERVE, Phase.START), (Phase.SERVE, Phase.RECOVER))
            )
            need = need._replace(phases=frozenset(phases))
        if self._wants("condition"):
            condition = self._random.choice((None, None, None, "rich", "rich", "abroad"))
            need = need._replace(condition=condition, share=self._share() if condition is None else self._condition_shares[condition])
        return need._replace(verified=self._verification())

    def _group(self, others: Sequence[str]) -> Need:
        members = self._random.sample(others, self._random.randint(2, min(4, len(others))))
        targets = [Target(member) for member in members]
        if self._wants("slow group"):
            targets = [self._target(member) for member in members]
            if not self._one_in(3):  # short, or as much as two or three of them fill a usual budget exactly
                each = timedelta(milliseconds=self._random.choice((2, 50)))
                targets = [Target(member, each) for member in members]
            if self._one_in(3):
                targets[0] = Target(members[0])  # tried in turn, yet one without a timeout
        return Need(tuple(targets), WRITTEN, required=self._random.choice((1, 1, 2, len(members))), is_group=True)

    def _target(self, name: str) -> Target:
        if self._one_in(3):
            return Target(name, self._timeout(), self._random.choice((2, 3)), timedelta(milliseconds=self._random.choice((0, 30, 50))))
        return Target(name, self._timeout())

    def _plain(self, callee: str, others: Sequence[str]) -> Need:
        evidence = SEEN if self._wants("unknown need") else WRITTEN
        target = self._target(callee) if self._one_in(3) else Target(callee)
        if self._wants("async"):
            broker = self._random.choice((None, *others))
            return Need((target,), evidence, mode=Mode.ASYNC, broker=broker)
        fallback = self._fallback(others)
        if self._wants("unknown need"):
            return Need((target,), evidence, hardness=Hardness.UNKNOWN, fallback=fallback)
        if fallback is None:
            hardness = Hardness.SOFT if self._one_in(4) and self._wants("weak soft") else self._random.choice((None, Hardness.HARD))
            return Need((target,), evidence, hardness=hardness)
        if not self._wants("weak soft"):
            target = self._target(callee) if self._one_in(2) else Target(callee, timedelta(milliseconds=self._random.choice((5, 10))))
        return Need(
            (target,),
            evidence,
            hardness=Hardness.SOFT if evidence is SEEN else self._random.choice((None, Hardness.SOFT)),
            fallback=fallback,
        )

    def _fallback(self, others: Sequence[str]) -> Fallback | None:
        works = self._availability() if self._one_in(3) else CERTAIN
        if self._wants("cached"):
            return Fallback(
                FallbackKind.CACHED, staleness=self._random.choice(self._limits), availability=works, coverage=self._maybe_share()
            )
        if self._wants("stand-in"):
            return Fallback(FallbackKind.STAND_IN, service=self._random.choice(others), availability=works, coverage=self._maybe_share())
        if self._wants("static"):
            return Fallback(FallbackKind.STATIC, availability=works, coverage=self._maybe_share())
        return None

    def _endpoints(self, name: str) -> tuple[Endpoint, ...]:
        shares = self._random.choice(_SHARES)
        has_shares = self._one_in(2)
        return tuple(
            Endpoint(
                f"e{number}",
                WRITTEN,
                tier=self._random.choice((None, "T1", "T3")),
                share=Share(Decimal(shares[number])) if has_shares else None,
                needs=tuple(self._needs(name, self._random.choice((0, 1, 1, 2)))),
            )
            for number in range(len(shares))
        )

    def _placement(self) -> Placement:
        own = self._availability() if self._one_in(2) else None
        common = self._random.choice((None, None, Share(Decimal("0.25")), Share(Decimal(0)), WHOLE)) if own is not None else None
        if self._wants("pair"):
            paths = self._random.sample(_PATHS, 2)
            copies = tuple((path, 1) for path in paths) if not self._one_in(6) else ((paths[0], 2),)
            failover = Failover(self._random.choice(self._limits), self._maybe_share(), self._verification())
            return Placement(
                copies,
                WRITTEN,
                availability=own,
                common_cause=common,
                mode=PlacementMode.ACTIVE_PASSIVE,
                failover=failover,
                verified=self._verification(),
            )
        counts: defaultdict[str, int] = defaultdict(int)
        places = (self._random.choice(_PATHS),) if self._one_in(5) else _PATHS
        for _ in range(self._random.choice((1, 2, 2, 2, 3, 3, 4))):
            counts[self._random.choice(places)] += 1
        number = sum(counts.values())
        return Placement(
            tuple(counts.items()),
            WRITTEN,
            availability=own,
            common_cause=common,
            need=self._random.randint(1, number) if self._one_in(3) else None,
            affinity=self._random.choice((Affinity.REGION, Affinity.ZONE)) if self._wants("affinity") else Affinity.ANY,
            verified=self._verification(),
        )

    def _domains(self) -> Iterator[Domain]:
        """Some of the domains, some with a number; the others are known from ``copies`` alone."""
        for path in _PATHS:
            if self._one_in(2):
                kind = {1: "region", 2: "zone"}.get(path.count("/") + 1, self._random.choice(("cell", "cluster")))
                if self._one_in(12):
                    kind = self._random.choice(("account", "provider", "cell"))
                yield Domain(path, kind, WRITTEN, availability=None if self._one_in(4) else self._availability(), mttr=self._mean())

    def _journey(self, name: str) -> Journey:
        criteria = []
        for _ in range(self._random.randint(1, 2)):
            if len(self._names) > 1 and self._one_in(2):
                members = self._random.sample(self._names, self._random.randint(2, min(3, len(self._names))))
                criteria.append(Criterion(tuple(members), self._random.choice((1, 2, len(members))), is_group=True))
            else:
                criteria.append(Criterion((self._random.choice(self._names),)))
        users = self._share() if self._one_in(2) else None
        return Journey(name, WRITTEN, tier=self._random.choice((None, "T1", "T3")), succeeds=tuple(criteria), users=users)
