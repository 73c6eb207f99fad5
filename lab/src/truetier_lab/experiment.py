"""Computed against measured: learn from some schedules of faults, predict others, and compare."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from truetier.app.observe import observe
from truetier_lab.evidence import draws, evidence_of
from truetier_lab.fleet import running
from truetier_lab.load import RATE, run
from truetier_lab.place import targets
from truetier_lab.planted import JOURNEYS, Manner, missed
from truetier_lab.prediction import Predictor
from truetier_lab.schedule import Schedule, dealt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier.telemetry.observation import Observation
    from truetier_lab.load import Request
    from truetier_lab.prediction import Prediction

LEARNED, PREDICTED = 20, 40  # schedules
_WARM_UP = Schedule(8.0, ())
_SETTLE = 1.0  # seconds between schedules
_DRAWS = 80
_SEED_OF_PREDICTED = 1_000_000  # apart from that of those learned from
_SENT_BY = 0.99  # of the good requests took no longer than what a fault's edge is uncertain by

Measured = dict[str, list["Request"]]
Expected = dict[str, "Prediction"]


class Pair(NamedTuple):
    """One journey in one schedule: the share of good requests, computed and measured, and where the measured one was expected."""

    schedule: int
    journey: str
    requests: int
    computed: float
    low: float
    high: float
    measured: float

    @property
    def difference(self) -> tuple[float, float, float]:
        """Computed less measured, and the 95 % interval of that difference."""
        return self.low - self.measured, self.computed - self.measured, self.high - self.measured

    @property
    def is_covered(self) -> bool:
        """Whether that interval holds nought."""
        return self.low <= self.measured <= self.high


class Learned(NamedTuple):
    """What schedules of faults showed of a fleet, what computes others from that, and how late the latest request was sent (seconds)."""

    observed: Observation
    predictor: Predictor
    latest: float


class Result(NamedTuple):
    """All pairs, what was planted and not found, what was run, and how late the latest request was sent (seconds)."""

    pairs: tuple[Pair, ...]
    missed: tuple[str, ...]
    learned: int
    predicted: int
    seed: int
    latest: float
    minutes: float

    @property
    def coverage(self) -> float:
        """The share of pairs whose interval holds nought."""
        return sum(pair.is_covered for pair in self.pairs) / len(self.pairs)

    @property
    def error(self) -> float:
        """The mean absolute difference."""
        return float(np.mean([abs(pair.computed - pair.measured) for pair in self.pairs]))

    @property
    def half_width(self) -> float:
        """The median of half the intervals' widths."""
        return float(np.median([(pair.high - pair.low) / 2 for pair in self.pairs]))

    @property
    def matches(self) -> bool:
        """Whether intervals cover and errors are no larger than they allow."""
        return self.coverage >= 0.90 and self.error <= max(0.003, self.half_width)

    @property
    def holds(self) -> bool:
        """Whether, besides, intervals are no wider than they say."""
        return self.matches and self.coverage <= 0.99


def experiment(folder: str, *, seed: int, learn: int = LEARNED, predict: int = PREDICTED, say: Callable[[str], None]) -> Result:
    """Runs it in an empty folder."""
    begin = time.monotonic()
    known = learned(os.path.join(folder, "learn"), learn, Manner.PLANTED, seed=seed, say=say)
    expected, others = predicted(known.predictor, predict, seed=seed, say=say)
    found = measured(os.path.join(folder, "predict"), others, Manner.PLANTED, say)
    latest = max(known.latest, latest_of(found))
    return Result(pairs_of(expected, found), tuple(missed(known.observed)), learn, predict, seed, latest, (time.monotonic() - begin) / 60)


def learned(folder: str, count: int, manner: Manner, *, seed: int, say: Callable[[str], None]) -> Learned:
    """Runs so many schedules and observes them."""
    past = measured(folder, dealt(targets(), count, seed=seed), manner, say)
    say("learning from the telemetry")
    observed = observe([os.path.join(folder, "traces")], latest_ns=time.time_ns())
    evidence = evidence_of(observed)
    reach = {journey: float(np.quantile(_took(past, journey), _SENT_BY)) for journey in JOURNEYS}
    return Learned(observed, Predictor(evidence, draws(evidence, _DRAWS, seed=seed), reach, seed=seed), latest_of(past))


def predicted(predictor: Predictor, count: int, *, seed: int, say: Callable[[str], None]) -> tuple[list[Expected], list[Schedule]]:
    """What other schedules will show, and those."""
    others = dealt(targets(), count, seed=_SEED_OF_PREDICTED + seed)
    expected = []
    for number, schedule in enumerate(others):
        say(f"predicting schedule {number + 1} of {count}")
        expected.append(predictor.predict(schedule, RATE))
    return expected, others


def measured(folder: str, schedules: Sequence[Schedule], manner: Manner, say: Callable[[str], None]) -> list[Measured]:
    """What each schedule showed, kept in the folder as well."""
    found: list[Measured] = []
    with running(folder, manner=manner) as place:
        asyncio.run(run(place, _WARM_UP))
        for number, schedule in enumerate(schedules):
            say(f"running schedule {number + 1} of {len(schedules)}")
            found.append(asyncio.run(run(place, schedule, seed=number)))
            time.sleep(_SETTLE)
    with open(os.path.join(folder, "measured.json"), "w", encoding="utf-8") as file:
        json.dump([{"schedule": schedule, "requests": each} for schedule, each in zip(schedules, found, strict=True)], file)
    return found


def pairs_of(expected: Sequence[Expected], found: Sequence[Measured]) -> tuple[Pair, ...]:
    """Each journey in each schedule, computed beside measured."""
    return tuple(
        Pair(number, journey, len(requests), *expected[number][journey], sum(request.is_good for request in requests) / len(requests))
        for number, each in enumerate(found)
        for journey, requests in each.items()
    )


def latest_of(found: Sequence[Measured]) -> float:
    """Seconds by which the latest request was sent after it was due."""
    return max(request.late for each in found for requests in each.values() for request in requests)


def _took(past: Sequence[Measured], journey: str) -> list[float]:
    return [request.took for each in past for request in each[journey] if request.is_good]
