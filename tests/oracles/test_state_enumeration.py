"""The oracle itself: the values the texts give, found by counting states."""

from __future__ import annotations

import ast
import inspect
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.oracles import constructs, fleet_parts, random_fleets, reading, state_enumeration, state_space, world
from tests.oracles.fleet_parts import WRITTEN, availability, cached, down, fleet, hard, minutes, service, share, some_of
from tests.oracles.plain_walk import walk
from tests.oracles.random_fleets import AS_OF, random_fleet
from tests.oracles.reading import Reading
from tests.oracles.state_enumeration import enumerate_states
from tests.oracles.world import World
from truetier.catalog.model import Placement
from truetier.units import Share

if TYPE_CHECKING:
    from truetier.catalog.model import Fleet

TODAY = date(2026, 11, 23)


def delivered_down(made: Fleet, name: str) -> float:
    """What the oracle says of one service; known, so low and high are one."""
    found = enumerate_states(made, TODAY).services[name].delivered
    assert found.down_low == found.down_high
    return found.down_low


def test_hard_needs_multiply() -> None:
    made = fleet(service("login", hard("profile"), hard("fraud"), tier="T1"), service("profile", tier="T2"), service("fraud", tier="T2"))
    assert delivered_down(made, "login") == pytest.approx(1 - 0.9999 * 0.999 * 0.999, rel=1e-11, abs=0)
    assert round(1 - delivered_down(made, "login"), 10) == 0.9979011999


def test_a_shared_need_counts_once() -> None:
    made = fleet(
        service("a", hard("b"), hard("c"), tier="T1"),
        service("b", hard("d"), tier="T1"),
        service("c", hard("d"), tier="T1"),
        service("d", tier="T2"),
    )
    assert round(1 - delivered_down(made, "a"), 7) == 0.9987003


def test_two_of_three_services() -> None:
    members = [service(name, own=availability("99.9%")) for name in ("x", "y", "z")]
    made = fleet(service("caller", some_of(2, "x", "y", "z"), own=availability("100%")), *members)
    assert delivered_down(made, "caller") == pytest.approx(2.998e-6, rel=1e-12, abs=0)


def test_two_copies_share_a_tenth() -> None:
    made = fleet(service("pair", placement=Placement((("r1", 1), ("r2", 1)), WRITTEN, availability=availability("99.9%"))))
    assert delivered_down(made, "pair") == pytest.approx(1.0081008100810e-4, rel=1e-13, abs=0)


@pytest.mark.parametrize(("required", "expected"), [(1, "1.000e-04"), (2, "1.024e-04")])
def test_three_copies(required: int, expected: str) -> None:
    placement = Placement((("r1", 3),), WRITTEN, availability=down("0.001"), common_cause=Share(Decimal("0.1")), need=required)
    assert f"{delivered_down(fleet(service('trio', placement=placement)), 'trio'):.3e}" == expected


def test_a_cache_bridges_short_outages() -> None:
    made = fleet(
        service("caller", cached("callee", minutes(30)), own=availability("100%")),
        service("other", cached("callee", minutes(30)), own=availability("100%")),
        service("both", hard("caller"), hard("other"), own=availability("100%")),
        service("callee", own=availability("99.9%")),
    )
    assert round(delivered_down(made, "caller") / 1e-3, 10) == 0.6065306597
    assert round(delivered_down(made, "both") / 1e-3, 10) == 0.6065306597


def test_a_cycle_through_a_group() -> None:
    perhaps = availability("99%")
    made = fleet(service("a", some_of(1, "b", "c"), own=perhaps), service("b", hard("a"), own=perhaps), service("c", own=perhaps))
    assert delivered_down(made, "a") == pytest.approx(1 - 0.989901, rel=1e-12, abs=0)
    assert delivered_down(made, "b") == pytest.approx(0.0199, rel=1e-12, abs=0)


def test_conditions_are_drawn_once_by_name() -> None:
    half = share("50%")
    callee = service("callee", own=availability("99%"))
    perfect = availability("100%")
    same = fleet(service("caller", hard("callee", of=half, condition="c"), hard("callee", of=half, condition="c"), own=perfect), callee)
    apart = fleet(service("caller", hard("callee", of=half), hard("callee", of=half), own=perfect), callee)
    assert delivered_down(same, "caller") == pytest.approx(0.0050, rel=1e-12, abs=0)
    assert delivered_down(apart, "caller") == pytest.approx(0.0075, rel=1e-12, abs=0)


def test_an_unknown_own_part_is_down_or_perfect() -> None:
    made = fleet(service("caller", cached("callee", timedelta(hours=1)), own=availability("100%")), service("callee"))
    found = enumerate_states(made, TODAY).services
    assert (found["callee"].delivered.down_low, found["callee"].delivered.down_high) == (0.0, 1.0)
    assert found["caller"].delivered.down_high == pytest.approx(0.36787944117144233, rel=1e-13, abs=0)


def test_bits_say_what_a_walk_through_the_states_says() -> None:
    walked = 0
    for seed in range(400):
        made = random_fleet(seed)
        if World(made, AS_OF, is_unknown_down=True).state_count > 100:
            continue
        walked += 1
        found = enumerate_states(made, AS_OF).services
        for name, unavailability in walk(made, AS_OF, Reading.TRUSTING, is_unknown_down=True).items():
            assert unavailability == pytest.approx(found[name].delivered.down_high, rel=1e-13, abs=0), (seed, name)
        for name, unavailability in walk(made, AS_OF, Reading.VERIFIED, is_unknown_down=False).items():
            assert unavailability == pytest.approx(found[name].verified.down_low, rel=1e-13, abs=0), (seed, name)
    assert walked > 40


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    allowed = {"truetier.catalog.model", "truetier.catalog.evidence", "truetier.catalog.tier", "truetier.units", "truetier.errors"}
    for module in (reading, state_space, world, state_enumeration, random_fleets, constructs, fleet_parts):
        tree = ast.parse(inspect.getsource(module))
        named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module is not None}
        named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert {name for name in named if name.startswith("truetier")} <= allowed, module.__name__
