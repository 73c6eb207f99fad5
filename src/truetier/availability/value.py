"""A probability from below and from above, both sides of it; and how it moves with all unavailabilities."""

from __future__ import annotations

from truetier.record import NamedTuple


class Value(NamedTuple):
    """P(holds) and P(fails), each from below and from above; ``up_low`` belongs to ``down_high``."""

    up_low: float
    up_high: float
    down_low: float
    down_high: float

    @property
    def is_exact(self) -> bool:
        """Whether there is no gap."""
        return self.down_low == self.down_high and self.up_low == self.up_high


class Curve(NamedTuple):
    """At each node t: P, 1 - P and minus dP/dt of a set whose unavailabilities are t q."""

    up: list[float]
    down: list[float]
    slope: list[float]


IMPOSSIBLE = Value(0.0, 0.0, 1.0, 1.0)


def both(left: Value, right: Value) -> Value:
    """Two independent sets hold: sums of non-negative terms only, so that no digit is lost."""
    return Value(
        left.up_low * right.up_low,
        left.up_high * right.up_high,
        left.down_low + left.up_high * right.down_low,
        left.down_high + left.up_low * right.down_high,
    )
