"""Many partial catalogs become one fleet: names resolved, disagreements kept, mistakes all at once.

What our own files say must be right: a name that means nothing is their author's mistake. What other formats say is
taken as far as it goes: names that match no service are listed, never guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.catalog.checks import alias_mistakes, condition_mistakes, service_mistakes, tier_mistakes
from truetier.catalog.join import Joiner
from truetier.catalog.model import Fleet, SkippedInput
from truetier.catalog.names import AmbiguousNameError, Names
from truetier.catalog.observations import observations
from truetier.catalog.resolution import Resolution
from truetier.catalog.source import OWN_FORMAT, TELEMETRY
from truetier.catalog.tier import BUILT_IN
from truetier.errors import CatalogError, Mistake, Place
from truetier.units import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.catalog.model import Domain, Journey, Service, Waiver
    from truetier.catalog.source import Contribution
    from truetier.catalog.tier import TierTable


def merge(contributions: Sequence[Contribution]) -> Fleet:
    """The fleet that the contributions describe together, in their order.

    Raises CatalogError with every mistake that shows only here: names that mean nothing or two things, tiers that no
    table has, contradictions between files.
    """
    ordered = sorted(contributions, key=lambda contribution: contribution.source != OWN_FORMAT)
    mistakes: list[Mistake] = []
    tiers = _tiers(ordered, mistakes)
    declared = {service.name for given in ordered if given.source == OWN_FORMAT for service in given.services}
    described = [service for given in ordered for service in given.services]
    canonical = Names((service.name, service.aliases) for service in described if service.name in declared)
    unmatched = dict.fromkeys(note for given in ordered for note in given.unmatched)
    parts = _grouped(described, canonical, unmatched)
    if any(given.source == TELEMETRY for given in ordered):
        parts = _known(parts, unmatched)
    names = Names((name, part.aliases) for name, same in parts.items() for part in same)
    mistakes += alias_mistakes(described, declared)
    resolution = Resolution(names, list(parts))
    joiner = Joiner(tiers)
    services = {name: _one_service(name, same, resolution, joiner) for name, same in parts.items()}
    journeys = _journeys(ordered, resolution, joiner)
    domains = _domains(ordered, joiner)
    observed = observations((given.observed for given in ordered), names, joiner.conflicts)
    mistakes += resolution.mistakes
    mistakes += tier_mistakes(services, journeys, tiers)
    mistakes += service_mistakes(services.values(), parts)
    mistakes += condition_mistakes(services.values())
    if mistakes:
        raise CatalogError(tuple(sorted(dict.fromkeys(mistakes), key=lambda mistake: mistake.place or Place("", 0, 0))))
    return Fleet(
        services,
        domains,
        journeys,
        _waivers(ordered),
        tiers,
        tuple(joiner.conflicts),
        tuple(note for given in ordered for note in given.skipped),
        (*unmatched, *resolution.unmatched),
        observed,
    )


def _tiers(contributions: Sequence[Contribution], mistakes: list[Mistake]) -> TierTable:
    stated = [given for given in contributions if given.tiers is not None]
    for given in stated[1:]:
        if given.tiers != stated[0].tiers:
            where = f" at {stated[0].tiers_place}" if stated[0].tiers_place else f" in {stated[0].file}"
            mistakes.append(Mistake(f"policy: another file has another tier table{where}; one fleet has one", given.tiers_place))
    return (stated[0].tiers if stated else None) or BUILT_IN


def _grouped(described: Sequence[Service], canonical: Names, unmatched: dict[SkippedInput, None]) -> dict[str, list[Service]]:
    """Everything said of each service under its own name, in order."""
    parts: dict[str, list[Service]] = {}
    for service in described:
        try:
            name = canonical.resolve(service.name) or service.name
        except AmbiguousNameError as error:
            name = service.name
            owners = " and ".join(shown(owner) for owner in error.services)
            unmatched[SkippedInput(name, f"aliases of {owners} match it ({service.evidence.place})")] = None
        parts.setdefault(name, []).append(service)
    return parts


def _known(parts: dict[str, list[Service]], unmatched: dict[SkippedInput, None]) -> dict[str, list[Service]]:
    """Without what telemetry alone has seen: it adds to services that somebody described, and makes none."""
    found = {}
    for name, same in parts.items():
        if all(part.evidence.source == TELEMETRY for part in same):
            unmatched[SkippedInput(name, f"telemetry saw it ({same[0].evidence.place}); no service has that name or alias")] = None
        else:
            found[name] = same
    return found


def _one_service(name: str, parts: Sequence[Service], resolution: Resolution, joiner: Joiner) -> Service:
    if len(parts) == 1 and parts[0].name == name:
        return resolution.service(parts[0])

    return joiner.service(name, [resolution.service(part if part.name == name else part._replace(name=name)) for part in parts])


def _journeys(contributions: Sequence[Contribution], resolution: Resolution, joiner: Joiner) -> dict[str, Journey]:
    parts: dict[str, list[Journey]] = {}
    for given in contributions:
        for journey in given.journeys:
            parts.setdefault(journey.name, []).append(resolution.journey(journey))
    return {name: same[0] if len(same) == 1 else joiner.journey(name, same) for name, same in parts.items()}


def _domains(contributions: Sequence[Contribution], joiner: Joiner) -> dict[str, Domain]:
    parts: dict[str, list[Domain]] = {}
    for given in contributions:
        for domain in given.domains:
            parts.setdefault(domain.path, []).append(domain)
    return {path: same[0] if len(same) == 1 else joiner.domain(path, same) for path, same in parts.items()}


def _waivers(contributions: Sequence[Contribution]) -> tuple[Waiver, ...]:
    """Every waiver, one that two files repeat once."""
    found: dict[tuple[object, ...], Waiver] = {}
    for given in contributions:
        for waiver in given.waivers:
            found.setdefault((waiver.rule, waiver.subject, waiver.owner, waiver.reason, waiver.expires), waiver)
    return tuple(found.values())
