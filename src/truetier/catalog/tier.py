"""Tiers: an ordered table of promises. The only place where a tier's number is known."""

from __future__ import annotations

import math
from bisect import bisect_left
from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.record import NamedTuple
from truetier.units import Availability

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOLERANCE = Decimal("1e-12")  # of the budget: rounding must never decide (design section 3)
_NO_PROMISE = Decimal(1)
_FAR = 1e-9
NOMINAL_OVERSPEND = Decimal("1.25")
_NOMINAL = float(NOMINAL_OVERSPEND)


class Tier(NamedTuple):
    """One row: a name and the availability it promises; none is no promise."""

    name: str
    target: Availability | None


class TierTable:
    """The tiers, strictest first. Immutable: two tables of the same rows are equal."""

    __slots__ = ("_budgets", "_by_name", "_hash", "_nominal", "rows")

    def __init__(self, rows: tuple[Tier, ...]) -> None:
        self.rows = rows
        self._hash = hash(rows)
        self._by_name = {row.name: row for row in rows}
        self._budgets = _budgets(rows, 1.0)
        self._nominal = _budgets(rows, _NOMINAL)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, TierTable) and self.rows == other.rows)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"TierTable({self.rows!r})"

    def __iter__(self) -> Iterator[Tier]:
        return iter(self.rows)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def row(self, name: str) -> Tier:
        """The row of that name; KeyError when there is none."""
        return self._by_name[name]

    def best_met(self, unavailability: float, *, nominal: bool = False) -> str | None:
        """The strictest tier whose target that unavailability meets; None when no row is met."""
        budgets, limits = self._nominal if nominal else self._budgets
        for number in range(bisect_left(limits, unavailability), len(limits)):
            name, target = self.rows[number]
            if unavailability <= budgets[number] or target is None or is_met(unavailability, target, nominal=nominal):
                return name
        return None

    def rank(self, target: Availability | None) -> Decimal:
        """Where a promise stands: the smaller, the stricter; no promise is weakest."""
        return _NO_PROMISE if target is None else -target.value


def _budgets(rows: tuple[Tier, ...], overspend: float) -> tuple[list[float], list[float]]:
    """The unavailability up to which each row is surely met, and that beyond which it is surely not: between them, decimals decide."""
    budgets = [math.inf if row.target is None else row.target.unavailability * overspend for row in rows]
    return budgets, [budget * (1 + _FAR) for budget in budgets]


def is_met(unavailability: float, target: Availability, *, nominal: bool = False) -> bool:
    """Whether the unavailability stays within the target's budget, equality included.

    The nominal reading lets the budget be overspent by 25 %, included. Source: design section 3, Tiers.
    """
    near = target.unavailability * (_NOMINAL if nominal else 1.0)
    if unavailability <= near:  # which is off by far less than the tolerance
        return True
    if unavailability > near * (1 + _FAR):
        return False
    budget = target.exact_unavailability * (NOMINAL_OVERSPEND if nominal else 1)
    return Decimal(unavailability) <= budget * (1 + _TOLERANCE)


BUILT_IN = TierTable(
    (
        Tier("T0", Availability(Decimal("0.99999"))),
        Tier("T1", Availability(Decimal("0.9999"))),
        Tier("T2", Availability(Decimal("0.999"))),
        Tier("T3", Availability(Decimal("0.99"))),
        Tier("T4", None),
    )
)
