"""Bounds that hold whatever depends on whatever: the fallback of an oversized formula.

Theory. With no assumption on dependence, a set fails at least as often as its likeliest failure and at most as often as the
sum of them (Boole, Frechet); at least k of n hold with P >= (E - (k - 1)) / (n - k + 1) and P <= E / k, E the expected number
that hold, since the number lies between 0 and n. Thresholds are taken in ascending order, so each is bounded once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truetier.availability.factors import NEVER, bits
from truetier.availability.value import IMPOSSIBLE, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truetier.availability.factors import Factors


def frechet(factors: Factors, mask: int, known: dict[int, Value]) -> Value:
    """A rigorous interval for the probability of a set of factors; ``known`` remembers the thresholds from call to call."""
    for number in bits(factors.mentioned(mask) & factors.complex):
        if number not in known:
            required, sets = factors.thresholds[number]
            known[number] = _at_least(required, [_all_of(factors, member, known) for member in sets])
    return _all_of(factors, mask, known)


def _all_of(factors: Factors, mask: int, known: Mapping[int, Value]) -> Value:
    if mask & NEVER:
        return IMPOSSIBLE
    return _together([known[number] if number in known else _literal(factors, number) for number in bits(mask)])


def _together(values: Iterable[Value]) -> Value:
    up_high, down_low, down_high = 1.0, 0.0, 0.0
    for value in values:
        up_high = min(up_high, value.up_high)
        down_low = max(down_low, value.down_low)
        down_high += value.down_high
    down_high = min(1.0, down_high)
    return Value(max(0.0, 1.0 - down_high), up_high, down_low, down_high)


def _at_least(required: int, values: list[Value]) -> Value:
    spare = len(values) - required
    down_high = min(1.0, math.fsum(value.down_high for value in values) / (spare + 1))
    down_low = max(0.0, (math.fsum(value.down_low for value in values) - spare) / required)
    up_high = min(1.0, math.fsum(value.up_high for value in values) / required)
    up_low = max(0.0, (math.fsum(value.up_low for value in values) - (required - 1)) / (spare + 1))
    return Value(max(up_low, 1.0 - down_high), min(up_high, 1.0 - down_low), max(down_low, 1.0 - up_high), min(down_high, 1.0 - up_low))


def _literal(factors: Factors, number: int) -> Value:
    if number in factors.draw_root:
        drawn = float(next(share for other, share in factors.draws[factors.draw_root[number]].literals if other == number))
        return Value(1.0 - drawn, 1.0 - drawn, drawn, drawn)
    literal = factors.literals[number]
    down = literal.event.down
    low, high = (0.0, 1.0) if down is None else (down, down)
    older = 1.0 if literal.limit == 0 else math.exp(-literal.limit / literal.event.mttr) if literal.event.mttr else 0.0
    low, high = low * older, high * older
    return Value(low, high, 1.0 - high, 1.0 - low) if literal.outlasted else Value(1.0 - high, 1.0 - low, low, high)
