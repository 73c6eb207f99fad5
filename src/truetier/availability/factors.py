"""Success formulas as sets of factors, each set one integer: bit n is factor n, and a set holds when all of it does.

Theory. A factor is a literal (an event is in some state) or a threshold (at least k of several sets hold). A service that
needs everything hard is a set of literals, so the union of two closures is one bitwise or, and what they share is counted
once by construction. Thresholds are interned: equal formulas are the same bit. Bit 0 never holds.

Invariants: a threshold only mentions factors with smaller numbers than its own, so ascending order is bottom up; ``mention``
of a factor holds every bit that can influence it, with the zero-age literal standing for every age of a component.
What may go wrong: two literals of one component at different ages are different bits but not independent; whoever
multiplies probabilities must look at ``mention``, not at the sets.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from truetier.availability.events import EventKind
from truetier.availability.kernel import places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from truetier.availability.events import Event
    from truetier.catalog.measured import Measured

ALWAYS = 0
NEVER = 1
_ABSORB_UP_TO = 8  # members; the comparison is quadratic
_FEW = 64


def bits(mask: int) -> Iterator[int]:
    """The numbers of the factors in a set, ascending."""
    if mask.bit_length() > _FEW:
        yield from places(mask)
        return
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Literal:
    """One event in one state. ``limit`` in microseconds; ``outlasted``: down longer than the limit, else: not so."""

    __slots__ = ("event", "limit", "outlasted", "root")

    def __init__(self, event: Event, root: int, limit: int, *, outlasted: bool) -> None:
        self.event = event
        self.root = root  # number of the factor that stands for the event, or for the draw it belongs to
        self.limit = limit
        self.outlasted = outlasted


class Draw:
    """Literals that exclude each other: the endpoints of one service, or the two sides of a condition."""

    __slots__ = ("literals",)

    def __init__(self) -> None:
        self.literals: list[tuple[int, Decimal]] = []  # factor, P(drawn)


class Factors:
    """All factors of one fleet, interned."""

    def __init__(self) -> None:
        self.mention: list[int] = [NEVER]
        self.literals: dict[int, Literal] = {}
        self.thresholds: dict[int, tuple[int, tuple[int, ...]]] = {}
        self.draws: dict[int, Draw] = {}  # by root
        self.draw_root: dict[int, int] = {}
        self.plain = 0  # zero-age literals of components and mechanisms: independent of one another
        self.unknown = 0  # those whose number nobody knows
        self.triggers = 0  # literals that hold because something is down: not coherent
        self.domains = 0  # those of failure domains, which many share
        self.measured = 0  # those of which it was measured how often they are down, at any age
        self.scaled = 0  # events that can be down at all
        self.complex = 0  # thresholds
        self.aged = 0  # zero-age literals' elder siblings: the event has not been, or has been, down longer than a limit
        self._by_event: dict[tuple[str, EventKind, str | None, Measured | None], int] = {}
        self._by_state: dict[tuple[int, int, bool], int] = {}
        self._by_draw: dict[tuple[str, str], int] = {}
        self._by_threshold: dict[tuple[int, tuple[int, ...]], int] = {}
        self._restricted: dict[tuple[int, int, int], int] = {}

    # -- literals

    def up(self, event: Event, limit: int = 0) -> int:
        """The event is up, or has been down no longer than the limit. Certain events hold always."""
        if event.down == 0:
            return ALWAYS
        root = self._root(event)
        return 1 << (root if limit == 0 else self._state(root, event, limit, outlasted=False))

    def outlasted(self, event: Event, limit: int) -> int:
        """The component has been down longer than the limit."""
        if event.down == 0:
            return NEVER
        return 1 << self._state(self._root(event), event, limit, outlasted=True)

    def not_drawn(self, draw: str, value: str, drawn: Decimal) -> int:
        """The draw does not take that value. ``draw`` names what excludes each other; ``drawn`` is its probability.

        A literal also where the outcome is certain: ``draw_of`` asks what would be.
        """
        number = self._by_draw.get((draw, value))
        if number is None:
            root = self._by_draw.get((draw, ""))
            if root is None:
                root = self._by_draw[draw, ""] = self._new(0)
                self.draws[root] = Draw()
            number = self._by_draw[draw, value] = self._new(1 << root)
            self.draws[root].literals.append((number, drawn))
            self.draw_root[number] = root
        return 1 << number

    def draw_of(self, draw: str, value: str) -> tuple[int, int]:
        """For the draw taking that value: literals that then hold, and literals that then do not."""
        root = self._by_draw.get((draw, ""))
        if root is None:
            return 0, 0
        chosen = self._by_draw.get((draw, value))
        others = sum(1 << number for number, _ in self.draws[root].literals if number != chosen)
        return others, 0 if chosen is None else 1 << chosen

    # -- formulas

    def all_of(self, sets: Iterable[int]) -> int:
        """All the sets hold."""
        union = 0
        for mask in sets:
            union |= mask
        return NEVER if union & NEVER else union

    def at_least(self, required: int, sets: Sequence[int]) -> int:
        """At least that many of the sets hold. What they share is needed in any case and is taken out."""
        shared = ALWAYS
        while True:
            alive = [mask for mask in sets if mask != ALWAYS and not mask & NEVER]
            required -= sum(1 for mask in sets if mask == ALWAYS)
            if required <= 0:
                return shared
            if len(alive) < required:
                return NEVER
            if len(alive) == required:
                return self.all_of([shared, *alive])
            if required == 1:
                alive = _absorbed(alive)
            common = reduce(and_, alive)
            if not common:
                return shared | 1 << self._threshold(required, tuple(sorted(alive)))
            shared |= common
            sets = [mask & ~common for mask in alive]

    def mentioned(self, mask: int) -> int:
        """Every bit that can influence the set."""
        found = mask
        for number in bits(mask & ~self.plain):
            found |= self.mention[number]
        return found

    def given(self, mask: int, holds: int, fails: int = 0) -> int:
        """The set where some literals are known to hold and some not to; a component that holds is up at every age."""
        if mask & fails:
            return NEVER
        left = mask & ~holds
        known = holds | fails
        for number in bits(left & (self.aged | self.complex)):
            literal = self.literals.get(number)
            if literal is not None:
                if holds >> literal.root & 1:
                    if literal.outlasted:
                        return NEVER
                    left ^= 1 << number
            elif self.mention[number] & known:
                left = left & ~(1 << number) | self._restrict(number, holds, fails)
        return NEVER if left & NEVER else left

    def condensed(self, mask: int) -> int:
        """The same set with its thresholds freed of everything the set itself asserts."""
        while True:
            if mask & NEVER:
                return NEVER
            if not mask & (self.complex | self.aged):
                return mask
            found = mask & ~(self.complex | self.aged)
            for number in bits(mask & (self.complex | self.aged)):
                bit = 1 << number
                if self.mention[number] & mask == bit:
                    found |= bit  # the rest of the set says nothing about it
                elif number not in self.literals:
                    found |= self._restrict(number, mask ^ bit, 0)
                elif self.literals[number].outlasted:  # and the component is up
                    return NEVER
            if found == mask:
                return mask
            mask = found

    # -- inside

    def is_simple(self, number: int) -> bool:
        """Whether a factor is one known component not down longer than some limit."""
        literal = self.literals.get(number)
        return literal is not None and not literal.outlasted and literal.event.down is not None

    def _restrict(self, number: int, holds: int, fails: int) -> int:
        mention = self.mention[number]
        holds &= mention
        fails &= mention
        if not holds and not fails:
            return 1 << number
        key = (number, holds, fails)
        known = self._restricted.get(key)
        if known is None:
            required, sets = self.thresholds[number]
            known = self._restricted[key] = self.at_least(required, [self.given(mask, holds, fails) for mask in sets])
        return known

    def _root(self, event: Event) -> int:
        key = (event.name, event.kind, event.service, event.measured)
        number = self._by_event.get(key)
        if number is None:
            number = self._by_event[key] = self._new(0)
            self.literals[number] = Literal(event, number, 0, outlasted=False)
            self.plain |= 1 << number
            if event.kind is EventKind.DOMAIN:
                self.domains |= 1 << number
            if event.measured is not None:
                self.measured |= 1 << number
            if event.down is None:
                self.unknown |= 1 << number
            else:
                self.scaled |= 1 << number
        return number

    def _state(self, root: int, event: Event, limit: int, *, outlasted: bool) -> int:
        key = (root, limit, outlasted)
        number = self._by_state.get(key)
        if number is None:
            number = self._by_state[key] = self._new(1 << root)
            self.literals[number] = Literal(event, root, limit, outlasted=outlasted)
            self.aged |= 1 << number
            if event.measured is not None:
                self.measured |= 1 << number
            if outlasted:
                self.triggers |= 1 << number
        return number

    def _threshold(self, required: int, sets: tuple[int, ...]) -> int:
        key = (required, sets)
        number = self._by_threshold.get(key)
        if number is None:
            mention = 0
            for mask in sets:
                mention |= self.mentioned(mask)
            number = self._by_threshold[key] = self._new(mention)
            self.thresholds[number] = key
            self.complex |= 1 << number
        return number

    def _new(self, mention: int) -> int:
        number = len(self.mention)
        self.mention.append(mention | 1 << number)
        return number


def _absorbed(sets: list[int]) -> list[int]:
    """The sets without those that ask for more than another one does: only right when one set is enough."""
    unique = list(dict.fromkeys(sets))
    if len(unique) > _ABSORB_UP_TO:
        return unique
    return [mask for mask in unique if not any(other != mask and other & mask == other for other in unique)]
