"""The parts of the test kit that bring time and trouble; test_blackout.py has the harness."""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from runtime.tests.hurried import side_by_side
from truetier_runtime.breaker import Breaker
from truetier_runtime.deadline import HEADER, Deadline
from truetier_runtime.errors import CircuitOpenError, TimedOutError, UsageError
from truetier_runtime.fallback import Value
from truetier_runtime.guard import Guard
from truetier_runtime.retry import Hedge, Retry, RetryBudget
from truetier_runtime.shed import PRIORITY_HEADER, Priority
from truetier_runtime.testing import Fails, FakeClock, Hangs, Http, Recorded, Scripted, Slow
from truetier_runtime.window import Counts

# -- time


def test_asynchronous_waits_take_no_time_but_the_clocks() -> None:
    clock = FakeClock(1_000_000_000.0)

    async def go() -> list[str]:
        order: list[str] = []

        async def wait(seconds: float) -> None:
            await asyncio.sleep(seconds)
            order.append(f"{seconds:g} at {clock() - 1_000_000_000:g}")

        await asyncio.gather(*(wait(seconds) for seconds in (3600, 0.1, 60)))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86_400):
                await asyncio.get_running_loop().create_future()
        return order

    begin = time.monotonic()
    assert clock.run(go()) == ["0.1 at 0.1", "60 at 60", "3600 at 3600"]
    assert clock() == 1_000_000_000 + 3600 + 86_400
    assert time.monotonic() - begin < 60


def test_what_another_thread_ends_is_waited_for_where_nothing_waits_for_time() -> None:
    clock = FakeClock()
    assert clock.run(asyncio.to_thread(int)) == 0
    assert clock() == 0


def test_time_stands_still_while_something_is_ready() -> None:
    clock = FakeClock()
    one, other = socket.socketpair()

    async def go() -> float:
        later = asyncio.create_task(asyncio.sleep(3600))
        loop = asyncio.get_running_loop()
        came = loop.create_future()
        await asyncio.sleep(0)  # so that the other task waits for its time already
        one.send(b"x")
        loop.add_reader(other, lambda: None if came.done() else came.set_result(clock()))
        at: float = await came
        loop.remove_reader(other)
        later.cancel()
        return at

    with one, other:
        assert clock.run(go()) == 0


def test_an_asynchronous_guard_times_out_backs_off_and_hedges_on_a_fake_clock() -> None:
    clock, recorded = FakeClock(), Recorded()
    dependency = Scripted(Hangs(), Hangs(), Slow(0.2, "late"), "hedged", clock=clock)
    guard = Guard(
        "prices",
        timeout=1.0,
        retry=Retry(2, base=0.5, budget=RetryBudget(1.0)),
        hedge=Hedge(0.1),
        hooks=(recorded,),
        clock=clock,
        chance=lambda: 0.5,
    )
    assert clock.run(guard.call_async(dependency.awaited)) == "hedged"
    assert [call.at for call in dependency.calls] == pytest.approx([0, 0.1, 1.35, 1.45])
    assert dependency.calls[0].left == pytest.approx(1.0)
    recorded.assert_told("timed out", "prices", times=2)
    recorded.assert_told("hedged", "prices", times=2)


# -- scripts


def test_a_script_is_played_in_order_and_its_last_step_goes_on() -> None:
    clock = FakeClock()
    error = KeyError("it")
    dependency = Scripted("ok", Fails(ConnectionResetError), Fails(error), Slow(0.5, 7), Slow(1, Slow(2, Fails)), clock=clock)
    assert dependency("a", b=1) == "ok"
    with pytest.raises(ConnectionResetError):
        dependency()
    with pytest.raises(KeyError) as raised:
        dependency()
    assert raised.value is error
    assert (dependency(), clock()) == (7, 0.5)
    assert [dependency(), dependency(), clock()] == [Fails, Fails, 6.5]
    assert [call.at for call in dependency.calls] == [0, 0, 0, 0, 0.5, 3.5]
    assert (dependency.calls[0].given, dependency.calls[0].named, dependency.calls[0].left) == (("a",), {"b": 1}, None)


