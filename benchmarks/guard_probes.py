"""What breakers do in the cases that runtime/tests/test_probes.py asks ours about: one row a probe, one column a library.

Usage: .venv/bin/python benchmarks/guard_probes.py
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import circuitbreaker
import pybreaker

from truetier_runtime import Breaker, Guard

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_FOR = 0.2  # seconds
FAILURES = 4  # in a row, that open every breaker here


class BrokenError(Exception):
    """How the callee fails."""


class Ours:
    """The guard, with nothing but a breaker."""

    title = "truetier-runtime"

    def __init__(self) -> None:
        self.guard = Guard("callee", breaker=Breaker(0.5, minimum_calls=FAILURES, open_for=OPEN_FOR, jitter=0))
        self.call = self.guard.call
        self.call_async = self.guard.call_async

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return self.guard.state != "closed"


class Pybreaker:
    """It knows no asyncio."""

    title = f"pybreaker {version('pybreaker')}"

    def __init__(self) -> None:
        self.breaker = pybreaker.CircuitBreaker(fail_max=FAILURES, reset_timeout=OPEN_FOR)
        self.call = self.breaker.call

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.breaker.current_state != "closed")


class Circuitbreaker:
    """Its calls take the work first, too."""

    title = f"circuitbreaker {version('circuitbreaker')}"

    def __init__(self) -> None:
        self.breaker = circuitbreaker.CircuitBreaker(failure_threshold=FAILURES, recovery_timeout=OPEN_FOR, expected_exception=Exception)

    def call(self, work: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 - what the work gives
        """A guarded call."""
        return self.breaker.decorate(work)(*args)

    async def call_async(self, work: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 - as above
        """The same to await."""
        return await self.breaker.decorate(work)(*args)

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.breaker.opened)


LIBRARIES: tuple[type[Any], ...] = (Ours, Pybreaker, Circuitbreaker)


def fails() -> None:
    """Does."""
    raise BrokenError


def opened(library: type[Any]) -> Any:  # noqa: ANN401 - one of the three
    """One that has just opened."""
    made = library()
    for _ in range(FAILURES):
        with contextlib.suppress(Exception):
            made.call(fails)
    return made


def side_by_side(library: type[Any]) -> str:
    """A: ten threads, a call of 50 ms each."""
    made = library()
    threads = [threading.Thread(target=made.call, args=(time.sleep, 0.05)) for _ in range(10)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{time.perf_counter() - begin:.2f} s"


def half_open(library: type[Any]) -> str:
    """B: twenty threads come back together."""
    made = opened(library)
    time.sleep(OPEN_FOR + 0.05)
    begun: list[int] = []

    def probe() -> None:
        begun.append(1)
        time.sleep(0.05)

    def come() -> None:
        with contextlib.suppress(Exception):
            made.call(probe)

    threads = [threading.Thread(target=come) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{len(begun)} of 20 get through"


def two_of_three(library: type[Any]) -> str:
    """C: two calls in three fail, sixty times."""
    made = library()
    for number in range(60):
        with contextlib.suppress(Exception):
            made.call(fails if number % 3 < 2 else int)
        if made.is_open():
            return f"opens after {number + 1}"
    return "never opens"


def stale(library: type[Any]) -> str:
    """D: a slow call from before the opening goes well."""
    made = library()
    begun, release = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        release.wait(10)

    thread = threading.Thread(target=made.call, args=(slow,))
    thread.start()
    if not begun.wait(1):
        return "not begun"
    failing = threading.Thread(target=_fail, args=(made,))
    failing.start()
    failing.join(0.1)
    is_serial = failing.is_alive()  # it waits for the slow call
    release.set()
    thread.join()
    failing.join()
    if is_serial:
        return "cannot be asked: failures wait for the slow call"
    return "stays open" if made.is_open() else "closes again"


def _fail(made: Any) -> None:  # noqa: ANN401 - one of the three
    for _ in range(FAILURES):
        with contextlib.suppress(Exception):
            made.call(fails)


def cancelled_probe(library: type[Any]) -> str:
    """F: the probe is cancelled."""

    async def go() -> str:
        made = opened(library)
        await asyncio.sleep(OPEN_FOR + 0.05)
        task = asyncio.create_task(made.call_async(asyncio.sleep, 10))
        await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        try:
            await made.call_async(asyncio.sleep, 0)
        except Exception:  # noqa: BLE001 - whatever it refuses with
            return "the next is refused"
        return "the next gets through"

    return asyncio.run(go()) if library is not Pybreaker else "no asyncio"


def cancellations(library: type[Any]) -> str:
    """G: eight callers go away."""

    async def go() -> str:
        made = library()
        for _ in range(8):
            task = asyncio.create_task(made.call_async(asyncio.sleep, 10))
            await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        return "opens" if made.is_open() else "stays closed"

    return asyncio.run(go()) if library is not Pybreaker else "no asyncio"


def half_open_tasks(library: type[Any]) -> str:
    """H: twenty tasks come back together."""

    async def go() -> str:
        made = opened(library)
        await asyncio.sleep(OPEN_FOR + 0.05)
        begun: list[int] = []

        async def probe() -> None:
            begun.append(1)
            await asyncio.sleep(0.05)

        await asyncio.gather(*(made.call_async(probe) for _ in range(20)), return_exceptions=True)
        return f"{len(begun)} of 20 get through"

    return asyncio.run(go()) if library is not Pybreaker else "no asyncio"


PROBES = (side_by_side, half_open, two_of_three, stale, cancelled_probe, cancellations, half_open_tasks)


def main() -> None:
    """Prints the table in Markdown."""
    print(f"| Probe | {' | '.join(library.title for library in LIBRARIES)} |")
    print(f"|---|{'---|' * len(LIBRARIES)}")
    for probe in PROBES:
        told = " | ".join(probe(library) for library in LIBRARIES)
        print(f"| {(probe.__doc__ or '').rstrip('.')} | {told} |")


if __name__ == "__main__":
    main()
