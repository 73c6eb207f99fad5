"""Groups whose members share only a few events: given what these hubs do, the members are independent of one another.

Theory. P(group) is the sum over the states of the hubs of P(state) times the product of P(member | state). What a member does given
its own hubs is worked out once for all groups it stands in: that is what makes fleets cheap whose services run in the same
few zones. Source: common cause by conditioning, design section 3, Copies; the law of total probability.
What may go wrong: a hub that is also looked at by its age. Being down says something of the age, so such groups are left alone.
"""

from __future__ import annotations

import math
from operator import add, mul
from typing import TYPE_CHECKING

from truetier.availability.factors import bits
from truetier.availability.quadrature import gauss_legendre
from truetier.availability.value import Curve, Value
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.availability.exact import Engine
    from truetier.availability.factors import Factors

_MOST_HUBS = 8  # of one group: twice the states for each
_MOST_OWN_HUBS = 6  # of one member: each state is a set of its own to evaluate
_FEWEST_MEMBERS = 4  # a diagram of fewer is small


class Hubs(NamedTuple):
    """Literals that several members of a group mention, and for each member those it mentions."""

    numbers: tuple[int, ...]
    members: tuple[tuple[int, int], ...]  # number of the factor, set of its hubs


def hubs_of(factors: Factors, group: int) -> Hubs | None:
    """The hubs of a group; None where they are too many, or do not make the members independent."""
    members = list(bits(group))
    if len(members) < _FEWEST_MEMBERS:
        return None
    once = twice = 0
    for number in members:
        mention = factors.mention[number]
        twice |= once & mention
        once |= mention
    hubs = twice & factors.plain & ~factors.unknown
    if hubs.bit_count() > _MOST_HUBS or twice & ~(hubs | factors.complex):
        return None
    if any(hubs >> factors.literals[number].root & 1 for number in bits(once & factors.aged)):
        return None
    found = tuple((number, factors.mention[number] & hubs) for number in members)
    return None if any(own.bit_count() > _MOST_OWN_HUBS for _, own in found) else Hubs(tuple(bits(hubs)), found)


class _AtNode(NamedTuple):
    """At one node, for each state: P(holds), P(fails) and minus dP(holds)/dt."""

    up: list[float]
    down: list[float]
    slope: list[float]


class Conditioning:
    """Probabilities of members given their hubs, each worked out once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sets: dict[tuple[int, int], list[int]] = {}
        self._values: dict[tuple[int, int], tuple[list[float], list[float]] | None] = {}
        self._curves: dict[tuple[int, int, int], list[_AtNode]] = {}
        self._by_state: dict[tuple[int, tuple[int, ...]], tuple[list[float], list[float]]] = {}  # of whole groups

    def value(self, hubs: Hubs, group: int, part: int) -> Value | None:
        """The probability of the group; None where that of a member is an interval. ``part``: a group inside it, met before."""
        weights, _ = self._weights(hubs, 1.0)
        ups, downs = [1.0] * len(weights), [0.0] * len(weights)
        if (known := self._by_state.get((part, hubs.numbers))) is not None:
            ups, downs = known
        else:
            part = 0
        projections = _projections(hubs)
        for member, own in hubs.members:
            if part >> member & 1:
                continue
            values = self._given(member, own)
            if values is None:
                return None
            up, down = _at(projections[own], values)
            downs = list(map(add, downs, map(mul, ups, down)))
            ups = list(map(mul, ups, up))
        self._by_state[group, hubs.numbers] = ups, downs
        holds, fails = math.fsum(map(mul, weights, ups)), math.fsum(map(mul, weights, downs))
        return Value(holds, holds, fails, fails)

    def curve(self, hubs: Hubs, nodes: int) -> Curve:
        """The same with all unavailabilities scaled by t, at each Gauss-Legendre node t."""
        projections = _projections(hubs)
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
        """P(state) of each state, and its derivative by t; the first hub is the lowest bit of a state."""
        weights, moves = [1.0], [0.0]
        for number in hubs.numbers:
            q = self._engine.factors.literals[number].event.down or 0.0
            up, down = 1.0 - point * q, point * q
            moves = [m * up - w * q for w, m in zip(weights, moves, strict=True)] + [
                m * down + w * q for w, m in zip(weights, moves, strict=True)
            ]
            weights = [w * up for w in weights] + [w * down for w in weights]
        return weights, moves

    def _curves_given(self, member: int, own: int, nodes: int) -> list[_AtNode]:
        """At each node, for each state of its hubs, a member's curve."""
        key = (member, own, nodes)
        if key not in self._curves:
            curves = [self._engine.curve(self._engine.split(mask), nodes) for mask in self._sets_given(member, own)]
            self._curves[key] = [
                _AtNode([each.up[index] for each in curves], [each.down[index] for each in curves], [each.slope[index] for each in curves])
                for index in range(nodes)
            ]
        return self._curves[key]

    def _given(self, member: int, own: int) -> tuple[list[float], list[float]] | None:
        """For each state of its hubs P(holds) and P(fails) of a member."""
        key = (member, own)
        if key not in self._values:
            values = [self._engine.value(mask) for mask in self._sets_given(member, own)]
            exact = all(value.is_exact for value in values)
            self._values[key] = ([value.up_low for value in values], [value.down_low for value in values]) if exact else None
        return self._values[key]

    def _sets_given(self, member: int, own: int) -> list[int]:
        key = (member, own)
        if key not in self._sets:
            factors, numbers = self._engine.factors, list(bits(own))
            found = []
            for state in range(1 << len(numbers)):
                down = sum(1 << number for index, number in enumerate(numbers) if state >> index & 1)
                found.append(factors.given(1 << member, own ^ down, down))
            self._sets[key] = found
        return self._sets[key]


def _projections(hubs: Hubs) -> dict[int, list[int] | None]:
    """For each set of hubs that some member has: what each state of all hubs is for those; None where it is the same."""
    sets = {own for _, own in hubs.members}
    return {own: None if own.bit_count() == len(hubs.numbers) else _projection(hubs.numbers, own) for own in sets}


def _at(states: list[int] | None, columns: Sequence[list[float]]) -> Sequence[list[float]]:
    """What each column holds at those states; all of it where none are given."""
    return columns if states is None else [[column[state] for state in states] for column in columns]


def _projection(hubs: tuple[int, ...], own: int) -> list[int]:
    states = [0]
    bit = 1
    for number in hubs:
        if own >> number & 1:
            states += [state | bit for state in states]
            bit <<= 1
        else:
            states += states
    return states
