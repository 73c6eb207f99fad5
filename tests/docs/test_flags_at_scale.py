"""The page on flags at scale: its simulation against what can be worked out, and its figures against a new run."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier_runtime.poller import Pace

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "flags-at-scale.md").read_text()


@pytest.fixture(scope="module")
def fleet() -> Any:  # noqa: ANN401 - a script, not a package
    return script("flag_fleet")


@pytest.fixture(scope="module")
def pages() -> Any:  # noqa: ANN401 - a script, not a package
    return script("flags_at_scale")


@pytest.fixture(scope="module")
def made(pages: Any, fleet: Any) -> dict[str, str]:  # noqa: ANN401 - scripts, not a package
    """What a run gives today."""
    found: dict[str, str] = pages.figures(fleet.Plan())
    return found


def script(name: str) -> Any:  # noqa: ANN401 - a script, not a package
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(REPOSITORY / "benchmarks")
        return importlib.import_module(name)


def farthest(found: np.ndarray, shares: Any) -> float:  # noqa: ANN401 - a function of times
    """The largest difference between the shares of what was found and those expected."""
    found = np.sort(found)
    expected = shares(found)
    steps = np.arange(len(found) + 1) / len(found)
    return float(max(np.abs(steps[1:] - expected).max(), np.abs(steps[:-1] - expected).max()))


def allowed(count: int) -> float:
    """What that exceeds once in a million times if it is chance. Source: Massart 1990, The tight constant in the DKW inequality."""
    return float(np.sqrt(np.log(2e6) / (2 * count)))


@pytest.mark.parametrize(("interval", "jitter"), [(30.0, 0.2), (30.0, 0.0), (10.0, 0.9)])
def test_the_wait_for_a_poll_is_distributed_as_worked_out(fleet: Any, interval: float, jitter: float) -> None:  # noqa: ANN401
    layer = fleet.Layer(40_000, Pace(interval, jitter=jitter), 0.0)
    rng = np.random.default_rng(1)
    moment = 30 * interval
    waits = fleet.next_poll(fleet.polls(layer, moment + 2 * interval, rng), np.full(layer.count, moment)) - moment
    assert farthest(waits, lambda times: fleet.reached((layer,), times)) < allowed(layer.count)
    assert abs(waits.mean() - fleet.mean_wait(layer.pace)) < 5 * waits.std() / np.sqrt(layer.count)
    assert waits.max() <= fleet.longest_wait(layer.pace)


def test_what_travels_through_edges_and_readers_is_the_sum_of_two_waits(fleet: Any) -> None:  # noqa: ANN401
    edges, readers = (
        fleet.Layer(20_000, Pace(10.0), 0.5),
        fleet.Layer(20_000, Pace(30.0), 0.2),
    )  # an edge each: draws that know nothing of one another
    found = fleet.arrivals(edges, readers, np.random.default_rng(2))
    assert farthest(found, lambda times: fleet.reached((edges, readers), times)) < allowed(20_000)


def test_without_jitter_the_sum_of_two_waits_is_a_trapezium(fleet: Any) -> None:  # noqa: ANN401
    layers = (fleet.Layer(1, Pace(10.0, jitter=0.0), 0.0), fleet.Layer(1, Pace(30.0, jitter=0.0), 0.0))
    times = np.array([0.0, 5.0, 10.0, 20.0, 30.0, 35.0, 40.0])
    exact = [0.0, 25 / 600, 100 / 600, 0.5, 1 - 100 / 600, 1 - 25 / 600, 1.0]
    assert fleet.reached(layers, times) == pytest.approx(exact, abs=1e-4)


@given(st.data())
def test_a_hint_moves_a_poll_as_the_pace_of_the_library_says(fleet: Any, data: st.DataObject) -> None:  # noqa: ANN401
    pace = Pace(data.draw(st.floats(1, 100)), jitter=data.draw(st.floats(0, 0.9)))
    layer = fleet.Layer(8, pace, 0.0)
    seed = data.draw(st.integers(0, 2**32))
    times = fleet.polls(layer, 10 * pace.interval, np.random.default_rng(seed))
    moments = np.full(8, 5 * pace.interval)
    found = fleet.hinted_poll(layer, times, moments, np.random.default_rng(seed))
    draws = np.random.default_rng(seed).random(8)
    for row, moment, draw, at in zip(times, moments, draws, found, strict=True):
        last, due = row[row < moment].max(), row[row >= moment].min()
        assert at == pace.hinted(due, last, moment, draw)


def test_hints_are_never_later_than_polls_and_within_their_bound(fleet: Any) -> None:  # noqa: ANN401
    edges, readers = fleet.Layer(50, Pace(10.0), 0.5), fleet.Layer(5_000, Pace(30.0), 0.2)
    found = fleet.arrivals(edges, readers, np.random.default_rng(3), hints=True)
    assert found.max() <= sum(one.pace.least_gap + one.pace.spread + one.latency for one in (edges, readers))


def test_a_blackout_changes_nothing_for_pollers_and_everything_for_those_who_insist(fleet: Any) -> None:  # noqa: ANN401
    layer = fleet.Layer(2_000, Pace(30.0), 0.2)
    rng = np.random.default_rng(4)
    usual = layer.count / layer.pace.interval
    calm = fleet.blackout(layer, 300, rng, None)
    assert max(calm.before, calm.during, calm.after) < usual + 6 * np.sqrt(usual)
    assert calm.answered <= fleet.longest_wait(layer.pace)
    eager = fleet.blackout(layer, 300, rng, np.array([1.0]))
    assert (eager.during, eager.answered < 1.0) == (layer.count, True)


def test_the_factor_of_a_limit_is_the_size_at_which_it_is_reached(pages: Any, fleet: Any) -> None:  # noqa: ANN401
    found = {one.what: one.limit / one.load for one in pages.limits(fleet.Plan())}
    larger = {one.what: one.limit / one.load for one in pages.limits(fleet.Plan(flags=3_000))}
    name = "size of the document (`max_bytes`)"
    assert larger[name] == pytest.approx(found[name] / 2)
    assert list(found.values()) == sorted(found.values())


def test_the_page_shows_what_a_run_gives_today(pages: Any, made: dict[str, str]) -> None:  # noqa: ANN401
    assert pages.written(PAGE, made) == PAGE


def test_every_part_of_a_run_has_its_place_in_the_page(made: dict[str, str]) -> None:
    assert set(re.findall(r"<!-- run: (\w+) -->", PAGE)) == set(made)
