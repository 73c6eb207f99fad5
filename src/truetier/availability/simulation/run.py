"""Runs years until what they say is precise, and holds their mean against the exact value.

What may go wrong: two methods disagree. A mean that is further from the exact value than chance allows ends the run.
"""

from __future__ import annotations

import math
from array import array
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from truetier.availability.events import EventKind
from truetier.availability.factors import bits
from truetier.availability.simulation import statistics
from truetier.availability.simulation.closed_form import ClosedForm, of_series
from truetier.availability.simulation.kernel import Simulator
from truetier.availability.simulation.network import minutes, network, series_of
from truetier.errors import ModelError
from truetier.record import NamedTuple
from truetier.units import MINUTES_PER_MONTH, MINUTES_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier.availability.events import Event
    from truetier.availability.factors import Factors
    from truetier.availability.simulation.network import Gate, Network
    from truetier.availability.simulation.statistics import Figure
    from truetier.units import Availability

    Progress = Callable[[int, int], None]

PERCENTS = (50, 90, 95, 99)
MOST_YEARS = 100_000  # unless somebody asks for more
MOST_VALUES = 10_000_000  # years times subjects that are kept at once: about 1.2 GB
MONTHS = 12
_FIRST_YEARS = 1_000
_JUDGED = 95  # the percentile that must be precise, beside the mean
_EVENTS_AT_A_TIME = 1_000_000.0
_STANDARD_ERRORS = 5.0
_WORST_YEARS = 10.0
_LONGEST_TAIL = math.e / 2.0  # E[D^2] / (2 E[D]^2) of a lognormal length; 1 of an exponential one, 1/2 of a fixed one


class Lengths(Enum):
    """How the lengths of outages spread around the catalog's mean."""

    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"
    FIXED = "fixed"


class Subject(NamedTuple):
    """What is to be followed: its formula, what it promises, and the share of the time it is down, or an interval that holds it."""

    name: str
    mask: int
    promise: Availability | None
    down_low: float
    down_high: float


class Plan(NamedTuple):
    """How to run: ``years`` None runs until ``precision`` is met, at most ``most_years``.

    ``by_hand`` is how long a service in a boot loop waits for what it needs to start until people start it.
    """

    seed: int
    lengths: Lengths = Lengths.EXPONENTIAL
    years: int | None = None
    precision: float = 0.05
    most_years: int = MOST_YEARS
    by_hand: timedelta = timedelta(hours=1)


class Spread(NamedTuple):
    """Downtime of one year after another, or of one month after another, in minutes.

    ``kept`` is P(no more downtime than the promise allows), None without a promise; ``calm`` is P(no downtime at all).
    """

    mean: Figure
    percentiles: tuple[Figure, ...]  # in the order of PERCENTS
    allowed: float | None
    kept: Figure | None
    calm: Figure


class Followed(NamedTuple):
    """What years of one subject were like."""

    subject: Subject
    year: Spread
    month: Spread
    outages: Figure  # that begin in a year; an outage is unbroken time in which some requests fail
    length: Figure | None  # minutes from its begin to its end; None where none was seen
    closed_form: ClosedForm | None
    is_compared: bool  # with the exact value; not where the lengths make the ages of outages others than it assumes


class Waited(NamedTuple):
    """What years of one subject were like with gates, and the minutes a year that they add."""

    followed: Followed
    added: Figure


class Run(NamedTuple):
    """Subjects followed through the same years."""

    followed: tuple[Followed, ...]
    years: int
    is_precise: bool
    components: int  # that can fail


