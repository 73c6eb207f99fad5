"""What a call meets on its way, policy by policy."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import subprocess
import sys
import threading
import weakref
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING

import pytest

from runtime.tests.hurried import side_by_side
from truetier_runtime.breaker import Breaker
from truetier_runtime.deadline import Deadline, from_header, remaining, to_header
from truetier_runtime.errors import BulkheadFullError, CircuitOpenError, DeadlineExceededError, TimedOutError
from truetier_runtime.fallback import Instead, LastGood, StandIn, Value
from truetier_runtime.guard import Guard
from truetier_runtime.hooks import Fact
from truetier_runtime.retry import Hedge, Retry, RetryBudget, pause
from truetier_runtime.testing import FakeClock
from truetier_runtime.window import Counts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class BrokenError(Exception):
    pass


class Script:
    """Work that ends as written, one end after the other: an exception is raised, anything else returned."""

    def __init__(self, *ends: object) -> None:
        self.ends = list(ends)
        self.calls: list[tuple[object, ...]] = []

    def __call__(self, *args: object) -> object:
        self.calls.append(args)
        end = self.ends.pop(0)
        if isinstance(end, BaseException):
            raise end
        return end

    async def later(self, *args: object) -> object:
        await asyncio.sleep(0)
        return self(*args)


def either(guard: Guard, work: Script, *args: object, is_async: bool) -> object:
    return asyncio.run(guard.call_async(work.later, *args)) if is_async else guard.call(work, *args)


BOTH = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@BOTH
def test_what_the_work_gives_or_raises_comes_through(*, is_async: bool) -> None:
    guard, error = Guard("ledger"), BrokenError()
    assert either(guard, Script(7), 1, is_async=is_async) == 7
    with pytest.raises(BrokenError) as raised:
        either(guard, Script(error), is_async=is_async)
    assert raised.value is error
    assert guard.counts() == Counts(good=1, failed=1)


@BOTH
def test_a_mistake_of_the_caller_is_an_answer(*, is_async: bool) -> None:
    slept: list[float] = []
    guard = Guard(
        "ledger", mistakes=(KeyError,), breaker=Breaker(0.1, minimum_calls=1), retry=Retry(), fallback=Value(1), sleep=slept.append
    )
    with pytest.raises(KeyError):
        either(guard, Script(KeyError("no such account")), is_async=is_async)
    assert (guard.state, guard.counts(), slept) == ("closed", Counts(good=1), [])


@BOTH
def test_a_failure_is_tried_again_and_the_fallback_answers_what_still_fails(*, is_async: bool) -> None:
    guard = Guard("ledger", retry=Retry(3, base=1e-6, cap=1e-6), fallback=Value("stale"))
    assert either(guard, Script(BrokenError(), BrokenError(), 7), is_async=is_async) == 7
    assert either(guard, Script(BrokenError(), BrokenError(), BrokenError()), is_async=is_async) == "stale"
    assert guard.counts() == Counts(good=1, failed=5)


@BOTH
def test_an_open_breaker_refuses_with_a_hint_and_the_fallback_answers(*, is_async: bool) -> None:
    clock, facts = FakeClock(), list[Fact]()
    breaker = Breaker(0.5, minimum_calls=2, open_for=4, jitter=0.5)
    bare = Guard("ledger", breaker=breaker, clock=clock, chance=lambda: 0.75, hooks=(facts.append,))
    for _ in range(2):
        with pytest.raises(BrokenError):
            either(bare, Script(BrokenError()), is_async=is_async)
    clock.advance(1)
    untouched = Script()
    with pytest.raises(CircuitOpenError) as refused:
        either(bare, untouched, is_async=is_async)
    assert refused.value.retry_after == pytest.approx(4 * 1.25 - 1)
    assert untouched.calls == []
    clock.advance(4)
    assert either(bare, Script(7), is_async=is_async) == 7
    told = ["unanswered", "breaker opened", "unanswered", "refused", "unanswered", "breaker half-open", "breaker closed"]
    assert [fact.kind for fact in facts] == told
    assert {fact.subject for fact in facts} == {"ledger"}
    assert bare.counts() == Counts(good=1, failed=2, refused=1)


@BOTH
def test_a_probe_that_fails_opens_the_breaker_again(*, is_async: bool) -> None:
    clock = FakeClock()
    guard = Guard("ledger", breaker=Breaker(minimum_calls=1, open_for=5, jitter=0), clock=clock, fallback=Value("stale"))
    assert either(guard, Script(BrokenError()), is_async=is_async) == "stale"
    clock.advance(5)
    assert either(guard, Script(BrokenError()), is_async=is_async) == "stale"
    assert guard.state == "open"
    clock.advance(4.9)
    assert either(guard, Script(), is_async=is_async) == "stale"
    clock.advance(0.1)
    assert either(guard, Script(7), is_async=is_async) == 7
    assert (guard.state, guard.counts()) == ("closed", Counts(good=1, failed=2, refused=1))


def test_a_full_bulkhead_refuses_and_every_end_gives_the_slot_back() -> None:
    guard = Guard("ledger", bulkhead=1, breaker=Breaker(1.0, minimum_calls=100))

    def nested() -> str:
        with pytest.raises(BulkheadFullError):
            guard.call(int)
        return "done"

    for _ in range(3):
        assert guard.call(nested) == "done"
        for error in (BrokenError(), KeyboardInterrupt()):
            with pytest.raises(type(error)):
                guard.call(Script(error))
    assert guard.counts() == Counts(good=3, failed=3, cancelled=3, refused=3)


def test_a_refused_probe_takes_no_slot_of_the_bulkhead() -> None:
    clock = FakeClock()
    guard = Guard("ledger", bulkhead=1, breaker=Breaker(minimum_calls=1, open_for=5, jitter=0), clock=clock)
    with pytest.raises(BrokenError):
        guard.call(Script(BrokenError()))
    for _ in range(3):
        with pytest.raises(CircuitOpenError):
            guard.call(int)
    clock.advance(5)
    guard.call(int)
    guard.call(int)


def test_a_deadline_is_handed_down_and_never_made_longer() -> None:
    seen: list[float | None] = []
    inner = Guard("index", timeout=60)
    outer = Guard("ledger", timeout=5)
    outer.call(lambda: inner.call(lambda: seen.append(remaining())))
    assert seen[0] is not None
    assert 4 < seen[0] <= 5
    with Deadline(1), Deadline(60):
        inner.call(lambda: seen.append(remaining()))
        Guard("ledger").call(lambda: seen.append(remaining()))
    assert all(left is not None and 0 < left <= 1 for left in seen[1:])
    assert remaining() is None


@BOTH
def test_where_no_time_is_left_nothing_is_begun(*, is_async: bool) -> None:
    guard, untouched = Guard("ledger", timeout=5, bulkhead=1), Script()
    with Deadline(0):
        for _ in range(2):
            with pytest.raises(DeadlineExceededError):
                either(guard, untouched, is_async=is_async)
    assert (untouched.calls, guard.counts()) == ([], Counts(refused=2))


def test_no_pause_outlasts_the_deadline() -> None:
    slept: list[float] = []
    guard = Guard("ledger", retry=Retry(3, base=10, cap=10), chance=lambda: 0.9, sleep=slept.append)
    with Deadline(5), pytest.raises(BrokenError):
        guard.call(Script(BrokenError()))
    assert slept == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("1500", 1.5), ("0", 0.0), (None, None), ("", None), ("-1", None), ("1.5", None), ("²", None)]
)
def test_a_header_says_how_much_time_is_left(text: str | None, seconds: float | None) -> None:
    assert from_header(text) == seconds


def test_a_header_never_promises_more_than_there_is() -> None:
    assert to_header() is None
    with Deadline(1.5) as limit:
        assert to_header(limit - 1.2345) == "1234"
        assert to_header(limit + 1) == "0"
    assert from_header("9" * 12) == 24 * 60 * 60
    assert from_header("9" * 13) is None
    with pytest.raises(ValueError, match="zero or more"):
        Deadline(float("nan"))


@pytest.mark.parametrize("where", ["timeout", "deadline", "section"])
def test_asynchronous_work_is_cancelled_at_its_deadline(where: str) -> None:
    guard = Guard("ledger", timeout=None if where == "deadline" else 0.01, breaker=Breaker(1.0, minimum_calls=1))

    async def go() -> None:
        if where == "section":
            async with guard.section():
                await asyncio.sleep(60)
        elif where == "deadline":
            with Deadline(0.01):
                await guard.call_async(asyncio.sleep, 60)
        else:
            await guard.call_async(asyncio.sleep, 60)

    with pytest.raises(TimedOutError, match=r"ledger: no answer in 0\.0"):
        asyncio.run(go())
    assert (guard.state, guard.counts()) == ("open", Counts(failed=1))


@pytest.mark.parametrize("way", ["call", "section"])
def test_who_goes_away_at_the_very_moment_of_the_timeout_is_cancelled(way: str) -> None:
    guard = Guard("ledger", timeout=0.01, fallback=Value("stale"))

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # of the timeout; now somebody else cancels, too
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            raise

    async def go() -> None:
        if way == "call":
            await guard.call_async(work)
        else:
            async with guard.section():
                await work()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(go())
    assert guard.counts() == Counts(cancelled=1)


def test_a_timeout_of_the_works_own_is_its_failure_and_stays_its() -> None:
    error = TimeoutError("theirs")
    guard = Guard("ledger", timeout=60)
    with pytest.raises(TimeoutError) as raised:
        asyncio.run(guard.call_async(Script(error).later))
    assert raised.value is error
    assert guard.counts() == Counts(failed=1)


def test_retries_are_a_share_of_requests_with_a_floor() -> None:
    clock = FakeClock(1000.0)
    budget = RetryBudget(0.1, floor=0.2, window=10)
    facts: list[Fact] = []
    guards = [
        Guard(name, retry=Retry(2, base=0.1, budget=budget), clock=clock, sleep=lambda _: None, hooks=(facts.append,))
        for name in ("a", "b")
    ]
    for _ in range(50):
        for guard in guards:
            guard.call(int)
    for _ in range(30):
        for guard in guards:
            with pytest.raises(BrokenError):
                guard.call(Script(BrokenError(), BrokenError()))
    retried = sum(fact.kind == "retried" for fact in facts)
    assert retried == 2 + int(0.1 * 160), "two by the floor, and a tenth of the requests of both"
    assert sum(fact.kind == "out of budget" for fact in facts) == 60 - retried
    assert sum(guard.counts().good + guard.counts().failed for guard in guards) == 160 + retried
    clock.advance(11)
    with pytest.raises(BrokenError):
        guards[0].call(Script(BrokenError(), BrokenError()))
    assert facts[-2].kind == "retried", "what is spent comes back when its time has passed"


def test_pauses_are_drawn_between_nothing_and_a_bound_that_doubles() -> None:
    retry = Retry(10, base=0.1, cap=1.0)
    assert [pause(retry, made, 1.0) for made in range(1, 7)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    assert pause(retry, 3, 0.0) == 0.0


def test_only_errors_that_are_worth_it_are_tried_again() -> None:
    guard = Guard("ledger", retry=Retry(on=(OSError,)), sleep=lambda _: None)
    work = Script(BrokenError())
    with pytest.raises(BrokenError):
        guard.call(work)
    assert guard.call(Script(ConnectionError(), 7)) == 7


def test_a_function_that_blocks_cannot_be_hedged() -> None:
    def price() -> int:
        return 1

    with pytest.raises(TypeError, match=r"price blocks, and what blocks cannot be hedged"):
        Guard("ledger", hedge=Hedge(0.01))(price)


def test_a_hedge_is_begun_when_the_first_is_slow_and_its_answer_counts() -> None:
    async def go() -> None:
        facts: list[Fact] = []
        guard = Guard("ledger", hedge=Hedge(0.01, budget=RetryBudget(0.1, floor=0.1)), hooks=(facts.append,))
        calls: list[int] = []

        async def work() -> int:
            calls.append(1)
            number = len(calls)
            await asyncio.sleep(60 if number == 1 else 0)
            return number

        assert await guard.call_async(work) == 2
        assert [fact.kind for fact in facts] == ["hedged"]
        assert guard.counts() == Counts(good=1, cancelled=1)
        assert await guard.call_async(work) == 3, "an answer in time needs no second"

        calls.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(guard.call_async(work), 0.05)
        assert len(calls) == 1, "the budget is spent"

    asyncio.run(go())


def test_of_two_attempts_that_fail_the_error_comes_and_of_one_the_other_counts() -> None:
    async def go(*ends: float) -> object:
        """Each attempt: seconds until it fails, or below nought until it is good."""
        guard, left = Guard("ledger", hedge=Hedge(0.005)), list(ends)

        async def work() -> str:
            end = left.pop(0)
            await asyncio.sleep(abs(end))
            if end > 0:
                raise BrokenError
            return "good"

        return await guard.call_async(work)

    assert asyncio.run(go(0.02, -0.04)) == "good"
    with pytest.raises(BrokenError):
        asyncio.run(go(0.02, 0.02))


def test_the_last_good_answer_serves_until_it_is_too_old() -> None:
    clock = FakeClock()
    guard = Guard("prices", fallback=LastGood(10, most=2), clock=clock)
    guard.call(Script("1 EUR"), "apple")
    guard.call(Script("2 EUR"), "pear")
    assert guard.call(Script(BrokenError()), "apple") == "1 EUR"
    clock.advance(10)
    assert guard.call(Script(BrokenError()), "pear") == "2 EUR"
    guard.call(Script("3 EUR"), "plum")
    with pytest.raises(BrokenError):
        guard.call(Script(BrokenError()), "apple")  # had to go for the plum
    clock.advance(0.1)
    with pytest.raises(BrokenError):
        guard.call(Script(BrokenError()), "pear")


def test_a_stand_in_answers_small_amounts_and_lets_large_ones_fail() -> None:
    facts: list[Fact] = []
    guard = Guard("fraud", fallback=StandIn(lambda amount: amount < 50, Value("approved")), hooks=(facts.append,))
    assert guard.call(Script(BrokenError()), 49) == "approved"
    with pytest.raises(BrokenError):
        guard.call(Script(BrokenError()), 50)
    assert [(fact.kind, fact.detail) for fact in facts] == [("fell back", "error"), ("unanswered", "error")]


@BOTH
def test_another_function_may_answer_in_its_place(*, is_async: bool) -> None:
    instead = Script("from the cache")
    guard = Guard("ledger", fallback=Instead(instead.later if is_async else instead))
    assert either(guard, Script(BrokenError()), 1, 2, is_async=is_async) == "from the cache"
    assert instead.calls == [(1, 2)]


@pytest.mark.parametrize(
    ("error", "way"),
    [(BrokenError(), "error"), (TimeoutError(), "timeout"), (ConnectionRefusedError(), "unreachable"), (OSError(), "error")],
)
@BOTH
def test_how_a_failed_call_ended_is_told_with_the_way_it_failed(error: Exception, way: str, *, is_async: bool) -> None:
    facts: list[Fact] = []
    instead = Script(1, BrokenError())
    guard = Guard("ledger", fallback=Instead(instead.later if is_async else instead), hooks=(facts.append,))
    assert either(guard, Script(error), is_async=is_async) == 1
    with pytest.raises(BrokenError):
        either(guard, Script(error), is_async=is_async)
    ends = [(fact.kind, fact.detail) for fact in facts if fact.kind != "timed out"]
    assert ends == [("fell back", way), ("unanswered", way)]


def test_decorated_functions_stay_what_they_are() -> None:
    guard = Guard("ledger")

    @guard
    def plain(number: int) -> int:
        """Adds one."""
        return number + 1

    @guard
    async def later(number: int) -> int:
        return number + 1

    class Client:
        @guard
        def ask(self) -> Client:
            return self

    client = Client()
    assert (plain(1), asyncio.run(later(1)), client.ask()) == (2, 2, client)
    assert (plain.__name__, plain.__doc__) == ("plain", "Adds one.")
    assert inspect.iscoroutinefunction(later)
    assert guard.counts() == Counts(good=3)


def test_what_is_not_done_when_it_returns_is_not_counted_as_good() -> None:
    guard, clock = Guard("ledger"), FakeClock()

    async def later() -> None: ...

    with pytest.raises(TypeError, match="ledger: the work is asynchronous; await call_async"):
        guard.call(later)  # type: ignore[unused-coroutine] # what is tried
    assert guard.counts().good == 0
    half_open = Guard("ledger", breaker=Breaker(minimum_calls=1, open_for=1, jitter=0), clock=clock)
    with pytest.raises(BrokenError):
        half_open.call(Script(BrokenError()))
    clock.advance(1)
    with pytest.raises(TypeError, match="await call_async"):
        half_open.call(later)  # type: ignore[unused-coroutine] # what is tried
    for wrong in (lambda: (yield), _later_generator):
        with pytest.raises(TypeError, match="is a generator"):
            guard(wrong)


async def _later_generator() -> AsyncIterator[int]:
    yield 1


def test_a_section_is_refused_timed_and_counted() -> None:
    clock = FakeClock()
    guard = Guard("ledger", timeout=1, bulkhead=1, breaker=Breaker(minimum_calls=3, open_for=5, jitter=0), clock=clock)
    with guard.section():
        assert remaining(clock.now) == 1
    with pytest.raises(BrokenError), guard.section():
        raise BrokenError
    with guard.section():
        clock.advance(2)
    with pytest.raises(CircuitOpenError), guard.section():
        raise AssertionError("never gets here")
    assert guard.counts() == Counts(good=1, failed=2, refused=1)


def test_hooks_are_told_with_no_lock_held() -> None:
    guard: Guard
    seen: list[Counts] = []

    def hook(_: Fact) -> None:
        asked = threading.Thread(target=lambda: seen.append(guard.counts()))
        asked.start()
        asked.join(10)

    guard = Guard("ledger", breaker=Breaker(minimum_calls=1), hooks=(hook,))
    with pytest.raises(BrokenError):
        guard.call(Script(BrokenError()))
    with pytest.raises(CircuitOpenError):
        guard.call(int)
    assert len(seen) == 4, "opened, refused, and twice that nobody answered"


def test_totals_stay_exact_when_a_breaker_opens_again_and_again() -> None:
    clock = FakeClock()
    guard = Guard("ledger", breaker=Breaker(minimum_calls=1, open_for=1, jitter=0), clock=clock)
    for _ in range(200):
        with pytest.raises(BrokenError):
            guard.call(Script(BrokenError()))
        clock.advance(1)
        guard.call(int)
    assert guard.counts() == Counts(good=200, failed=200)


@pytest.mark.parametrize("settings", [{"timeout": 0}, {"timeout": -1}, {"bulkhead": 0}])
def test_limits_have_to_be_positive(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"the guard of ledger: .* is not positive"):
        Guard("ledger", **settings)  # type: ignore[arg-type] # numbers all


def test_all_that_is_wrong_with_a_breaker_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"failure_rate 2 .*minimum_calls 0 .*window 0 .*open_for -1 .*jitter 1 .*probes 0 .*lease 0 "):
        Breaker(2, minimum_calls=0, window=0, open_for=-1, jitter=1, probes=0, lease=0)
    for wrong in (lambda: Retry(1), lambda: RetryBudget(-1), lambda: Hedge(-1), lambda: LastGood(0)):
        with pytest.raises(ValueError, match=r"."):
            wrong()


def test_what_a_hook_raises_changes_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Fact) -> None:
        raise BrokenError("telemetry")

    clock = FakeClock()
    guard = Guard("ledger", bulkhead=1, breaker=Breaker(minimum_calls=1, jitter=0), fallback=Value("stale"), hooks=(broken,), clock=clock)
    for _ in range(3):  # opened, and refused twice
        assert guard.call(Script(BrokenError())) == "stale"
    clock.advance(5)
    assert guard.call(Script(7)) == 7, "half-open, and closed"
    assert (guard.under_way, guard.state, guard.counts()) == (0, "closed", Counts(good=1, failed=1, refused=2))
    assert {record.name for record in caplog.records} == {"truetier_runtime.hooks"}
    assert "breaker half-open" in caplog.text


def test_an_interrupt_while_a_hook_is_told_takes_no_slot() -> None:
    def interrupted(fact: Fact) -> None:
        if fact.kind == "refused":
            raise KeyboardInterrupt

    guard = Guard("ledger", bulkhead=1, breaker=Breaker(minimum_calls=1), hooks=(interrupted,))
    with pytest.raises(BrokenError):
        guard.call(Script(BrokenError()))
    with pytest.raises(KeyboardInterrupt):
        guard.call(int)
    assert guard.under_way == 0


def test_a_section_may_be_left_in_another_context_than_it_was_entered_in() -> None:
    guard = Guard("ledger", bulkhead=1, timeout=5)
    section = guard.section()  # as a framework does that runs both halves of a generator on threads
    copy_context().run(section.__enter__)
    copy_context().run(section.__exit__, None, None, None)
    deadline = Deadline(5)
    copy_context().run(deadline.__enter__)
    copy_context().run(deadline.__exit__)
    assert (guard.under_way, guard.counts()) == (0, Counts(good=1))


def test_a_section_that_asyncio_does_not_let_begin_holds_nothing() -> None:
    guard = Guard("ledger", bulkhead=1, timeout=5)
    with pytest.raises(RuntimeError):  # a timeout wants a task
        guard.section().__aenter__().send(None)
    assert (guard.under_way, guard.counts(), remaining()) == (0, Counts(cancelled=1), None)


def test_an_abandoned_call_that_the_garbage_collector_ends_is_cancelled() -> None:
    guard = Guard("ledger", bulkhead=1, timeout=5, retry=Retry(), fallback=Value("stale"))

    async def begin() -> asyncio.Task[object]:
        task = asyncio.create_task(guard.call_async(asyncio.sleep, 60))
        await asyncio.sleep(0)
        task._log_destroy_pending = False  # type: ignore[attr-defined] # asyncio's own; that nobody ends it is the point
        return task

    loop = asyncio.new_event_loop()
    coroutine = loop.run_until_complete(begin()).get_coro()
    loop.close()
    assert coroutine is not None
    coroutine.close()  # as the collector does, in whatever context it runs
    assert (guard.under_way, guard.counts()) == (0, Counts(cancelled=1))


def test_the_garbage_collector_may_end_a_call_while_its_own_guard_is_locked() -> None:
    program = """if True:
        import asyncio, gc
        from truetier_runtime import Breaker, Guard

        async def lost():
            await asyncio.get_running_loop().create_future()  # which nobody else knows, and so nobody the task

        async def fails():
            raise KeyError

        async def main():
            guard = Guard("ledger", breaker=Breaker(minimum_calls=1), chance=lambda: gc.collect() * 0.0)
            asyncio.create_task(guard.call_async(lost))._log_destroy_pending = False
            await asyncio.sleep(0)
            try:
                await guard.call_async(fails)
            except KeyError:
                print(guard.counts())

        gc.disable()
        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "Counts(good=0, failed=1, cancelled=1, refused=0)\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_workers_that_were_forked_do_not_draw_the_same_pauses() -> None:
    program = "import os; from truetier_runtime import Guard; g = Guard('a'); os.fork() and os.wait(); print(g._chance())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert len(set(done.stdout.split())) == 2


