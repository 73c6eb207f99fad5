"""How likely each failed callee makes its caller fail, when several fail at once and the caller also fails by itself.

Theory. A request fails if its caller fails by itself, with the background probability b of the five minutes it came in, or if one
of the callees that failed it takes it along, each with its own probability h, all independent: P(fails) = 1 - (1 - b) times the
product of (1 - h), the noisy-OR of Pearl (Probabilistic Reasoning in Intelligent Systems, 1988, 4.3). Of each failed request it is
unknown which cause took effect; given that, every h and b has a Beta distribution, and given those, the causes are drawn one after
the other: a Gibbs sampler (Geman and Geman 1984) whose draws come from the joint posterior, so that blame which cannot be told
apart widens the intervals of all who share it. What is reported is averaged over the Beta distributions of the draws.
What may go wrong: failures inside one incident may have a common cause that is no callee; the background of the same five minutes
takes most of it up, and failures in one such window alone are said to be so.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Reals = NDArray[np.float64]
    Numbers = NDArray[np.int64]

PRIOR = 0.3  # of each h, on both sides: most callees are nearly always fatal or nearly never
_CHAINS = 10  # from starts far apart: where two explanations exclude one another, each is found by some
_DROPPED = 60  # draws of each, until its start is forgotten
_KEPT = 200  # after them
_MOST_NEEDED = 100_000  # failures
_DECIDED = 0.95
_PER_DRAW = 2  # values of each kept draw's distribution, for the quantiles


class Pattern(NamedTuple):
    """Requests of one caller in one window with the same callees failed: how many, and how many of them failed."""

    window: int  # a place in the backgrounds
    causes: tuple[int, ...]
    requests: int
    failed: int


class Background(NamedTuple):
    """The prior of one window's background as a Beta distribution, and the requests of it in which no callee failed."""

    alpha: float
    beta: float
    requests: int
    failed: int


class Posterior(NamedTuple):
    """What is known of one h: mean, middle 95 %, how likely it is above 0.8 and below 0.2, and how many failures speak for and against."""

    mean: float
    low: float
    high: float
    is_high: float
    is_low: float
    harmed: float
    unharmed: float


def posteriors(patterns: Sequence[Pattern], backgrounds: Sequence[Background], causes: int, *, seed: int = 0) -> list[Posterior]:
    """What the patterns tell of each cause; the same draws every time."""
    sampler = _Sampler(patterns, backgrounds, causes, np.random.default_rng(seed))
    for _ in range(_DROPPED):
        sampler.draw()
    drawn = [sampler.draw() for _ in range(_KEPT)]
    return _told(np.concatenate([on for on, _ in drawn]), np.concatenate([off for _, off in drawn]), sampler.chance)


