"""The tier table: what meets what, to the last digit."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from truetier.catalog.tier import BUILT_IN, Tier, TierTable, is_met
from truetier.units import Availability


def test_tables_of_the_same_rows_are_equal() -> None:
    again = TierTable(tuple(BUILT_IN))
    assert again == BUILT_IN
    assert hash(again) == hash(BUILT_IN)
    assert again != TierTable(())
    assert "T4" in repr(again)


def test_a_row_is_found_by_name_or_not_at_all() -> None:
    assert BUILT_IN.row("T2").target == Availability(Decimal("0.999"))
    assert "T9" not in BUILT_IN
    with pytest.raises(KeyError):
        BUILT_IN.row("T9")


@pytest.mark.parametrize(
    ("down", "strict", "nominal"),
    [(1e-5, "T0", "T0"), (1.25e-5, "T1", "T0"), (1.0989e-3, "T3", "T2"), (0.00209880, "T3", "T3"), (0.0125, "T4", "T3"), (1.0, "T4", "T4")],
)
def test_the_strictest_tier_met_is_found(down: float, strict: str, nominal: str) -> None:
    assert BUILT_IN.best_met(down) == strict
    assert BUILT_IN.best_met(down, nominal=True) == nominal


def test_no_row_may_be_met() -> None:
    table = TierTable((Tier("gold", Availability(Decimal("0.999"))),))
    assert table.best_met(0.5) is None


def test_rows_that_are_nearly_equal_are_told_apart() -> None:
    targets = ("0.9990000000000", "0.9989999999999", "0.99")
    table = TierTable(tuple(Tier(f"{number}", Availability(Decimal(target))) for number, target in enumerate(targets)))
    for down in (0.0, 1e-3, 1e-3 + 1e-16, 1e-3 + 2e-13, 1e-3 + 1e-12, 2e-3, 0.01, 0.01 + 1e-12, 0.5):
        met = [row.name for row in table if row.target is not None and is_met(down, row.target)]
        assert table.best_met(down) == (met[0] if met else None)


def test_what_is_met_is_met_to_the_last_bit() -> None:
    for text in ("0.99999", "0.9995", "0.7", "0.123456789"):
        target = Availability(Decimal(text))
        budget = target.unavailability
        assert is_met(budget, target)
        assert is_met(math.nextafter(budget, 1), target)
        assert is_met(math.nextafter(1.25 * budget, 0), target, nominal=True)
        assert not is_met(budget * (1 + 1e-8), target)


def test_rounding_never_decides() -> None:
    target = Availability(Decimal("0.99999"))
    assert is_met(1e-5 * (1 + 5e-13), target)
    assert not is_met(1e-5 * (1 + 5e-12), target)