def test_what_hangs_waits_for_the_deadline_of_its_caller() -> None:
    clock, recorded = FakeClock(), Recorded()
    dependency = Scripted(Hangs(), clock=clock)
    guard = Guard("prices", timeout=0.3, fallback=Value("none"), clock=clock, hooks=(recorded,))
    assert (guard.call(dependency), clock()) == ("none", 0.3)
    assert dependency.calls[0].left == 0.3
    with pytest.raises(AssertionError, match="no deadline"):
        dependency()


def test_on_a_real_clock_what_hangs_waits_really_or_until_it_is_released() -> None:
    dependency = Scripted(Hangs())
    with Deadline(0.01), pytest.raises(TimeoutError, match="no answer"):
        dependency()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(dependency)
        while len(dependency.calls) < 2:
            time.sleep(0)
        dependency.release()
        assert isinstance(call.exception(), ConnectionAbortedError)


def test_an_asynchronous_caller_that_hangs_can_be_cancelled() -> None:
    dependency = Scripted(Hangs(), Fails(OSError))
    guard = Guard("prices", timeout=0.01)
    with pytest.raises(TimedOutError):
        asyncio.run(guard.call_async(dependency.awaited))
    with pytest.raises(OSError, match=r"^$"):
        asyncio.run(dependency.awaited())


def test_the_same_seed_draws_the_same_steps_in_the_shares_given() -> None:
    def played(seed: int) -> list[object]:
        dependency = Scripted.by_chance((3, "ok"), (1, "bad"), seed=seed)
        return [dependency() for _ in range(4000)]

    assert played(1) == played(1) != played(2)
    assert 900 < played(1).count("bad") < 1100


@pytest.mark.parametrize("shares", [(), ((0, 1),), ((-1, 1), (2, 1))])
def test_a_script_that_says_nothing_is_a_mistake(shares: tuple[tuple[float, object], ...]) -> None:
    with pytest.raises(UsageError):
        Scripted.by_chance(*shares, seed=1)
    with pytest.raises(UsageError):
        Scripted()


def test_threads_play_each_step_once() -> None:
    dependency = Scripted(*range(801))
    given: list[Any] = []
    side_by_side(lambda: given.extend(dependency() for _ in range(100)))
    assert sorted(given) == list(range(800))
    assert len({call.number for call in dependency.calls}) == 800


def test_over_http_the_same_script_is_a_real_server() -> None:
    dependency = Scripted("plain", {"a": 1}, Http(503, "busy", {"Retry-After": "3"}), Fails(), Slow(0.01, b"late"), Http(204, None))
    with dependency.served() as url:

        def asked(request: str | Request = url + "/x?y=1") -> bytes:
            with urlopen(request, timeout=30) as answer:
                content: bytes = answer.read()
            return content

        headers = {HEADER: "250", PRIORITY_HEADER: "critical"}
        assert asked(Request(url + "/buy", b"body", headers, method="POST")) == b"plain"
        assert asked() == b'{"a": 1}'
        with pytest.raises(HTTPError) as refused:
            asked()
        assert (refused.value.code, refused.value.headers["Retry-After"], refused.value.read()) == (503, "3", b"busy")
        refused.value.close()
        with pytest.raises(http.client.RemoteDisconnected):
            asked()
        assert [asked(), asked()] == [b"late", b""]
    first, second = dependency.calls[:2]
    assert (first.given, first.left, first.priority) == (("POST", "/buy", b"body"), 0.25, Priority.CRITICAL)
    assert (second.given, second.left, second.priority) == (("GET", "/x?y=1", b""), None, None)


def test_what_is_served_twice_plays_its_delays_twice() -> None:
    dependency = Scripted(Slow(0.001, "late"))
    for _ in range(2):
        with dependency.served() as url, urlopen(url) as answer:
            assert answer.read() == b"late"


