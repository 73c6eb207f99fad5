"""Parts of a function that share nothing with the rest: each is evaluated on its own and then stands for one variable.

Theory. On one walk through the gates every gate has a first and a last visit. What is below a gate is its own alone where all
visits to all of it lie between the gate's first visit and the end of that visit: then the gate is a module. Linear.
First, inputs of a conjunction that only this gate uses are put together, as far as they share something, in gates of
their own, so that there are more modules to find. Source: Dutuit and Rauzy, A linear-time algorithm to find modules of fault
trees, 1996.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.fault_tree.gates import NEVER, Kind
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.fault_tree.gates import Gates


class Module(NamedTuple):
    """A gate that shares nothing with the rest: the gates inside it bottom up, itself the last, and what they stand on.

    ``leaves`` are variables and the gates of other modules, in the order in which a walk meets them.
    """

    gates: tuple[int, ...]
    leaves: tuple[int, ...]

    @property
    def root(self) -> int:
        """The gate that stands for it."""
        return self.gates[-1]


def modules_of(gates: Gates, root: int) -> list[Module]:
    """All modules below a function, bottom up; the last one is the whole. A variable or a constant has none."""
    dates = _Dates(gates, root)
    roots = {gate for gate in dates.order if gates.inputs[gate] and dates.is_module(gate)}
    return [_module(gates, gate, roots) for gate in sorted(roots)]


def packed(gates: Gates, root: int) -> int:
    """The same function, with the private parts of each conjunction in gates of their own."""
    dates = _Dates(gates, root)
    made = {0: NEVER}
    for gate in dates.order:
        replaced = [made[each >> 1] ^ each & 1 for each in gates.inputs[gate]]
        if gates.kinds[gate] is Kind.ALL:
            made[gate] = _apart(gates, dates, gate, replaced)
        else:
            made[gate] = gates.like(gate, replaced)
    return made[root >> 1] ^ root & 1


def _apart(gates: Gates, dates: _Dates, gate: int, replaced: Sequence[int]) -> int:
    private: list[tuple[int, int, int]] = []
    shared: list[int] = []
    for each, old in zip(replaced, gates.inputs[gate], strict=True):
        if dates.is_private(old >> 1, gate):
            private.append((dates.earliest[old >> 1], dates.latest[old >> 1], each))
        else:
            shared.append(each)
    parts: list[list[int]] = []
    end = 0
    for earliest, latest, each in sorted(private):
        if parts and earliest <= end:
            parts[-1].append(each)
        else:
            parts.append([each])
        end = max(end, latest)
    alone = gates.all_of([gates.all_of(part) for part in parts])
    return gates.all_of([*shared, alone])


class _Dates:
    """The visits of one walk. ``earliest`` and ``latest``: of all visits to a gate and to anything below it."""

    def __init__(self, gates: Gates, root: int) -> None:
        self.order = gates.below(root)
        self._first: dict[int, int] = {}
        self._end: dict[int, int] = {}  # of the first visit
        last = self._walk(gates, root >> 1)
        self.earliest: dict[int, int] = {}
        self.latest: dict[int, int] = {}
        self._below: dict[int, tuple[int, int]] = {}
        for gate in self.order:
            self.earliest[gate], self.latest[gate] = self._first[gate], last[gate]
            below = [each >> 1 for each in gates.inputs[gate]]
            if below:
                earliest, latest = min([self.earliest[each] for each in below]), max([self.latest[each] for each in below])
                self._below[gate] = earliest, latest
                self.earliest[gate] = min(self.earliest[gate], earliest)
                self.latest[gate] = max(self.latest[gate], latest)

    def is_module(self, gate: int) -> bool:
        """Whether nothing else uses anything below the gate."""
        earliest, latest = self._below[gate]
        return self._first[gate] < earliest and latest < self._end[gate]

    def is_private(self, inner: int, gate: int) -> bool:
        """Whether only this gate uses an input and what is below it."""
        return self._first[gate] < self.earliest[inner] and self.latest[inner] < self._end[gate]

    def _walk(self, gates: Gates, top: int) -> dict[int, int]:
        """Visits everything; gives the date of each last visit."""
        last: dict[int, int] = {}
        date = 0
        waiting = [top]
        while waiting:
            gate = waiting.pop()
            date += 1
            if gate < 0:
                self._end[~gate] = last[~gate] = date
            elif gate in self._first:
                last[gate] = date
            else:
                self._first[gate] = last[gate] = date
                waiting.append(~gate)
                waiting.extend(each >> 1 for each in reversed(gates.inputs[gate]))
        return last


def _module(gates: Gates, root: int, roots: set[int]) -> Module:
    inside: set[int] = set()
    leaves: dict[int, None] = {}
    waiting = [root]
    while waiting:
        gate = waiting.pop()
        if gate != root and (gate in roots or not gates.inputs[gate]):
            leaves[gate] = None
        elif gate not in inside:
            inside.add(gate)
            waiting.extend(each >> 1 for each in reversed(gates.inputs[gate]))
    return Module(tuple(sorted(inside)), tuple(leaves))