def run(factors: Factors, subjects: Sequence[Subject], plan: Plan, progress: Progress | None = None) -> Run:
    """Years of those subjects. Raises ModelError where their mean and the exact value disagree."""
    made = network(factors, [subject.mask for subject in subjects])
    samples, is_precise = _sample(made, subjects, plan, progress)
    followed = []
    for subject, sample in zip(subjects, samples, strict=True):
        series = series_of(factors, subject.mask)
        closed = None if series is None else of_series(series)
        is_compared = plan.lengths is Lengths.EXPONENTIAL or not _looks_at_ages(factors, subject.mask)
        if is_compared:
            _compare(factors, subject, sample, closed)
        followed.append(_followed(subject, sample, closed, is_compared=is_compared))
    return Run(tuple(followed), len(samples[0].down) if samples else 0, is_precise, len(made.down))


def run_with_gates(
    factors: Factors, usual: Sequence[Subject], gated: Sequence[Subject], gates: Sequence[Gate], plan: Plan
) -> tuple[Waited, ...]:
    """Years of subjects with gates, which people open after a stated time of waiting, and what that adds to the same years without.

    There is nothing to compare with: no exact value knows of gates.
    """
    both = [*gated, *usual]
    samples, _ = _sample(network(factors, [subject.mask for subject in both], gates), both, plan, None)
    found = []
    for subject, sample, without in zip(gated, samples, samples[len(gated) :], strict=False):
        added = [more - less for more, less in zip(sample.down, without.down, strict=True)]
        found.append(Waited(_followed(subject, sample, None, is_compared=False), statistics.mean(added)))
    return tuple(found)


class _Sample:
    """Of one subject, year by year: minutes down, minutes in which some requests fail, outages; and minutes down by month."""

    __slots__ = ("down", "months", "outages", "touched")

    def __init__(self) -> None:
        self.down = array("d")
        self.touched = array("d")
        self.outages = array("i")
        self.months = array("d")


