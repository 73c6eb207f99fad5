"""How sure a number is that rests on what was measured: the probability that a promise is kept, and an interval.

Theory. What was measured is a binomial share with a Jeffreys prior: its unavailability has a beta distribution. One unavailability is
drawn for each thing measured and shared by all that comes from it: by every subject above it, and by all copies of a service and
what they have in common. Everything else keeps its number, so a subject is evaluated once for all draws, each a column: a series adds
logarithms, a diagram is passed through once, and what rests on nothing measured is one number for all columns.
The draws of one thing are the quantiles at the middles of equal strata, in an order of their own (Latin hypercube sampling). With one
thing measured the probability is then right to half a stratum; with several its error is at most that of independent draws.
More requests move every quantile the same way, so that more of them without a failure never lower the probability.
Sources: Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science 16(2), 2001; McKay, Beckman and
Conover, Technometrics 21(2), 1979; Owen, Monte Carlo variance of scrambled net quadrature, SIAM J. Numer. Anal. 34(5), 1997.
"""

from __future__ import annotations

import math
import sys
from array import array
from functools import cache
from hashlib import shake_128
from typing import TYPE_CHECKING

from truetier.availability.conditioning import projections_of, shares_of_down
from truetier.availability.estimate import Confidence, Further
from truetier.availability.exact import keyed
from truetier.availability.kernel import beta_quantiles, conjoin_columns, losses, places, unavailabilities, with_rows
from truetier.availability.modules import Block, Down, Fixed, Older
from truetier.availability.outages import still_down
from truetier.availability.quadrature import gauss_legendre
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from truetier.availability.events import Event
    from truetier.availability.exact import Engine, GroupState, Series, Split
    from truetier.availability.modules import Variable
    from truetier.availability.structure import Bounds
    from truetier.catalog.measured import Measured
    from truetier.units import Availability

SURE = 0.95  # a promise kept with this probability is met, with the rest of it missed, and between them there is not enough data
FIRST_DRAWS = 1024
MOST_DRAWS = 16_384
_FOURFOLD = 4
_ERRORS = 3.0  # standard errors that P stays away from where a verdict changes
_NODES = 6  # of the quadrature of a density
_MOST_DOWN = 1.0 - 2.0**-53  # no draw is down for certain: its logarithm must be a number
_MOST_HELD = 1 << 24  # numbers, of draws that may be asked for again
_MOST_REQUESTS = 10**18
_CLOSE = 200  # the number of requests is found to one part in so many
_MET = 1 + 1e-12  # of a budget: equality is met


def quantiles(measured: Measured, shares: Sequence[float]) -> array[float]:
    """The unavailabilities that the posterior of something measured stays below with these probabilities, ascending."""
    return beta_shares(measured.failures, measured.successes, shares)


def beta_shares(failures: float, successes: float, shares: Sequence[float]) -> array[float]:
    """The same of a beta distribution of those shapes."""
    points, weights = gauss_legendre(_NODES)
    return beta_quantiles(failures, successes, array("d", shares), array("d", points), array("d", weights))


@cache
def _middles(count: int) -> array[float]:
    """Of so many equal strata of 0..1."""
    return array("d", [(stratum + 0.5) / count for stratum in range(count)])


