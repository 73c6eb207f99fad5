"""How much may be under way at once, learned from how long work takes: algorithms alone, without counting, locks or clocks.

An algorithm has a state to begin with and a step from one state and one sample to the next state. States are immutable, so that
whoever enforces a limit (``truetier_runtime.limiter``) may compute a step without holding a lock.

Three things hold for each: a limit stays between its bounds; it rises only while it is used (a limit that nobody reaches says nothing
of what the service could do); and drops of one round, work that began before the limit was last lowered, lower it once, as TCP halves
its window once per round trip, for else forty time-outs of one hiccup would leave nothing.

Source of the ideas: Netflix, concurrency-limits (AIMDLimit, Gradient2Limit); Jacobson and Karels, Congestion Avoidance and Control,
1988, for additive increase with multiplicative decrease. The code is our own.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol, TypeVar

from truetier_runtime.errors import SettingsError

# A limit is in use from here on: below it, more room would change nothing.
USED_SHARE = 0.5
SMALLEST_GRADIENT = 0.5
# By how much the limit is divided to see how long work takes with nearly no queue. More would find the way back from a limit that is far
# too high sooner, and refuse critical work meanwhile: divided by 3, the herd lost up to 0.7 % of it.
PROBE = 2.0
# A window has at least so many rounds of the limit: of a hundred pieces under way the first twenty to end are the short ones.
ROUNDS = 3.0


class Sample(NamedTuple):
    """One piece of work that ended. Times are seconds of one clock."""

    began: float
    ended: float
    in_flight: int  # when it began, itself included
    is_dropped: bool  # it timed out or was refused further on

    @property
    def seconds(self) -> float:
        """How long it took; never negative, whatever the clock did."""
        return max(0.0, self.ended - self.began)


class HasLimit(Protocol):
    """Any state."""

    @property
    def limit(self) -> float:
        """How much may be under way, at least 1; enforced rounded down."""


State = TypeVar("State", bound=HasLimit)


class Algorithm(Protocol[State]):
    """What a limiter asks of an algorithm. Both methods are pure."""

    def begin(self) -> State:
        """The state before anything was seen."""

    def step(self, state: State, sample: Sample) -> State:
        """The state after one more sample."""


class FixedState(NamedTuple):
    """A limit that does not move."""

    limit: float


class Fixed:
    """As much as was said. For what is known and does not change: connections of a pool, licences."""

    __slots__ = ("_state",)

    def __init__(self, limit: int) -> None:
        _check(limit >= 1, "limit", "at least 1", limit)
        self._state = FixedState(limit)

    def begin(self) -> FixedState:
        """The state before anything was seen."""
        return self._state

    def step(self, state: FixedState, sample: Sample) -> FixedState:  # noqa: ARG002 - what every algorithm is handed
        """The same state."""
        return state


class AimdState(NamedTuple):
    """``lowered`` is when the limit was last lowered, in seconds of the samples' clock."""

    limit: float
    lowered: float


class Aimd:
    """One more per round of work that went well, a share of the limit for a round with a drop.

    ``slow`` seconds or more count as a drop. Needs to be told what is slow, and in return never mistakes a service that became slower
    for one that was always so.
    """

    __slots__ = ("_decrease", "_highest", "_initial", "_lowest", "_slow")

    def __init__(self, *, initial: int = 20, lowest: int = 1, highest: int = 1000, decrease: float = 0.9, slow: float = 5.0) -> None:
        _check_bounds(initial, lowest, highest)
        _check(0.0 < decrease < 1.0, "decrease", "between 0 and 1, both excluded", decrease)
        _check(slow > 0.0, "slow", "more than 0 seconds", slow)
        self._initial = initial
        self._lowest = lowest
        self._highest = highest
        self._decrease = decrease
        self._slow = slow

    def begin(self) -> AimdState:
        """The state before anything was seen."""
        return AimdState(self._initial, -math.inf)

    def step(self, state: AimdState, sample: Sample) -> AimdState:
        """The state after one more sample. A limit of n sees n samples per round, each of which adds 1/n."""
        if sample.is_dropped or sample.seconds >= self._slow:
            if sample.began <= state.lowered:
                return state
            return AimdState(max(self._lowest, state.limit * self._decrease), sample.ended)
        if sample.in_flight < state.limit * USED_SHARE:
            return state
        return AimdState(min(self._highest, state.limit + 1.0 / state.limit), state.lowered)


class GradientState(NamedTuple):
    """``usual`` seconds (0: nothing seen), ``windows`` since they were probed, and what the window that is being filled holds so far.

    ``kept`` is the limit to come back to while it is lowered for a probe, 0 otherwise; ``probing`` since when it is.
    """

    limit: float
    usual: float
    lowered: float
    windows: int
    kept: float
    probing: float
    samples: int
    seconds: float
    in_flight: int


