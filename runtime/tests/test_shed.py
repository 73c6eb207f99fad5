"""Who is let in, and when others may come back."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier_runtime.errors import SettingsError
from truetier_runtime.shed import NO_PRESSURE, Pressure, Priority, Refusals, Shares, counted, priority_named, seconds_to_stay_away
from truetier_runtime.testing import FakeClock


@given(limit=st.floats(1, 1e4), in_flight=st.integers(0, 10_000))
def test_whoever_is_let_in_no_class_before_it_would_be_refused(limit: float, in_flight: int) -> None:
    answers = [Shares().is_let_in(in_flight, limit, priority) for priority in Priority]
    assert answers == sorted(answers, reverse=True)


@pytest.mark.parametrize("priority", Priority)
def test_an_idle_service_serves_every_class_however_low_its_limit(priority: Priority) -> None:
    assert Shares().is_let_in(0, 1.0, priority)
    assert not Shares().is_let_in(1, 1.0, priority)


def test_a_share_is_not_less_by_a_bit_of_rounding() -> None:
    assert Shares(default=0.7, sheddable=0.29).room(100, Priority.SHEDDABLE) == 29
    assert [Shares().room(10, priority) for priority in Priority] == [10, 10, 8, 6]


@pytest.mark.parametrize("shares", [{"critical": 0.5}, {"sheddable": 0.0}, {"recovery": 1.1}, {"sheddable": 0.9}])
def test_shares_that_do_not_fall_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="have to fall"):
        Shares(**shares)


def test_a_class_is_known_by_its_name_in_any_case_and_default_otherwise() -> None:
    assert priority_named(" Critical ") is Priority.CRITICAL
    assert priority_named("recovery") is Priority.RECOVERY
    assert priority_named("urgent!!") is Priority.DEFAULT
    assert priority_named("") is Priority.DEFAULT


@given(
    refused=st.integers(0, 10_000),
    admitted=st.integers(0, 10_000),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_whoever_is_refused_stays_away_between_the_shortest_and_the_longest_time(refused: int, admitted: int, chance: float) -> None:
    pressure = Pressure(0.0, admitted, refused, 0, 0)
    assert 1.0 <= seconds_to_stay_away(pressure, 1.0, 30.0, chance) <= 30.0


def test_the_more_are_refused_for_one_admitted_the_wider_their_return_is_spread() -> None:
    spans = [seconds_to_stay_away(Pressure(0.0, 10, refused, 0, 0), 1.0, 30.0, 0.999) for refused in (0, 100, 200, 1000)]
    assert spans == pytest.approx([1.999, 10.99, 20.98, 29.971])


def test_counts_are_kept_for_one_whole_period_and_then_forgotten() -> None:
    pressure = counted(NO_PRESSURE, 100.0, 1.0, is_refused=True)
    pressure = counted(pressure, 100.5, 1.0, is_refused=True)
    assert (pressure.refused, pressure.refused_before) == (2, 0)
    pressure = counted(pressure, 101.5, 1.0, is_refused=False)
    assert (pressure.admitted, pressure.refused_before) == (1, 2)
    pressure = counted(pressure, 50.0, 1.0, is_refused=False)
    assert (pressure.admitted, pressure.refused_before) == (2, 2)
    pressure = counted(pressure, 104.0, 1.0, is_refused=False)
    assert pressure == Pressure(104.0, 1, 0, 0, 0)


def test_a_herd_that_was_refused_is_invited_back_over_time_and_not_at_once() -> None:
    refusals = Refusals(clock=FakeClock(), chance=random.Random(7).random)
    for _ in range(200):
        refusals.admitted()
    invited = [refusals.refused() for _ in range(2200)]
    fullest = max(sum(second <= wait < second + 1 for wait in invited) for second in range(1, 30))
    assert fullest < 800
    assert max(invited) > 10


@pytest.mark.parametrize("settings", [{"shortest": 0.0}, {"shortest": 40.0}, {"longest": float("inf")}, {"period": 0.0}])
def test_times_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Refusals(clock=FakeClock(), chance=random.Random(1).random, **settings)