class _Sampler:
    """The state of the draws, all chains side by side: each has its own copy of every pattern, window and cause.

    Row of a pattern in a chain, column of a cause: the background comes first, then the members of the set. Large sets come first, so
    that the rows which have a column are always the first ones.
    """

    def __init__(self, patterns: Sequence[Pattern], backgrounds: Sequence[Background], causes: int, chance: np.random.Generator) -> None:
        self.chance = chance
        self._causes = causes
        alpha = np.array([each.alpha + each.failed for each in backgrounds])
        beta = np.array([each.beta + each.requests - each.failed for each in backgrounds])
        survived = np.zeros(causes + 1)
        for pattern in patterns:  # no cause took effect in a request that did not fail: nothing to draw
            beta[pattern.window] += pattern.requests - pattern.failed
            survived[list(pattern.causes)] += pattern.requests - pattern.failed
        failing = sorted((pattern for pattern in patterns if pattern.failed), key=lambda pattern: -len(pattern.causes))
        widest = max((len(pattern.causes) for pattern in failing), default=1)
        members = np.full((len(failing), widest), causes, dtype=np.int64)  # the last cause never takes effect
        for row, pattern in enumerate(failing):
            members[row, : len(pattern.causes)] = pattern.causes
        chains = np.arange(_CHAINS)
        self._members = (members[:, None, :] + (causes + 1) * chains[None, :, None]).reshape(-1, widest)
        windows = np.array([pattern.window for pattern in failing], dtype=np.int64)
        self._windows = (windows[:, None] + len(alpha) * chains).ravel()
        self._failed = np.repeat(np.array([pattern.failed for pattern in failing], dtype=np.int64), _CHAINS)
        self._rows = [_CHAINS * sum(len(pattern.causes) >= column for pattern in failing) for column in range(widest + 2)]
        self._alpha, self._beta, self._survived = (np.tile(each, _CHAINS) for each in (alpha, beta, survived))
        self._background = self._alpha / (self._alpha + self._beta)
        self._harm = chance.uniform(0.02, 0.98, len(self._survived))
        self._harm[causes :: causes + 1] = 0.0

    def draw(self) -> tuple[Reals, Reals]:
        """One round: which causes took effect, then every probability anew. How often each cause did and did not, a row for each chain."""
        chances = np.column_stack((self._background[self._windows], self._harm[self._members]))
        on = self._effects(chances).astype(np.float64)
        off = self._failed[:, None] - on
        window_on = np.bincount(self._windows, on[:, 0], len(self._alpha))
        window_off = np.bincount(self._windows, off[:, 0], len(self._alpha))
        self._background = self.chance.beta(self._alpha + window_on, self._beta + window_off)
        members = self._members.ravel()
        cause_on: Reals = np.bincount(members, on[:, 1:].ravel(), len(self._harm)).astype(np.float64)
        cause_off: Reals = np.bincount(members, off[:, 1:].ravel(), len(self._harm)) + self._survived
        self._harm = self.chance.beta(PRIOR + cause_on, PRIOR + cause_off)
        self._harm[self._causes :: self._causes + 1] = 0.0
        return cause_on.reshape(_CHAINS, -1)[:, :-1], cause_off.reshape(_CHAINS, -1)[:, :-1]

    def _effects(self, chances: Reals) -> Numbers:
        """How many requests of each pattern each cause took effect in, given how many failed: at least one did in each of those."""
        with np.errstate(divide="ignore"):
            losses = np.cumsum(np.log1p(-chances)[:, ::-1], axis=1)[:, ::-1]
        some_from = -np.expm1(losses)  # this cause or a later one
        on = np.zeros(chances.shape, dtype=np.int64)
        open_ones, explained = self._failed.copy(), np.zeros_like(self._failed)
        for column in range(chances.shape[1]):
            rows, wider = self._rows[column : column + 2]
            chance, some = chances[:wider, column], some_from[:wider, column]
            here = np.divide(chance, some, out=np.ones_like(chance), where=some > 0)
            fresh = open_ones[:rows].copy()  # what no cause before explains, the last one of a set does
            fresh[:wider] = self.chance.binomial(open_ones[:wider], np.minimum(here, 1.0))
            on[:rows, column] = fresh
            if column:
                on[:rows, column] += self.chance.binomial(explained[:rows], chances[:rows, column])
            open_ones[:rows] -= fresh
            explained[:rows] += fresh
        return on


def _told(on: Reals, off: Reals, chance: np.random.Generator) -> list[Posterior]:
    """Averages over the Beta distributions of all draws: rows are draws, columns causes."""
    draws, causes = on.shape
    alpha, beta = PRIOR + on, PRIOR + off
    values = chance.beta(np.repeat(alpha, _PER_DRAW, axis=0), np.repeat(beta, _PER_DRAW, axis=0))
    low, high = np.quantile(values, (0.025, 0.975), axis=0)
    # Both counts of a cause add up to the same in every draw, and most draws of it are alike: each kind is looked up once.
    most = on.max() + 1.0
    kinds, counts = np.unique(on + most * np.arange(causes), return_counts=True)
    cause, harmed = np.divmod(kinds, most)
    places = cause.astype(np.int64)
    of_kinds = PRIOR + harmed, PRIOR + (on[0] + off[0])[places] - harmed
    below_low, below_high = (np.bincount(places, counts * betainc(*of_kinds, limit), causes) / draws for limit in (0.2, 0.8))
    columns = (
        (alpha / (alpha + beta)).mean(axis=0),
        low,
        high,
        1.0 - below_high,
        below_low,
        on.mean(axis=0),
        off.mean(axis=0),
    )
    return [Posterior(*map(float, row)) for row in zip(*columns, strict=True)]


def failures_needed(posterior: Posterior) -> int:
    """How many more failures, all of one kind, would decide what is known of a cause so far: the nearer of the two sides."""
    alpha, beta = PRIOR + posterior.harmed, PRIOR + posterior.unharmed
    more = range(_MOST_NEEDED)
    hard = bisect_left(more, _DECIDED, key=lambda count: 1.0 - betainc(alpha + count, beta, 0.8))
    soft = bisect_left(more, _DECIDED, key=lambda count: betainc(alpha, beta + count, 0.2))
    return min(hard, soft)
