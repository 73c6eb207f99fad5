"""Real traces of others, beside what was counted of them apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from truetier.app.observe import observe

if TYPE_CHECKING:
    from pathlib import Path

    from truetier.telemetry.observation import EdgeEvidence, Observation

SETS = ("traces-deeptralog-trainticket", "traces-jaeger", "traces-nezha-trainticket", "traces-otlp", "traces-zipkin-v1-trainticket")
LATEST = 2**62


def of_files(folder: Path, names: list[str]) -> Observation:
    return observe([str(folder / name) for name in names], latest_ns=LATEST)


def edge(found: Observation, caller: str, callee: str) -> EdgeEvidence:
    (only,) = [each for each in found.edges if (each.caller, each.callee) == (caller, callee)]
    return only


def seen(found: Observation) -> dict[tuple[str, str], tuple[int, int]]:
    return {(each.caller, each.callee): (each.calls, each.errors) for each in found.edges if each.calls}


def counted(truth: dict[str, Any], *, with_failures: bool = True) -> dict[tuple[str, str], tuple[int, int]]:
    return {(each["caller"], each["callee"]): (each["calls"], each["failed_calls"] if with_failures else 0) for each in truth["edges"]}


@pytest.mark.parametrize("name", SETS)
def test_edges_calls_and_failures_are_those_that_were_counted_apart(name: str, shared_data: Path) -> None:
    folder = shared_data / name
    truth = json.loads((folder / "truth.json").read_text())
    # Whether a call failed is known of Nezha's spans from logs alone, of which the truth makes another count.
    found = of_files(folder, list(truth["files"]))
    assert seen(found) == counted(truth["all_files_together"], with_failures="nezha" not in name)
    assert sorted(service.name for service in found.services) == sorted(truth["all_files_together"]["services"])


def test_zipkin_s_own_examples_have_their_edges(shared_data: Path) -> None:
    folder = shared_data / "traces-zipkin-v2"
    truth = json.loads((folder / "truth.json").read_text())
    for name, of_file in truth["files"].items():
        expected = counted(of_file)
        if name.startswith("smartthings"):
            expected["bouncer", "pusher"] = (1, 0)  # five answers to one call: the truth has none of them
        if name == "yelp.json":
            # The truth counts a client under another service for the call to its own service alone; it calls somebody all the same.
            expected["yelp-main", "memcache"] = (3, 0)
        found = of_files(folder, [name])
        assert (name, seen(found)) == (name, expected)
        assert sorted(service.name for service in found.services) == sorted(of_file["services"])


def test_online_boutique_has_its_edges_and_counts(shared_data: Path) -> None:
    folder = shared_data / "traces-nezha-onlineboutique"
    truth = json.loads((folder / "truth.json").read_text())
    assert seen(of_files(folder, list(truth["files"]))) == counted(truth["all_files_together"])


@pytest.mark.parametrize(
    ("fault", "mode", "verdict"),
    [("F08-02", "error", "soft"), ("F05-01", "timeout", "hard"), ("F08-01", "error", None), ("F05-03", None, None)],
)
def test_one_edge_is_soft_to_a_fast_error_and_hard_to_a_hang(fault: str, mode: str | None, verdict: str | None, shared_data: Path) -> None:
    found = observe([str(shared_data / "traces-deeptralog-trainticket" / fault)], latest_ns=LATEST)
    if verdict is None or mode is None:
        told = {name: item.verdict.value for each in found.edges for name, item in each.modes.items() if item.failed_calls}
        assert set(told.values()) == {"hard"}
        return
    evidence = edge(found, "ts-travel-service", "ts-ticketinfo-service").modes
    assert evidence[mode].verdict.value == verdict
    assert [name for name, item in evidence.items() if item.failed_calls] == [mode]


def test_logs_of_the_caller_show_its_hard_dependencies(shared_data: Path) -> None:
    folder = shared_data / "traces-nezha-trainticket"
    truth = json.loads((folder / "truth.json").read_text())
    logs = [name.replace("/trace/", "/log/").replace("_trace.", "_log.") for name in truth["files"]]
    found = of_files(folder, [*truth["files"], *(name for name in logs if (folder / name).exists())])
    hard = {
        (each.caller, each.callee): each.modes["unreachable"].failed_calls
        for each in found.edges
        if each.modes and "by_log" in each.modes["unreachable"].flags
    }
    assert hard == {(each["caller"], each["missing_callee"]): each["failed_requests"] for each in truth["hard_by_log"]}
    assert sum(hard.values()) == 65
    assert all(edge(found, *pair).modes["unreachable"].verdict.value == "hard" for pair in hard)
