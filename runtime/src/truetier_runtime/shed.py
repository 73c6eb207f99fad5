"""Who is let in when not everybody can be, and when those who are not may ask again. Decisions alone: nothing here counts or waits.

Every class may use the limit up to a share of it, and what is under way of all classes counts. So sheddable work is refused first, then
default; critical work and what recovery needs are refused only when the limit itself is reached. A class below that is not promised
anything: reserving room for sheddable work would take it from critical work exactly when there is none left.

Source: Netflix, Keeping Netflix Reliable Using Prioritized Load Shedding, 2020; Google, Site Reliability Engineering, chapter 21
(criticality).
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from truetier_runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

PRIORITY_HEADER = "x-truetier-priority"


class Priority(IntEnum):
    """Classes of work, first come those that are refused last."""

    RECOVERY = 0  # what brings the service, or others, back: health checks, leases, a reconnecting control plane
    CRITICAL = 1
    DEFAULT = 2
    SHEDDABLE = 3


BY_NAME = {priority.name.lower(): priority for priority in Priority}


class Shares:
    """Up to which share of the limit each class may go, 0 to 1. A class is never allowed more than one that comes before it."""

    __slots__ = ("_of",)

    def __init__(self, *, recovery: float = 1.0, critical: float = 1.0, default: float = 0.8, sheddable: float = 0.6) -> None:
        if not 1.0 >= recovery >= critical >= default >= sheddable > 0.0:
            found = f"recovery {recovery}, critical {critical}, default {default}, sheddable {sheddable}"
            raise SettingsError(f"shares have to fall from at most 1 and stay above 0, found {found}")
        self._of = (recovery, critical, default, sheddable)

    def room(self, limit: float, priority: Priority) -> int:
        """How much may be under way, of all classes, for one more of this class to begin; at least 1, so that an idle service serves.

        Rounded down, and the least bit up first: 0.7 of 10 is 7 although the product is a little below.
        """
        return max(1, math.floor(limit * self._of[priority] + 1e-9))

    def is_let_in(self, in_flight: int, limit: float, priority: Priority) -> bool:
        """Whether one more may begin."""
        return in_flight < self.room(limit, priority)


def priority_named(name: str) -> Priority:
    """The class of that name, in any case; default for what is not known, since a mistyped header must neither jump nor lose its place."""
    return BY_NAME.get(name.strip().lower(), Priority.DEFAULT)


class Pressure(NamedTuple):
    """Admissions and refusals of the period that runs and of the one before it."""

    began: float
    admitted: int
    refused: int
    admitted_before: int
    refused_before: int


NO_PRESSURE = Pressure(-math.inf, 0, 0, 0, 0)


def counted(pressure: Pressure, now: float, period: float, *, is_refused: bool) -> Pressure:
    """One more decision, at ``now`` seconds. Time that goes back is taken as none passed."""
    admitted, refused = (0, 1) if is_refused else (1, 0)
    passed = now - pressure.began
    if passed < period:
        return pressure._replace(admitted=pressure.admitted + admitted, refused=pressure.refused + refused)
    if passed < 2 * period:
        return Pressure(now, admitted, refused, pressure.admitted, pressure.refused)
    return Pressure(now, admitted, refused, 0, 0)


def seconds_to_stay_away(pressure: Pressure, shortest: float, longest: float, chance: float) -> float:
    """Seconds until another try, spread evenly over as long as those refused of late would take to serve.

    Who was refused r times as often as somebody was admitted comes back over r seconds and more, not over one: a fixed Retry-After
    would send the herd back as a herd. ``chance`` is a draw from [0, 1).
    """
    refused = pressure.refused + pressure.refused_before
    admitted = pressure.admitted + pressure.admitted_before
    span = min(longest - shortest, max(shortest, refused / max(1, admitted)))
    return shortest + chance * span


class Refusals:
    """Remembers how many were refused of late and says when those who are may come back.

    ``shortest`` and ``longest`` are seconds, ``chance`` gives draws from [0, 1). Not locked: counts are statistics, and one lost under
    threads moves a hint by a fraction of a second.
    """

    __slots__ = ("_chance", "_clock", "_longest", "_period", "_pressure", "_shortest")

    def __init__(
        self, *, clock: Callable[[], float], chance: Callable[[], float], shortest: float = 1.0, longest: float = 30.0, period: float = 1.0
    ) -> None:
        if not 0.0 < shortest <= longest < math.inf or not period > 0.0:
            raise SettingsError(f"0 < shortest <= longest and a period above 0 are needed, found {shortest}, {longest} and {period}")
        self._clock = clock
        self._chance = chance
        self._shortest = shortest
        self._longest = longest
        self._period = period
        self._pressure = NO_PRESSURE

    def admitted(self) -> None:
        """Somebody was let in."""
        self._pressure = counted(self._pressure, self._clock(), self._period, is_refused=False)

    def refused(self) -> float:
        """Somebody was not: the seconds after which to tell them to come back."""
        self._pressure = counted(self._pressure, self._clock(), self._period, is_refused=True)
        return seconds_to_stay_away(self._pressure, self._shortest, self._longest, self._chance())
