"""The same function with fewer gates: what it takes to be small before it becomes a diagram.

Each round goes through all gates, and the rounds end when one changes nothing:
- a conjunction inside a conjunction that nothing else uses is part of it;
- a literal that is known wherever a gate still matters is a constant inside it: beside a conjunction's other inputs, which
  hold wherever this one decides, on every path down to the gate;
- xa + xb = x(a + b), what is shared most often first.
Sources: Rauzy, Toward an efficient implementation of the MOCUS algorithm, 2003 (coalescing); Niemela, On simplification of
large fault trees, 1994 (constant propagation, absorption); Dutuit and Rauzy 1996.
What may go wrong: a gate with several parents. Only what is known on all paths may be put into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.fault_tree.gates import ALWAYS, NEVER, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.fault_tree.gates import Gates

_MOST_ROUNDS = 20
_MOST_KNOWN = 1000  # literals followed downwards; to forget some is safe, and chains stay linear
_MOST_FACTORED = 5000  # inputs of the disjunctions below one gate


def simplified(gates: Gates, root: int) -> int:
    """An equal function, not larger."""
    size = _size(gates, root)
    factored: dict[tuple[int, ...], int] = {}  # most conjunctions are the same in the next round
    for _ in range(_MOST_ROUNDS):
        found = _round(gates, root, factored)
        before, size = size, _size(gates, found)
        if size > before:
            return root
        if size == before:
            return found
        root = found
    return root


def _size(gates: Gates, root: int) -> int:
    """Inputs of all gates below."""
    return sum(len(gates.inputs[gate]) for gate in gates.below(root))


def _round(gates: Gates, root: int, factored: dict[tuple[int, ...], int]) -> int:
    order = gates.below(root)
    users = _users(gates, order)
    known = _known(gates, order)
    made = {0: NEVER}
    for gate in order:
        facts = known.get(gate)
        inputs = gates.inputs[gate]
        replaced = [_replaced(each, made, facts) for each in inputs] if facts else [made[each >> 1] ^ each & 1 for each in inputs]
        if gates.kinds[gate] is Kind.ALL:
            flat: list[int] = []
            for each, old in zip(replaced, inputs, strict=True):
                if each & 1 or users[old >> 1] > 1 or gates.kinds[each >> 1] is not Kind.ALL:
                    flat.append(each)
                else:
                    flat.extend(gates.inputs[each >> 1])
            key = tuple(flat)
            if key not in factored:
                factored[key] = found = _factored(gates, flat)
                if not found & 1:
                    factored[gates.inputs[found >> 1]] = found  # what the next round will ask
            made[gate] = factored[key]
        else:
            made[gate] = gates.like(gate, replaced)
    return made[root >> 1] ^ root & 1


def _replaced(function: int, made: dict[int, int], facts: frozenset[int]) -> int:
    if function in facts:
        return ALWAYS
    if function ^ 1 in facts:
        return NEVER
    return made[function >> 1] ^ function & 1


def _users(gates: Gates, order: Sequence[int]) -> dict[int, int]:
    """How many gates use each."""
    users = dict.fromkeys(order, 0)
    for gate in order:
        for each in gates.inputs[gate]:
            users[each >> 1] += 1
    return users


def _known(gates: Gates, order: Sequence[int]) -> dict[int, frozenset[int]]:
    """For each gate the functions that hold wherever it still matters; and itself, which never stands below it."""
    known: dict[int, frozenset[int]] = {order[-1]: frozenset()} if order else {}
    for gate in reversed(order):
        inputs = gates.inputs[gate]
        if not inputs:
            continue
        facts = known[gate]
        if gates.kinds[gate] is Kind.ALL and len(facts) + len(inputs) <= _MOST_KNOWN:
            facts = facts.union(inputs)
        for each in inputs:
            below = each >> 1
            if gates.inputs[below]:
                before = known.get(below)
                known[below] = facts if before is None else before & facts
    return known


def _factored(gates: Gates, functions: Sequence[int]) -> int:
    """All of the functions, where disjunctions with a common input are one: (x + a)(x + b) = x + ab."""
    left = list(dict.fromkeys(functions))
    while True:
        disjunctions = [each for each in left if each & 1 and gates.kinds[each >> 1] is Kind.ALL]
        inputs = [gates.inputs[each >> 1] for each in disjunctions]
        total = sum(map(len, inputs))
        if total > _MOST_FACTORED or len(set().union(*inputs)) == total:
            return gates.all_of(left)
        users: dict[int, list[int]] = {}
        for each, inside in zip(disjunctions, inputs, strict=True):
            for inner in inside:
                users.setdefault(inner, []).append(each)
        shared = max(users, key=lambda inner: len(users[inner]))
        together = users[shared]
        rests = [gates.all_of([inner for inner in gates.inputs[each >> 1] if inner != shared]) ^ 1 for each in together]
        left = [each for each in left if each not in together]
        left.append(gates.all_of((shared, _factored(gates, rests) ^ 1)) ^ 1)
