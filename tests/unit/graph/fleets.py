"""Small fleets in few words, for the tests of the graph."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict, Unpack

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import (
    Criterion,
    Endpoint,
    Fallback,
    FallbackKind,
    Fleet,
    Journey,
    Mode,
    Need,
    Phase,
    Service,
    Target,
)
from truetier.errors import Place
from truetier.graph.build import build
from truetier.units import WHOLE, Availability, Share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truetier.catalog.model import Domain, Placement
    from truetier.graph.build import Graph

SECOND = timedelta(seconds=1)


def evidence(line: int = 1) -> Evidence:
    return Evidence(Kind.DECLARED, "truetier", Place("truetier.yaml", line, 1))


def share(text: str) -> Share:
    return Share(Decimal(text))


def availability(text: str) -> Availability:
    return Availability(Decimal(text))


def need(
    callee: str,
    *,
    line: int = 1,
    phases: Iterable[str] = ("serve",),
    mode: Mode = Mode.SYNC,
    share: Share = WHOLE,
    condition: str | None = None,
    broker: str | None = None,
) -> Need:
    """A hard need, unless keys say otherwise."""
    when = frozenset(Phase(phase) for phase in phases)
    return Need((Target(callee),), evidence(line), mode=mode, phases=when, share=share, condition=condition, broker=broker)


def soft(callee: str, kind: str = "static", *, stand_in: str | None = None, phases: Iterable[str] = ("serve",)) -> Need:
    staleness = timedelta(minutes=30) if kind == "cached" else None
    return Need(
        (Target(callee, SECOND),),
        evidence(),
        phases=frozenset(Phase(phase) for phase in phases),
        fallback=Fallback(FallbackKind(kind), staleness, stand_in),
    )


def group(required: int, *callees: str, phases: Iterable[str] = ("serve",)) -> Need:
    targets = tuple(Target(callee) for callee in callees)
    return Need(targets, evidence(), required, is_group=True, phases=frozenset(Phase(phase) for phase in phases))


def later(callee: str, *, broker: str | None = None, phases: Iterable[str] = ("serve",)) -> Need:
    """An async need."""
    return need(callee, phases=phases, mode=Mode.ASYNC, broker=broker)


def start(callee: str) -> Need:
    return need(callee, phases=("start",))


class ServiceKeys(TypedDict, total=False):
    """What a test may say of a service."""

    tier: str | None
    target: Availability
    availability: Availability
    owner: str
    layer: int
    budget: timedelta
    cells: int
    external: bool
    endpoints: tuple[Endpoint, ...]
    placement: Placement


def service(name: str, *needs: Need | str, **keys: Unpack[ServiceKeys]) -> Service:
    return Service(name, evidence(), needs=tuple(need(item) if isinstance(item, str) else item for item in needs), **keys)


def endpoint(name: str, part: str | None, *needs: Need | str, tier: str | None = None) -> Endpoint:
    wanted = tuple(need(item) if isinstance(item, str) else item for item in needs)
    return Endpoint(name, evidence(), tier, None if part is None else share(part), wanted)


def journey(name: str, *items: str | tuple[int, tuple[str, ...]], tier: str | None = None, users: str | None = None) -> Journey:
    succeeds = tuple(Criterion((item,)) if isinstance(item, str) else Criterion(item[1], item[0], is_group=True) for item in items)
    return Journey(name, evidence(), tier, succeeds, None if users is None else share(users))


def fleet(*services: Service, journeys: Iterable[Journey] = (), domains: Iterable[Domain] = ()) -> Fleet:
    """The services, and every service they name that is not among them."""
    known = {item.name: item for item in services}
    for item in services:
        for wanted in item.all_needs:
            for name in wanted.services:
                known.setdefault(name, service(name))
    return Fleet(known, {domain.path: domain for domain in domains}, {item.name: item for item in journeys})


def graph(*services: Service, journeys: Iterable[Journey] = (), domains: Iterable[Domain] = ()) -> Graph:
    return build(fleet(*services, journeys=journeys, domains=domains))
