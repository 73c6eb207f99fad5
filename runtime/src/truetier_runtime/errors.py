"""What callers have to handle, named by what happened."""

from __future__ import annotations


class RuntimeGuardError(Exception):
    """Anything that comes from here and not from the work that was guarded."""


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
