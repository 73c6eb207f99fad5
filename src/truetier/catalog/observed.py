"""What telemetry showed of who calls whom: kept beside what the catalog declares, and compared with it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from truetier.catalog.evidence import Evidence
    from truetier.catalog.measured import Measured

MOST_ATTEMPTS = 1_000_000.0  # what is more, no one has seen


class Verdict(Enum):
    """Whether a caller's requests fail when the callee does."""

    HARD = "hard"
    SOFT = "soft"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


class ObservedMode(NamedTuple):
    """One way in which a callee fails, and what its caller did then.

    ``probability`` that a request of the caller fails, ``low`` to ``high`` the middle 95 % of what is believed of it; None where nothing
    is known. ``windows`` are the distinct times at which calls failed: in one alone they may have had another cause.
    ``failures_needed`` more, all alike, would decide; ``flags`` say what is weak about it.
    """

    verdict: Verdict
    probability: float | None
    low: float | None
    high: float | None
    failed_calls: int
    windows: int
    failures_needed: int = 0
    flags: tuple[str, ...] = ()


class ObservedEdge(NamedTuple):
    """One caller and callee as telemetry saw them; ``timeout`` is how long it waited at most, where that showed.

    ``share`` of the caller's requests made the call, ``attempts`` times on average where the callee failed them in the end; None where
    that is not known.
    """

    caller: str
    callee: str
    is_async: bool
    calls: int
    errors: int
    timeout: timedelta | None
    fallback: str | None
    modes: Mapping[str, ObservedMode]
    evidence: Evidence
    share: float | None = None
    attempts: float | None = None

    @property
    def subject(self) -> str:
        """``caller -> callee`` as findings and waivers write it."""
        return f"{self.caller} -> {self.callee}"

    @property
    def verdict(self) -> Verdict:
        """Over all ways to fail: hard in one is hard, partial in one partial, and soft only where every one that was seen is."""
        seen = {mode.verdict for mode in self.modes.values() if mode.failed_calls}
        for verdict in (Verdict.HARD, Verdict.PARTIAL):
            if verdict in seen:
                return verdict
        return Verdict.SOFT if seen == {Verdict.SOFT} else Verdict.UNKNOWN

    def worst(self, verdict: Verdict) -> tuple[str, ObservedMode] | None:
        """The way to fail with that verdict that was seen most often."""
        found = [(name, mode) for name, mode in self.modes.items() if mode.verdict is verdict and mode.failed_calls]
        return max(found, key=lambda item: item[1].failed_calls, default=None)


class ObservedEndpoint(NamedTuple):
    """Requests to a service by one name, and those of them that failed."""

    name: str
    requests: int
    failed: int


class ObservedService(NamedTuple):
    """All requests to a service that telemetry saw, and how many failed; None where no outcome was recorded.

    What failed of its endpoints means something only where it is not.
    """

    name: str
    requests: int
    whole: Measured | None
    evidence: Evidence
    endpoints: tuple[ObservedEndpoint, ...] = ()


class Observed(NamedTuple):
    """What telemetry showed, by caller and callee and by service; under the names of the fleet once it is merged."""

    edges: tuple[ObservedEdge, ...] = ()
    services: tuple[ObservedService, ...] = ()

    @property
    def by_edge(self) -> Mapping[tuple[str, str], ObservedEdge]:
        """The edges by caller and callee; where calls and messages go the same way, the calls."""
        told = sorted(self.edges, key=lambda edge: not edge.is_async)
        return {(edge.caller, edge.callee): edge for edge in told}


NOTHING_OBSERVED = Observed()
