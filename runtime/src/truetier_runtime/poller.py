"""Asks a source again and again, at the same pace on good days and on bad ones.

Constant work: the whole document each time, whether it changed or not, so that the day everything changes costs the source what every
other day does. A failure makes it neither faster, which would keep a source down, nor slower, which would keep the fleet behind. Jitter
is drawn anew each time, so that processes that began together do not stay together. A hint, as a server-sent event, only moves the next
poll forward: not closer to the last one than ``least_gap``, spread over ``spread``, and not at all while the source is down.

Source: Amazon Builders' Library, "Reliability, constant work, and a good cup of coffee"; "Timeouts, retries, and backoff with jitter".
"""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import TYPE_CHECKING, Protocol

from truetier_runtime.errors import SourceDownError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

    from truetier_runtime.sources import Source


class Polled(Protocol):
    """What a poller keeps up to date: ``snapshot.Reader`` says what each of these is, ``token_keys.Keys`` is another one."""

    @property
    def scope(self) -> str: ...  # noqa: D102 - see there, here and below
    @property
    def max_bytes(self) -> int: ...  # noqa: D102
    @property
    def version(self) -> int: ...  # noqa: D102
    @property
    def is_down(self) -> bool: ...  # noqa: D102
    def offer(self, document: bytes) -> Sized: ...  # noqa: D102
    def confirm(self) -> None: ...  # noqa: D102
    def answered(self) -> None: ...  # noqa: D102
    def unanswered(self, why: str) -> None: ...  # noqa: D102
    def check(self) -> None: ...  # noqa: D102


class Pace:
    """When to ask, in seconds.

    ``interval`` is between polls, give or take the share ``jitter`` of it. After a hint there are at least ``least_gap`` since the last
    poll, and up to ``spread`` more; a tenth and a quarter of the interval unless given. Raises UsageError.
    """

    __slots__ = ("interval", "jitter", "least_gap", "spread")

    def __init__(self, interval: float = 30.0, *, jitter: float = 0.2, least_gap: float | None = None, spread: float | None = None) -> None:
        self.interval = interval
        self.jitter = jitter
        self.least_gap = interval / 10 if least_gap is None else least_gap
        self.spread = interval / 4 if spread is None else spread
        wrong = [] if 0 < interval <= threading.TIMEOUT_MAX / 2 else [f"interval is {interval}, seconds that can be waited were expected"]
        wrong += [] if 0 <= jitter < 1 else [f"jitter is {jitter}, a share from 0 to below 1 was expected"]
        wrong += [] if self.least_gap >= 0 and self.spread >= 0 else ["least_gap and spread cannot be negative"]
        if wrong:
            raise UsageError("; ".join(wrong))

    def first(self, draw: float, *, has_document: bool) -> float:
        """How long to wait before the first poll: a tenth of the interval at most where there are only defaults to run on."""
        return draw * self.interval * (1.0 if has_document else 0.1)

    def after(self, draw: float) -> float:
        """How long to wait after a poll, whatever came of it. ``draw`` is from 0 to 1, here and below."""
        return self.interval * (1 + self.jitter * (2 * draw - 1))

    def hinted(self, due: float, last: float, now: float, draw: float) -> float:
        """When to poll after a hint at ``now``, where it was ``due`` anyway and the ``last`` one was before."""
        return min(due, max(now, last + self.least_gap) + draw * self.spread)


class Poller:
    """Keeps a reader up to date from a source: on a thread of its own after ``start``, or in an event loop by ``run``.

    ``draw`` gives a number from 0 to 1 each time it is called, ``clock`` seconds.
    """

    __slots__ = ("_clock", "_draw", "_due", "_is_hinted", "_last", "_tag", "_wake", "_woken", "pace", "reader", "source")

    def __init__(
        self,
        reader: Polled,
        source: Source,
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.reader = reader
        self.source = source
        self.pace = pace or Pace()
        self._clock = clock
        self._draw = draw
        self._tag = ""
        self._last = clock()
        self._due = self._last + self.pace.first(draw(), has_document=reader.version > 0)
        self._is_hinted = False
        self._woken = threading.Event()
        self._wake: Callable[[], object] = self._woken.set

    def poll(self) -> None:
        """Asks once, now. Never raises for what the source does."""
        try:
            fetched = self.source.fetch(self._tag, self.reader.max_bytes + 1)
        except SourceDownError as error:
            self.reader.unanswered(str(error))
        except Exception as error:  # noqa: BLE001 - a source of somebody else; the pace goes on
            self.reader.unanswered(f"{type(error).__name__}: {error}")
        else:
            self.reader.answered()
            if fetched.document is None:
                self.reader.confirm()
            else:
                # The tag of what was refused is not handed back: "not modified" would then confirm something that does not run.
                mistakes = self.reader.offer(fetched.document)
                self._tag = "" if mistakes else fetched.tag
        self.reader.check()

    def hint(self) -> None:
        """Says that there may be something new. Of any number of hints before a poll the first one counts. From any thread."""
        if not self._is_hinted and not self.reader.is_down:
            self._is_hinted = True
            self._due = self.pace.hinted(self._due, self._last, self._clock(), self._draw())
            self._wake()

    def step(self) -> float:
        """Polls if it is time to. How many seconds there are until the next poll."""
        if self._clock() >= self._due:
            # Before the poll: how long the answer takes does not change the pace, and what is hinted meanwhile is not lost.
            self._last, self._is_hinted = self._clock(), False
            self._due = self._last + self.pace.after(self._draw())
            self.poll()
        return max(0.0, self._due - self._clock())

    def start(self) -> Callable[[], None]:
        """Polls on a daemon thread from now on. What it gives ends that, after a poll that is under way."""
        stopped = False

        def run() -> None:
            while True:
                self._woken.clear()
                if stopped:
                    return
                self._woken.wait(self._guarded_step())

        def stop() -> None:
            nonlocal stopped
            stopped = True
            self._woken.set()

        threading.Thread(target=run, name=f"truetier-poller {self.reader.scope}", daemon=True).start()
        return stop

    async def run(self) -> None:
        """Polls until it is cancelled. Each poll runs on a thread of the loop's pool, so that the loop never waits for it."""
        import asyncio

        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(woken.set)
        try:
            while True:
                woken.clear()
                seconds = await asyncio.to_thread(self._guarded_step)
                try:
                    await asyncio.wait_for(woken.wait(), seconds)
                except TimeoutError:
                    continue
        finally:
            self._wake = self._woken.set

    def _guarded_step(self) -> float:
        """What a hook raises costs one poll, not all that follow: configuration that is never asked for again is worse.

        Nobody ends this from the inside, so neither do a CancelledError of a source's own event loop or a panic in Rust.
        """
        try:
            return self.step()
        except BaseException:
            logging.getLogger(__name__).exception("a poll for %s ended early", self.reader.scope)
            return max(0.0, self._due - self._clock())