class Draws:
    """So many unavailabilities of each thing measured. The same seed, name and counts give the same draws."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._held: dict[tuple[str, Measured, int], array[float]] = {}
        self._left = _MOST_HELD

    def of(self, name: str, measured: Measured, count: int) -> array[float]:
        """The draws of the thing of that name."""
        key = (name, measured, count)
        found = self._held.get(key)
        if found is None:
            ascending = quantiles(measured, _middles(count))
            if ascending[-1] > _MOST_DOWN:
                ascending = array("d", [min(_MOST_DOWN, q) for q in ascending])
            found = array("d", map(ascending.__getitem__, self._order(name, count)))
            self._left -= count
            if self._left < 0:
                self._held.clear()
                self._left = _MOST_HELD - count
            self._held[key] = found
        return found

    def _order(self, name: str, count: int) -> list[int]:
        """The strata in an order that looks like chance, given by seed and name alone: sorted by a hash."""
        digest = shake_128(f"{self._seed}/{name}".encode("utf-8", "surrogateescape")).digest(8 * count)
        words = array("Q", digest)
        if sys.byteorder == "big":
            words.byteswap()
        return sorted(range(count), key=words.__getitem__)


class _Columns(NamedTuple):
    """P(holds) and P(fails) in each draw."""

    up: array[float]
    down: array[float]


class Sample:
    """Sets evaluated in all draws at once, from below (pessimistic: what nobody knows fails) or from above.

    ``instead``: other draws of some literals than those of the sample this one is ``based`` on; what they do not touch is taken from it.
    """

    def __init__(self, engine: Engine, draws: Draws, count: int, *, pessimistic: bool) -> None:
        self._engine = engine
        self._factors = engine.factors
        self._draws = draws
        self.count = count
        self._pessimistic = pessimistic
        self._based: Sample | None = None
        self._changed = 0
        self._more: Mapping[str, int | None] = {}
        self._rows = array("d")  # losses of measured literals, as they were met
        self._row_of: dict[int, int] = {}
        self._sums: dict[tuple[int, int], array[float]] = {}
        self._sets: dict[tuple[int, int], _Columns] = {}
        self._groups: dict[int, _Columns] = {}

    def with_more(self, more: Mapping[str, int | None], literals: int) -> Sample:
        """The same with so many more requests to some services, none of which fails; None: without end. ``literals`` are all theirs."""
        other = Sample(self._engine, self._draws, self.count, pessimistic=self._pessimistic)
        other._based, other._more, other._changed = self, more, literals
        return other

    def columns(self, split: Split) -> _Columns:
        """A set in every draw."""
        if self._based is not None and not self._factors.mentioned(split.mask) & self._changed:
            return self._based.columns(split)
        key = keyed(split.mask)
        known = self._sets.get(key)
        if known is None:
            known = self._sets[key] = self._set(split)
        return known

    def _set(self, split: Split) -> _Columns:
        if not split.is_possible or (split.series.unknown and self._pessimistic):
            return self._constant(0.0, 1.0)
        down = unavailabilities(self._series(split))
        found = _Columns(array("d", [1.0 - q for q in down]), down)
        for group in split.groups:
            conjoin_columns(*found, *self.group(group))
        return found

    def down(self, split: Split) -> array[float]:
        """P(fails) of a set in every draw. Of a series it is not kept: each subject is asked for once."""
        if split.groups or not split.is_possible or split.series.unknown:
            return self.columns(split).down
        return unavailabilities(self._series(split))

    # -- series

    def _series(self, split: Split) -> array[float]:
        """The sum of losses of a series: what was measured in every draw, the rest as it is."""
        plain = split.series.plain
        measured = plain & self._factors.measured
        rest = max(0.0, self._engine.log_of(measured) - self._engine.terms(split.series, 0).log)
        return array("d", [rest + loss for loss in self._measured(split.series)])

    def _measured(self, series: Series) -> array[float]:
        """The same of the measured literals alone, continued from a part met before."""
        chain: list[int] = []
        at: Series | None = series
        known: array[float] | None = None
        while at is not None and known is None:
            measured = at.plain & self._factors.measured
            known = self._sums.get(keyed(measured))
            if known is None:
                chain.append(measured)
                at = at.base if self.count == FIRST_DRAWS and self._based is None else None
        inner = 0 if at is None else at.plain & self._factors.measured
        found = array("d", bytes(8 * self.count)) if known is None else known
        for measured in reversed(chain):
            if measured & ~inner:
                found = self.added(found, measured & ~inner)
            self._sums[keyed(measured)] = found
            inner = measured
        return found

    def added(self, sums: array[float], literals: int) -> array[float]:
        """Sums to which the losses of some measured literals were added."""
        if self._based is not None and literals & ~self._changed:
            sums = self._based.added(sums, literals & ~self._changed)
            literals &= self._changed
        numbers = places(literals)
        for number in numbers:
            if number not in self._row_of:
                self._row_of[number] = len(self._row_of)
                self._rows.extend(losses(self.literal(number)))
        return with_rows(sums, self._rows, array("i", [self._row_of[number] for number in numbers]))

    def literal(self, number: int) -> array[float]:
        """The probability that a measured literal does not hold, in every draw."""
        if self._based is not None and not self._changed >> number & 1:
            return self._based.literal(number)
        literal = self._factors.literals[number]
        event = literal.event
        older = still_down(event.mttr, literal.limit) if literal.limit else 1.0
        drawn = self.drawn(event)
        return drawn if event.is_whole and older == 1.0 else array("d", [event.down_given(q) * older for q in drawn])

    def drawn(self, event: Event) -> array[float]:
        """The draws of what the number of an event was taken from."""
        assert event.measured is not None, "only what was measured is drawn"
        assert event.service is not None, "services are measured, and their copies"
        measured = event.measured
        if event.service in self._more:
            more = self._more[event.service]
            if more is None:
                return array("d", bytes(8 * self.count))
            measured = measured._replace(requests=measured.requests + more)
        return self._draws.of(event.service, measured, self.count)

    # -- groups

    def group(self, group: GroupState) -> _Columns:
        """A group in every draw."""
        mentioned = self._factors.mentioned(group.mask)
        if self._based is not None and not mentioned & self._changed:
            return self._based.group(group)
        known = self._groups.get(group.mask)
        if known is None:
            known = self._groups[group.mask] = self._group(group, mentioned)
        return known

    def _group(self, group: GroupState, mentioned: int) -> _Columns:
        value = self._engine.group_value(group)
        if not mentioned & self._factors.measured:
            return self._constant(value.up_low, value.down_high) if self._pessimistic else self._constant(value.up_high, value.down_low)
        if group.hubs is not None:
            return self._given_hubs(group)
        if group.built is None:  # too large: its interval holds for the means alone
            return self._constant(0.0, 1.0) if self._pessimistic else self._constant(1.0, 0.0)
        up, down = array("d"), array("d")
        for variable in group.built.variables:
            holds, fails = self._variable(variable)
            up.extend(holds)
            down.extend(fails)
        structure = group.built.low if self._pessimistic else group.built.high
        return _Columns(*structure.evaluate_all(up, down, self.count))

    def _variable(self, variable: Variable) -> _Columns:
        measured = self._factors.measured
        match variable:
            case Block(mask) if self._factors.mentioned(mask) & measured:
                return self.columns(self._engine.split(mask))
            case Down((root,)) if measured >> root & 1:
                q = self.literal(root)
                return _Columns(q, array("d", [1.0 - each for each in q]))
            case Down(roots) if any(measured >> root & 1 for root in roots):
                down, up = self._outage(roots, 0)
                return _Columns(down, up)
            case Older(roots, before, limit) if any(measured >> root & 1 for root in roots):
                return self._older(roots, before, limit)
            case Block() | Down() | Older() | Fixed():
                value = self._engine.variable_value(variable)
                return self._constant(value.up_low, value.down_high) if self._pessimistic else self._constant(value.up_high, value.down_low)

    def _outage(self, roots: Iterable[int], limit: int) -> _Columns:
        """P(one of some components has been down longer than the limit), and its complement; see outages.py."""
        sums = array("d", bytes(8 * self.count))
        for root in roots:
            older = still_down(self._factors.literals[root].event.mttr, limit)
            loss = losses(array("d", [q * older for q in self._root(root)]))
            sums = array("d", [a + b for a, b in zip(sums, loss, strict=True)])
        down = unavailabilities(sums)
        return _Columns(down, array("d", [1.0 - q for q in down]))

    def _older(self, roots: Iterable[int], before: int, limit: int) -> _Columns:
        sooner, later = self._outage(roots, before).up, self._outage(roots, limit).up
        up = array("d", [b / a if a else 0.0 for a, b in zip(sooner, later, strict=True)])
        return _Columns(up, array("d", [1.0 - p for p in up]))

    def _root(self, root: int) -> array[float]:
        if self._factors.measured >> root & 1:
            return self.literal(root)
        return array("d", (self._factors.literals[root].event.down or 0.0,)) * self.count

    def _given_hubs(self, group: GroupState) -> _Columns:
        """The sum over the states of the hubs, as in conditioning.py."""
        hubs = group.hubs
        assert hubs is not None, "asked for where there are hubs"
        weights = [array("d", (1.0,)) * self.count]
        for hub in hubs.hubs:
            down = self._root(hub.root)
            shares = shares_of_down(hub.limits, self._factors.literals[hub.root].event.mttr)
            steps = [array("d", [1.0 - q for q in down]), *(array("d", [q * share for q in down]) for share in shares)]
            weights = [array("d", map(_times, weight, step)) for step in steps for weight in weights]
        given = [self._constant(1.0, 0.0) for _ in weights]
        projections = projections_of(self._factors, hubs)
        for member, own in hubs.members:
            columns = [self.columns(self._engine.split(mask)) for mask in self._engine.conditioning.sets_given(member, own)]
            states = projections[own] or range(len(given))
            for so_far, state in zip(given, states, strict=True):
                conjoin_columns(*so_far, *columns[state])
        return _Columns(_weighted(weights, [each.up for each in given]), _weighted(weights, [each.down for each in given]))

    def _constant(self, up: float, down: float) -> _Columns:
        return _Columns(array("d", (up,)) * self.count, array("d", (down,)) * self.count)


class _Judged(NamedTuple):
    """P(promise kept), from below and from above, and its standard error there."""

    low: float
    high: float
    low_error: float
    high_error: float

    @property
    def is_met(self) -> bool:
        """Whether the promise is kept for sure enough."""
        return self.low - _ERRORS * self.low_error >= SURE

    @property
    def is_missed(self) -> bool:
        """Whether it is not."""
        return self.high + _ERRORS * self.high_error <= 1.0 - SURE

    @property
    def is_close(self) -> bool:
        """Whether more draws might say something else."""
        return abs(self.low - SURE) < _ERRORS * self.low_error or abs(self.high - (1.0 - SURE)) < _ERRORS * self.high_error


class Posterior:
    """Answers for the subjects of one engine. ``seed`` decides the draws, and nothing else does."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._factors = engine.factors
        self._draws = Draws(seed)
        self._first = {side: Sample(engine, self._draws, FIRST_DRAWS, pessimistic=side) for side in (True, False)}

    def confidence(self, sets: Bounds, promise: Availability | None) -> Confidence | None:
        """How sure the number of a set is; None where it rests on nothing measured."""
        measured = self._measured(sets)
        if not measured:
            return None
        count = FIRST_DRAWS
        while True:
            low, high = self._downs(sets, count)
            judged = None if promise is None else _judged(low, high, promise, is_one=len(self._by_service(measured)) == 1)
            if judged is None or not judged.is_close or count >= MOST_DRAWS:
                break
            count *= _FOURFOLD
        down_high = _quantile(low, SURE)
        down_low = _quantile(high, 1.0 - SURE)
        if judged is None:
            return Confidence(None, None, down_low, down_high, count, is_met=False, is_missed=False)
        return Confidence(judged.low, judged.low_error, down_low, down_high, count, is_met=judged.is_met, is_missed=judged.is_missed)

    def further(self, sets: Bounds, promise: Availability, count: int) -> Further:
        """How many more requests, none of which fails, would show that a promise is kept: to what matters most, else to each.

        What matters most is that whose draws explain most of the spread of the downtime.
        """
        sample = self._sample(count, pessimistic=True)
        split = self._engine.split(sets.low)
        literals = self._by_service(self._measured(sets))
        names = sorted(literals, key=lambda name: (-self._spread(sample, split, literals[name]), name))
        for chosen in (names[:1], names) if len(names) > 1 else (names,):
            concerned = 0
            for name in chosen:
                concerned |= literals[name]

            def suffices(requests: int | None, chosen: Sequence[str] = chosen, concerned: int = concerned) -> bool:
                down = sample.with_more(dict.fromkeys(chosen, requests), concerned).down(split)
                return _judged(down, down, promise, is_one=len(names) == 1).is_met

            if suffices(None) and (found := _least(suffices, self._requests(literals[chosen[0]]))) is not None:
                return Further(found, chosen[0] if len(chosen) == 1 else None, len(chosen))
        return Further(None, names[0], len(names))

    def _spread(self, sample: Sample, split: Split, literals: int) -> float:
        """How much of the variance of a set's downtime goes with the draws of one thing measured."""
        drawn, down = sample.drawn(self._event(literals)), sample.down(split)
        middle, mean = math.fsum(drawn) / len(drawn), math.fsum(down) / len(down)
        together = math.fsum((q - middle) * (d - mean) for q, d in zip(drawn, down, strict=True))
        alone = math.fsum((q - middle) ** 2 for q in drawn)
        return together * together / alone if alone else 0.0

    def _requests(self, literals: int) -> int:
        measured = self._event(literals).measured
        return measured.requests if measured is not None else 1

    def _event(self, literals: int) -> Event:
        return self._factors.literals[places(literals)[0]].event

    def _measured(self, sets: Bounds) -> int:
        """The measured literals behind a set."""
        mentioned = self._factors.mentioned(self._engine.split(sets.low).mask)
        if sets.high != sets.low:
            mentioned |= self._factors.mentioned(self._engine.split(sets.high).mask)
        return mentioned & self._factors.measured

    def _by_service(self, measured: int) -> dict[str, int]:
        """The same by the service that each was measured of."""
        found: dict[str, int] = {}
        for number in places(measured):
            service = self._factors.literals[number].event.service or ""
            found[service] = found.get(service, 0) | 1 << number
        return found

    def _downs(self, sets: Bounds, count: int) -> tuple[array[float], array[float]]:
        """P(fails) in every draw, at worst and at best."""
        low = self._sample(count, pessimistic=True).down(self._engine.split(sets.low))
        best = self._engine.split(sets.high)
        if sets.low == sets.high and self._engine.value_of(best).is_exact:
            return low, low
        return low, self._sample(count, pessimistic=False).down(best)

    def _sample(self, count: int, *, pessimistic: bool) -> Sample:
        """What is kept from subject to subject is the first draws; more of them are few subjects' own."""
        if count == FIRST_DRAWS:
            return self._first[pessimistic]
        return Sample(self._engine, self._draws, count, pessimistic=pessimistic)


