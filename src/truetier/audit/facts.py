"""Everything a rule may look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.wording import promise_place, with_promise
from truetier.catalog.tier import is_met
from truetier.graph.build import proven
from truetier.graph.hardness import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from truetier.audit.promises import Promises
    from truetier.availability.assess import Assessments
    from truetier.availability.end_to_end import EndToEnd
    from truetier.availability.estimate import Assessment, Estimate, SubjectKind
    from truetier.catalog.observed import ObservedEdge
    from truetier.errors import Place
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Use
    from truetier.units import Availability

_ROUNDING = 1e-6  # far more than any number here is off


class Facts:
    """The fleet, its graph and what was computed about it, on one day.

    ``graph`` is that of the reading that is trusted, ``declared`` holds every need as the catalog has it.
    """

    __slots__ = (
        "_end_to_end",
        "_minutes",
        "_observed",
        "_places",
        "_plain",
        "_promises",
        "_titles",
        "as_of",
        "declared",
        "endpoints",
        "fleet",
        "graph",
        "journeys",
        "services",
        "trust",
    )

    def __init__(self, graph: Graph, computed: Assessments, as_of: date, *, trust: Reading = Reading.TRUSTING) -> None:
        self.fleet = graph.fleet
        self.declared = graph
        self.graph = graph if trust is Reading.TRUSTING else proven(graph, as_of)
        self.services = computed.services
        self.journeys = computed.journeys
        self.endpoints = computed.endpoints
        self.as_of = as_of
        self.trust = trust
        self._promises: Promises | None = None
        self._minutes: dict[str, float | None] = {}
        self._titles: dict[str, str] = {}
        self._places: dict[str, Place | None] = {}
        self._observed: Mapping[tuple[str, str], ObservedEdge] | None = None
        self._end_to_end: Mapping[tuple[SubjectKind, str], EndToEnd] | None = None
        self._plain: dict[str, dict[str, list[Use]]] = {}

    @property
    def observed(self) -> Mapping[tuple[str, str], ObservedEdge]:
        """What telemetry saw, by caller and callee."""
        if self._observed is None:
            self._observed = self.fleet.observed.by_edge
        return self._observed

    @property
    def end_to_end(self) -> Mapping[tuple[SubjectKind, str], EndToEnd]:
        """What users got of services, endpoints and journeys as telemetry counted it, by kind and name."""
        if self._end_to_end is None:
            self._end_to_end = {}
            if self.fleet.observed.services:
                from truetier.availability.end_to_end import end_to_end  # few fleets have evidence of telemetry

                self._end_to_end = {(item.kind, item.name): item for item in end_to_end(self.fleet)}
        return self._end_to_end

    def uses(self, caller: str, callee: str) -> Sequence[Use]:
        """The plain needs of a caller on a callee as the catalog has them, those of endpoints and those only observed included."""
        if caller not in self._plain:
            of_caller = self._plain[caller] = {}
            for use in self.declared.uses[caller]:
                if not use.need.is_group:
                    of_caller.setdefault(use.need.service, []).append(use)
        return self._plain[caller].get(callee, ())

    def judged(self, assessment: Assessment) -> Estimate:
        """The estimate a verdict goes by: delivered, or what the verified claims alone deliver."""
        return assessment.delivered if self.trust is Reading.TRUSTING else assessment.verified

    def minutes(self, name: str) -> float | None:
        """Minutes a year that a service is down, by the estimate its verdict goes by; None where nobody knows."""
        if not self._minutes:
            self._minutes = {each: self.judged(assessment).minutes_per_year for each, assessment in self.services.items()}
        return self._minutes.get(name)

    def title(self, name: str) -> str:
        """A service and what it promises, in words: ``login (T1, 99.99%)``."""
        if name not in self._titles:
            self._titles[name] = with_promise(self.fleet, self.fleet.services[name])
        return self._titles[name]

    def promise_place(self, name: str) -> Place | None:
        """Where the catalog writes what a service promises."""
        if name not in self._places:
            self._places[name] = promise_place(self.fleet.services[name])
        return self._places[name]

    def judged_tier(self, assessment: Assessment) -> str | None:
        """The best tier that it meets; None where it meets none."""
        return assessment.delivered_tier if self.trust is Reading.TRUSTING else assessment.verified_tier

    def best(self, assessment: Assessment) -> Estimate:
        """The same with everything of the subject itself perfect."""
        return assessment.ceiling if self.trust is Reading.TRUSTING else assessment.verified_ceiling

    def misses_at_best(self, assessment: Assessment, promise: Availability) -> bool:
        """Whether the promise is missed even with everything of the subject itself perfect."""
        # Most are missed by more than all that fails of the subject itself, which is known sooner than the ceiling:
        # down <= down with itself perfect, or something of itself fails.
        down = self.judged(assessment).down_low
        at_least = down - assessment.details.own_down
        if at_least > promise.unavailability * (1 + _ROUNDING) + down * _ROUNDING:
            return True
        return not is_met(self.best(assessment).down_low, promise)

    @property
    def promises(self) -> Promises:
        """What each service promises and is asked for; computed when first asked for."""
        if self._promises is None:
            from truetier.audit.promises import Promises

            self._promises = Promises(self.graph)
        return self._promises