@pytest.mark.parametrize("window", [0.5, 5.0, 20.0, 600.0])
def test_the_share_of_a_budget_is_of_its_own_window_whatever_the_breakers_is(window: float) -> None:
    clock = FakeClock(1000.0)
    budget, facts = RetryBudget(0.1, floor=0, window=10), list[Fact]()
    breaker = Breaker(1.0, window=window)
    guard = Guard("ledger", breaker=breaker, retry=Retry(2, budget=budget), clock=clock, sleep=lambda _: None, hooks=(facts.append,))
    for _ in range(6000):
        clock.advance(0.1)
        guard.call(int)
    for _ in range(100):
        with pytest.raises(BrokenError):
            guard.call(Script(BrokenError(), BrokenError()))
    retried = sum(fact.kind == "retried" for fact in facts)
    assert 7 <= retried <= 20, "a tenth of 100 in ten seconds before and 100 now; fewer where spans of the window are longer than that"


def test_a_budget_that_pays_for_retries_and_hedges_counts_each_request_once() -> None:
    clock = FakeClock(1000.0)
    budget, facts = RetryBudget(0.1, floor=0), list[Fact]()
    policies = {"retry": Retry(2, budget=budget), "hedge": Hedge(1, budget=budget)}
    guard = Guard("ledger", **policies, clock=clock, sleep=lambda _: None, hooks=(facts.append,))  # type: ignore[arg-type] # as named
    for _ in range(100):
        with pytest.raises(BrokenError):
            guard.call(Script(BrokenError(), BrokenError()))
    assert sum(fact.kind == "retried" for fact in facts) == 10


