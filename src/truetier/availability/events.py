"""Everything that has a probability: components, mechanisms and request draws, each one independent event.

A component is up, or down with an age; a mechanism works or not; a draw is made once per request. What is shared is one
event, however many paths reach it. Source: design section 3, Experiment.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.catalog.model import DEFAULT_MTTR
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from decimal import Decimal

    from truetier.catalog.model import Domain, Fleet, Placement, Service
    from truetier.graph.hardness import Use
    from truetier.units import Share

DEFAULT_COMMON_CAUSE = "0.1"


class EventKind(Enum):
    """What an event is; components and mechanisms are scaled in the costs integral, draws are held."""

    OWN = "own"
    COMMON = "common cause"
    COPY = "copy"
    DOMAIN = "domain"
    FALLBACK = "fallback"
    FAILOVER = "failover"
    DRAW = "draw"


class Event(NamedTuple):
    """One event. ``down`` is its unavailability, None where nobody knows; ``mttr`` its mean outage in microseconds."""

    name: str
    kind: EventKind
    service: str | None
    down: float | None
    mttr: int


def microseconds(duration: timedelta) -> int:
    """The duration as a whole number, so that limits compare exactly."""
    return (duration.days * 86_400 + duration.seconds) * 1_000_000 + duration.microseconds


def own_event(fleet: Fleet, service: Service) -> Event:
    """The service itself as deployed."""
    return Event(service.name, EventKind.OWN, service.name, own_down(fleet, service), service_mttr(service))


def own_down(fleet: Fleet, service: Service) -> float | None:
    """Its unavailability: from its stated availability, else from its promise, else unknown."""
    known = service.availability if service.availability is not None else fleet.promise(service)
    return None if known is None else known.unavailability


def common_event(service: Service, placement: Placement) -> Event:
    """What takes all copies of a service at once: the common share of one copy's unavailability."""
    down = _common_share(placement) * _copy_down(placement)
    return Event(f"{service.name} (common cause)", EventKind.COMMON, service.name, float(down), service_mttr(service))


def copy_event(service: Service, placement: Placement, domain: str, number: int) -> Event:
    """One copy on its own: (1 - c) u / (1 - c u), so that one copy alone is down exactly u.

    Source: design section 3, Copies (a beta-factor model).
    """
    share, down = _common_share(placement), _copy_down(placement)
    left = 1 - share * down
    alone = float((1 - share) * down / left) if left else 0.0
    return Event(f"{service.name} (copy {number} in {domain})", EventKind.COPY, service.name, alone, service_mttr(service))


def domain_event(domain: Domain) -> Event:
    """A failure domain, given that the domains around it work; callers pass only domains with a number."""
    assert domain.availability is not None, "a domain without a number is no event"
    mttr = microseconds(DEFAULT_MTTR if domain.mttr is None else domain.mttr)
    return Event(domain.path, EventKind.DOMAIN, None, domain.availability.unavailability, mttr)


def fallback_event(use: Use, uses: Iterable[Use]) -> Event:
    """The fallback of one need: it works with its availability times its coverage.

    ``uses`` are all of the caller: several needs of one callee have a mechanism each, told apart by number.
    """
    fallback = use.need.fallback
    assert fallback is not None, "a soft use has a fallback"
    down = float(fallback.availability.exact_unavailability + fallback.availability.value * fallback.coverage.complement)
    alike = [other.number for other in uses if other.need.targets[0].service == use.need.service and other.need.fallback is not None]
    number = f" {alike.index(use.number) + 1}" if len(alike) > 1 else ""
    return Event(f"{use.subject} ({fallback.kind.value} fallback{number})", EventKind.FALLBACK, use.caller, down, 0)


def failover_event(service: Service, coverage: Share) -> Event:
    """The failover of an active-passive pair."""
    return Event(f"{service.name} (failover)", EventKind.FAILOVER, service.name, float(coverage.complement), 0)


def service_mttr(service: Service) -> int:
    """Mean outage of the service and its copies, in microseconds."""
    return microseconds(DEFAULT_MTTR if service.mttr is None else service.mttr)


def _copy_down(placement: Placement) -> Decimal:
    assert placement.availability is not None, "copies without a number are no events"
    return placement.availability.exact_unavailability


def _common_share(placement: Placement) -> Decimal:
    from decimal import Decimal

    return Decimal(DEFAULT_COMMON_CAUSE) if placement.common_cause is None else placement.common_cause.value
