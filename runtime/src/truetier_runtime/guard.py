"""A guard around calls to one callee: deadline, bulkhead, breaker, retries, hedging and fallback, with exact counts.

What a call meets, in this order: the bulkhead and the breaker may refuse it; it gets a deadline; its end is counted; a failure may be tried
again within the budget; what still failed is answered by the fallback, if there is one. No lock is held while the work runs, nothing is
interrupted but what asyncio can cancel, and a cancelled call is neither good nor failed.
"""

from __future__ import annotations

from _random import Random
from _thread import RLock
from time import monotonic, sleep

from truetier_runtime.breaker import (
    CANCELLED,
    CLOSED,
    FAILED,
    GOOD,
    Breaker,
    State,
    admit,
    closed,
    is_too_much,
    open_period,
    opened,
    retry_after,
    settle_probe,
)
from truetier_runtime.deadline import CURRENT, leave, remaining
from truetier_runtime.errors import BulkheadFullError, CircuitOpenError, DeadlineExceededError, RefusedError, TimedOutError
from truetier_runtime.hooks import Fact, tell
from truetier_runtime.retry import Hedge, Retry, pause
from truetier_runtime.window import Counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextvars import Token
    from types import TracebackType
    from typing import Any, ParamSpec, TypeVar

    from truetier_runtime.fallback import Fallback
    from truetier_runtime.hooks import Hook
    from truetier_runtime.window import Window

    P = ParamSpec("P")
    T = TypeVar("T")

OPENED, PROBED, CLOSED_AGAIN = "breaker opened", "breaker half-open", "breaker closed"
REFUSED, TIMED_OUT, RETRIED, HEDGED, OUT_OF_BUDGET = "refused", "timed out", "retried", "hedged", "out of budget"
FELL_BACK, UNANSWERED = "fell back", "unanswered"  # how a call ended that failed; the detail says in which way the callee failed it
_IS_COROUTINE, _IS_GENERATOR = 0x80, 0x20 | 0x200  # inspect.CO_COROUTINE and both kinds of generator, without what importing inspect costs
_NO_BREAKER = 10.0  # seconds of the window where no breaker has one
_MOST_ENDED = 64  # windows of breakers that opened
_FOR_EVER = float("inf")

_drawn = Random()
try:
    from posix import register_at_fork  # of what os has, without what importing os costs
except ImportError:
    pass  # nothing forks here
else:  # or all workers of a server would draw the same pauses, and come back together
    register_at_fork(after_in_child=_drawn.seed)

_new_scope: Callable[[float], Any] | None = None