def _judged(low: Sequence[float], high: Sequence[float], promise: Availability, *, is_one: bool) -> _Judged:
    """From P(fails) in every draw, at worst and at best."""
    budget = promise.unavailability * _MET
    count = len(low)
    worst = sum(down <= budget for down in low) / count
    best = worst if high is low else sum(down <= budget for down in high) / count
    return _Judged(worst, best, _error(worst, count, is_one=is_one), _error(best, count, is_one=is_one))


def _error(share: float, count: int, *, is_one: bool) -> float:
    """The standard error of a share of draws, or more: where one thing is drawn, the share cannot be off by more than half a stratum."""
    return 0.5 / count / math.sqrt(3.0) if is_one else math.sqrt(share * (1.0 - share) / count)


def _quantile(values: Sequence[float], share: float) -> float:
    """What that share of the values stays below; each stands for the middle of its stratum."""
    ascending = sorted(values)
    place = share * len(ascending) - 0.5
    number = math.floor(place)
    return ascending[number] + (place - number) * (ascending[number + 1] - ascending[number])


def _least(suffices: Callable[[int], bool], scale: int) -> int | None:
    """The smallest number that suffices, rounded up to three digits; None where it is beyond all counting."""
    low, high = 0, max(1, scale // 8)
    while not suffices(high):
        low, high = high, 2 * high
        if low > _MOST_REQUESTS:
            return None
    while high - low > max(1, high // _CLOSE):
        middle = (low + high) // 2
        if suffices(middle):
            high = middle
        else:
            low = middle
    unit: int = 10 ** max(0, len(str(high)) - 3)
    return -(-high // unit) * unit


def _times(left: float, right: float) -> float:
    return left * right


def _weighted(weights: Sequence[Sequence[float]], values: Sequence[Sequence[float]]) -> array[float]:
    """In each column, the sum over the states of weight times value."""
    by_column = zip(zip(*weights, strict=True), zip(*values, strict=True), strict=True)
    return array("d", [math.fsum(map(_times, weight, value)) for weight, value in by_column])
