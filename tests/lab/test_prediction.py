"""What is predicted of a state equals what counting out all cases gives, and schedules are cut where they should be."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from truetier.app.load import load_fleet
from truetier.catalog.observed import Verdict
from truetier_lab.evidence import Draw, Evidence, Known
from truetier_lab.place import CATALOG
from truetier_lab.planted import EXPECTED, JOURNEYS, OWN_FAILURES, WAITS
from truetier_lab.prediction import Predictor, availabilities, hard_calls, shows_as
from truetier_lab.schedule import Fault, FaultMode, Schedule
from truetier_runtime.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MODES = ("error", "unreachable", "timeout")


def evidence() -> Evidence:
    fleet = load_fleet((str(CATALOG),))
    edges = {}
    for caller, callee in ((each.caller, each.callee) for each in EXPECTED):
        target = next((need.targets[0] for need in fleet.services[caller].needs if need.service == callee), None)
        declared = 0.25 if target is None or target.timeout is None else target.timeout.total_seconds()
        limit = WAITS.get((caller, callee), declared) or 1.2  # who waits for ever waits until the deadline of the whole request
        attempts = 1 if target is None else target.attempts
        edges[caller, callee] = Known(dict.fromkeys(MODES, (1.0, 1.0)), limit, attempts)
    budgets = {name: min((known.limit for (_, callee), known in edges.items() if callee == name), default=1.2) for name in fleet.services}
    return Evidence(fleet, edges, {}, {}, budgets)


def draw(known: Evidence) -> Draw:
    """Numbers that all differ, so that no two can be taken for one another."""
    chance = np.random.default_rng(5)
    return Draw({(*edge, mode): float(chance.uniform()) for edge in known.edges for mode in MODES}, OWN_FAILURES)


def counted_out(known: Evidence, drawn: Draw, state: Mapping[str, str], entry: str, late: frozenset[str]) -> float:
    """The probability that a request to the entry goes well, over all cases of own failures and of harm done."""
    edges = [edge for edge in known.edges if edge[0] in set(below(known, entry))]
    own = {name: 1.0 if name in state else drawn.own.get(name, 0.0) for name in below(known, entry)}
    harm = {}
    for caller, callee in edges:
        mode = state.get(callee) or ("timeout" if callee in late else "error")
        comes_too_late = caller in late and state.get(callee) == "timeout"
        harm[caller, callee] = 1.0 if comes_too_late else drawn.harm[caller, callee, mode]
    causes: dict[object, float] = dict(own.items())
    causes.update(harm.items())
    total = 0.0
    for case in product((False, True), repeat=len(causes)):
        happens = dict(zip(causes, case, strict=True))
        weight = float(np.prod([share if happens[cause] else 1 - share for cause, share in causes.items()]))
        if weight and not fails(entry, happens, edges):
            total += weight
    return total


def below(known: Evidence, entry: str) -> Iterator[str]:
    seen, open_ones = {entry}, [entry]
    while open_ones:
        name = open_ones.pop()
        yield name
        fresh = [callee for caller, callee in known.edges if caller == name and callee not in seen]
        seen.update(fresh)
        open_ones += fresh


def fails(name: str, happens: Mapping[object, bool], edges: list[tuple[str, str]]) -> bool:
    if happens[name]:
        return True
    return any(happens[edge] and fails(edge[1], happens, edges) for edge in edges if edge[0] == name)


@pytest.mark.parametrize("journey", ["browse", "search", "login"])
@pytest.mark.parametrize("state", [{}, {"redis": "unreachable"}, {"postgresql": "timeout", "pricing": "unreachable"}, {"ads": "timeout"}])
def test_a_state_gives_what_counting_out_all_cases_gives(journey: str, state: dict[str, str]) -> None:
    known = evidence()
    # Whoever waits as long as its own callers do, or longer, answers them too late.
    late = frozenset(
        caller for (caller, callee), each in known.edges.items() if state.get(callee) == "timeout" and each.limit >= known.budgets[caller]
    )
    drawn = draw(known)
    computed = availabilities(known, drawn, frozenset(state.items()))[journey]
    assert computed == pytest.approx(counted_out(known, drawn, state, JOURNEYS[journey], late), abs=1e-8)


def test_a_fallback_that_comes_after_the_callers_have_given_up_does_not_help() -> None:
    known = evidence()
    drawn = draw(known)
    harmless = Draw({**drawn.harm, ("stock", "warehouse", "timeout"): 0.0, ("stock", "warehouse", "unreachable"): 0.0}, {})
    refused = availabilities(known, harmless, frozenset({("warehouse", "unreachable")}))["buy"]
    swallowed = availabilities(known, harmless, frozenset({("warehouse", "timeout")}))["buy"]
    assert refused == 1.0
    assert swallowed == pytest.approx(1.0 - drawn.harm["checkout", "stock", "timeout"], abs=1e-8)


@pytest.mark.parametrize(
    ("fault", "mode"),
    [
        (Fault("catalog", FaultMode.REFUSE, 1, 2), "unreachable"),
        (Fault("catalog", FaultMode.RESET, 1, 2), "unreachable"),
        (Fault("catalog", FaultMode.BLACKHOLE, 1, 2), "timeout"),
        (Fault("catalog", FaultMode.DELAY, 1, 2, 0.04), None),  # everybody waits longer
        (Fault("catalog", FaultMode.DELAY, 1, 2, 2.5), "timeout"),
        (Fault("settings", FaultMode.REFUSE, 1, 2), None),  # no request asks it
        (Fault("storefront", FaultMode.REFUSE, 1, 2), "unreachable"),
    ],
)
def test_a_fault_shows_as(fault: Fault, mode: str | None) -> None:
    assert shows_as(fault, evidence()) == mode


def test_half_a_schedule_without_its_entry_loses_half_the_requests() -> None:
    known = evidence()
    sure = Draw(dict.fromkeys(draw(known).harm, 0.0), {})
    predictor = Predictor(known, [sure] * 4, dict.fromkeys(JOURNEYS, 0.0), seed=1)
    predicted = predictor.predict(Schedule(10.0, (Fault("search", FaultMode.REFUSE, 2.0, 7.0),)), rate=10.0)
    assert predicted["search"] == (0.5, 0.5, 0.5)
    assert predicted["login"] == (1.0, 1.0, 1.0)


def as_expected() -> Evidence:
    """What is known where every verdict of a need that is planted hard or soft was learned."""
    known = evidence()
    hard = {(each.caller, each.callee): each.modes["unreachable"] is Verdict.HARD for each in EXPECTED}
    shapes = {edge: dict.fromkeys(MODES, (9.0, 1.0) if is_hard else (1.0, 9.0)) for edge, is_hard in hard.items()}
    return known._replace(edges={edge: each._replace(harm=shapes[edge]) for edge, each in known.edges.items()})


@pytest.mark.parametrize(
    ("entry", "target", "count"),
    [("storefront", "postgresql", 2), ("search", "catalog", 1), ("checkout", "redis", 1), ("account", "redis", 0), ("search", "search", 0)],
)
def test_the_breakers_on_the_way_are_those_of_hard_calls(entry: str, target: str, count: int) -> None:
    assert hard_calls(as_expected(), entry, target) == count


@pytest.mark.parametrize(("target", "mode", "lost"), [("catalog", FaultMode.REFUSE, 0.5), ("postgresql", FaultMode.REFUSE, 1.0)])
def test_each_breaker_on_the_way_adds_half_an_open_period_to_a_fault(target: str, mode: FaultMode, lost: float) -> None:
    known = as_expected()
    sure = Draw({key: float(known.edges[key[:2]].harm[key[2]][0] > 1) for key in draw(known).harm}, {})
    plain = Predictor(known, [sure] * 200, dict.fromkeys(JOURNEYS, 0.0), seed=1)
    schedule = Schedule(10.0, (Fault(target, mode, 2.0, 7.0),))
    before, after = (each.predict(schedule, rate=20.0) for each in (plain, plain.with_breaker(Breaker(open_for=1.0))))
    assert before["search"].computed - after["search"].computed == pytest.approx(lost / 10, abs=0.005)
    assert before["login"].computed - after["login"].computed == pytest.approx(0.05 if target == "postgresql" else 0.0, abs=0.005)


def test_a_breaker_that_probes_a_silent_callee_takes_longer() -> None:
    known = as_expected()
    sure = Draw({key: float(known.edges[key[:2]].harm[key[2]][0] > 1) for key in draw(known).harm}, {})
    predictor = Predictor(known, [sure] * 200, dict.fromkeys(JOURNEYS, 0.0), seed=1, breaker=Breaker(open_for=1.0))
    silent = predictor.predict(Schedule(10.0, (Fault("catalog", FaultMode.BLACKHOLE, 2.0, 7.0),)), rate=20.0)["search"]
    assert 0.5 - silent.computed == pytest.approx((1.0 + 0.7) / 2 / 10, abs=0.006)
