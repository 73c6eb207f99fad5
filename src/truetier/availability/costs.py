"""What each component and mechanism costs: a split of the downtime that sums to it.

costs(i) = q_i times the integral over t in 0..1 of dU/dq_i at t q, all component and mechanism unavailabilities scaled, ages
and draws held (Aumann-Shapley), by Gauss-Legendre nodes doubled until the sum meets the downtime. gives_back(i) = q_i dU/dq_i
at t = 1 (Birnbaum). Source: design section 3, Importance.

The costliest ten are found without listing all: a set or block is opened only while its sum can still hold one of them.
"""

from __future__ import annotations

import heapq
import math
from operator import mul
from typing import TYPE_CHECKING

from truetier.availability.diagram.kernel import Overgrown
from truetier.availability.estimate import Contributor, Costs
from truetier.availability.exact import MOST_CONTRIBUTORS, GroupState, Split
from truetier.availability.modules import Block, Down, Older
from truetier.availability.outages import chain_gradient
from truetier.availability.quadrature import gauss_legendre
from truetier.record import NamedTuple
from truetier.units import MINUTES_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from truetier.availability.events import Event
    from truetier.availability.exact import Engine

_FIRST_NODES = 4
_MOST_NODES = 64
_CLOSE = 1e-12
_SURELY_LESS = 1 - 1e-9  # of two costs, beyond what rounding can do


class _Leaf(NamedTuple):
    number: int
    cost: float
    gain: float


class _Opener(NamedTuple):
    """A set or a group still closed, and how much the whole fails when it does, at each node and at t = 1."""

    what: Split | GroupState
    weights: list[float]
    at_one: float


NO_COSTS = Costs((), 0, 0.0)


def costs(engine: Engine, mask: int) -> Costs:
    """The costs of a set's failures, minutes a year; nothing where it never fails, or its value or its diagrams are too much."""
    split = engine.split(mask)
    if not _can_be_split_up(engine, split):
        return NO_COSTS
    nodes, scale = _scale(engine, split)
    try:
        leaves = _Search(engine, nodes).costliest(split)
    except Overgrown:
        return NO_COSTS
    return Costs(_contributors(engine, leaves, scale), _count(engine, split), significant(abs(scale - 1.0)))


def costliest(engine: Engine, mask: int) -> Contributor | None:
    """The first of the contributors alone, which takes less of a search; None where there is none."""
    split = engine.split(mask)
    if not _can_be_split_up(engine, split):
        return None
    nodes, scale = _scale(engine, split)
    try:
        leaves = _Search(engine, nodes).costliest(split, is_first_enough=True)
    except Overgrown:
        return None
    return next(iter(_contributors(engine, leaves, scale)), None)


def _can_be_split_up(engine: Engine, split: Split) -> bool:
    value = engine.value_of(split)
    return value.is_exact and value.down_low != 0.0 and split.is_possible


def _scale(engine: Engine, split: Split) -> tuple[int, float]:
    """How many nodes the integral takes, and what its sum is multiplied by to meet the downtime."""
    value = engine.value_of(split)
    nodes = _FIRST_NODES if split.groups else enough_nodes(-engine.terms(split.series, 0).log)
    while True:
        total = math.fsum(map(mul, gauss_legendre(nodes)[1], engine.curve(split, nodes).slope))
        if abs(total - value.down_low) <= _CLOSE * value.down_low or nodes >= _MOST_NODES:
            return nodes, value.down_low / total if total else 1.0
        nodes *= 2


def enough_nodes(loss: float) -> int:
    """How many nodes integrate the slope of a series that small failures make, if so many are enough as are ever tried."""
    nodes = _FIRST_NODES
    while nodes < _MOST_NODES and not is_enough(nodes, loss):
        nodes *= 2
    return nodes


def is_enough(nodes: int, loss: float) -> bool:
    """Whether so many nodes surely integrate it; the slope is near L exp(-L t).

    The error is f^(2n) (n!)^4 / ((2n + 1) ((2n)!)^3). Source: Abramowitz and Stegun 25.4.30.
    """
    scale = 4 * math.lgamma(nodes + 1) - math.log(2 * nodes + 1) - 3 * math.lgamma(2 * nodes + 1)
    return (2 * nodes + 1) * math.log(loss) + scale <= math.log(-_CLOSE * math.expm1(-loss))


def significant(residue: float) -> float:
    """A residue, nought where it is no more than rounding."""
    return residue if residue > _CLOSE else 0.0


def _contributors(engine: Engine, leaves: Iterable[_Leaf], scale: float) -> tuple[Contributor, ...]:
    literals = engine.factors.literals
    return costliest_first(_contributor(literals[leaf.number].event, leaf, scale) for leaf in leaves)


def costliest_first(found: Iterable[Contributor]) -> tuple[Contributor, ...]:
    """Costliest first; those that cost the same, but for rounding, by name."""
    return tuple(sorted(found, key=lambda contributor: (-float(f"{contributor.costs:.10g}"), contributor.component)))


def _contributor(event: Event, leaf: _Leaf, scale: float) -> Contributor:
    return Contributor(event.name, _minutes(leaf.cost * scale), _minutes(leaf.gain), event.service)


def _minutes(share: float) -> float:
    return share * MINUTES_PER_YEAR + 0.0  # adding nought turns minus nought into nought


def _count(engine: Engine, split: Split) -> int:
    found = 0
    for group in split.groups:
        found |= engine.factors.mentioned(group.mask)
    return split.series.plain.bit_count() + (found & engine.factors.scaled).bit_count()


