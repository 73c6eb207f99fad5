"""The formulas of a fault tree as gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.fault_tree.gates import ALWAYS, NEVER
from truetier.catalog.fault_tree import Formula, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.availability.fault_tree.gates import Gates
    from truetier.catalog.fault_tree import FaultTree, Item


class Building:
    """Writes gates of a tree into ``gates``, each once. ``variables``: the function of each event that stands below one of them."""

    def __init__(self, tree: FaultTree, gates: Gates) -> None:
        self._tree = tree
        self._gates = gates
        self._functions: dict[str, int] = {}
        self.variables: dict[str, int] = {}

    def function(self, top: str) -> int:
        """The function of one gate; a gate below a gate is no call inside a call."""
        waiting = [top]
        while waiting:
            name = waiting[-1]
            if name in self._functions:
                waiting.pop()
                continue
            if name not in self._tree.gates:
                self._functions[name] = self.variables[name] = self._gates.variable()
                continue
            formula = self._tree.gates[name]
            missing = [inner for inner in _names(formula) if inner not in self._functions]
            if missing:
                waiting.extend(reversed(missing))
            else:
                self._functions[name] = self._of(formula)
        return self._functions[top]

    def _of(self, item: Item) -> int:
        if isinstance(item, str):
            return self._functions[item]
        if isinstance(item, bool):
            return ALWAYS if item else NEVER
        return self._combined(item.operator, item.required, [self._of(each) for each in item.items])

    def _combined(self, operator: Operator, required: int, functions: list[int]) -> int:
        gates = self._gates
        match operator:
            case Operator.AND | Operator.NAND:
                return gates.all_of(functions) ^ (operator is Operator.NAND)
            case Operator.OR | Operator.NOR:
                return gates.any_of(functions) ^ (operator is Operator.NOR)
            case Operator.XOR | Operator.IFF:
                return gates.exclusive(functions[0], functions[1]) ^ (operator is Operator.IFF)
            case Operator.SAME | Operator.NOT:
                return functions[0] ^ (operator is Operator.NOT)
            case Operator.IMPLY:
                return gates.any_of((functions[0] ^ 1, functions[1]))
            case Operator.AT_LEAST:
                return gates.at_least(required, functions)


def _names(formula: Formula) -> Iterator[str]:
    for item in formula.items:
        if isinstance(item, str):
            yield item
        elif isinstance(item, Formula):
            yield from _names(item)
