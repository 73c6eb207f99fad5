"""What callers have to handle, named by what happened."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class RuntimeGuardError(Exception):
    """Anything that comes from here and not from the work that was guarded."""


class UsageError(RuntimeGuardError, ValueError):
    """What the program asked for cannot be: the program, or what it was started with, has to change."""


class Mistake:
    """One thing that is wrong with a document of configuration: ``reason`` is a constant of refusal.py, ``message`` says where and how."""

    __slots__ = ("message", "reason")

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message

    def __repr__(self) -> str:
        return f"Mistake({self.reason!r}, {self.message!r})"

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class DocumentRefusedError(RuntimeGuardError):
    """A document of configuration is not taken. ``mistakes`` are all that could be found at once, ``reason`` is that of the first."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("; ".join(map(str, mistakes)))
        self.mistakes = mistakes
        self.reason = mistakes[0].reason

    def __reduce__(self) -> tuple[type[Self], tuple[Mistake, ...]]:
        return type(self), self.mistakes  # a process pool brings it home


class TokenRefusedError(RuntimeGuardError):
    """A token is not accepted. ``reason`` is a constant of refusal.py; nothing of the token but names is in the message.

    ``is_ours`` says that what is missing is on this side, keys or revocations that are fresh enough: status 503 rather than 401, for
    whoever holds the token can do nothing about it.
    """

    def __init__(self, reason: str, message: str, *, is_ours: bool = False) -> None:
        super().__init__(f"{reason}: {message}")
        self._message = message
        self.reason = reason
        self.is_ours = is_ours

    def __reduce__(self) -> tuple[type[Self], tuple[str, str], dict[str, object]]:
        return type(self), (self.reason, self._message), self.__dict__


class SourceDownError(RuntimeGuardError):
    """A place that documents come from, or go to, did not do what was asked of it."""


class RefusedError(RuntimeGuardError):
    """The work was not begun. ``retry_after`` is how many seconds from now it may be worth another try; None where nobody knows."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CircuitOpenError(RefusedError):
    """Too many calls failed of late; the callee is left alone."""


class BulkheadFullError(RefusedError):
    """As many calls as are allowed at once are under way."""


class DeadlineExceededError(RefusedError, TimeoutError):
    """No time was left to begin the work."""


class TimedOutError(RuntimeGuardError, TimeoutError):
    """The work did not end in the time it was given."""


class OverloadedError(RefusedError):
    """More is under way than can be done in time; the work was turned away at the door."""


class ThrottledError(RefusedError):
    """The callee refuses too much of what it is sent; the call was not sent."""


class FencedError(RefusedError):
    """The request was under way when workers crashed, and is let into no other cell."""


class SettingsError(RuntimeGuardError, ValueError):
    """A setting lies outside what makes sense. Whoever wrote it must act."""
