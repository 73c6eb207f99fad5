"""A fleet whose numbers and edges change one at a time: only what stands above a change is worked out again.

A changed number is added to the sums of everything that needs the service. Each sum keeps an estimate of its rounding error, and
is summed afresh where that grows past a ten-trillionth of it; nothing drifts. A changed edge matters only where it decides
whether the callee is reached at all; then everything that needs the caller is walked again, or passed over as a graph of its
own, or, where that is most of the fleet, all of it.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

from truetier.availability.fleet import losses
from truetier.availability.kernel import unavailabilities
from truetier.graph import kernel
from truetier.graph.fleet import FleetGraph, needs
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_ERROR = 1e-13  # of a sum
_ROUNDING = 2.0**-52
_OF_A_PASS = 64 * _ROUNDING  # of a sum: errors of so many additions, all to one side
_FEW = 64  # services walked one by one
_MOST = 0.5  # of the fleet: beyond it a part is no cheaper than the whole


class Delivery(NamedTuple):
    """What one service delivers: its unavailability at best and at worst, and what it needs, itself included, in all and by level."""

    down_low: float
    down_high: float
    services: int
    of_level: tuple[int, ...]


class LiveFleet:
    """The deliveries of a fleet, kept up to date. It works on copies: the graph and the numbers it began with stay as they are."""

    def __init__(self, graph: FleetGraph, own: Sequence[float | None], levels: array[int], *, workers: int = 1) -> None:
        self._callees = (graph.callees[0][:], graph.callees[1][:])
        self._callers = (graph.callers[0][:], graph.callers[1][:])
        self._own = list(own)
        self._losses = losses(own)
        self._unknown = array("d", [down is None for down in own])
        self._levels = levels[:]
        self._workers = workers
        self._everything = array("i", range(graph.services))
        kinds = max(levels, default=-1) + 1
        self._sums = array("d", bytes(8 * graph.services))
        self._errors = array("d", bytes(8 * graph.services))
        self._unknowns = array("d", bytes(8 * graph.services))
        self._services = array("i", bytes(4 * graph.services))
        self._of_level = tuple(array("i", bytes(4 * graph.services)) for _ in range(kinds))
        self._pass_over(self._everything)

    def delivery(self, service: int) -> Delivery:
        """What a service delivers now."""
        (down,) = unavailabilities(self._sums[service : service + 1])
        counts = tuple(counts[service] for counts in self._of_level)
        return Delivery(down, 1.0 if self._unknowns[service] else down, self._services[service], counts)

    def dependents(self, service: int) -> array[int]:
        """Everything that needs a service, itself included, the nearest first."""
        return kernel.reached(self._callers, array("i", (service,)))

    def set_own(self, service: int, down: float | None) -> array[int]:
        """Gives a service another own unavailability; gives those whose delivery that concerns."""
        before, (after,) = self._losses[service], losses((down,))
        learned = (down is None) - self._unknown[service]
        self._own[service] = down
        self._losses[service] = after
        self._unknown[service] += learned
        above = self.dependents(service)
        if learned:
            for node in above:
                self._unknowns[node] += learned
        if math.isinf(before) or math.isinf(after):
            self._work_out(above if before != after else array("i"))
        elif before != after:
            self._work_out(kernel.shift_sums(above, self._sums, self._errors, after - before, _MOST_ERROR))
        return above

    def add_edge(self, caller: int, callee: int) -> array[int]:
        """Lets a service need another one; gives those whose delivery that changes."""
        if self._has_edge(caller, callee):
            return array("i")
        is_reached = self._reaches(caller, callee)
        kernel.insert_edge(self._callees, caller, callee)
        kernel.insert_edge(self._callers, callee, caller)
        return array("i") if is_reached else self._redone(caller)

    def remove_edge(self, caller: int, callee: int) -> array[int]:
        """Lets a service need another one no more; gives those whose delivery that changes. KeyError where it does not need it."""
        if not self._has_edge(caller, callee):
            raise KeyError((caller, callee))
        kernel.remove_edge(self._callees, caller, callee)
        kernel.remove_edge(self._callers, callee, caller)
        return array("i") if self._reaches(caller, callee) else self._redone(caller)

    def _has_edge(self, caller: int, callee: int) -> bool:
        starts, callees = self._callees
        return callee in callees[starts[caller] : starts[caller + 1]]

    def _reaches(self, caller: int, callee: int) -> bool:
        return callee in kernel.reached(self._callees, array("i", (caller,)))

    def _redone(self, caller: int) -> array[int]:
        above = self.dependents(caller)
        self._work_out(above)
        return above

    def _work_out(self, services: array[int]) -> None:
        """Sums up again what some services need."""
        if len(services) <= _FEW:
            for service in services:
                self._walk(service)
            return
        concerned = kernel.reached(self._callees, services)
        self._pass_over(self._everything if len(concerned) > _MOST * len(self._everything) else concerned)

    def _walk(self, service: int) -> None:
        needed = kernel.reached(self._callees, array("i", (service,)))
        self._sums[service] = math.fsum(map(self._losses.__getitem__, needed))
        self._errors[service] = _ROUNDING * self._sums[service]
        self._unknowns[service] = sum(map(self._unknown.__getitem__, needed))
        self._services[service] = len(needed)
        levels = [self._levels[node] for node in needed]
        for level, counts in enumerate(self._of_level):
            counts[service] = levels.count(level)

    def _pass_over(self, services: array[int]) -> None:
        """The same of services that need nobody but each other."""
        whole = services is self._everything
        graph = FleetGraph(self._callees if whole else kernel.restricted(self._callees, services))
        weights = [array("d", map(of_all.__getitem__, services)) for of_all in (self._losses, self._unknown)]
        (sums, unknowns), reach = needs(graph, weights, array("i", map(self._levels.__getitem__, services)), workers=self._workers)
        for place, service in enumerate(services):
            self._sums[service] = sums[place]
            self._errors[service] = _OF_A_PASS * sums[place]
            self._unknowns[service] = unknowns[place]
            self._services[service] = reach.services[place]
            for level, counts in enumerate(self._of_level):
                counts[service] = reach.of_level[level][place] if level < len(reach.of_level) else 0
