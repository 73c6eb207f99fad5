"""10,000 simulated years of 20 journeys over a governed fleet of 1,000 services, beside the same in vectorised numpy.

Both get the same components with the same exact numbers and give, for every journey and year, the minutes it was down. Medians of
alternating runs; every timed answer is held against the exact value. numpy comes with the extra ``bench``.

Usage: .venv/bin/python benchmarks/simulation.py [RUNS] [YEARS]
"""

from __future__ import annotations

import math
import platform
import random
import resource
import statistics
import sys
import time
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from truetier.availability.exact import Engine
from truetier.availability.factors import Factors
from truetier.availability.simulation.kernel import Simulator
from truetier.availability.simulation.network import network, series_of
from truetier.availability.structure import Structure
from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Fallback, FallbackKind, Fleet, Need, Service, Target
from truetier.graph.build import build
from truetier.units import MINUTES_PER_YEAR, Availability

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SERVICES = 1_000
JOURNEYS = 20
LAYERS = 12
DOMAIN = 40
TIERS = (("T0", 1e-5, 3), ("T1", 1e-4, 17), ("T2", 1e-3, 40), ("T3", 1e-2, 40))  # unavailability, share of services in percent
HARD = 0.35
MADE_SOFT = 0.97  # of the calls that would be inversions
TIER_NOISE = 0.15
YEARS_AT_A_TIME = 250  # numpy's best on the machine this was written on: what fits its caches
BAR = 4.0
_WRITTEN = Evidence(Kind.DECLARED, "benchmark", None)
_TIMEOUT = timedelta(milliseconds=50)


class Question(NamedTuple):
    """The components that journeys need, and of each journey which."""

    down: np.ndarray
    mttr: np.ndarray
    needs: list[np.ndarray]
    exact: list[float]  # minutes a year


def main() -> None:
    """Prints both times, the ratio, and how far each mean is from the exact value."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    years = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    factors, masks, question = _question()
    outages = float(np.sum(MINUTES_PER_YEAR * question.down / question.mttr))
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}; {JOURNEYS} journeys over {SERVICES} services, "
        f"{len(question.down)} components, {outages:,.0f} outages a year, {years:,} years"
    )
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(runs):
        ours.append(_timed(f"truetier {number}", lambda seed=number: _simulated(factors, masks, seed, years), question))
        theirs.append(_timed(f"numpy    {number}", lambda seed=number: _vectorised(question, seed, years), question))
    ratios = [other / mine for mine, other in zip(ours, theirs, strict=True)]
    print(f"CPU seconds, medians of {runs}: truetier {statistics.median(ours):.2f}, numpy {statistics.median(theirs):.2f}")
    print(f"truetier is {statistics.median(ratios):.1f} times as fast ({min(ratios):.1f} to {max(ratios):.1f}); bar {BAR:g}")


def _timed(name: str, simulate: Callable[[], Sequence[np.ndarray]], question: Question) -> float:
    """CPU seconds of one run whose every mean is within three standard errors of the exact value."""
    before, start = _cpu(), time.perf_counter()
    found = simulate()
    spent, wall = _cpu() - before, time.perf_counter() - start
    scores = []
    for years, exact in zip(found, question.exact, strict=True):
        error = float(np.std(years, ddof=1)) / math.sqrt(len(years))
        scores.append(abs(float(np.mean(years)) - exact) / error if error else 0.0)
    worst = max(scores)
    print(f"  {name}: {spent:.2f} s CPU, {wall:.2f} s wall; largest distance from the exact mean {worst:.2f} standard errors")
    if worst > 3.0:
        beyond = sum(score > 3.0 for score in scores)
        print(f"    {beyond} of {len(scores)} beyond three: by chance in one of {1 / (1 - 0.9973 ** len(scores)):.0f} runs")
    return spent


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _simulated(factors: Factors, masks: Sequence[int], seed: int, years: int) -> list[np.ndarray]:
    made = network(factors, masks)
    down, _, _, _ = Simulator(made, seed=seed).run(0, years)
    return list(np.frombuffer(down).reshape(years, len(masks)).T)


def _vectorised(question: Question, seed: int, years: int) -> list[np.ndarray]:
    """All years at once, as far as the caches go: one gap and one outage array for each component, one sort for each journey.

    The outages of a component in all years are cumulated gaps and lengths; of a journey, those of its components sorted by begin.
    What is new in each is what reaches beyond the running maximum of the ends before it.
    """
    chance = np.random.default_rng(seed)
    found = [np.zeros(years) for _ in question.needs]
    for first in range(0, years, YEARS_AT_A_TIME):
        count = min(YEARS_AT_A_TIME, years - first)
        begins, ends = _outages(question, chance, count)
        for total, needs in zip(found, question.needs, strict=True):
            total[first : first + count] = _down_by_year(
                np.concatenate([begins[number] for number in needs]), np.concatenate([ends[number] for number in needs]), count
            )
    return found


def _outages(question: Question, chance: np.random.Generator, years: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Begins and ends of the outages of every component in consecutive years that start stationary."""
    horizon = float(years * MINUTES_PER_YEAR)
    begins, ends = [], []
    for down, mttr in zip(question.down, question.mttr, strict=True):
        gap = mttr * (1.0 - down) / down
        size = int(horizon / (gap + mttr) * 1.05 + 6.0 * math.sqrt(horizon / (gap + mttr)) + 16)
        gaps = chance.standard_exponential(size)
        gaps *= gap
        lengths = chance.standard_exponential(size)
        lengths *= mttr
        if chance.random() < down:
            gaps[0] = 0.0  # the run finds it down; what is left of the outage is exponential again
        end = np.cumsum(gaps + lengths)
        begin = end - lengths
        inside = int(np.searchsorted(begin, horizon))
        begins.append(begin[:inside])
        ends.append(np.minimum(end[:inside], horizon))
    return begins, ends


