"""Short ways to write a fleet in a test."""

# ruff: noqa: ANN401 - what is passed on has the types of the model it is passed to

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from truetier.availability.assess import Assessments, assess
from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Domain, Fallback, FallbackKind, Fleet, Need, Placement, Service, Target
from truetier.graph.build import build
from truetier.units import Availability, Share

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY = date(2026, 11, 23)
SAID = Evidence(Kind.DECLARED, "truetier", None)
SECOND = timedelta(seconds=1)


def availability(text: str) -> Availability:
    return Availability(Decimal(text))


def share(text: str) -> Share:
    return Share(Decimal(text))


def need(*services: str, k: int = 1, timeout: timedelta | None = None, **more: Any) -> Need:
    return Need(tuple(Target(name, timeout) for name in services), SAID, required=k, is_group=len(services) > 1, **more)


def cached(service: str, minutes: float, timeout: timedelta = SECOND) -> Need:
    return need(service, timeout=timeout, fallback=Fallback(FallbackKind.CACHED, staleness=timedelta(minutes=minutes)))


def static(service: str, works: str = "1", **more: Any) -> Need:
    return need(service, timeout=SECOND, fallback=Fallback(FallbackKind.STATIC, availability=availability(works)), **more)


def stand_in(service: str, other: str, coverage: str = "1") -> Need:
    return need(service, timeout=SECOND, fallback=Fallback(FallbackKind.STAND_IN, service=other, coverage=share(coverage)))


def service(name: str, own: str | None = None, needs: Iterable[Need] = (), **more: Any) -> Service:
    return Service(name, SAID, availability=None if own is None else availability(own), needs=tuple(needs), **more)


def placement(copies: dict[str, int], of_copy: str | None = None, **more: Any) -> Placement:
    return Placement(tuple(copies.items()), SAID, availability=None if of_copy is None else availability(of_copy), **more)


def domain(path: str, up: str, kind: str | None = None, minutes: float = 60) -> Domain:
    return Domain(path, kind or ("region" if "/" not in path else "zone"), SAID, availability(up), timedelta(minutes=minutes))


def fleet(*services: Service, **more: Any) -> Fleet:
    return Fleet({item.name: item for item in services}, **more)


def assessed(*services: Service, **more: Any) -> Assessments:
    return assess(build(fleet(*services, **more)), DAY)


def down(found: Assessments, name: str) -> float:
    value = found.services[name].delivered.down
    assert value is not None
    return value
