"""One count for all that happens in a test, since two things may happen at one moment of a fake clock."""

from __future__ import annotations

from itertools import count

_numbers = count()


def next_number() -> int:
    """A number higher than all before, whichever thread asks."""
    return next(_numbers)
