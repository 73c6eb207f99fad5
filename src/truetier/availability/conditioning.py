"""Groups that a few events hold together: given what these hubs do, they fall apart into members independent of one another.

Theory. P(group) is the sum over the states of the hubs of P(state) times the product of P(member | state). What a member does given
its own hubs is worked out once for all groups it stands in: that is what makes fleets cheap whose services run in the same
few zones. A member is one factor, or several that share more than hubs. Source: the law of total probability.
A hub whose age somebody looks at has more states: up, down for up to a limit, down for longer.
What may go wrong: many states, few members. Such groups go to a diagram.
"""

from __future__ import annotations

import math
from operator import add, mul
from typing import TYPE_CHECKING

from truetier.availability.factors import bits
from truetier.availability.modules import groups_of
from truetier.availability.outages import still_down
from truetier.availability.quadrature import gauss_legendre
from truetier.availability.value import Curve, Value
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from truetier.availability.factors import Factors

_MOST_STATES = 512  # of all hubs of one group together
_MOST_OWN_STATES = 64  # of the hubs of one member: each is a set of its own to evaluate
_FEWEST_MEMBERS = 4  # a diagram of fewer is small
_STATES_PER_MEMBER = 4  # more are no gain over a diagram


class Hub(NamedTuple):
    """A component that several members mention, and the ages at which some of them look at it (microseconds, ascending).

    Its states: up, down for no longer than the first of these, ..., down for longer than the last; or just up and down.
    """

    root: int
    limits: tuple[int, ...]

    @property
    def states(self) -> int:
        """How many there are."""
        return 2 + len(self.limits)


class Hubs(NamedTuple):
    """The hubs of a group by number, and for each member the literals of them that it mentions."""

    hubs: tuple[Hub, ...]
    members: tuple[tuple[int, int], ...]  # set of factors, set of literals


def hubs_of(factors: Factors, group: int) -> Hubs | None:
    """The hubs of a group: all that its members share, else the failure domains among it; None where neither is any gain."""
    once = twice = 0
    for number in bits(group):
        mention = factors.mention[number]
        twice |= once & mention
        once |= mention
    shared = twice & factors.plain & ~factors.unknown
    for roots in dict.fromkeys((shared, shared & factors.domains)):
        if roots and 1 << roots.bit_count() <= _MOST_STATES:
            aged = sum(1 << number for number in bits(once & factors.aged) if roots >> factors.literals[number].root & 1)
            found = _apart(factors, group, roots | aged)
            if found is not None:
                return found
    return None


def _apart(factors: Factors, group: int, literals: int) -> Hubs | None:
    """The group without what holds it together."""
    hubs = _hubs(factors, literals)
    states = _states(hubs)
    members = [(member, factors.mentioned(member) & literals) for member in groups_of(factors, group, apart_from=literals)]
    if len(members) < _FEWEST_MEMBERS or states > min(_MOST_STATES, _STATES_PER_MEMBER * len(members)):
        return None
    if any(_states(_hubs(factors, own)) > _MOST_OWN_STATES for own in {own for _, own in members}):
        return None
    return Hubs(hubs, tuple(members))


def _hubs(factors: Factors, literals: int) -> tuple[Hub, ...]:
    """Roots in ascending order, each with the limits that these literals look at."""
    limits: dict[int, set[int]] = {}
    for number in bits(literals & factors.plain):
        limits[number] = set()
    for number in bits(literals & factors.aged):
        limits[factors.literals[number].root].add(factors.literals[number].limit)
    return tuple(Hub(root, tuple(sorted(ages))) for root, ages in limits.items())


def _states(hubs: Iterable[Hub]) -> int:
    return math.prod(hub.states for hub in hubs)


class _AtNode(NamedTuple):
    """At one node, for each state: P(holds), P(fails) and minus dP(holds)/dt."""

    up: list[float]
    down: list[float]
    slope: list[float]


