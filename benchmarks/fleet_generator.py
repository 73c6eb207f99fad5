"""Seeded fleets with the shape of published ones: who needs whom, tiers and measured unavailabilities, as arrays.

Degrees follow the service table published with Huye, Shkuro and Sambasivan, Lifting the veil on Meta's microservice architecture,
USENIX ATC 2023 (repository facebookresearch/distributed_traces, summary_data_atc23/data/service-characteristics.csv, 18,571
services): quantiles up to the 99.9th percentile, a Pareto tail with the density exponents of its largest 5 percent beyond, so
that hubs grow with the fleet, and its correlation of fan-in and fan-out. Twelve layers bound the depth of calls, as the deepest
path of that data is 19. Shares that nobody has published are parameters of a profile: hard edges, calls called back, and how
closely tiers follow popularity.

Usage: .venv/bin/python benchmarks/fleet_generator.py SERVICES [PROFILE]    prints what the fleet looks like
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]
Floats = NDArray[np.float64]

SEED = 20230710
_CORRELATION = 0.46  # of log fan-in and log fan-out
_PROBABILITIES = np.array((0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999))
_FAN_IN = np.array((1.0, 2.0, 5.0, 12.0, 21.0, 70.0, 1134.0))
_FAN_OUT = np.array((1.0, 4.0, 7.0, 13.0, 21.0, 93.0, 1311.0))
_NO_CALLERS = 0.27
_NO_CALLEES = 0.061
_TAIL_IN = 1.16  # exponents of the survival function: Hill's estimate of the density's, less one
_TAIL_OUT = 1.08
_MOST_CALLERS = 0.76  # of the fleet
_LAYERS = 12
_DOMAIN = 40  # services
_IN_DOMAIN = 0.5  # of the calls
_TIER_SHARES = (0.03, 0.17, 0.40, 0.40)
_BUDGETS = np.array((1e-5, 1e-4, 1e-3, 1e-2))
_SPREAD = 0.7  # of the logarithm of measured over promised unavailability
_WIDE = 40  # callees; beyond it ever fewer of them are hard


class Profile(NamedTuple):
    """What is not published."""

    hard: float  # share of the calls
    tier_noise: float  # beside popularity, in standard deviations of it
    softened: float = 0.0  # share of would-be inversions that are soft
    back_in_domain: float = 0.0  # share of the calls that are called back
    back_across: float = 0.0


PROFILES = {
    "governed": Profile(0.35, 0.15, softened=0.97, back_in_domain=0.003),
    "layered": Profile(0.8, 1.0, back_in_domain=0.003),
    "tangled": Profile(0.6, 1.0, back_in_domain=0.01, back_across=0.0002),
    "dense": Profile(1.0, 1.0),
}


class GeneratedFleet(NamedTuple):
    """Services by number; only hard edges, none twice. Tiers count from 0, the strictest."""

    services: int
    callers: Numbers
    callees: Numbers
    tiers: Numbers
    down: Floats


def generate(services: int, profile: str = "layered", seed: int = SEED) -> GeneratedFleet:
    """A fleet of so many services; the same one every time."""
    chosen = PROFILES[profile]
    chance = np.random.default_rng((seed, services, list(PROFILES).index(profile)))
    fan_in, fan_out = _degrees(services, chance)
    layers = _layers(fan_in, fan_out, chance)
    domains = chance.permutation(services) // _DOMAIN
    tiers = _tiers(fan_in, chosen.tier_noise, chance)
    callers, callees, is_inside = _calls(fan_in, fan_out, layers, domains, chance)
    order = fan_out[callers]
    is_hard = chance.random(len(callers)) < (1.0 if chosen.hard == 1.0 else chosen.hard * np.minimum(1.0, _WIDE / np.maximum(order, 1)))
    is_inversion = tiers[callers] < tiers[callees]
    is_hard &= ~(is_inversion & (chance.random(len(callers)) < chosen.softened))
    callers, callees, is_inside = callers[is_hard], callees[is_hard], is_inside[is_hard]
    is_back = chance.random(len(callers)) < np.where(is_inside, chosen.back_in_domain, chosen.back_across)
    tails = np.concatenate((callers, callees[is_back]))
    heads = np.concatenate((callees, callers[is_back]))
    edges = np.unique(tails.astype(np.int64) * services + heads)
    down = np.minimum(0.5, _BUDGETS[tiers] * np.exp(_SPREAD * chance.standard_normal(services)))
    return GeneratedFleet(services, (edges // services).astype(np.int32), (edges % services).astype(np.int32), tiers, down)


def _degrees(services: int, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """Wanted fan-in and fan-out: a Gaussian copula over the two published distributions."""
    first = chance.standard_normal(services)
    second = _CORRELATION * first + np.sqrt(1 - _CORRELATION**2) * chance.standard_normal(services)
    fan_in = _quantile(_uniform(first), _FAN_IN, _NO_CALLERS, _TAIL_IN)
    fan_out = _quantile(_uniform(second), _FAN_OUT, _NO_CALLEES, _TAIL_OUT)
    return np.minimum(fan_in, _MOST_CALLERS * services), np.minimum(fan_out, services / 4)


def _uniform(normal: Floats) -> Floats:
    """Ranks, spread evenly over 0..1."""
    ranks = np.empty(len(normal))
    ranks[np.argsort(normal)] = (np.arange(len(normal)) + 0.5) / len(normal)
    return ranks


def _quantile(chances: Floats, knots: Floats, none: float, tail: float) -> Floats:
    """The inverse distribution function, straight between the logarithms of the knots; the published ones count all services."""
    at = np.maximum(_PROBABILITIES, none)
    body = np.exp(np.interp(chances, at[1:] if none >= _PROBABILITIES[1] else np.concatenate(([none], at[1:])), np.log(knots)))
    beyond = knots[-1] * ((1 - _PROBABILITIES[-1]) / (1 - chances)) ** (1 / tail)
    return np.where(chances < none, 0.0, np.rint(np.where(chances > _PROBABILITIES[-1], beyond, body)))


def _layers(fan_in: Floats, fan_out: Floats, chance: np.random.Generator) -> Numbers:
    """Nobody calls the first layer, and the last calls nobody."""
    layers = np.where(fan_in == 0, chance.integers(0, _LAYERS // 2, len(fan_in)), chance.integers(1, _LAYERS - 1, len(fan_in)))
    return np.where(fan_out == 0, _LAYERS - 1, layers).astype(np.int32)


def _tiers(fan_in: Floats, noise: float, chance: np.random.Generator) -> Numbers:
    """The most popular services are promised most, up to the noise."""
    popularity = np.log1p(fan_in)
    score = -(popularity / max(popularity.std(), 1e-9)) + noise * chance.standard_normal(len(fan_in))
    return np.searchsorted(np.cumsum(_TIER_SHARES)[:-1], _uniform(score), side="right").astype(np.int32)


def _calls(
    fan_in: Floats, fan_out: Floats, layers: Numbers, domains: Numbers, chance: np.random.Generator
) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """Who calls whom: always a deeper layer, half of them in the caller's own domain where there is one, the popular ones more."""
    services = len(fan_in)
    callers = np.repeat(np.arange(services, dtype=np.int32), fan_out.astype(np.int64))
    wants_inside = chance.random(len(callers)) < _IN_DOMAIN
    inside = _drawn(callers, np.minimum(fan_in, _DOMAIN), domains.astype(np.int64), layers, chance)
    outside = _drawn(callers, fan_in, np.zeros(services, dtype=np.int64), layers, chance)
    callees = np.where(wants_inside & (inside >= 0), inside, outside)
    known = callees >= 0
    callers, callees = callers[known], callees[known]
    pairs = np.unique(callers.astype(np.int64) * services + callees)
    tails, heads = (pairs // services).astype(np.int32), (pairs % services).astype(np.int32)
    return tails, heads, domains[tails] == domains[heads]


def _drawn(callers: Numbers, weights: Floats, domains: Numbers, layers: Numbers, chance: np.random.Generator) -> Numbers:
    """For each call a service of the caller's domain in a deeper layer, by weight; -1 where there is none."""
    places = domains.astype(np.int64) * _LAYERS + layers
    order = np.argsort(places, kind="stable")
    below = np.concatenate(([0.0], np.cumsum(weights[order])))
    sorted_places = places[order]
    begin = below[np.searchsorted(sorted_places, places[callers], side="right")]
    end = below[np.searchsorted(sorted_places, (domains[callers].astype(np.int64) + 1) * _LAYERS, side="left")]
    drawn = np.searchsorted(below, begin + _spread_out(places[callers], chance) * (end - begin), side="right") - 1
    return np.where(end > begin, order[np.minimum(drawn, len(order) - 1)], -1).astype(np.int32)


def _spread_out(groups: NDArray[np.int64], chance: np.random.Generator) -> Floats:
    """Chances that are even within each group: what is wanted by two callers gets two, not as luck will have it."""
    order = np.lexsort((chance.random(len(groups)), groups))
    ordered = groups[order]
    begins = np.searchsorted(ordered, ordered, side="left")
    sizes = np.searchsorted(ordered, ordered, side="right") - begins
    chances = np.empty(len(groups))
    chances[order] = (np.arange(len(groups)) - begins + chance.random(len(groups))) / np.maximum(sizes, 1)
    return chances


def main() -> None:
    """Prints the shape of one fleet."""
    services = int(sys.argv[1])
    for profile in sys.argv[2:] or PROFILES:
        fleet = generate(services, profile)
        fan_in, fan_out = np.bincount(fleet.callees, minlength=services), np.bincount(fleet.callers, minlength=services)
        shown = ", ".join(
            f"{name} median {np.median(of):.0f}, p99 {np.quantile(of, 0.99):.0f}, most {of.max()}, none {np.mean(of == 0):.0%}"
            for name, of in (("fan-in", fan_in), ("fan-out", fan_out))
        )
        print(f"{profile}: {len(fleet.callers) / services:.1f} hard edges a service; {shown}; tiers {np.bincount(fleet.tiers)}")


if __name__ == "__main__":
    main()
