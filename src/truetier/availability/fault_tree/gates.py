"""Boolean functions as gates that are never made twice.

A function is twice the number of its gate, plus one where it is negated; 0 is never, 1 is always. There are three kinds of
gates: all of some functions, exactly one of two, at least so many of some. A disjunction is a negated conjunction of negations, so that
what lies on both sides of one is seen as alike. Inputs are made before what stands over them: ascending numbers are bottom up.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NEVER = 0
ALWAYS = 1


class Kind(IntEnum):
    """What a gate does with its inputs; numbers, which are found in a dictionary faster than other members."""

    VARIABLE = 0
    ALL = 1
    EXCLUSIVE = 2
    AT_LEAST = 3


class Gates:
    """All gates of one fault tree; gate 0 is the constant."""

    def __init__(self) -> None:
        self.kinds = [Kind.VARIABLE]
        self.inputs: list[tuple[int, ...]] = [()]
        self.required = [0]
        self._numbers: dict[tuple[Kind, int, tuple[int, ...]], int] = {}

    def variable(self) -> int:
        """A function of its own, independent of all others."""
        return self._add(Kind.VARIABLE, 0, ())

    def all_of(self, functions: Iterable[int]) -> int:
        """All of them."""
        distinct = set(functions)
        distinct.discard(ALWAYS)
        if NEVER in distinct or not distinct.isdisjoint([function ^ 1 for function in distinct]):
            return NEVER
        if len(distinct) < 2:
            return distinct.pop() if distinct else ALWAYS
        return self._gate(Kind.ALL, 0, tuple(sorted(distinct)))

    def any_of(self, functions: Iterable[int]) -> int:
        """At least one of them."""
        return self.all_of([function ^ 1 for function in functions]) ^ 1

    def exclusive(self, left: int, right: int) -> int:
        """Exactly one of the two."""
        sign = (left ^ right) & 1
        low, high = sorted((left & ~1, right & ~1))
        if low == high:
            return sign
        return (high if low == NEVER else self._gate(Kind.EXCLUSIVE, 0, (low, high))) ^ sign

    def at_least(self, required: int, functions: Sequence[int]) -> int:
        """At least so many of them; one that is named twice counts twice."""
        required -= sum(function == ALWAYS for function in functions)
        open_ = sorted(function for function in functions if function > ALWAYS)
        if required <= 0:
            return ALWAYS
        if required > len(open_):
            return NEVER
        if required == 1:
            return self.any_of(open_)
        if required == len(open_):
            return self.all_of(open_)
        return self._gate(Kind.AT_LEAST, required, tuple(open_))

    def like(self, gate: int, functions: Sequence[int]) -> int:
        """What a gate does, done with other inputs."""
        match self.kinds[gate]:
            case Kind.VARIABLE:
                return 2 * gate
            case Kind.ALL:
                return self.all_of(functions)
            case Kind.EXCLUSIVE:
                return self.exclusive(functions[0], functions[1])
            case Kind.AT_LEAST:
                return self.at_least(self.required[gate], functions)

    def below(self, function: int) -> list[int]:
        """The gates a function is made of, its own among them, bottom up; without the constant."""
        last = function >> 1
        wanted = bytearray(last + 1)
        wanted[last] = 1
        for gate in range(last, 0, -1):
            if wanted[gate]:
                for each in self.inputs[gate]:
                    wanted[each >> 1] = 1
        return [gate for gate in range(1, last + 1) if wanted[gate]]

    def _gate(self, kind: Kind, required: int, inputs: tuple[int, ...]) -> int:
        key = (kind, required, inputs)
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = self._add(kind, required, inputs)
        return known

    def _add(self, kind: Kind, required: int, inputs: tuple[int, ...]) -> int:
        self.kinds.append(kind)
        self.inputs.append(inputs)
        self.required.append(required)
        return 2 * (len(self.kinds) - 1)
