"""Everything a rule may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truetier.graph.hardness import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from truetier.audit.promises import Promises
    from truetier.availability.estimate import Assessment, Estimate
    from truetier.catalog.model import Fleet
    from truetier.graph.build import Graph


@dataclass(frozen=True, slots=True)
class Facts:
    """The fleet, its graph and what was computed about it, on one day."""

    fleet: Fleet
    graph: Graph
    services: Mapping[str, Assessment]
    journeys: Mapping[str, Assessment]
    endpoints: Mapping[str, Assessment]
    as_of: date
    trust: Reading = Reading.TRUSTING
    _once: list[Promises] = field(default_factory=list, repr=False, compare=False)

    def judged(self, assessment: Assessment) -> Estimate:
        """The estimate a verdict goes by: delivered, or what the verified claims alone deliver."""
        return assessment.delivered if self.trust is Reading.TRUSTING else assessment.verified

    @property
    def promises(self) -> Promises:
        """What each service promises and is asked for; computed when first asked for."""
        if not self._once:
            from truetier.audit.promises import Promises

            self._once.append(Promises(self.graph))
        return self._once[0]
