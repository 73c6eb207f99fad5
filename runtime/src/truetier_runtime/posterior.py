"""What a count of failures says of how likely a failure harms: the belief that telemetry starts from and decides by, without its libraries.

The belief in that probability is a Beta distribution, PRIOR on both sides before anything was seen: most callees are nearly always fatal
or nearly never (truetier.telemetry.noisy_or has the same). A test holds the two together.
"""

from __future__ import annotations

from bisect import bisect_left
from math import exp, lgamma, log, log1p

PRIOR = 0.3
_SURE = 0.95
_SOFT_BELOW, _HARD_ABOVE = 0.2, 0.8
_MOST_NEEDED = 100_000  # failures
_STEPS = 10_000  # of the continued fraction; about the root of the larger count is enough
_TINY = 1e-300
_EXACT = 1e-13


def below(harmed: int, unharmed: int, probability: float) -> float:
    """How likely a failure harms with less than that probability, after so many that did and so many that did not."""
    return _beta_cdf(PRIOR + harmed, PRIOR + unharmed, probability)


def verdict(harmed: int, unharmed: int) -> str:
    """``hard``, ``soft`` or ``partial`` where that is 95 % certain, else ``unknown``."""
    is_low, is_high = below(harmed, unharmed, _SOFT_BELOW), 1.0 - below(harmed, unharmed, _HARD_ABOVE)
    if is_high >= _SURE:
        return "hard"
    if is_low >= _SURE:
        return "soft"
    return "partial" if 1.0 - is_high - is_low >= _SURE else "unknown"


def failures_needed(harmed: int, unharmed: int) -> int:
    """How many more failures, all of one kind, would decide: the nearer of the two sides."""
    more = range(_MOST_NEEDED)
    hard = bisect_left(more, _SURE, key=lambda count: 1.0 - below(harmed + count, unharmed, _HARD_ABOVE))
    soft = bisect_left(more, _SURE, key=lambda count: below(harmed, unharmed + count, _SOFT_BELOW))
    return min(hard, soft)


def interval(harmed: int, unharmed: int) -> tuple[float, float, float]:
    """The mean of the probability, and low and high between which it lies with 95 %."""
    low, high = (_quantile(harmed, unharmed, share) for share in (0.025, 0.975))
    return (PRIOR + harmed) / (2 * PRIOR + harmed + unharmed), low, high


def _quantile(harmed: int, unharmed: int, share: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(30):  # to a part in a thousand million
        middle = (low + high) / 2
        if below(harmed, unharmed, middle) < share:
            low = middle
        else:
            high = middle
    return high


def _beta_cdf(alpha: float, beta: float, x: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (NIST Digital Library of Mathematical Functions, 8.17.22)."""
    if x <= 0.0 or x >= 1.0:
        return min(1.0, max(0.0, x))
    if x > (alpha + 1) / (alpha + beta + 2):  # where the fraction converges slowly its mirror image does not
        return 1.0 - _beta_cdf(beta, alpha, 1.0 - x)
    front = exp(lgamma(alpha + beta) - lgamma(alpha) - lgamma(beta) + alpha * log(x) + beta * log1p(-x)) / alpha
    return front / _fraction(alpha, beta, x)


def _fraction(alpha: float, beta: float, x: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)) by the modified method of Lentz (Thompson and Barnett, J. Comput. Phys. 64, 1986)."""
    value = numerator = 1.0
    denominator = 0.0
    for step in range(1, _STEPS):
        half, is_odd = divmod(step, 2)
        if is_odd:
            term = -(alpha + half) * (alpha + beta + half) * x / ((alpha + 2 * half) * (alpha + 2 * half + 1))
        else:
            term = half * (beta - half) * x / ((alpha + 2 * half - 1) * (alpha + 2 * half))
        denominator = 1.0 / (1.0 + term * denominator or _TINY)
        numerator = 1.0 + term / numerator or _TINY
        change = numerator * denominator
        value *= change
        if abs(change - 1.0) < _EXACT:
            break
    return value
