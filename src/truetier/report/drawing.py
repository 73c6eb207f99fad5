"""What every export of the graph draws: services in bands by tier, and one line per need and callee."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.graph.hardness import Kind
from truetier.record import NamedTuple
from truetier.units import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from truetier.catalog.model import Service
    from truetier.graph.build import Edge, Graph
    from truetier.graph.hardness import Use


class Band(NamedTuple):
    """The services of one tier, in file order, under its name and target."""

    title: str
    services: tuple[Service, ...]


class Stroke(Enum):
    """How a line is drawn."""

    HARD = "hard"
    SOFT = "soft"
    ASYNC = "async"
    BOOT = "boot"  # not needed to serve: start, recover, change


class Line(NamedTuple):
    """One need on one callee: how it is drawn, and the words beside it."""

    caller: str
    callee: str
    stroke: Stroke
    label: str


def bands(graph: Graph) -> Iterator[Band]:
    """The services by tier, strictest first, those without a tier last; empty bands are left out."""
    members: dict[str | None, list[Service]] = {row.name: [] for row in graph.fleet.tiers} | {None: []}
    for service in graph.fleet.services.values():
        members[service.tier].append(service)
    for tier, services in members.items():
        target = graph.fleet.tier_promise(tier)
        if services:
            title = "no tier" if tier is None else tier if target is None else f"{tier} {target}"
            yield Band(title, tuple(services))


def lines(graph: Graph) -> Iterator[Line]:
    """Every need of every phase, caller by caller in file order."""
    for name, uses in graph.uses.items():
        for edge in graph.callees[name]:
            yield Line(name, edge.callee, _stroke(edge), ", ".join(_words(edge)))
        for use in uses:
            if not use.need.at_serve:
                yield from (Line(name, target.service, Stroke.BOOT, ", ".join(_phases(use))) for target in use.need.targets)


def identifiers(graph: Graph, spell: Callable[[str], str]) -> Mapping[str, str]:
    """For each service its name as a format can spell it; a number tells apart names that would be spelt alike."""
    spelt: dict[str, str] = {}
    taken: set[str] = set()
    alike: dict[str, int] = {}
    for name in graph.fleet.services:
        base = text = spell(name)
        while text in taken:
            alike[base] = alike.get(base, 1) + 1
            text = f"{base}_{alike[base]}"
        taken.add(text)
        spelt[name] = text
    return spelt


def _stroke(edge: Edge) -> Stroke:
    if edge.is_hard:
        return Stroke.HARD
    return Stroke.ASYNC if edge.use.kind is Kind.ASYNC else Stroke.SOFT


def _words(edge: Edge) -> Iterator[str]:
    use, need = edge.use, edge.use.need
    if use.endpoint is not None:
        yield f"/{use.endpoint}"
    if use.kind is Kind.GROUP:
        yield _group(use)
    elif edge.callee == need.broker and edge.is_hard:
        yield "broker"
    elif need.fallback is not None and edge.callee == need.fallback.service:
        yield "stand-in"
    elif use.kind is Kind.SOFT and need.fallback is not None:
        yield need.fallback.kind.value
    if use.share != WHOLE:
        yield str(use.share)
    if len(need.phases) > 1:
        yield from _phases(use)


def _group(use: Use) -> str:
    count = len(use.need.targets)
    if use.required == count:
        return f"all {count}"
    return f"any of {count}" if use.required == 1 else f"{use.required} of {count}"


def _phases(use: Use) -> Iterator[str]:
    if not use.need.at_serve and use.kind is Kind.GROUP:
        yield _group(use)
    yield from sorted(phase.value for phase in use.need.phases)
