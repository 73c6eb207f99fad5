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
# Above this many times what is usual, samples are no longer a queue of our own making but a service that has become another one.
STRANGE_RATIO = 2.0
FORGETTING = 0.95
SMALLEST_GRADIENT = 0.5


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
    """``usual`` seconds (0: nothing seen), and what the window that is being filled holds so far."""

    limit: float
    usual: float
    lowered: float
    samples: int
    seconds: float
    in_flight: int


class Gradient:
    """Compares how long work takes now with how long it usually takes; needs no figure of what is slow.

    Each window of ``window`` samples gives one change: limit * gradient + sqrt(limit), smoothed by ``smoothing``, where the gradient
    is ``tolerance`` * usual / now within [0.5, 1] and the square root is the queue that is allowed for. A usual time is the exponential
    mean over ``memory`` windows; it is forgotten faster once it is twice what is seen, else a slow hour would leave it too high.

    What may go wrong: an overload that lasts longer than the memory becomes what is usual, and the limit creeps up again. A time-bounded
    queue and drops (which lower the limit whatever the gradient says) keep that bounded; where a bound on time is known, ``Aimd`` has it.

    Source: Netflix, concurrency-limits, Gradient2Limit.
    """

    __slots__ = ("_decrease", "_highest", "_initial", "_lowest", "_memory", "_smoothing", "_tolerance", "_window")

    def __init__(  # noqa: PLR0913 - each is a number of the formula
        self,
        *,
        initial: int = 20,
        lowest: int = 1,
        highest: int = 1000,
        tolerance: float = 1.5,
        smoothing: float = 0.2,
        memory: int = 600,
        window: int = 10,
        decrease: float = 0.9,
    ) -> None:
        _check_bounds(initial, lowest, highest)
        _check(tolerance >= 1.0, "tolerance", "at least 1", tolerance)
        _check(0.0 < smoothing <= 1.0, "smoothing", "more than 0 and at most 1", smoothing)
        _check(memory >= 1, "memory", "at least 1 window", memory)
        _check(window >= 1, "window", "at least 1 sample", window)
        _check(0.0 < decrease < 1.0, "decrease", "between 0 and 1, both excluded", decrease)
        self._initial = initial
        self._lowest = lowest
        self._highest = highest
        self._tolerance = tolerance
        self._smoothing = smoothing
        self._memory = memory
        self._window = window
        self._decrease = decrease

    def begin(self) -> GradientState:
        """The state before anything was seen."""
        return GradientState(self._initial, 0.0, -math.inf, 0, 0.0, 0)

    def step(self, state: GradientState, sample: Sample) -> GradientState:
        """The state after one more sample. Of a drop only that it happened is used: how long it took is the time-out of somebody else."""
        if sample.is_dropped:
            if sample.began <= state.lowered:
                return state
            limit = max(self._lowest, state.limit * self._decrease)
            return GradientState(limit, state.usual, sample.ended, 0, 0.0, 0)
        count = state.samples + 1
        seconds = state.seconds + sample.seconds
        in_flight = max(state.in_flight, sample.in_flight)
        if count < self._window:
            return GradientState(state.limit, state.usual, state.lowered, count, seconds, in_flight)
        now = seconds / count
        usual = self._remembered(state.usual, now)
        limit = state.limit if in_flight < state.limit * USED_SHARE else self._moved(state.limit, usual, now)
        return GradientState(limit, usual, state.lowered, 0, 0.0, 0)

    def _remembered(self, usual: float, now: float) -> float:
        if usual == 0.0:
            return now
        usual += (now - usual) / self._memory
        return usual * FORGETTING if usual > STRANGE_RATIO * now else usual

    def _moved(self, limit: float, usual: float, now: float) -> float:
        gradient = 1.0 if now == 0.0 else min(1.0, max(SMALLEST_GRADIENT, self._tolerance * usual / now))
        wanted = limit * gradient + math.sqrt(limit)
        return min(self._highest, max(self._lowest, limit + (wanted - limit) * self._smoothing))


def _check_bounds(initial: int, lowest: int, highest: int) -> None:
    _check(lowest >= 1, "lowest", "at least 1", lowest)
    _check(lowest <= initial <= highest, "initial", f"between lowest, {lowest}, and highest, {highest}", initial)


def _check(is_right: bool, name: str, wanted: str, found: float) -> None:  # noqa: FBT001 - an assertion with words
    # Not a number compares false with everything, so it never is right.
    if not is_right:
        raise SettingsError(f"{name} is {found}; it has to be {wanted}")
