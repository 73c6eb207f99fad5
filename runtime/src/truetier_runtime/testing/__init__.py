"""For tests of what uses this: time that passes when it is told to, dependencies that play a script, assertions, blackouts.

Needs no test framework, and nothing of the runtime imports it.
"""

from truetier_runtime.testing.assertions import Recorded
from truetier_runtime.testing.blackout import Blackout, BlackoutError, Violation, background, statically_stable
from truetier_runtime.testing.clock import FakeClock
from truetier_runtime.testing.scripted import Call, Fails, Hangs, Http, Scripted, Slow

__all__ = [
    "Blackout",
    "BlackoutError",
    "Call",
    "Fails",
    "FakeClock",
    "Hangs",
    "Http",
    "Recorded",
    "Scripted",
    "Slow",
    "Violation",
    "background",
    "statically_stable",
]
