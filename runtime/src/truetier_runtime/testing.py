"""For tests of what uses this: time that passes when it is told to."""

from __future__ import annotations


class FakeClock:
    """A clock to hand over wherever a clock is taken: calling it gives the seconds, ``advance`` lets them pass."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets seconds pass."""
        self.now += seconds
