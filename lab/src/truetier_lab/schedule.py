"""What goes wrong when: a schedule of faults, drawn by a seed or read from a file."""

from __future__ import annotations

import json
import random
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from truetier.errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECONDS = 14.0
_FAULTS = 4  # of one schedule
_SHORTEST, _LONGEST = 1.5, 3.0
_EDGE = 0.5  # seconds without a fault, at the beginning and at the end
_TRIES = 10_000
_SLIGHT, _FATAL = 0.04, 2.5  # seconds of delay: below every timeout of the fleet, and above


class FaultMode(StrEnum):
    """What the proxy before a service does to those who call it."""

    DELAY = "delay"
    REFUSE = "refuse"
    RESET = "reset"
    BLACKHOLE = "blackhole"


class Fault(NamedTuple):
    """One fault: ``start`` and ``end`` in seconds from the beginning of the schedule, ``delay`` in seconds where the mode is that."""

    target: str
    mode: FaultMode
    start: float
    end: float
    delay: float = 0.0


class Schedule(NamedTuple):
    """Faults within so many seconds."""

    seconds: float
    faults: tuple[Fault, ...]


def dealt(targets: Sequence[str], count: int, *, seed: int, seconds: float = SECONDS) -> list[Schedule]:
    """Schedules by chance. Every target fails in every way once before any does so again; faults of one target do not overlap."""
    chance = random.Random(seed)  # noqa: S311 - an experiment, no secret
    kinds = _shuffled(targets, chance)
    return [_schedule([next(kinds) for _ in range(_FAULTS)], chance, seconds) for _ in range(count)]


def _shuffled(targets: Sequence[str], chance: random.Random) -> Iterator[tuple[str, FaultMode, float]]:
    ways: list[tuple[FaultMode, float]] = [(mode, 0.0) for mode in FaultMode if mode is not FaultMode.DELAY]
    ways += [(FaultMode.DELAY, _SLIGHT), (FaultMode.DELAY, _FATAL)]
    while True:
        deck = [(target, mode, delay) for target in targets for mode, delay in ways]
        chance.shuffle(deck)
        yield from deck


def _schedule(kinds: Sequence[tuple[str, FaultMode, float]], chance: random.Random, seconds: float) -> Schedule:
    for _ in range(_TRIES):
        faults = [_fault_by_chance(kind, chance, seconds) for kind in kinds]
        if not any(
            one.target == other.target and one.start < other.end and other.start < one.end for one, other in combinations(faults, 2)
        ):
            return Schedule(seconds, tuple(sorted(faults, key=lambda fault: (fault.start, fault.target))))
    raise UsageError(f"{len(kinds)} faults find no room beside one another in {seconds} s")


def _fault_by_chance(kind: tuple[str, FaultMode, float], chance: random.Random, seconds: float) -> Fault:
    target, mode, delay = kind
    length = chance.uniform(_SHORTEST, _LONGEST)
    start = chance.uniform(_EDGE, seconds - length - _EDGE)
    return Fault(target, mode, round(start, 3), round(start + length, 3), delay)


def written(schedule: Schedule) -> str:
    """The schedule as JSON."""
    return json.dumps({"seconds": schedule.seconds, "faults": [fault._asdict() for fault in schedule.faults]}, indent=2) + "\n"


def read(text: str, file: str, targets: Sequence[str]) -> Schedule:
    """The schedule of a file. Raises SourceError with the place of what is wrong."""
    try:
        document = json.loads(text)
        faults = tuple(_fault(item, f"faults[{number}]", targets) for number, item in enumerate(document["faults"]))
        return Schedule(float(document["seconds"]), faults)
    except (ValueError, KeyError, TypeError) as error:
        wrong = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise SourceError(f"{file}: no schedule of faults: {wrong}") from error


def _fault(item: dict[str, object], place: str, targets: Sequence[str]) -> Fault:
    start, end, delay = (float(str(item.get(key, 0))) for key in ("start", "end", "delay"))
    fault = Fault(str(item["target"]), FaultMode(str(item["mode"])), start, end, delay)
    if fault.target not in targets:
        raise ValueError(f"{place}: nothing called {fault.target!r} to fail: expected one of {', '.join(targets)}")
    if not 0 <= fault.start < fault.end:
        raise ValueError(f"{place}: expected 0 <= start < end, found {fault.start} and {fault.end}")
    if (fault.mode is FaultMode.DELAY) != (fault.delay > 0):
        raise ValueError(f"{place}: a delay, and nothing else, has seconds of delay above 0")
    return fault