def test_a_pause_is_bounded_however_often_it_was_tried() -> None:
    assert pause(Retry(10_000, base=0.1, cap=2.0), 9_999, 1.0) == 2.0


def test_a_call_that_outlives_many_openings_is_counted() -> None:
    clock = FakeClock()
    guard = Guard("ledger", breaker=Breaker(minimum_calls=1, open_for=1, jitter=0), clock=clock)

    def long(error: Exception | None) -> None:
        for _ in range(70):
            with pytest.raises(BrokenError):
                guard.call(Script(BrokenError()))
            clock.advance(1)
            guard.call(int)
        if error is not None:
            raise error

    guard.call(long, None)
    with pytest.raises(KeyError):
        guard.call(long, KeyError())
    assert guard.counts() == Counts(good=141, failed=141)


def test_work_is_asynchronous_in_a_partial_and_as_an_object_too() -> None:
    class Client:
        async def __call__(self, number: int) -> int:
            return number

    guard = Guard("ledger", hedge=Hedge(60))
    assert asyncio.run(guard(Client())(7)) == 7
    assert asyncio.run(guard(partial(partial(Client().__call__), 8))()) == 8
    for kind in (classmethod, staticmethod):
        with pytest.raises(TypeError, match=f"either: put the guard below @{kind.__name__}"):
            Guard("ledger")(kind(either))  # type: ignore[arg-type] # what is tried


