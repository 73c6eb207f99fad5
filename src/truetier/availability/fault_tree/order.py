"""In which order the variables of a module are tested: that decides the size of its diagram, by factors of 50.

No order is good for all, and none is known to be good before it was tried. So several are tried, each from a different idea
of what belongs together, none of them with an eye on a particular model:
- depth first, the heaviest input first: weight 1 at the root, shared equally downwards;
- depth first, what leads to most that is shared first;
- depth first, the largest input first;
- centres of gravity: every gate pulls its inputs together, starting from depth first with the smallest input first, or from
  the heaviest.
Sources: Minato, Ishiura and Yajima, Shared binary decision diagram with attributed edges, 1990 (weights); Aloul, Markov
and Sakallah, FORCE: a fast and easy-to-implement variable-ordering heuristic, 2003.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from truetier.availability.fault_tree.kernel import pulled, width

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
            lambda: shape.depth_first({gate: -size for gate, size in shape.size.items()}),
            lambda: shape.depth_first(shape.size),
        ],
        [
            lambda: shape.drawn_together(shape.depth_first(shape.size)),
            lambda: shape.drawn_together(shape.depth_first(shape.lightness)),
        ],
    )


class _Shape:
    """What the orders of one module are made from."""

    def __init__(self, gates: Gates, module: Module) -> None:
        self._inputs = {gate: [each >> 1 for each in gates.inputs[gate]] for gate in module.gates}
        self._module = module
        users = dict.fromkeys((*module.leaves, *module.gates), 0)
        weight = dict.fromkeys(users, 0.0)
        weight[module.root] = 1.0
        for gate in reversed(module.gates):
            share = weight[gate] / len(self._inputs[gate])
            for each in self._inputs[gate]:
                users[each] += 1
                weight[each] += share
        self.lightness = {gate: -own for gate, own in weight.items()}
        self.size: dict[int, int] = dict.fromkeys(module.leaves, 1)  # leaves below, as often as they are reached
        bits = {leaf: 1 << number for number, leaf in enumerate(module.leaves)}
        shared = [users[leaf] - 1 for leaf in module.leaves]
        self.unshared: dict[int, int] = {leaf: -(users[leaf] - 1) for leaf in module.leaves}
        for gate in module.gates:
            self.size[gate] = sum(self.size[each] for each in self._inputs[gate])
            below = 0
            for each in self._inputs[gate]:
                below |= bits[each]
            bits[gate] = below
            self.unshared[gate] = -sum(count for number, count in enumerate(shared) if below >> number & 1)

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
        places = array("d", range(len(things)))
        groups, members = array("i", (0,)), array("i")
        for gate, below in self._inputs.items():
            places[number[gate]] = sum(places[number[each]] for each in below) / len(below)
            members.append(number[gate])
            members.extend(number[each] for each in below)
            groups.append(len(members))
        best = tuple(start)
        narrowest = float("inf")
        for _ in range(_MOST_PULLS):
            line = sorted(range(len(things)), key=pulled(groups, members, places).__getitem__)
            for at, thing in enumerate(line):
                places[thing] = at
            span = width(groups, members, places)
            if span >= narrowest:
                break
            narrowest = span
            best = tuple(things[thing] for thing in line if thing < len(start))
        return best
