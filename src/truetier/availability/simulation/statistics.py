"""What a sample of years says, each figure with the interval that 95 of 100 such runs would find the truth in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_Z = 1.959963984540054  # 95 %, both sides


class Figure(NamedTuple):
    """A figure with its interval; ``high`` is None where the sample is too small to say."""

    low: float
    value: float
    high: float | None

    def is_within(self, precision: float, scale: float) -> bool:
        """Whether half the interval is at most that share of the figure, or of a larger scale."""
        return self.high is not None and (self.high - self.low) / 2 <= precision * max(self.value, scale)


def variance(values: Sequence[float]) -> float:
    """Of the population that the values are drawn from; 0 where one value says nothing."""
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.fsum([(value - mean) ** 2 for value in values]) / (len(values) - 1)


def mean(values: Sequence[float]) -> Figure:
    """The mean of quantities that are never negative, by the normal approximation."""
    found = math.fsum(values) / len(values)
    if len(values) < 2:
        return Figure(0.0, found, None)
    half = _Z * math.sqrt(variance(values) / len(values))
    return Figure(max(0.0, found - half), found, found + half)


def ratio(above: Sequence[float], below: Sequence[float]) -> Figure | None:
    """The sum of one quantity by the sum of another, drawn in pairs; None where there is nothing to divide by.

    Source: Cochran, Sampling Techniques, 2.11.
    """
    total = math.fsum(below)
    if total == 0.0:
        return None
    found = math.fsum(above) / total
    if len(above) < 2:
        return Figure(0.0, found, None)
    spread = math.fsum([(a - found * b) ** 2 for a, b in zip(above, below, strict=True)]) / (len(above) - 1)
    half = _Z * math.sqrt(spread * len(above)) / total
    return Figure(max(0.0, found - half), found, found + half)


def percentile(ascending: Sequence[float], percent: int, *, clustering: float = 1.0) -> Figure:
    """The value that so many percent do not exceed, between two values of the sample.

    Ranks by the normal approximation of the binomial. Source: David and Nagaraja, Order Statistics, 7.1.
    """
    count = len(ascending)
    share = percent / 100
    half = _Z * math.sqrt(count * share * (1.0 - share) * clustering)
    low, high = math.floor(count * share - half), math.ceil(count * share + half) + 1
    value = ascending[max(0, -(-count * percent // 100) - 1)]
    return Figure(ascending[low - 1] if low >= 1 else 0.0, value, ascending[high - 1] if high <= count else None)


def share(count: int, of: int, *, clustering: float = 1.0) -> Figure:
    """A probability from how often something happened. Source: Wilson 1927."""
    found, size = count / of, of / clustering
    middle = (found + _Z * _Z / (2.0 * size)) / (1.0 + _Z * _Z / size)
    half = _Z * math.sqrt(found * (1.0 - found) / size + _Z * _Z / (4.0 * size * size)) / (1.0 + _Z * _Z / size)
    return Figure(0.0 if count == 0 else max(0.0, middle - half), found, 1.0 if count == of else min(1.0, middle + half))


def clustering(values: Sequence[float], together: int) -> float:
    """How much less so many values that belong together say than independent ones: the ratio of the variances of their mean.

    Source: Kish, Survey Sampling, 8.2 (design effect).
    """
    alone = variance(values)
    if alone == 0.0:
        return 1.0
    means = [math.fsum(values[at : at + together]) / together for at in range(0, len(values), together)]
    return max(1.0, variance(means) * together / alone)
