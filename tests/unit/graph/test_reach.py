from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.graph.fleets import availability, endpoint, graph, group, journey, later, need, service, share, soft
from truetier.catalog.tier import BUILT_IN
from truetier.graph.reach import Claim, claims, tier_keeping

if TYPE_CHECKING:
    from truetier.graph.build import Graph


def told(claim: Claim | None) -> str | None:
    return None if claim is None else f"{claim.promise} {' > '.join(claim.path)}"


def needed(fleet: Graph, name: str) -> str | None:
    return told(claims(fleet).needed(name))


def asked(fleet: Graph, name: str) -> str | None:
    return told(claims(fleet).asked(name))


def test_groups_soft_and_async_needs_end_a_hard_path_but_brokers_and_full_groups_do_not() -> None:
    fleet = graph(service("a", soft("b"), later("c", broker="q"), group(1, "d", "e"), group(2, "f", "g"), need("h", share=share("0.1"))))
    assert [edge.callee for edge in fleet.hard_callees("a")] == ["q", "f", "g", "h"]


def test_a_service_is_needed_at_the_strictest_promise_with_a_hard_path_to_it() -> None:
    fleet = graph(service("shop", "cart", tier="T1"), service("cart", "db", tier="T2"), service("db", tier="T3"), service("spare"))
    assert needed(fleet, "db") == "99.99% shop > cart > db"
    assert needed(fleet, "shop") == "99.99% shop"
    assert needed(fleet, "spare") is None


def test_whether_anything_is_asked_of_a_service_is_known_before_what() -> None:
    found = claims(graph(service("shop", "cart", tier="T1"), service("cart", "shop"), service("spare", "mail"), service("mail")))
    assert [name for name in ("shop", "cart", "spare", "mail") if found.has_asked(name)] == ["shop", "cart"]
    assert found.asked("shop") is None  # what arrives is its own


def test_its_own_promise_counts_for_needed_and_not_for_asked() -> None:
    fleet = graph(service("a", "b", tier="T2"), service("b", tier="T0"))
    assert needed(fleet, "b") == "99.999% b"
    assert asked(fleet, "b") == "99.9% a > b"
    assert asked(fleet, "a") is None


def test_in_a_circle_a_service_is_asked_by_the_others_only() -> None:
    fleet = graph(service("a", "b", tier="T0"), service("b", "a", tier="T2"), service("c", "b", tier="T1"))
    assert asked(fleet, "a") == "99.99% c > b > a"
    assert asked(fleet, "b") == "99.999% a > b"


def test_the_nearest_of_equal_promises_is_named() -> None:
    fleet = graph(service("far", "mid", tier="T1"), service("mid", "low"), service("near", "low", tier="T1"), service("low"))
    assert needed(fleet, "low") == "99.99% near > low"


def test_soft_needs_pass_no_promise_on() -> None:
    assert needed(graph(service("a", soft("b"), tier="T1"), service("b", tier="T3")), "b") == "99% b"


def test_a_target_counts_instead_of_the_tier() -> None:
    assert needed(graph(service("a", "b", tier="T2", target=availability("0.9995"))), "b") == "99.95% a > b"


def test_a_journey_asks_what_it_cannot_succeed_without() -> None:
    fleet = graph(
        service("shop", "db"),
        service("card"),
        service("cash"),
        service("post"),
        journeys=[journey("buy", "shop", (1, ("card", "cash")), (1, ("post",)), tier="T0"), journey("look", "cash")],
    )
    assert needed(fleet, "db") == "99.999% buy > shop > db"
    assert needed(fleet, "post") == "99.999% buy > post"
    assert needed(fleet, "card") is None
    assert needed(fleet, "cash") is None


def test_a_journey_of_the_same_name_as_a_service_is_somebody_else() -> None:
    fleet = graph(service("shop", tier="T1"), journeys=[journey("shop", "shop", tier="T2")])
    assert asked(fleet, "shop") == "99.9% shop > shop"


def test_an_endpoint_promises_its_own_tier_for_its_own_needs() -> None:
    fleet = graph(
        service("pages", "both", tier="T2", endpoints=(endpoint("buy", None, "pay", tier="T1"), endpoint("look", None, "pictures"))),
    )
    assert needed(fleet, "pay") == "99.99% pages > pay"
    assert needed(fleet, "pictures") == "99.9% pages > pictures"
    assert needed(fleet, "both") == "99.99% pages > both"
    assert needed(fleet, "pages") == "99.99% pages"


def test_an_endpoint_without_a_promise_passes_none_on() -> None:
    fleet = graph(service("pages", tier="T1", endpoints=(endpoint("try", None, "lab", tier="T4"),)))
    assert needed(fleet, "lab") is None


def test_a_long_path_keeps_its_length_and_its_first_fifty_names() -> None:
    fleet = graph(service("s0", "s1", tier="T1"), *(service(f"s{index}", f"s{index + 1}") for index in range(1, 10_000)))
    claim = claims(fleet).needed("s10000")
    assert claim is not None
    assert claim.distance == 10_000
    assert claim.path == tuple(f"s{index}" for index in range(50))
    assert not claim.is_direct


@pytest.mark.parametrize(("promise", "tier"), [("0.999", "T2"), ("0.9995", "T1"), ("0.99", "T3"), ("0.5", "T3"), ("0.9999999", "T0")])
def test_a_promise_is_kept_by_the_least_strict_tier_that_promises_as_much(promise: str, tier: str) -> None:
    assert tier_keeping(BUILT_IN, availability(promise)) == tier
