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

    from truetier.catalog.measured import Measured
    from truetier.catalog.model import Domain, Fallback, Fleet, Placement, Service
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
    measured: Measured | None = None  # what ``down`` was taken from; of a copy, where the event is a part of one
    share: float = 0.0  # of a copy's unavailability that is common

    @property
    def is_whole(self) -> bool:
        """Whether the event is what was measured, and no part of it."""
        return self.kind is EventKind.OWN

    def down_given(self, drawn: float) -> float:
        """The unavailability of the event if that of what was measured is this."""
        match self.kind:
            case EventKind.COMMON:
                return self.share * drawn
            case EventKind.COPY:
                return (1.0 - self.share) * drawn / (1.0 - self.share * drawn)
            case _:
                return drawn


def microseconds(duration: timedelta) -> int:
    """The duration as a whole number, so that limits compare exactly."""
    return (duration.days * 86_400 + duration.seconds) * 1_000_000 + duration.microseconds


def own_event(fleet: Fleet, service: Service, *, as_measured: bool = False) -> Event:
    """The service itself as deployed: its stated availability, else the measured one, else its promise, else unknown.

    ``as_measured``: what was measured counts before what is stated, where it is worse.
    """
    stated = None if service.availability is None else service.availability.exact_unavailability
    known, measured = _known(stated, service.measured, as_measured=as_measured)
    if known is None:
        promise = fleet.promise(service)
        known = None if promise is None else promise.exact_unavailability
    return Event(service.name, EventKind.OWN, service.name, None if known is None else float(known), service_mttr(service), measured)


def common_event(service: Service, placement: Placement, *, as_measured: bool = False) -> Event:
    """What takes all copies of a service at once: the common share of one copy's unavailability."""
    share = _common_share(placement)
    down, measured = _of_copy(placement, as_measured=as_measured)
    name = f"{service.name} (common cause)"
    return Event(name, EventKind.COMMON, service.name, float(share * down), service_mttr(service), measured, float(share))


def copy_event(service: Service, placement: Placement, domain: str, number: int, *, as_measured: bool = False) -> Event:
    """One copy on its own: (1 - c) u / (1 - c u), so that one copy alone is down exactly u.

    Source: design section 3, Copies (a beta-factor model).
    """
    share = _common_share(placement)
    down, measured = _of_copy(placement, as_measured=as_measured)
    left = 1 - share * down
    alone = float((1 - share) * down / left) if left else 0.0
    name = f"{service.name} (copy {number} in {domain})"
    return Event(name, EventKind.COPY, service.name, alone, service_mttr(service), measured, float(share))


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
    alike = [other.number for other in uses if other.need.targets[0].service == use.need.service and other.need.fallback is not None]
    number = f" {alike.index(use.number) + 1}" if len(alike) > 1 else ""
    return Event(f"{use.subject} ({fallback.kind.value} fallback{number})", EventKind.FALLBACK, use.caller, fallback_down(fallback), 0)


def fallback_down(fallback: Fallback) -> float:
    """How often a mechanism does not work, or does not cover what is asked."""
    return float(fallback.availability.exact_unavailability + fallback.availability.value * fallback.coverage.complement)


def failover_event(service: Service, coverage: Share) -> Event:
    """The failover of an active-passive pair."""
    return Event(f"{service.name} (failover)", EventKind.FAILOVER, service.name, float(coverage.complement), 0)


def service_mttr(service: Service) -> int:
    """Mean outage of the service and its copies, in microseconds."""
    return microseconds(DEFAULT_MTTR if service.mttr is None else service.mttr)


def _of_copy(placement: Placement, *, as_measured: bool) -> tuple[Decimal, Measured | None]:
    stated = None if placement.availability is None else placement.availability.exact_unavailability
    down, measured = _known(stated, placement.measured, as_measured=as_measured)
    assert down is not None, "copies without a number are no events"
    return down, measured


def _known(stated: Decimal | None, measured: Measured | None, *, as_measured: bool) -> tuple[Decimal | None, Measured | None]:
    """The unavailability that counts, and what was measured where that is what it comes from."""
    if measured is not None and (stated is None or (as_measured and measured.unavailability > stated)):
        return measured.unavailability, measured
    return stated, None


def _common_share(placement: Placement) -> Decimal:
    from decimal import Decimal

    return Decimal(DEFAULT_COMMON_CAUSE) if placement.common_cause is None else placement.common_cause.value
