from __future__ import annotations

import math

import pyarrow as pa
import pytest

from truetier.telemetry.limits import limits

MILLISECOND = 1_000_000


def bucket(milliseconds: float) -> int:
    return math.floor(14 * math.log(milliseconds * MILLISECOND) + 0.123)


def durations(*rows: tuple[float, int, int, int, int]) -> pa.Table:
    """Milliseconds, outcome, whether the callee was seen, whether it outlasted the call, and how many."""
    return pa.Table.from_pylist(
        [
            {"caller": 1, "callee": 2, "is_async": 0, "f": f, "seen": seen, "outlasted": outlasted, "bucket": bucket(lasts), "n": n}
            for lasts, f, seen, outlasted, n in rows
        ]
    )


def test_failures_that_crowd_above_all_that_went_well_show_the_limit() -> None:
    (found,) = limits(durations((20, 0, 1, 0, 5000), (90, 0, 1, 0, 50), (501, 1, 0, 0, 30), (3, 1, 1, 0, 40)))
    assert found["low_ns"] <= 501 * MILLISECOND < found["high_ns"]


@pytest.mark.parametrize(
    "rows",
    [
        [(4, 1, 1, 0, 500)],  # answered, fast, nothing went well
        [(4, 1, 0, 0, 500)],  # a database that refuses at once
        [(501, 1, 0, 0, 4), (20, 0, 1, 0, 900)],  # too few
        [(501, 1, 1, 1, 30), (501, 0, 1, 0, 900)],  # as long as what goes well
        [(501, 1, 0, 0, 10), (900, 0, 1, 0, 50), (20, 0, 1, 0, 900)],  # calls that took longer went well
        [(501, 1, 0, 0, 10), (3, 1, 1, 0, 90)],  # most failures are others
    ],
)
def test_failures_of_another_kind_show_none(rows: list[tuple[float, int, int, int, int]]) -> None:
    assert limits(durations(*rows)) == []


def test_a_callee_still_at_work_when_the_caller_left_counts_as_no_answer() -> None:
    assert len(limits(durations((20_010, 1, 1, 1, 300)))) == 1
    assert limits(durations((20_010, 1, 1, 0, 300))) == []
