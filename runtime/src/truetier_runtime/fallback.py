"""What to answer when the callee cannot: a value, something worked out, the last good answer, or a stand-in for a share of requests.

A fallback takes the error and the arguments of the call, and gives the answer or raises: the error where it does not cover the request.
"""

from __future__ import annotations

from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Fallback(Protocol):
        """What guards take."""

        def answer(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any], now: float) -> Any:  # noqa: ANN401 - whatever the call gives
            """The answer in place of the callee's. Raises the error where there is none."""
            ...

    class Remembering(Fallback, Protocol):
        """A fallback that wants to see good answers."""

        def remember(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], now: float) -> None:  # noqa: ANN401 - as above
            """Takes a good answer."""
            ...


class Value:
    """Always the same answer. It is handed out as it is: callers must not change it."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:  # noqa: ANN401 - whatever the call gives
        self._value = value

    def answer(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any], now: float) -> Any:  # noqa: ANN401, ARG002
        """The value."""
        return self._value


class Instead:
    """What another function makes of the same arguments. It must not need what the call needs."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work

    def answer(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any], now: float) -> Any:  # noqa: ANN401, ARG002
        """What the function gives; an awaitable where it is asynchronous, which asynchronous guards await."""
        return self._work(*args, **kwargs)


class LastGood:
    """The last good answer for the same arguments, if it is at most ``max_age`` seconds old.

    ``key`` makes of the arguments what answers are kept by; ``most`` answers are kept, those that were stored first go first.
    Raises ValueError for a limit that keeps nothing.
    """

    __slots__ = ("_answers", "_key", "_lock", "_max_age", "_most")

    def __init__(self, max_age: float, *, key: Callable[..., object] | None = None, most: int = 1_000) -> None:
        if not (max_age > 0 and most > 0):
            raise ValueError(f"{most} answers for {max_age} seconds: nothing would be kept")
        self._max_age = max_age
        self._key = key
        self._most = most
        self._lock = allocate_lock()
        self._answers: dict[object, tuple[Any, float]] = {}

    def answer(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any], now: float) -> Any:  # noqa: ANN401
        """The answer kept. Raises the error where none is, or only one that is too old."""
        key = self._key_of(args, kwargs)
        with self._lock:  # who remembers takes the old answer out before the new one is in
            found = self._answers.get(key)
        if found is None or now - found[1] > self._max_age:
            raise error
        return found[0]

    def remember(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], now: float) -> None:  # noqa: ANN401
        """Keeps a good answer."""
        key = self._key_of(args, kwargs)
        with self._lock:
            self._answers.pop(key, None)  # so that it stands last
            self._answers[key] = (result, now)
            if len(self._answers) > self._most:
                del self._answers[next(iter(self._answers))]

    def _key_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        return (args, tuple(sorted(kwargs.items()))) if self._key is None else self._key(*args, **kwargs)


class StandIn:
    """Another fallback, for those requests that ``covers`` says yes to: open below an amount, closed above it."""

    __slots__ = ("_covers", "_fallback")

    def __init__(self, covers: Callable[..., bool], fallback: Fallback) -> None:
        self._covers = covers
        self._fallback = fallback

    def answer(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any], now: float) -> Any:  # noqa: ANN401
        """The fallback's answer. Raises the error for requests that are not covered."""
        if not self._covers(*args, **kwargs):
            raise error
        return self._fallback.answer(error, args, kwargs, now)
