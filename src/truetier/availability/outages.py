"""Several components that are only ever looked at together, at the same ages, seen as one.

Theory. Let A(x) say that none of the components has been down longer than x. A(0) implies A(x) implies A(y) for x < y, so "not
A(0)", then "not A(x) given not A(0)", and so on, are a chain of variables like that of a single component:
P(not A(x)) = 1 - product of (1 - t q_i exp(-x / r_i)).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.factors import Factors


class Outage(NamedTuple):
    """At one t: P(A(x)), P(not A(x)), and what each component adds to dP(not A(x))/dt."""

    up: float
    down: float
    parts: list[float]

    @property
    def slope(self) -> float:
        """dP(not A(x))/dt."""
        return math.fsum(self.parts)


def still_down(mttr: int, limit: int) -> float:
    """P(age > limit | down) of one component; both in microseconds. Source: design section 3, Ages."""
    if limit == 0:
        return 1.0
    return math.exp(-limit / mttr) if mttr else 0.0


def chain_gradient(outages: Sequence[Outage], importances: Sequence[float]) -> list[float]:
    """What each outage's ``parts`` count for in dP/dt, P of these importances for the variables of the chain over the outages.

    The first variable is the first outage's ``down``, each further one is ``down`` of its outage by that of the one before.
    """
    found = list(importances)
    for index in range(1, len(outages)):
        before, here, importance = outages[index - 1].down, outages[index].down, importances[index]
        if before:
            found[index] = importance / before
            found[index - 1] -= importance * here / before / before
        else:
            found[index] = 0.0
    return found


class Outages:
    """Outages of several components at once, each computed once."""

    def __init__(self, factors: Factors) -> None:
        self._factors = factors
        self._known: dict[tuple[tuple[int, ...], int, float], Outage] = {}
        self._rates: dict[tuple[int, int], float] = {}

    def at(self, roots: tuple[int, ...], limit: int, point: float) -> Outage:
        """A(limit) of the components with every unavailability scaled by ``point``."""
        key = (roots, limit, point)
        known = self._known.get(key)
        if known is None:
            rates = [self._rate(root, limit) for root in roots]
            log = math.fsum([math.log1p(-point * rate) for rate in rates])
            up = math.exp(log)
            known = self._known[key] = Outage(up, 0.0 - math.expm1(log), [rate * up / (1.0 - point * rate) for rate in rates])
        return known

    def older(self, roots: tuple[int, ...], before: int, limit: int, point: float) -> tuple[float, float, float]:
        """P(not A(limit) | not A(before)), its complement, and its derivative by t; ``before`` is the shorter limit.

        The complement is P(A(limit)) (1 - P(A(before)) / P(A(limit))) / P(not A(before)), each ratio formed without a
        difference of numbers close to each other.
        """
        sooner, later = self.at(roots, before, point), self.at(roots, limit, point)
        if not sooner.down:
            return 0.0, 1.0, 0.0
        log = math.fsum([self._log_ratio(root, before, limit, point) for root in roots])
        slope = (later.slope * sooner.down - later.down * sooner.slope) / (sooner.down * sooner.down)
        return later.down / sooner.down, later.up * -math.expm1(log) / sooner.down, slope

    def _log_ratio(self, root: int, before: int, limit: int, point: float) -> float:
        """Log of P(not down longer than ``before``) / P(not down longer than ``limit``) of one component."""
        mttr = self._factors.literals[root].event.mttr
        rate = point * self._rate(root, before)
        ended = -math.expm1((before - limit) / mttr) if mttr else 1.0
        return math.log1p(-rate * ended / (1.0 - point * self._rate(root, limit)))

    def _rate(self, root: int, limit: int) -> float:
        """How much of the time a component is down for longer than the limit."""
        known = self._rates.get((root, limit))
        if known is None:
            event = self._factors.literals[root].event
            known = self._rates[root, limit] = (event.down or 0.0) * still_down(event.mttr, limit)
        return known
