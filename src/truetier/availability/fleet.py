"""What every service of a fleet delivers, all at once, where what it needs is hard.

Theory. All needed services must be up, so the logarithms of their availabilities add up over the distinct ones: -log A is a sum
of non-negative terms over the closure, and the unavailability is -expm1 of it, which keeps every digit of a rare failure. A
service of which nobody knows anything counts as up in the best case and as down in the worst (design section 3, Own).
Source: Treynor, Dahlin, Rau and Beyer, The Calculus of Service Availability, ACM Queue 2017, for what the product stands for.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from truetier.availability import kernel
from truetier.graph.fleet import first_of_order, totals
from truetier.graph.kernel import descending
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truetier.graph.fleet import FleetGraph, Leading, Reach


class Deliveries(NamedTuple):
    """For each service: its unavailability at best and at worst, how much it needs, and how much fails with it."""

    down_low: array[float]
    down_high: array[float]
    needs: Reach
    dependents: Reach


def deliver(graph: FleetGraph, own: Sequence[float | None], levels: array[int], *, workers: int = 1) -> Deliveries:
    """What every service delivers, given the own unavailability of each; None where nobody knows it."""
    weights = [losses(own)]
    if None in own:
        weights.append(array("d", [down is None for down in own]))
    sums, needs, dependents = totals(graph, weights, levels, workers=workers)
    low = kernel.unavailabilities(sums[0])
    high = low
    if len(weights) > 1:
        high = array("d", [1.0 if unknown else down for unknown, down in zip(sums[1], low, strict=True)])
    return Deliveries(low, high, needs, dependents)


def losses(own: Iterable[float | None]) -> array[float]:
    """-log of each availability; infinite where a service is never up, nothing where nobody knows."""
    return kernel.losses(own if isinstance(own, array) else array("d", [0.0 if down is None else down for down in own]))


def least_available(graph: FleetGraph, own: Sequence[float | None], most: int) -> Leading:
    """The services that are down most among what each service needs, itself included; of equal ones the first in the files."""
    return first_of_order(graph, descending(own if isinstance(own, array) else array("d", [down or 0.0 for down in own])), most)
