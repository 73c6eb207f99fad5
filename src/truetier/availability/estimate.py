"""The result types: a number with its interval and method, and everything computed about one subject."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.record import NamedTuple
from truetier.units import MINUTES_PER_YEAR

if TYPE_CHECKING:
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
        return self.up_low if self.is_known else None

    @property
    def down(self) -> float | None:
        """The unavailability, None where only an interval is known."""
        return self.down_low if self.is_known else None

    @property
    def minutes_per_year(self) -> float | None:
        """Expected downtime in minutes a year."""
        return None if self.down is None else self.down * MINUTES_PER_YEAR


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
    """A component and its part of the downtime, minutes a year: ``costs`` sums to it, ``gives_back`` does not."""

    component: str
    costs: float
    gives_back: float


class Assessment(NamedTuple):
    """Everything computed about one service, journey or endpoint (named ``service/endpoint``)."""

    name: str
    kind: SubjectKind
    tier: str | None
    promise: Availability | None
    delivered: Estimate
    full: Estimate
    ceiling: Estimate
    verified: Estimate
    delivered_tier: str | None
    nominal_tier: str | None
    verified_tier: str | None
    verdict: Verdict
    unverified_claims: int
    least_available: float | None
    product: float | None
    contributors: tuple[Contributor, ...]  # at most 10, costliest first
    contributors_total: int
    residue: float  # share of the downtime the costs were scaled by; 0 when they met it

    def __repr__(self) -> str:
        low, high = self.delivered.up_low, self.delivered.up_high
        delivers = f"{low:.9g}" if self.delivered.is_known else f"{low:.9g} to {high:.9g}"
        promise = "nothing" if self.promise is None else str(self.promise)
        return f"<Assessment of {self.name}: promises {promise}, delivers {delivers} ({self.delivered_tier}): {self.verdict.value}>"