class _Search:
    """Best first: what has the largest sum of costs is opened next, until ten components are certain."""

    def __init__(self, engine: Engine, nodes: int) -> None:
        self._engine = engine
        self._nodes = nodes
        self._weights = gauss_legendre(nodes)[1]
        self._heap: list[tuple[float, int, _Leaf | _Opener]] = []
        self._pushed = 0

    def costliest(self, split: Split, *, is_first_enough: bool = False) -> list[_Leaf]:
        """At most ten components, costs as shares of time; or only those that may be the first of them."""
        found: list[_Leaf] = []
        if not split.groups:
            for leaf in self._leaves(split, self._weights, 1.0):
                if is_first_enough and found and leaf.cost < found[0].cost * _SURELY_LESS:
                    break
                found.append(leaf)
            return found
        self._open_set(split, [1.0] * self._nodes, 1.0)
        while self._heap and len(found) < MOST_CONTRIBUTORS:
            cost, _, entry = heapq.heappop(self._heap)
            if is_first_enough and found and -cost < found[0].cost * _SURELY_LESS:
                break
            if isinstance(entry, _Leaf):
                found.append(entry)
            elif isinstance(entry.what, Split):
                self._open_set(entry.what, entry.weights, entry.at_one)
            else:
                self._open_group(entry.what, entry.weights, entry.at_one)
        return found

    def _open_set(self, split: Split, weights: list[float], at_one: float) -> None:
        engine, nodes = self._engine, self._nodes
        ups = engine.curve(split, nodes).up
        terms = engine.terms(split.series, nodes)
        of_groups = [engine.group_value(group).up_low for group in split.groups]
        weighted = [w * v for w, v in zip(self._weights, weights, strict=True)]
        for leaf in self._leaves(split, weighted, at_one * math.prod(of_groups)):
            self._push(leaf.cost, leaf)
        alone = math.exp(terms.log)
        for index, group in enumerate(split.groups):
            curve = engine.group_curve(group, nodes)
            rest = [v * p / u if u else 0.0 for v, p, u in zip(weights, ups, curve.up, strict=True)]
            gain = at_one * alone * math.prod(of_groups[:index] + of_groups[index + 1 :])
            self._push_opener(_Opener(group, rest, gain), curve.slope, engine.factors.mentioned(group.mask))

    def _leaves(self, split: Split, weights: Sequence[float], at_one: float) -> Iterator[_Leaf]:
        """The costliest plain literals of a set, costliest first: in a series that is the order of q."""
        engine, nodes = self._engine, self._nodes
        terms = engine.terms(split.series, nodes)
        weighted = list(map(mul, weights, engine.curve(split, nodes).up))
        log = terms.log
        for number in terms.largest:
            row = engine.row(number, nodes)
            others = math.exp(min(0.0, log - row[0]))
            yield _Leaf(number, math.fsum(map(mul, weighted, row[1 + nodes :])), at_one * engine.down(number) * others)

    def _open_group(self, group: GroupState, weights: list[float], at_one: float) -> None:
        engine, nodes = self._engine, self._nodes
        importances = engine.importances(group, nodes)
        gains = engine.importance(group)
        for index, variable in enumerate(engine.built(group).variables):
            inner = [w * importance[index] for w, importance in zip(weights, importances, strict=True)]
            if isinstance(variable, Block):
                split = engine.split(variable.mask)
                opener = _Opener(split, inner, at_one * gains[index])
                self._push_opener(opener, engine.curve(split, nodes).slope, engine.factors.mentioned(variable.mask))
            elif isinstance(variable, Down) and len(variable.roots) > 1:
                self._open_chain(group, index, variable.roots, weights, [at_one * gain for gain in gains])
            elif isinstance(variable, Down):
                q = engine.factors.literals[variable.roots[0]].event.down or 0.0
                cost = -q * math.fsum(map(mul, self._weights, inner))
                self._push(cost, _Leaf(variable.roots[0], cost, -q * at_one * gains[index]))

    def _open_chain(self, group: GroupState, start: int, roots: tuple[int, ...], weights: list[float], gains: list[float]) -> None:
        """Components looked at alike: each moves every variable of their chain."""
        engine = self._engine
        limits = [0, *(item.limit for item in engine.built(group).variables[start:] if isinstance(item, Older) and item.roots == roots)]
        span = slice(start, start + len(limits))

        def of_components(point: float, importances: Sequence[float]) -> Iterator[tuple[float, list[float]]]:
            outages = [engine.outages.at(roots, limit, point) for limit in limits]
            return zip(chain_gradient(outages, importances[span]), (outage.parts for outage in outages), strict=True)

        shares: list[float] = []
        parts: list[list[float]] = []
        for index, point in enumerate(gauss_legendre(self._nodes)[0]):
            weight = self._weights[index] * weights[index]
            for share, of_each in of_components(point, engine.importances(group, self._nodes)[index]):
                shares.append(weight * share)
                parts.append(of_each)
        end_shares, end_parts = zip(*of_components(1.0, gains), strict=True)
        for root, slopes, ends in zip(roots, zip(*parts, strict=True), zip(*end_parts, strict=True), strict=True):
            cost = -math.fsum(map(mul, shares, slopes))
            self._push(cost, _Leaf(root, cost, -math.fsum(map(mul, end_shares, ends))))

    def _push_opener(self, opener: _Opener, slopes: Sequence[float], mention: int) -> None:
        """Where something is triggered by failures a sum is no upper bound of its parts: it is opened first."""
        cost = math.fsum(w * v * s for w, v, s in zip(self._weights, opener.weights, slopes, strict=True))
        triggered = mention & self._engine.factors.triggers
        if cost or triggered:
            self._push(math.inf if triggered else cost, opener)

    def _push(self, cost: float, entry: _Leaf | _Opener) -> None:
        heapq.heappush(self._heap, (-cost, self._pushed, entry))
        self._pushed += 1
