"""Minimal cut sets: the smallest sets of events that bring the top event about.

Theory. Where the top moves one way with each event (the tree is coherent, up to the names of its events), a set is a cut set when
the top happens with its events alone. Sets of one and of two events are found by trying all of them at once, a bit for
each: that needs no diagram and works for every tree. Larger ones are read off the diagrams, module by module; a module counts
for as many events as its smallest set has.
What may go wrong: the tree is not coherent; then there are no minimal cut sets, and none is made up.
"""

from __future__ import annotations

from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING

from truetier.availability.diagram.kernel import Overgrown
from truetier.availability.fault_tree.gates import ALWAYS, NEVER, Kind
from truetier.availability.fault_tree.program import deep_recursion
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truetier.availability.fault_tree.program import Part, Program
    from truetier.catalog.fault_tree import Chance

MOST_SETS = 100_000  # that are listed
_SMALL = 2  # events, found for every tree
_BITS = 1 << 23  # combinations tried at once

_RISES, _FALLS = 1, 2
_CONTRARY = (0, _FALLS, _RISES, _RISES | _FALLS)
_Set = frozenset[int]  # functions: of a variable, or its contrary


class CutSet(NamedTuple):
    """Events that together bring the top about, in file order; those in ``absent`` do it by not happening."""

    present: tuple[str, ...]
    absent: tuple[str, ...]
    probability: float


class CutSets(NamedTuple):
    """The minimal cut sets of at most ``order`` events, the most probable of each size first.

    ``is_complete`` is false where there are more of them than are listed.
    """

    order: int
    sets: tuple[CutSet, ...]
    is_complete: bool


class NotCoherentError(Exception):
    """The top happens by an event here and by its contrary there: there are no minimal cut sets."""


def cut_sets(program: Program, chances: Mapping[str, Chance], order: int) -> CutSets:
    """The cut sets of at most that many events; of at most two where the diagrams are too large for more.

    Raises NotCoherentError.
    """
    moves = _moves(program)
    if order > _SMALL and program.is_exact:
        try:
            found = _from_diagrams(program, moves, order)
        except Overgrown:
            order, found = _SMALL, _by_trying(program, moves, _SMALL)
    else:
        order = min(order, _SMALL)
        found = _by_trying(program, moves, order)
    names = {function: name for name, function in program.variables.items()}
    rank = {name: number for number, name in enumerate(chances)}
    listed = list(islice(found, MOST_SETS + 1))
    made = [_named(each, names, rank, chances) for each in listed[:MOST_SETS]]
    made.sort(key=lambda each: (len(each.present) + len(each.absent), -each.probability, [rank[name] for name in each.present]))
    return CutSets(order, tuple(made), len(listed) <= MOST_SETS)


def _named(functions: _Set, names: Mapping[int, str], rank: Mapping[str, int], chances: Mapping[str, Chance]) -> CutSet:
    present = sorted((names[each] for each in functions if not each & 1), key=rank.__getitem__)
    absent = sorted((names[each ^ 1] for each in functions if each & 1), key=rank.__getitem__)
    probability = prod(chances[name].happens for name in present) * prod(chances[name].not_happens for name in absent)
    return CutSet(tuple(present), tuple(absent), probability)


def _moves(program: Program) -> dict[int, int]:
    """For each gate whether the top rises or falls with it. Raises NotCoherentError where it does both with an event."""
    gates = program.gates
    order = gates.below(program.root)
    moves = dict.fromkeys(order, 0)
    if program.root > ALWAYS:
        moves[program.root >> 1] = _FALLS if program.root & 1 else _RISES
    for gate in reversed(order):
        both = gates.kinds[gate] is Kind.EXCLUSIVE
        for each in gates.inputs[gate]:
            moves[each >> 1] |= _RISES | _FALLS if both else _CONTRARY[moves[gate]] if each & 1 else moves[gate]
    if any(moves[gate] == _RISES | _FALLS and not gates.inputs[gate] for gate in order):
        raise NotCoherentError
    return moves


# -- one and two events


