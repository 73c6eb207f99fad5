"""Several files of evidence on one service or edge: the worse word counts, and the disagreement shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from truetier.catalog.merge import merge
from truetier.graph.build import build
from truetier.graph.hardness import Kind
from truetier.sources.observed import read_observed
from truetier.sources.yaml_catalog import read

if TYPE_CHECKING:
    from truetier.catalog.model import Fleet

CATALOG = b"services: {shop: {tier: T1, aliases: ['shop-*']}, ads: {tier: T1}}"


def edge(verdict: str, *, calls: int = 900, caller: str = "shop") -> dict[str, Any]:
    mode = {"verdict": verdict, "probability": 0.5, "low": 0.4, "high": 0.6, "failed_calls": 20, "windows": 3}
    return {"caller": caller, "callee": "ads", "kind": "sync", "calls": calls, "errors": 20, "modes": {"error": mode}}


def service(name: str, requests: int, failed: int | None) -> dict[str, Any]:
    observed = None if failed is None else {"requests": requests, "failed": failed, "clustering": 2}
    return {"name": name, "observed": observed, "endpoints": [{"name": "get", "requests": requests, "failed": failed or 0}]}


def merged(*files: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> Fleet:
    read_files = [
        read_observed(json.dumps({"schema": "truetier/observe/1", "edges": edges, "services": services}).encode(), f"{number}.json")
        for number, (edges, services) in enumerate(files)
    ]
    return merge([read(CATALOG, "truetier.yaml"), *read_files])


@pytest.mark.parametrize(("first", "second"), [("soft", "hard"), ("hard", "soft")])
def test_two_files_that_see_another_class_disagree_and_the_worse_counts(first: str, second: str) -> None:
    fleet = merged(([edge(first)], []), ([edge(second)], []))
    (seen,) = fleet.observed.edges
    assert seen.verdict.value == "hard"
    (conflict,) = fleet.conflicts
    assert (conflict.subject, conflict.key, conflict.used) == ("shop -> ads", "observed class", "hard")
    assert {claim.value for claim in conflict.claims} == {"hard", "soft"}
    assert [use.kind for use in build(fleet).uses["shop"]] == [Kind.HARD]


def test_not_to_know_is_no_disagreement() -> None:
    fleet = merged(([edge("unknown", calls=9000)], []), ([edge("soft")], []))
    assert fleet.conflicts == ()
    assert fleet.observed.edges[0].verdict.value == "soft"
    assert [use.kind for use in build(fleet).uses["shop"]] == [Kind.SOFT]


def test_files_that_counted_other_requests_disagree_and_the_worse_counts() -> None:
    fleet = merged(([], [service("shop", 1000, 1)]), ([], [service("shop", 400, 40)]), ([], [service("shop", 5000, None)]))
    (seen,) = fleet.observed.services
    assert seen.whole is not None
    assert (seen.requests, seen.whole.requests, seen.whole.failed) == (5000, 400, 40)
    (conflict,) = fleet.conflicts
    assert (conflict.subject, conflict.key) == ("shop", "observed")


def test_files_that_differ_by_chance_agree_and_the_one_that_knows_more_counts() -> None:
    fleet = merged(([], [service("shop", 1000, 10)]), ([], [service("shop", 5000, 40)]), ([], [service("shop", 400, 5)]))
    (seen,) = fleet.observed.services
    assert seen.whole is not None
    assert (seen.whole.requests, seen.whole.failed) == (5000, 40)
    assert fleet.conflicts == ()


def test_several_names_of_one_service_in_one_file_saw_different_requests() -> None:
    fleet = merged(([], [service("shop-1", 1000, 1), service("shop-2", 400, 8), service("shop-3", 7, None)]))
    (seen,) = fleet.observed.services
    assert seen.whole is not None
    assert (seen.name, seen.requests, seen.whole.requests, seen.whole.failed, float(seen.whole.clustering)) == ("shop", 1407, 1400, 9, 2.0)
    assert [(each.name, each.requests, each.failed) for each in seen.endpoints] == [("get", 1407, 9)]
    assert fleet.conflicts == ()


def test_what_is_weak_about_a_verdict_is_read_back() -> None:
    weak = edge("hard")
    weak["modes"]["error"].update(failures_needed=3, flags=["one_window"])
    (seen,) = merged(([weak], [])).observed.edges
    assert (seen.modes["error"].failures_needed, seen.modes["error"].flags) == (3, ("one_window",))


def test_calls_of_several_names_in_one_file_are_summed_those_of_two_files_are_not() -> None:
    first = [edge("soft", calls=100, caller="shop-1"), edge("hard", calls=7, caller="shop-2")]
    (seen,) = merged((first, []), ([edge("unknown", calls=5000)], [])).observed.edges
    assert (seen.caller, seen.verdict.value, seen.calls, seen.errors) == ("shop", "hard", 107, 40)
