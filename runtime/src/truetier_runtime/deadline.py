"""How much time is left: carried down the stack, into tasks, and between services as a header.

A deadline is a moment on ``time.monotonic``. Nothing is ever interrupted by it here: a client is told how long it may wait, which is
the only way to end a blocking call that leaves no lock held and no state half written.
"""

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token

HEADER = "x-request-timeout-ms"
CURRENT: ContextVar[float | None] = ContextVar("truetier_deadline", default=None)
_NEVER = float("inf")
_MOST = 24 * 60 * 60 * 1000  # milliseconds: what waits longer has no deadline worth the name


def remaining(now: float | None = None) -> float | None:
    """Seconds left, none below zero; None where there is no deadline."""
    limit = CURRENT.get()
    return None if limit is None else max(0.0, limit - (monotonic() if now is None else now))


class Deadline:
    """``with Deadline(2.5):`` what runs inside has that many seconds, and never more than what is around it has.

    Infinitely many are no deadline. Raises ValueError for a number of seconds that is negative or not a number.
    """

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        if not seconds >= 0:
            raise ValueError(f"a deadline {seconds} seconds from now: the number has to be zero or more")
        self._seconds = seconds
        self._token: Token[float | None] | None = None

    def __enter__(self) -> float:
        limit, outer = monotonic() + self._seconds, CURRENT.get()
        limit = limit if outer is None else min(limit, outer)
        self._token = CURRENT.set(None if limit == _NEVER else limit)
        return limit

    def __exit__(self, *_: object) -> None:
        assert self._token is not None
        leave(self._token)


def leave(token: Token[float | None]) -> None:
    """Back to the deadline before. In another context than it was set in there is nothing to go back from.

    So it is where each half of a ``with`` runs in a copy, as in generators that a framework runs on threads, and where a coroutine that
    nobody waits for any more is closed by the garbage collector.
    """
    try:  # noqa: SIM105 - contextlib is not imported here
        CURRENT.reset(token)
    except ValueError:
        pass


def to_header(now: float | None = None) -> str | None:
    """What to send as ``HEADER``: whole milliseconds left, rounded down, so that nobody believes in more; None without a deadline."""
    left = remaining(now)
    return None if left is None else str(int(left * 1000))


def from_header(text: str | None) -> float | None:
    """Seconds that a caller leaves; None where it does not say, or says what is no number of milliseconds: no deadline, not a wrong one."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 12:
        return None
    return min(int(text), _MOST) / 1000