def _by_trying(program: Program, moves: Mapping[int, int], order: int) -> Iterator[_Set]:
    """All events alone, then all pairs of those that do nothing alone."""
    if program.root == ALWAYS:
        yield frozenset()
    if program.root <= ALWAYS:
        return
    variables = [gate for gate in moves if not program.gates.inputs[gate]]
    pull = {gate: 2 * gate + (moves[gate] == _FALLS) for gate in variables}
    alone = _happening(program, moves, {gate: 1 << number for number, gate in enumerate(variables)}, len(variables))
    yield from (frozenset((pull[gate],)) for number, gate in enumerate(variables) if alone >> number & 1)
    others = [gate for number, gate in enumerate(variables) if not alone >> number & 1]
    if order < _SMALL:
        return
    count = len(others)
    rows = max(1, _BITS // max(count, 1))  # firsts that are tried at once, each with all seconds
    for start in range(0, count, rows):
        firsts = others[start : start + rows]
        every = sum(1 << row * count for row in range(len(firsts)))
        whole = (1 << count) - 1
        bits = {gate: every << number for number, gate in enumerate(others)}
        for row, gate in enumerate(firsts):
            bits[gate] |= whole << row * count
        top = _happening(program, moves, bits, count * len(firsts))
        for row, first in enumerate(firsts):
            seconds = (top >> row * count & whole) >> (start + row + 1)
            yield from (frozenset((pull[first], pull[others[start + row + 1 + at]])) for at in _ones(seconds))


def _ones(bits: int) -> Iterator[int]:
    digits = bin(bits)
    last = len(digits) - 1
    at = digits.rfind("1")
    while at > 1:
        yield last - at
        at = digits.rfind("1", 0, at)


def _happening(program: Program, moves: Mapping[int, int], bits: Mapping[int, int], count: int) -> int:
    """In which of ``count`` cases the top happens, a bit for each; ``bits``: in which of them each event does its worst."""
    everywhere = (1 << count) - 1
    known = {0: NEVER}
    for gate in moves:  # bottom up
        inputs = program.gates.inputs[gate]
        if not inputs:
            worst = bits.get(gate, 0)
            known[gate] = everywhere & ~worst if moves[gate] == _FALLS else worst
            continue
        cases = [known[each >> 1] ^ (everywhere if each & 1 else 0) for each in inputs]
        if program.gates.kinds[gate] is Kind.ALL:
            together = everywhere
            for each in cases:
                together &= each
            known[gate] = together
        else:
            known[gate] = _at_least(program.gates.required[gate], cases, everywhere)
    return known[program.root >> 1] ^ (everywhere if program.root & 1 else 0)


def _at_least(required: int, cases: Sequence[int], everywhere: int) -> int:
    reached = [everywhere] + [0] * required
    for each in cases:
        for count in range(required, 0, -1):
            reached[count] |= reached[count - 1] & each
    return reached[required]


# -- more events


def _from_diagrams(program: Program, moves: Mapping[int, int], order: int) -> Iterator[_Set]:
    if program.root <= ALWAYS:
        yield from _by_trying(program, moves, order)
        return
    known: dict[int, list[_Set]] = {}  # of what is below, by its function where it does its worst
    for part in program.parts:
        sets = islice(_of_part(part, known, moves, order), MOST_SETS + 1)
        known[part.root] = sorted(sets, key=len)
    top = program.root >> 1
    yield from known.get(top, [frozenset((program.root,))])


def _of_part(part: Part, known: Mapping[int, list[_Set]], moves: Mapping[int, int], order: int) -> Iterator[_Set]:
    falls = [moves[leaf] == _FALLS for leaf in part.leaves]
    choices = [known.get(leaf, [frozenset((2 * leaf + fall,))]) for leaf, fall in zip(part.leaves, falls, strict=True)]
    smallest = [min(map(len, sets), default=order + 1) for sets in choices]
    with deep_recursion():
        found = part.low.minimal(smallest, falls, order, negated=moves[part.root] == _FALLS)
    for leaves in found:
        for picked in _products([choices[leaf] for leaf in leaves], order):
            yield frozenset().union(*picked)


def _products(choices: Sequence[Sequence[_Set]], order: int) -> Iterator[tuple[_Set, ...]]:
    """One of each, of at most so many events together; the choices are sorted by size."""
    left = order - sum(len(sets[0]) for sets in choices)
    fitting = [[each for each in sets if len(each) <= left + len(sets[0])] for sets in choices]
    return (picked for picked in product(*fitting) if sum(map(len, picked)) <= order)
