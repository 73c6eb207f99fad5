"""Trying again, without drowning a callee that is down: full-jitter backoff, paid from a budget that is a share of real requests.

Backoff: M. Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015). Budget: Finagle's and Envoy's, a share of requests with
a floor, so that retries never multiply the load of a callee that is failing.
"""

from __future__ import annotations

from _thread import allocate_lock

from truetier_runtime.window import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_DOUBLED = 500  # times: no pause is as long, and a float can hold no more than twice as many


class RetryBudget:
    """How many retries and hedges there may be: ``share`` of the requests in the last ``window`` seconds, and ``floor`` a second.

    One budget may serve several guards of one callee: their requests count together. Raises ValueError for what is negative.
    """

    __slots__ = ("_lock", "_sources", "_spent", "floor", "share", "window")

    def __init__(self, share: float = 0.1, *, floor: float = 1.0, window: float = 10.0) -> None:
        if not (share >= 0 and floor >= 0 and window > 0):
            raise ValueError(f"a budget of {share} of the requests and {floor} a second in {window} seconds: neither may be negative")
        self.share = share
        self.floor = floor
        self.window = window
        self._lock = allocate_lock()
        self._spent = Window(window)
        self._sources: list[Callable[[float], float]] = []

    def count(self, attempts: Callable[[float], float]) -> None:
        """Takes a source of attempts: how many there were in the ``window`` seconds that end at a moment."""
        self._sources.append(attempts)

    def spend(self, now: float) -> bool:
        """Whether one more retry may be made now; if so it is paid."""
        attempts = sum(source(now) for source in self._sources)  # outside the lock: each has its own
        with self._lock:
            spent, _ = self._spent.recent(now)
            if spent + 1 > self.floor * self.window + self.share * max(0, attempts - spent):
                return False
            self._spent.tick()
            return True


class Retry:
    """At most ``attempts`` in all, with pauses drawn evenly from nought to ``base`` doubled each time, no longer than ``cap`` seconds.

    Only for work that may be done twice. ``on``: errors worth another try; refusals never are, and neither are mistakes of the caller.
    Raises ValueError for what cannot be.
    """

    __slots__ = ("attempts", "base", "budget", "cap", "on")

    def __init__(
        self,
        attempts: int = 3,
        *,
        base: float = 0.05,
        cap: float = 2.0,
        on: tuple[type[Exception], ...] = (Exception,),
        budget: RetryBudget | None = None,
    ) -> None:
        if not (attempts >= 2 and base > 0 and cap >= base):
            raise ValueError(f"{attempts} attempts with pauses from {base} to {cap} seconds: at least 2, and from more than 0 upwards")
        self.attempts = attempts
        self.base = base
        self.cap = cap
        self.on = on
        self.budget = budget or RetryBudget()


def pause(retry: Retry, made: int, chance: float) -> float:
    """Seconds before the next attempt, after so many were made, for a number drawn evenly from [0, 1)."""
    return chance * min(retry.cap, retry.base * 2.0 ** min(made - 1, _MOST_DOUBLED))


class Hedge:
    """A second attempt, begun when the first has not answered after ``after`` seconds; the first good answer counts.

    Only for work that may be done twice, and only where work can be cancelled: in asyncio. Raises ValueError for a time below nought.
    """

    __slots__ = ("after", "budget")

    def __init__(self, after: float, *, budget: RetryBudget | None = None) -> None:
        if not after >= 0:
            raise ValueError(f"a hedge after {after} seconds: not before the call")
        self.after = after
        self.budget = budget or RetryBudget()
