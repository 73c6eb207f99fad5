"""Time that passes when it is told to, also in an event loop."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

T = TypeVar("T")


class FakeClock:
    """A clock to hand over wherever a clock is taken: calling it gives the seconds, ``advance`` lets them pass.

    ``sleep`` is for wherever something is taken that waits, as guards do: it takes no time but this clock's. Asynchronous code waits in
    its event loop, so ``run`` runs it in one whose time is this clock's.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets seconds pass."""
        self.now += seconds

    sleep = advance

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What asynchronous work gives; whenever all of it waits, time goes on to the next moment that something waits for.

        ``asyncio.sleep``, ``asyncio.timeout`` and whatever rests on them, as the guards do, take no real time then. It is for work that
        waits for time and for itself alone: while a socket or another thread is waited for, time may go on. Raises what the work raises.
        """
        with asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            return runner.run(work)


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose time is a clock's."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(_Selector(clock))
        self._fake = clock
        # What is due within this runs now. The usual thousand-millionth is lost beside the seconds since 1970: nothing would ever be due.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._fake.now


class _Selector(selectors.DefaultSelector):
    """Instead of waiting until something happens, it lets the clock go on to when the loop would wait no longer."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # nothing waits for time: something real has to happen
            return super().select(None)
        ready = super().select(0)
        if not ready and timeout > 0:
            self._clock.advance(timeout)
        return ready