class Conditioning:
    """Probabilities of members given their hubs, each worked out once.

    ``value`` and ``curve`` give those of any set, as the engine does.
    """

    def __init__(self, factors: Factors, value: Callable[[int], Value], curve: Callable[[int, int], Curve]) -> None:
        self._factors = factors
        self._value = value
        self._curve = curve
        self._sets: dict[tuple[int, int], list[int]] = {}
        self._values: dict[tuple[int, int], tuple[list[float], list[float]] | None] = {}
        self._curves: dict[tuple[int, int, int], list[_AtNode]] = {}
        self._by_state: dict[tuple[int, tuple[Hub, ...]], tuple[list[float], list[float]]] = {}  # of whole groups

    def value(self, hubs: Hubs, group: int, part: int) -> Value | None:
        """The probability of the group; None where that of a member is an interval. ``part``: a group inside it, met before."""
        weights, _ = self._weights(hubs, 1.0)
        ups, downs = [1.0] * len(weights), [0.0] * len(weights)
        known = self._by_state.get((part, hubs.hubs))
        if known is None or any(member & part and member & ~part for member, _ in hubs.members):
            part = 0
        else:
            ups, downs = known
        projections = projections_of(self._factors, hubs)
        for member, own in hubs.members:
            if not member & ~part:
                continue
            values = self._given(member, own)
            if values is None:
                return None
            up, down = _at(projections[own], values)
            downs = list(map(add, downs, map(mul, ups, down)))
            ups = list(map(mul, ups, up))
        self._by_state[group, hubs.hubs] = ups, downs
        holds, fails = math.fsum(map(mul, weights, ups)), math.fsum(map(mul, weights, downs))
        return Value(holds, holds, fails, fails)

    def curve(self, hubs: Hubs, nodes: int) -> Curve:
        """The same with all unavailabilities scaled by t, at each Gauss-Legendre node t."""
        projections = projections_of(self._factors, hubs)
        members = [(self._curves_given(member, own, nodes), projections[own]) for member, own in hubs.members]
        found = Curve([], [], [])
        for index, point in enumerate(gauss_legendre(nodes)[0]):
            weights, moves = self._weights(hubs, point)
            ups, downs, slopes = [1.0] * len(weights), [0.0] * len(weights), [0.0] * len(weights)
            for curves, states in members:
                up, down, slope = _at(states, curves[index])
                slopes = list(map(add, map(mul, slopes, up), map(mul, ups, slope)))
                downs = list(map(add, downs, map(mul, ups, down)))
                ups = list(map(mul, ups, up))
            found.up.append(math.fsum(map(mul, weights, ups)))
            found.down.append(math.fsum(map(mul, weights, downs)))
            # the weights sum to 1 and their moves to 0, so that - sum of moves x ups is the sum of moves x downs
            found.slope.append(math.fsum((*map(mul, weights, slopes), *map(mul, moves, downs))))
        return found

    def _weights(self, hubs: Hubs, point: float) -> tuple[list[float], list[float]]:
        """P(state) of each state, and its derivative by t; the states of the first hub change fastest."""
        weights, moves = [1.0], [0.0]
        for hub in hubs.hubs:
            event = self._factors.literals[hub.root].event
            q = event.down or 0.0
            steps = [(1.0 - point * q, -q), *((point * q * share, q * share) for share in shares_of_down(hub.limits, event.mttr))]
            moves = [m * p + w * slope for p, slope in steps for w, m in zip(weights, moves, strict=True)]
            weights = [w * p for p, _ in steps for w in weights]
        return weights, moves

    def _curves_given(self, member: int, own: int, nodes: int) -> list[_AtNode]:
        """At each node, for each state of its hubs, a member's curve."""
        key = (member, own, nodes)
        if key not in self._curves:
            curves = [self._curve(mask, nodes) for mask in self.sets_given(member, own)]
            self._curves[key] = [
                _AtNode([each.up[index] for each in curves], [each.down[index] for each in curves], [each.slope[index] for each in curves])
                for index in range(nodes)
            ]
        return self._curves[key]

    def _given(self, member: int, own: int) -> tuple[list[float], list[float]] | None:
        """For each state of its hubs P(holds) and P(fails) of a member."""
        key = (member, own)
        if key not in self._values:
            values = [self._value(mask) for mask in self.sets_given(member, own)]
            exact = all(value.is_exact for value in values)
            self._values[key] = ([value.up_low for value in values], [value.down_low for value in values]) if exact else None
        return self._values[key]

    def sets_given(self, member: int, own: int) -> list[int]:
        """A member as a set of its own for each state of its hubs."""
        key = (member, own)
        if key not in self._sets:
            known = [(0, 0)]  # what holds and what does not, for each state of the hubs so far
            for hub in _hubs(self._factors, own):
                steps = list(_known_of(self._factors, hub, own))
                known = [(holds | more, fails | less) for more, less in steps for holds, fails in known]
            self._sets[key] = [self._factors.given(member, holds, fails) for holds, fails in known]
        return self._sets[key]


def shares_of_down(limits: tuple[int, ...], mttr: int) -> Iterator[float]:
    """Of the time a component is down, the share in each of its states: P(before < age <= limit), the last without end."""
    before = 0
    for limit in limits:
        yield still_down(mttr, before) * (-math.expm1((before - limit) / mttr) if mttr else float(before == 0))
        before = limit
    yield still_down(mttr, before)


def _known_of(factors: Factors, hub: Hub, literals: int) -> Iterator[tuple[int, int]]:
    """For each state of a hub: those of the literals that hold, and those that do not."""
    yield 1 << hub.root, 0  # up at every age
    ages = [(number, literal) for number in bits(literals & factors.aged) if (literal := factors.literals[number]).root == hub.root]
    for longer_than in (0, *hub.limits):
        older = {number for number, literal in ages if literal.limit <= longer_than}
        holds = sum(1 << number for number, literal in ages if literal.outlasted == (number in older))
        yield holds, 1 << hub.root | sum(1 << number for number, _ in ages) & ~holds


def projections_of(factors: Factors, hubs: Hubs) -> dict[int, list[int] | None]:
    """For each set of literals that some member has: what each state of all hubs is for those; None where it is the same."""
    found: dict[int, list[int] | None] = {}
    for own in {own for _, own in hubs.members}:
        mine = _hubs(factors, own)
        found[own] = None if mine == hubs.hubs else _projection(hubs.hubs, {hub.root: hub for hub in mine})
    return found


def _projection(hubs: tuple[Hub, ...], own: Mapping[int, Hub]) -> list[int]:
    states, size = [0], 1
    for hub in hubs:
        mine = own.get(hub.root)
        if mine is None:
            states *= hub.states
            continue
        digits = [0, *(1 + sum(limit <= longer_than for limit in mine.limits) for longer_than in (0, *hub.limits))]
        states = [state + size * digit for digit in digits for state in states]
        size *= mine.states
    return states


def _at(states: list[int] | None, columns: Sequence[list[float]]) -> Sequence[list[float]]:
    """What each column holds at those states; all of it where none are given."""
    return columns if states is None else [[column[state] for state in states] for column in columns]