class Guard:
    """What stands between a service and one callee. One object serves all threads and tasks of a process.

    ``timeout``: seconds one attempt may take; a deadline around the call cuts it short. ``bulkhead``: calls under way at once.
    ``mistakes``: errors that say the caller was wrong; the callee did answer, so they count as good, and nothing is tried again.
    ``hooks`` are told what happens. ``clock`` counts seconds that never run back, ``chance`` draws evenly from [0, 1), ``sleep`` waits.
    Raises ValueError for a timeout or bulkhead that is not positive.

    Use it as a decorator, with ``call`` and ``call_async``, or as ``with guard.section():`` around lines that no fallback can replace.
    """

    __slots__ = (
        "_breaker",
        "_bulkhead",
        "_chance",
        "_clock",
        "_ended",
        "_fallback",
        "_hedge",
        "_hooks",
        "_lock",
        "_mistakes",
        "_other",
        "_remember",
        "_retry",
        "_sleep",
        "_slots",
        "_state",
        "_timeout",
        "callee",
    )

    def __init__(  # noqa: PLR0913 - a policy each
        self,
        callee: str,
        *,
        timeout: float | None = None,
        bulkhead: int | None = None,
        breaker: Breaker | None = None,
        retry: Retry | None = None,
        hedge: Hedge | None = None,
        fallback: Fallback | None = None,
        mistakes: tuple[type[Exception], ...] = (),
        hooks: tuple[Hook, ...] = (),
        clock: Callable[[], float] = monotonic,
        chance: Callable[[], float] | None = None,
        sleep: Callable[[float], object] = sleep,
    ) -> None:
        for name, value in (("timeout", timeout), ("bulkhead", bulkhead)):
            if value is not None and not value > 0:
                raise ValueError(f"the guard of {callee}: {name} {value} is not positive")
        if timeout == _FOR_EVER:
            raise ValueError(f"the guard of {callee}: timeout {timeout} is none; leave it out")
        self.callee = callee
        self._timeout = timeout
        self._breaker = breaker
        self._retry = retry
        self._hedge = hedge
        self._fallback = fallback
        self._remember = getattr(fallback, "remember", None)
        self._mistakes = mistakes
        self._hooks = hooks
        self._clock = clock
        self._chance = chance or _drawn.random
        self._sleep = sleep
        self._lock = RLock()  # again: the garbage collector may close an abandoned call of this guard while its own thread has it
        # A list gives and takes a slot in one step that no other thread sees half of.
        self._bulkhead = bulkhead or 0
        self._slots: list[None] | None = None if bulkhead is None else [None] * bulkhead
        self._state = closed(_NO_BREAKER if breaker is None else breaker.window)
        self._ended: list[Window] = []
        self._other = Counts()  # what no window counts: probes, what was cancelled or refused, windows that are long gone
        for budget in {policy.budget for policy in (retry, hedge) if policy is not None}:  # they may have one in common
            budget.count(lambda now, seconds=budget.window: self._attempts(now, seconds))  # type: ignore[misc] # mypy infers no default

    # -- what services call

    def call(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:  # noqa: ANN401 - whatever the work takes
        """Does the work, guarded. Raises what the work raises, or RefusedError, where no fallback answers."""
        return self._guarded(work, args, kwargs)

    def call_async(self, work: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, T]:  # noqa: ANN401 - as above
        """To await: asynchronous work, guarded. Raises what the work raises, RefusedError or TimedOutError, where no fallback answers."""
        return self._guarded_async(work, args, kwargs)

    def __call__(self, work: Callable[P, T]) -> Callable[P, T]:
        """Decorates a function, asynchronous or not.

        Raises TypeError for a generator, which has done nothing yet when it returns, for a function that blocks where calls are to be
        hedged, and for what cannot be called as it is: a classmethod or staticmethod goes around the guard, not into it.
        """
        from functools import wraps

        if isinstance(work, (classmethod, staticmethod)):
            raise TypeError(f"{work.__func__.__qualname__}: put the guard below @{type(work).__name__}")
        flags = _code_flags(work)
        if flags & _IS_GENERATOR:
            raise TypeError(
                f"{getattr(work, '__qualname__', work)} is a generator: what it gives comes after the call; guard what it calls"
            )
        if flags & _IS_COROUTINE:

            async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - what the coroutine gives
                return await self._guarded_async(work, args, kwargs)  # type: ignore[arg-type] # seen above to be asynchronous

            return wraps(work)(guarded_async)  # type: ignore[return-value] # what calls of it give is awaited, as before
        if self._hedge is not None:
            raise TypeError(f"{getattr(work, '__qualname__', work)} blocks, and what blocks cannot be hedged: the slow attempt would go on")

        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            return self._guarded(work, args, kwargs)

        return wraps(work)(guarded)

    def section(self) -> Section:
        """Guards the lines of a ``with`` or ``async with``: refused, timed and counted, but neither tried again nor replaced."""
        return Section(self)

    @property
    def timeout(self) -> float | None:
        """Seconds that one attempt may take; None where nothing limits it."""
        return self._timeout

    @property
    def state(self) -> str:
        """Whether the breaker is closed, open or half-open: as of the last call, since nothing happens by itself."""
        return self._state.kind

    @property
    def under_way(self) -> int | None:
        """Attempts under way; None where no bulkhead counts them."""
        return None if self._slots is None else self._bulkhead - len(self._slots)

    def counts(self) -> Counts:
        """Attempts so far by how they ended: exact."""
        with self._lock:
            windows = [*self._ended, *([] if self._state.window is None else [self._state.window])]
            totals = [window.total() for window in windows]
            other = self._other
            good, failed = other.good + sum(good for good, _ in totals), other.failed + sum(failed for _, failed in totals)
            return Counts(good, failed, other.cancelled, other.refused)

    # -- the usual way

    def _guarded(self, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:  # noqa: C901, PLR0912 - see below
        """The breaker is closed, and there is time and room. Everything else goes the way of sections.

        It is written out, since to call a part of it costs as much as what the part does.
        """
        clock, timeout, slots = self._clock, self._timeout, self._slots
        begin, state, outer = clock(), self._state, CURRENT.get()
        if state.window is None or (outer is not None and outer <= begin):
            return self._recover(None, work, args, kwargs)
        if slots is not None:
            try:
                slots.pop()
            except IndexError:
                return self._recover(self._full(begin), work, args, kwargs)
        try:
            if timeout is None:
                result = work(*args, **kwargs)
            else:
                token = CURRENT.set(begin + timeout if outer is None or outer > begin + timeout else outer)
                try:
                    result = work(*args, **kwargs)
                finally:
                    CURRENT.reset(token)
        except BaseException as error:
            if slots is not None:
                slots.append(None)
            self._end_badly(error, begin, state, 0)
            if isinstance(error, Exception):
                return self._recover(error, work, args, kwargs)
            raise
        if slots is not None:
            slots.append(None)
        now = clock()
        if type(result) is _COROUTINE:
            _refuse_coroutine(self.callee, result)
        if timeout is not None and now - begin > timeout:
            self._end_late(begin, now, state, 0)
        else:
            if now >= state.window.edge:
                state.window.roll(now)
            state.window.tick()
        if self._remember is not None:
            self._remember(result, args, kwargs, now)
        return result

    async def _guarded_async(self, work: Callable[..., Awaitable[T]], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:  # noqa: C901, PLR0912
        """The same for asynchronous work."""
        timeout, slots = self._timeout, self._slots
        begin, state, outer = self._clock(), self._state, CURRENT.get()
        if state.window is None or self._hedge is not None or (outer is not None and outer <= begin):
            return await self._recover_async(None, work, args, kwargs)
        if slots is not None:
            try:
                slots.pop()
            except IndexError:
                return await self._recover_async(self._full(begin), work, args, kwargs)
        scope = None
        try:
            if timeout is None and outer is None:
                result = await work(*args, **kwargs)
            else:
                limit = outer if timeout is None or (outer is not None and outer < begin + timeout) else begin + timeout
                token = CURRENT.set(limit)
                try:
                    async with (_new_scope or _load_scopes())(limit - begin) as scope:  # type: ignore[operator] # one of them is there
                        result = await work(*args, **kwargs)
                finally:
                    leave(token)
        except BaseException as error:
            if slots is not None:
                slots.append(None)
            # A caller that goes away just then comes out as cancelled, and stays that.
            if isinstance(error, TimeoutError) and scope is not None and scope.expired():
                error = self._timed_out(begin)  # under the name that goes with the block: it knows this frame
            self._end_badly(error, begin, state, 0)
            if isinstance(error, Exception):
                return await self._recover_async(error, work, args, kwargs)
            raise
        if slots is not None:
            slots.append(None)
        if timeout is not None and (now := self._clock()) - begin > timeout:  # it blocked the loop, or would not be cancelled
            self._end_late(begin, now, state, 0)
        else:
            if begin >= state.window.edge:  # to look at the clock again costs more than a span that is a call too old
                state.window.roll(begin)
            state.window.tick()
        if self._remember is not None:
            self._remember(result, args, kwargs, self._clock())
        return result

    # -- before and after an attempt

    def _admit(self, now: float) -> tuple[State, int]:
        """Lets a call through a breaker, as a probe where it is not closed, or refuses it."""
        before = self._state
        if before.window is not None:
            return before, 0
        assert self._breaker is not None
        with self._lock:
            before = self._state
            state, probe = admit(self._breaker, before, now)
            self._state = state
        if probe is None:
            seconds = retry_after(self._breaker, state, now)
            raise self._refused(now, CircuitOpenError(f"{self.callee}: too many calls failed, left alone for {seconds:.3g} s", seconds))
        if before.kind != state.kind:
            self._tell(PROBED, now)
        return state, probe

    def _end_late(self, begin: float, now: float, began: State, probe: int) -> None:
        """The answer came, and is given, but took longer than anybody should wait: the callee fares as if it had not."""
        self._end(FAILED, now, began, probe)
        self._tell(TIMED_OUT, now, now - begin)

    def _end_badly(self, error: BaseException, begin: float, began: State, probe: int) -> None:
        now = self._clock()
        if not isinstance(error, Exception):
            outcome = CANCELLED
        elif isinstance(error, self._mistakes):
            outcome = GOOD
        else:
            outcome = FAILED
        self._end(outcome, now, began, probe)
        if isinstance(error, TimeoutError):
            self._tell(TIMED_OUT, now, now - begin)

    def _end(self, outcome: str, now: float, began: State, probe: int) -> None:
        """Counts how an attempt ended, and does what that does to the breaker, if that is still as it was when the attempt began."""
        window = began.window
        if outcome == CANCELLED:
            with self._lock:
                self._other.cancelled += 1
        elif window is not None:
            window.roll(now)
            (window.tick if outcome == GOOD else window.tick_failed)()
        else:
            with self._lock:
                self._other.good += outcome == GOOD
                self._other.failed += outcome == FAILED
        if self._breaker is None or (window is not None and outcome != FAILED):
            return
        with self._lock:
            before = after = self._state
            if before.generation != began.generation:
                return
            if window is None:
                after = settle_probe(self._breaker, before, probe, outcome, lambda: self._until(now))
            elif is_too_much(self._breaker, *window.recent(now)):
                after = opened(before, self._until(now))
                self._retire(window)
            self._state = after
        if after.kind != before.kind:
            self._tell(CLOSED_AGAIN if after.kind == CLOSED else OPENED, now, max(0.0, after.until - now))

    def _retire(self, window: Window) -> None:
        """Keeps a window that nothing new is counted in, for calls that began in it and for the totals; the oldest as numbers alone."""
        self._ended.append(window)
        if len(self._ended) > _MOST_ENDED:
            good, failed = self._ended.pop(0).hand_over(self._count_late_good, self._count_late_failed)
            self._other.good += good
            self._other.failed += failed

    def _count_late_good(self) -> None:
        with self._lock:
            self._other.good += 1

    def _count_late_failed(self) -> None:
        with self._lock:
            self._other.failed += 1

    def _until(self, now: float) -> float:
        assert self._breaker is not None
        return now + open_period(self._breaker, self._chance())

    def _refused(self, now: float, error: RefusedError) -> RefusedError:
        with self._lock:
            self._other.refused += 1
        self._tell(REFUSED, now, type(error).__name__)
        return error

    def _full(self, now: float) -> RefusedError:
        return self._refused(now, BulkheadFullError(f"{self.callee}: as many calls as may be are under way"))

    def _timed_out(self, begin: float) -> TimedOutError:
        return TimedOutError(f"{self.callee}: no answer in {self._clock() - begin:.3g} seconds")

    def _tell(self, kind: str, now: float, detail: str | float = "") -> None:
        if self._hooks:
            tell(self._hooks, Fact(kind, self.callee, now, detail))

    def _attempts(self, now: float, seconds: float) -> float:
        window = self._state.window
        return 0 if window is None else window.within(now, seconds)

    # -- the way of what is not usual

    def _recover(self, error: Exception | None, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """Goes on after a failed attempt, or before the first one, to a good answer or the fallback."""
        made = 0 if error is None else 1
        while (wait := self._pause(error, made)) is not None:
            if wait:
                self._sleep(wait)
            made += 1
            try:
                with self.section():
                    result = work(*args, **kwargs)
                    _refuse_coroutine(self.callee, result)
            except Exception as again:  # noqa: BLE001 - told apart by _pause
                error = again
            else:
                if self._remember is not None:
                    self._remember(result, args, kwargs, self._clock())
                return result
        assert error is not None
        try:
            answer: T = self._answer(error, args, kwargs)
        finally:
            del error  # it knows this frame; each would keep the other, and the arguments, until the garbage is collected
        _refuse_coroutine(self.callee, answer, "fallback")
        return answer

    async def _recover_async(
        self, error: Exception | None, work: Callable[..., Awaitable[T]], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> T:
        from asyncio import sleep

        made = 0 if error is None else 1
        while (wait := self._pause(error, made)) is not None:
            if wait:
                await sleep(wait)
            made += 1
            try:
                if self._hedge is None:
                    result = await self._attempt(work, args, kwargs)
                else:
                    result = await self._hedged(self._hedge, work, args, kwargs)
            except Exception as again:  # noqa: BLE001 - told apart by _pause
                error = again
            else:
                if self._remember is not None:
                    self._remember(result, args, kwargs, self._clock())
                return result
        assert error is not None
        way = _way(error)
        try:
            answer = self._answer(error, args, kwargs)
        finally:
            del error  # as above
        if hasattr(answer, "__await__"):
            try:
                answer = await answer
            except Exception:
                self._tell(UNANSWERED, self._clock(), way)
                raise
            self._tell(FELL_BACK, self._clock(), way)
        answered: T = answer
        return answered

    def _pause(self, error: Exception | None, made: int) -> float | None:
        """Seconds before the next attempt, none before the first; None where there is none: not worth it, no time, or no budget."""
        if error is None:
            return 0.0
        retry = self._retry
        if retry is None or made >= retry.attempts or not isinstance(error, retry.on):
            return None
        if isinstance(error, (RefusedError, *self._mistakes)):
            return None
        now = self._clock()
        wait = pause(retry, made, self._chance())
        left = remaining(now)
        if left is not None and left <= wait:
            return None
        if not retry.budget.spend(now):
            self._tell(OUT_OF_BUDGET, now)
            return None
        self._tell(RETRIED, now, made)
        return wait

    def _answer(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - in place of the work's
        now, way = self._clock(), _way(error)
        try:
            if isinstance(error, self._mistakes):
                raise error
            if self._fallback is None:
                self._tell(UNANSWERED, now, way)
                raise error
            try:
                answer = self._fallback.answer(error, args, kwargs, now)
            except Exception:
                self._tell(UNANSWERED, now, way)
                raise
        finally:
            del error  # as above
        if not hasattr(answer, "__await__"):  # else it is told when it has come
            self._tell(FELL_BACK, now, way)
        return answer

    async def _attempt(self, work: Callable[..., Awaitable[T]], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        async with self.section():
            return await work(*args, **kwargs)

    async def _hedged(self, hedge: Hedge, work: Callable[..., Awaitable[T]], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """An attempt, and a second beside it when the first is slow: whichever answers well first; the other is cancelled."""
        from asyncio import FIRST_COMPLETED, create_task, wait

        tasks = {create_task(self._attempt(work, args, kwargs))}
        try:
            done, left = await wait(tasks, timeout=hedge.after)
            now = self._clock()
            if not done and hedge.budget.spend(now):
                self._tell(HEDGED, now)
                tasks.add(create_task(self._attempt(work, args, kwargs)))
            left = set(tasks)
            while True:
                done, left = await wait(left, return_when=FIRST_COMPLETED)
                good = [task for task in done if not task.cancelled() and task.exception() is None]
                if good or not left:
                    return (good or list(done))[0].result()
        finally:
            for task in tasks:
                task.cancel()
            done, _ = await wait(tasks)
            for task in done:
                if not task.cancelled():
                    task.exception()  # seen, or asyncio would complain of the loser's


class Section:
    """The lines of one ``with``; made by ``Guard.section``."""

    __slots__ = ("_begin", "_guard", "_probe", "_scope", "_state", "_token")

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._begin = 0.0
        self._state = guard._state
        self._probe = 0
        self._token: Token[float | None] | None = None
        self._scope: Any = None

    def __enter__(self) -> None:
        guard = self._guard
        self._begin = begin = guard._clock()
        outer = CURRENT.get()
        if outer is not None and outer <= begin:
            raise guard._refused(begin, DeadlineExceededError(f"{guard.callee}: no time is left to ask"))
        slots = guard._slots
        if slots is not None:
            try:
                slots.pop()
            except IndexError:
                raise guard._full(begin) from None
        try:
            self._state, self._probe = guard._admit(begin)
        except BaseException:
            if slots is not None:
                slots.append(None)
            raise
        if guard._timeout is not None:
            limit = begin + guard._timeout
            self._token = CURRENT.set(limit if outer is None else min(limit, outer))

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        guard = self._guard
        self._leave()
        now = guard._clock()
        if error is not None:
            guard._end_badly(error, self._begin, self._state, self._probe)
        elif guard._timeout is not None and now - self._begin > guard._timeout:
            guard._end_late(self._begin, now, self._state, self._probe)
        else:
            guard._end(GOOD, now, self._state, self._probe)

    def _leave(self) -> None:
        if self._token is not None:
            leave(self._token)
        if self._guard._slots is not None:
            self._guard._slots.append(None)

    async def __aenter__(self) -> None:
        self.__enter__()
        limit = CURRENT.get()
        if limit is not None:
            try:
                self._scope = _load_scopes()(limit - self._begin)
                await self._scope.__aenter__()
            except BaseException:  # as asyncio does where there is no task
                self._leave()
                self._guard._end(CANCELLED, self._begin, self._state, self._probe)
                raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        told = error
        if self._scope is not None:
            try:
                await self._scope.__aexit__(kind, error, trace)
            except TimeoutError:
                told = self._guard._timed_out(self._begin)
        self.__exit__(None, told, None)
        if told is not error and told is not None:
            try:
                raise told from error
            finally:
                del told, error  # as above


async def _nothing() -> None:
    pass


_some = _nothing()
_COROUTINE = type(_some)
_some.close()


def _code_flags(work: Any) -> int:  # noqa: ANN401 - whatever can be called
    """What its code says of itself, be it in a partial, or the ``__call__`` of an object."""
    from functools import partial

    while isinstance(work, partial):
        work = work.func
    code = getattr(work, "__code__", None)
    if code is None:
        code = getattr(getattr(type(work), "__call__", None), "__code__", None)  # noqa: B004 - not whether, but which
    return getattr(code, "co_flags", 0)


def _refuse_coroutine(callee: str, made: Any, what: str = "work") -> None:  # noqa: ANN401 - what the work gave
    """To make a coroutine is to do nothing yet: counted as good it would be a lie. Raises TypeError for one."""
    if type(made) is _COROUTINE:
        made.close()
        raise TypeError(f"{callee}: the {what} is asynchronous; await call_async")


def _way(error: Exception) -> str:
    """In which way a callee failed a call, as telemetry tells them apart; refused where it was not asked, for reasons of our own."""
    if isinstance(error, (BulkheadFullError, DeadlineExceededError)):
        return "refused"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unreachable" if isinstance(error, ConnectionError) else "error"


def _load_scopes() -> Callable[[float], Any]:
    """``asyncio.timeout``, which is there by the time anything is awaited; to import it earlier would cost those who never do."""
    global _new_scope  # noqa: PLW0603 - looked up once for all
    if _new_scope is None:
        from asyncio import timeout

        _new_scope = timeout
    return _new_scope
