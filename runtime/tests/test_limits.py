"""Laws that every algorithm keeps, and what each adds to them."""

from __future__ import annotations

import heapq
import itertools
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier_runtime.errors import SettingsError
from truetier_runtime.limits import Aimd, Algorithm, Fixed, Gradient, Sample, State

if TYPE_CHECKING:
    from collections.abc import Callable

# Any: these tests do not care what a state is, as long as it has a limit.
ADAPTIVE: list[Algorithm[Any]] = [
    Aimd(initial=20, lowest=2, highest=100, slow=1.0),
    Gradient(initial=20, lowest=2, highest=100, window=5, every=10**6),
]
TIME = itertools.count(1)
EVERY: list[Algorithm[Any]] = [*ADAPTIVE, Fixed(20)]


def fed(algorithm: Algorithm[State], state: State, count: int, *, seconds: float, share: float = 1.0, is_dropped: bool = False) -> State:
    """The state after work of one round after the other, each begun after the last one ended."""
    for _ in range(count):
        began = next(TIME) * 10.0
        state = algorithm.step(state, Sample(began, began + seconds, int(state.limit * share), is_dropped))
    return state


@pytest.mark.parametrize("algorithm", ADAPTIVE, ids=lambda one: type(one).__name__)
def test_the_limit_rises_while_it_is_used_and_nothing_queues(algorithm: Algorithm[Any]) -> None:
    limits = [fed(algorithm, algorithm.begin(), count, seconds=0.05).limit for count in range(0, 5000, 500)]
    assert all(before < after or after == 100 for before, after in itertools.pairwise(limits))
    assert limits[1] > 20


@pytest.mark.parametrize("algorithm", ADAPTIVE, ids=lambda one: type(one).__name__)
def test_the_limit_does_not_rise_while_most_of_it_is_idle(algorithm: Algorithm[Any]) -> None:
    assert fed(algorithm, algorithm.begin(), 5000, seconds=0.05, share=0.3).limit == 20


@pytest.mark.parametrize("algorithm", ADAPTIVE, ids=lambda one: type(one).__name__)
def test_each_round_with_a_drop_lowers_the_limit(algorithm: Algorithm[Any]) -> None:
    limits = [fed(algorithm, algorithm.begin(), count, seconds=0.05, is_dropped=True).limit for count in range(10)]
    assert all(before > after for before, after in itertools.pairwise(limits))


@pytest.mark.parametrize("algorithm", ADAPTIVE, ids=lambda one: type(one).__name__)
def test_drops_of_one_round_lower_the_limit_once(algorithm: Algorithm[Any]) -> None:
    state = algorithm.begin()
    for number in range(20):
        state = algorithm.step(state, Sample(began=0.0, ended=1.0 + number / 100, in_flight=20, is_dropped=True))
    assert state.limit == pytest.approx(18.0)


@pytest.mark.parametrize("algorithm", ADAPTIVE, ids=lambda one: type(one).__name__)
def test_the_limit_falls_to_its_lowest_and_comes_back(algorithm: Algorithm[Any]) -> None:
    fallen = fed(algorithm, algorithm.begin(), 100, seconds=0.05, is_dropped=True)
    assert fallen.limit == 2
    fallen = fed(algorithm, fallen, 20_000, seconds=0.05)
    assert fallen.limit == 100


samples = st.builds(
    Sample,
    began=st.floats(0, 1e6),
    ended=st.floats(0, 1e6),
    in_flight=st.integers(1, 200),
    is_dropped=st.booleans(),
)


@pytest.mark.parametrize("algorithm", EVERY, ids=lambda one: type(one).__name__)
@given(data=st.lists(samples, max_size=60))
def test_the_limit_stays_within_its_bounds_whatever_comes(algorithm: Algorithm[Any], data: list[Sample]) -> None:
    state = algorithm.begin()
    for sample in data:
        before = (state, tuple(state))
        state = algorithm.step(state, sample)
        assert 2 <= state.limit <= 100
        assert before[1] == tuple(before[0])


def test_work_that_takes_too_long_counts_as_a_drop_where_it_is_known_what_that_is() -> None:
    algorithm = Aimd(initial=20, slow=1.0)
    assert fed(algorithm, algorithm.begin(), 1, seconds=1.0).limit == pytest.approx(18.0)


def test_a_queue_shows_as_time_beyond_what_is_usual_and_lowers_the_limit() -> None:
    algorithm = Gradient(initial=50, window=5)
    usual = fed(algorithm, algorithm.begin(), 500, seconds=0.05)
    queueing = fed(algorithm, usual, 500, seconds=0.5)
    assert queueing.limit < usual.limit
    assert queueing.usual == pytest.approx(0.05)


