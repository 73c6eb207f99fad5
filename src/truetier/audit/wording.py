"""How findings name services and their promises."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from truetier.units import availability_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.estimate import Assessment, Confidence
    from truetier.catalog.model import Fleet, Service
    from truetier.catalog.tier import TierTable
    from truetier.errors import Place
    from truetier.units import Availability

_FEW = 3


def with_promise(fleet: Fleet, service: Service) -> str:
    """The service and what it promises: ``login (T1, 99.99%)``, ``mail (99.95%)``, ``search (T4, no promise)``."""
    return f"{service.name} ({promise_text(fleet, service.tier, fleet.promise(service))})"


def promise_text(fleet: Fleet, tier: str | None, promise: Availability | None) -> str:
    """A tier and its promise in words; where no tier is stated, the one that promises exactly the same."""
    return _promise_text(fleet.tiers, tier, promise)


@lru_cache(maxsize=1024)  # a fleet has thousands of promises and few different ones
def _promise_text(tiers: TierTable, tier: str | None, promise: Availability | None) -> str:
    exact = (row.name for row in tiers if promise is not None and row.target == promise)
    name = next(exact, None) if tier is None else tier
    said = "no promise" if promise is None else str(promise)
    return said if name is None else f"{name}, {said}"


def chance_text(chance: float) -> str:
    """A probability in words that never claims certainty: ``63.1%``, ``more than 99.9%``, ``less than 0.1%``."""
    if chance > 0.999:
        return "more than 99.9%"
    return "less than 0.1%" if chance < 0.001 else f"{chance * 100:.1f}%"


def range_text(confidence: Confidence) -> str:
    """Between which availabilities 90 of 100 draws lie."""
    low = availability_text(confidence.low, confidence.down_high)
    return f"{low} to {availability_text(confidence.high, confidence.down_low)} in 90 of 100 draws of what was measured"


def shortage_text(assessment: Assessment) -> str:
    """What is missing to say whether a promise is kept, of a subject that is short of data."""
    further = assessment.further
    if further is None or further.requests is None:
        return "more requests to what was measured would never be enough by themselves"
    if further.service is not None:
        return f"{further.requests:,} more requests to {further.service} would be enough if none of them failed"
    return f"{further.requests:,} more requests to each of the {further.services} services measured would be enough if none of them failed"


def tier_for(fleet: Fleet, promise: Availability | None) -> str:
    """What to raise a service to so that it keeps the promise: the weakest tier that does, else the promise itself."""
    return _tier_for(fleet.tiers, promise)


@lru_cache(maxsize=1024)
def _tier_for(tiers: TierTable, promise: Availability | None) -> str:
    rank = tiers.rank
    enough = [row.name for row in tiers if rank(row.target) <= rank(promise)]
    return enough[-1] if enough else str(promise)


def names_text(names: Sequence[str]) -> str:
    """The first names and how many more there are: ``a, b, c and 7 more``."""
    if len(names) <= _FEW + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_FEW])} and {len(names) - _FEW} more"


def count_text(count: int, noun: str) -> str:
    """``1 service``, ``2 services``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def promise_place(service: Service) -> Place | None:
    """Where the catalog writes what the service promises; else where it writes the service."""
    evidence = service.keys.get("target") or service.keys.get("tier") or service.evidence
    return evidence.place
