"""Agents and control planes that really run, few of them: what a blackout leaves behind without mechanisms, and with all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truetier_lab.reconnect.experiment import experiment
from truetier_lab.reconnect.mechanisms import Mechanism, cases
from truetier_lab.reconnect.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

# 40 full syncs a second for 200 agents: a machine that is busy has room for them, and a slower control plane is only more overloaded.
PLAN = Plan(agents=200, places=1, round=5.0, calm=1.0, blackout=2.0, watched=15.0, hold=2.0)


@pytest.mark.slow
def test_a_fleet_stays_down_without_mechanisms_and_is_back_with_all_of_them(tmp_path: Path) -> None:
    tried = [case for case in cases() if case.mechanisms in {frozenset[Mechanism](), frozenset(Mechanism)}]
    none, whole = experiment(str(tmp_path), PLAN, [1], tried=tried, say=lambda _text: None).runs

    # The blackout was one: everybody had a session before, next to nobody after.
    for one in (none, whole):
        assert one.samples[0].registered == PLAN.agents
        assert min(sample.registered for sample in one.samples) < 0.2 * PLAN.agents

    assert none.samples[-1].registered < 0.95 * PLAN.agents
    assert none.wasted > 0.5 * none.work
    assert none.lost > PLAN.agents

    assert whole.samples[-1].registered >= 0.99 * PLAN.agents
    assert whole.lost == 0  # the data plane noticed nothing
    assert sum(whole.registrations) >= 0.99 * PLAN.agents
    assert whole.wasted < 0.5 * whole.work
    assert whole.attempts_in_all < none.attempts_in_all
