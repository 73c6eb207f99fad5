"""Short ways to write services, needs and fleets in tests."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Criterion, Endpoint, Fallback, FallbackKind, Fleet, Journey, Need, Placement, Service, Target
from truetier.errors import Place
from truetier.units import WHOLE, Availability, Share, parse_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truetier.catalog.model import Domain

WRITTEN = Evidence(Kind.DECLARED, "truetier", Place("truetier.yaml", 1, 1))
SEEN = Evidence(Kind.OBSERVED, "truetier", Place("truetier.yaml", 1, 1))


def availability(text: str) -> Availability:
    """``99.9%`` as a type."""
    return Availability(parse_fraction(text))


def down(unavailability: str) -> Availability:
    """The availability that leaves this unavailability."""
    return Availability(1 - Decimal(unavailability))


def share(text: str) -> Share:
    """``20%`` as a type."""
    return Share(parse_fraction(text))


def minutes(number: float) -> timedelta:
    """That many minutes."""
    return timedelta(minutes=number)


def hard(name: str, *, of: Share = WHOLE, condition: str | None = None) -> Need:
    """A hard need, perhaps only of some requests."""
    return Need((Target(name),), WRITTEN, share=of, condition=condition)


def soft(name: str, fallback: Fallback) -> Need:
    """A soft need whose timeout fits any unknown budget."""
    return Need((Target(name, timedelta(milliseconds=100)),), WRITTEN, fallback=fallback)


def cached(name: str, staleness: timedelta) -> Need:
    """A need whose answer may be that old."""
    return soft(name, Fallback(FallbackKind.CACHED, staleness=staleness))


def some_of(required: int, *names: str) -> Need:
    """A group of which so many must answer."""
    return Need(tuple(Target(name) for name in names), WRITTEN, required=required, is_group=True)


def service(
    name: str,
    *needs: Need,
    own: Availability | None = None,
    tier: str | None = None,
    placement: Placement | None = None,
    endpoints: tuple[Endpoint, ...] = (),
) -> Service:
    """A service with what the numbers need."""
    return Service(name, WRITTEN, tier=tier, availability=own, needs=needs, placement=placement, endpoints=endpoints)


def journey(name: str, *names: str) -> Journey:
    """A journey that succeeds when all of these do."""
    return Journey(name, WRITTEN, succeeds=tuple(Criterion((each,)) for each in names))


def fleet(*services: Service, domains: Iterable[Domain] = (), journeys: Iterable[Journey] = ()) -> Fleet:
    """A fleet of these."""
    return Fleet({each.name: each for each in services}, {each.path: each for each in domains}, {each.name: each for each in journeys})