class Gradient:
    """Compares how long work takes now with how long it usually takes; needs no figure of what is slow.

    Each window, ``window`` samples or three rounds of the limit if that is more, gives one change: limit * gradient + sqrt(limit), smoothed
    by ``smoothing``, where the gradient is ``tolerance`` * usual / now within [0.5, 1] and the square root is the queue that is allowed
    for.

    What may go wrong: were the usual time a mean over what is seen, as with Netflix, then an overload that lasts would become what is
    usual, and the limit would rise until it is none. So it is measured with nearly no queue: every ``every`` windows the limit is halved
    until a window of work that began since has ended, whose mean is the usual time from then on, be it higher or lower.
    That costs about one request in a hundred of a saturated server, and somewhat more where work takes very uneven time.

    Source: Netflix, concurrency-limits, Gradient2Limit; for the probe Cardwell and others, BBR: Congestion-Based Congestion Control, ACM
    Queue 14(5), 2016 (ProbeRTT).
    """

    __slots__ = ("_decrease", "_every", "_highest", "_initial", "_lowest", "_smoothing", "_tolerance", "_window")

    def __init__(  # noqa: PLR0913 - each is a number of the formula
        self,
        *,
        initial: int = 20,
        lowest: int = 1,
        highest: int = 1000,
        tolerance: float = 1.5,
        smoothing: float = 0.2,
        window: int = 20,
        every: int = 20,
        decrease: float = 0.9,
    ) -> None:
        _check_bounds(initial, lowest, highest)
        _check(tolerance >= 1.0, "tolerance", "at least 1", tolerance)
        _check(0.0 < smoothing <= 1.0, "smoothing", "more than 0 and at most 1", smoothing)
        _check(window >= 1, "window", "at least 1 sample", window)
        _check(every >= 1, "every", "at least 1 window", every)
        _check(0.0 < decrease < 1.0, "decrease", "between 0 and 1, both excluded", decrease)
        self._initial = initial
        self._lowest = lowest
        self._highest = highest
        self._tolerance = tolerance
        self._smoothing = smoothing
        self._window = window
        self._every = every
        self._decrease = decrease

    def begin(self) -> GradientState:
        """The state before anything was seen."""
        return GradientState(self._initial, 0.0, -math.inf, 0, 0.0, -math.inf, 0, 0.0, 0)

    def step(self, state: GradientState, sample: Sample) -> GradientState:
        """The state after one more sample. Of a drop only that it happened is used: how long it took is the time-out of somebody else."""
        if sample.is_dropped:
            if sample.began <= state.lowered:
                return state
            # A drop in a probe ends it.
            limit = max(self._lowest, (state.kept or state.limit) * self._decrease)
            return _emptied(state)._replace(limit=limit, lowered=sample.ended, kept=0.0)
        if state.kept and sample.began <= state.probing:
            return state
        filled = state._replace(
            samples=state.samples + 1, seconds=state.seconds + sample.seconds, in_flight=max(state.in_flight, sample.in_flight)
        )
        if filled.samples < max(self._window, ROUNDS * state.limit):
            return filled
        now = filled.seconds / filled.samples
        if state.kept:
            return _emptied(state)._replace(limit=state.kept, usual=now, windows=0, kept=0.0)
        usual = state.usual or now
        is_used = filled.in_flight >= state.limit * USED_SHARE
        limit = self._moved(state.limit, usual, now) if is_used else state.limit
        if state.windows + 1 < self._every:
            return _emptied(state)._replace(limit=limit, usual=usual, windows=state.windows + 1)
        return _emptied(state)._replace(limit=max(self._lowest, limit / PROBE), usual=usual, kept=limit, probing=sample.ended)

    def _moved(self, limit: float, usual: float, now: float) -> float:
        gradient = 1.0 if now == 0.0 else min(1.0, max(SMALLEST_GRADIENT, self._tolerance * usual / now))
        wanted = limit * gradient + math.sqrt(limit)
        return min(self._highest, max(self._lowest, limit + (wanted - limit) * self._smoothing))


def _emptied(state: GradientState) -> GradientState:
    """With nothing in the window."""
    return state._replace(samples=0, seconds=0.0, in_flight=0)


def _check_bounds(initial: int, lowest: int, highest: int) -> None:
    _check(lowest >= 1, "lowest", "at least 1", lowest)
    _check(lowest <= initial <= highest, "initial", f"between lowest, {lowest}, and highest, {highest}", initial)


def _check(is_right: bool, name: str, wanted: str, found: float) -> None:  # noqa: FBT001 - an assertion with words
    # Not a number compares false with everything, so it never is right.
    if not is_right:
        raise SettingsError(f"{name} is {found}; it has to be {wanted}")
