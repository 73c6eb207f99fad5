"""What breakers do in the cases that runtime/tests/test_probes.py asks ours about: one row a library, one column a probe.

Usage: .venv/bin/python benchmarks/guard_probes.py
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING

from breakers import FAILURES, LIBRARIES, OPEN_FOR

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from breakers import Library


class BrokenError(Exception):
    """How the callee fails."""


def fails() -> None:
    """Does."""
    raise BrokenError


async def fails_async() -> None:
    """Does."""
    raise BrokenError


def opened(library: type[Library]) -> Library:
    """One that has just opened for who waits."""
    made = library()
    _fail(made)
    return made


async def opened_async(library: type[Library]) -> Library:
    """One that has just opened for who awaits."""
    made = library()
    for _ in range(FAILURES):
        with contextlib.suppress(Exception):
            await made.call_async(fails_async)
    return made


def side_by_side(library: type[Library]) -> str:
    """A: ten threads, a call of 50 ms each."""
    made = library()
    threads = [threading.Thread(target=made.call, args=(time.sleep, 0.05)) for _ in range(10)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{time.perf_counter() - begin:.2f} s"


def half_open(library: type[Library]) -> str:
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


def two_of_three(library: type[Library]) -> str:
    """C: two calls in three fail, sixty times."""
    made = library()
    for number in range(60):
        with contextlib.suppress(Exception):
            made.call(fails if number % 3 < 2 else int)
        if made.is_open():
            return f"opens after {number + 1}"
    return "never opens"


def stale(library: type[Library]) -> str:
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


def _fail(made: Library) -> None:
    for _ in range(FAILURES):
        with contextlib.suppress(Exception):
            made.call(fails)


async def cancelled_probe(library: type[Library]) -> str:
    """F: the probe is cancelled."""
    made = await opened_async(library)
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


async def cancellations(library: type[Library]) -> str:
    """G: eight callers go away."""
    made = library()
    for _ in range(8):
        task = asyncio.create_task(made.call_async(asyncio.sleep, 10))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return "opens" if made.is_open() else "stays closed"


async def half_open_tasks(library: type[Library]) -> str:
    """H: twenty tasks come back together."""
    made = await opened_async(library)
    await asyncio.sleep(OPEN_FOR + 0.05)
    begun: list[int] = []

    async def probe() -> None:
        begun.append(1)
        await asyncio.sleep(0.05)

    await asyncio.gather(*(made.call_async(probe) for _ in range(20)), return_exceptions=True)
    return f"{len(begun)} of 20 get through"


BLOCKING: tuple[Callable[[type[Library]], str], ...] = (side_by_side, half_open, two_of_three, stale)
AWAITED: tuple[Callable[[type[Library]], Coroutine[None, None, str]], ...] = (cancelled_probe, cancellations, half_open_tasks)


def main() -> None:
    """Prints the table in Markdown."""
    names = [(probe.__doc__ or "").rstrip(".") for probe in (*BLOCKING, *AWAITED)]
    print(f"| Library | {' | '.join(names)} |")
    print(f"|---|{'---|' * len(names)}")
    for library in LIBRARIES:
        told = [probe(library) if hasattr(library(), "call") else "no threads" for probe in BLOCKING]
        told += [asyncio.run(probe(library)) if hasattr(library(), "call_async") else "no asyncio" for probe in AWAITED]
        print(f"| {library.title} | {' | '.join(told)} |")


if __name__ == "__main__":
    main()
