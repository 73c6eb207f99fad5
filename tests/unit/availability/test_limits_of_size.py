"""Past a budget the answer is an interval that holds the exact value, and the work stays bounded."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import pytest

from tests.oracles.random_fleets import random_fleet
from tests.unit.availability.fleets import DAY, SECOND, assessed, cached, fleet, need, service, share, static
from truetier.availability import exact, fixed_point, modules
from truetier.availability.assess import assess
from truetier.availability.diagram.kernel import Diagram, Overgrown
from truetier.availability.estimate import Method
from truetier.graph.build import build

if TYPE_CHECKING:
    from truetier.availability.assess import Assessments
    from truetier.availability.estimate import Estimate

SLACK = 1e-12


def estimates(found: Assessments) -> list[Estimate]:
    subjects = itertools.chain(found.services.values(), found.journeys.values(), found.endpoints.values())
    return [estimate for subject in subjects for estimate in (subject.delivered, subject.full, subject.ceiling, subject.verified)]


@pytest.mark.parametrize("seed", range(60))
def test_intervals_hold_the_exact_interval_when_nodes_run_out(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = build(random_fleet(seed))
    precise = estimates(assess(made, DAY))
    monkeypatch.setattr(exact, "GROUP_BUDGET", 4)
    for rough, fine in zip(estimates(assess(made, DAY)), precise, strict=True):
        assert rough.down_low <= fine.down_low + SLACK
        assert rough.down_high >= fine.down_high - SLACK
        assert rough.up_low <= fine.up_low + SLACK
        assert rough.up_high >= fine.up_high - SLACK


@pytest.mark.parametrize("seed", range(60))
def test_intervals_hold_the_exact_interval_when_cycles_are_too_large(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = build(random_fleet(seed))
    precise = estimates(assess(made, DAY))
    monkeypatch.setattr(fixed_point, "ROUNDS", 0)
    for rough, fine in zip(estimates(assess(made, DAY)), precise, strict=True):
        assert rough.down_low <= fine.down_low + SLACK
        assert rough.down_high >= fine.down_high - SLACK


def test_a_group_that_is_too_large_in_its_own_order_has_the_same_value_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    fleets = [build(random_fleet(seed)) for seed in range(60)]
    usual = [estimates(assess(made, DAY)) for made in fleets]
    write = modules._function
    others = 0

    def overgrown(view: object, first: object, diagram: object, *, optimistic: bool) -> int:
        nonlocal others
        if isinstance(diagram, Diagram):
            raise Overgrown
        others += 1
        return write(view, first, diagram, optimistic=optimistic)  # type: ignore[arg-type]

    monkeypatch.setattr(modules, "_function", overgrown)
    for made, before in zip(fleets, usual, strict=True):
        for fine, again in zip(before, estimates(assess(made, DAY)), strict=True):
            if fine.method is Method.EXACT and again.method is Method.EXACT:
                assert again.down_low == pytest.approx(fine.down_low, rel=1e-12)
                assert again.up_low == pytest.approx(fine.up_low, rel=1e-12)
    assert others > 50


def test_a_run_that_used_up_its_nodes_still_builds_small_diagrams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "RUN_BUDGET", 0)
    found = assessed(service("a", "1", [cached("b", 30)]), service("b", "0.99"))
    assert found.services["a"].delivered.method is Method.EXACT


def test_a_diagram_stops_at_its_budget() -> None:
    diagram = Diagram(budget=10)
    with pytest.raises(Overgrown):
        diagram.at_least(5, [diagram.variable(number) for number in range(10)])


def test_a_long_chain_is_answered_without_deep_recursion() -> None:
    last = 3000
    made = fleet(*(service(f"s{n}", "0.9999", [need(f"s{n + 1}")] if n < last else []) for n in range(last + 1)))
    assert assess(build(made), DAY).services["s0"].delivered.up == pytest.approx(0.9999 ** (last + 1), rel=1e-11)


def test_a_long_chain_of_fallbacks_is_answered_too() -> None:
    last = 1500
    patient = 2 * SECOND
    made = fleet(*(service(f"s{n}", "0.99", [static(f"s{n + 1}", "0.9")] if n < last else [], budget=patient) for n in range(last + 1)))
    assert assess(build(made), DAY).services["s0"].delivered.up == pytest.approx(0.99 * 0.9 / (1 - 0.99 * 0.1), rel=1e-9)


def test_a_long_cycle_falls_together() -> None:
    size = 3000
    made = fleet(*(service(f"s{n}", "0.9999", [need(f"s{(n + 1) % size}")]) for n in range(size)))
    found = assess(build(made), DAY)
    assert found.services["s7"].delivered.up == pytest.approx(0.9999**size, rel=1e-11)
    assert found.services["s7"].ceiling.up == pytest.approx(0.9999 ** (size - 1), rel=1e-11)


def test_a_cycle_too_large_to_solve_keeps_its_fallbacks_and_spare_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_point, "ROUNDS", 0)
    found = assessed(
        service("a", "0.99", [need("b", "c"), static("b", "0.9", share=share("0.2"))]),
        service("b", "0.98", [need("a")]),
        service("c", "0.5"),
    )
    delivered = found.services["a"].delivered
    assert delivered.down_high == pytest.approx(1 - 0.99 * 0.98, rel=1e-12)  # where a and b work, both are up: c and the fallback are spare
    assert delivered.down_low == pytest.approx(0.01, rel=1e-12)


def test_what_nobody_could_solve_has_no_least_part_and_no_product(monkeypatch: pytest.MonkeyPatch) -> None:
    cycle = (service("a", "0.99", [need("b", "c")]), service("b", "0.98", [need("a")]), service("c", "0.5"))
    exactly = assessed(*cycle).services["b"]
    assert exactly.least_available == pytest.approx(0.98, rel=1e-12)
    monkeypatch.setattr(fixed_point, "ROUNDS", 0)
    found = assessed(*cycle).services["b"]
    assert found.delivered.up is None
    assert found.least_available is None


@pytest.mark.parametrize("required", [1, 2, 250, 498, 499])
def test_a_group_of_hundreds_is_exact(required: int) -> None:
    size, up = 500, 0.9
    members = [service(f"m{n}", "0.9") for n in range(size)]
    found = assessed(service("a", "1", [need(*(member.name for member in members), k=required)]), *members)
    delivered = found.services["a"].delivered
    assert delivered.method is Method.EXACT
    fewer = math.fsum(math.comb(size, works) * up**works * (1 - up) ** (size - works) for works in range(required))
    assert delivered.down == pytest.approx(fewer, rel=1e-9, abs=0)
