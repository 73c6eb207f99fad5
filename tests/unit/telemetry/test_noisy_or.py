from __future__ import annotations

from itertools import product
from math import log

import numpy as np
import pytest
from scipy.special import betaincinv

from truetier.telemetry.noisy_or import PRIOR, Background, Pattern, Posterior, failures_needed, posteriors

CERTAIN = Background(1.0, 1e9, 0, 0)  # a caller that never fails by itself


def by_grid(patterns: list[Pattern], backgrounds: list[Background], causes: int) -> list[float]:
    """The posterior mean of each cause, by summing the joint density over midpoints of a transformed grid: no sampling."""
    shares = (np.arange(60) + 0.5) / 60
    harms = betaincinv(PRIOR, PRIOR, shares)  # equal parts of the prior of a cause
    floors = [betaincinv(each.alpha, each.beta, (np.arange(25) + 0.5) / 25) for each in backgrounds]
    total, weighted = 0.0, np.zeros(causes)
    for point in product(*floors, *[harms] * causes):
        floor, harm = point[: len(floors)], np.array(point[len(floors) :])
        density = 0.0
        for each, b in zip(backgrounds, floor, strict=True):
            density += each.failed * log(b) + (each.requests - each.failed) * log(1 - b)
        for pattern in patterns:
            survives = (1 - floor[pattern.window]) * float(np.prod(1 - harm[list(pattern.causes)]))
            survives = min(max(survives, 1e-300), 1 - 1e-15)
            density += pattern.failed * log(1 - survives) + (pattern.requests - pattern.failed) * log(survives)
        total += float(np.exp(density))
        weighted += np.exp(density) * harm
    return list(weighted / total)


def test_one_cause_alone_has_the_beta_posterior() -> None:
    (found,) = posteriors([Pattern(0, (0,), 20, 17)], [CERTAIN], 1)
    assert found.mean == pytest.approx((PRIOR + 17) / (2 * PRIOR + 20), abs=1e-6)
    assert found.low == pytest.approx(betaincinv(PRIOR + 17, PRIOR + 3, 0.025), abs=0.02)
    assert found.high == pytest.approx(betaincinv(PRIOR + 17, PRIOR + 3, 0.975), abs=0.02)


@pytest.mark.parametrize(
    ("patterns", "backgrounds"),
    [
        ([Pattern(0, (0, 1), 6, 6), Pattern(0, (0,), 3, 0)], [CERTAIN]),
        ([Pattern(0, (0, 1), 5, 4), Pattern(0, (1,), 4, 1)], [Background(1, 9, 10, 2)]),
        ([Pattern(0, (0,), 4, 3), Pattern(0, (0, 1), 3, 3)], [Background(2, 30, 0, 0)]),
    ],
)
def test_joint_posteriors_are_those_of_a_grid(patterns: list[Pattern], backgrounds: list[Background]) -> None:
    """What draws scatter by is averaged away over seeds, so that what is left is what the sampler itself gets wrong."""
    found = [[each.mean for each in posteriors(patterns, backgrounds, 2, seed=seed)] for seed in range(30)]
    assert np.mean(found, axis=0) == pytest.approx(by_grid(patterns, backgrounds, 2), abs=0.015)


def test_a_background_as_high_as_the_failures_explains_them() -> None:
    quiet = Background(0.5, 0.5, 4000, 2000)
    (found,) = posteriors([Pattern(0, (0,), 400, 200)], [quiet], 1)
    assert found.high < 0.2
    (alone,) = posteriors([Pattern(0, (0,), 400, 200)], [CERTAIN], 1)
    assert alone.low > 0.4


def test_two_that_always_fail_together_share_the_blame_and_the_doubt() -> None:
    first, second = posteriors([Pattern(0, (0, 1), 50, 50)], [CERTAIN], 2)
    for each in (first, second):
        assert each.low < 0.2
        assert each.high > 0.9


def test_the_same_counts_give_the_same_draws() -> None:
    patterns = [Pattern(0, (0, 1), 9, 5)]
    assert posteriors(patterns, [CERTAIN], 2) == posteriors(patterns, [CERTAIN], 2)


@pytest.mark.parametrize(("harmed", "unharmed", "needed"), [(0, 0, 7), (7, 0, 0), (0, 7, 0), (6, 0, 1), (0, 4, 3)])
def test_so_many_more_failures_alike_decide(harmed: float, unharmed: float, needed: int) -> None:
    assert failures_needed(Posterior(0.5, 0.0, 1.0, 0.0, 0.0, harmed, unharmed)) == needed


def test_the_grid_itself_is_right_for_one_cause() -> None:
    assert by_grid([Pattern(0, (0,), 5, 4)], [CERTAIN], 1)[0] == pytest.approx((PRIOR + 4) / (2 * PRIOR + 5), abs=0.01)
