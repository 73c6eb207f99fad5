"""Starts programs that outlive the one that started them."""

from __future__ import annotations

import os


def spawned(command: list[str], log: str) -> int:
    """Runs it in a session of its own, what it prints appended to the log. Gives the process."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [(os.POSIX_SPAWN_OPEN, number, log, flags, 0o644) for number in (1, 2)]
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)
