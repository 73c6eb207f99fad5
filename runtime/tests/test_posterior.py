"""What guards conclude is what telemetry would have concluded: SciPy is the oracle, and the engine of telemetry the peer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from truetier.telemetry import noisy_or
from truetier_runtime.posterior import PRIOR, below, failures_needed, interval, verdict

COUNTS = st.integers(0, 20_000)


@given(COUNTS, COUNTS, st.floats(0, 1))
def test_what_is_believed_is_the_distribution_of_scipy(harmed: int, unharmed: int, probability: float) -> None:
    assert below(harmed, unharmed, probability) == pytest.approx(beta.cdf(probability, PRIOR + harmed, PRIOR + unharmed), abs=1e-9)


@given(COUNTS, COUNTS)
def test_the_interval_is_that_of_scipy(harmed: int, unharmed: int) -> None:
    belief = beta(PRIOR + harmed, PRIOR + unharmed)
    assert interval(harmed, unharmed) == pytest.approx((belief.mean(), *belief.ppf((0.025, 0.975))), abs=1e-7)


def test_both_start_from_the_same_belief() -> None:
    assert PRIOR == noisy_or.PRIOR


@pytest.mark.parametrize(("harmed", "unharmed"), [(0, 0), (3, 0), (0, 6), (1, 7), (4, 4), (60, 40)])
def test_both_need_as_many_more_failures(harmed: int, unharmed: int) -> None:
    known = noisy_or.Posterior(0.0, 0.0, 0.0, 0.0, 0.0, harmed, unharmed)
    assert failures_needed(harmed, unharmed) == noisy_or.failures_needed(known)


@pytest.mark.parametrize(
    ("harmed", "unharmed", "word"),
    [(7, 0, "hard"), (6, 0, "unknown"), (0, 7, "soft"), (1, 7, "unknown"), (1, 40, "soft"), (40, 1, "hard"), (30, 30, "partial")],
)
def test_a_verdict_is_given_where_it_is_nearly_certain(harmed: int, unharmed: int, word: str) -> None:
    assert verdict(harmed, unharmed) == word
