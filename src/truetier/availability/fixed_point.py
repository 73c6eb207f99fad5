"""The greatest solution of a cycle's equations, for every state of what the cycle stands on.

Theory. Everything outside the cycle is one opaque variable for each distinct set. The equations are monotone Boolean functions
of these and of each other; starting from "all up" they fall, and stand still after at most as many rounds as there are
equations. On a diagram equal functions are equal numbers, so standing still is seen at once. The solution is monotone too,
and a node of it reads back as: the low side, or the variable and the high side.
Taking sets that share events as independent variables is right: a solution for all their states is one for those that occur.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.diagram.kernel import FALSE, TRUE, Diagram, Overgrown
from truetier.availability.factors import ALWAYS, NEVER
from truetier.availability.formula import AllOf, AtLeast, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from truetier.availability.factors import Factors
    from truetier.availability.formula import Formula

NODES = 20_000  # of the diagram of one cycle
ROUNDS = 100_000  # equations evaluated in one cycle
_WIDEST = 2_000  # opaque variables: the diagram recurses once for each


def greatest(system: Sequence[Formula], part_of: Mapping[Unknown, int], outside: Callable[[Unknown], int], factors: Factors) -> list[int]:
    """The set of each equation. Raises Overgrown past the budgets.

    ``part_of`` gives the equation of an unknown inside the cycle, ``outside`` the set of any other.
    """
    return _Solver(system, part_of, outside, factors).solve()


class _Solver:
    def __init__(
        self, system: Sequence[Formula], part_of: Mapping[Unknown, int], outside: Callable[[Unknown], int], factors: Factors
    ) -> None:
        self._system = system
        self._part_of = part_of
        self._outside = outside
        self._factors = factors
        self._diagram = Diagram(NODES)
        self._sets = list(dict.fromkeys(mask for formula in system for mask in self._opaque(formula)))
        self._variables = {mask: self._diagram.variable(number) for number, mask in enumerate(self._sets)}
        self._variables[ALWAYS] = TRUE
        self._variables[NEVER] = FALSE
        self._values = [TRUE] * len(system)

    def solve(self) -> list[int]:
        if len(self._sets) > _WIDEST:
            raise Overgrown
        left = ROUNDS
        while True:
            before = list(self._values)
            for number, formula in enumerate(self._system):
                self._values[number] = self._function(formula)
            if self._values == before:
                return self._read_back()
            left -= len(self._system)
            if left < 0:
                raise Overgrown

    def _opaque(self, formula: Formula) -> Iterator[int]:
        match formula:
            case int():
                if formula not in (ALWAYS, NEVER):
                    yield formula
            case Unknown():
                if formula not in self._part_of:
                    yield from self._opaque(self._outside(formula))
            case AllOf(items) | AtLeast(_, items):
                for item in items:
                    yield from self._opaque(item)

    def _function(self, formula: Formula) -> int:
        match formula:
            case int():
                return self._variables[formula]
            case Unknown():
                number = self._part_of.get(formula)
                return self._variables[self._outside(formula)] if number is None else self._values[number]
            case AllOf(items):
                return self._diagram.all_of([self._function(item) for item in items])
            case AtLeast(required, items):
                return self._diagram.at_least(required, [self._function(item) for item in items])

    def _read_back(self) -> list[int]:
        sets = {FALSE: NEVER, TRUE: ALWAYS}
        for function, variable, low, high in self._diagram.below(self._values):
            with_it = self._factors.all_of((self._sets[variable], sets[high]))
            sets[function] = self._factors.at_least(1, [sets[low], with_it])
        return [sets[value] for value in self._values]
