"""The reconnect lab without its processes: what agents decide, what is computed from runs and beforehand, what is drawn."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import xml.etree.ElementTree as ET
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.errors import SourceError
from truetier_lab.reconnect import page
from truetier_lab.reconnect.control_plane import COUNTS_BYTES, Settings, Work, application, work_done
from truetier_lab.reconnect.experiment import Result
from truetier_lab.reconnect.mechanisms import AGENTS_OF_A_HOST, BUDGET_FLOOR, BUDGET_SECONDS, Case, HostBudget, Manners, Mechanism, cases
from truetier_lab.reconnect.outcome import Run, Sample, spread, time_to_recover
from truetier_lab.reconnect.picture import picture
from truetier_lab.reconnect.plan import Plan
from truetier_lab.reconnect.theory import comes_back, in_pulses, least_time, offered, overload
from truetier_lab.reconnect.wires import parsed
from truetier_runtime.shed import Priority
from truetier_runtime.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

PLAN = Plan()
NONE, ALL = frozenset[Mechanism](), frozenset(Mechanism)
SVG = "{http://www.w3.org/2000/svg}"


def manners(*mechanisms: Mechanism, chance: float = 0.5, clock: FakeClock | None = None, budget: HostBudget | None = None) -> Manners:
    return Manners(PLAN, frozenset(mechanisms), budget or HostBudget(), chance=lambda: chance, clock=clock or FakeClock(1000.0))


# -- decisions


def test_every_mechanism_is_tried_alone_and_left_out_alone_and_none_and_all_of_them() -> None:
    tried = [case.mechanisms for case in cases()]
    assert tried[0] == NONE
    assert tried[-1] == ALL
    assert len(set(tried)) == len(tried) == 2 * len(Mechanism) + 2
    for one in Mechanism:
        assert {frozenset({one}), ALL - {one}} <= set(tried)
    assert len({case.name for case in cases()}) == len(tried)


def test_an_agent_without_mechanisms_reconnects_at_once_and_then_at_one_interval() -> None:
    agent = manners()
    assert agent.lost(7.0) == 0.0
    assert agent.begun(has_document=False) == 0.0
    for _ in range(20):
        agent.attempted(1000.0)
        assert agent.failed(1000.0, 7.0, retry_after=30.0) == PLAN.retry
    assert not agent.holds_back(Priority.DEFAULT)
    assert agent.round() == PLAN.round


@given(chance=st.floats(0.0, 1.0, exclude_max=True), made=st.integers(1, 60))
def test_backoff_is_drawn_up_to_a_bound_that_doubles_to_the_cap(chance: float, made: int) -> None:
    agent = manners(Mechanism.JITTER, chance=chance)
    assert agent.lost(7.0) == chance * PLAN.base
    for _ in range(made):
        agent.attempted(1000.0)
    assert agent.failed(1000.0, 7.0, 0.0) == pytest.approx(chance * min(PLAN.cap, PLAN.base * 2 ** (made - 1)))


def test_backoff_begins_anew_after_an_answer() -> None:
    agent = manners(Mechanism.JITTER, chance=0.999)
    for _ in range(10):
        agent.attempted(1000.0)
    agent.answered(Priority.DEFAULT)
    agent.attempted(1000.0)
    assert agent.failed(1000.0, 7.0, 0.0) == pytest.approx(0.999 * PLAN.base)


def test_at_a_fixed_pace_nothing_that_happens_moves_the_next_call() -> None:
    agent = manners(*ALL - {Mechanism.THROTTLE})
    assert agent.lost(7.0) == 7.0
    agent.attempted(1000.0)
    assert agent.failed(1000.0, 3.5, 0.0) == 3.5


def test_rounds_at_a_fixed_pace_are_jittered_about_the_round() -> None:
    low, high = (manners(Mechanism.PACE, chance=chance).round() for chance in (0.0, 1.0))
    assert (low, high) == pytest.approx((PLAN.round * (1 - PLAN.jitter), PLAN.round * (1 + PLAN.jitter)))


def test_a_host_that_has_spent_its_budget_waits_for_the_next_round() -> None:
    shared = HostBudget()
    agents = [manners(Mechanism.BUDGET, budget=shared) for _ in range(AGENTS_OF_A_HOST)]
    for agent in agents:
        agent.attempted(1000.0)
    waits = [agent.failed(1000.0, 7.0, 0.0) for agent in agents]
    paid = waits.count(PLAN.retry)
    # Those that are paid for count as calls, too: a tenth of what is left of them.
    assert BUDGET_FLOOR * BUDGET_SECONDS <= paid <= BUDGET_FLOOR * BUDGET_SECONDS + 0.1 * AGENTS_OF_A_HOST
    assert waits.count(7.0) == AGENTS_OF_A_HOST - paid


@given(asked=st.integers(1, 30), chance=st.floats(0.0, 1.0, exclude_max=True))
def test_retry_after_is_obeyed_with_a_little_jitter_by_who_obeys_it(asked: int, chance: float) -> None:
    agent = manners(Mechanism.THROTTLE, chance=chance)
    agent.attempted(1000.0)
    wait = agent.failed(1000.0, 7.0, float(asked))
    assert max(PLAN.retry, asked) <= wait <= max(PLAN.retry, asked * 1.1)


def test_the_throttle_leaves_out_more_and_more_of_what_comes_to_nothing_and_forgets() -> None:
    clock = FakeClock(1000.0)
    agent = manners(Mechanism.THROTTLE, chance=0.6, clock=clock)
    assert not agent.holds_back(Priority.DEFAULT)
    for _ in range(3):
        agent.refused(Priority.DEFAULT, 0.0)
    assert agent.holds_back(Priority.DEFAULT)
    assert not agent.holds_back(Priority.RECOVERY)  # counted apart
    clock.advance(100.0)
    assert not agent.holds_back(Priority.DEFAULT)


def test_a_poll_that_failed_never_keeps_back_the_next_one_at_a_fixed_pace() -> None:
    clock = FakeClock(1000.0)
    agent = manners(Mechanism.THROTTLE, Mechanism.PACE, chance=0.0, clock=clock)  # the shortest round, the least luck
    for _ in range(20):
        assert not agent.holds_back(Priority.RECOVERY)
        agent.refused(Priority.RECOVERY, 0.0)
        assert agent.holds_back(Priority.RECOVERY)
        clock.advance(agent.round())


# -- time to recover


def looks(*registered: int) -> tuple[Sample, ...]:
    return tuple(Sample(float(at), count, count) for at, count in enumerate(registered))


def test_the_time_to_recover_is_that_of_the_last_rise_that_lasts() -> None:
    assert time_to_recover(looks(100, 0, 0, 50, 99, 60, 99, 100), 2.0, 99) == 4.0
    assert time_to_recover(looks(100, 0, 0, 50, 99, 60, 98, 98), 2.0, 99) == math.inf


def test_what_was_there_before_the_blackout_is_no_recovery() -> None:
    assert time_to_recover(looks(100, 100, 100, 100), 2.0, 99) == 0.0
    assert time_to_recover(looks(100, 100), 2.0, 99) == math.inf


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 10))
def test_from_the_time_to_recover_on_all_are_there_and_at_no_earlier_look(counts: list[int], back: int) -> None:
    samples = looks(*counts)
    good = [
        sample.at - back
        for number, sample in enumerate(samples)
        if sample.at >= back and all(later.registered >= 2 for later in samples[number:])
    ]
    assert time_to_recover(samples, float(back), 2) == min(good, default=math.inf)


def run(
    case: Case | None = None, *, seed: int = 1, registered: tuple[int, ...] = (), plan: Plan = PLAN, late: float = 0.0, robbed: float = 0.0
) -> Run:
    counts = registered or (plan.agents,) * 40
    seconds = len(counts)
    return Run(
        plan, case or cases()[0], seed, looks(*counts), (10,) * seconds, (4,) * seconds, (0,) * seconds, 8.0, 2.0, 5, 9, late, robbed
    )


def test_a_run_counts_attempts_and_sessions_until_agents_are_back() -> None:
    before, down, after = (PLAN.agents,) * int(PLAN.back), (0,) * 3, (PLAN.agents,) * 10
    one = run(registered=(*before, *down, *after))
    calm = (5,) * len(before)
    one = one._replace(attempts=(*calm, 60, 30, 30, *(7,) * 10), registrations=(*calm, 0, 10, 20, *(0,) * 10))
    assert one.recovered(0.99) == 3.0
    assert (one.offered, one.goodput) == (40.0, 10.0)
    assert one.attempts_in_all == 5 * int(PLAN.blackout) + 120 + 70
    never = one._replace(samples=looks(*(0,) * 20))
    assert never.offered == pytest.approx((120 + 70) / 13)


def test_what_the_data_plane_lost_is_what_could_not_be_served_whoever_had_a_session() -> None:
    one = run()._replace(
        samples=(Sample(0.0, 0, PLAN.agents), Sample(1.0, 0, PLAN.agents - 30), Sample(2.0, PLAN.agents, PLAN.agents - 10))
    )
    assert one.lost == 40
    assert one.worst == pytest.approx(1 - 30 / PLAN.agents)


def test_a_spread_is_of_the_runs_and_may_be_infinite() -> None:
    never = run(registered=(0,) * 30)
    assert spread([run(), never, never], lambda one: one.recovered(0.99)) == (0.0, math.inf, math.inf)
    assert spread([run(), run(), never], lambda one: one.recovered(0.99)) == (0.0, 0.0, math.inf)


# -- theory


def test_only_a_fleet_without_any_mechanism_stays_down_says_theory() -> None:
    assert [case.name for case in cases() if not comes_back(PLAN, case.mechanisms)] == ["none"]


def test_a_backoff_whose_cap_is_too_small_for_the_fleet_does_not_help() -> None:
    only = frozenset({Mechanism.JITTER})
    enough = 2 * (PLAN.agents / PLAN.capacity - PLAN.patience)
    assert comes_back(PLAN._replace(cap=enough * 1.01), only)
    assert not comes_back(PLAN._replace(cap=enough * 0.99), only)


def test_a_plan_for_another_number_of_agents_takes_as_long_and_is_as_overloaded() -> None:
    for case in cases():
        for agents in (500, 6000, 30_000):
            assert least_time(Plan.of(agents), case.mechanisms) == pytest.approx(least_time(PLAN, case.mechanisms))
            assert overload(Plan.of(agents), case.mechanisms) == pytest.approx(overload(PLAN, case.mechanisms))


def test_more_mechanisms_never_offer_more() -> None:
    for case in cases():
        for one in Mechanism:
            assert offered(PLAN, case.mechanisms | {one}) <= offered(PLAN, case.mechanisms)


def test_a_herd_in_step_that_is_shed_gets_through_by_a_pulse_each_retry() -> None:
    shed = frozenset({Mechanism.SHEDDING})
    # The limiter begins with 20, of which 16 are for full syncs, and lets wait for a tenth of a second.
    assert in_pulses(PLAN, shed) == pytest.approx(PLAN.agents / (16 + PLAN.capacity / 10) * PLAN.retry)
    assert in_pulses(PLAN._replace(retry=0.01), shed) == least_time(PLAN, shed)
    assert in_pulses(PLAN, shed | {Mechanism.JITTER}) == math.inf
    assert f"yes, in pulses: after about {in_pulses(PLAN, shed):.0f} s" in page.tables(result())


def simulated(plan: Plan, pause: float, seconds: float, *, seed: int) -> float:
    """The share of agents with a session after so long: one line, first come first served, that does not notice who has gone.

    Who has a session keeps it here, so that those who get through at first are no load later on: what is just above 1 would come back.
    """
    draws = random.Random(seed)
    events: list[tuple[float, int, float]] = [(0.0, agent, math.nan) for agent in range(plan.agents)]  # when, who, asked when
    line: deque[tuple[int, float]] = deque()
    free, done = plan.places, [False] * plan.agents
    while events and events[0][0] <= seconds:
        now, agent, asked_at = heapq.heappop(events)
        if asked_at >= 0.0:  # served
            free += 1
            done[agent] |= now - asked_at <= plan.patience
        elif not done[agent]:
            line.append((agent, now))
            heapq.heappush(events, (now + plan.patience + pause * (0.5 + draws.random()), agent, math.nan))
        while line and free:
            free -= 1
            heapq.heappush(events, (now + plan.full, *line.popleft()))
    return sum(done) / plan.agents


@pytest.mark.parametrize(("ratio", "is_back"), [(0.5, True), (0.8, True), (2.0, False), (3.0, False)])
def test_a_line_that_does_not_notice_who_has_gone_ends_as_the_condition_says(ratio: float, *, is_back: bool) -> None:
    plan = Plan.of(1000)
    pause = plan.agents / (ratio * plan.capacity) - plan.patience
    assert (simulated(plan, pause, 120.0, seed=1) > 0.99) == is_back


# -- the control plane


class Answered:
    """What an application sent."""

    def __init__(self) -> None:
        self.messages: list[MutableMapping[str, Any]] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])


def asked(*paths: str, known: int = 0, folder: Path) -> tuple[list[Answered], dict[str, int]]:
    counts = folder / "counts"
    counts.write_bytes(bytes(COUNTS_BYTES))
    settings = Settings(0, 2, 0.001, 0.001, known, is_shedding=False, document="", counts=str(counts))

    async def nothing() -> MutableMapping[str, Any]:
        raise AssertionError("no body is read")

    async def ask() -> list[Answered]:
        served = application(settings, b"document", Work(str(counts)))
        found = []
        for path in paths:
            found.append(Answered())
            await served({"type": "http", "path": path, "headers": []}, nothing, found[-1].send)
        return found

    return asyncio.run(ask()), work_done(str(counts))


def test_a_control_plane_that_has_just_started_knows_nobody_until_they_ask_for_a_session(tmp_path: Path) -> None:
    found, done = asked("/beat/7", "/full/7", "/beat/7", "/beat/8", "/current/8", "/beat/8", folder=tmp_path)
    assert [one.status for one in found] == [410, 200, 200, 410, 200, 200]
    assert [one.messages[1]["body"] for one in found[:2]] == [b"", b"document"]
    assert done == {"full": 1, "current": 1, "beat": 4}


def test_a_control_plane_that_has_been_up_for_long_knows_everybody(tmp_path: Path) -> None:
    found, _ = asked("/beat/0", "/beat/9", "/beat/10", known=10, folder=tmp_path)
    assert [one.status for one in found] == [200, 200, 410]


# -- answers on the wire


def test_an_answer_is_there_once_all_of_it_is() -> None:
    whole = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nRetry-After: 12\r\n\r\nlate"
    assert all(parsed(whole[:end]) is None for end in range(len(whole)))
    answer = parsed(whole)
    assert answer is not None
    assert (answer.status, answer.retry_after, answer.body) == (503, 12, b"late")


def test_an_answer_that_asks_for_nothing_asks_for_nothing() -> None:
    answer = parsed(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    assert answer is not None
    assert (answer.status, answer.retry_after, answer.body) == (200, 0, b"")


# -- the picture and the page


def result(*, late: float = 0.1, robbed: float = 0.0) -> Result:
    never, always = (PLAN.agents,) * 2 + (0,) * 28, (PLAN.agents,) * 40
    runs = [
        run(case, seed=seed, registered=always if case.mechanisms else never, late=late, robbed=robbed)
        for seed in (1, 2)
        for case in cases()
    ]
    return Result(PLAN, tuple(runs), 12.0)


def test_the_picture_has_a_panel_for_each_case_and_says_in_words_what_it_shows() -> None:
    root = ET.fromstring(picture(result().runs))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    described = {element.get("id"): element.text or "" for element in root.iter() if element.get("id")}
    assert set((root.get("aria-labelledby") or "").split()) == set(described)
    names = {element.text for element in root.iter(f"{SVG}text") if element.get("class") == "name"}
    assert names == {case.name for case in cases()}
    for case in cases():
        assert f"{case.name}: " in described["reconnect-desc"]
    assert f"none: not back within {PLAN.watched:g} s, at worst 0%" in described["reconnect-desc"]


def test_the_picture_marks_when_agents_are_back_and_nothing_where_they_are_not() -> None:
    root = ET.fromstring(picture(result().runs))
    panels = [group for group in root.iter(f"{SVG}g") if group.get("transform")]
    marked = [any(path.get("class") == "mark" for path in panel.iter(f"{SVG}path")) for panel in panels]
    assert marked == [False] + [True] * (len(cases()) - 1)
    for panel in panels:
        assert [rect.get("class") for rect in panel.iter(f"{SVG}rect")] == ["band"]
        assert sum(path.get("class") == "served" for path in panel.iter(f"{SVG}path")) == 2  # one for each seed


def test_a_panel_of_a_fleet_that_is_nearly_back_says_so() -> None:
    nearly = (0,) * 10 + (int(0.97 * PLAN.agents),) * 30
    assert f"{cases()[0].name}: 95 % back after 4.0 s" in picture([run(registered=nearly)])


def test_the_picture_has_no_number_that_is_none_and_two_schemes() -> None:
    drawn = picture(result().runs)
    assert "inf" not in drawn.replace("infinite", "")
    assert "nan" not in drawn
    assert "prefers-color-scheme:dark" in drawn
    assert "http" not in drawn.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_the_results_go_between_the_marks_of_the_page_and_again_into_the_same_place(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    written.write_text(
        "before\n<!-- measured: written by truetier-lab reconnect -->\nold\n<!-- end of what truetier-lab reconnect writes -->\nafter\n"
    )
    page.write(result(), written)
    text = written.read_text()
    page.write(result(), written)
    assert written.read_text() == text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "\nold\n" not in text
    assert "| none | never |" in text
    assert "(page.svg)" in text
    assert (tmp_path / "page.svg").read_text() == picture(result().runs)


def test_a_page_without_marks_is_told_and_left_alone(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    written.write_text("mine\n")
    with pytest.raises(SourceError, match="expected the lines"):
        page.write(result(), written)
    assert written.read_text() == "mine\n"
    assert not (tmp_path / "page.svg").exists()


def test_runs_whose_load_was_late_are_said_to_be_invalid() -> None:
    assert "is invalid: none of the 28 is" in page.tables(result())
    late = result(late=PLAN.patience / 3 + 0.01)
    assert len(late.invalid) == 28
    assert "is invalid: 28 of 28 are" in page.tables(late)


def test_runs_whose_control_plane_had_to_share_its_core_are_said_to_be_invalid() -> None:
    assert len(result(robbed=0.21).invalid) == 28
    assert "21% of its time at most; a run with more than 0.4 s or 20% is invalid: 28 of 28 are" in page.tables(result(robbed=0.21))


def test_a_result_holds_when_none_stays_down_and_all_come_back_without_loss() -> None:
    good = result()
    assert good.holds
    assert "As expected" in page.tables(good)
    whole = cases()[-1]
    lost = good._replace(runs=(*good.runs, run(whole, registered=(PLAN.agents - 1,) * 40)))
    assert not lost.holds
    back = good._replace(runs=(*good.runs, run(cases()[0])))
    assert not back.holds
    assert "Not as expected" in page.tables(back)
