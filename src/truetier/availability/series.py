"""What services deliver whose needs are all hard, all of them in one pass over the fleet.

Theory. The up of such a service is a set of own parts, the closure of its hard needs, and no set is ever made: its probability is
a sum of logarithms over the closure (fleet.py), and so is its probability at each Gauss-Legendre node of the costs integral
(costs.py), where every unavailability is scaled by t. With everything of itself perfect, its own term is taken away. In a series
the costliest components are those that are down most, and the first ten of a set are merged from the first ten of its parts.
What may go wrong: taking away what is nearly everything leaves rounding. Then the rest is summed up again.
"""

from __future__ import annotations

import math
from array import array
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from truetier.availability import kernel
from truetier.availability.costs import NO_COSTS, costliest_first, enough_nodes, is_enough, significant
from truetier.availability.estimate import Contributor, Costs, Estimate, Method
from truetier.availability.exact import MOST_CONTRIBUTORS, SAFE_SUBTRACTION, SURELY_DOWN
from truetier.availability.quadrature import gauss_legendre
from truetier.graph import kernel as graphs
from truetier.graph.fleet import FleetGraph, component_sums, needs
from truetier.record import NamedTuple, maker
from truetier.units import MINUTES_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DISTINCT = 1e-8  # what the unavailabilities of components differ by, relatively, whose costs are not taken for the same
_ESTIMATE = maker(Estimate)
_CONTRIBUTOR = maker(Contributor)


class _Paid(NamedTuple):
    """For each component of the graph and each place among its costliest: costs and gains in minutes a year; and each residue."""

    leading: array[int]  # ranks in ``order``
    order: array[int]
    counts: array[int]  # how many of the places are taken
    costs: array[float]
    gains: array[float]
    residues: array[float]