def _down_by_year(begins: np.ndarray, ends: np.ndarray, years: int) -> np.ndarray:
    """Minutes in each year that some of the outages cover."""
    order = np.argsort(begins)
    begins, ends = begins[order], ends[order]
    covered = np.maximum.accumulate(ends)
    begins[1:] = np.maximum(begins[1:], covered[:-1])
    lengths = np.maximum(ends - begins, 0.0)
    year = (begins / MINUTES_PER_YEAR).astype(np.intp)
    np.minimum(year, years - 1, out=year)
    total = np.bincount(year, lengths, minlength=years)
    # what reaches over the end of a year belongs to the next
    over = np.maximum(ends - (year + 1.0) * MINUTES_PER_YEAR, 0.0)
    over[lengths == 0.0] = 0.0
    late = np.flatnonzero(over)
    np.subtract.at(total, year[late], over[late])
    np.add.at(total, np.minimum(year[late] + 1, years - 1), over[late])
    return total


# -- the fleet


def _question() -> tuple[Factors, list[int], Question]:
    fleet = governed_fleet(SERVICES, seed=1)
    graph = build(fleet)
    factors, near = Factors(), dict[int, int]()
    structure = Structure(fleet, graph.uses, factors, near)
    engine = Engine(factors, near)
    exact = {name: engine.value(structure.up(name).low).down_low for name in structure.order}
    needed = {edge.callee for edges in graph.callees.values() for edge in edges}
    entries = [name for name in fleet.services if name not in needed and any(edge.is_hard for edge in graph.callees[name])]
    journeys = random.Random(2).sample(entries, JOURNEYS)  # noqa: S311 - a sample, not a secret
    masks = [structure.up(name).low for name in journeys]
    series = [series_of(factors, mask) for mask in masks]
    events = {event.name: event for of_journey in series for event in of_journey or ()}
    index = {name: number for number, name in enumerate(events)}
    return (
        factors,
        masks,
        Question(
            np.array([event.down for event in events.values()]),
            np.array([event.mttr / 60_000_000 for event in events.values()]),
            [np.array([index[event.name] for event in of_journey or ()]) for of_journey in series],
            [exact[name] * MINUTES_PER_YEAR for name in journeys],
        ),
    )


def governed_fleet(count: int, *, seed: int) -> Fleet:
    """A fleet whose teams look after their dependencies: few hard calls, hardly any into a worse tier.

    Shape: degrees as Meta publishes them (ATC 2023: calls per service median 4, 90th percentile 13, 99th 93), twelve layers with
    calls going deeper, half of them inside a domain of 40 services, callees in proportion to how popular they are.
    """
    chance = random.Random(seed)  # noqa: S311 - a fleet, not a secret
    layer = [chance.randrange(LAYERS) for _ in range(count)]
    popular = [chance.paretovariate(1.2) for _ in range(count)]
    by_rank = sorted(range(count), key=lambda number: -popular[number] * math.exp(TIER_NOISE * chance.gauss(0.0, 1.0)))
    tier = [0] * count
    for rank, number in enumerate(by_rank):
        share = 100.0 * rank / count
        tier[number] = next(row for row in range(4) if share < sum(weight for _, _, weight in TIERS[: row + 1]))
    services = {}
    for number in range(count):
        down = min(0.5, TIERS[tier[number]][1] * chance.lognormvariate(0.0, 0.7))
        needs = [_need(f"s{callee}", tier[number], tier[callee], chance) for callee in _callees(number, layer, popular, chance)]
        services[f"s{number}"] = Service(
            f"s{number}", _WRITTEN, tier=TIERS[tier[number]][0], availability=_availability(down), needs=tuple(needs)
        )
    return Fleet(services)


def _callees(number: int, layer: list[int], popular: list[float], chance: random.Random) -> list[int]:
    deeper = [other for other in range(len(layer)) if layer[other] > layer[number]]
    near = [other for other in deeper if other // DOMAIN == number // DOMAIN]
    wanted = min(93, int(chance.lognormvariate(math.log(4.5), 0.95)))
    found: set[int] = set()
    for _ in range(wanted):
        among = near if near and chance.random() < 0.5 else deeper
        if among:
            found.add(chance.choices(among, [popular[other] for other in among])[0])
    return sorted(found)


def _need(callee: str, own: int, other: int, chance: random.Random) -> Need:
    is_hard = chance.random() < HARD
    if other > own and chance.random() < MADE_SOFT:
        is_hard = False
    if is_hard:
        return Need((Target(callee),), _WRITTEN)
    return Need((Target(callee, _TIMEOUT),), _WRITTEN, fallback=Fallback(FallbackKind.STATIC))


def _availability(down: float) -> Availability:
    return Availability(1 - Decimal(f"{down:.6g}"))


if __name__ == "__main__":
    main()
