"""What telemetry counted end to end: by service, endpoint and journey."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import beta

from tests.rules.fleets import fleet_of
from truetier.availability.end_to_end import EndToEnd, end_to_end
from truetier.availability.estimate import SubjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping


def seen(catalog: str, services: Mapping[str, Mapping[str, tuple[int, int]]], *, clustering: float = 1) -> dict[str, EndToEnd]:
    """By name what is observed, of services with endpoints that had so many requests, so many of which failed."""
    told: list[dict[str, Any]] = []
    for name, endpoints in services.items():
        requests, failed = (sum(counts[place] for counts in endpoints.values()) for place in (0, 1))
        listed = [{"name": each, "requests": counts[0], "failed": counts[1]} for each, counts in endpoints.items()]
        told.append({"name": name, "observed": {"requests": requests, "failed": failed, "clustering": clustering}, "endpoints": listed})
    fleet = fleet_of(catalog, json.dumps({"schema": "truetier/observe/1", "edges": [], "services": told}))
    return {item.name: item for item in end_to_end(fleet)}


SHOP = "services: {shop: {tier: T2}, cart: {tier: T2}, card: {tier: T2}}\njourneys: {buy: {tier: T2, succeeds: [%s]}}"

SHARES = """
services: {shop: {tier: T2, endpoints: {buy: {share: 50%}, browse: {share: 50%}}}}
journeys: {visit: {tier: T2, succeeds: [shop]}}
"""


def test_a_service_is_what_its_requests_got() -> None:
    shop = seen(SHOP % "shop", {"shop": {"get": (900, 3), "put": (100, 6)}})["shop"]
    assert (shop.requests, shop.failed, shop.basis) == (1000, 9, "counted")
    assert shop.down == pytest.approx(9.5 / 1001)
    assert (shop.down_low, shop.down_high) == pytest.approx(beta.ppf((0.025, 0.975), 9.5, 991.5), rel=1e-6)


def test_an_endpoint_of_the_catalog_is_found_by_its_exact_name() -> None:
    found = seen("services: {shop: {tier: T2, endpoints: {'PUT /': {}, 'DELETE /': {}}}}", {"shop": {"GET /": (900, 3), "PUT /": (100, 6)}})
    assert found.keys() == {"shop", "shop/PUT /"}
    put = found["shop/PUT /"]
    assert (put.kind, put.requests, put.failed) == (SubjectKind.ENDPOINT, 100, 6)
    assert put.down == pytest.approx(6.5 / 101)


def test_requests_that_failed_together_say_less() -> None:
    alone = seen(SHOP % "shop", {"shop": {"get": (1000, 40)}})["shop"]
    together = seen(SHOP % "shop", {"shop": {"get": (1000, 40)}}, clustering=10)["shop"]
    assert alone.down_low is not None
    assert together.down_low is not None
    assert together.down_low < alone.down_low


def test_a_journey_through_one_service_is_what_its_requests_got() -> None:
    found = seen(SHOP % "shop", {"shop": {"get": (1000, 9)}})
    assert found["buy"] == found["shop"]._replace(kind=SubjectKind.JOURNEY, name="buy")


def test_a_journey_counts_classes_by_the_shares_of_the_catalog() -> None:
    found = seen(SHARES, {"shop": {"buy": (100, 10), "browse": (9900, 99)}})
    visit = found["visit"]
    assert found["shop"].down == pytest.approx(0.0109, rel=0.01)
    assert visit.basis == "endpoints weighted by their shares"
    assert visit.down == pytest.approx((10.5 / 101 + 99.5 / 9901) / 2)
    assert visit.down_low is not None
    assert visit.down_high is not None
    deviation = (beta.var(10.5, 90.5) / 4 + beta.var(99.5, 9801.5) / 4) ** 0.5
    assert visit.down_high - visit.down_low == pytest.approx(2 * 1.96 * deviation, rel=0.03)


def test_where_an_endpoint_with_a_share_was_not_seen_all_requests_count() -> None:
    assert seen(SHARES, {"shop": {"browse": (9900, 99)}})["visit"].basis == "counted"


def test_how_several_services_fail_a_journey_together_is_not_known() -> None:
    found = seen(SHOP % "shop, cart", {"shop": {"get": (10**6, 10**4)}, "cart": {"get": (10**6, 2 * 10**4)}})["buy"]
    assert found.down is None
    assert (found.down_low, found.down_high) == pytest.approx((0.02, 0.03), rel=0.02)
    assert (found.requests, found.failed) == (2 * 10**6, 3 * 10**4)
    assert found.basis == "however 2 services fail together"


@pytest.mark.parametrize(
    ("criterion", "low", "high"),
    [
        ("{any_of: [cart, card]}", 0.1, 0.2),  # both fail: at most as often as the better one
        ("{k: 2, of: [cart, card]}", 0.9, 1.0),  # either fails it
        ("{k: 2, of: [shop, cart, card]}", 0.1, 0.3),  # two of three fail: the likeliest left out, the others have to be one each
    ],
)
def test_a_group_fails_when_so_many_do(criterion: str, low: float, high: float) -> None:
    counts = {"shop": {"get": (10**8, 10**7)}, "cart": {"get": (10**8, 2 * 10**7)}, "card": {"get": (10**8, 9 * 10**7)}}
    found = seen(SHOP % criterion, counts)["buy"]
    assert (found.down_low, found.down_high) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize("succeeds", ["shop, cart", "{any_of: [cart, card]}"])
def test_what_was_not_observed_is_unknown(succeeds: str) -> None:
    found = seen(SHOP % succeeds, {"shop": {"get": (10, 0)}})["buy"]
    assert (found.down_low, found.down, found.down_high) == (None, None, None)
    assert found.basis.startswith("no outcome of requests to cart")


def test_what_was_sampled_by_outcome_tells_no_availability() -> None:
    told = [{"name": "shop", "own": None, "observed": None, "endpoints": [{"name": "get", "requests": 10, "failed": 9}]}]
    fleet = fleet_of(SHOP % "shop", json.dumps({"schema": "truetier/observe/1", "sampled_by_outcome": True, "edges": [], "services": told}))
    (only,) = end_to_end(fleet)
    assert (only.name, only.down_low, only.basis) == ("buy", None, "no outcome of requests to shop was recorded")


def test_without_telemetry_there_is_nothing() -> None:
    assert list(end_to_end(fleet_of(SHOP % "shop"))) == []
