"""What the exit code says to the caller."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; documented in docs/commands.md."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    UNUSABLE_INPUT = 3
    INTERNAL = 4
    NOT_ENOUGH_DATA = 5
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it
