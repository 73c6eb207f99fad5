"""Bounds of a module that is too large for any diagram: one function that implies it, one that it implies, each small.

Theory. Every gate carries two diagrams, one that is true at most where the gate is, and one that is true at least there. A
conjunction of lower ones is a lower one, the complement of an upper one is a lower one, and so on through all gates. Whenever one
grows beyond a size, the nodes that matter least become never, or always. What comes out encloses the module whatever the
probabilities of its events are; those decide only what matters least.
What may go wrong: nothing that makes it wrong; it may be wide. Several orders are tried, and the narrowest sides are taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.diagram.kernel import Diagram, Overgrown
from truetier.availability.fault_tree.gates import NEVER, Kind
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.diagram.kernel import Structure
    from truetier.availability.fault_tree.gates import Gates
    from truetier.availability.fault_tree.modules import Module
    from truetier.availability.fault_tree.order import Order

KEPT = 10_000  # nodes of one function
_ROOM = 4_000_000  # nodes of the diagram they are made in; it is swept when it is half full


class Chances(NamedTuple):
    """Of some variables: the probabilities of being true, and of not."""

    up: list[float]
    down: list[float]


class Enclosure(NamedTuple):
    """A function that implies the module and one that it implies, over leaves in the same order."""

    low: Structure
    high: Structure


class _Pair(NamedTuple):
    low: int
    high: int


def enclosed(gates: Gates, module: Module, order: Order, chances: Chances) -> Enclosure:
    """Bounds of a module; ``chances`` of the leaves in that order."""
    kept = KEPT
    while True:
        try:
            return _Pruning(gates, module, order, chances, kept).enclosure()
        except Overgrown:  # two of the size together gave more than there is room for
            kept //= 4


class _Pruning:
    def __init__(self, gates: Gates, module: Module, order: Order, chances: Chances, kept: int) -> None:
        self._gates = gates
        self._module = module
        self._chances = chances
        self._kept = kept
        self._diagram = Diagram(_ROOM)
        self._pairs = {0: _Pair(NEVER, NEVER)}
        for number, leaf in enumerate(order):
            function = self._diagram.variable(number)
            self._pairs[leaf] = _Pair(function, function)
        self._last_user = {each >> 1: gate for gate in module.gates for each in gates.inputs[gate]}

    def enclosure(self) -> Enclosure:
        for gate in self._module.gates:
            self._pairs[gate] = self._bounds(gate)
            for inner in {each >> 1 for each in self._gates.inputs[gate]}:
                if self._last_user[inner] == gate:
                    del self._pairs[inner]
            if self._diagram.size > _ROOM // 2:
                self._sweep()
        low, high = self._pairs[self._module.root]
        return Enclosure(self._diagram.compiled(low), self._diagram.compiled(high))

    def _bounds(self, gate: int) -> _Pair:
        inputs = [self._input(each) for each in self._gates.inputs[gate]]
        lows, highs = [each.low for each in inputs], [each.high for each in inputs]
        match self._gates.kinds[gate]:
            case Kind.ALL:
                return _Pair(self._all_of(lows, upward=False), self._all_of(highs, upward=True))
            case Kind.AT_LEAST:
                required = self._gates.required[gate]
                return _Pair(self._at_least(required, lows, upward=False), self._at_least(required, highs, upward=True))
            case Kind.EXCLUSIVE | Kind.VARIABLE:
                (low, other_low), (high, other_high) = lows, highs
                return _Pair(
                    self._either((low, other_high ^ 1), (high ^ 1, other_low), upward=False),
                    self._either((high, other_low ^ 1), (low ^ 1, other_high), upward=True),
                )

    def _input(self, function: int) -> _Pair:
        low, high = self._pairs[function >> 1]
        return _Pair(high ^ 1, low ^ 1) if function & 1 else _Pair(low, high)

    def _all_of(self, functions: Sequence[int], *, upward: bool) -> int:
        result = NEVER ^ 1
        for function in sorted(functions, key=self._diagram.top, reverse=True):
            result = self._small(self._diagram.conjoin(function, result), upward=upward)
        return result

    def _either(self, left: tuple[int, int], right: tuple[int, int], *, upward: bool) -> int:
        made = self._diagram.disjoin(self._all_of(left, upward=upward), self._all_of(right, upward=upward))
        return self._small(made, upward=upward)

    def _at_least(self, required: int, functions: Sequence[int], *, upward: bool) -> int:
        reached = [NEVER ^ 1] + [NEVER] * required
        for function in sorted(functions, key=self._diagram.top, reverse=True):
            for count in range(required, 0, -1):
                made = self._diagram.disjoin(self._diagram.conjoin(function, reached[count - 1]), reached[count])
                reached[count] = self._small(made, upward=upward)
        return reached[required]

    def _small(self, function: int, *, upward: bool) -> int:
        return self._diagram.pruned(function, self._kept, self._chances.up, self._chances.down, upward=upward)

    def _sweep(self) -> None:
        """Forgets what no gate needs any more."""
        self._diagram, numbers = self._diagram.taken([function for pair in self._pairs.values() for function in pair])
        self._pairs = {gate: _Pair(*numbers[2 * at : 2 * at + 2]) for at, gate in enumerate(self._pairs)}
