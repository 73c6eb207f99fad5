"""A fleet that gets its flags by polling: what is assumed of it, what can be worked out, what has to be simulated.

A publisher writes to an origin, edges poll the origin, readers poll their edge, each at the pace of truetier_runtime.poller, whose own
arithmetic is used. flags_at_scale.py beside this writes what comes of it into a page; tests/docs/test_flags_at_scale.py holds the
simulation against the closed forms. Everything random is drawn from a generator that is handed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from truetier_runtime.poller import Pace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Seconds = NDArray[np.float64]

DAY, MONTH = 86_400, 30 * 86_400
_WARM_UP = 10  # intervals, after which nobody remembers when he began


class Layer(NamedTuple):
    """Who polls whom: how many, at which pace, and how many seconds an answer takes."""

    count: int
    pace: Pace
    latency: float


class Prices(NamedTuple):
    """US dollars, the least and the most. Sources: Amazon CloudFront Pricing; Google Cloud CDN pricing. Lists change: look yours up."""

    gigabyte: tuple[float, float] = (0.02, 0.12)
    ten_thousand_requests: tuple[float, float] = (0.0075, 0.02)


class Plan(NamedTuple):
    """What is assumed. All of it may be changed here; then run this again."""

    users: float = 2e9
    requests_per_user_day: float = 100
    flags_per_request: float = 20
    peak: float = 3.0  # times the average
    requests_per_reader: float = 100  # each second, of one process
    zones: int = 20
    edges: Layer = Layer(200, Pace(10.0), 0.5)
    readers: Layer = Layer(100_000, Pace(30.0), 0.2)
    flags: int = 1_500
    bytes_per_flag: int = 350
    not_modified_bytes: int = 400
    teams: int = 500
    changes_per_team_day: float = 0.2
    bake: float = 600.0
    waves: tuple[int, ...] = (1, 5, 14)  # zones
    valid_for: float = 7 * DAY
    signed_every: float = DAY
    phone_starts_per_day: float = 4
    phone_online: float = 0.3  # share of the phones
    phone_flags: int = 50
    phone_flag_bytes: int = 30
    prices: Prices = Prices()

    @property
    def document_bytes(self) -> float:
        """Of one document."""
        return self.flags * self.bytes_per_flag

    @property
    def changes_per_day(self) -> float:
        """That people would like to make."""
        return self.teams * self.changes_per_team_day


# -- in closed form


def mean_wait(pace: Pace) -> float:
    """Seconds from any moment to the next poll, on average.

    Source: Cox, Renewal Theory, section 5.2: the mean of what is left of an interval X is E[X^2] / 2 E[X].
    """
    return pace.interval / 2 * (1 + pace.jitter**2 / 3)


def longest_wait(pace: Pace) -> float:
    """Nobody waits longer."""
    return pace.interval * (1 + pace.jitter)


def wait_density(pace: Pace, times: Seconds) -> Seconds:
    """Of the seconds from any moment to the next poll: the share of intervals that are longer, over the mean interval. Source: as above."""
    width = 2 * pace.jitter * pace.interval
    longer = np.clip((longest_wait(pace) - times) / width, 0, 1) if width else (times < pace.interval).astype(float)
    return np.where(times >= 0, longer, 0.0) / pace.interval


def reached(layers: tuple[Layer, ...], times: Seconds) -> Seconds:
    """The expected share of readers that have a document ``times`` seconds after it was published: the sum of one wait for each layer."""
    step = 0.01
    grid = np.arange(0, sum(longest_wait(layer.pace) for layer in layers) + 1, step) + step / 2
    density = wait_density(layers[0].pace, grid)
    for layer in layers[1:]:
        density = np.convolve(density, wait_density(layer.pace, grid))[: len(grid)] * step
    edges = np.arange(len(grid) + 1) * step + (len(layers) - 1) * step / 2
    share = np.concatenate([[0.0], np.cumsum(density) * step])
    return np.interp(times - sum(layer.latency for layer in layers), edges, share, left=0.0, right=1.0)


def quantile(layers: tuple[Layer, ...], share: float) -> float:
    """Seconds until the expected share of readers is reached."""
    times = np.arange(0, sum(longest_wait(layer.pace) + layer.latency for layer in layers) + 1, 0.01)
    return float(times[np.searchsorted(reached(layers, times), share)])


# -- simulated


def polls(layer: Layer, until: float, rng: np.random.Generator) -> Seconds:
    """The moments at which each polls, a row each, from a start with a document on disk to some time after ``until``."""
    pace = layer.pace
    turns = int(until / (pace.interval * (1 - pace.jitter))) + 3
    first = pace.first(rng.random((layer.count, 1)), has_document=True)  # type: ignore[arg-type]  # arithmetic, of arrays as of numbers
    return np.cumsum(np.hstack([first, pace.after(rng.random((layer.count, turns)))]), axis=1)  # type: ignore[arg-type]


def next_poll(times: Seconds, moments: Seconds) -> Seconds:
    """Of each row the first poll at its moment or after."""
    return np.take_along_axis(times, (times < moments[:, None]).sum(axis=1)[:, None], axis=1)[:, 0]


def hinted_poll(layer: Layer, times: Seconds, moments: Seconds, rng: np.random.Generator) -> Seconds:
    """When each polls that was given a hint at its moment: as ``Pace.hinted`` says."""
    due = next_poll(times, moments)
    last = np.take_along_axis(times, (times < moments[:, None]).sum(axis=1)[:, None] - 1, axis=1)[:, 0]
    return np.minimum(due, np.maximum(moments, last + layer.pace.least_gap) + rng.random(len(moments)) * layer.pace.spread)


def arrivals(edges: Layer, readers: Layer, rng: np.random.Generator, *, hints: bool = False) -> Seconds:
    """Seconds from a document's publication until each reader runs it. Readers are spread evenly over the edges."""
    published = _WARM_UP * max(edges.pace.interval, readers.pace.interval)
    moments = np.full(edges.count, published)
    for layer in (edges, readers):
        times = polls(layer, published + longest_wait(edges.pace) + edges.latency, rng)
        at_their_edge = np.resize(moments, layer.count)
        moments = (hinted_poll(layer, times, at_their_edge, rng) if hints else next_poll(times, at_their_edge)) + layer.latency
    return moments - published


