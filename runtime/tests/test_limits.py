"""Laws that every algorithm keeps, and what each adds to them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier_runtime.errors import SettingsError
from truetier_runtime.limits import Aimd, Algorithm, Fixed, Gradient, Sample, State

# Any: these tests do not care what a state is, as long as it has a limit.
ADAPTIVE: list[Algorithm[Any]] = [
    Aimd(initial=20, lowest=2, highest=100, slow=1.0),
    Gradient(initial=20, lowest=2, highest=100, window=5),
]
EVERY: list[Algorithm[Any]] = [*ADAPTIVE, Fixed(20)]


def fed(algorithm: Algorithm[State], state: State, count: int, *, seconds: float, share: float = 1.0, is_dropped: bool = False) -> State:
    """The state after work of one round after the other, each begun after the last one ended."""
    for number in range(count):
        began = number * 10.0
        state = algorithm.step(state, Sample(began, began + seconds, int(state.limit * share), is_dropped))
    return state


@pytest.mark.parametrize("algorithm", ADAPTIVE, ids=lambda one: type(one).__name__)
def test_the_limit_rises_while_it_is_used_and_nothing_queues(algorithm: Algorithm[Any]) -> None:
    limits = [fed(algorithm, algorithm.begin(), count, seconds=0.05).limit for count in range(0, 500, 50)]
    assert all(before < after or after == 100 for before, after in itertools.pairwise(limits))
    assert limits[1] > 20


@pytest.mark.parametrize("algorithm", ADAPTIVE, ids=lambda one: type(one).__name__)
def test_the_limit_does_not_rise_while_most_of_it_is_idle(algorithm: Algorithm[Any]) -> None:
    assert fed(algorithm, algorithm.begin(), 500, seconds=0.05, share=0.3).limit == 20


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
    # Later than all drops: the clock goes on.
    later = [Sample(5000.0 + number, 5000.05 + number, 100, is_dropped=False) for number in range(20_000)]
    for sample in later:
        fallen = algorithm.step(fallen, sample)
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
    usual = fed(algorithm, algorithm.begin(), 50, seconds=0.05)
    queueing = fed(algorithm, usual, 50, seconds=0.5)
    assert queueing.limit < usual.limit
    assert queueing.usual < 0.1


def test_what_was_usual_in_a_slow_hour_is_forgotten_within_few_windows() -> None:
    algorithm = Gradient(initial=50, window=1)
    slow = fed(algorithm, algorithm.begin(), 100, seconds=1.0)
    assert fed(algorithm, slow, 60, seconds=0.1).usual < 0.25


def test_work_that_takes_no_time_raises_the_limit() -> None:
    algorithm = Gradient(initial=4, window=1)
    assert fed(algorithm, algorithm.begin(), 10, seconds=0.0).limit > 4


def test_a_limit_settles_near_what_a_server_can_do_at_once() -> None:
    # A server of 10 places at 50 ms each, asked for as much as is allowed: time grows with what is under way beyond 10.
    algorithm = Gradient(initial=100, window=10)
    state = algorithm.begin()
    for number in range(20_000):
        in_flight = int(state.limit)
        # Every hundredth window is quiet, as in life: what is usual is learned there.
        seconds = 0.05 * max(1.0, in_flight / 10) if number % 100 > 10 else 0.05
        state = algorithm.step(state, Sample(number, number + seconds, in_flight, is_dropped=False))
    assert 10 <= state.limit <= 40


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


@pytest.mark.parametrize("settings", [{"tolerance": 0.9}, {"smoothing": 0.0}, {"smoothing": 1.1}, {"memory": 0}, {"window": 0}])
def test_settings_of_the_gradient_outside_what_makes_sense_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(settings))):
        Gradient(**settings)


def test_a_limit_of_nothing_and_a_time_of_nothing_are_refused() -> None:
    with pytest.raises(SettingsError, match="limit is 0"):
        Fixed(0)
    with pytest.raises(SettingsError, match="slow is 0"):
        Aimd(slow=0.0)
