"""The full guard beside one call of pybreaker's and circuitbreaker's breakers, which do one of the things it does.

Usage: .venv/bin/python benchmarks/guards.py [RUNS]; nanoseconds of CPU for each guarded call that does nothing.
The peers come with the extra ``bench``, the guard with ./runtime.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import circuitbreaker
import pybreaker
from measure import alternating, cost_of, machine, spread

from truetier_runtime import Breaker, Guard, Retry, Value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CALLS = 50_000
RUNTIME = Path(__file__).resolve().parent.parent / "runtime" / "src"
BAR_SYNC, BAR_ASYNC, BAR_TIMEOUT, BAR_START = 0.7, 1.0, 1.6, 2.0


def nothing(number: int) -> int:
    """What is guarded."""
    return number


async def nothing_later(number: int) -> int:
    """The same to await."""
    return number


def guard(timeout: float | None) -> Guard:
    """Everything a guard has, but hedging, which begins tasks."""
    return Guard("callee", timeout=timeout, bulkhead=50, breaker=Breaker(), retry=Retry(), fallback=Value(0))


def main() -> None:
    """Prints what the page shows."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    peers = ", ".join(f"{name} {version(name)}" for name in ("pybreaker", "circuitbreaker"))
    print(f"{machine()}; {peers}; {runs} alternating runs of {CALLS:,} calls")
    whole = guard(5.0)
    theirs = pybreaker.CircuitBreaker()
    _compare("sync, call: guard / pybreaker", runs, BAR_SYNC, lambda: _sync(whole.call), lambda: _sync(theirs.call))
    ours, theirs_decorated = whole(nothing), theirs(nothing)
    _compare("sync, decorated: guard / pybreaker", runs, BAR_SYNC, lambda: _decorated(ours), lambda: _decorated(theirs_decorated))
    asyncio.run(_print_async(runs))
    _print_start(runs)


async def _print_async(runs: int) -> None:
    untimed, timed, other = guard(None)(nothing_later), guard(5.0)(nothing_later), circuitbreaker.CircuitBreaker()(nothing_later)
    for title, bar, ours, theirs in (
        ("async without timeout: guard / circuitbreaker", BAR_ASYNC, untimed, other),
        ("async with timeout: guard / bare asyncio.timeout", BAR_TIMEOUT, timed, _bare_timeout),
    ):
        pairs = [(await _async(ours), await _async(theirs)) for _ in range(runs)]
        _print(title, bar, pairs)


async def _bare_timeout(number: int) -> int:
    async with asyncio.timeout(5.0):
        return await nothing_later(number)


def _compare(title: str, runs: int, bar: float, ours: Callable[[], float], theirs: Callable[[], float]) -> None:
    _print(title, bar, [(ours(), theirs()) for _ in range(runs)])


def _print(title: str, bar: float, pairs: list[tuple[float, float]]) -> None:
    ours, theirs = (spread(figures).median for figures in zip(*pairs, strict=True))
    ratio = spread([a / b for a, b in pairs])
    print(f"{title:50} {ours:6.0f} / {theirs:6.0f} ns = {ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f}), bar {bar}")


def _sync(call: Callable[[Callable[[int], int], int], int]) -> float:
    begin = time.process_time()
    for _ in range(CALLS):
        call(nothing, 1)
    return (time.process_time() - begin) / CALLS * 1e9


def _decorated(work: Callable[[int], int]) -> float:
    begin = time.process_time()
    for _ in range(CALLS):
        work(1)
    return (time.process_time() - begin) / CALLS * 1e9


async def _async(work: Callable[[int], Awaitable[int]]) -> float:
    begin = time.process_time()
    for _ in range(CALLS):
        await work(1)
    return (time.process_time() - begin) / CALLS * 1e9


def _print_start(runs: int) -> None:
    program = f"import sys; sys.path.insert(0, {str(RUNTIME)!r}); import truetier_runtime"
    commands = [(sys.executable, "-I", "-S", "-c", each) for each in (program, "pass")]
    for command in commands:
        subprocess.run(command, check=True)  # noqa: S603 - our own, and once so that what is compiled is there
    ours, bare = alternating(runs, *(lambda command=command: cost_of(command) for command in commands))  # type: ignore[misc]
    ratio = spread([a.cpu / b.cpu for a, b in zip(ours, bare, strict=True)])
    print(
        f"{'import truetier_runtime / python -I -S -c pass':50} {ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f}), bar {BAR_START}"
    )


if __name__ == "__main__":
    main()
