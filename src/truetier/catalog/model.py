"""The fleet as immutable values. What a key means: docs/catalog.md; what a number means: docs/theory.md."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Never

from truetier.catalog.observed import NOTHING_OBSERVED, Observed
from truetier.catalog.tier import BUILT_IN, TierTable
from truetier.record import NamedTuple
from truetier.units import CERTAIN, WHOLE, Availability, Share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from truetier.catalog.evidence import Conflict, Evidence, Verification
    from truetier.catalog.measured import Measured

DEFAULT_MTTR = timedelta(minutes=60)
_NOTHING: Mapping[str, Never] = MappingProxyType({})


class Hardness(Enum):
    """What the catalog says of a caller when the callee fails: fails too, survives, or nobody knows."""

    HARD = "hard"
    SOFT = "soft"
    UNKNOWN = "unknown"


class Mode(Enum):
    """Whether the caller waits for the answer."""

    SYNC = "sync"
    ASYNC = "async"


class Phase(Enum):
    """When a dependency is needed."""

    SERVE = "serve"
    START = "start"
    RECOVER = "recover"
    CHANGE = "change"


AT_SERVE = frozenset({Phase.SERVE})  # one object, since most needs have no other phase
ANY_PHASE = frozenset(Phase)  # of a call that was seen, but not when
_BEFORE_SERVE = frozenset({Phase.START, Phase.RECOVER})


class Plane(Enum):
    """``data`` serves user traffic, ``control`` changes the fleet."""

    DATA = "data"
    CONTROL = "control"


class FallbackKind(Enum):
    """What answers instead of the callee."""

    STATIC = "static"
    CACHED = "cached"
    STAND_IN = "stand-in"


class Affinity(Enum):
    """Which copies of a callee serve a copy of the caller."""

    ANY = "any"
    REGION = "region"
    ZONE = "zone"


class PlacementMode(Enum):
    """Whether all copies serve, or the second waits for the first to fail."""

    ACTIVE_ACTIVE = "active-active"
    ACTIVE_PASSIVE = "active-passive"


class Fallback(NamedTuple):
    """What a soft caller does instead. ``staleness`` only when cached, ``service`` only for a stand-in."""

    kind: FallbackKind
    staleness: timedelta | None = None
    service: str | None = None
    availability: Availability = CERTAIN
    coverage: Share = WHOLE


class Target(NamedTuple):
    """One callee and how often and how long it is tried."""

    service: str
    timeout: timedelta | None = None
    attempts: int = 1
    backoff: timedelta = timedelta()

    @property
    def patience(self) -> timedelta | None:
        """The longest all attempts can take together: attempts x timeout + (attempts - 1) x backoff."""
        if self.timeout is None or self.attempts == 1:
            return self.timeout
        return self.attempts * self.timeout + (self.attempts - 1) * self.backoff


class Need(NamedTuple):
    """One item of ``needs``: one callee, or a group of which ``required`` must answer."""

    targets: tuple[Target, ...]
    evidence: Evidence
    required: int = 1
    is_group: bool = False
    hardness: Hardness | None = None  # as written; None when the key is absent
    mode: Mode = Mode.SYNC
    phases: frozenset[Phase] = AT_SERVE
    share: Share = WHOLE
    condition: str | None = None
    fallback: Fallback | None = None
    broker: str | None = None
    verified: Verification | None = None

    @property
    def service(self) -> str:
        """The callee of a plain need; of a group, its first member."""
        return self.targets[0].service

    @property
    def services(self) -> tuple[str, ...]:
        """Every service the need names: members, then stand-in, then broker."""
        names = [target.service for target in self.targets]
        if self.fallback is not None and self.fallback.service is not None:
            names.append(self.fallback.service)
        if self.broker is not None:
            names.append(self.broker)
        return tuple(names)

    @property
    def at_serve(self) -> bool:
        """Whether the need counts while requests are served."""
        return self.phases is AT_SERVE or Phase.SERVE in self.phases

    @property
    def is_before_serve(self) -> bool:
        """Whether the need counts before any request is served: to start or to recover."""
        return self.phases is not AT_SERVE and not _BEFORE_SERVE.isdisjoint(self.phases)

    def __str__(self) -> str:
        if not self.is_group:
            return self.service
        names = ", ".join(target.service for target in self.targets)
        return f"any of {names}" if self.required == 1 else f"{self.required} of {names}"


class Failover(NamedTuple):
    """How long the standby takes to step in, and how often it manages to."""

    time: timedelta
    coverage: Share = WHOLE
    verified: Verification | None = None


class Placement(NamedTuple):
    """Where the copies run: ``copies`` maps a failure domain to a number, in file order."""

    copies: tuple[tuple[str, int], ...]
    evidence: Evidence
    availability: Availability | None = None  # of one copy; replaces own
    common_cause: Share | None = None  # None: the default of 10 %
    need: int | None = None  # None: what is left when the fullest domain is lost
    affinity: Affinity = Affinity.ANY
    mode: PlacementMode = PlacementMode.ACTIVE_ACTIVE
    failover: Failover | None = None
    verified: Verification | None = None
    measured: Measured | None = None  # of one copy

    @property
    def has_copies(self) -> bool:
        """Whether copies fail one by one: somebody stated or measured how often one does."""
        return self.availability is not None or self.measured is not None

    @property
    def total(self) -> int:
        """How many copies there are."""
        return sum(number for _, number in self.copies)

    @property
    def required(self) -> int:
        """k: stated, else the copies left when the fullest domain is lost (one domain: n - 1), at least 1."""
        if self.need is not None:
            return self.need
        if self.mode is PlacementMode.ACTIVE_PASSIVE:
            return 1
        lost = 1 if len(self.copies) == 1 else max(number for _, number in self.copies)
        return max(1, self.total - lost)


class Endpoint(NamedTuple):
    """A part of a service with its own needs and perhaps its own tier; all or none of them have a share."""

    name: str
    evidence: Evidence
    tier: str | None = None
    share: Share | None = None
    needs: Sequence[Need] = ()


class Fact(NamedTuple):
    """Something a source saw that has no key in the catalog: kept, never used as a number."""

    key: str
    value: str
    evidence: Evidence


class Service(NamedTuple):
    """One service as all sources together describe it; None where nobody said."""

    name: str
    evidence: Evidence
    tier: str | None = None
    target: Availability | None = None
    availability: Availability | None = None  # own
    observed: Availability | None = None  # end to end; never enters delivered
    owner: str | None = None
    plane: Plane = Plane.DATA
    layer: int | None = None
    budget: timedelta | None = None
    mttr: timedelta | None = None
    cells: int = 1
    external: bool = False
    aliases: tuple[str, ...] = ()
    needs: Sequence[Need] = ()
    endpoints: tuple[Endpoint, ...] = ()
    placement: Placement | None = None
    measured: Measured | None = None  # own
    facts: tuple[Fact, ...] = ()
    keys: Mapping[str, Evidence] = _NOTHING  # who says each stated key, and where

    @property
    def all_needs(self) -> Iterator[Need]:
        """Needs of the service, then those of its endpoints."""
        yield from self.needs
        for endpoint in self.endpoints:
            yield from endpoint.needs

    @property
    def has_shares(self) -> bool:
        """Whether its endpoints are drawn by shares; else every endpoint is needed."""
        return bool(self.endpoints) and self.endpoints[0].share is not None


class Domain(NamedTuple):
    """A failure domain; its path is inside every prefix: ``us-east-1/a`` is inside ``us-east-1``."""

    path: str
    kind: str
    evidence: Evidence | None = None
    availability: Availability | None = None  # given that the domains around it work; None: not counted
    mttr: timedelta | None = None


class Criterion(NamedTuple):
    """One item a journey needs to succeed: a service, or k of several. A definition, not a claim."""

    services: tuple[str, ...]
    required: int = 1
    is_group: bool = False


class Journey(NamedTuple):
    """Something a user sees: it succeeds when all its criteria hold."""

    name: str
    evidence: Evidence
    tier: str | None = None
    succeeds: tuple[Criterion, ...] = ()
    users: Share | None = None


class Waiver(NamedTuple):
    """An accepted exception: rule (code or slug) and subject, who owns it, why, and its last day."""

    rule: str
    subject: str
    owner: str
    reason: str
    expires: date
    evidence: Evidence


class SkippedInput(NamedTuple):
    """A file or a part of one that was not read, and why."""

    subject: str
    reason: str


class Fleet(NamedTuple):
    """Everything the sources say, merged: names resolved, conflicts kept."""

    services: Mapping[str, Service]
    domains: Mapping[str, Domain] = _NOTHING
    journeys: Mapping[str, Journey] = _NOTHING
    waivers: tuple[Waiver, ...] = ()
    tiers: TierTable = BUILT_IN
    conflicts: tuple[Conflict, ...] = ()
    skipped: tuple[SkippedInput, ...] = ()
    unmatched: tuple[SkippedInput, ...] = ()  # names a source used that match no service
    observed: Observed = NOTHING_OBSERVED  # what telemetry saw of these services
    inputs: tuple[tuple[str, bytes], ...] = ()  # what was read: names without the folder they are seen from, and contents

    @property
    def digest(self) -> str:
        """The SHA-256 of everything that was read, in hexadecimal; empty where nothing was."""
        from hashlib import sha256

        if not self.inputs:
            return ""
        parts = (part for name, content in sorted(self.inputs) for part in (name, sha256(content).hexdigest()))
        return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    def __repr__(self) -> str:
        return f"<Fleet of {len(self.services)} services, {len(self.domains)} domains, {len(self.journeys)} journeys>"

    def promise(self, service: Service) -> Availability | None:
        """What the service has committed to: its target, else its tier's; None is no promise."""
        if service.target is not None:
            return service.target
        return None if service.tier is None else self.tiers.row(service.tier).target

    def tier_promise(self, tier: str | None) -> Availability | None:
        """What a tier promises; None for no tier."""
        return None if tier is None else self.tiers.row(tier).target

    def domains_around(self, path: str) -> tuple[Domain, ...]:
        """The domain of that path and all around it, outermost first; kinds by depth where nobody says."""
        parts = path.split("/")
        found = []
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            found.append(self.domains.get(prefix) or Domain(prefix, kind_by_depth(depth)))
        return tuple(found)


def kind_by_depth(depth: int) -> str:
    """The kind of a domain nobody described: the first segment is a region, the second a zone."""
    return {1: "region", 2: "zone"}.get(depth, "part")
