"""Intervals that hold the truth as often as they say."""

from __future__ import annotations

from random import Random

import pytest

from truetier.availability.simulation.statistics import Figure, clustering, mean, percentile, ratio, share, variance


def test_a_mean_has_the_interval_of_the_normal_approximation() -> None:
    assert mean([1.0, 2.0, 3.0, 4.0]) == pytest.approx(Figure(2.5 - 1.96 * 0.6455, 2.5, 2.5 + 1.96 * 0.6455), rel=1e-4)
    assert mean([0.0, 0.0, 9.0]).low == 0.0  # no quantity here is negative


def test_one_value_has_no_interval() -> None:
    assert mean([3.0]) == Figure(0.0, 3.0, None)
    assert ratio([3.0], [2.0]) == Figure(0.0, 1.5, None)
    assert variance([3.0]) == 0.0


def test_a_ratio_is_that_of_the_sums() -> None:
    found = ratio([60.0, 0.0, 180.0], [1.0, 0.0, 2.0])
    assert found is not None
    assert found.value == 80.0
    assert ratio([0.0, 0.0], [0.0, 0.0]) is None


def test_a_share_has_the_interval_of_wilson() -> None:
    # Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662
    found = share(81, 263)
    assert found.low == pytest.approx(0.2553, abs=5e-5)
    assert found.high == pytest.approx(0.3662, abs=5e-5)
    assert share(0, 10).low == 0.0
    assert share(10, 10).high == 1.0


def test_clustered_months_count_for_fewer() -> None:
    assert share(81, 263, clustering=4.0).low < share(81, 263).low
    assert clustering([1.0] * 12 + [0.0] * 12, 12) > 10  # months of a year that are all alike say what one of them says
    random = Random(1)
    assert clustering([random.random() for _ in range(12 * 500)], 12) == pytest.approx(1.0, abs=0.2)
    assert clustering([0.0] * 24, 12) == 1.0


def test_the_interval_of_a_percentile_holds_the_truth_in_95_of_100_samples() -> None:
    random = Random(7)
    for percent in (50, 90, 95):
        held = 0
        for _ in range(1000):
            found = percentile(sorted(random.random() for _ in range(200)), percent)
            held += found.low <= percent / 100 <= (1.0 if found.high is None else found.high)
        assert 930 <= held <= 990


def test_too_small_a_sample_does_not_say_how_high_a_percentile_is() -> None:
    assert percentile([1.0, 2.0, 3.0], 99) == Figure(2.0, 3.0, None)
    assert not percentile([1.0, 2.0, 3.0], 99).is_within(0.5, 1.0)


def test_a_figure_is_precise_by_its_own_size_or_by_a_larger_scale() -> None:
    assert Figure(95.0, 100.0, 105.0).is_within(0.05, 0.0)
    assert not Figure(94.0, 100.0, 106.0).is_within(0.05, 0.0)
    assert Figure(0.0, 0.0, 8.0).is_within(0.05, 80.0)
