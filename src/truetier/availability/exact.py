"""The probability of a set of factors. Engine.value is all that most callers need of it.

Theory. A set is a series of independent plain literals times independent groups. The series part is a sum of logarithms,
and sums of sets met before are reused: a closure costs what it adds to its largest part. A group is a diagram whose blocks
are sets again. Both sides of every probability are carried, so a rare failure keeps its precision.
For the costs (costs.py) each set is also known as a curve: at nodes t in 0..1, P with every unavailability scaled by t, and
its slope, the derivative along all of them at once.
What may go wrong: a group too large for its node budget. It then gets a rigorous interval (bounds.py), never a guess.
"""

from __future__ import annotations

import math
import sys
from array import array
from operator import mul
from typing import TYPE_CHECKING

from truetier.availability import bounds
from truetier.availability.conditioning import Conditioning, hubs_of
from truetier.availability.diagram.kernel import Diagram, Overgrown
from truetier.availability.factors import NEVER
from truetier.availability.kernel import fill_rows, places, with_largest, with_rows
from truetier.availability.modules import DEEPEST, Block, Down, Fixed, Older, build_group, groups_of
from truetier.availability.outages import Outages, still_down
from truetier.availability.quadrature import gauss_legendre
from truetier.availability.value import IMPOSSIBLE, Curve, Value, both
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truetier.availability.conditioning import Hubs
    from truetier.availability.factors import Factors
    from truetier.availability.modules import Group, Variable

GROUP_BUDGET = 400_000  # nodes of one diagram, and factors looked at on the way to it
RUN_BUDGET = 8_000_000  # of all diagrams of one run; past it only small ones are tried
SMALL_GROUP = 2_000
MOST_CONTRIBUTORS = 10
SURELY_DOWN = -1e5  # stands for log(0): its exponential is 0, and taking it away again is exact enough
SAFE_SUBTRACTION = 0.9  # what may be taken away from a sum before its rounding shows


class Terms(NamedTuple):
    """Of plain literals: log P at t = 1, then at each node, then the sum of q / (1 - t q) at each; the ten with the largest q."""

    sums: array[float]
    nodes: int
    largest: array[int]

    @property
    def log(self) -> float:
        """Of P where nothing is scaled."""
        return self.sums[0]

    @property
    def logs(self) -> array[float]:
        """Of P at each node."""
        return self.sums[1 : 1 + self.nodes]

    @property
    def slopes(self) -> array[float]:
        """The sum of q / (1 - t q) at each node."""
        return self.sums[1 + self.nodes :]


_NO_LITERALS = array("i")


class _Rows:
    """What each plain literal adds to Terms of one number of nodes: a table, and for which of them it is filled in."""

    __slots__ = ("filled", "table")

    def __init__(self) -> None:
        self.table = array("d")
        self.filled = 0


class Series:
    """Plain literals that must all hold, and the part of them whose sums were made before."""

    __slots__ = ("base", "plain", "terms", "unknown", "wider")

    def __init__(self, plain: int, unknown: int, base: Series | None, wider: Series | None) -> None:
        self.plain = plain  # without the unknown ones
        self.unknown = unknown
        self.base = base
        self.wider = wider  # a set that holds a little more
        self.terms: dict[int, Terms] = {}


class Split:
    """One set: its series, its groups, and what was computed of it."""

    __slots__ = ("curves", "groups", "mask", "series", "value")

    def __init__(self, mask: int, series: Series, groups: list[GroupState]) -> None:
        self.mask = mask  # condensed
        self.series = series
        self.groups = groups
        self.value: Value | None = None
        self.curves: dict[int, Curve] = {}

    @property
    def is_possible(self) -> bool:
        """Whether the set can hold at all."""
        return not self.mask & NEVER


class GroupState:
    """Factors that influence each other, and what was computed of them."""

    __slots__ = ("at_one", "built", "curves", "hubs", "importances", "mask", "part", "value")

    def __init__(self, mask: int, part: int) -> None:
        self.mask = mask
        self.part = part  # some of the factors, evaluated before
        self.hubs: Hubs | None = None  # where the value came from them
        self.built: Group | None = None
        self.value: Value | None = None
        self.curves: dict[int, Curve] = {}
        self.importances: dict[int, list[list[float]]] = {}
        self.at_one: list[float] | None = None  # importances where nothing is scaled


def keyed(mask: int) -> tuple[int, int]:
    """A set as the key of a dictionary: sets of one factor have only 61 different hashes between them."""
    return mask.bit_length(), mask


