"""The beta distribution by other ways than the program's: continued fraction, bisection and a fine sum. Slow and plain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_TINY = 1e-300


def incomplete_beta(a: float, b: float, x: float) -> float:
    """P(X <= x), by the continued fraction of Lentz. Source: DLMF 8.17.22; Press et al., Numerical Recipes, 6.4."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0))
    found = d
    for m in range(1, 100_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _not_zero(1.0 + term * d)
            c = _not_zero(1.0 + term / c)
            found *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return math.exp(log) * found / a


def beta_quantile(a: float, b: float, share: float) -> float:
    """Where P(X <= x) is that share, by bisection on the logarithm of x."""
    low, high = -700.0, 0.0
    while high - low > 1e-14 * max(1.0, abs(low)):
        middle = (low + high) / 2
        if incomplete_beta(a, b, math.exp(middle)) < share:
            low = middle
        else:
            high = middle
    return math.exp(high)


def expectation(a: float, b: float, of: Callable[[float], float], pieces: int = 4000) -> float:
    """The mean of a function of X, by the middles of pieces of equal probability."""
    return math.fsum(of(beta_quantile(a, b, (piece + 0.5) / pieces)) for piece in range(pieces)) / pieces


def root(of: Callable[[float], float]) -> float:
    """Where a growing function of 0..1 reaches 0."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) < 0.0 else (low, middle)
    return high


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