def test_a_fallback_that_is_awaited_cannot_answer_who_does_not_await() -> None:
    guard = Guard("ledger", fallback=Instead(Script(1).later))
    with pytest.raises(TypeError, match="ledger: the fallback is asynchronous; await call_async"):
        guard.call(Script(BrokenError()))


def test_asynchronous_work_that_was_late_all_the_same_is_given_and_counts_as_failed() -> None:
    facts: list[Fact] = []
    guard = Guard("ledger", timeout=0.01, hooks=(facts.append,))

    async def stubborn() -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return 7
        return 0

    assert asyncio.run(guard.call_async(stubborn)) == 7
    assert (guard.counts(), [fact.kind for fact in facts]) == (Counts(failed=1), ["timed out"])


def test_nobody_hears_of_the_error_of_an_attempt_that_was_cancelled() -> None:
    async def go() -> tuple[int, list[str]]:
        unheard: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context["message"]))
        left = [60.0, 0.0]

        async def work() -> int:
            try:
                await asyncio.sleep(left.pop(0))
            except asyncio.CancelledError:
                raise BrokenError from None
            return 7

        answer = await Guard("ledger", hedge=Hedge(0.001)).call_async(work)
        gc.collect()
        await asyncio.sleep(0)
        return answer, unheard

    assert asyncio.run(go()) == (7, [])


