"""When to leave a callee alone: the state of a circuit breaker, and the steps from one state to the next.

Steps are pure: they take a state, a moment and what happened, and give the next state. guard.py holds the lock around them. Every state
has a generation, and the outcome of a call counts only in the generation that let it in: a slow answer from before an opening closes
nothing. A probe holds its slot on a lease, so that one that never comes back does not keep the callee out for ever.
After M. Nygard, Release It! (2007), chapter 5; rates over a window instead of failures in a row, since one good call in three resets those.
"""

from __future__ import annotations

from truetier_runtime.window import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"
GOOD, FAILED, CANCELLED = "good", "failed", "cancelled"


class Breaker:
    """What makes a breaker open, and how it closes again.

    It opens when at least ``failure_rate`` of the calls in the last ``window`` seconds failed and there were ``minimum_calls``; stays
    open ``open_for`` seconds, give or take ``jitter`` of it, so that callers do not come back together; then lets ``probes`` calls
    through, each for ``lease`` seconds at most. If all go well it closes, and opens again at the first that fails.
    Raises ValueError with everything that is wrong.
    """

    __slots__ = ("failure_rate", "jitter", "lease", "minimum_calls", "open_for", "probes", "window")

    def __init__(  # noqa: PLR0913 - a setting each
        self,
        failure_rate: float = 0.5,
        *,
        minimum_calls: int = 20,
        window: float = 10.0,
        open_for: float = 5.0,
        jitter: float = 0.2,
        probes: int = 1,
        lease: float = 30.0,
    ) -> None:
        wrong = [
            words
            for is_right, words in (
                (0 < failure_rate <= 1, f"failure_rate {failure_rate} is no share above 0 and up to 1"),
                (minimum_calls >= 1, f"minimum_calls {minimum_calls} is less than 1"),
                (window > 0, f"window {window} is no positive number of seconds"),
                (open_for > 0, f"open_for {open_for} is no positive number of seconds"),
                (0 <= jitter < 1, f"jitter {jitter} is no share below 1"),
                (probes >= 1, f"probes {probes} is less than 1"),
                (lease > 0, f"lease {lease} is no positive number of seconds"),
            )
            if not is_right
        ]
        if wrong:
            raise ValueError(f"this breaker cannot work: {'; '.join(wrong)}")
        self.failure_rate = failure_rate
        self.minimum_calls = minimum_calls
        self.window = window
        self.open_for = open_for
        self.jitter = jitter
        self.probes = probes
        self.lease = lease


class State:
    """Where a breaker is. Never changed: a step makes a new one.

    ``window``: what calls are counted in while it is closed, None otherwise. ``until``: when the open period ends. ``leases``: of probes
    under way, their number and when their slot is taken from them. ``passed``: probes that went well. ``numbered``: probes let in so far.
    """

    __slots__ = ("generation", "kind", "leases", "numbered", "passed", "until", "window")

    def __init__(  # noqa: PLR0913 - a part each
        self,
        kind: str,
        generation: int,
        *,
        window: Window | None = None,
        until: float = 0.0,
        leases: tuple[tuple[int, float], ...] = (),
        passed: int = 0,
        numbered: int = 0,
    ) -> None:
        self.kind = kind
        self.generation = generation
        self.window = window
        self.until = until
        self.leases = leases
        self.passed = passed
        self.numbered = numbered


def closed(seconds: float, generation: int = 0) -> State:
    """Closed, with nothing counted yet in a window of so many seconds."""
    return State(CLOSED, generation, window=Window(seconds))


def admit(breaker: Breaker, state: State, now: float) -> tuple[State, int | None]:
    """Whether a call may begin: the next state, and the number of its probe, nought where it needs none, None where it may not."""
    if state.kind == CLOSED:
        return state, 0
    if state.kind == OPEN:
        if now < state.until:
            return state, None
        state = State(HALF_OPEN, state.generation + 1)
    leases = tuple((number, end) for number, end in state.leases if end > now)
    if len(leases) + state.passed >= breaker.probes:
        return State(HALF_OPEN, state.generation, leases=leases, passed=state.passed, numbered=state.numbered), None
    number = state.numbered + 1
    leases += ((number, now + breaker.lease),)
    return State(HALF_OPEN, state.generation, leases=leases, passed=state.passed, numbered=number), number


def retry_after(breaker: Breaker, state: State, now: float) -> float:
    """Seconds until a call may be let in again."""
    if state.kind == OPEN:
        return max(0.0, state.until - now)
    return max(0.0, min((end for _, end in state.leases), default=now + breaker.open_for) - now)


def settle_probe(breaker: Breaker, state: State, probe: int, outcome: str, until: Callable[[], float]) -> State:
    """What the end of a probe changes; ``until`` says when the next open period would end. A cancelled one gives its slot back."""
    if outcome == FAILED:
        return opened(state, until())
    leases = tuple((number, end) for number, end in state.leases if number != probe)
    passed = state.passed + (outcome == GOOD)
    if passed >= breaker.probes:
        return closed(breaker.window, state.generation + 1)
    return State(HALF_OPEN, state.generation, leases=leases, passed=passed, numbered=state.numbered)


def is_too_much(breaker: Breaker, good: int, failed: int) -> bool:
    """Whether so many failures among the recent calls open a closed breaker."""
    calls = good + failed
    return calls >= breaker.minimum_calls and failed >= breaker.failure_rate * calls


def opened(state: State, until: float) -> State:
    """Open until then."""
    return State(OPEN, state.generation + 1, until=until)


def open_period(breaker: Breaker, chance: float) -> float:
    """Seconds to stay open, for a number drawn evenly from [0, 1)."""
    return breaker.open_for * (1 + breaker.jitter * (2 * chance - 1))
