"""In which order the variables of a module are tested: that decides the size of its diagram, by factors of 50.

No order is good for all, and none is known to be good before it was tried. So several are tried, each from a different idea
of what belongs together, none of them with an eye on a particular model:
- depth first, the heaviest input first: weight 1 at the root, shared equally downwards;
- depth first, what leads to most that is shared first;
- depth first, the largest input first;
- centres of gravity: every gate pulls its inputs together, starting from depth first with the heaviest input first, or with
  what leads to least that is shared.
Sources: Minato, Ishiura and Yajima, Shared binary decision diagram with attributed edges, 1990 (weights); Aloul, Markov
and Sakallah, FORCE: a fast and easy-to-implement variable-ordering heuristic, 2003.
"""

from __future__ import annotations

from array import array
from functools import cached_property
from typing import TYPE_CHECKING

from truetier.availability.fault_tree.kernel import arrange, pulled
from truetier.availability.kernel import places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from truetier.availability.fault_tree.gates import Gates
    from truetier.availability.fault_tree.modules import Module

_MOST_PULLS = 50

Order = tuple[int, ...]


def orders(gates: Gates, module: Module) -> tuple[list[Callable[[], Order]], list[Callable[[], Order]]]:
    """Ways to order the leaves of a module, depth first and by centres of gravity, what is most often good first.

    Each is worked out when it is called.
    """
    shape = _Shape(gates, module)
    return (
        [
            lambda: shape.depth_first(shape.lightness),
            lambda: shape.depth_first(shape.unshared),
            lambda: shape.depth_first(shape.smallness),
        ],
        [
            lambda: shape.drawn_together(shape.depth_first(shape.lightness)),
            lambda: shape.drawn_together(shape.depth_first(shape.shared)),
        ],
    )


class _Shape:
    """What the orders of one module are made from."""

    def __init__(self, gates: Gates, module: Module) -> None:
        self._inputs = {gate: [each >> 1 for each in gates.inputs[gate]] for gate in module.gates}
        self._module = module
        self._users = dict.fromkeys((*module.leaves, *module.gates), 0)
        weight = dict.fromkeys(self._users, 0.0)
        weight[module.root] = 1.0
        for gate in reversed(module.gates):
            share = weight[gate] / len(self._inputs[gate])
            for each in self._inputs[gate]:
                self._users[each] += 1
                weight[each] += share
        self.lightness = {gate: -own for gate, own in weight.items()}

    @cached_property
    def smallness(self) -> Mapping[int, int]:
        """How many leaves are below, as often as they are reached, as a negative number."""
        size = dict.fromkeys(self._module.leaves, -1)
        for gate in self._module.gates:
            size[gate] = sum([size[each] for each in self._inputs[gate]])
        return size

    @cached_property
    def shared(self) -> Mapping[int, int]:
        """How many gates more than one use the leaves below."""
        leaves = self._module.leaves
        bits = {leaf: 1 << number for number, leaf in enumerate(leaves)}
        more = [self._users[leaf] - 1 for leaf in leaves]
        found = dict(zip(leaves, more, strict=True))
        several = sum(1 << number for number, own in enumerate(more) if own)
        for gate in self._module.gates:
            below = 0
            for each in self._inputs[gate]:
                below |= bits[each]
            bits[gate] = below
            found[gate] = sum([more[number] for number in places(below & several)])
        return found

    @cached_property
    def unshared(self) -> Mapping[int, int]:
        """The same as a negative number."""
        return {gate: -own for gate, own in self.shared.items()}

    def depth_first(self, key: Mapping[int, float]) -> Order:
        """The leaves as a walk meets them that takes the inputs with the smallest key first."""
        found: dict[int, None] = {}
        seen: set[int] = set()
        waiting = [self._module.root]
        while waiting:
            gate = waiting.pop()
            if gate not in self._inputs:
                found[gate] = None
            elif gate not in seen:
                seen.add(gate)
                waiting.extend(sorted(self._inputs[gate], key=key.__getitem__, reverse=True))
        return tuple(found)

    def drawn_together(self, start: Sequence[int]) -> Order:
        """The leaves after every gate has pulled at what it stands on, as long as the gates get narrower."""
        things = [*start, *self._inputs]
        number = {thing: at for at, thing in enumerate(things)}
        spots = array("d", range(len(things)))
        groups, members = array("i", (0,)), array("i")
        for gate, below in self._inputs.items():
            spots[number[gate]] = sum(spots[number[each]] for each in below) / len(below)
            members.append(number[gate])
            members.extend(number[each] for each in below)
            groups.append(len(members))
        everything = range(len(things))
        best: Sequence[int] = everything
        narrowest = float("inf")
        for _ in range(_MOST_PULLS):
            line = sorted(everything, key=pulled(groups, members, spots).__getitem__)
            span = arrange(groups, members, line, spots)
            if span >= narrowest:
                break
            narrowest, best = span, line
        return tuple(things[thing] for thing in best if thing < len(start))
