"""Formulas cut into independent blocks: what shares nothing with the rest is evaluated on its own, once.

Theory. The thresholds of a set that influence each other form a group; a group becomes one diagram. Inside it, factors that
always stand together and that nothing else mentions are one variable, a block, whose probability comes from its own set.
Different ages of one component, and the endpoints of one service, become chains of independent variables:
down, then older than the first limit, then older than the second; drawn first, else drawn second, and so on. Components that
stand in the same sets at the same ages are one such chain (outages.py).
Sources: modules as in Dutuit and Rauzy 1996; P(age > x | down) = exp(-x / r), design section 3, Ages.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truetier.availability.diagram.kernel import FALSE, TRUE, Diagram, Overgrown
from truetier.availability.factors import bits
from truetier.availability.outages import still_down
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from truetier.availability.diagram.kernel import Structure
    from truetier.availability.factors import Factors

MOST_LIMITS = 8  # of one component, exactly; beyond them an interval (design section 3, Ages)
DEEPEST = 5000  # variables of one diagram: its operations recurse once per variable


class Block(NamedTuple):
    """A variable that is a set of its own."""

    mask: int


class Down(NamedTuple):
    """A variable that is one of some components being down, at any age; most often there is only one."""

    roots: tuple[int, ...]


class Older(NamedTuple):
    """Given that one of them has been down longer than ``before``: one has been for longer than ``limit``."""

    roots: tuple[int, ...]
    before: int
    limit: int


class Fixed(NamedTuple):
    """A variable with a probability that nothing scales: the age of one component, or a draw."""

    up: float
    down: float


Variable = Block | Down | Older | Fixed


class Group(NamedTuple):
    """Factors that influence each other, as a diagram over independent variables.

    ``high`` differs from ``low`` only where more limits look at one component than are followed exactly.
    """

    variables: tuple[Variable, ...]
    low: Structure
    high: Structure


def groups_of(factors: Factors, mask: int, *, apart_from: int = 0) -> list[int]:
    """The factors that influence each other, by other literals than those named, as disjoint sets; the mask must hold no plain literal."""
    found: list[tuple[int, int]] = []
    seen = 0
    for number in bits(mask):
        mention = factors.mention[number] & ~apart_from
        group = 1 << number
        if mention & seen:
            apart: list[tuple[int, int]] = []
            for other, other_mention in found:
                if other_mention & mention:
                    group |= other
                    mention |= other_mention
                else:
                    apart.append((other, other_mention))
            found = apart
        found.append((group, mention))
        seen |= mention
    return sorted(group for group, _ in found)


def build_group(factors: Factors, group: int, diagram: Diagram, widest: int) -> Group:
    """The diagram of one group. Raises Overgrown beyond the diagram's budget of nodes, or when more than ``widest`` factors,
    counted as often as they stand somewhere, must be looked at.
    """
    view = _View(factors, group, widest)
    variables: list[Variable] = []
    first: dict[tuple[bool, int], int] = {}
    for is_block, key in view.walk():
        if (is_block, key) not in first:
            first[is_block, key] = len(variables)
            variables.extend([Block(view.blocks[key])] if is_block else view.chain(key))
    if len(variables) > DEEPEST:
        raise Overgrown
    is_exact = all(len(limits) <= MOST_LIMITS for limits in view.limits.values())
    try:
        low = diagram.compiled(_function(view, first, diagram, optimistic=False))
        high = low if is_exact else diagram.compiled(_function(view, first, diagram, optimistic=True))
    except Overgrown:
        if not is_exact:
            raise
        return _in_another_order(view, first, variables, diagram)
    return Group(tuple(variables), low, high)


def _in_another_order(view: _View, first: dict[tuple[bool, int], int], variables: list[Variable], diagram: Diagram) -> Group:
    """The group as gates, for which other orders are tried with as many nodes. Raises Overgrown."""
    from truetier.availability.fault_tree.modules import Module
    from truetier.availability.fault_tree.search import LEVELS, smallest
    from truetier.availability.fault_tree.simplify import simplified

    written = _Written(len(variables))
    root = simplified(written.gates, _function(view, first, written, optimistic=False))
    gates = [gate for gate in written.gates.below(root) if written.gates.inputs[gate]]
    leaves = [gate for gate in written.gates.below(root) if not written.gates.inputs[gate]]
    if not gates:
        raise Overgrown
    levels = [level for level in LEVELS if level < diagram.budget]
    found = smallest(written.gates, Module(tuple(gates), tuple(leaves)), [*levels, diagram.budget])
    if found.structure is None:
        raise Overgrown
    structure = found.structure.negated() if root & 1 else found.structure
    return Group(tuple(variables[leaf - 1] for leaf in found.order), structure, structure)


class _Written:
    """Takes functions as a diagram does, and keeps them as gates."""

    def __init__(self, variables: int) -> None:
        from truetier.availability.fault_tree.gates import Gates

        self.gates = Gates()
        self._variables = [self.gates.variable() for _ in range(variables)]

    def variable(self, number: int) -> int:
        return self._variables[number]

    def all_variables(self, numbers: Sequence[int]) -> int:
        return self.gates.all_of([self._variables[number] for number in numbers])

    def not_all_variables(self, numbers: Sequence[int]) -> int:
        return self.all_variables(numbers) ^ 1

    def disjoin(self, left: int, right: int) -> int:
        return self.gates.any_of((left, right))

    def all_of(self, functions: Sequence[int]) -> int:
        return self.gates.all_of(functions)

    def at_least(self, required: int, functions: Sequence[int]) -> int:
        return self.gates.at_least(required, functions)


class _View:
    """How much of a group must be looked into, and what may stay closed."""

    def __init__(self, factors: Factors, group: int, widest: int) -> None:
        self.factors = factors
        self.group = group
        self._left = widest
        self._numbers: dict[int, tuple[int, ...]] = {}
        self.opened = 0  # thresholds that are looked into
        self.positions = [group]  # every set that is looked at
        for number in bits(group & factors.complex):
            self._open(number)
        apart = self._open_what_is_shared()  # what nothing else mentions
        self.blocks: list[int] = []
        self.block_of: dict[int, int] = {}
        self.chains: dict[int, list[int]] = {}  # literals of what is looked at in several ways, by root
        self._find_chains(apart)
        self.chain_of = {number: root for root, literals in self.chains.items() for number in literals}
        places = self._places(apart)
        self._find_blocks(places)
        self.merged: dict[int, tuple[int, ...]] = {}  # for the first of components looked at alike: all of them
        self._merge(places)
        self.limits = {root: self._limits(self.chains[root]) for root in self.merged}

    def walk(self) -> Iterator[tuple[bool, int]]:
        """Blocks (true) and chains (false), those of the smallest thresholds first.

        A fallback's own variables then stand right below what it replaces: nothing has to be remembered further down.
        """
        seen: set[int] = set()
        waiting: list[tuple[int, bool]] = [(self.group, True)]
        while waiting:
            mask, has_thresholds = waiting.pop()
            if not has_thresholds or not mask & self.opened:
                for number in self.numbers(mask & ~self.opened):
                    if number in self.block_of:
                        yield True, self.block_of[number]
                    else:
                        yield False, self.chain_of[number]
                continue
            waiting.append((mask, False))
            inner = [number for number in bits(mask & self.opened) if number not in seen]
            seen.update(inner)
            inner.sort(key=lambda number: -self.factors.mention[number].bit_count())
            for number in inner:
                waiting.extend((each, True) for each in reversed(self.factors.thresholds[number][1]))

    def numbers(self, mask: int) -> tuple[int, ...]:
        """The factors of one position; asked for several times."""
        found = self._numbers.get(mask)
        if found is None:
            found = self._numbers[mask] = tuple(bits(mask))
        return found

    def chain(self, root: int) -> Iterator[Variable]:
        """The independent variables behind one component with ages, or one draw."""
        if root in self.factors.draws:
            left: Decimal | int = 1  # P(none of the alternatives before)
            for _, drawn in self._drawn(root):
                yield Fixed(float(drawn / left), float((left - drawn) / left)) if left else Fixed(0.0, 1.0)
                left -= drawn
            return
        roots = self.merged[root]
        yield Down(roots)
        mttr = self.factors.literals[root].event.mttr
        before = 0
        for limit in self.kept_limits(root):
            if len(roots) > 1:
                yield Older(roots, before, limit)
            else:
                yield Fixed(still_down(mttr, limit - before), -math.expm1((before - limit) / mttr) if mttr else 1.0)
            before = limit

    def kept_limits(self, root: int) -> list[int]:
        """The limits followed exactly: all of them, or evenly chosen ones with the longest among them."""
        limits = self.limits[root]
        if len(limits) <= MOST_LIMITS:
            return limits
        return [limits[(index + 1) * len(limits) // MOST_LIMITS - 1] for index in range(MOST_LIMITS)]

    def drawn_before(self, number: int) -> int:
        """How many alternatives of its draw come before this one."""
        return [other for other, _ in self._drawn(self.factors.draw_root[number])].index(number)

    def _drawn(self, root: int) -> Iterator[tuple[int, Decimal]]:
        present = self.chains[root]
        return ((number, drawn) for number, drawn in self.factors.draws[root].literals if number in present)

    def _direct(self) -> int:
        direct = 0
        for mask in self.positions:
            direct |= mask
        return direct

    def _open_what_is_shared(self) -> int:
        """Opens thresholds that share events with anything else; gives the factors that are left apart from all others.

        What is no threshold stays closed and is looked at once, since fallbacks behind fallbacks take a round each.
        """
        mention, thresholds = self.factors.mention, self.factors.complex
        direct = self._direct()
        seen = once_of_literals = twice_of_literals = 0
        while True:
            for number in bits(direct & ~thresholds & ~seen):
                twice_of_literals |= once_of_literals & mention[number]
                once_of_literals |= mention[number]
            seen = direct
            once, twice = once_of_literals, twice_of_literals
            closed = list(bits(direct & thresholds & ~self.opened))
            for number in closed:
                twice |= once & mention[number]
                once |= mention[number]
            shared = [number for number in closed if mention[number] & twice]
            if not shared:
                return self._apart(direct & ~self.opened, twice)
            for number in shared:
                self._open(number)
                for mask in self.factors.thresholds[number][1]:
                    direct |= mask

    def _apart(self, closed: int, twice: int) -> int:
        """The closed factors that are independent of all others: thresholds, and components looked at in one way only."""
        simple = closed & ~twice & (self.factors.plain | self.factors.complex)
        for number in bits(closed & self.factors.aged):
            if not self.factors.mention[number] & twice and self.factors.is_simple(number):
                simple |= 1 << number
        return simple

    def _open(self, number: int) -> None:
        self.opened |= 1 << number
        sets = self.factors.thresholds[number][1]
        self.positions.extend(sets)
        self._left -= sum(mask.bit_count() for mask in sets)
        if self._left < 0:
            raise Overgrown

    def _places(self, candidates: int) -> dict[int, int]:
        """For each candidate and each literal of a chain, the positions it stands in."""
        places: dict[int, int] = {}
        for number in self.chain_of:
            candidates |= 1 << number
        for place, mask in enumerate(self.positions):
            for number in self.numbers(mask):
                if candidates >> number & 1:
                    places[number] = places.get(number, 0) | 1 << place
        return places

    def _find_blocks(self, places: dict[int, int]) -> None:
        """Factors that stand in exactly the same sets are one block."""
        by_places: dict[int, int] = {}
        for number in sorted(places):
            if number in self.chain_of:
                continue
            block = by_places.setdefault(places[number], len(self.blocks))
            if block == len(self.blocks):
                self.blocks.append(0)
            self.blocks[block] |= 1 << number
            self.block_of[number] = block

    def _merge(self, places: dict[int, int]) -> None:
        """Components whose literals stand in the same sets at the same ages are one chain."""
        alike: dict[object, list[int]] = {}
        for root, literals in self.chains.items():
            if root in self.factors.draws:
                continue
            down = self.factors.literals[root].event.down
            looks = [(self.factors.literals[number], places[number]) for number in literals]
            if down is None or down >= 1 or any(literal.outlasted for literal, _ in looks):
                alike[root] = [root]
            else:
                alike.setdefault(frozenset((literal.limit, place) for literal, place in looks), []).append(root)
        for roots in alike.values():
            self.merged[roots[0]] = tuple(roots)
            for root in roots:
                for number in self.chains[root]:
                    self.chain_of[number] = roots[0]

    def _find_chains(self, apart: int) -> None:
        factors = self.factors
        direct = self._direct()
        for number in bits(direct & ~factors.plain & ~factors.complex & ~apart):
            root = factors.draw_root[number] if number in factors.draw_root else factors.literals[number].root
            self.chains.setdefault(root, []).append(number)
        for root, literals in self.chains.items():
            if direct >> root & 1:
                literals.append(root)

    def _limits(self, literals: list[int]) -> list[int]:
        return sorted({limit for number in literals if (limit := self.factors.literals[number].limit)})


def _function(view: _View, first: dict[tuple[bool, int], int], diagram: Diagram | _Written, *, optimistic: bool) -> int:
    """The group's function: thresholds in ascending order, so that what they mention is there before them."""
    made: dict[int, int] = {}

    def literal(number: int) -> int:
        root = view.chain_of[number]
        start = first[False, root]
        if number in view.factors.draw_root:
            return _not_drawn(diagram, start, view.drawn_before(number))
        return _aged(view, diagram, number, start, optimistic=optimistic)

    def conjunction(mask: int) -> int:
        parts: list[int] = []
        blocks: set[int] = set()
        for number in view.numbers(mask):
            block = view.block_of.get(number)
            if block is None:
                if number not in made:
                    made[number] = literal(number)
                if made[number] not in parts:
                    parts.append(made[number])
            elif block not in blocks:
                blocks.add(block)
                parts.append(diagram.variable(first[True, block]))
        return diagram.all_of(parts)

    for number in bits(view.opened):
        required, sets = view.factors.thresholds[number]
        made[number] = diagram.at_least(required, [conjunction(mask) for mask in sets])
    return conjunction(view.group)


def _not_drawn(diagram: Diagram | _Written, start: int, before: int) -> int:
    """One of the alternatives before it is drawn, or it is not."""
    function = diagram.not_all_variables([start + before])
    for number in range(start + before - 1, start - 1, -1):
        function = diagram.disjoin(diagram.variable(number), function)
    return function


def _aged(view: _View, diagram: Diagram | _Written, number: int, start: int, *, optimistic: bool) -> int:
    """A component not down longer than a limit, or down longer; a limit that is not followed is rounded to one that is.

    A longer limit helps "not down longer than" and hurts "down longer than"; hence the direction.
    """
    literal = view.factors.literals[number]
    kept = view.kept_limits(view.chain_of[number])
    round_up = optimistic is not literal.outlasted
    if round_up:
        older = sum(1 for limit in kept if limit < literal.limit) + 1 if literal.limit else 0
    else:
        older = sum(1 for limit in kept if limit <= literal.limit)
    if older > len(kept):
        return FALSE if literal.outlasted else TRUE
    span = range(start, start + older + 1)  # down, older than the first limit, ... older than this one
    return diagram.all_variables(span) if literal.outlasted else diagram.not_all_variables(span)
