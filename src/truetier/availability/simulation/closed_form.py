"""What needs no simulation: components in series, all of which must be up.

Theory. A series is up while all its components are, which each leave at a constant rate; so it is left at the sum of the rates,
whatever the outages look like, and after any moment at which it is up it stays so for an exponential time.
Source: Barlow and Proschan, Statistical Theory of Reliability and Life Testing, 7.2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truetier.availability.simulation.network import mean_up
from truetier.record import NamedTuple
from truetier.units import MINUTES_PER_MONTH, MINUTES_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.events import Event


class ClosedForm(NamedTuple):
    """Of a series, without chance: outages that begin in a year, their mean length in minutes, and P(no downtime at all)."""

    outages: float
    length: float | None  # None: there are none
    calm_year: float
    calm_month: float


def of_series(events: Sequence[Event]) -> ClosedForm:
    """The closed form of components that must all be up."""
    log = math.fsum(math.log1p(-event.down) if event.down is not None and event.down < 1.0 else -math.inf for event in events)
    up, down = math.exp(log), -math.expm1(log)
    if up == 0.0:
        return ClosedForm(0.0, None, 0.0, 0.0)
    rate = math.fsum(1.0 / mean_up(event) for event in events)
    length = down / (up * rate) if events else None
    return ClosedForm(
        up * rate * MINUTES_PER_YEAR, length, up * math.exp(-rate * MINUTES_PER_YEAR), up * math.exp(-rate * MINUTES_PER_MONTH)
    )
