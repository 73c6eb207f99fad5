"""Calls that would be refused anyway are not sent: a client that holds back by itself while its callee refuses much.

A refusal costs the callee too; enough clients can keep it busy with nothing else. So each client compares how many calls of late it made
with how many were accepted, and leaves out a share of its calls by chance, at the point where the callee accepts less than one in K.

    probability = max(0, (requests - K * accepts) / (requests + 1))

Source: Google, Site Reliability Engineering, chapter 21, Handling Overload, equation 21-1. Requests that were refused here count among
the requests, as there. A request that was sent counts once its outcome is known, not when it is sent: else a callee that is slow would
look like one that refuses. One whose outcome nobody will know, because it was cancelled, does not count.

Counts are kept for each callee and class of work, since a callee that sheds still serves what is critical.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from truetier_runtime.errors import SettingsError, ThrottledError
from truetier_runtime.hooks import THROTTLED, Fact, tell
from truetier_runtime.shed import Priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from truetier_runtime.hooks import Hook

LARGEST_PERIODS = 1000


def refusal_probability(requests: float, accepts: float, factor: float) -> float:
    """The share of calls to leave out, 0 to below 1. Source: see the head of the file."""
    return max(0.0, (requests - factor * accepts) / (requests + 1))


class Recent:
    """Requests and accepts of the last ``periods`` periods of ``period`` seconds. Not locked.

    Time that goes back is taken as the latest that was seen: a late thread must not wipe the period that is being filled.
    """

    __slots__ = ("_accepts", "_latest", "_period", "_requests", "accepts", "requests")

    def __init__(self, period: float, periods: int) -> None:
        self._period = period
        self._requests = [0] * periods
        self._accepts = [0] * periods
        self._latest = 0
        self.requests = 0
        self.accepts = 0

    def roll(self, now: float) -> None:
        """Forgets what is too old at ``now`` seconds."""
        number = int(now // self._period)
        size = len(self._requests)
        for passed in range(max(self._latest, number - size) + 1, number + 1):
            place = passed % size
            self.requests -= self._requests[place]
            self.accepts -= self._accepts[place]
            self._requests[place] = self._accepts[place] = 0
        self._latest = max(self._latest, number)

    def count(self, *, is_accepted: bool) -> None:
        """One more request, in the period that was last rolled to."""
        place = self._latest % len(self._requests)
        self._requests[place] += 1
        self.requests += 1
        if is_accepted:
            self._accepts[place] += 1
            self.accepts += 1


class _Line:
    """What is remembered of one callee and class. ``closed_until`` is when it asked to be asked again."""

    __slots__ = ("closed_until", "window")

    def __init__(self, window: Recent) -> None:
        self.window = window
        self.closed_until = 0.0


class Throttle:
    """Asked before each call, told after it. Threads may share one.

    ``factor`` is the book's K: with 2, a callee may refuse every second call before any is left out here. ``window`` is in seconds, and how
    fast a callee is trusted again: accepts grow by a factor of about e^(K - 1) per window (of the calls, K * accepts / requests are sent,
    and what was accepted a window ago falls out), so from one call in twenty to all of them takes K = 2 about 2.3 windows. The book has two
    minutes; take less where many calls a second make a count of seconds mean something.

    Retry-After is obeyed, for at most ``longest_wait`` seconds and up to a tenth longer by chance, when the callee refuses so much that
    calls would be left out anyway: one refusal by a busy callee concerns one call, and must not silence all others of a client. Meanwhile
    calls are refused without being counted; the callee asked for that, they are no evidence against it. ``hooks`` are told of each call
    that is left out.
    """

    __slots__ = ("_chance", "_clock", "_factor", "_hooks", "_lines", "_lock", "_longest_wait", "_most", "_period", "_periods")

    def __init__(  # noqa: PLR0913 - each is a number of the formula or its source of time and chance
        self,
        *,
        factor: float = 2.0,
        window: float = 120.0,
        periods: int = 24,
        longest_wait: float = 60.0,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        hooks: tuple[Hook, ...] = (),
    ) -> None:
        self._hooks = hooks
        if not factor >= 1.0 or not window > 0.0 or not 1 <= periods <= LARGEST_PERIODS or not longest_wait >= 0.0 or most < 1:
            raise SettingsError(
                f"factor >= 1, window > 0, 1 to {LARGEST_PERIODS} periods, longest_wait >= 0 and most >= 1 are needed, "
                f"found {factor}, {window}, {periods}, {longest_wait} and {most}"
            )
        self._factor = factor
        self._period = window / periods
        self._periods = periods
        self._longest_wait = longest_wait
        self._most = most
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        # Whom was spoken to longest ago comes first and is forgotten first: names of callees may come from outside.
        self._lines: OrderedDict[tuple[str, Priority], _Line] = OrderedDict()

    def check(self, callee: str, priority: Priority = Priority.DEFAULT) -> None:
        """Raises ThrottledError if the call is to be left out."""
        now, drawn = self._clock(), self._chance()
        with self._lock:
            line = self._line(callee, priority, now)
            remaining = line.closed_until - now
            probability = 0.0
            if remaining <= 0.0:
                probability = self._probability(line)
                if drawn < probability:
                    line.window.count(is_accepted=False)
        if remaining > 0.0:
            tell(self._hooks, Fact(THROTTLED, callee, now, 1.0))
            raise ThrottledError(f"{callee} asked to be left alone for {remaining:.1f} s more", remaining)
        if drawn < probability:
            tell(self._hooks, Fact(THROTTLED, callee, now, probability))
            raise ThrottledError(f"{callee} refuses so much {priority.name.lower()} work that {probability:.0%} of it is not sent")

    def accepted(self, callee: str, priority: Priority = Priority.DEFAULT) -> None:
        """The callee took the call, whether or not it then did it well."""
        now = self._clock()
        with self._lock:
            self._line(callee, priority, now).window.count(is_accepted=True)

    def refused(self, callee: str, priority: Priority = Priority.DEFAULT, *, retry_after: float = 0.0) -> None:
        """The callee refused the call or did not answer in time; ``retry_after`` is the seconds it asked for."""
        now, drawn = self._clock(), self._chance()
        with self._lock:
            line = self._line(callee, priority, now)
            line.window.count(is_accepted=False)
            if retry_after > 0.0 and self._probability(line) > 0.0:
                wait = min(retry_after, self._longest_wait) * (1.0 + drawn / 10.0)
                line.closed_until = max(line.closed_until, now + wait)

    def probability(self, callee: str, priority: Priority = Priority.DEFAULT) -> float:
        """The share of calls that is left out now, 0 to below 1; Retry-After aside."""
        now = self._clock()
        with self._lock:
            return self._probability(self._line(callee, priority, now))

    def _probability(self, line: _Line) -> float:
        return refusal_probability(line.window.requests, line.window.accepts, self._factor)

    def _line(self, callee: str, priority: Priority, now: float) -> _Line:
        """Locked."""
        key = (callee, priority)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(Recent(self._period, self._periods))
            if len(self._lines) > self._most:
                self._lines.popitem(last=False)
        else:
            self._lines.move_to_end(key)
        line.window.roll(now)
        return line
