"""Units as types: availability, shares of requests and durations. Parsed from text, compared exactly.

A percentage is read as decimal text and its unavailability is formed in decimal, so that 99.999 % is
down exactly 0.00001 of the time and rounding never decides a verdict.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from truetier.record import NamedTuple

MINUTES_PER_YEAR = 525_600  # a year of 365 days, design section 3
MINUTES_PER_MONTH = 43_200  # a month of 30 days: 99.9 % allows 43.2 minutes of it
_ONE = Decimal(1)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,3})?|\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?")
_SECONDS = {"ms": Decimal("0.001"), "s": _ONE, "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_LONGEST = timedelta(days=365_000)


class Share(NamedTuple):
    """A part of a whole, 0 to 1, exact."""

    value: Decimal

    @property
    def complement(self) -> Decimal:
        """What is left of the whole, exact."""
        return _ONE - self.value

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return percent_text(self.value)


class Availability(NamedTuple):
    """Probability of being up, 0 to 1, exact."""

    value: Decimal

    @property
    def unavailability(self) -> float:
        """Probability of being down; formed in decimal before it becomes a float."""
        return _complement(self.value)

    @property
    def exact_unavailability(self) -> Decimal:
        """Probability of being down, exact."""
        return _ONE - self.value

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return percent_text(self.value)


CERTAIN = Availability(_ONE)
WHOLE = Share(_ONE)


@lru_cache(maxsize=1024)  # a fleet has thousands of promises and few different ones
def _complement(value: Decimal) -> float:
    return float(_ONE - value)


@lru_cache(maxsize=1024)
def percent_text(value: Decimal) -> str:
    """The value as a percentage with every digit it has and no more: ``99.95%``."""
    text = format((value * 100).normalize(), "f")
    return f"{text}%"


def parse_fraction(text: str) -> Decimal:
    """The number 0..1 that ``99.9%`` or ``0.999`` says, exact.

    Raises ValueError with a message for a person: not a number, outside the range, or a bare number above 1.
    """
    stripped = text.strip()
    digits = stripped.removesuffix("%").strip()
    if len(digits) > 60 and _NUMBER.fullmatch(digits):
        raise ValueError(f"expected a number of at most 60 characters, found {shown(text)}")
    if not _NUMBER.fullmatch(digits):
        raise ValueError(f"expected a percentage like 99.9% or a number from 0 to 1, found {shown(text)}")
    number = Decimal(digits)
    if stripped.endswith("%"):
        number = number.scaleb(-2)
        if number > 1:
            raise ValueError(f"expected at most 100%, found {shown(text)}")
    elif number > 1:
        raise ValueError(
            f"expected a percentage like 99.9% or a number from 0 to 1, found {shown(text)}; write {digits}% if you mean percent"
        )
    return number


def parse_duration(text: str) -> timedelta:
    """The duration that ``800ms``, ``90s``, ``30m``, ``2h``, ``1d`` or ``1h30m`` says.

    Raises ValueError with a message for a person.
    """
    stripped = text.strip()
    if stripped == "0":
        return timedelta()
    parts = _DURATION.findall(stripped)
    if not parts or "".join(number + unit for number, unit in parts) != stripped or len(stripped) > 60:
        raise ValueError(f"expected a duration like 800ms, 90s, 30m, 2h or 1d, found {shown(text)}")
    seconds = sum(Decimal(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"expected a duration of at most 1000 years, found {shown(text)}")
    return timedelta(microseconds=int(seconds * 1_000_000))


def parse_day(text: str) -> date | None:
    """The day that ``2027-03-31`` says; None for anything else, other forms of ISO 8601 included: they are not for people."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def shown(text: str) -> str:
    """Foreign text made safe and short enough to stand in a message."""
    cut = text if len(text) <= 60 else text[:57] + "..."
    return repr(cut)


@lru_cache(maxsize=1024)
def duration_text(duration: timedelta) -> str:
    """The duration as the catalog writes it: ``1h30m``, ``800ms``."""
    microseconds = duration // timedelta(microseconds=1)
    if microseconds == 0:
        return "0s"
    parts: list[str] = []
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)):
        count, microseconds = divmod(microseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    if microseconds:
        parts.append(f"{(Decimal(microseconds) / 1000).normalize():f}ms")
    return "".join(parts)


def downtime_text(minutes: float) -> str:
    """Minutes a year as a person says them: ``18.385 h/yr``, ``52.56 min/yr``, ``3.65 d/yr``."""
    if minutes >= 3 * 1440:
        return f"{minutes / 1440:.4g} d/yr"
    if minutes >= 100:
        return f"{minutes / 60:.5g} h/yr"
    return f"{minutes:.4g} min/yr"


def availability_text(up: float, down: float) -> str:
    """An availability with as many digits as tell it from 100 %: never ``100%`` for what is not."""
    if down == 0:
        return "100%"
    if down >= 0.01:
        return f"{up * 100:.3f}%"
    digits = 2
    scale = down * 100
    while scale < 1 and digits < 18:
        scale *= 10
        digits += 1
    exact = (_ONE - Decimal(down)) * 100
    return f"{exact:.{digits + 1}f}%"