def test_the_last_good_answer_is_there_while_a_newer_one_comes() -> None:
    kept = LastGood(60)
    kept.remember(1, ("apple",), {}, 0.0)

    def work() -> None:
        for number in range(20_000):
            kept.remember(number, ("apple",), {}, 0.0)
            kept.answer(BrokenError(), ("apple",), {}, 0.0)

    side_by_side(work, threads=4)


def test_an_infinite_deadline_is_none() -> None:
    with Deadline(float("inf")):
        assert (remaining(), to_header()) == (None, None)
    with Deadline(5) as limit, Deadline(float("inf")):
        assert remaining(limit - 5) == 5
    with pytest.raises(ValueError, match="ledger: timeout inf is none; leave it out"):
        Guard("ledger", timeout=float("inf"))


@pytest.mark.parametrize("ends", ["fails", "is tried again", "times out"])
@BOTH
def test_what_a_failed_call_was_given_is_let_go_of_at_once(ends: str, *, is_async: bool) -> None:
    class Argument:
        pass

    retry = Retry(2, base=1e-6, cap=1e-6) if ends == "is tried again" else None
    guard = Guard("ledger", retry=retry, timeout=0.001 if ends == "times out" else 60)

    def work(_: Argument) -> None:
        raise TimeoutError

    async def later(_: Argument) -> None:
        if ends == "times out":
            await asyncio.sleep(60)
        raise TimeoutError

    async def go(argument: Argument) -> None:
        try:  # pytest.raises would keep the error
            await guard.call_async(later, argument)
        except TimeoutError:
            return

    def call(argument: Argument) -> None:
        try:
            guard.call(work, argument)
        except TimeoutError:
            return

    argument = Argument()
    kept = weakref.ref(argument)
    gc.disable()
    try:
        asyncio.run(go(argument)) if is_async else call(argument)
        del argument
        assert kept() is None
    finally:
        gc.enable()
