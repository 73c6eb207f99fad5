"""What guards saw, as a file that ``truetier check --evidence`` reads (``truetier/observe/1``): calls, failures, limits, fallbacks at work.

A fallback that answered has been exercised; whether it makes the caller survive is said as telemetry says it (posterior.py): after seven
failures of one kind that all ended alike, or more where some did not, and unknown before. A guard sees its own call and not the request
around it, so each verdict is flagged ``by_guard``.
"""

from __future__ import annotations

import json
import os
from _thread import allocate_lock, get_ident
from time import gmtime, strftime, time

from truetier_runtime.guard import FELL_BACK, UNANSWERED
from truetier_runtime.posterior import failures_needed, interval, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from truetier_runtime.guard import Guard
    from truetier_runtime.hooks import Fact

SCHEMA = "truetier/observe/1"
_WAYS = ("error", "timeout", "unreachable")
_WINDOW = 300.0  # seconds that count as one time


class _Ends:
    """How failed calls of one callee ended, for one way to fail."""

    __slots__ = ("answered", "last_window", "unanswered", "windows")

    def __init__(self) -> None:
        self.answered = 0
        self.unanswered = 0
        self.windows = 0
        self.last_window = -1.0


class Facts:
    """A hook to give to guards: it counts in memory and writes when asked to.

    ``service`` is the caller's name in the catalog, ``clock`` tells seconds since 1970. ``write`` is for a timer of the service, and for
    its end: a file that a crash takes with it is missed, not wrong.
    """

    __slots__ = ("_begin", "_by_requests", "_clock", "_ends", "_guards", "_lock", "service")

    def __init__(self, service: str, *, clock: Callable[[], float] = time) -> None:
        self.service = service
        self._clock = clock
        self._begin = clock()
        self._lock = allocate_lock()
        self._ends: dict[str, dict[str, _Ends]] = {}
        self._guards: list[Guard] = []
        self._by_requests: set[str] = set()  # callees that requests ask

    def watch(self, *guards: Guard, outside_requests: bool = False) -> None:
        """Takes guards whose counts and limits are to be written; those of one callee count together.

        ``outside_requests``: no request makes these calls, as at a start or in a background job. The audit takes them for the need that
        the catalog has of that callee, in whatever phase; without it they are calls of requests.
        """
        self._guards.extend(guards)
        if not outside_requests:
            self._by_requests.update(guard.callee for guard in guards)

    def __call__(self, fact: Fact) -> None:
        """Takes one fact."""
        if fact.kind not in {FELL_BACK, UNANSWERED} or fact.detail not in _WAYS:
            return
        window = self._clock() // _WINDOW
        with self._lock:
            ends = self._ends.setdefault(fact.subject, {}).setdefault(str(fact.detail), _Ends())
            ends.answered += fact.kind == FELL_BACK
            ends.unanswered += fact.kind == UNANSWERED
            ends.windows += window > ends.last_window
            ends.last_window = max(window, ends.last_window)

    def document(self) -> dict[str, Any]:
        """All of it, as ``contracts/observe-1.schema.json`` describes."""
        first, last = (strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(moment)) for moment in (self._begin, self._clock()))
        callees = dict.fromkeys(guard.callee for guard in self._guards)
        edges = [self._edge(callee, first, last) for callee in callees]
        counts = {"read": 0, "used": 0, "skipped": {}}
        empty: dict[str, Any] = {"services": [], "counts": counts, "unread": []}
        return {"schema": SCHEMA, "first": first, "last": last, "sampled_by_outcome": False, "edges": edges, **empty}

    def write(self, path: str) -> None:
        """Writes the document in one step: whoever reads finds the old one or the new one. Raises OSError."""
        passing = f"{path}.{os.getpid()}-{get_ident()}.part"  # a timer's thread and the service's end may write at once
        with open(passing, "w", encoding="utf-8") as file:
            json.dump(self.document(), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(passing, path)

    def _edge(self, callee: str, first: str, last: str) -> dict[str, Any]:
        guards = [guard for guard in self._guards if guard.callee == callee]
        counts = [guard.counts() for guard in guards]
        limits = [guard.timeout for guard in guards]
        longest = None if None in limits else max(limit for limit in limits if limit is not None)
        failed = sum(each.failed for each in counts)
        with self._lock:
            modes = {way: _mode(self._ends.get(callee, {}).get(way, _Ends())) for way in _WAYS}
        return {
            "caller": self.service,
            "callee": callee,
            "kind": "sync",
            "calls": failed + sum(each.good for each in counts),
            "errors": failed,
            "requests": None if callee in self._by_requests else 0,
            "masked": 0,
            "swallowed": 0,
            "attempts": None,
            "share": None,
            "first": first,
            "last": last,
            "median_ms": None,
            "p99_ms": None,
            "timeout_ms": None if longest is None else round(longest * 1000, 3),
            "fallback": None,
            "modes": modes,
        }


def _mode(ends: _Ends) -> dict[str, Any]:
    harmed, unharmed = ends.unanswered, ends.answered
    failed = harmed + unharmed
    word = verdict(harmed, unharmed)
    probability, low, high = interval(harmed, unharmed) if failed else (None, None, None)
    return {
        "verdict": word,
        "probability": probability,
        "low": low,
        "high": high,
        "failed_calls": failed,
        "windows": ends.windows,
        "failures_needed": failures_needed(harmed, unharmed) if word == "unknown" else 0,
        "flags": ["by_guard"] if failed else ["never_failed"],
    }