def test_a_server_that_hangs_is_hung_up_on_and_ends_with_its_block() -> None:
    dependency = Scripted(Hangs())
    with dependency.served() as url, pytest.raises(TimeoutError):
        urlopen(url, timeout=0.05)
    with Deadline(5), pytest.raises(ConnectionAbortedError):
        dependency()


# -- assertions


def opened(*steps: object) -> tuple[Guard, Scripted, Recorded, FakeClock]:
    clock, recorded = FakeClock(), Recorded()
    guard = Guard("prices", breaker=Breaker(minimum_calls=2, open_for=5, jitter=0), fallback=Value("none"), hooks=(recorded,), clock=clock)
    return guard, Scripted(*steps, clock=clock), recorded, clock


def test_what_a_guard_did_can_be_asserted() -> None:
    guard, dependency, recorded, clock = opened(Fails(), Fails(), "ok")
    for _ in range(4):
        assert guard.call(dependency) == "none"
    clock.advance(5)
    assert guard.call(dependency) == "ok"
    recorded.assert_opened("prices")
    recorded.assert_fell_back("prices", times=4)
    recorded.assert_told("breaker closed", times=1)
    recorded.assert_told("hedged", times=0)
    recorded.assert_never_called_while_open("prices", dependency)
    recorded.assert_retried_at_most(0.0, guard)
    assert (guard.counts(), len(dependency.calls)) == (Counts(good=1, failed=2, refused=2), 3)


def test_an_assertion_that_fails_says_what_happened_instead() -> None:
    guard, dependency, recorded, _ = opened(Fails())
    for assertion in (recorded.assert_opened, recorded.assert_fell_back):
        with pytest.raises(AssertionError, match="expected at least once, found 0 times\nnothing was told"):
            assertion("prices")
    guard.call(dependency)
    with pytest.raises(AssertionError, match=r"expected 2 times, found 1 times\ntold were:\n  at 0: prices: fell back unreachable"):
        recorded.assert_fell_back("prices", times=2)
    with pytest.raises(AssertionError, match="'hedged' was expected at least once"):
        recorded.assert_told("hedged")


def test_a_call_that_goes_around_an_open_breaker_is_named() -> None:
    guard, dependency, recorded, clock = opened(Fails(), Fails(), "ok")
    guard.call(dependency)
    guard.call(dependency)
    recorded.assert_never_called_while_open("prices", dependency)
    clock.advance(1)
    dependency("around")
    recorded.assert_never_called_while_open("fraud", dependency)
    with pytest.raises(AssertionError, match=r"called 1 times while its breaker was open\n  Call\(at 1, 'around'; no deadline\)"):
        recorded.assert_never_called_while_open("prices", dependency)


def test_retries_are_held_against_the_requests_that_were_made() -> None:
    recorded, clock = Recorded(), FakeClock()
    guard = Guard("prices", retry=Retry(2, budget=RetryBudget(0, floor=0.3, window=10)), clock=clock, sleep=clock.sleep, hooks=(recorded,))
    for _ in range(10):
        with pytest.raises(ConnectionError):
            guard.call(Scripted(Fails(), clock=clock))
    recorded.assert_retried_at_most(0.3, guard)
    with pytest.raises(AssertionError, match=r"at most 29.0% were expected, found 3 to 10 requests, 30.0%"):
        recorded.assert_retried_at_most(0.29, guard)


def test_of_many_facts_some_are_shown() -> None:
    guard, dependency, recorded, _ = opened("ok")
    del dependency
    limited = Guard("prices", bulkhead=1, hooks=(recorded,), fallback=Value(0))
    for _ in range(30):
        limited.call(lambda: limited.call(int))
    with pytest.raises(AssertionError, match="and 40 more"):
        recorded.assert_opened("prices")
    assert len(recorded.of("refused")) == 30
    assert guard.state == "closed"


def test_a_breaker_that_is_open_refuses_before_the_dependency_is_called() -> None:
    guard, dependency, recorded, _ = opened(Fails())
    guard.call(dependency)
    guard.call(dependency)
    with pytest.raises(CircuitOpenError), guard.section():
        dependency()
    recorded.assert_never_called_while_open("prices", dependency)
