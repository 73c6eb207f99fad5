"""How many calls went well and how many failed of late: exact, and counted without a lock, in a ring of short spans of time."""

from __future__ import annotations

from _thread import allocate_lock
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_GRACE = 60.0  # seconds that a span is still looked at after it left the window, for a thread that was put aside while it counted


class Counts:
    """Calls by how they ended. ``cancelled`` ones are neither good nor failed; ``refused`` ones never began."""

    __slots__ = ("cancelled", "failed", "good", "refused")

    def __init__(self, good: int = 0, failed: int = 0, cancelled: int = 0, refused: int = 0) -> None:
        self.good = good
        self.failed = failed
        self.cancelled = cancelled
        self.refused = refused

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counts) and all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment] # counts change

    def __repr__(self) -> str:
        return f"Counts(good={self.good}, failed={self.failed}, cancelled={self.cancelled}, refused={self.refused})"


class _Counter:
    """A number that any thread may count up at once: ``tick`` is one step of C, which no other thread sees half of."""

    __slots__ = ("_reads", "tick")

    def __init__(self) -> None:
        self.tick: Callable[[], int] = count().__next__
        self._reads = 0

    def value(self) -> int:
        """How often it was ticked. To read is to tick as well, which is taken off; only one thread may read at a time."""
        found = self.tick() - self._reads
        self._reads += 1
        return found


class Window:
    """Counts of the last ``seconds``, in ``buckets`` spans of which the oldest is dropped as a whole.

    To count a call that went well: ``roll`` where ``edge`` is past, then ``tick``. Time never runs back in a window. A thread that read its
    clock, was put aside and comes late counts in the span that is current by now: to move the window back would wipe out what others
    counted meanwhile. Raises ValueError for seconds or buckets that are not positive.
    """

    __slots__ = ("_buckets", "_failed", "_good", "_lock", "_old_failed", "_old_good", "_ring", "_span", "edge", "tick", "tick_failed")

    def __init__(self, seconds: float, buckets: int = 10) -> None:
        if not (seconds > 0 and buckets > 0):
            raise ValueError(f"a window of {seconds} seconds in {buckets} parts: both have to be positive")
        self._span = seconds / buckets
        self._buckets = buckets
        self._lock = allocate_lock()
        self._ring: list[tuple[float, _Counter, _Counter]] = []  # spans before the current one: their end, good, failed
        self._old_good = self._old_failed = 0  # of all that is looked at no more
        self.edge = float("-inf")  # when the current span ends
        self._begin()

    def _begin(self) -> None:
        self._good, self._failed = _Counter(), _Counter()
        self.tick: Callable[[], object] = self._good.tick
        self.tick_failed: Callable[[], object] = self._failed.tick

    def roll(self, now: float) -> None:
        """Goes on to the span of that moment, if it is later."""
        with self._lock:
            if now < self.edge:
                return
            self._ring.append((self.edge, self._good, self._failed))
            self._begin()
            self.edge = (now // self._span + 1) * self._span
            oldest = self.edge - self._span * self._buckets - _GRACE
            while self._ring and self._ring[0][0] <= oldest:
                _, good, failed = self._ring.pop(0)
                self._old_good += good.value()
                self._old_failed += failed.value()

    def recent(self, now: float) -> tuple[int, int]:
        """Good and failed calls of the window."""
        self.roll(now)
        with self._lock:
            oldest = self.edge - self._span * self._buckets
            spans = [(good, failed) for end, good, failed in self._ring if end > oldest]
            return self._sum(spans)

    def within(self, now: float, seconds: float) -> float:
        """Calls of the last so many seconds, of a span that lies in them in part its share.

        What left the window a minute ago is not known any more, so that of far more seconds than it has there are too few.
        """
        self.roll(now)
        with self._lock:
            begin = self.edge - seconds
            shares = [
                (good.value() + failed.value(), round((end - begin) / self._span, 6))  # ends are sums: a little beside what they should be
                for end, good, failed in (*self._ring, (self.edge, self._good, self._failed))
                if end > begin
            ]
            return sum(calls * min(1.0, share) for calls, share in shares)

    def hand_over(self, tick: Callable[[], object], tick_failed: Callable[[], object]) -> tuple[int, int]:
        """Counts no more: good and failed calls since the beginning, and whoever is late is counted by these two from now on."""
        with self._lock:
            self.edge = float("inf")
            self.tick, self.tick_failed = tick, tick_failed
        return self.total()

    def total(self) -> tuple[int, int]:
        """Good and failed calls since the beginning."""
        with self._lock:
            good, failed = self._sum([(good, failed) for _, good, failed in self._ring])
            return self._old_good + good, self._old_failed + failed

    def _sum(self, spans: list[tuple[_Counter, _Counter]]) -> tuple[int, int]:
        spans.append((self._good, self._failed))
        return sum(good.value() for good, _ in spans), sum(failed.value() for _, failed in spans)
