"""A fault tree compiled into diagrams, one for each of its modules, to be evaluated with any probabilities of its events.

Theory. Modules are independent of one another, so a module stands for one variable with the probability that came out of it.
Both sides of every probability are carried, and all importances come from one pass back through the diagrams, by the chain rule:
B(event) is the sum over its paths to the top of the products of dP(module)/dP(leaf).
Source: design section 3, Exactness; Birnbaum 1969.
What may go wrong: size. Several orders are tried with growing numbers of nodes; what is too large for all of them gets an interval
from pruned diagrams (pruning.py).
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING

from truetier.availability.diagram.kernel import Overgrown
from truetier.availability.fault_tree.building import Building
from truetier.availability.fault_tree.gates import ALWAYS, NEVER, Gates
from truetier.availability.fault_tree.modules import modules_of, packed
from truetier.availability.fault_tree.pruning import Chances, enclosed
from truetier.availability.fault_tree.search import LEVELS, smallest
from truetier.availability.fault_tree.simplify import simplified
from truetier.availability.value import IMPOSSIBLE, Value
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from truetier.availability.diagram.kernel import Structure
    from truetier.availability.fault_tree.modules import Module
    from truetier.availability.fault_tree.order import Order
    from truetier.catalog.fault_tree import Chance, FaultTree

_MOST_OPEN = 10  # leaves of one part that are intervals
_DEEPEST = 100_000  # variables in one diagram: its operations recurse once for each


class Part(NamedTuple):
    """A module as a diagram; ``leaves``: what its variables are, gates of modules or variables of events.

    ``high`` is another one than ``low`` only where the module is too large: it lies between the two.
    """

    root: int
    leaves: Order
    low: Structure
    high: Structure


class Program:
    """One top event, ready to be evaluated with any probabilities; those of the tree only tell what a bound may leave out."""

    def __init__(self, tree: FaultTree, top: str, levels: Sequence[int] = LEVELS) -> None:
        self.gates = Gates()
        building = Building(tree, self.gates)
        self.root = packed(self.gates, simplified(self.gates, building.function(top)))
        self.variables = building.variables
        self.parts: list[Part] = []
        with deep_recursion():
            known = self._known(tree.events)
            for module in modules_of(self.gates, self.root):
                self.parts.append(_part(self.gates, module, levels, known))
                known[2 * module.root] = _evaluated(self.parts[-1], known)

    @property
    def is_exact(self) -> bool:
        """Whether no module is too large."""
        return all(part.high is part.low for part in self.parts)

    @property
    def nodes(self) -> int:
        """Of all its diagrams."""
        return sum(part.low.size for part in self.parts)

    def evaluate(self, chances: Mapping[str, Chance]) -> Value:
        """The probability that the top event happens."""
        known = self._known(chances)
        for part in self.parts:
            known[2 * part.root] = _evaluated(part, known)
        value = known[self.root & ~1] if self.root > ALWAYS else known[self.root]
        return _contrary(value) if self.root > ALWAYS and self.root & 1 else value

    def sensitivity(self, chances: Mapping[str, Chance]) -> Mapping[str, float]:
        """How the probability of the top moves with that of each event: P(top | event) - P(top | not event).

        Raises Overgrown where the program is not exact.
        """
        if not self.is_exact:
            raise Overgrown
        known = self._known(chances)
        slopes: list[list[float]] = []
        for part in self.parts:
            ups, downs = _columns([known[2 * leaf] for leaf in part.leaves])
            up, down, slope = part.low.differentiate(ups, downs)
            known[2 * part.root] = Value(up, up, down, down)
            slopes.append(slope)
        weight = dict.fromkeys(known, 0.0)
        weight[self.root & ~1] = -1.0 if self.root & 1 else 1.0
        for part, slope in zip(reversed(self.parts), reversed(slopes), strict=True):
            own = weight[2 * part.root]
            for leaf, each in zip(part.leaves, slope, strict=True):
                weight[2 * leaf] += own * each
        return {name: weight[self.variables[name]] if name in self.variables else 0.0 for name in chances}

    def _known(self, chances: Mapping[str, Chance]) -> dict[int, Value]:
        """The probabilities of the functions that are there before any module: constants and events."""
        known = {NEVER: IMPOSSIBLE, ALWAYS: _contrary(IMPOSSIBLE)}
        for name, function in self.variables.items():
            chance = chances[name]
            known[function] = Value(chance.happens, chance.happens, chance.not_happens, chance.not_happens)
        return known


def _contrary(value: Value) -> Value:
    return Value(value.down_low, value.down_high, value.up_low, value.up_high)


def _columns(values: Iterable[Value]) -> Chances:
    pairs = [(value.up_low, value.down_high) for value in values]
    return Chances([up for up, _ in pairs], [down for _, down in pairs])


def _evaluated(part: Part, known: Mapping[int, Value]) -> Value:
    """The probability of a part. It is linear in that of each leaf, so between bounds it is extreme at some corner of them."""
    leaves = [known[2 * leaf] for leaf in part.leaves]
    open_ = [number for number, value in enumerate(leaves) if not value.is_exact]
    if len(open_) > _MOST_OPEN:
        return Value(0.0, 1.0, 0.0, 1.0)
    ups, downs = _columns(leaves)
    found: list[Value] = []
    for corner in product((False, True), repeat=len(open_)):
        for number, is_high in zip(open_, corner, strict=True):
            value = leaves[number]
            ups[number], downs[number] = (value.up_high, value.down_low) if is_high else (value.up_low, value.down_high)
        up, down = part.low.evaluate(ups, downs)
        best_up, best_down = (up, down) if part.high is part.low else part.high.evaluate(ups, downs)
        found.append(Value(up, best_up, best_down, down))
    return Value(
        min(each.up_low for each in found),
        max(each.up_high for each in found),
        min(each.down_low for each in found),
        max(each.down_high for each in found),
    )


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Where the diagram runs uncompiled its operations are calls inside calls."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 4 * _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _part(gates: Gates, module: Module, levels: Sequence[int], known: Mapping[int, Value]) -> Part:
    """A module as a diagram, or as bounds where no order makes it small enough."""
    found = smallest(gates, module, levels)
    if found.structure is not None:
        return Part(module.root, found.order, found.structure, found.structure)
    chances = _columns([known[2 * leaf] for leaf in found.order])
    return Part(module.root, found.order, *enclosed(gates, module, found.order, chances))
