"""The steps of a breaker, by themselves, against a model that knows only what may never happen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truetier_runtime.breaker import (
    CANCELLED,
    CLOSED,
    FAILED,
    GOOD,
    HALF_OPEN,
    OPEN,
    Breaker,
    State,
    admit,
    closed,
    is_too_much,
    open_period,
    opened,
    settle_probe,
)
from truetier_runtime.window import Window

EVENTS = st.lists(st.tuples(st.sampled_from(["come", GOOD, FAILED, CANCELLED]), st.integers(0, 4)), max_size=60)


@given(EVENTS, st.integers(1, 3), st.integers(2, 9))
def test_no_more_probes_than_slots_and_none_too_early(events: list[tuple[str, int]], probes: int, lease: int) -> None:
    breaker = Breaker(open_for=5, jitter=0, probes=probes, lease=lease)
    now, state = 0.0, opened(closed(10), 5.0)
    open_until, under_way = 5.0, dict[int, float]()
    for event, step in events:
        now += step
        if state.kind == CLOSED:
            state, open_until, under_way = opened(state, now + 5), now + 5, {}
        generation = state.generation
        if event == "come":
            state, probe = admit(breaker, state, now)
            alive = {number: end for number, end in under_way.items() if end > now}
            if probe is None:
                assert now < open_until or len(alive) + state.passed >= probes
            else:
                assert probe not in under_way
                assert now >= open_until
                assert len(alive) + state.passed < probes
                under_way = {**alive, probe: now + lease} if state.generation == generation else {probe: now + lease}
        elif under_way and state.kind == HALF_OPEN:
            probe = min(under_way)
            del under_way[probe]
            state = settle_probe(breaker, state, probe, event, lambda until=now + 5: until)  # type: ignore[misc] # bound here
            if event == FAILED:
                assert (state.kind, state.until) == (OPEN, now + 5)
                open_until, under_way = now + 5, {}
            assert state.generation >= generation


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 30), st.integers(1, 100))
def test_it_opens_at_the_rate_and_not_below_the_volume(good: int, failed: int, minimum: int, percent: int) -> None:
    breaker = Breaker(percent / 100, minimum_calls=minimum)
    calls = good + failed
    assert is_too_much(breaker, good, failed) == (calls >= minimum and failed >= percent / 100 * calls)


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 0.99))
def test_open_periods_differ_by_the_jitter_and_no_more(chance: float, jitter: float) -> None:
    period = open_period(Breaker(open_for=10, jitter=jitter), chance)
    assert 10 * (1 - jitter) <= period <= 10 * (1 + jitter)


def test_closed_again_nothing_of_before_counts() -> None:
    state = settle_probe(Breaker(), State(HALF_OPEN, 4, leases=((1, 9.0),), numbered=1), 1, GOOD, lambda: 0.0)
    assert (state.kind, state.generation) == (CLOSED, 5)
    assert state.window is not None
    assert state.window.recent(0.0) == (0, 0)


@given(st.lists(st.tuples(st.floats(-1, 3), st.booleans()), max_size=200))
def test_a_window_holds_what_is_recent_and_the_total_everything(steps: list[tuple[float, bool]]) -> None:
    """Against a list of moments; time that runs back, as a late thread's does, counts as the present."""
    window, now, latest, seen = Window(10, buckets=10), 100.0, 100.0, []
    window.roll(now)
    for step, is_good in steps:
        now = latest + step
        latest = max(latest, now)
        if now >= window.edge:
            window.roll(now)
        (window.tick if is_good else window.tick_failed)()
        seen.append((latest // 1, is_good))
    current = latest // 1
    kept = [is_good for second, is_good in seen if second > current - 10]
    assert window.recent(latest) == (sum(kept), len(kept) - sum(kept))
    assert window.recent(latest) == window.recent(latest), "to read changes nothing"
    good = sum(is_good for _, is_good in seen)
    assert window.total() == (good, len(seen) - good)
