"""The smallest of several diagrams, side by side: orders are tried with more and more nodes, and those that get furthest go on.

No order is good for all (order.py), and one bad order can cost fifty times the nodes; so none is followed to its end before others
had a chance. What was made is kept: an order that is given more nodes goes on where it stopped.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from truetier.availability.fault_tree.gates import Kind
from truetier.availability.fault_tree.order import orders
from truetier.availability.kernel import FALSE, IS_COMPILED, TRUE, Diagram, Overgrown
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier.availability.fault_tree.gates import Gates
    from truetier.availability.fault_tree.modules import Module
    from truetier.availability.fault_tree.order import Order
    from truetier.availability.kernel import Structure


class Level(NamedTuple):
    """So many nodes may a diagram have, and so many orders of each family go on to it."""

    nodes: int
    width: int


# The last level is the budget: about 40 bytes a node, and six times that where the kernel runs uncompiled.
LEVELS = (
    *(Level(4_000, 4), Level(16_000, 3), Level(64_000, 2), Level(250_000, 1), Level(1_000_000, 1), Level(3_000_000, 1)),
    *([Level(10_000_000, 1)] if IS_COMPILED else []),
)


class Found(NamedTuple):
    """The order that came furthest, and the diagram if it came to the end."""

    order: Order
    structure: Structure | None


def smallest(gates: Gates, module: Module, levels: Sequence[Level]) -> Found:
    """Tries orders with more and more nodes until one is done, of each family those that came furthest with fewer.

    How far an order gets with few nodes says a good deal of its own family, and little of another.
    """
    families = [[_Attempt(gates, module, order) for order in family] for family in orders(gates, module)]
    for nodes, width in levels:
        for family in families:
            del family[width:]
        for attempt in sorted((attempt for family in families for attempt in family), key=_still_to_go):
            structure = attempt.structure(nodes)
            if structure is not None:
                return Found(attempt.order, structure)
        for family in families:
            family.sort(key=_still_to_go)
    return Found(min((family[0] for family in families), key=_still_to_go).order, None)


def _still_to_go(attempt: _Attempt) -> int:
    return -attempt.reached


class _Attempt:
    """A diagram of a module by one order, as far as it has come."""

    def __init__(self, gates: Gates, module: Module, make_order: Callable[[], Order]) -> None:
        self._gates = gates
        self._module = module
        self._make_order = make_order
        self._diagram = Diagram(0)
        self._functions = {0: FALSE}
        self.reached = 0

    @cached_property
    def order(self) -> Order:
        return self._make_order()

    def structure(self, budget: int) -> Structure | None:
        """The module as a diagram; None where so many nodes do not suffice."""
        self._diagram.allow(budget)
        try:
            for number, leaf in enumerate(self.order):
                self._functions[leaf] = self._diagram.variable(number)
            for gate in self._module.gates[self.reached :]:
                self._functions[gate] = self._function(gate)
                self.reached += 1
        except Overgrown:
            return None
        return self._diagram.compiled(self._functions[self._module.root])

    def _function(self, gate: int) -> int:
        inputs = [self._functions[each >> 1] ^ each & 1 for each in self._gates.inputs[gate]]
        match self._gates.kinds[gate]:
            case Kind.ALL:
                return self._diagram.all_of(inputs)
            case Kind.AT_LEAST:
                return self._diagram.at_least(self._gates.required[gate], inputs)
            case Kind.EXCLUSIVE:
                return self._diagram.exclusive(inputs[0], inputs[1])
            case Kind.VARIABLE:
                return TRUE  # a variable is a leaf and never inside
