from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.graph.fleets import endpoint, evidence, graph, group, journey, later, need, service, share, soft
from truetier.catalog.model import Domain, Placement
from truetier.graph import blast
from truetier.graph.blast import Blasts, Part

if TYPE_CHECKING:
    from truetier.graph.build import Graph


def hit(fleet: Graph, name: str) -> dict[str, float]:
    """The services that fail with that one and the part of their requests, where it is known."""
    radius = Blasts(fleet).of(name)
    assert all(found.part.low == found.part.high for found in radius.services)
    return {found.name: found.part.low for found in radius.services}


def users(fleet: Graph, name: str) -> tuple[float, float] | None:
    """The least and the most users who see a journey fail, free of what floats add at the end."""
    found = Blasts(fleet).of(name).users
    return None if found is None else (round(found.low, 12), round(found.high, 12))


def test_whoever_needs_it_hard_falls_with_it_in_file_order() -> None:
    fleet = graph(service("a", "b"), service("b", "c"), service("c"), service("d", "a"), service("e"))
    assert list(hit(fleet, "c")) == ["a", "b", "c", "d"]


def test_an_outage_longer_than_every_limit_outlasts_a_cache_and_not_a_static_answer() -> None:
    fleet = graph(service("cached", soft("x", "cached")), service("static", soft("x")))
    assert hit(fleet, "x") == {"cached": 1, "x": 1}


def test_a_stand_in_answers_unless_it_falls_too() -> None:
    fleet = graph(service("a", soft("x", "stand-in", stand_in="y")), service("b", soft("x", "stand-in", stand_in="z")), service("y", "x"))
    assert hit(fleet, "x") == {"a": 1, "y": 1, "x": 1}


def test_a_group_bears_the_loss_of_what_it_does_not_need() -> None:
    fleet = graph(service("one", group(1, "x", "y")), service("two", group(2, "x", "y", "z")), service("all", group(2, "x", "y")))
    assert hit(fleet, "x") == {"all": 1, "x": 1}
    assert hit(graph(service("two", group(2, "x", "y", "z")), service("y", "x")), "x") == {"two": 1, "y": 1, "x": 1}


def test_an_async_need_is_not_hit_and_its_broker_is() -> None:
    fleet = graph(service("a", later("x", broker="q")))
    assert hit(fleet, "x") == {"x": 1}
    assert hit(fleet, "q") == {"a": 1, "q": 1}


def test_conditions_hold_and_other_phases_do_not_count() -> None:
    fleet = graph(service("a", need("x", share=share("0.2"))), service("b", need("x", phases=("start", "recover", "change"))))
    assert hit(fleet, "x") == {"a": 1, "x": 1}


def test_a_circle_falls_together_but_for_what_a_group_bears() -> None:
    assert hit(graph(service("a", "b"), service("b", "c"), service("c", "a")), "b") == {"a": 1, "b": 1, "c": 1}
    assert hit(graph(service("a", group(1, "b", "c")), service("b", "a"), service("c")), "b") == {"b": 1}


def test_a_need_that_names_the_failed_service_again_changes_nothing() -> None:
    assert hit(graph(service("a", "b"), service("b", group(1, "a", "b"))), "a") == {"a": 1}


def drawn(*, shares: tuple[str, str] = ("0.1", "0.9"), tier: str | None = None) -> Graph:
    pages = service("pages", endpoints=(endpoint("buy", shares[0], "pay", tier=tier), endpoint("look", shares[1], soft("reviews"))))
    return graph(service("front", "pages"), pages, service("pay"), journeys=[journey("visit", "front", users="0.5")])


def test_an_endpoint_fails_for_its_share_of_the_requests_and_of_the_users() -> None:
    assert hit(drawn(), "pay") == {"front": 0.1, "pages": 0.1, "pay": 1}
    assert users(drawn(), "pay") == (0.05, 0.05)
    assert hit(drawn(), "pages") == {"front": 1, "pages": 1}


