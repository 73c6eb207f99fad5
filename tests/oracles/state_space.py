"""All joint states of a few independent events, one bit each.

A set of joint states is a Python integer: bit number n stands for state n, so that ``&``, ``|`` and ``~`` evaluate a
formula in every state at once. State n gives event e the value ``n // stride(e) % number of its values``.
"""

from __future__ import annotations

from itertools import compress
from math import exp, expm1, fsum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from datetime import timedelta

_DIGITS = bytes.maketrans(b"01", b"\x00\x01")


class Event(NamedTuple):
    """Something random: the probability of each of its values, adding up to 1."""

    name: Hashable
    probabilities: tuple[float, ...]


class StateSpace:
    """Every combination of the values of some events, with its probability."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = tuple(events)
        self._strides: dict[Hashable, tuple[int, int]] = {}
        self._weights = [1.0]
        for event in self.events:
            self._strides[event.name] = (len(self._weights), len(event.probabilities))
            self._weights = [weight * chance for chance in event.probabilities for weight in self._weights]
        self.size = len(self._weights)
        self.all = (1 << self.size) - 1
        self._sums: dict[int, float] = {}

    def states_where(self, name: Hashable, values: Sequence[int]) -> int:
        """The states in which that event has one of those values."""
        stride, count = self._strides[name]
        block = (1 << stride) - 1
        pattern = 0
        for value in values:
            pattern |= block << (value * stride)
        width = stride * count
        while width < self.size:
            pattern |= pattern << width
            width *= 2
        return pattern & self.all

    def probability(self, states: int) -> float:
        """The probability of those states: a correctly rounded sum of non-negative terms."""
        if states not in self._sums:
            digits = format(states, "b").encode().translate(_DIGITS)
            self._sums[states] = fsum(compress(reversed(self._weights[: len(digits)]), digits))
        return self._sums[states]


def at_least(required: int, members: Sequence[int], everything: int) -> int:
    """The states in which at least that many of the members hold."""
    if required == 1 and len(members) == 1:
        return members[0]
    reached = [everything] + [0] * required
    for member in members:
        for number in range(required, 0, -1):
            reached[number] |= reached[number - 1] & member
    return reached[required]


def outage_values(down: float, limits: Sequence[timedelta], mean: timedelta) -> tuple[float, ...]:
    """Up, then down with an age below the first limit, between the first and the second, and so on.

    The age of an exponential outage seen at a random moment: P(age > x | down) = exp(-x / mean).
    """
    bounds = [limit / mean for limit in limits]
    values = [1.0 - down]
    start = 0.0
    for bound in bounds:
        values.append(down * exp(-start) * -expm1(start - bound))
        start = bound
    values.append(down * exp(-start))
    return tuple(values)
