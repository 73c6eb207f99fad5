"""Breakers of several libraries, each behind the same few calls, set to open after four failures in a row and for a fifth of a second.

A library that offers a rate in a window is given one: half of at least four calls. What it has no calls for, it has no method for here.
purgatory 0.7.2 is not among them: it does not start beside a setuptools of today.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import aiobreaker
import circuitbreaker
import hyx.circuitbreaker
import pybreaker
import pyresilience
import redress
import resilient_circuit

from truetier_runtime import Breaker, Guard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OPEN_FOR = 0.2  # seconds
FAILURES = 4  # in a row, that open every breaker here


class Library:
    """What the probes ask of each; ``call`` and ``call_async`` are there where the library has them, and open on ``Exception``."""

    title: str
    call: Callable[..., Any]
    call_async: Callable[..., Awaitable[Any]]

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        raise NotImplementedError


class Ours(Library):
    """The guard, with nothing but a breaker."""

    title = "truetier-runtime"

    def __init__(self) -> None:
        self.guard = Guard("callee", breaker=Breaker(0.5, minimum_calls=FAILURES, open_for=OPEN_FOR, jitter=0))
        self.call = self.guard.call
        self.call_async = self.guard.call_async

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return self.guard.state != "closed"


class Pybreaker(Library):
    """It knows no asyncio."""

    title = f"pybreaker {version('pybreaker')}"

    def __init__(self) -> None:
        self.breaker = pybreaker.CircuitBreaker(fail_max=FAILURES, reset_timeout=OPEN_FOR)
        self.call = self.breaker.call

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.breaker.current_state != "closed")


class Circuitbreaker(Library):
    """Decorates what it is to call."""

    title = f"circuitbreaker {version('circuitbreaker')}"

    def __init__(self) -> None:
        self.breaker = circuitbreaker.CircuitBreaker(failure_threshold=FAILURES, recovery_timeout=OPEN_FOR, expected_exception=Exception)
        self.call = self.call_async = lambda work, *args: self.breaker.decorate(work)(*args)

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.breaker.opened)


class Aiobreaker(Library):
    """For asyncio and threads."""

    title = f"aiobreaker {version('aiobreaker')}"

    def __init__(self) -> None:
        self.breaker = aiobreaker.CircuitBreaker(fail_max=FAILURES, timeout_duration=timedelta(seconds=OPEN_FOR))
        self.call = self.breaker.call
        self.call_async = self.breaker.call_async

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.breaker.current_state is not aiobreaker.CircuitBreakerState.CLOSED)


class Hyx(Library):
    """For asyncio alone."""

    title = f"hyx {version('hyx')}"

    def __init__(self) -> None:
        self.breaker = hyx.circuitbreaker.consecutive_breaker(
            exceptions=Exception, failure_threshold=FAILURES, recovery_time_secs=OPEN_FOR, recovery_threshold=1
        )
        self.call_async = lambda work, *args: self.breaker(work)(*args)

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.breaker.state.name != "working")


class ResilientCircuit(Library):
    """Three failures of four."""

    title = f"resilient-circuit {version('resilient-circuit')}"

    def __init__(self) -> None:
        self.breaker = resilient_circuit.CircuitProtectorPolicy(cooldown=timedelta(seconds=OPEN_FOR), failure_limit=Fraction(3, FAILURES))
        self.call = self.call_async = lambda work, *args: self.breaker(work)(*args)

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.breaker.status is not resilient_circuit.CircuitState.CLOSED)


class Redress(Library):
    """So many failures in a window."""

    title = f"redress {version('redress')}"

    def __init__(self) -> None:
        self.breaker = redress.CircuitBreaker(
            failure_threshold=FAILURES, window_s=10, recovery_timeout_s=OPEN_FOR, trip_on=set(redress.ErrorClass)
        )
        blocking, awaited = redress.Policy(circuit_breaker=self.breaker), redress.AsyncPolicy(circuit_breaker=self.breaker)
        self.call = lambda work, *args: blocking.call(lambda: work(*args))
        self.call_async = lambda work, *args: awaited.call(lambda: work(*args))

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.breaker.state is not redress.CircuitState.CLOSED)


class Pyresilience(Library):
    """A state for each decorated function: one function here that does whatever it is given, and one more for asyncio."""

    title = f"pyresilience {version('pyresilience')}"

    def __init__(self) -> None:
        settings = pyresilience.CircuitBreakerConfig(
            recovery_timeout=OPEN_FOR, sliding_window_size=10, failure_rate_threshold=0.5, minimum_calls=FAILURES, success_threshold=1
        )
        self.kinds: list[str] = []
        guarded = pyresilience.resilient(circuit_breaker=settings, listeners=[self._heard])

        def blocking(work: Callable[..., Any], *args: object) -> object:
            return work(*args)

        async def awaited(work: Callable[..., Any], *args: object) -> object:
            return await work(*args)

        self.call = guarded(blocking)
        self.call_async = guarded(awaited)

    def _heard(self, event: Any) -> None:  # noqa: ANN401 - one of several
        if event.event_type.value in {"circuit_open", "circuit_closed"}:
            self.kinds.append(event.event_type.value)

    def is_open(self) -> bool:
        """Whether it keeps calls out."""
        return bool(self.kinds) and self.kinds[-1] == "circuit_open"


LIBRARIES: tuple[type[Library], ...] = (
    Ours,
    Pybreaker,
    Circuitbreaker,
    Aiobreaker,
    Hyx,
    ResilientCircuit,
    Redress,
    Pyresilience,
)