def test_a_share_of_nothing_is_no_hit() -> None:
    assert hit(drawn(shares=("0", "1")), "pay") == {"pay": 1}


def test_one_draw_is_shared_by_all_paths_and_two_services_draw_apart() -> None:
    pages = [
        service(name, endpoints=(endpoint("buy", "0.5", "pay"), endpoint("look", "0.3", "pay", "other"), endpoint("rest", "0.2")))
        for name in ("p", "q")
    ]
    fleet = graph(service("twice", "p", "left", "right"), service("left", "p"), service("right", "p"), service("both", "p", "q"), *pages)
    found = hit(fleet, "pay")
    assert found["twice"] == found["left"] == 0.8
    assert found["both"] == pytest.approx(1 - 0.2 * 0.2)


def test_a_common_need_fails_every_endpoint() -> None:
    fleet = graph(service("pages", "db", endpoints=(endpoint("buy", "0.5", "db"), endpoint("look", "0.5"))))
    assert hit(fleet, "db") == {"pages": 1, "db": 1}


def test_without_shares_every_endpoint_is_needed() -> None:
    assert hit(graph(service("pages", endpoints=(endpoint("buy", None, "pay"), endpoint("look", None)))), "pay") == {"pages": 1, "pay": 1}


def test_too_many_draws_give_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blast, "_STEPS", 3)
    radius = Blasts(drawn()).of("pay")
    assert {found.name: found.part for found in radius.services} == {"front": Part(0, 1), "pages": Part(0, 1), "pay": Part(1, 1)}
    assert radius.users == Part(0, 0.5)


def test_a_journey_fails_when_one_of_its_criteria_does() -> None:
    fleet = graph(
        service("shop", "x"),
        service("y"),
        journeys=[journey("buy", "shop"), journey("look", (1, ("shop", "y"))), journey("both", (2, ("shop", "y")))],
    )
    assert [found.name for found in Blasts(fleet).of("x").journeys] == ["buy", "both"]


def test_users_are_between_the_worst_journey_and_all_together() -> None:
    fleet = graph(
        service("x"), service("y"), journeys=[journey("a", "x", users="0.3"), journey("b", "x", users="0.6"), journey("c", "y", users="1")]
    )
    assert users(fleet, "x") == (0.6, 0.9)


def test_users_are_never_more_than_all() -> None:
    assert users(graph(service("x"), journeys=[journey(name, "x", users="0.7") for name in "ab"]), "x") == (0.7, 1)


def test_only_one_cell_fails_at_a_time() -> None:
    fleet = graph(service("front", "x"), service("x", cells=20), journeys=[journey("buy", "front", users="0.4")])
    assert Blasts(fleet).of("x").cells == 20
    assert users(fleet, "x") == (0.02, 0.02)
    assert users(fleet, "front") == (0.4, 0.4)


def test_domains_of_kind_cell_divide_users_as_well() -> None:
    copies = (("east/one", 2), ("east/two", 2), ("west", 1))
    domains = [Domain("east/one", "cell"), Domain("east/two", "cell"), Domain("west", "region")]
    fleet = graph(service("x", placement=Placement(copies, evidence())), domains=domains)
    assert Blasts(fleet).of("x").cells == 2


def test_nobody_knows_the_users_of_a_journey_that_does_not_say() -> None:
    silent = [journey("buy", "x"), journey("look", "y", users="0.5")]
    assert users(graph(service("x"), service("y"), journeys=silent), "x") is None
    assert users(graph(service("x"), service("y"), journeys=silent), "y") == (0.5, 0.5)
    assert users(graph(service("x"), journeys=silent[:1]), "x") is None
    assert users(graph(service("x")), "x") is None


def test_a_service_that_no_journey_needs_hits_no_user() -> None:
    assert users(graph(service("x"), service("y"), journeys=[journey("look", "y", users="0.5")]), "x") == (0, 0)
