"""The result types: a number with its interval and method, and everything that can be said about one subject."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from truetier.record import NamedTuple
from truetier.units import MINUTES_PER_YEAR

if TYPE_CHECKING:
    from truetier.catalog.tier import TierTable
    from truetier.units import Availability


class Method(Enum):
    """How a number was obtained."""

    EXACT = "exact"
    INTERVAL = "interval"
    SIMULATION = "simulation"


class Estimate(NamedTuple):
    """An availability with its interval; up and down are kept apart so that both keep full relative precision.

    ``up_low <= up_high`` and ``down_low <= down_high``; ``up_low`` belongs to ``down_high``.
    """

    up_low: float
    up_high: float
    down_low: float
    down_high: float
    method: Method = Method.EXACT

    @property
    def is_known(self) -> bool:
        """Whether there is one value and not an interval."""
        return self.down_low == self.down_high

    @property
    def up(self) -> float | None:
        """The value, None where only an interval is known."""
        return self.up_low if self.down_low == self.down_high else None

    @property
    def down(self) -> float | None:
        """The unavailability, None where only an interval is known."""
        return self.down_low if self.down_low == self.down_high else None

    @property
    def minutes_per_year(self) -> float | None:
        """Expected downtime in minutes a year."""
        down = self.down_low
        return down * MINUTES_PER_YEAR if down == self.down_high else None


class Verdict(Enum):
    """Whether a promise is kept; NONE where nothing is promised and nothing can be judged."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"
    NONE = "none"


class SubjectKind(Enum):
    """What was assessed."""

    SERVICE = "service"
    JOURNEY = "journey"
    ENDPOINT = "endpoint"


class Contributor(NamedTuple):
    """A component and its part of the downtime, minutes a year: ``costs`` sums to it, ``gives_back`` does not.

    ``service`` is the one whose part or mechanism it is; None for a failure domain.
    """

    component: str
    costs: float
    gives_back: float
    service: str | None = None


class Costs(NamedTuple):
    """The costliest components (at most 10), how many there are in all, and the share of the downtime the costs were scaled by."""

    contributors: tuple[Contributor, ...]
    total: int
    residue: float


class Confidence(NamedTuple):
    """How sure a number is that rests on measured ones: the probability that the promise is met, and what 90 of 100 draws lie in."""

    met: float | None  # None where nothing is promised
    standard_error: float | None  # of that probability; the draws are no more exact
    down_low: float  # 5 in 100 draws are below it
    down_high: float  # and 5 above this
    draws: int
    is_met: bool  # for sure enough: at least 95 in 100, three standard errors aside
    is_missed: bool  # at most 5 in 100

    @property
    def low(self) -> float:
        """The availability that 95 of 100 draws reach."""
        return 1.0 - self.down_high

    @property
    def high(self) -> float:
        """The availability that 5 of 100 draws exceed."""
        return 1.0 - self.down_low


class Further(NamedTuple):
    """Requests, none of which fails, that are still needed until the promise is met for sure enough.

    ``requests`` is None where no number of them is enough. ``service`` is what they must reach; None: each of all ``services``.
    """

    requests: int | None
    service: str | None
    services: int


class Details(Protocol):
    """What lies behind a verdict: worked out when it is first asked for, since a gate prints little of it."""

    @property
    def full(self) -> Estimate:
        """Up with everything that is waited for."""
        ...

    @property
    def ceiling(self) -> Estimate:
        """Everything of the subject itself perfect, its domains and needs as they are."""
        ...

    @property
    def verified(self) -> Estimate:
        """Without what nobody has shown to work."""
        ...

    @property
    def verified_ceiling(self) -> Estimate:
        """Both: everything of the subject itself perfect, and nothing else that nobody has shown to work."""
        ...

    @property
    def own_down(self) -> float:
        """At most so much of the time anything fails that the ceiling takes as perfect: the sum of it."""
        ...

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least available part; the product of the parts as if independent."""
        ...

    @property
    def costs(self) -> Costs:
        """Which components the downtime comes from."""
        ...

    @property
    def costliest(self) -> Contributor | None:
        """The first of them, which is found sooner than all."""
        ...

    @property
    def further(self) -> Further | None:
        """What is missing to decide; None where nothing is."""
        ...


class Assessment(NamedTuple):
    """What one service, journey or endpoint (named ``service/endpoint``) delivers, and everything behind it."""

    name: str
    kind: SubjectKind
    tier: str | None
    promise: Availability | None
    delivered: Estimate
    verdict: Verdict
    unverified_claims: int
    tiers: TierTable
    details: Details
    confidence: Confidence | None = None  # of the estimate that the verdict goes by; None where it rests on nothing measured

    @property
    def delivered_tier(self) -> str | None:
        """The strictest tier whose target is met."""
        return self.tiers.best_met(self.delivered.down_high)

    @property
    def nominal_tier(self) -> str | None:
        """The same, with a budget overspent by at most 25 % still counting as met."""
        return self.tiers.best_met(self.delivered.down_high, nominal=True)

    @property
    def full(self) -> Estimate:
        """The availability with everything that is waited for: up, and not degraded."""
        return self.details.full

    @property
    def ceiling(self) -> Estimate:
        """The best possible: everything of the subject itself perfect, its domains and needs as they are."""
        return self.details.ceiling

    @property
    def verified(self) -> Estimate:
        """What is delivered when every mitigation that nobody has shown to work is dropped."""
        return self.details.verified

    @property
    def verified_ceiling(self) -> Estimate:
        """The best possible where what nobody has shown to work is not believed."""
        return self.details.verified_ceiling

    @property
    def verified_tier(self) -> str | None:
        """The strictest tier that the verified reading meets."""
        return self.tiers.best_met(self.verified.down_high)

    @property
    def least_available(self) -> float | None:
        """The least of own, site and the P(ok) of each need; None where one is unknown."""
        return self.details.bounds[0]

    @property
    def product(self) -> float | None:
        """Own x site x the needs' P(ok), as if they were independent; None where one is unknown."""
        return self.details.bounds[1]

    @property
    def contributors(self) -> tuple[Contributor, ...]:
        """The components the downtime comes from: at most 10, costliest first."""
        return self.details.costs.contributors

    @property
    def costliest(self) -> Contributor | None:
        """The first of the contributors; None where there is none."""
        return self.details.costliest

    @property
    def contributors_total(self) -> int:
        """How many contributors there are in all."""
        return self.details.costs.total

    @property
    def residue(self) -> float:
        """The share of the downtime the costs were scaled by; 0 when they met it."""
        return self.details.costs.residue

    @property
    def is_short_of_data(self) -> bool:
        """Whether what was measured is too little to say if the promise is met."""
        return self.verdict is Verdict.UNKNOWN and self.confidence is not None

    @property
    def further(self) -> Further | None:
        """The requests still needed to decide; None where none are."""
        return self.details.further

    def __repr__(self) -> str:
        low, high = self.delivered.up_low, self.delivered.up_high
        delivers = f"{low:.9g}" if self.delivered.is_known else f"{low:.9g} to {high:.9g}"
        promise = "nothing" if self.promise is None else str(self.promise)
        return f"<Assessment of {self.name}: promises {promise}, delivers {delivers} ({self.delivered_tier}): {self.verdict.value}>"