def saturated(algorithm: Algorithm[State], places: int, draw: Callable[[], float], count: int) -> list[float]:
    """The limit after each piece of work of a server with so many places, which is asked for as much as the limit allows, always."""
    state, now, number = algorithm.begin(), 0.0, 0
    free = [0.0] * places  # when each place is free
    under_way: list[tuple[float, int, float, int]] = []
    limits = []
    for _ in range(count):
        while len(under_way) < int(state.limit):
            ended = max(now, heapq.heappop(free)) + draw()
            heapq.heappush(free, ended)
            number += 1
            heapq.heappush(under_way, (ended, number, now, len(under_way) + 1))
        now, _, began, in_flight = heapq.heappop(under_way)
        state = algorithm.step(state, Sample(began, now, in_flight, is_dropped=False))
        limits.append(state.limit)
    return limits


@pytest.mark.parametrize("initial", [4, 20, 100])
@pytest.mark.parametrize("draw", [lambda _: 0.05, lambda draws: draws.uniform(0.04, 0.06), lambda draws: draws.expovariate(20)])
def test_an_overload_that_lasts_does_not_become_what_is_usual(initial: int, draw: Callable[[random.Random], float]) -> None:
    # Eight minutes at 200 requests/s; a mean as Netflix has it reaches hundreds in that time.
    limits = saturated(Gradient(initial=initial), 10, partial(draw, random.Random(9)), 100_000)[-40_000:]
    assert max(limits) <= 30
    # Probes halve it, shortly; otherwise the server has work.
    assert sum(limit < 10 for limit in limits) / len(limits) < 0.1


def test_what_became_slower_for_good_is_usual_after_a_probe_and_so_is_what_became_faster() -> None:
    algorithm = Gradient(initial=50, window=5, every=10)
    state = fed(algorithm, algorithm.begin(), 1000, seconds=0.05)
    state = fed(algorithm, state, 4000, seconds=0.5)
    assert state.usual == pytest.approx(0.5)
    assert fed(algorithm, state, 4000, seconds=0.02).usual == pytest.approx(0.02)


def test_a_probe_halves_the_limit_waits_for_work_that_began_in_it_and_puts_the_limit_back() -> None:
    algorithm = Gradient(initial=6, window=1, every=1)
    probing = algorithm.begin()
    for _ in range(18):  # three rounds of six
        probing = algorithm.step(probing, Sample(0.0, 1.0, 1, is_dropped=False))
    assert (probing.limit, probing.kept, probing.usual) == (3, 6, 1.0)
    assert algorithm.step(probing, Sample(1.0, 3.0, 6, is_dropped=False)) == probing
    after = probing
    for _ in range(9):
        after = algorithm.step(after, Sample(1.5, 1.75, 2, is_dropped=False))
    assert (after.limit, after.kept, after.usual) == (6, 0.0, 0.25)
    dropped = algorithm.step(probing, Sample(1.5, 1.75, 2, is_dropped=True))
    assert (dropped.kept, dropped.usual) == (0.0, 1.0)
    assert dropped.limit == pytest.approx(5.4)


def test_work_that_takes_no_time_raises_the_limit() -> None:
    algorithm = Gradient(initial=4, window=1)
    assert fed(algorithm, algorithm.begin(), 100, seconds=0.0).limit > 4


@pytest.mark.parametrize(
    "settings",
    [
        {"lowest": 0},
        {"initial": 3, "lowest": 5},
        {"initial": 50, "highest": 40},
        {"decrease": 1.0},
        {"decrease": 0.0},
        {"decrease": float("nan")},
    ],
)
@pytest.mark.parametrize("kind", [Aimd, Gradient])
def test_settings_outside_what_makes_sense_are_named(kind: type[Aimd | Gradient], settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"it has to be"):
        kind(**settings)


@pytest.mark.parametrize("settings", [{"tolerance": 0.9}, {"smoothing": 0.0}, {"smoothing": 1.1}, {"every": 0}, {"window": 0}])
def test_settings_of_the_gradient_outside_what_makes_sense_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(settings))):
        Gradient(**settings)


def test_a_limit_of_nothing_and_a_time_of_nothing_are_refused() -> None:
    with pytest.raises(SettingsError, match="limit is 0"):
        Fixed(0)
    with pytest.raises(SettingsError, match="slow is 0"):
        Aimd(slow=0.0)
