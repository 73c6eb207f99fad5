"""What libraries get wrong, one probe each: benchmarks/guard_probes.py runs the same against others."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from runtime.tests.hurried import side_by_side
from truetier_runtime.breaker import Breaker
from truetier_runtime.errors import CircuitOpenError
from truetier_runtime.guard import Guard
from truetier_runtime.testing import FakeClock
from truetier_runtime.window import Counts


class BrokenError(Exception):
    pass


def fails() -> None:
    raise BrokenError


def opened(clock: FakeClock, **settings: float) -> Guard:
    """A guard whose breaker has just opened, for five seconds."""
    breaker = Breaker(minimum_calls=4, open_for=5.0, jitter=0.0, **settings)  # type: ignore[arg-type] # probes is whole
    guard = Guard("ledger", breaker=breaker, clock=clock)
    for _ in range(4):
        with pytest.raises(BrokenError):
            guard.call(fails)
    assert guard.state == "open"
    return guard


def test_a_slow_calls_run_side_by_side() -> None:
    """Probe A: a lock held while the work runs would let no two of them in at once."""
    guard = Guard("ledger", breaker=Breaker(), bulkhead=10, timeout=60)
    together = threading.Barrier(10)
    with ThreadPoolExecutor(10) as pool:
        waits = [pool.submit(guard.call, together.wait, 30) for _ in range(10)]
        assert sorted(each.result() for each in waits) == list(range(10))
    assert guard.counts() == Counts(good=10)


@pytest.mark.parametrize("probes", [1, 3])
def test_b_of_many_threads_that_come_back_together_only_probes_get_through(probes: int) -> None:
    clock = FakeClock()
    guard = opened(clock, probes=probes)
    clock.advance(5)
    begun, release, start = [], threading.Event(), threading.Barrier(20)

    def probe() -> None:
        begun.append(1)
        release.wait(30)

    def come() -> str:
        start.wait(30)
        try:
            guard.call(probe)
        except CircuitOpenError:
            return "refused"
        return "let in"

    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(come) for _ in range(20)]
        while sum(call.done() for call in calls) < 20 - probes:
            pass
        release.set()
        ends = [call.result() for call in calls]
    assert (len(begun), ends.count("let in"), ends.count("refused")) == (probes, probes, 20 - probes)
    assert guard.state == "closed"


def test_c_two_failures_in_three_open_it_though_none_is_in_a_row_of_many() -> None:
    clock = FakeClock()
    guard = Guard("ledger", breaker=Breaker(0.5, minimum_calls=10), clock=clock)
    made = 0
    for number in range(60):
        clock.advance(0.01)
        if guard.state != "closed":
            break
        made += 1
        if number % 3 < 2:
            with pytest.raises(BrokenError):
                guard.call(fails)
        else:
            guard.call(int)
    assert (made, guard.state) == (10, "open")


def test_c_a_rate_means_what_it_says_whatever_the_fraction_reduces_to() -> None:
    """Probe C2: five of ten are not one of two."""
    clock = FakeClock()
    guard = Guard("ledger", breaker=Breaker(5 / 10, minimum_calls=10), clock=clock)
    for _ in range(5):
        guard.call(int)
    for _ in range(4):
        with pytest.raises(BrokenError):
            guard.call(fails)
    assert guard.state == "closed"
    with pytest.raises(BrokenError):
        guard.call(fails)
    assert guard.state == "open"


@pytest.mark.parametrize("after", [0.0, 5.0])
def test_d_an_answer_from_before_the_opening_closes_nothing(after: float) -> None:
    clock = FakeClock()
    guard = Guard("ledger", breaker=Breaker(minimum_calls=4, open_for=5.0, jitter=0.0), clock=clock)
    begun, release = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        release.wait(30)

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(guard.call, slow)
        begun.wait(30)
        for _ in range(4):
            with pytest.raises(BrokenError):
                guard.call(fails)
        clock.advance(after)
        release.set()
        call.result()
    assert guard.state == "open"
    assert guard.counts() == Counts(good=1, failed=4)


def test_e_a_call_that_takes_too_long_is_let_end_and_counts_as_failed() -> None:
    """Probe E: no thread is killed; the work runs to its end, its answer is given, and the callee fares as if it had timed out."""
    clock = FakeClock()
    guard = Guard("ledger", timeout=1.0, breaker=Breaker(1.0, minimum_calls=1), clock=clock)

    def slow() -> str:
        clock.advance(3)
        return "late"

    assert guard.call(slow) == "late"
    assert (guard.state, guard.counts()) == ("open", Counts(failed=1))


def test_f_a_probe_that_is_cancelled_gives_its_slot_back() -> None:
    async def go() -> None:
        clock = FakeClock()
        guard = opened(clock)
        clock.advance(5)
        task = asyncio.create_task(guard.call_async(asyncio.sleep, 60))
        await asyncio.sleep(0)
        with pytest.raises(CircuitOpenError):
            await guard.call_async(asyncio.sleep, 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert guard.state == "half-open"
        await guard.call_async(asyncio.sleep, 0)
        assert guard.state == "closed"

    asyncio.run(go())


def test_f_a_probe_that_never_comes_back_loses_its_slot() -> None:
    clock = FakeClock()
    guard = opened(clock, lease=30.0)
    clock.advance(5)
    lost = guard.section()
    lost.__enter__()
    with pytest.raises(CircuitOpenError) as refused:
        guard.call(int)
    assert refused.value.retry_after == pytest.approx(30)
    clock.advance(30)
    guard.call(int)
    assert guard.state == "closed"
    lost.__exit__(BrokenError, BrokenError(), None)
    assert guard.state == "closed", "what it was let in for is over"


def test_g_callers_that_go_away_say_nothing_of_the_callee() -> None:
    async def go() -> None:
        guard = Guard("ledger", breaker=Breaker(0.1, minimum_calls=1))
        for _ in range(8):
            task = asyncio.create_task(guard.call_async(asyncio.sleep, 60))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert guard.state == "closed"
        assert guard.counts() == Counts(cancelled=8)

    asyncio.run(go())


def test_h_of_many_tasks_that_come_back_together_only_one_gets_through() -> None:
    async def go() -> None:
        clock = FakeClock()
        guard = opened(clock)
        clock.advance(5)
        begun = []

        async def probe() -> None:
            begun.append(1)
            await asyncio.sleep(0.01)

        ends = await asyncio.gather(*(guard.call_async(probe) for _ in range(20)), return_exceptions=True)
        assert len(begun) == 1
        assert sum(isinstance(end, CircuitOpenError) for end in ends) == 19
        assert guard.state == "closed"

    asyncio.run(go())


def test_counts_are_exact_under_threads_and_over_spans_of_time() -> None:
    threads, calls = 8, 100_000
    # Spans of a millisecond: thousands of them end while the threads count, and all but the last leave the window.
    guard = Guard("ledger", timeout=60, bulkhead=threads, breaker=Breaker(window=0.01, minimum_calls=10**9))
    numbers = count()

    def work() -> None:
        call, number = guard.call, next(numbers)
        for each in range(calls):
            if each % 100 == number:
                with contextlib.suppress(BrokenError):
                    call(fails)
            else:
                call(int)

    side_by_side(work, threads)
    assert guard.counts() == Counts(good=threads * calls * 99 // 100, failed=threads * calls // 100)
