"""Boot loops in time: their members start again after a failure only when what they need to start serves.

Delivered availability leaves start and recover needs out, so what gates cost is told apart from it and compared with nothing.
A member waits from the moment its own parts and where it runs work again. Whoever waits in vain is started by people, by hand,
after a stated time; services outside every loop start at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.events import Event, EventKind
from truetier.availability.factors import bits
from truetier.availability.simulation.network import Gate
from truetier.availability.structure import Structure
from truetier.graph.order import start_demands

_SOME_TIME = 60_000_000  # of a gate: what it watches decides

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truetier.availability.factors import Factors
    from truetier.graph.build import Graph


def gated(graph: Graph, open_structure: Structure, members: Iterable[str]) -> tuple[Structure, list[Gate]]:
    """The formulas of a fleet whose members of boot loops wait for their gates, and those gates."""
    factors = open_structure.factors
    events = {name: Event(f"{name} (waits to start)", EventKind.OWN, None, 1.0, _SOME_TIME) for name in members}
    structure = Structure(graph.fleet, graph.uses, factors, {}, gates=events)
    gates = []
    for name, event in events.items():
        runs = factors.all_of((open_structure.own(name), open_structure.site(name)))
        starts = factors.all_of(
            factors.at_least(wanted.required, [structure.up(callee).low for callee in wanted.services])
            for wanted in start_demands(graph.uses[name])
        )
        gates.append(Gate(factors.up(event).bit_length() - 1, runs, _asked(factors, starts)))
    return structure, gates


def gates_behind(factors: Factors, mask: int, gates: Sequence[Gate]) -> list[Gate]:
    """The gates that a formula waits for, and those that they wait for in turn."""
    by_factor = {gate.gate: gate for gate in gates}
    found: dict[int, Gate] = {}
    waiting = [mask]
    for formula in waiting:  # grows
        for number in bits(factors.mentioned(formula)):
            gate = by_factor.get(number)
            if gate is not None and number not in found:
                found[number] = gate
                waiting.append(gate.starts)
    return [gate for gate in gates if gate.gate in found]


def _asked(factors: Factors, mask: int) -> int:
    """The formula of a request that every condition and every endpoint concerns, as a start does."""
    drawn = sum(1 << number for draw in factors.draws.values() for number, _ in draw.literals)
    return factors.given(mask, 0, drawn)
