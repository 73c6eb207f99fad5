"""Mistakes that show only when all files are seen together."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.catalog.listed import ListedNeeds
from truetier.catalog.source import OWN_FORMAT
from truetier.errors import Mistake
from truetier.units import percent_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from truetier.catalog.evidence import Evidence
    from truetier.catalog.model import Journey, Need, Service
    from truetier.catalog.tier import TierTable


def alias_mistakes(described: Sequence[Service], declared: set[str]) -> Iterator[Mistake]:
    """Aliases in our own files that are another service's name, or that two services claim."""
    owners: dict[str, Service] = {}
    for service in described:
        if service.evidence.source != OWN_FORMAT or not service.aliases:
            continue
        place = service.keys["aliases"].place if "aliases" in service.keys else service.evidence.place
        for alias in service.aliases:
            owner = owners.setdefault(alias, service)
            if alias in declared and alias != service.name:
                yield Mistake(f"aliases: {shown(alias)} of {shown(service.name)} is the name of another service", place)
            elif owner.name != service.name:
                yield Mistake(f"aliases: both {shown(owner.name)} and {shown(service.name)} claim {shown(alias)}", place)


def tier_mistakes(services: Mapping[str, Service], journeys: Mapping[str, Journey], tiers: TierTable) -> Iterator[Mistake]:
    """Tiers that the table does not have."""
    known = {row.name for row in tiers}
    for service in services.values():
        if service.tier is not None and service.tier not in known:
            yield _unknown_tier(service.tier, f"service {shown(service.name)}", service.keys.get("tier", service.evidence), tiers)
        for endpoint in service.endpoints:
            if endpoint.tier is not None and endpoint.tier not in known:
                yield _unknown_tier(endpoint.tier, f"endpoint {shown(endpoint.name)}", endpoint.evidence, tiers)
    for journey in journeys.values():
        if journey.tier is not None and journey.tier not in known:
            yield _unknown_tier(journey.tier, f"journey {shown(journey.name)}", journey.evidence, tiers)


def _unknown_tier(tier: str, who: str, evidence: Evidence, tiers: TierTable) -> Mistake:
    rows = ", ".join(row.name for row in tiers)
    return Mistake(f"{who}: there is no tier {shown(tier)}; the tiers are {rows}", evidence.place)


def service_mistakes(services: Iterable[Service], parts: Mapping[str, Sequence[Service]]) -> Iterator[Mistake]:
    """Contradictions between the files that describe one service."""
    for service in services:
        if len(parts[service.name]) == 1:
            continue
        own = next((key for key in ("availability", "measured") if key in service.keys), None)
        of_copy = next((key for key in ("placement.availability", "placement.measured") if key in service.keys), None)
        if own is not None and of_copy is not None:
            message = f"service {shown(service.name)}: {own} and {of_copy} ({service.keys[of_copy].place}) exclude each other"
            yield Mistake(message, service.keys[own].place)
        shares = [endpoint.share.value for endpoint in service.endpoints if endpoint.share is not None]
        if shares and (len(shares) < len(service.endpoints) or sum(shares) != 1):
            total = percent_text(sum(shares, start=Decimal()))
            message = f"service {shown(service.name)}: over all files {len(shares)} of {len(service.endpoints)} endpoints have a share"
            yield Mistake(f"{message}, together {total}; all or none have one, together 100%", service.endpoints[-1].evidence.place)


def condition_mistakes(services: Iterable[Service]) -> Iterator[Mistake]:
    """Needs that give one condition different shares of the requests."""
    first: dict[str, Need] = {}
    for service in services:
        if not service.endpoints and isinstance(service.needs, ListedNeeds) and not _has_conditions(service.needs):
            continue
        for need in service.all_needs:
            if need.condition is None:
                continue
            known = first.setdefault(need.condition, need)
            if known.share != need.share:
                message = f"the condition {shown(need.condition)} has a share of {need.share} here"
                yield Mistake(f"{message} and of {known.share} at {known.evidence.place}", need.evidence.place)


def _has_conditions(needs: ListedNeeds) -> bool:
    return not needs.is_bare and any(wording.sample.condition is not None for wording in set(needs.wordings))