class SeriesFleet:
    """All services of a fleet by number. Only those that ``has`` names are a series; what is told of others means nothing.

    ``callees`` are those each service needs, None where anything but its own part and theirs has a say; ``downs`` the
    unavailability of each own part, None where nobody knows. ``numbered`` gives the services in the order in which a Structure
    numbers their own parts, None where it meets them along the callees alone: those that are down equally come among the
    costliest in this order.
    """

    def __init__(
        self,
        names: Sequence[str],
        downs: Sequence[float | None],
        callees: Sequence[Sequence[int] | None],
        numbered: Callable[[], Sequence[int]] | None,
    ) -> None:
        self.callees = [() if each is None else each for each in callees]
        self.downs = downs
        self._names = names
        self._numbered = numbered
        self._known = array("d", [down or 0.0 for down in downs])
        self._losses = _losses(self._known)
        self._unknown = array("d", [down is None for down in downs])
        self._graph = FleetGraph.leading_to(self.callees)
        self._is_series = bytearray(b"\1") * len(names)
        unlike = array("i", [number for number, each in enumerate(callees) if each is None])
        for number in graphs.reached(self._graph.callers, unlike) if unlike else ():
            self._is_series[number] = 0
        levels = array("i", [0 if down else 1 for down in self._known])
        (self._sums, self._unknowns), reach = needs(self._graph, [self._losses, self._unknown], levels)
        self._totals = reach.of_level[0]
        self.delivered = list(map(_estimate, self._sums, self._unknowns))

    def has(self, number: int) -> bool:
        """Whether the service is a series, and everything it needs."""
        return bool(self._is_series[number])

    @cached_property
    def is_everyone(self) -> bool:
        """Whether all services are a series."""
        return all(self._is_series)

    @property
    def is_all_asked(self) -> bool:
        """Whether the services ask for nothing beside what they need: an answer they can do without may close a cycle too."""
        return self._numbered is None

    @cached_property
    def cycles(self) -> list[list[int]]:
        """The services that need each other, where there are several."""
        starts, members = self._graph.members
        found = [members[starts[each] : starts[each + 1]].tolist() for each in graphs.cyclic(self._graph.callees, self._graph.members)]
        return [cycle for cycle in found if len(cycle) > 1]

    @cached_property
    def ups(self) -> list[float | None]:
        """What each service delivers; None where nobody knows."""
        return [estimate.up_low if estimate.method is Method.EXACT else None for estimate in self.delivered]

    def ceiling(self, number: int) -> Estimate:
        """What it delivers with its own part perfect."""
        own, whole = self._losses[number], self._sums[number]
        left = whole - own if own < SAFE_SUBTRACTION * whole else self._without_own(number)
        return _estimate(left, self._unknowns[number] - self._unknown[number])

    def _without_own(self, number: int) -> float:
        if not self.callees[number]:
            return 0.0
        needed = graphs.reached(self._graph.callees, array("i", (number,)))
        return math.fsum(map(self._losses.__getitem__, needed[1:]))  # what it starts from comes first

    def own_down(self, number: int) -> float:
        """How much of the time its own part is down, 1 where nobody knows."""
        down = self.downs[number]
        return 1.0 if down is None else down

    def own_up(self, number: int) -> float | None:
        """How much of the time it is not; None where nobody knows."""
        down = self.downs[number]
        return None if down is None else 1.0 - down

    # -- costs

    def costs(self, number: int) -> Costs:
        """What its failures cost; nothing where it never fails, or nobody knows."""
        estimate = self.delivered[number]
        if estimate.method is not Method.EXACT or estimate.down_low == 0.0:
            return NO_COSTS
        paid = self._paid
        component = self._graph.component_of[number]
        begin = component * MOST_CONTRIBUTORS
        end = begin + paid.counts[component]
        names, are_distinct = self._leading(paid.leading[begin:end].tobytes())
        found = tuple(map(_CONTRIBUTOR, zip(names, paid.costs[begin:end], paid.gains[begin:end], names, strict=True)))
        residue = paid.residues[component]
        return Costs(found if are_distinct else costliest_first(found), self._totals[number], significant(residue))

    def costliest(self, number: int) -> Contributor | None:
        """The costliest of them, found without the others where they differ; None where there is none."""
        estimate = self.delivered[number]
        if estimate.method is not Method.EXACT or estimate.down_low == 0.0:
            return None
        paid = self._paid
        component = self._graph.component_of[number]
        begin = component * MOST_CONTRIBUTORS
        names, are_distinct = self._leading(paid.leading[begin : begin + paid.counts[component]].tobytes())
        if not names or not are_distinct:
            return next(iter(self.costs(number).contributors), None)
        return Contributor(names[0], paid.costs[begin], paid.gains[begin], names[0])

    def _leading(self, ranks: bytes) -> tuple[list[str], bool]:
        """The names of leading components, and whether those that are not down equally surely differ in what they cost.

        Costs that are equal stand by name. Services share what they need, and most of them the ten components that lead it.
        """
        known = self._named.get(ranks)
        if known is None:
            numbers = [self._paid.order[rank] for rank in array("i", ranks)]
            downs = [self._known[number] for number in numbers]
            numbers.sort(key=lambda number: (-self._known[number], self._names[number]))
            are_distinct = all(one == other or other < one * (1 - _DISTINCT) for one, other in pairwise(downs))
            known = self._named[ranks] = [self._names[number] for number in numbers], are_distinct
        return known

    @cached_property
    def _named(self) -> dict[bytes, tuple[list[str], bool]]:
        return {}

    @cached_property
    def _paid(self) -> _Paid:
        """What the costliest components of every service cost, all at once."""
        graph = self._graph
        most = max((loss for loss, is_series in zip(self._sums, self._is_series, strict=True) if is_series), default=0.0)
        nodes = enough_nodes(most)
        points, weights = (array("d", each) for each in gauss_legendre(nodes))
        vectors = [self._losses, *(kernel.scaled_losses(self._known, point) for point in points)]
        are_enough = is_enough(nodes, most)
        if not are_enough:
            vectors.extend(kernel.scaled_slopes(self._known, point) for point in points)
        sums, width = component_sums(graph, vectors)
        ordered = self._graph.preorder if self._numbered is None else self._numbered()
        order = array("i", [ordered[place] for place in graphs.descending(array("d", map(self._known.__getitem__, ordered)))])
        leading = graphs.leading(graph.condensed, graph.members_in(order), graphs.ranks(order), MOST_CONTRIBUTORS)
        downs, losses = (array("d", map(of_all.__getitem__, order)) for of_all in (self._known, self._losses))
        unit = float(MINUTES_PER_YEAR)
        found = kernel.costs_of_leading(
            sums, width, points, weights, leading, MOST_CONTRIBUTORS, downs, losses, unit, has_slopes=not are_enough
        )
        return _Paid(leading, order, *found)


def _losses(downs: array[float]) -> array[float]:
    found = kernel.losses(downs)
    for number, loss in enumerate(found) if math.inf in found else ():
        if loss == math.inf:
            found[number] = -SURELY_DOWN
    return found


def _estimate(loss: float, unknown: float) -> Estimate:
    up, down = math.exp(-loss), 0.0 - math.expm1(-loss)  # not -0.0
    if unknown and (up or down < 1.0):
        return Estimate(0.0, up, down, 1.0, Method.INTERVAL)
    made: Estimate = _ESTIMATE((up, up, down, down, Method.EXACT))
    return made
