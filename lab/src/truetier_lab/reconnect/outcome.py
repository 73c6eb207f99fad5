"""What a run showed, and what is computed from that."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier_lab.reconnect.mechanisms import Case
    from truetier_lab.reconnect.plan import Plan


class Sample(NamedTuple):
    """One look at all agents: ``at`` seconds from the begin, how many had a session, and how many requests of the data plane were served of
    one to each.
    """

    at: float
    registered: int
    served: int


class Run(NamedTuple):
    """One run. ``attempts``, ``registrations`` and ``refusals`` count each second from the begin.

    ``work`` is what the control plane did after the blackout, ``wasted`` how much of it nobody waited for any more: in seconds that a place
    was held. After it, ``peak`` is the most connections at once and ``connects`` how many were made in all. ``late`` is by how many seconds
    the latest attempt missed the time it was due, ``robbed`` for what share of the time after the blackout the control plane
    was ready to go on and another process had its core.
    """

    plan: Plan
    case: Case
    seed: int
    samples: tuple[Sample, ...]
    attempts: tuple[int, ...]
    registrations: tuple[int, ...]
    refusals: tuple[int, ...]
    work: float
    wasted: float
    peak: int
    connects: int
    late: float
    robbed: float

    def recovered(self, share: float) -> float:
        """Seconds from the end of the blackout until that share of the agents had sessions and kept them; infinite where they never did."""
        return time_to_recover(self.samples, self.plan.back, share * self.plan.agents)

    @property
    def lost(self) -> int:
        """Requests of the data plane that were not served."""
        return sum(self.plan.agents - sample.served for sample in self.samples)

    @property
    def worst(self) -> float:
        """The smallest share of the agents that could serve, at any moment."""
        return min(sample.served for sample in self.samples) / self.plan.agents

    @property
    def offered(self) -> float:
        """Attempts a second after the blackout, until sessions were back or the run was over."""
        return self._each_second(self.attempts)

    @property
    def goodput(self) -> float:
        """Sessions given, a second, over the same time."""
        return self._each_second(self.registrations)

    @property
    def attempts_in_all(self) -> int:
        """Attempts from the begin of the blackout on, heartbeats among them."""
        return sum(self.attempts[int(self.plan.calm) :])

    def _each_second(self, counts: Sequence[int]) -> float:
        begin = math.floor(self.plan.back)
        seconds = min(math.ceil(self.recovered(0.99)) if self.recovered(0.99) < math.inf else len(counts), len(counts) - begin)
        return sum(counts[begin : begin + seconds]) / seconds if seconds > 0 else 0.0


def time_to_recover(samples: Sequence[Sample], back: float, registered: float) -> float:
    """Seconds from ``back`` to the first look from which on so many had sessions at every later one; infinite where there is none."""
    found = math.inf
    for sample in reversed(samples):
        if sample.at < back or sample.registered < registered:
            break
        found = sample.at - back
    return found


class Spread(NamedTuple):
    """The median over seeds, and the least and the most."""

    low: float
    median: float
    high: float


def spread(runs: Sequence[Run], measure: Callable[[Run], float]) -> Spread:
    """What a measure says of the runs of one case."""
    found = sorted(measure(run) for run in runs)
    return Spread(found[0], statistics.median_low(found), found[-1])
