"""The smallest of several diagrams, side by side: orders are tried with more and more nodes, and those that get furthest go on.

No order is good for all (order.py), and one bad order can cost fifty times the nodes; so none is followed to its end before others
had a chance. What was made is kept: an order that is given more nodes goes on where it stopped.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from truetier.availability.diagram.kernel import FALSE, IS_COMPILED, TRUE, Diagram, Overgrown
from truetier.availability.fault_tree.gates import Kind
from truetier.availability.fault_tree.order import orders
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier.availability.diagram.kernel import Structure
    from truetier.availability.fault_tree.gates import Gates
    from truetier.availability.fault_tree.modules import Module
    from truetier.availability.fault_tree.order import Order


# Nodes that a diagram may have, level by level. The last is the budget: about 40 bytes a node, and six times that where the kernel
# runs uncompiled.
LEVELS = (1_000, 3_000, 9_000, 27_000, 80_000, 250_000, 800_000, 2_500_000, *([10_000_000] if IS_COMPILED else []))
# How many orders of each family go on, level by level, from where one has half of the gates; before that there is little to tell them
# apart by. Each that goes on costs as much as the one that wins.
_WIDTHS = ((2, 2), (2, 1), (1, 1))
_FAR = 3  # times the nodes


class Found(NamedTuple):
    """The order that came furthest, and the diagram if it came to the end."""

    order: Order
    structure: Structure | None


def smallest(gates: Gates, module: Module, levels: Sequence[int]) -> Found:
    """Tries orders with more and more nodes until one is done, of each family those that came furthest with fewer.

    How far an order gets with few nodes says a good deal of its own family, and little of another; but one that took far more
    nodes than the leader for the same gates waits for the last level.
    """
    families = [[_Attempt(gates, module, order) for order in family] for family in orders(gates, module)]
    widths = iter(_WIDTHS)
    width = next(widths)
    leader = families[0][0]
    for nodes in levels:
        is_last = nodes == levels[-1]
        for attempt in sorted((attempt for family in families for attempt in family), key=_place):
            if is_last or not attempt.is_far_behind(leader):
                structure = attempt.structure(nodes)
                if structure is not None:
                    return Found(attempt.order, structure)
        for family in families:
            family.sort(key=_place)
        leader = min((family[0] for family in families), key=_place)
        if 2 * leader.reached >= len(module.gates):
            for family, most in zip(families, width, strict=True):
                del family[most:]
            width = next(widths, width)
    return Found(leader.order, None)


def _place(attempt: _Attempt) -> tuple[int, int]:
    """Ahead is who has more gates, then who had them with fewer nodes."""
    return -attempt.reached, attempt.nodes[-1]


class _Attempt:
    """A diagram of a module by one order, as far as it has come."""

    def __init__(self, gates: Gates, module: Module, make_order: Callable[[], Order]) -> None:
        self._gates = gates
        self._module = module
        self._make_order = make_order
        self._functions = {0: FALSE}
        self.nodes = [0]  # after each gate

    @property
    def reached(self) -> int:
        """How many gates are done."""
        return len(self.nodes) - 1

    @cached_property
    def order(self) -> Order:
        return self._make_order()

    @cached_property
    def _diagram(self) -> Diagram:
        return Diagram(0)

    def is_far_behind(self, leader: _Attempt) -> bool:
        """Whether it took far more nodes than another for the gates that it has."""
        return self.nodes[-1] > _FAR * leader.nodes[self.reached]

    def structure(self, budget: int) -> Structure | None:
        """The module as a diagram; None where so many nodes do not suffice."""
        self._diagram.allow(budget)
        try:
            for number, leaf in enumerate(self.order):
                self._functions[leaf] = self._diagram.variable(number)
            for gate in self._module.gates[self.reached :]:
                self._functions[gate] = self._function(gate)
                self.nodes.append(self._diagram.size)
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