class Engine:
    """Evaluates sets of one Factors. ``near`` gives, for a set, a part of it worth starting from."""

    def __init__(self, factors: Factors, near: Mapping[int, int]) -> None:
        self.factors = factors
        self.outages = Outages(factors)
        self._near = near
        self._splits: dict[tuple[int, int], Split] = {}  # see keyed
        self._groups: dict[int, GroupState] = {}
        self._series: dict[tuple[int, int], Series] = {}
        self._rows: dict[int, _Rows] = {}
        self._downs = array("d")  # by literal, those of any series
        self._bounded: dict[int, Value] = {}  # thresholds that were too large
        self._left = RUN_BUDGET
        self.conditioning = Conditioning(factors, self.value, lambda mask, nodes: self.curve(self.split(mask), nodes))

    def value(self, mask: int) -> Value:
        """The probability that every factor of the set holds. Unknown components give the interval of 0 and 1."""
        if mask & self.factors.plain and not mask & (mask - 1):
            return self._literal(mask.bit_length() - 1)
        return self.value_of(self.split(mask))

    def value_of(self, split: Split) -> Value:
        """The same of a set in parts: to look it up again costs as much as the set is large."""
        if split.value is None:
            split.value = self._value(split)
        return split.value

    def split(self, mask: int, wider: int = 0) -> Split:
        """A set in parts; ``wider`` names one that holds a little more, to take away from instead of adding up."""
        key = keyed(mask)
        found = self._splits.get(key)
        if found is None:
            near, part = self._part(mask)
            base = None if part is None else part.series
            # what the part asserts was worked out when it was met; only what comes on top is left to do
            condensed = self.factors.condensed(mask if part is None else part.mask | mask & ~near)
            over = self.split(wider).series if wider else None
            plain = condensed & self.factors.plain
            groups: list[GroupState] = []
            for group in groups_of(self.factors, 0 if condensed & NEVER else condensed & ~plain):
                if group & self.factors.aged == group and group.bit_count() == 1 and self.factors.is_simple(group.bit_length() - 1):
                    plain |= group  # nothing else looks at that component: an age is a smaller q
                else:
                    groups.append(self._group_state(group, part))
            found = Split(condensed, self._series_of(plain, base, over), groups)
            self._splits[key] = found
        return found

    def _part(self, mask: int) -> tuple[int, Split | None]:
        """What was met before and is part of a set, and the same in parts; made from below, since it may be a chain of thousands."""
        chain: list[int] = []
        while (near := self._near.get(mask, 0)) and near != mask and not near & ~mask:
            chain.append(near)
            if keyed(near) in self._splits:
                break
            mask = near
        found: Split | None = None
        for near in reversed(chain):
            found = self.split(near)
        return (chain[0] if chain else 0), found

    def _series_of(self, plain: int, base: Series | None, wider: Series | None) -> Series:
        key = keyed(plain)
        known = self._series.get(key)
        if known is None:
            unknown = plain & self.factors.unknown
            if base is not None and base.plain & ~plain:
                base = None
            known = self._series[key] = Series(plain & ~unknown, unknown, base, wider)
        return known

    def _group_state(self, group: int, part: Split | None) -> GroupState:
        known = self._groups.get(group)
        if known is None:
            inside = (each.mask for each in part.groups if not each.mask & ~group) if part is not None else ()
            known = self._groups[group] = GroupState(group, max(inside, key=int.bit_count, default=0))
        return known

    def _value(self, split: Split) -> Value:
        if not split.is_possible:
            return IMPOSSIBLE
        log = self.terms(split.series, 0).log
        up, down = math.exp(log), 0.0 - math.expm1(log)  # not -0.0
        unknown = split.series.unknown
        value = Value(0.0 if unknown else up, up, down, 1.0 if unknown else down)
        for group in split.groups:
            value = both(value, self.group_value(group))
        return value

    def _literal(self, number: int) -> Value:
        """The same of one component."""
        if self.factors.unknown >> number & 1:
            return Value(0.0, 1.0, 0.0, 1.0)
        q = self.down(number)
        return Value(1.0 - q, 1.0 - q, q, q)

    # -- groups

    def group_value(self, group: GroupState) -> Value:
        """The probability that every factor of a group holds."""
        if group.value is None:
            group.value = self._evaluate(group)
        return group.value

    def _evaluate(self, group: GroupState) -> Value:
        hubs = hubs_of(self.factors, group.mask)
        if hubs is not None and (found := self.conditioning.value(hubs, group.mask, group.part)) is not None:
            group.hubs = hubs
            return found
        self._build(group)
        if group.built is None:
            return bounds.frechet(self.factors, group.mask, self._bounded)
        values = [self.variable_value(variable) for variable in group.built.variables]
        up, down = group.built.low.evaluate([value.up_low for value in values], [value.down_high for value in values])
        if group.built.high is group.built.low and all(map(_is_exact, values)):
            return Value(up, up, down, down)
        best_up, best_down = group.built.high.evaluate([value.up_high for value in values], [value.down_low for value in values])
        return Value(up, best_up, best_down, down)

    def variable_value(self, variable: Variable) -> Value:
        """P(true) and P(false) of a variable: ``up_low`` and ``down_high`` are the pessimistic pair, also of being down."""
        match variable:
            case Block(mask):
                return self.value(mask)
            case Fixed(up, down):
                return Value(up, up, down, down)
            case Down((root,)):
                q = self.factors.literals[root].event.down
                return Value(1.0, 0.0, 1.0, 0.0) if q is None else Value(q, q, 1.0 - q, 1.0 - q)
            case Down(roots):
                found = self.outages.at(roots, 0, 1.0)
                return Value(found.down, found.down, found.up, found.up)
            case Older(roots, before, limit):
                up, down, _ = self.outages.older(roots, before, limit, 1.0)
                return Value(up, up, down, down)

    def _build(self, group: GroupState) -> None:
        """Gives a group its diagram; none where it would be too large."""
        budget = GROUP_BUDGET if self._left > 0 else SMALL_GROUP
        diagram = Diagram(budget)
        limit = sys.getrecursionlimit()
        try:
            sys.setrecursionlimit(max(limit, 4 * DEEPEST))
            group.built = build_group(self.factors, group.mask, diagram, budget)
        except Overgrown:
            self._left -= budget
        finally:
            sys.setrecursionlimit(limit)
        self._left -= diagram.size

    def built(self, group: GroupState) -> Group:
        """The diagram of a group. Raises Overgrown where it would be too large."""
        if group.built is None:
            self._build(group)
        if group.built is None:
            raise Overgrown
        return group.built

    # -- sums over plain literals

    def terms(self, series: Series, nodes: int) -> Terms:
        """Sums over known plain literals, continued from those of a part met before; nodes 0 asks for log P at 1 only."""
        if nodes == 0 and series.terms:
            return next(iter(series.terms.values()))
        chain: list[Series] = []
        at: Series | None = series
        while at is not None and nodes not in at.terms:
            if nodes == 0 and at.terms:
                break
            if nodes == 0 and (less := self._taken_away(at)) is not None:
                at.terms[0] = less
                break
            chain.append(at)
            at = at.base
        terms = Terms(array("d", bytes(8 * (1 + 2 * nodes))), nodes, _NO_LITERALS)
        if at is not None:
            terms = at.terms[nodes] if nodes else self.terms(at, 0)
        inner = 0 if at is None else at.plain
        for outer in reversed(chain):
            terms = outer.terms[nodes] = self._extended(terms, outer.plain & ~inner, nodes)
            inner = outer.plain
        return terms

    def _taken_away(self, series: Series) -> Terms | None:
        """The sum of a wider set less what it holds in excess, where rounding allows it."""
        wider = series.wider
        if wider is None or not wider.terms or series.plain & ~wider.plain:
            return None
        whole = self.terms(wider, 0).log
        more = wider.plain & ~series.plain
        (excess,) = with_rows(array("d", (0.0,)), self._filled(more, 0).table, places(more))
        return Terms(array("d", (whole - excess,)), 0, _NO_LITERALS) if excess > SAFE_SUBTRACTION * whole else None

    def log_of(self, plain: int) -> float:
        """Log P of some known plain literals."""
        (found,) = with_rows(array("d", (0.0,)), self._filled(plain, 0).table, places(plain))
        return found

    def _extended(self, terms: Terms, added: int, nodes: int) -> Terms:
        rows = self._filled(added, nodes)
        numbers = places(added)
        if nodes == 0:
            return Terms(with_rows(terms.sums[:1], rows.table, numbers), 0, _NO_LITERALS)
        largest = with_largest(terms.largest, self._downs, numbers, MOST_CONTRIBUTORS)
        return Terms(with_rows(terms.sums, rows.table, numbers), nodes, largest)

    def row(self, number: int, nodes: int) -> array[float]:
        """What a literal added to Terms that hold it: log(1 - q), log(1 - t q) at each node, q / (1 - t q) at each node."""
        width = 1 + 2 * nodes
        return self._rows[nodes].table[number * width : (number + 1) * width]

    def _filled(self, literals: int, nodes: int) -> _Rows:
        rows = self._rows.get(nodes)
        if rows is None:
            rows = self._rows[nodes] = _Rows()
        missing = literals & ~rows.filled
        if missing:
            width = 1 + 2 * nodes
            size = len(self.factors.mention)
            rows.table.frombytes(bytes(8 * width * size - 8 * len(rows.table)))
            self._downs.frombytes(bytes(8 * size - 8 * len(self._downs)))
            numbers = places(missing)
            for number in numbers:
                self._downs[number] = self.down(number)
            fill_rows(rows.table, self._downs, array("d", gauss_legendre(nodes)[0]), numbers, SURELY_DOWN)
            rows.filled |= missing
        return rows

    def down(self, number: int) -> float:
        """The probability that a literal does not hold."""
        literal = self.factors.literals[number]
        down = literal.event.down or 0.0
        return down * still_down(literal.event.mttr, literal.limit) if literal.limit else down

    # -- curves

    def curve(self, split: Split, nodes: int) -> Curve:
        """The set at each of the Gauss-Legendre nodes t: unavailabilities scaled by t, ages and draws held."""
        known = split.curves.get(nodes)
        if known is None and not split.is_possible:
            known = split.curves[nodes] = Curve([0.0] * nodes, [1.0] * nodes, [0.0] * nodes)
        if known is None:
            terms = self.terms(split.series, nodes)
            logs = terms.logs
            up = [math.exp(log) for log in logs]
            down = [-math.expm1(log) for log in logs]
            slope = [p * s for p, s in zip(up, terms.slopes, strict=True)]
            for group in split.groups:
                other = self.group_curve(group, nodes)
                slope = [s * q + p * r for p, s, q, r in zip(up, slope, other.up, other.slope, strict=True)]
                down = [d + p * e for d, p, e in zip(down, up, other.down, strict=True)]
                up = [p * q for p, q in zip(up, other.up, strict=True)]
            known = split.curves[nodes] = Curve(up, down, slope)
        return known

    def group_curve(self, group: GroupState, nodes: int) -> Curve:
        """The same of one group."""
        known = group.curves.get(nodes)
        if known is None:
            if group.hubs is not None:
                known = group.curves[nodes] = self.conditioning.curve(group.hubs, nodes)
            else:
                known, _ = self._differentiated(group, nodes)
        return known

    def importances(self, group: GroupState, nodes: int) -> list[list[float]]:
        """dP(group)/dP(variable) of each variable of the group's diagram, at each node. Raises Overgrown."""
        return group.importances[nodes] if nodes in group.importances else self._differentiated(group, nodes)[1]

    def _differentiated(self, group: GroupState, nodes: int) -> tuple[Curve, list[list[float]]]:
        built = self.built(group)
        curve = Curve([], [], [])
        importances: list[list[float]] = []
        variables = [self._variable_curve(variable, nodes) for variable in built.variables]
        for index in range(nodes):
            ups, downs = [each.up[index] for each in variables], [each.down[index] for each in variables]
            up, down, importance = built.low.differentiate(ups, downs)
            curve.up.append(up)
            curve.down.append(down)
            curve.slope.append(math.fsum(map(mul, importance, [each.slope[index] for each in variables])))
            importances.append(importance)
        group.curves[nodes] = curve
        group.importances[nodes] = importances
        return curve, importances

    def importance(self, group: GroupState) -> list[float]:
        """The same at t = 1."""
        if group.at_one is None:
            built = self.built(group)
            values = [self.variable_value(variable) for variable in built.variables]
            group.at_one = built.low.differentiate([value.up_low for value in values], [value.down_high for value in values])[2]
        return group.at_one

    def _variable_curve(self, variable: Variable, nodes: int) -> Curve:
        """The same of one variable being true."""
        points = gauss_legendre(nodes)[0]
        match variable:
            case Block(mask):
                return self.curve(self.split(mask), nodes)
            case Fixed(up, down):
                return Curve([up] * nodes, [down] * nodes, [0.0] * nodes)
            case Down((root,)):
                q = self.down(root)
                return Curve([t * q for t in points], [1 - t * q for t in points], [-q] * nodes)
            case Down(roots):
                found = [self.outages.at(roots, 0, t) for t in points]
                return Curve([each.down for each in found], [each.up for each in found], [-each.slope for each in found])
            case Older(roots, before, limit):
                older = [self.outages.older(roots, before, limit, t) for t in points]
                return Curve([up for up, _, _ in older], [down for _, down, _ in older], [-slope for _, _, slope in older])


def _is_exact(value: Value) -> bool:
    return value.is_exact
