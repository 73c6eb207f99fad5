"""In which order a fleet comes up from nothing, and what never does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.graph.boot_loops import boot_loops
from truetier.graph.demand import firm_demand, serve_demands
from truetier.graph.hardness import Kind
from truetier.graph.waves import cold_start
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truetier.graph.boot_loops import BootLoop
    from truetier.graph.build import Graph
    from truetier.graph.demand import Demand
    from truetier.graph.hardness import Use


class BootOrder(NamedTuple):
    """Cold start: the services by round of first serving, and those that never serve; all in file order."""

    waves: tuple[tuple[str, ...], ...]
    never: tuple[str, ...]
    loops: tuple[BootLoop, ...]


def boot_order(graph: Graph) -> BootOrder:
    """How the fleet comes up when everything works and nothing runs."""
    names = list(graph.fleet.services)
    gates = {name: tuple(start_demands(graph.uses[name])) for name in names}
    serves = {name: tuple(serve_demands(graph.uses[name])) for name in names}
    waves = cold_start(names, gates, serves)
    serving = {name for wave in waves for name in wave}
    never = [name for name in names if name not in serving]
    return BootOrder(tuple(waves), tuple(never), boot_loops(never, gates, serves))


def start_demands(uses: Iterable[Use]) -> Iterator[Demand]:
    """What must serve before the service starts: soft and async needs never gate."""
    for use in uses:
        if use.kind in (Kind.HARD, Kind.GROUP) and use.need.is_before_serve:
            yield firm_demand(use)
