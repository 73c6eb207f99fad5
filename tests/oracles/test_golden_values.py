"""Every value the texts give, to the last digit given."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from math import fsum
from typing import TYPE_CHECKING

import pytest

from tests.oracles.fleet_parts import WRITTEN, availability, cached, down, fleet, hard, minutes, service, share, soft, some_of
from truetier.availability.assess import assess
from truetier.availability.estimate import Verdict
from truetier.catalog.model import Fallback, FallbackKind, Mode, Need, Placement, Target
from truetier.catalog.tier import BUILT_IN, is_met
from truetier.graph.build import build
from truetier.units import MINUTES_PER_YEAR, downtime_text

if TYPE_CHECKING:
    from truetier.availability.estimate import Assessment
    from truetier.catalog.model import Fleet

TODAY = date(2026, 11, 23)
PERFECT = availability("100%")


def assessed(made: Fleet, name: str) -> Assessment:
    """What is computed of one service."""
    return assess(build(made), TODAY).services[name]


def up(made: Fleet, name: str) -> float:
    """Its delivered availability, known."""
    value = assessed(made, name).delivered.up
    assert value is not None
    return value


def unavailability(made: Fleet, name: str) -> float:
    """Its delivered unavailability, known."""
    value = assessed(made, name).delivered.down
    assert value is not None
    return value


def login() -> Fleet:
    """The smallest useful catalog."""
    notify = Need((Target("notifications"),), WRITTEN, mode=Mode.ASYNC)
    return fleet(
        service("login", hard("user-profile"), hard("fraud-detection"), notify, tier="T1"),
        service("user-profile", tier="T2"),
        service("fraud-detection", tier="T2"),
        service("notifications", own=availability("99.5%")),
    )


@pytest.mark.parametrize(("tier", "allowed"), [("T0", "5.256 min/yr"), ("T1", "52.56 min/yr"), ("T2", "8.76 h/yr"), ("T3", "3.65 d/yr")])
def test_each_tier_allows_its_minutes(tier: str, allowed: str) -> None:
    target = BUILT_IN.row(tier).target
    assert target is not None
    assert downtime_text(target.unavailability * MINUTES_PER_YEAR) == allowed


def test_three_nines_over_thirty_days() -> None:
    assert availability("99.9%").exact_unavailability * 30 * 24 * 60 == Decimal("43.2")


def test_login_delivers_t3() -> None:
    found = assessed(login(), "login")
    assert found.delivered.minutes_per_year is not None
    assert f"{found.delivered.up:.10f}" == "0.9979011999"
    assert downtime_text(found.delivered.minutes_per_year) == "18.385 h/yr"
    assert (found.delivered_tier, found.verdict) == ("T3", Verdict.MISSED)


def test_login_is_down_because_of_what_it_needs() -> None:
    found = assessed(login(), "login")
    total = fsum(each.costs for each in found.contributors)
    shares = sorted(f"{each.costs / total:.1%}" for each in found.contributors if each.costs > 0)
    assert shares == ["4.8%", "47.6%", "47.6%"]
    assert not [each for each in found.contributors if "notifications" in each.component and each.costs > 0]
    assert total == pytest.approx(found.delivered.minutes_per_year, rel=1e-12, abs=0)


def test_t1_on_t2_is_nominally_t2() -> None:
    made = fleet(service("a", hard("b"), tier="T1"), service("b", tier="T2"))
    found = assessed(made, "a")
    assert found.delivered.minutes_per_year is not None
    assert f"{found.delivered.up:.7f}" == "0.9989001"
    assert f"{found.delivered.minutes_per_year / 60:.3f}" == "9.635"
    assert (found.delivered_tier, found.nominal_tier) == ("T3", "T2")


def test_overspending_by_more_than_a_quarter_is_never_nominal() -> None:
    found = assessed(fleet(service("a", own=availability("99.79%"))), "a")
    assert (found.delivered_tier, found.nominal_tier) == ("T3", "T3")


def test_a_diamond_counts_its_foot_once() -> None:
    made = fleet(
        service("a", hard("b"), hard("c"), tier="T1"),
        service("b", hard("d"), tier="T1"),
        service("c", hard("d"), tier="T1"),
        service("d", tier="T2"),
    )
    found = assessed(made, "a")
    assert f"{found.delivered.up:.7f}" == "0.9987003"
    assert found.product is not None
    assert f"{found.product:.7f}" == "0.9977016"


def test_ten_needs_at_one_extra_nine_spend_the_budget() -> None:
    names = [f"n{number}" for number in range(10)]
    made = fleet(service("a", *(hard(name) for name in names), own=PERFECT), *(service(name, tier="T1") for name in names))
    spent = sum(each.exact_unavailability for each in (BUILT_IN.row("T1").target,) * 10 if each is not None)
    target = BUILT_IN.row("T2").target
    assert target is not None
    assert spent == target.exact_unavailability
    assert unavailability(made, "a") <= float(spent)
    assert unavailability(made, "a") == pytest.approx(float(spent), rel=1e-3, abs=0)


@pytest.mark.parametrize(("required", "expected"), [(1, "1.000e-04"), (2, "1.024e-04")])
def test_three_copies_with_a_common_tenth(required: int, expected: str) -> None:
    placement = Placement((("r1", 3),), WRITTEN, availability=down("0.001"), common_cause=share("10%"), need=required)
    assert f"{unavailability(fleet(service('a', tier='T2', placement=placement)), 'a'):.3e}" == expected


def test_two_of_three_services() -> None:
    members = [service(name, own=availability("99.9%")) for name in ("x", "y", "z")]
    assert f"{unavailability(fleet(service('a', some_of(2, 'x', 'y', 'z'), own=PERFECT), *members), 'a'):.3e}" == "2.998e-06"


def test_two_copies_of_one_service() -> None:
    made = fleet(service("a", placement=Placement((("r1", 1), ("r2", 1)), WRITTEN, availability=availability("99.9%"))))
    assert f"{unavailability(made, 'a'):.13e}" == "1.0081008100810e-04"


def test_one_copy_alone_is_exactly_as_stated() -> None:
    made = fleet(service("a", placement=Placement((("r1", 1),), WRITTEN, availability=availability("99.9%"))))
    assert unavailability(made, "a") == pytest.approx(1e-3, rel=1e-13, abs=0)


def test_a_cache_of_half_an_outage() -> None:
    made = fleet(
        service("one", cached("callee", minutes(30)), own=PERFECT),
        service("two", cached("callee", minutes(30)), own=PERFECT),
        service("both", hard("one"), hard("two"), own=PERFECT),
        service("callee", own=availability("99.9%")),
    )
    assert f"{unavailability(made, 'one') / 1e-3:.10f}" == "0.6065306597"
    assert f"{unavailability(made, 'both') / 1e-3:.10f}" == "0.6065306597"


def test_a_cache_of_half_an_outage_of_stated_length() -> None:
    made = fleet(
        service("a", cached("b", timedelta(minutes=15)), own=PERFECT), service("b", own=availability("99.9%"))._replace(mttr=minutes(30))
    )
    assert f"{unavailability(made, 'a') / 1e-3:.10f}" == "0.6065306597"


def test_ages_of_a_chain_keep_every_digit() -> None:
    fallback = Fallback(FallbackKind.CACHED, staleness=minutes(5), coverage=share("73%"))
    made = fleet(
        service("a", soft("b", fallback), own=PERFECT),
        service("b", hard("c"), own=down("1e-5")),
        service("c", own=down("7.59e-6")),
        service("user", hard("a"), own=PERFECT),
    )
    old = (Decimal(-5) / 60).exp()
    one, two = Decimal("1e-5"), Decimal("7.59e-6")
    at_all, for_long = 1 - (1 - one) * (1 - two), 1 - (1 - one * old) * (1 - two * old)
    assert unavailability(made, "user") == pytest.approx(float(Decimal("0.27") * at_all + Decimal("0.73") * for_long), rel=1e-13, abs=0)


def test_a_cycle_through_a_group() -> None:
    own = availability("99%")
    made = fleet(service("a", some_of(1, "b", "c"), own=own), service("b", hard("a"), own=own), service("c", own=own))
    assert f"{up(made, 'a'):.6f}" == "0.989901"
    assert f"{up(made, 'b'):.4f}" == "0.9801"
    assert unavailability(made, "a") == pytest.approx(1 - 0.989901, rel=1e-12, abs=0)
    assert unavailability(made, "b") == pytest.approx(0.0199, rel=1e-12, abs=0)


@pytest.mark.parametrize(("condition", "expected"), [("amount >= 50", "0.9950"), (None, "0.9925")])
def test_conditions_of_one_name_are_one_draw(condition: str | None, expected: str) -> None:
    half = hard("callee", of=share("50%"), condition=condition)
    made = fleet(service("a", half, half, own=PERFECT), service("callee", own=availability("99%")))
    assert f"{up(made, 'a'):.4f}" == expected


@pytest.mark.parametrize("tier", ["T0", "T1", "T2", "T3"])
def test_a_lone_service_meets_its_tier(tier: str) -> None:
    target = BUILT_IN.row(tier).target
    assert target is not None
    for made in (fleet(service("a", tier=tier)), fleet(service("a", tier=tier, own=target))):
        found = assessed(made, "a")
        assert (found.delivered_tier, found.nominal_tier, found.verdict) == (tier, tier, Verdict.MET)
        assert is_met(unavailability(made, "a"), target)


def test_t4_is_met_by_anything() -> None:
    found = assessed(fleet(service("a", tier="T4", own=availability("1%"))), "a")
    assert found.delivered_tier == "T4"
    assert found.verdict is not Verdict.MISSED


def test_an_own_part_in_series_with_a_pair_costs_half() -> None:
    made = fleet(service("a", some_of(1, "b", "c"), own=down("0.000001")), service("b", own=down("0.001")), service("c", own=down("0.001")))
    found = assessed(made, "a")
    total = fsum(each.costs for each in found.contributors)
    assert [f"{each.costs / total:.0%}" for each in found.contributors] == ["50%", "25%", "25%"]
    given_back = [each.gives_back for each in found.contributors]
    assert given_back == pytest.approx([given_back[0]] * 3, rel=1e-3, abs=0)
