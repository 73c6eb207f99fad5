"""What a change to the catalog changes: services, needs, promises and numbers, as values with their places."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.record import NamedTuple
from truetier.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from truetier.catalog.evidence import Evidence
    from truetier.catalog.model import Fallback, Fleet, Journey, Need, Placement, Service
    from truetier.errors import Place
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Use
    from truetier.units import Availability, Share

    Values = Mapping[str, str | None]


class Subject(Enum):
    """What kind of thing a change is about."""

    TIER = "tier"
    DOMAIN = "domain"
    SERVICE = "service"
    ENDPOINT = "endpoint"
    EDGE = "edge"
    JOURNEY = "journey"


class ChangeKind(Enum):
    """Whether something is new, gone, or described in another way."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Change(NamedTuple):
    """One difference. ``key`` and its two values only for what is in both catalogs; None is a value nobody stated.

    ``place`` is where the later catalog writes the thing, for what was removed where the earlier one did.
    """

    kind: ChangeKind
    subject: Subject
    name: str
    key: str | None
    before: str | None
    after: str | None
    place: Place | None


class _Entry(NamedTuple):
    """A thing that can be compared: its name for people, what is stated about it, and where."""

    name: str
    values: Values
    place: Place | None


def diff(before: Graph, after: Graph) -> tuple[Change, ...]:
    """Every difference between two graphs: tiers, domains, services, endpoints, edges, journeys; each in file order.

    Needs of one caller on the same callees are matched in their order. A need counts with its effective hardness: one
    that turns hard because a timeout elsewhere changed is a changed edge too.
    """
    return tuple(
        change
        for subject, entries in (
            (Subject.TIER, _tiers),
            (Subject.DOMAIN, _domains),
            (Subject.SERVICE, _services),
            (Subject.ENDPOINT, _endpoints),
            (Subject.EDGE, _edges),
            (Subject.JOURNEY, _journeys),
        )
        for change in _changes(subject, dict(entries(before)), dict(entries(after)))
    )


def _changes(subject: Subject, before: Mapping[object, _Entry], after: Mapping[object, _Entry]) -> Iterator[Change]:
    for identity, entry in after.items():
        earlier = before.get(identity)
        if earlier is None:
            yield Change(ChangeKind.ADDED, subject, entry.name, None, None, None, entry.place)
            continue
        for key, value in entry.values.items():
            if value != earlier.values[key]:
                yield Change(ChangeKind.CHANGED, subject, entry.name, key, earlier.values[key], value, entry.place)
    for identity, entry in before.items():
        if identity not in after:
            yield Change(ChangeKind.REMOVED, subject, entry.name, None, None, None, entry.place)


def _tiers(graph: Graph) -> Iterator[tuple[object, _Entry]]:
    for rank, tier in enumerate(graph.fleet.tiers):
        yield tier.name, _Entry(tier.name, {"target": _text(tier.target), "rank": str(rank)}, None)


def _domains(graph: Graph) -> Iterator[tuple[object, _Entry]]:
    for path, domain in graph.fleet.domains.items():
        values = {"kind": domain.kind, "availability": _text(domain.availability), "mttr": _duration(domain.mttr)}
        yield path, _Entry(path, values, _place(domain.evidence))


def _services(graph: Graph) -> Iterator[tuple[object, _Entry]]:
    for name, service in graph.fleet.services.items():
        yield name, _Entry(name, _service(graph.fleet, service), _place(service.evidence))


def _service(fleet: Fleet, service: Service) -> Values:
    return {
        "tier": service.tier,
        "promise": _text(fleet.promise(service)),
        "availability": _text(service.availability),
        "measured": None if service.measured is None else str(service.measured),
        "observed": _text(service.observed),
        "owner": service.owner,
        "plane": service.plane.value,
        "layer": None if service.layer is None else str(service.layer),
        "budget": _duration(service.budget),
        "mttr": _duration(service.mttr),
        "cells": str(service.cells),
        "external": "yes" if service.external else "no",
        "placement": None if service.placement is None else _placement(service.placement),
    }


def _placement(placement: Placement) -> str:
    copies = ", ".join(f"{domain}: {number}" for domain, number in placement.copies)
    stated = [f"{placement.mode.value}, {placement.required} needed, affinity {placement.affinity.value}"]
    if placement.availability is not None:
        stated.append(f"one copy {placement.availability}")
    if placement.measured is not None:
        stated.append(f"of one copy {placement.measured}")
    if placement.common_cause is not None:
        stated.append(f"common cause {placement.common_cause}")
    if placement.failover is not None:
        stated.append(f"failover {duration_text(placement.failover.time)} for {placement.failover.coverage}")
    return "; ".join([copies, *stated])


def _endpoints(graph: Graph) -> Iterator[tuple[object, _Entry]]:
    for service in graph.fleet.services.values():
        for endpoint in service.endpoints:
            values = {"tier": endpoint.tier, "share": _text(endpoint.share)}
            yield (service.name, endpoint.name), _Entry(f"{service.name}/{endpoint.name}", values, _place(endpoint.evidence))


def _edges(graph: Graph) -> Iterator[tuple[object, _Entry]]:
    seen: dict[object, int] = {}
    for uses in graph.uses.values():
        for use in uses:
            same = (use.caller, use.endpoint, str(use.need))
            seen[same] = seen.get(same, 0) + 1
            yield (same, seen[same]), _Entry(use.subject, _edge(use), _place(use.need.evidence))


def _edge(use: Use) -> Values:
    need = use.need
    return {
        "class": use.kind.value if not need.is_group else f"{use.required} of {len(need.targets)}",
        "mode": need.mode.value,
        "phase": " ".join(sorted(phase.value for phase in need.phases)),
        "timeout": _each(need, [_duration(target.timeout) for target in need.targets]),
        "attempts": _each(need, [str(target.attempts) for target in need.targets]),
        "backoff": _each(need, [duration_text(target.backoff) for target in need.targets]),
        "fallback": None if need.fallback is None else _fallback(need.fallback),
        "share": str(need.share),
        "condition": need.condition,
        "broker": need.broker,
    }


def _each(need: Need, values: list[str | None] | list[str]) -> str | None:
    """One value where all members agree, else each member's."""
    if len(set(values)) == 1:
        return values[0]
    return ", ".join(f"{target.service}: {value or 'none'}" for target, value in zip(need.targets, values, strict=True))


def _fallback(fallback: Fallback) -> str:
    stated = [fallback.kind.value]
    if fallback.staleness is not None:
        stated.append(f"staleness {duration_text(fallback.staleness)}")
    if fallback.service is not None:
        stated.append(f"service {fallback.service}")
    return "; ".join([*stated, f"availability {fallback.availability}", f"coverage {fallback.coverage}"])


def _journeys(graph: Graph) -> Iterator[tuple[object, _Entry]]:
    for name, journey in graph.fleet.journeys.items():
        values = {"tier": journey.tier, "succeeds": _succeeds(journey), "users": _text(journey.users)}
        yield name, _Entry(name, values, _place(journey.evidence))


def _succeeds(journey: Journey) -> str:
    return "; ".join(
        f"{criterion.required} of {', '.join(criterion.services)}" if criterion.is_group else criterion.services[0]
        for criterion in journey.succeeds
    )


def _text(value: Availability | Share | None) -> str | None:
    return None if value is None else str(value)


def _duration(value: timedelta | None) -> str | None:
    return None if value is None else duration_text(value)


def _place(evidence: Evidence | None) -> Place | None:
    return None if evidence is None else evidence.place
