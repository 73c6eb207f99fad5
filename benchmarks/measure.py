"""Processes side by side: CPU and wall clock of alternating runs, medians and spread."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Cost(NamedTuple):
    """Seconds of one run: CPU of the process and its children, and wall clock."""

    cpu: float
    wall: float


class Spread(NamedTuple):
    """Of several figures."""

    median: float
    least: float
    most: float


def cost_of(command: Sequence[str]) -> Cost:
    """Runs a command, its output dropped. Raises CalledProcessError where it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)  # noqa: S603 - our own commands
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, end - start)


def alternating(runs: int, *tasks: Callable[[], Cost]) -> list[list[Cost]]:
    """The costs of each task, run in turn so that what else the machine does falls on all of them."""
    found: list[list[Cost]] = [[] for _ in tasks]
    for _ in range(runs):
        for costs, task in zip(found, tasks, strict=True):
            costs.append(task())
    return found


def spread(figures: Sequence[float]) -> Spread:
    """Their median and extremes."""
    return Spread(statistics.median(figures), min(figures), max(figures))


def machine() -> str:
    """The machine in one line."""
    model = "unknown processor"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            model = next((line.partition(":")[2].strip() for line in stream if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
