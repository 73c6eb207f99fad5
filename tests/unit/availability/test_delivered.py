"""What services deliver, each construct on its own against a formula one can check by hand."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from tests.unit.availability.fleets import (
    SAID,
    SECOND,
    assessed,
    availability,
    cached,
    domain,
    down,
    need,
    placement,
    service,
    share,
    stand_in,
    static,
)
from truetier.availability.estimate import Method, Verdict
from truetier.catalog.evidence import Verification
from truetier.catalog.model import (
    Affinity,
    Criterion,
    Endpoint,
    Failover,
    Fallback,
    FallbackKind,
    Hardness,
    Journey,
    Mode,
    Phase,
    PlacementMode,
)

MINUTE = timedelta(minutes=1)


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-12, abs=0)


def test_hard_needs_multiply_and_what_is_shared_counts_once() -> None:
    found = assessed(
        service("a", "0.9999", [need("b"), need("c")]),
        service("b", "0.9999", [need("d")]),
        service("c", "0.9999", [need("d")]),
        service("d", "0.999"),
    )
    assert found.services["a"].delivered.up == close(0.9999**3 * 0.999)
    assert found.services["a"].product == close(0.9999 * (0.9999 * 0.999) ** 2)
    assert found.services["a"].least_available == close(0.9999 * 0.999)


def test_a_static_fallback_leaves_only_what_both_lose() -> None:
    found = assessed(service("a", "1", [static("b", "0.9")]), service("b", "0.99"))
    assert down(found, "a") == close(0.01 * 0.1)


def test_a_cache_hides_the_outages_that_are_still_young() -> None:
    found = assessed(service("a", "1", [cached("b", 30)]), service("b", "0.99"))
    assert down(found, "a") == close(0.01 * math.exp(-0.5))


def test_two_caches_of_one_callee_look_at_one_age() -> None:
    found = assessed(
        service("both", "1", [need("a"), need("b")]),
        service("a", "1", [cached("c", 30)]),
        service("b", "1", [cached("c", 90)]),
        service("c", "0.99"),
    )
    assert down(found, "both") == close(0.01 * math.exp(-0.5))


def test_inside_a_cache_the_longer_staleness_counts() -> None:
    found = assessed(service("a", "1", [cached("b", 60)]), service("b", "1", [cached("c", 30, SECOND / 2)]), service("c", "0.99"))
    assert down(found, "a") == close(0.01 * math.exp(-1))
    found = assessed(service("a", "1", [cached("b", 15)]), service("b", "1", [cached("c", 30, SECOND / 2)]), service("c", "0.99"))
    assert down(found, "a") == close(0.01 * math.exp(-0.5))


def test_a_stand_in_helps_where_it_covers_and_is_up() -> None:
    found = assessed(service("a", "1", [stand_in("b", "c", "0.9")]), service("b", "0.99"), service("c", "0.98"))
    assert down(found, "a") == close(0.01 * (1 - 0.9 * 0.98))


def test_a_stand_in_that_shares_the_cause_does_not_help() -> None:
    found = assessed(
        service("a", "1", [stand_in("b", "c")]), service("b", "1", [need("d")]), service("c", "1", [need("d")]), service("d", "0.99")
    )
    assert down(found, "a") == close(0.01)


def test_k_of_n_different_services() -> None:
    found = assessed(service("a", "1", [need("x", "y", "z", k=2)]), *(service(name, "0.999") for name in "xyz"))
    assert down(found, "a") == close(2.998e-6)


def test_an_async_need_asks_for_its_broker_only() -> None:
    found = assessed(
        service("a", "1", [need("b", mode=Mode.ASYNC, broker="queue")]),
        service("b", "0.9"),
        service("queue", "0.999"),
        service("c", "1", [need("b", mode=Mode.ASYNC)]),
    )
    assert down(found, "a") == close(0.001)
    assert down(found, "c") == 0.0


def test_start_recover_and_change_needs_never_enter_delivered() -> None:
    phases = frozenset({Phase.START, Phase.RECOVER, Phase.CHANGE})
    found = assessed(service("a", "0.99", [need("b", phases=phases)]), service("b", "0.5"))
    assert down(found, "a") == close(0.01)


def test_one_condition_is_one_draw_and_unnamed_ones_are_separate() -> None:
    named = [need("c", share=share("0.5"), condition="large")]
    unnamed = [need("c", share=share("0.5"))]
    for needs, expected in ((named, 0.005), (unnamed, 0.0075)):
        found = assessed(
            service("both", "1", [need("a"), need("b")]), service("a", "1", needs), service("b", "1", needs), service("c", "0.99")
        )
        assert down(found, "both") == close(expected)


def test_endpoints_with_shares_are_a_weighted_mean_and_each_has_its_own_number() -> None:
    shop = service(
        "shop",
        "1",
        endpoints=(
            Endpoint("buy", SAID, tier="T1", share=share("0.1"), needs=(need("pay"),)),
            Endpoint("browse", SAID, share=share("0.9"), needs=(need("reviews"),)),
        ),
    )
    found = assessed(shop, service("pay", "0.99"), service("reviews", "0.9"), service("app", "1", [need("shop"), need("pay")]))
    assert down(found, "shop") == close(0.1 * 0.01 + 0.9 * 0.1)
    assert found.endpoints["shop/buy"].delivered.down == close(0.01)
    assert found.endpoints["shop/browse"].delivered.down == close(0.1)
    assert down(found, "app") == close(0.01 + 0.99 * 0.9 * 0.1)


def test_endpoints_without_shares_are_all_needed() -> None:
    shop = service(
        "shop", "0.999", endpoints=(Endpoint("buy", SAID, needs=(need("pay"),)), Endpoint("browse", SAID, needs=(need("reviews"),)))
    )
    found = assessed(shop, service("pay", "0.99"), service("reviews", "0.9"))
    assert found.services["shop"].delivered.up == close(0.999 * 0.99 * 0.9)
    assert found.endpoints["shop/buy"].delivered.up == close(0.999 * 0.99)


def test_copies_share_a_common_cause() -> None:
    for k, expected in ((1, 1.0000072914582e-4), (2, 1.0242878473e-4)):
        found = assessed(service("a", placement=placement({"r": 3}, "0.999", need=k)))
        assert down(found, "a") == pytest.approx(expected, rel=1e-10)
    found = assessed(service("a", placement=placement({"r": 1}, "0.999", need=1)))
    assert down(found, "a") == close(0.001)


def test_a_domain_takes_every_copy_inside_it() -> None:
    regions = {"r": domain("r", "0.99"), "r/a": domain("r/a", "0.9"), "r/b": domain("r/b", "0.9")}
    found = assessed(service("a", "1", placement=placement({"r/a": 1, "r/b": 1})), domains=regions)
    assert down(found, "a") == close(0.01 + 0.99 * 0.01)


def test_a_cell_is_no_failure_domain_of_the_numbers() -> None:
    found = assessed(service("a", "1", placement=placement({"c": 1})), domains={"c": domain("c", "0.5", "cell")})
    assert down(found, "a") == 0.0


def test_with_affinity_a_copy_uses_the_copies_beside_it() -> None:
    regions = {"e": domain("e", "0.9"), "w": domain("w", "0.9")}
    spread = {"e": 1, "w": 1}
    callee = service("b", placement=placement(spread, "0.99", common_cause=share("0"), need=1))
    beside = service("a", "1", [need("b")], placement=placement(spread, affinity=Affinity.REGION, need=1))
    anywhere = service("c", "1", [need("b")], placement=placement(spread, need=1))
    found = assessed(callee, beside, anywhere, domains=regions)
    side = 0.9 * 0.99
    assert down(found, "a") == close((1 - side) ** 2)
    either = 1 - 0.01**2
    assert found.services["c"].delivered.up == close(0.81 * either + 2 * 0.9 * 0.1 * 0.99)


def test_a_standby_steps_in_for_outages_longer_than_the_failover() -> None:
    pair = placement(
        {"e": 1, "w": 1}, "0.99", common_cause=share("0"), mode=PlacementMode.ACTIVE_PASSIVE, failover=Failover(6 * MINUTE, share("0.95"))
    )
    found = assessed(service("a", placement=pair))
    long = math.exp(-0.1)
    assert down(found, "a") == close(0.01 * (1 - long) + 0.01 * long * (1 - 0.95 * 0.99))
    assert found.services["a"].verified.down == close(0.01)


def test_two_short_outages_do_not_trigger_a_failover_together() -> None:
    pair = placement({"e": 1, "w": 1}, "1", mode=PlacementMode.ACTIVE_PASSIVE, failover=Failover(60 * MINUTE))
    domains = {"e": domain("e", "0.9"), "w": domain("w", "1")}
    found = assessed(service("a", placement=pair), domains=domains)
    assert down(found, "a") == close(0.1 * (1 - math.exp(-1)))


def test_all_hard_cycles_fall_together() -> None:
    found = assessed(service("a", "0.99", [need("b")]), service("b", "0.98", [need("c")]), service("c", "0.97", [need("a")]))
    for name in "abc":
        assert found.services[name].delivered.up == close(0.99 * 0.98 * 0.97)


def test_groups_inside_cycles_follow_the_greatest_fixed_point() -> None:
    found = assessed(service("a", "0.99", [need("b", "c")]), service("b", "0.99", [need("a")]), service("c", "0.99"))
    assert found.services["a"].delivered.up == close(0.989901)
    assert found.services["b"].delivered.up == close(0.9801)


def test_a_service_nobody_knows_gives_an_interval_and_no_value() -> None:
    found = assessed(service("a", "0.999", [need("b")]), service("b"))
    estimate = found.services["a"].delivered
    assert (estimate.up, estimate.up_low, estimate.method) == (None, 0.0, Method.INTERVAL)
    assert estimate.up_high == close(0.999)
    assert found.services["a"].contributors == ()
    assert found.services["a"].least_available is None


def test_an_unknown_service_behind_a_cache_is_down_with_an_age() -> None:
    found = assessed(service("a", "1", [cached("b", 60)]), service("b"))
    assert found.services["a"].delivered.down_high == close(math.exp(-1))
    assert found.services["a"].delivered.down_low == 0.0


def test_a_verdict_is_unknown_unless_the_best_case_already_misses() -> None:
    found = assessed(service("a", "0.9999", [need("u")], tier="T1"), service("b", "0.99", [need("u")], tier="T1"), service("u"))
    assert found.services["a"].verdict is Verdict.UNKNOWN
    assert found.services["b"].verdict is Verdict.MISSED
    assert found.services["u"].verdict is Verdict.NONE


def test_a_lone_service_meets_its_own_tier_in_every_tier() -> None:
    for tier in ("T0", "T1", "T2", "T3", "T4"):
        found = assessed(service("a", tier=tier)).services["a"]
        assert found.verdict is Verdict.MET
        assert found.delivered_tier == tier


def test_the_ceiling_takes_only_the_service_itself_as_perfect() -> None:
    found = assessed(service("a", "0.9", [static("b", "0.5"), need("c")]), service("b", "0.99"), service("c", "0.98"))
    assert found.services["a"].ceiling.up == close(0.98)


def test_full_asks_everything_to_be_there() -> None:
    found = assessed(
        service("a", "1", [static("b"), need("c", "d"), need("e", mode=Mode.ASYNC)]), *(service(name, "0.99") for name in "bcde")
    )
    assert found.services["a"].full.up == close(0.99 * (1 - 0.01**2))
    assert found.services["a"].delivered.up == close(1 - 0.01**2)


def test_the_verified_reading_drops_what_nobody_has_shown() -> None:
    shown = Verification("game-day", date(2026, 1, 1), date(2026, 11, 23))
    over = Verification("game-day", date(2026, 1, 1), date(2026, 11, 22))
    for verified, expected, claims in ((None, 0.01, 1), (over, 0.01, 1), (shown, 0.0, 0)):
        found = assessed(service("a", "1", [static("b", verified=verified)]), service("b", "0.99"))
        assert found.services["a"].verified.down == close(expected)
        assert found.services["a"].unverified_claims == claims


def test_the_verified_reading_waits_for_async_callees_and_their_brokers() -> None:
    found = assessed(service("a", "1", [need("b", mode=Mode.ASYNC, broker="q")]), service("b", "0.99"), service("q", "0.98"))
    assert found.services["a"].verified.up == close(0.99 * 0.98)


def test_the_verified_reading_needs_all_of_a_group_and_all_copies() -> None:
    found = assessed(
        service("a", "1", [need("b", "c")]),
        service("b", "0.99"),
        service("c", placement=placement({"r": 2}, "0.9", common_cause=share("0"), need=1)),
    )
    assert found.services["a"].verified.up == close(0.99 * 0.81)
    assert found.services["a"].unverified_claims == 2


def test_unknown_hardness_is_hard_even_with_a_fallback() -> None:
    found = assessed(service("a", "1", [static("b", hardness=Hardness.UNKNOWN)]), service("b", "0.99"))
    assert down(found, "a") == close(0.01)


def test_a_journey_succeeds_when_its_criteria_hold() -> None:
    journey = Journey("buy", SAID, tier="T2", succeeds=(Criterion(("a",)), Criterion(("b", "c"), 1, is_group=True)))
    found = assessed(service("a", "0.999"), service("b", "0.99"), service("c", "0.99"), journeys={"buy": journey}).journeys["buy"]
    assert found.delivered.up == close(0.999 * (1 - 1e-4))
    assert found.ceiling == found.delivered
    assert found.verdict is Verdict.MISSED
    assert found.nominal_tier == "T2"


def test_more_than_eight_limits_on_one_component_give_an_interval_around_the_truth() -> None:
    minutes = range(5, 55, 5)
    callers = [service(f"a{index}", "1", [cached("c", index)]) for index in minutes]
    loose = [service(f"p{index}", "1", [need(f"a{index}", "d")]) for index in minutes]
    found = assessed(
        service("top", "1", [need(*(item.name for item in loose), k=7)]), *loose, *callers, service("c", "0.9"), service("d", "0.9")
    )
    top = found.services["top"].delivered
    assert top.method is Method.INTERVAL
    truth = 0.1 * 0.1 * math.exp(-20 / 60)  # seven of ten hold until the seventh longest limit is passed
    assert top.down_low < truth < top.down_high


def test_a_promise_is_kept_to_the_last_digit() -> None:
    from decimal import Decimal

    from truetier.catalog.tier import is_met

    target = availability("0.999")
    assert is_met(0.001, target)
    assert not is_met(0.001 * (1 + 1e-9), target)
    assert is_met(0.00125, target, nominal=True)
    assert not is_met(float(Decimal("0.00125001")), target, nominal=True)


def test_components_behind_one_cache_keep_every_digit() -> None:
    found = assessed(
        service("a", "1", [cached("b", 5)]),
        service("b", "0.99999", [need("c")]),
        service("c", "0.99999241"),
        service("d", "1", [static("b", "0.9")]),
    )
    left = math.exp(-5 / 60)
    assert down(found, "a") == close(1e-5 * left + 7.59e-6 * left - 1e-5 * left * 7.59e-6 * left)


def test_an_outage_of_no_length_never_outlasts_a_cache() -> None:
    found = assessed(service("a", "1", [cached("b", 5)]), service("b", "0.9", mttr=timedelta()))
    assert down(found, "a") == 0.0


def test_an_endpoint_nobody_asks_for_never_fails_a_request() -> None:
    shop = service(
        "shop",
        "1",
        endpoints=(
            Endpoint("buy", SAID, share=share("1"), needs=(need("pay"),)),
            Endpoint("old", SAID, share=share("0"), needs=(need("bad"),)),
        ),
    )
    found = assessed(shop, service("pay", "0.99"), service("bad", "0"))
    assert down(found, "shop") == close(0.01)
    assert found.endpoints["shop/old"].delivered.down == 1.0


@pytest.mark.parametrize(("works", "covers"), [("1", "0." + "9" * 30), ("0." + "9" * 30, "1")])
def test_a_fallback_that_hardly_ever_fails_keeps_every_digit(works: str, covers: str) -> None:
    soft = need("b", timeout=SECOND, fallback=Fallback(FallbackKind.STATIC, availability=availability(works), coverage=share(covers)))
    found = assessed(service("a", "1", [soft]), service("b", "0.99"))
    assert down(found, "a") == pytest.approx(1e-32, rel=1e-12, abs=0)
