"""Holds what is under way to a limit that an algorithm learns: counts exactly, queues for a bounded time, serves what matters first.

The model. ``in_flight`` goes up when a permit is given and down when it is released, both under one lock, whoever waits having been
handed the permit by whoever released: nobody is woken to find nothing. The lock is held for bookkeeping of a few steps, never while an
algorithm steps, a clock is read, a waiter is woken or work is done.

The queue is bounded in time, not by length: how many may wait is a number nobody can choose, how long is known from what callers wait for.
The bound on length that there is only keeps memory finite. A queue that was empty within the last ``longest`` seconds takes up a burst:
first come, first served, up to ``longest``. One that was not is standing, it only adds to everybody's time: then each waits up to
``longest_standing`` and who came last is served first, since those who came first have mostly given up. The newest then see a service that
answers at once, where first come, first served would give everybody an answer just too late. Each class has a queue of its own: that of
sheddable work may stand while critical work, which is served first, sees none.

Source: Maurer, Fail at Scale, ACM Queue 13(8), 2015 (controlled delay, adaptive LIFO); Nichols and Jacobson, Controlling Queue Delay,
ACM Queue 10(5), 2012; Netflix, concurrency-limits, Limiter (three outcomes of a release).
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict
from enum import Enum
from typing import TYPE_CHECKING, Generic, Self

from truetier_runtime.errors import DeadlineExceededError, OverloadedError, RefusedError, SettingsError
from truetier_runtime.hooks import SHED, Fact, tell
from truetier_runtime.limits import Algorithm, Sample, State
from truetier_runtime.shed import Priority, Shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from truetier_runtime.hooks import Hook


class Outcome(Enum):
    """What a piece of work says of how much more could be under way."""

    SUCCESS = "it ended, and its time is telling"
    DROPPED = "it timed out, or was refused further on"
    IGNORED = "it says nothing: cancelled, failed at once, a stream without end"


class Queue:
    """How long work may wait for its turn, in seconds, and how many may at the utmost. ``longest=0`` is no queue."""

    __slots__ = ("longest", "longest_standing", "most")

    def __init__(self, *, longest: float = 0.1, longest_standing: float = 0.02, most: int = 1000) -> None:
        if not 0.0 <= longest_standing <= longest < math.inf or most < 0:
            raise SettingsError(
                f"0 <= longest_standing <= longest, and 0 or more waiting, are needed, found {longest_standing}, {longest} and {most}"
            )
        self.longest = longest
        self.longest_standing = longest_standing
        self.most = most


class Permit:
    """Leave to work. Released once: what comes later changes nothing. As a context it judges by what is raised.

    A time-out or a refusal from further on is a drop; any other exception is ignored, be it cancellation or a mistake of the caller,
    because how long it took says nothing of how long work takes.
    """

    __slots__ = ("_ended", "_in_flight", "_is_released", "_limiter", "began", "priority")

    def __init__(self, limiter: Limiter[State], priority: Priority, began: float, in_flight: int) -> None:
        self._limiter = limiter
        self._in_flight = in_flight
        self._is_released = False
        self._ended: float | None = None
        self.priority = priority
        self.began = began

    def answered(self) -> None:
        """The time that tells of load ends here, though the work goes on holding its place: what is sent now goes at the client's pace."""
        if self._ended is None:
            self._ended = self._limiter.clock()

    def release(self, outcome: Outcome = Outcome.SUCCESS) -> None:
        """Gives the place back."""
        self._limiter.take_back(self, outcome)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.release(Outcome.SUCCESS)
        elif isinstance(error, (TimeoutError, RefusedError)):
            self.release(Outcome.DROPPED)
        else:
            self.release(Outcome.IGNORED)


class _Waiter:
    """Somebody in the queue. ``permit`` or ``is_refused`` is set under the limiter's lock, then ``wake`` is called without it."""

    __slots__ = ("expires", "is_refused", "permit", "priority", "wake")

    def __init__(self, priority: Priority, expires: float, wake: Callable[[], object]) -> None:
        self.priority = priority
        self.expires = expires
        self.wake = wake
        self.permit: Permit | None = None
        self.is_refused = False


