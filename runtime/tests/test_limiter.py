"""Enforcement: exact counts, classes, a queue that is bounded in time, three outcomes. Threads and coroutines."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runtime.tests.hurried import side_by_side
from runtime.tests.recording import Recording
from truetier_runtime.errors import DeadlineExceededError, OverloadedError, SettingsError
from truetier_runtime.limiter import Limiter, Outcome, Permit, Queue
from truetier_runtime.limits import Aimd, AimdState, Fixed, FixedState, Sample
from truetier_runtime.shed import Priority, Shares
from truetier_runtime.testing import FakeClock

if TYPE_CHECKING:
    from truetier_runtime.hooks import Fact

NO_QUEUE = Queue(longest=0.0, longest_standing=0.0)
# So long that only the fake clock ends a wait.
PATIENT = Queue(longest=60.0, longest_standing=30.0)


def test_no_more_than_the_limit_are_under_way_and_counts_are_exact_under_8_threads() -> None:
    limiter = Limiter(Fixed(5), queue=Queue(longest=30.0, longest_standing=30.0), shares=Shares(default=1.0))
    lock = threading.Lock()
    under_way = highest = done = 0

    def work() -> None:
        nonlocal under_way, highest, done
        for number in range(300):
            with limiter.acquire():
                with lock:
                    under_way += 1
                    highest = max(highest, under_way)
                if number % 50 == 0:
                    threading.Event().wait(0.001)
                with lock:
                    under_way -= 1
                    done += 1

    side_by_side(work)
    assert (done, highest, limiter.in_flight, limiter.waiting) == (2400, 5, 0, 0)


class Adding:
    """Counts steps in its state: a step that is lost shows."""

    def begin(self) -> AimdState:
        return AimdState(1e6, 0.0)

    def step(self, state: AimdState, sample: Sample) -> AimdState:
        return AimdState(state.limit + 1, sample.ended)


def test_no_sample_of_8_threads_is_lost_or_counted_twice() -> None:
    limiter = Limiter(Adding())

    def work() -> None:
        for _ in range(1000):
            limiter.acquire().release()

    side_by_side(work)
    assert (limiter.limit, limiter.in_flight) == (1_008_000, 0)


def test_sheddable_work_is_refused_first_then_default_and_critical_is_let_in_up_to_the_limit() -> None:
    limiter = Limiter(Fixed(10), queue=NO_QUEUE)
    counts = {}
    for priority in reversed(Priority):
        counts[priority] = 0
        while limiter.try_acquire(priority):
            counts[priority] += 1
    assert counts == {Priority.SHEDDABLE: 6, Priority.DEFAULT: 2, Priority.CRITICAL: 2, Priority.RECOVERY: 0}
    with pytest.raises(OverloadedError, match="10 under way, limit 10: no room for sheddable work"):
        limiter.acquire(Priority.SHEDDABLE)


def test_an_algorithm_may_use_the_limiter_while_it_steps_because_no_lock_is_held() -> None:
    class Curious(Recording):
        def step(self, state: FixedState, sample: Sample) -> FixedState:
            permit = limiter.try_acquire()
            assert permit
            permit.release(Outcome.IGNORED)
            return super().step(state, sample)

    limiter = Limiter(Curious(3, less=1))
    limiter.acquire().release()
    assert limiter.in_flight == 0


def test_success_and_drops_are_learned_from_and_what_is_ignored_is_not() -> None:
    clock, algorithm = FakeClock(10.0), Recording(3, less=1)
    limiter = Limiter(algorithm, clock=clock)
    permit = limiter.acquire()
    other = limiter.acquire()
    clock.advance(2.0)
    permit.release(Outcome.SUCCESS)
    other.release(Outcome.DROPPED)
    limiter.acquire().release(Outcome.IGNORED)
    assert algorithm.samples == [Sample(10.0, 12.0, 1, is_dropped=False), Sample(10.0, 12.0, 2, is_dropped=True)]
    assert (limiter.limit, limiter.in_flight) == (2, 0)


def test_a_permit_that_is_released_twice_gives_one_place_back() -> None:
    limiter = Limiter(algorithm := Recording(3, less=1))
    kept, permit = limiter.acquire(), limiter.acquire()
    permit.release()
    permit.release(Outcome.DROPPED)
    assert (limiter.in_flight, len(algorithm.samples)) == (1, 1)
    kept.release()


def test_time_after_the_answer_is_not_learned_from() -> None:
    clock, algorithm = FakeClock(), Recording(3, less=1)
    limiter = Limiter(algorithm, clock=clock)
    with limiter.acquire() as permit:
        clock.advance(0.5)
        permit.answered()
        clock.advance(100.0)
        permit.answered()
        assert limiter.in_flight == 1
    assert algorithm.samples[0].seconds == 0.5


@pytest.mark.parametrize(
    ("error", "expected"),
    [(TimeoutError(), [True]), (OverloadedError("further on"), [True]), (KeyError(), []), (KeyboardInterrupt(), [])],
)
def test_what_is_raised_inside_says_what_the_work_says_of_load(error: BaseException, expected: list[bool]) -> None:
    limiter = Limiter(algorithm := Recording(3, less=1))
    with suppress(type(error)), limiter.acquire():
        raise error
    assert [sample.is_dropped for sample in algorithm.samples] == expected
    assert limiter.in_flight == 0


async def waiting(
    limiter: Limiter[FixedState], priority: Priority, count: int, deadline: float = float("inf")
) -> list[asyncio.Task[Permit]]:
    """Tasks that are in the queue when this returns, in this order."""
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(limiter.acquire_async(priority, deadline=deadline)))
        await asyncio.sleep(0)
    return tasks


def given(tasks: list[asyncio.Task[Permit]]) -> list[bool]:
    return [task.done() and not task.exception() for task in tasks]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_burst_is_served_in_the_order_it_came() -> None:
    async def scenario() -> None:
        limiter = Limiter(Fixed(1), queue=PATIENT, clock=FakeClock())
        permit = limiter.acquire()
        tasks = await waiting(limiter, Priority.DEFAULT, 3)
        assert limiter.waiting == 3
        for number in range(3):
            permit.release()
            await settle()
            assert given(tasks) == [place <= number for place in range(3)]
            permit = tasks[number].result()
        permit.release()
        assert (limiter.in_flight, limiter.waiting) == (0, 0)

    asyncio.run(scenario())


def test_a_better_class_is_served_first_though_it_came_last() -> None:
    async def scenario() -> None:
        limiter = Limiter(Fixed(1), queue=PATIENT, clock=FakeClock())
        permit = limiter.acquire()
        tasks = [(await waiting(limiter, priority, 1))[0] for priority in reversed(Priority)]
        for number in reversed(range(4)):
            permit.release()
            await settle()
            assert given(tasks) == [place >= number for place in range(4)]
            permit = tasks[number].result()

    asyncio.run(scenario())


def test_whoever_waited_longer_than_the_bound_is_refused_though_a_place_is_free_now() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        limiter = Limiter(Fixed(1), queue=PATIENT, clock=clock)
        permit = limiter.acquire()
        early = await waiting(limiter, Priority.DEFAULT, 1)
        clock.advance(40.0)
        late = await waiting(limiter, Priority.DEFAULT, 1)
        clock.advance(20.0)
        permit.release()
        await settle()
        with pytest.raises(OverloadedError, match="no turn in time"):
            early[0].result()
        assert given(late) == [True]

    asyncio.run(scenario())


def test_in_a_standing_queue_waits_are_shorter_and_the_newest_is_served_first() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        limiter = Limiter(Fixed(1), queue=PATIENT, clock=clock)
        permit = limiter.acquire()
        tasks = await waiting(limiter, Priority.DEFAULT, 1)
        clock.advance(50.0)
        tasks += await waiting(limiter, Priority.DEFAULT, 1)
        clock.advance(11.0)  # never empty for 61 seconds
        tasks += await waiting(limiter, Priority.DEFAULT, 2)
        permit.release()
        await settle()
        assert given(tasks) == [False, False, False, True]
        clock.advance(30.0)  # the third may wait for 30 seconds only, the second for 60
        tasks[3].result().release()
        await settle()
        assert given(tasks) == [False, True, False, True]
        assert isinstance(tasks[2].exception(), OverloadedError)
        assert limiter.waiting == 0

    asyncio.run(scenario())


def test_a_standing_queue_of_sheddable_work_shortens_no_wait_of_critical_work() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        limiter = Limiter(Fixed(1), queue=PATIENT, clock=clock)
        permit = limiter.acquire()
        tasks = await waiting(limiter, Priority.SHEDDABLE, 1)
        clock.advance(59.0)
        tasks += await waiting(limiter, Priority.SHEDDABLE, 1)
        clock.advance(2.0)
        tasks += await waiting(limiter, Priority.SHEDDABLE, 1)
        tasks += await waiting(limiter, Priority.CRITICAL, 1)
        clock.advance(40.0)
        permit.release()
        await settle()
        assert given(tasks) == [False, False, False, True]
        tasks[3].result().release()
        await settle()
        assert given(tasks) == [False, True, False, True]
        assert isinstance(tasks[2].exception(), OverloadedError)

    asyncio.run(scenario())


def test_a_deadline_that_passed_is_refused_at_the_door_and_one_that_passes_in_the_queue_there() -> None:
    async def scenario() -> None:
        clock = FakeClock(100.0)
        limiter = Limiter(Fixed(1), queue=PATIENT, clock=clock)
        with pytest.raises(DeadlineExceededError, match="had passed"):
            limiter.acquire(deadline=100.0)
        permit = limiter.acquire(deadline=101.0)
        tasks = await waiting(limiter, Priority.CRITICAL, 1, deadline=110.0)
        clock.advance(10.0)
        permit.release()
        await settle()
        assert isinstance(tasks[0].exception(), DeadlineExceededError)
        assert (limiter.in_flight, limiter.waiting) == (0, 0)

    asyncio.run(scenario())


def test_whoever_is_cancelled_while_waiting_leaves_no_place_taken() -> None:
    async def scenario() -> None:
        limiter = Limiter(algorithm := Recording(1, less=1), queue=PATIENT, clock=FakeClock())
        permit = limiter.acquire()
        tasks = await waiting(limiter, Priority.DEFAULT, 2)
        tasks[0].cancel()
        await settle()
        assert limiter.waiting == 1
        permit.release()
        # Given a permit, and cancelled before it could be told so.
        tasks[1].cancel()
        await settle()
        assert all(task.cancelled() for task in tasks)
        assert (limiter.in_flight, limiter.waiting, len(algorithm.samples)) == (0, 0, 1)

    asyncio.run(scenario())


def test_a_full_queue_turns_away_the_oldest_of_the_lowest_class_for_a_better_one() -> None:
    async def scenario() -> None:
        limiter = Limiter(Fixed(1), queue=Queue(longest=60.0, longest_standing=60.0, most=2), clock=FakeClock())
        permit = limiter.acquire()
        low = await waiting(limiter, Priority.SHEDDABLE, 2)
        with pytest.raises(OverloadedError):
            limiter.acquire(Priority.SHEDDABLE)
        high = await waiting(limiter, Priority.CRITICAL, 1)
        await settle()
        assert isinstance(low[0].exception(), OverloadedError)
        assert limiter.waiting == 2
        permit.release()
        await settle()
        assert given(high) == [True]
        low[1].cancel()

    asyncio.run(scenario())


def test_a_permit_that_a_closed_loop_can_not_take_is_given_back() -> None:
    limiter = Limiter(Fixed(1), queue=PATIENT, clock=FakeClock())
    permit = limiter.acquire()
    loop = asyncio.new_event_loop()
    task = loop.create_task(limiter.acquire_async())
    loop.run_until_complete(asyncio.sleep(0))
    assert limiter.waiting == 1
    loop.close()
    permit.release()
    assert (limiter.in_flight, limiter.waiting) == (0, 0)
    # A task of a closed loop would complain when it goes.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    with suppress(asyncio.CancelledError):
        task.get_coro().throw(asyncio.CancelledError)


def test_a_thread_waits_for_its_turn_and_gets_it_from_a_coroutine() -> None:
    limiter = Limiter(Fixed(1), queue=PATIENT)
    got: list[Permit] = []

    async def scenario() -> None:
        permit = await limiter.acquire_async()
        thread = threading.Thread(target=lambda: got.append(limiter.acquire()))
        thread.start()
        while not limiter.waiting:  # noqa: ASYNC110 - a thread, which sets no event of this loop
            await asyncio.sleep(0.001)
        permit.release()
        await asyncio.to_thread(thread.join)

    asyncio.run(scenario())
    assert len(got) == limiter.in_flight == 1


def test_a_wait_ends_by_itself_where_nobody_releases_anything() -> None:
    limiter = Limiter(Fixed(1), queue=Queue(longest=0.01, longest_standing=0.01))
    limiter.acquire()
    with pytest.raises(OverloadedError, match="no turn in time"):
        limiter.acquire()
    with pytest.raises(OverloadedError, match="no turn in time"):
        asyncio.run(limiter.acquire_async())
    assert (limiter.in_flight, limiter.waiting) == (1, 0)


def test_a_limit_that_rises_lets_in_who_waits() -> None:
    async def scenario() -> None:
        limiter = Limiter(Aimd(initial=1), queue=PATIENT, clock=FakeClock())
        permit = limiter.acquire()
        tasks = [asyncio.create_task(limiter.acquire_async(Priority.CRITICAL)) for _ in range(2)]
        await settle()
        permit.release()
        await settle()
        assert limiter.limit == 2
        assert [task.done() for task in tasks] == [True, True]

    asyncio.run(scenario())


def test_hooks_are_told_of_refusals_at_the_door_and_in_the_queue_and_may_use_the_limiter() -> None:
    told: list[tuple[str, str, float, str | float]] = []

    def hook(fact: Fact) -> None:
        assert limiter.try_acquire() is None
        told.append((fact.kind, fact.subject, fact.at, fact.detail))

    clock = FakeClock(7.0)
    limiter = Limiter(Fixed(1), queue=Queue(longest=0.01, longest_standing=0.01, most=1), clock=clock, name="shop", hooks=(hook,))
    limiter.acquire()
    with pytest.raises(OverloadedError):
        limiter.acquire(Priority.SHEDDABLE)
    with pytest.raises(DeadlineExceededError):
        limiter.acquire(Priority.CRITICAL, deadline=7.0)
    assert told == [("shed", "shop", 7.0, "sheddable"), ("shed", "shop", 7.0, "critical")]


def test_a_queue_without_sense_is_refused() -> None:
    for longest, standing, most in ((1.0, 2.0, 1), (-1.0, -1.0, 1), (float("inf"), 1.0, 1), (1.0, 1.0, -1)):
        with pytest.raises(SettingsError):
            Queue(longest=longest, longest_standing=standing, most=most)


def test_who_waited_in_a_loop_that_was_closed_keeps_nobody_else_waiting() -> None:
    limiter = Limiter(Fixed(1), queue=Queue(longest=60.0, longest_standing=30.0, most=500), shares=Shares(default=1.0, sheddable=1.0))
    held = limiter.acquire()
    loop = asyncio.new_event_loop()
    waiting = [loop.create_task(limiter.acquire_async(Priority.SHEDDABLE)) for _ in range(500)]
    loop.run_until_complete(asyncio.sleep(0))
    for task in waiting:
        task._log_destroy_pending = False  # type: ignore[attr-defined] # asyncio's own; that nobody ends them is the point
    loop.close()
    assert limiter.waiting == 500
    with pytest.raises(DeadlineExceededError):  # it takes the place of one of them in the queue
        limiter.acquire(Priority.CRITICAL, deadline=limiter.clock() + 0.001)
    held.release()
    assert (limiter.in_flight, limiter.waiting) == (0, 0)