def _sample(made: Network, subjects: Sequence[Subject], plan: Plan, progress: Progress | None) -> tuple[list[_Sample], bool]:
    simulator = Simulator(made, seed=plan.seed, shape=list(Lengths).index(plan.lengths), by_hand=plan.by_hand / timedelta(minutes=1))
    samples = [_Sample() for _ in subjects]
    most = plan.years or min(plan.most_years, max(2, MOST_VALUES // max(1, len(subjects))))
    wanted = plan.years or min(_FIRST_YEARS, most)
    a_time = max(1, int(_EVENTS_AT_A_TIME / max(1.0, _events_a_year(made))))
    done, is_precise = 0, False
    while not is_precise and subjects:
        while done < wanted:
            years = min(a_time, wanted - done)
            down, touched, outages, months = simulator.run(done, years)
            for number, sample in enumerate(samples):
                sample.down.extend(down[number :: len(subjects)])
                sample.touched.extend(touched[number :: len(subjects)])
                sample.outages.extend(outages[number :: len(subjects)])
                sample.months.extend(months[number :: len(subjects)])
            done += years
            if progress is not None:
                progress(done, wanted)
        more = max(_years_for(sample, subject, plan.precision) for sample, subject in zip(samples, subjects, strict=True))
        is_precise = more <= done
        if done >= most:
            break
        wanted = min(most, max(more, done + done // 5), 4 * done)
    return samples, is_precise


def _years_for(sample: _Sample, subject: Subject, precision: float) -> int:
    """About how many years the mean and the percentile need; what is already there where they are precise."""
    count = len(sample.down)
    mean = statistics.mean(sample.down)
    if mean.value == 0.0:
        return 4 * count if subject.down_high else count
    judged = statistics.percentile(sorted(sample.down), _JUDGED)
    need = count
    for figure in (mean, judged):
        if figure.is_within(precision, mean.value):
            continue
        if figure.high is None:
            return 4 * count
        off = (figure.high - figure.low) / 2 / (precision * max(figure.value, mean.value))
        need = max(need, math.ceil(1.1 * count * min(2.0, off) ** 2))
    return need


def _events_a_year(made: Network) -> float:
    cycles = (gap + mean for gap, mean in zip(made.gap, made.mttr, strict=True) if mean > 0.0)
    return 2.0 * math.fsum(MINUTES_PER_YEAR / cycle for cycle in cycles) + len(made.down)


def _followed(subject: Subject, sample: _Sample, closed: ClosedForm | None, *, is_compared: bool) -> Followed:
    clustering = statistics.clustering(sample.months, MONTHS)
    return Followed(
        subject,
        _spread(sample.down, subject.promise, MINUTES_PER_YEAR, 1.0),
        _spread(sample.months, subject.promise, MINUTES_PER_MONTH, clustering),
        statistics.mean(sample.outages),
        statistics.ratio(sample.touched, sample.outages),
        closed,
        is_compared,
    )


def _spread(values: array[float], promise: Availability | None, minutes_in_all: float, clustering: float) -> Spread:
    ascending = sorted(values)
    allowed = kept = None
    if promise is not None:
        allowed = promise.unavailability * minutes_in_all
        most = allowed * (1 + 1e-12)  # rounding never decides
        kept = statistics.share(_up_to(ascending, most), len(ascending), clustering=clustering)
    mean = statistics.mean(values)
    half = math.sqrt(clustering)
    if mean.high is not None and clustering > 1.0:
        mean = mean._replace(low=max(0.0, mean.value - half * (mean.value - mean.low)), high=mean.value + half * (mean.high - mean.value))
    return Spread(
        mean,
        tuple(statistics.percentile(ascending, percent, clustering=clustering) for percent in PERCENTS),
        allowed,
        kept,
        statistics.share(_up_to(ascending, 0.0), len(ascending), clustering=clustering),
    )


def _up_to(ascending: Sequence[float], most: float) -> int:
    from bisect import bisect_right

    return bisect_right(ascending, most)


# -- agreement


def _looks_at_ages(factors: Factors, mask: int) -> bool:
    return bool(factors.mentioned(factors.condensed(mask)) & factors.aged)


def _compare(factors: Factors, subject: Subject, sample: _Sample, closed: ClosedForm | None) -> None:
    found = math.fsum(sample.down) / len(sample.down)
    exact = min(max(found, subject.down_low * MINUTES_PER_YEAR), subject.down_high * MINUTES_PER_YEAR)
    down = exact / MINUTES_PER_YEAR
    longest = max((minutes(event.mttr) for event in _components(factors, subject.mask)), default=0.0)
    spread = 2.0 * down * (1.0 - down) * longest * _LONGEST_TAIL * MINUTES_PER_YEAR
    _agree(f"{subject.name}: downtime a year", sample.down, exact, spread, "minutes")
    if closed is not None:
        _agree(f"{subject.name}: outages a year", sample.outages, closed.outages, closed.outages, "by closed form")


def _agree(what: str, values: Sequence[float], exact: float, spread: float, unit: str) -> None:
    """Raises ModelError where the mean is further from the exact one than five standard errors and, since rare outages are
    far from normal, ten worst years.

    ``spread`` is the variance that theory allows: what rarely happens may be missing from the sample and from its variance. No
    reversible Markov chain of components with mean outages of at most r is down for a time of larger variance than
    2 U (1 - U) r T. Sources: Aldous and Fill, Reversible Markov Chains, 4.1; Bernstein's inequality for the worst years.
    """
    count = len(values)
    found = math.fsum(values) / count
    error = math.sqrt(max(statistics.variance(values), spread) / count)
    if abs(found - exact) > _STANDARD_ERRORS * error + _WORST_YEARS * max(values) / count:
        raise ModelError(f"{what}: simulated {found:.6g}, exact {exact:.6g} {unit}, standard error {error:.3g} after {count:,} years")


def _components(factors: Factors, mask: int) -> list[Event]:
    mentioned = factors.mentioned(factors.condensed(mask)) & factors.plain
    events = (factors.literals[number].event for number in bits(mentioned))
    return [event for event in events if event.kind not in {EventKind.FALLBACK, EventKind.FAILOVER}]