class Limiter(Generic[State]):
    """Gives permits to threads and coroutines alike. ``clock`` gives seconds that never go back, as ``time.monotonic``.

    ``hooks`` are told of each refusal under ``name``, before it is raised.
    """

    __slots__ = ("_algorithm", "_hooks", "_in_flight", "_lock", "_queue", "_shares", "_state", "_waiting", "_was_empty", "clock", "name")

    def __init__(  # noqa: PLR0913 - each part can be another one
        self,
        algorithm: Algorithm[State],
        *,
        queue: Queue | None = None,
        shares: Shares | None = None,
        clock: Callable[[], float] = time.monotonic,
        name: str = "",
        hooks: tuple[Hook, ...] = (),
    ) -> None:
        self._algorithm = algorithm
        self.name = name
        self._hooks = hooks
        self._state = algorithm.begin()
        self._queue = queue or Queue()
        self._shares = shares or Shares()
        self.clock = clock
        self._lock = threading.Lock()
        self._in_flight = 0
        self._waiting: tuple[OrderedDict[_Waiter, None], ...] = tuple(OrderedDict() for _ in Priority)
        # When nobody of each class waited last.
        self._was_empty = [-math.inf] * len(self._waiting)

    @property
    def limit(self) -> int:
        """How much may be under way now."""
        return int(self._state.limit)

    @property
    def in_flight(self) -> int:
        """How much is under way."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(line) for line in self._waiting)

    def try_acquire(self, priority: Priority = Priority.DEFAULT) -> Permit | None:
        """A permit if there is one at once."""
        now = self.clock()
        with self._lock:
            return self._given(priority, now)

    def acquire(self, priority: Priority = Priority.DEFAULT, *, deadline: float = math.inf) -> Permit:
        """A permit, after a wait if need be. Blocks the thread; ``deadline`` is seconds of the limiter's clock.

        Raises OverloadedError when the wait is over or there is no waiting, DeadlineExceededError when the deadline passes first.
        """
        event = threading.Event()
        now = self.clock()
        entered = self._enter(priority, now, deadline, event.set)
        if isinstance(entered, Permit):
            return entered
        try:
            event.wait(max(0.0, entered.expires - now))
        except BaseException:
            self._leave(entered, is_wanted=False)
            raise
        permit = self._leave(entered, is_wanted=True)
        if permit is None:
            raise self._came_too_late(priority, deadline)
        return permit

    async def acquire_async(self, priority: Priority = Priority.DEFAULT, *, deadline: float = math.inf) -> Permit:
        """A permit, after a wait if need be, without blocking the loop. Raises as ``acquire`` does; cancelled, it leaves nothing behind."""
        loop = asyncio.get_running_loop()
        event = asyncio.Event()
        now = self.clock()
        # Whoever releases may be another thread.
        entered = self._enter(priority, now, deadline, lambda: loop.call_soon_threadsafe(event.set))
        if isinstance(entered, Permit):
            return entered
        timer = loop.call_later(max(0.0, entered.expires - now), event.set)
        try:
            await event.wait()
        except BaseException:
            self._leave(entered, is_wanted=False)
            raise
        finally:
            timer.cancel()
        permit = self._leave(entered, is_wanted=True)
        if permit is None:
            raise self._came_too_late(priority, deadline)
        return permit

    def take_back(self, permit: Permit, outcome: Outcome) -> None:
        """What ``Permit.release`` calls: learns from the work and hands its place to who waits."""
        now = self.clock()
        with self._lock:
            if not self._given_back(permit):
                return
        if outcome is not Outcome.IGNORED:
            ended = now if permit._ended is None else permit._ended  # noqa: SLF001
            self._learn(Sample(permit.began, ended, permit._in_flight, outcome is Outcome.DROPPED))  # noqa: SLF001
        self._hand_on(now)

    def _learn(self, sample: Sample) -> None:
        # The step is computed without the lock and taken if nobody else took one meanwhile: each sample counts once, in some order.
        while True:
            before = self._state
            after = self._algorithm.step(before, sample)
            with self._lock:
                if self._state is before:
                    self._state = after
                    return

    def _enter(self, priority: Priority, now: float, deadline: float, wake: Callable[[], object]) -> Permit | _Waiter:
        """A permit, or a place in the queue; raises where there is neither."""
        if deadline <= now:
            raise self._refusal("the deadline had passed before the work could begin", priority, now, deadline)
        evicted = None
        with self._lock:
            permit = self._given(priority, now)
            if permit:
                return permit
            longest = self._longest_wait(priority, now)
            if longest > 0.0 and self.waiting >= self._queue.most:
                evicted = self._evict_below(priority)
            is_queued = longest > 0.0 and self.waiting < self._queue.most
            waiter = _Waiter(priority, min(deadline, now + longest), wake)
            if is_queued:
                self._waiting[priority][waiter] = None
        if evicted:
            _is_woken(evicted)  # or nobody is there to be told
        if not is_queued:
            message = f"{self.in_flight} under way, limit {self.limit}: no room for {priority.name.lower()} work"
            raise self._refusal(message, priority, now, deadline)
        return waiter

    def _given(self, priority: Priority, now: float) -> Permit | None:
        """Locked. A permit if its class has room; who waits has less room or would have been served."""
        if not self._shares.is_let_in(self._in_flight, self._state.limit, priority):
            return None
        self._in_flight += 1
        return Permit(self, priority, now, self._in_flight)

    def _given_back(self, permit: Permit) -> bool:
        """Locked. Takes its place from a permit; false where it had none any more."""
        if permit._is_released:  # noqa: SLF001 - the two are one thing; the flag is the lock's
            return False
        permit._is_released = True  # noqa: SLF001
        self._in_flight -= 1
        return True

    def _longest_wait(self, priority: Priority, now: float) -> float:
        """Locked. How long who comes now may wait."""
        if not self._waiting[priority]:
            self._was_empty[priority] = max(self._was_empty[priority], now)
        return self._queue.longest_standing if self._is_standing(priority, now) else self._queue.longest

    def _is_standing(self, priority: int, now: float) -> bool:
        return now - self._was_empty[priority] > self._queue.longest

    def _evict_below(self, priority: Priority) -> _Waiter | None:
        """Locked. Turns away the oldest of the lowest class that waits, if that is below this one."""
        for line in reversed(self._waiting[priority + 1 :]):
            if line:
                waiter, _ = line.popitem(last=False)
                waiter.is_refused = True
                return waiter
        return None

    def _hand_on(self, now: float) -> None:
        """Gives free places to who waits, best class first, and turns away whose time is over."""
        while gone := [waiter for waiter in self._served(now) if not _is_woken(waiter)]:
            with self._lock:
                for waiter in gone:
                    if waiter.permit:
                        self._given_back(waiter.permit)

    def _served(self, now: float) -> list[_Waiter]:
        """Whom to wake: who has a place now, and who never will."""
        woken = []
        with self._lock:
            for priority, line in enumerate(self._waiting):
                is_standing = self._is_standing(priority, now)
                while line:
                    waiter = next(reversed(line)) if is_standing else next(iter(line))
                    if waiter.expires > now:
                        waiter.permit = self._given(waiter.priority, now)
                        if not waiter.permit:
                            break
                    else:
                        waiter.is_refused = True
                    del line[waiter]
                    woken.append(waiter)
                if not line:
                    self._was_empty[priority] = max(self._was_empty[priority], now)
        return woken

    def _leave(self, waiter: _Waiter, *, is_wanted: bool) -> Permit | None:
        """Takes a waiter out of the queue: the permit it was given meanwhile, if it was; given back if nobody wants it."""
        with self._lock:
            self._waiting[waiter.priority].pop(waiter, None)
        if waiter.permit and not is_wanted:
            waiter.permit.release(Outcome.IGNORED)
            return None
        return waiter.permit

    def _came_too_late(self, priority: Priority, deadline: float) -> RefusedError:
        return self._refusal(f"no turn in time; {self.in_flight} under way, limit {self.limit}", priority, self.clock(), deadline)

    def _refusal(self, message: str, priority: Priority, now: float, deadline: float) -> RefusedError:
        """What to raise, after everybody was told."""
        tell(self._hooks, Fact(SHED, self.name, now, priority.name.lower()))
        return DeadlineExceededError(message) if deadline <= now else OverloadedError(message)


def _is_woken(waiter: _Waiter) -> bool:
    """Wakes it; false where its loop was closed under it and nobody is there to use a permit."""
    try:
        waiter.wake()
    except RuntimeError:
        return False
    return True
