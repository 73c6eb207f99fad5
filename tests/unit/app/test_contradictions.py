"""Declared against observed: what is told of each edge, and what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.fleets import fleet_of
from truetier.app.contradictions import contradictions
from truetier.audit.rule import EXAMPLE_DAY
from truetier.errors import NothingToReadError
from truetier.graph.hardness import Reading
from truetier.report.contradictions import render, render_json

if TYPE_CHECKING:
    from truetier.report.contradictions import Contradictions


def edge(callee: str, **rest: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever evidence holds
    return {"caller": "shop", "callee": callee, "kind": "sync", "calls": 5000, "errors": 0, **rest}


def compared(shop: str, edges: list[dict[str, Any]], *, requests: int = 5000, more: str = "") -> Contradictions:
    names = ("shop", *(edge["callee"] for edge in edges), "ads", "cart")
    services = [{"name": name, "endpoints": [{"name": "get", "requests": requests}]} for name in dict.fromkeys(names)]
    seen = json.dumps({"schema": "truetier/observe/1", "edges": edges, "services": services})
    catalog = f"services: {{shop: {{tier: T1{shop}}}, ads: {{tier: T1, aliases: [adverts]}}, cart: {{tier: T1}}}}{more}"
    return contradictions(fleet_of(catalog, seen), as_of=EXAMPLE_DAY)


def kinds(difference: Contradictions) -> list[tuple[str, str]]:
    return [(item["kind"], item["callee"]) for item in json.loads(render_json(difference))["differences"]]


def test_what_agrees_does_not_differ() -> None:
    same = compared(", needs: [cart, ads]", [edge("cart"), edge("adverts")])
    assert (same.declared, same.seen, same.alike, same.differ) == (2, 2, 2, False)
    assert render(same) == "2 calls declared, 2 calls observed, 2 of both alike\n"


def test_each_kind_of_difference_is_told_with_both_sides() -> None:
    hard = {"error": {"verdict": "hard", "probability": 0.9, "low": 0.8, "high": 1.0, "failed_calls": 20, "windows": 3}}
    found = compared(
        ", needs: [ads, {service: cart, timeout: 200ms, fallback: static}]", [edge("cart", errors=20, timeout_ms=990.5, modes=hard)]
    )
    assert kinds(found) == [("class contradicted", "cart"), ("timeout contradicted", "cart"), ("never observed", "ads")]
    told = json.loads(render_json(found))
    assert told["differences"][0]["declared"] == [{"endpoint": None, "class": "soft", "timeout_ms": 200.0}]
    assert told["differences"][0]["observed"] == {"kind": "sync", "class": "hard", "calls": 5000, "errors": 20, "timeout_ms": 990.5}
    assert told["differences"][2]["observed"] is None
    assert told["differences"][2]["requests"] == 5000
    assert told["requests_needed"] == 1000
    assert (found.alike, found.differ) == (0, True)
    (undeclared,) = compared("", [edge("adverts")]).found
    assert (undeclared.finding.code, undeclared.declared) == ("TT205", ())


@pytest.mark.parametrize(("requests", "told"), [(999, []), (1000, [("never observed", "ads")])])
def test_never_observed_needs_so_many_requests(requests: int, told: list[tuple[str, str]]) -> None:
    found = compared(", needs: [ads]", [], requests=requests)
    assert kinds(found) == told
    assert [item.subject for item in found.undecided] == ([] if told else ["shop -> ads"])


def test_where_the_callee_sends_nothing_its_absence_says_nothing() -> None:
    seen = '{"schema": "truetier/observe/1", "edges": [], "services": [{"name": "a", "endpoints": [{"name": "get", "requests": 9000}]}]}'
    found = contradictions(fleet_of("services: {a: {tier: T1, needs: [b]}, b: {tier: T1}}", seen), as_of=EXAMPLE_DAY)
    assert (found.found, found.differ) == ((), False)
    assert "cannot be told: 1\n  a -> b: b sent no telemetry: calls of a may not show\n" in render(found)


def test_a_stand_in_is_declared() -> None:
    found = compared(", needs: [{service: cart, timeout: 1s, fallback: {kind: stand-in, service: ads}}]", [edge("cart"), edge("ads")])
    assert (found.declared, found.alike, found.differ) == (2, 2, False)


def test_what_a_waiver_accepts_is_shown_and_is_no_difference() -> None:
    waiver = "{rule: undeclared-call, subject: shop -> ads, owner: web, reason: on its way out, expires: 2027-01-01}"
    found = compared("", [edge("ads")], more=f"\nwaivers: [{waiver}]")
    assert not found.differ
    assert "TT205, waived: shop calls ads" in render(found)


def test_names_that_match_nothing_and_services_that_nobody_saw_are_listed() -> None:
    found = compared(", needs: [cart]", [edge("cart"), edge("stranger")])
    assert {item.subject for item in found.unmatched} == {"stranger"}
    seen = '{"schema": "truetier/observe/1", "edges": [], "services": [{"name": "a", "endpoints": [{"name": "get", "requests": 1}]}]}'
    some = contradictions(fleet_of("services: {a: {tier: T1}, b: {tier: T1}}", seen), as_of=EXAMPLE_DAY, trust=Reading.VERIFIED)
    assert some.unseen == ("b",)
    assert render(some).endswith("services of which nothing was seen: 1\n  b\n")


def test_a_long_list_is_cut_for_people_alone() -> None:
    many = [f"s{number}" for number in range(41)]
    seen = {"schema": "truetier/observe/1", "services": [], "edges": [{**edge(name), "caller": "a"} for name in many]}
    services = ", ".join(f"{name}: {{tier: T3}}" for name in ("a", *many))
    found = contradictions(fleet_of(f"services: {{{services}}}", json.dumps(seen)), as_of=EXAMPLE_DAY)
    assert len(found.found) == 41
    assert "  and 1 more (--format json has all)\n" in render(found)


def test_without_telemetry_nothing_agrees() -> None:
    with pytest.raises(NothingToReadError, match="write some with truetier observe"):
        contradictions(fleet_of("services: {a: {tier: T1}}", ""), as_of=EXAMPLE_DAY)
    seen = '{"schema": "truetier/observe/1", "edges": [], "services": [{"name": "x", "endpoints": []}]}'
    with pytest.raises(NothingToReadError, match="names that match no service: x"):
        contradictions(fleet_of("services: {a: {tier: T1}}", seen), as_of=EXAMPLE_DAY)
