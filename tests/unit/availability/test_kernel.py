"""The arithmetic of a series, number by number."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.availability.exact import keyed
from truetier.availability.kernel import conjoin_columns, fill_rows, losses, places, unavailabilities, with_largest, with_rows


@given(st.sets(st.integers(0, 400)))
def test_the_places_of_a_mask_are_the_numbers_it_was_made_of(numbers: set[int]) -> None:
    assert places(sum(1 << number for number in numbers)).tolist() == sorted(numbers)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=40))
def test_sums_of_rows_lose_nothing_to_rounding(downs: list[float]) -> None:
    rows = array("d", bytes(8 * 5 * len(downs)))
    numbers = array("i", range(len(downs)))
    fill_rows(rows, array("d", downs), array("d", (0.25, 0.75)), numbers, -1e5)
    found = with_rows(array("d", bytes(40)), rows, numbers)
    for column, of_one in enumerate(
        (
            lambda q: math.log1p(-q),
            lambda q: math.log1p(-0.25 * q),
            lambda q: math.log1p(-0.75 * q),
            lambda q: q / (1 - 0.25 * q),
            lambda q: q / (1 - 0.75 * q),
        )
    ):
        exact = math.fsum(map(of_one, downs))
        assert abs(found[column] - exact) <= 4e-16 * abs(exact)


def test_what_is_never_up_has_a_finite_logarithm() -> None:
    rows = array("d", bytes(8))
    fill_rows(rows, array("d", (1.0,)), array("d"), array("i", (0,)), -1e5)
    assert rows.tolist() == [-1e5]


@given(st.lists(st.sampled_from((0.0, 0.1, 0.2, 0.3)), min_size=1, max_size=20), st.data())
def test_the_largest_come_first_and_equal_ones_by_number(values: list[float], data: st.DataObject) -> None:
    numbers = data.draw(st.permutations(range(len(values))))
    split = data.draw(st.integers(0, len(numbers)))
    first = with_largest(array("i"), array("d", values), array("i", numbers[:split]), 3)
    both = with_largest(first, array("d", values), array("i", numbers[split:]), 3)
    assert both.tolist() == sorted(numbers, key=lambda number: (-values[number], number))[:3]


def test_losses_and_unavailabilities_undo_each_other_down_to_the_rarest_failure() -> None:
    downs = array("d", (0.0, 1e-300, 1e-17, 0.5, 1.0))
    assert losses(downs)[-1] == math.inf
    for before, after in zip(downs, unavailabilities(losses(downs)), strict=True):
        assert math.isclose(before, after, rel_tol=4e-16)


def test_sets_of_one_factor_have_different_keys() -> None:
    assert len({hash(keyed(1 << number)) for number in range(1_000)}) == 1_000


def test_columns_that_both_hold_are_products() -> None:
    up, down = array("d", (0.9, 0.5)), array("d", (0.1, 0.5))
    conjoin_columns(up, down, array("d", (0.8, 1.0)), array("d", (0.2, 0.0)))
    assert list(up) == pytest.approx([0.72, 0.5])
    assert list(down) == pytest.approx([0.28, 0.5])