class Return(NamedTuple):
    """Requests in the busiest second before a blackout, in its last minute and in the minute after; seconds until 99.9 % were answered."""

    before: int
    during: int
    after: int
    answered: float


def blackout(layer: Layer, seconds: float, rng: np.random.Generator, retries: Seconds | None) -> Return:
    """Everything that a layer asks is down for as long.

    Who fails asks again after each of the ``retries``, then after the last of them again and again; None is the poller's way: as ever.
    """
    begin = _WARM_UP * layer.pace.interval
    end = begin + seconds
    usual = polls(layer, end + 120, rng)
    before = _busiest(usual, begin - 60, begin)
    if retries is None:
        return Return(
            before, _busiest(usual, end - 60, end), _busiest(usual, end, end + 60), _wait(next_poll(usual, np.full(layer.count, end)), end)
        )
    failed = next_poll(usual, np.full(layer.count, begin))
    steps = np.concatenate([retries, np.full(int(seconds / retries[-1]) + 70, retries[-1])])
    at = failed[:, None] + np.concatenate([[0.0], np.cumsum(steps)])[None, :]
    answered = next_poll(at, np.full(layer.count, end))
    again = answered[:, None] + np.cumsum(layer.pace.after(rng.random((layer.count, 3))), axis=1)  # type: ignore[arg-type]
    return Return(before, _busiest(at, end - 60, end), _busiest(np.hstack([answered[:, None], again]), end, end + 60), _wait(answered, end))


def restart(layer: Layer, rng: np.random.Generator, *, has_document: bool) -> int:
    """Requests in the busiest second when the whole layer starts at once."""
    return _busiest(layer.pace.first(rng.random(layer.count), has_document=has_document), 0, layer.pace.interval)  # type: ignore[arg-type]


def reconnected(count: int, spread: float, rng: np.random.Generator) -> int:
    """Connections in the busiest second when as many event streams come back, each after a pause of up to ``spread`` seconds."""
    return _busiest(rng.random(count) * spread, 0, max(spread, 1.0))


def _busiest(times: Seconds, begin: float, end: float) -> int:
    return int(np.histogram(times, np.arange(begin, end + 0.5))[0].max())


def _wait(answered: Seconds, end: float) -> float:
    return float(np.quantile(answered - end, 0.999))
