"""How many requests of a journey go well while a schedule of faults runs, computed from what was learned.

A schedule is cut into stretches with the same faults. In each, what is in fault is down; every edge harms its caller as likely as was
learned for the way in which the callee fails then, and truetier computes the journey exactly, shared parts once. A request meets a
fault some time after it was sent, no later than it takes: the edges of a fault are that much uncertain. Nobody survives a fault by
asking again until it is over: the callers' retry budgets are spent in less time than the shortest fault lasts.
Where calls have circuit breakers a fault lasts longer for those who call: every breaker between it and the visitor has opened by its
end, and is found closed again only by a probe at the end of its open period.
What the interval holds: draws of everything that was learned, of when requests meet the edges of faults, and of each request.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from truetier.availability.assess import assess
from truetier.catalog.evidence import Evidence as Said
from truetier.catalog.evidence import Kind
from truetier.catalog.model import Fallback, FallbackKind, Hardness, Need, Target
from truetier.catalog.source import OWN_FORMAT
from truetier.graph.build import build
from truetier.units import Availability
from truetier_lab.load import due_times
from truetier_lab.planted import JOURNEYS
from truetier_lab.schedule import FaultMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from truetier.catalog.model import Fleet, Service
    from truetier_lab.evidence import Draw, Evidence
    from truetier_lab.schedule import Fault, Schedule
    from truetier_runtime.breaker import Breaker

    Reals = NDArray[np.float64]

State = frozenset[tuple[str, str]]
"""Who is down, and how that shows to those who ask: ``unreachable`` or ``timeout``."""

_SAID = Said(Kind.INFERRED, OWN_FORMAT, None)
_ANY_DAY = date(2026, 1, 1)
_AT_ONCE = timedelta(milliseconds=1)
_REPEATED = 25  # times that the requests of each draw are drawn


class Prediction(NamedTuple):
    """The share of good requests, computed, and what a measurement of it would give: 95 in 100 lie between low and high."""

    computed: float
    low: float
    high: float


class Predictor:
    """Computes states of the fleet, each once."""

    def __init__(
        self, evidence: Evidence, drawn: Sequence[Draw], reach: Mapping[str, float], *, seed: int, breaker: Breaker | None = None
    ) -> None:
        """``reach``: within so many seconds a request of each journey has asked everybody it asks. ``breaker``: that of every call."""
        self._evidence = evidence
        self._drawn = drawn
        self._reach = reach
        self._seed = seed
        self._breaker = breaker
        self._chance = np.random.default_rng(seed)
        self._known: dict[State, dict[str, Reals]] = {}

    def with_breaker(self, breaker: Breaker) -> Predictor:
        """The same for a fleet in which every call has such a breaker."""
        return Predictor(self._evidence, self._drawn, self._reach, seed=self._seed, breaker=breaker)

    def predict(self, schedule: Schedule, rate: float) -> dict[str, Prediction]:
        """What each journey will show."""
        faults = [(fault, mode) for fault in schedule.faults if (mode := shows_as(fault, self._evidence)) is not None]
        return {
            journey: self._of_journey(journey, faults, np.array(due_times(schedule.seconds, rate, number)))
            for number, journey in enumerate(JOURNEYS)
        }

    def _of_journey(self, journey: str, faults: Sequence[tuple[Fault, str]], due: Reals) -> Prediction:
        count = len(self._drawn)
        active = np.zeros((count, len(due)), dtype=np.int64)
        down = [(fault.target, mode) for fault, mode in faults]
        for bit, (fault, mode) in enumerate(faults):
            lags = self._chance.uniform(0, self._reach[journey], (2, count, 1))
            end = fault.end - lags[1]
            active |= ((due >= fault.start - lags[0]) & (due < end)).astype(np.int64) << bit
            refused = self._refused(journey, fault.target, mode, count)
            if refused is not None:
                active |= ((due >= end) & (due < end + refused)).astype(np.int64) << len(down)
                down.append((fault.target, "unreachable"))
        good = np.empty(active.shape)
        for mask in np.unique(active):
            state = frozenset(each for bit, each in enumerate(down) if mask >> bit & 1)
            good = np.where(active == mask, self._available(state)[journey][:, None], good)
        measured = (self._chance.random((_REPEATED, *good.shape)) < good).mean(axis=2)
        low, high = np.quantile(measured, (0.025, 0.975), method="inverted_cdf")
        return Prediction(float(good.mean()), float(low), float(high))

    def _refused(self, journey: str, target: str, mode: str, count: int) -> Reals | None:
        """Seconds for which breakers go on to refuse a journey after a fault; None where none of them keeps it from going well.

        A fault ends anywhere in the cycle of the breaker next to it: an open period, and a probe that waits where the fault was silence.
        Each breaker further up finds out in an open period of its own.
        """
        breakers = 0 if self._breaker is None else hard_calls(self._evidence, JOURNEYS[journey], target)
        if not breakers:
            return None
        assert self._breaker is not None
        limits = [known.limit for (_, callee), known in self._evidence.edges.items() if callee == target]
        probing = min(limits) if mode == "timeout" else 0.0
        seconds: Reals = self._chance.uniform(0, self._breaker.open_for + probing, (count, 1))
        for _ in range(breakers - 1):
            seconds += self._chance.uniform(0, self._breaker.open_for, (count, 1))
        return seconds

    def _available(self, state: State) -> dict[str, Reals]:
        """Of each journey, the availability in every draw."""
        if state not in self._known:
            each = [availabilities(self._evidence, draw, state) for draw in self._drawn]
            self._known[state] = {journey: np.array([one[journey] for one in each]) for journey in JOURNEYS}
        return self._known[state]


def hard_calls(evidence: Evidence, caller: str, target: str) -> int:
    """How many calls, each of which takes its caller along, lie one behind another from a caller to a target; the longest way counts."""
    found = 0
    for (each, callee), known in evidence.edges.items():
        harmed, unharmed = known.harm["unreachable"]
        if each != caller or harmed < unharmed:
            continue
        further = hard_calls(evidence, callee, target)
        if callee == target or further:
            found = max(found, 1 + further)
    return found


def shows_as(fault: Fault, evidence: Evidence) -> str | None:
    """The way in which the target fails its callers; None where nobody notices, as of a delay shorter than all wait."""
    limits = [known.limit for (_, callee), known in evidence.edges.items() if callee == fault.target]
    if fault.target in evidence.fleet.services and fault.target in JOURNEYS.values():
        limits.append(evidence.budgets[fault.target])
    if not limits:
        return None
    match fault.mode:
        case FaultMode.REFUSE | FaultMode.RESET:
            return "unreachable"
        case FaultMode.BLACKHOLE:
            return "timeout"
        case FaultMode.DELAY:
            return "timeout" if fault.delay >= min(limits) else None


def availabilities(evidence: Evidence, draw: Draw, state: State) -> dict[str, float]:
    """The probability that a request of each journey goes well while exactly those are down, if the draw is the truth."""
    assessed = assess(build(fleet_in(evidence, draw, state)), _ANY_DAY).journeys
    return {journey: float(found.delivered.up_low) for journey, found in assessed.items()}


def fleet_in(evidence: Evidence, draw: Draw, state: State) -> Fleet:
    """The catalog's fleet with what was learned in place of what it says, in that state."""
    down = dict(state)
    late = _late(evidence, down)
    services = {
        name: service._replace(
            availability=_availability(1.0 if name in down else draw.own.get(name, 0.0)),
            budget=None if evidence.budgets[name] == float("inf") else timedelta(seconds=evidence.budgets[name]),
            needs=tuple(_needs(service, evidence, draw, down, late)),
        )
        for name, service in evidence.fleet.services.items()
    }
    return evidence.fleet._replace(services=services)


def _late(evidence: Evidence, down: Mapping[str, str]) -> frozenset[str]:
    """Services that wait for one that hangs until their own callers have given up."""
    return frozenset(
        caller
        for (caller, callee), known in evidence.edges.items()
        if down.get(callee) == "timeout" and known.limit >= evidence.budgets[caller]
    )


def _needs(service: Service, evidence: Evidence, draw: Draw, down: Mapping[str, str], late: frozenset[str]) -> Iterable[Need]:
    """Each as one that fails its caller as likely as was drawn; truetier takes it for hard where it comes too late to help."""
    for (caller, callee), known in evidence.edges.items():
        if caller != service.name:
            continue
        mode = down.get(callee) or ("timeout" if callee in late else "error")
        timeout = timedelta(seconds=known.limit) if mode == "timeout" and known.limit != float("inf") else _AT_ONCE
        fallback = Fallback(FallbackKind.STATIC, availability=_availability(draw.harm[caller, callee, mode]))
        yield Need((Target(callee, timeout),), _SAID, hardness=Hardness.SOFT, fallback=fallback)


def _availability(down: float) -> Availability:
    return Availability(Decimal(1) - Decimal(f"{down:.9g}"))
