"""Throttling by the client: the book's formula, windows, classes, Retry-After."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.tests.hurried import side_by_side
from truetier_runtime.errors import SettingsError, ThrottledError
from truetier_runtime.shed import Priority
from truetier_runtime.testing import FakeClock
from truetier_runtime.throttle import Recent, Throttle, refusal_probability

if TYPE_CHECKING:
    from truetier_runtime.hooks import Fact


def scripted(*, chance: float = 0.999999, **settings: Any) -> tuple[Throttle, FakeClock]:  # noqa: ANN401 - whatever a throttle takes
    """A throttle that leaves out no call unless it must, and its clock."""
    clock = FakeClock()
    return Throttle(clock=clock, chance=lambda: chance, **settings), clock


@pytest.mark.parametrize(
    ("requests", "accepts", "factor", "expected"),
    [(0, 0, 2.0, 0.0), (100, 50, 2.0, 0.0), (100, 40, 2.0, 20 / 101), (100, 0, 2.0, 100 / 101), (100, 50, 1.1, 45 / 101), (9, 9, 1.0, 0.0)],
)
def test_the_share_left_out_is_the_books(requests: int, accepts: int, factor: float, expected: float) -> None:
    assert refusal_probability(requests, accepts, factor) == pytest.approx(expected)


@given(requests=st.integers(0, 10**6), accepts=st.integers(0, 10**6), factor=st.floats(1, 10))
def test_the_share_left_out_never_is_everything_and_falls_with_every_accept(requests: int, accepts: int, factor: float) -> None:
    share = refusal_probability(requests, accepts, factor)
    assert 0.0 <= share < 1.0
    assert refusal_probability(requests, accepts + 1, factor) <= share


def test_a_callee_that_accepts_every_second_call_is_called_in_full() -> None:
    throttle, _ = scripted(chance=0.0)
    for _ in range(50):
        throttle.accepted("shop")
        throttle.refused("shop")
    throttle.check("shop")
    assert throttle.probability("shop") == 0.0


def test_calls_left_out_count_as_requests_so_that_a_callee_that_is_down_is_called_ever_less() -> None:
    throttle, clock = scripted(chance=0.0)
    throttle.refused("shop")
    for number in range(1, 20):
        with pytest.raises(ThrottledError, match="is not sent"):
            throttle.check("shop")
        assert throttle.probability("shop") == pytest.approx((number + 1) / (number + 2))
    clock.advance(120.0)
    throttle.check("shop")


def test_a_share_of_calls_is_left_out_by_chance() -> None:
    draws = random.Random(3)
    throttle = Throttle(clock=FakeClock(), chance=draws.random)
    sent = 0
    for _ in range(10_000):
        try:
            throttle.check("shop")
        except ThrottledError:
            continue
        sent += 1
        # It accepts one in four of what reaches it.
        tell = throttle.accepted if draws.random() < 0.25 else throttle.refused
        tell("shop")
    # In balance: of N calls s are sent and s/4 accepted, and s = N (1 - (N - 2 s/4)/N), which has no answer but 0; so s shrinks.
    assert 0 < sent < 3000
    assert throttle.probability("shop") > 0.5


def test_hooks_are_told_of_calls_that_are_left_out() -> None:
    told: list[Fact] = []
    throttle, clock = scripted(chance=0.0, hooks=(told.append,))
    throttle.refused("shop", retry_after=5.0)
    for seconds in (5.0, 0.0):
        with pytest.raises(ThrottledError):
            throttle.check("shop")
        clock.advance(seconds)
    assert [(fact.kind, fact.subject, fact.at, fact.detail) for fact in told] == [
        ("throttled", "shop", 0.0, 1.0),
        ("throttled", "shop", 5.0, 0.5),
    ]


def test_one_callee_or_class_says_nothing_of_another() -> None:
    throttle, _ = scripted(chance=0.0)
    for _ in range(10):
        throttle.refused("shop", Priority.SHEDDABLE)
    with pytest.raises(ThrottledError):
        throttle.check("shop", Priority.SHEDDABLE)
    throttle.check("shop", Priority.CRITICAL)
    throttle.check("bank", Priority.SHEDDABLE)


def test_a_callee_that_refuses_most_is_left_alone_as_long_as_it_asked_for_and_up_to_a_tenth_longer() -> None:
    throttle, clock = scripted(chance=0.5)
    throttle.refused("shop", retry_after=10.0)
    with pytest.raises(ThrottledError, match="asked to be left alone") as refused:
        throttle.check("shop")
    assert refused.value.retry_after == pytest.approx(10.5)
    clock.advance(10.4)
    with pytest.raises(ThrottledError):
        throttle.check("shop")
    # Refusals meanwhile counted nothing.
    assert throttle.probability("shop") == pytest.approx(0.5)
    clock.advance(0.2)
    throttle.check("shop")


def test_one_refusal_of_a_busy_callee_does_not_silence_the_rest() -> None:
    throttle, _ = scripted(chance=0.0)
    for _ in range(10):
        throttle.accepted("shop")
    throttle.refused("shop", retry_after=30.0)
    throttle.check("shop")


def test_no_callee_can_ask_for_more_than_the_longest_wait() -> None:
    throttle, clock = scripted(longest_wait=60.0)
    throttle.refused("shop", retry_after=float("inf"))
    clock.advance(66.1)
    throttle.check("shop")


def test_a_window_forgets_whole_periods_and_never_goes_back() -> None:
    window = Recent(1.0, 3)
    for now in (0.0, 1.0, 2.0):
        window.roll(now)
        window.count(is_accepted=now == 0.0)
    assert (window.requests, window.accepts) == (3, 1)
    window.roll(3.5)
    assert (window.requests, window.accepts) == (2, 0)
    window.roll(0.0)
    window.count(is_accepted=True)
    assert (window.requests, window.accepts) == (3, 1)
    window.roll(1e9)
    assert (window.requests, window.accepts) == (0, 0)


@given(steps=st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=60))
def test_a_window_holds_what_a_list_of_all_events_holds(steps: list[tuple[float, bool]]) -> None:
    window, now, events = Recent(0.5, 4), 0.0, []
    for seconds, is_accepted in steps:
        now += seconds
        window.roll(now)
        window.count(is_accepted=is_accepted)
        events.append((int(now // 0.5), is_accepted))
    recent = [is_accepted for number, is_accepted in events if number > int(now // 0.5) - 4]
    assert (window.requests, window.accepts) == (len(recent), sum(recent))


def test_counts_of_8_threads_are_exact_over_boundaries_of_periods() -> None:
    throttle, clock = scripted(window=1000.0, periods=1000)

    def work() -> None:
        for number in range(2000):
            if number % 100 == 0:
                clock.advance(1.0)
            throttle.accepted("shop")
            throttle.refused("shop")

    side_by_side(work)
    window = throttle._lines["shop", Priority.DEFAULT].window
    assert (window.requests, window.accepts) == (32_000, 16_000)


def test_who_was_spoken_to_longest_ago_is_forgotten_first() -> None:
    throttle, _ = scripted(most=2, chance=0.0)
    for callee in ("shop", "bank", "shop", "post"):
        throttle.refused(callee)
    throttle.check("bank")
    with pytest.raises(ThrottledError):
        throttle.check("post")


@pytest.mark.parametrize("settings", [{"factor": 0.9}, {"window": 0.0}, {"periods": 0}, {"longest_wait": -1.0}, {"most": 0}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Throttle(**settings)
