"""What guards saw, as a document for the audit: tests/unit/report/test_guards.py reads it there."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runtime.tests.hurried import side_by_side
from truetier_runtime.breaker import Breaker
from truetier_runtime.facts import Facts
from truetier_runtime.fallback import StandIn, Value
from truetier_runtime.guard import Guard
from truetier_runtime.testing import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


def fails(amount: int = 0, error: type[Exception] = ConnectionError) -> None:
    raise error(amount)


def test_failures_that_the_fallback_answered_are_soft_after_seven() -> None:
    clock = FakeClock(1_000_000_000.0)
    facts = Facts("checkout", clock=clock)
    guard = Guard("fraud", timeout=0.15, fallback=StandIn(lambda amount: amount < 50, Value("yes")), hooks=(facts,))
    facts.watch(guard)
    for number in range(7):
        clock.advance(150)
        guard.call(fails, number)
    guard.call(int)
    (edge,) = facts.document()["edges"]
    assert (edge["caller"], edge["callee"], edge["calls"], edge["errors"], edge["timeout_ms"]) == ("checkout", "fraud", 8, 7, 150.0)
    assert (edge["first"], edge["last"]) == ("2001-09-09T01:46:40Z", "2001-09-09T02:04:10Z")
    seen = edge["modes"]["unreachable"]
    assert (seen["verdict"], seen["failed_calls"], seen["windows"], seen["flags"]) == ("soft", 7, 4, ["by_guard"])
    assert edge["modes"]["error"]["flags"] == ["never_failed"]
    with pytest.raises(ConnectionError):
        guard.call(fails, 50)
    seen = facts.document()["edges"][0]["modes"]["unreachable"]
    assert (seen["verdict"], seen["failures_needed"]) == ("unknown", 9)


def test_a_fallback_that_does_not_cover_all_is_soft_when_enough_was_seen_of_it() -> None:
    facts = Facts("shop")
    guard = Guard("reviews", fallback=StandIn(lambda number: number != 0, Value("")), hooks=(facts,))
    facts.watch(guard)
    for number in range(40):
        with suppress(ConnectionError):
            guard.call(fails, number)
    seen = facts.document()["edges"][0]["modes"]["unreachable"]
    assert (seen["verdict"], seen["failed_calls"], seen["failures_needed"]) == ("soft", 40, 0)
    assert 0 < seen["low"] < 1 / 40 < seen["probability"] < seen["high"] < 0.2


def test_calls_that_no_request_makes_are_said_to_be_such() -> None:
    facts = Facts("shop")
    for callee, is_outside in (("settings", True), ("stock", False), ("prices", True), ("prices", False)):
        facts.watch(Guard(callee), outside_requests=is_outside)
    assert {edge["callee"]: edge["requests"] for edge in facts.document()["edges"]} == {"settings": 0, "stock": None, "prices": None}


def test_failures_that_nobody_answered_are_hard_after_seven_and_unknown_before() -> None:
    facts = Facts("checkout")
    guard = Guard("ledger", hooks=(facts,))
    facts.watch(guard)
    found = []
    for _ in range(7):
        with pytest.raises(ValueError, match="0"):
            guard.call(fails, 0, ValueError)
        seen = facts.document()["edges"][0]["modes"]["error"]
        found.append((seen["verdict"], seen["failures_needed"]))
    assert found == [*(("unknown", left) for left in range(6, 0, -1)), ("hard", 0)]


def test_what_was_refused_for_our_own_reasons_says_nothing_of_the_callee() -> None:
    facts = Facts("checkout")
    guard = Guard("ledger", bulkhead=1, fallback=Value(0), hooks=(facts,))
    facts.watch(guard)
    guard.call(lambda: guard.call(int))
    assert facts.document()["edges"][0]["modes"]["error"]["failed_calls"] == 0


def test_guards_of_one_callee_count_together_and_one_without_limit_has_none() -> None:
    facts = Facts("checkout")
    one, other = (Guard("ledger", timeout=limit, breaker=Breaker(), hooks=(facts,)) for limit in (0.1, 0.2))
    facts.watch(one, other)
    one.call(int)
    other.call(int)
    (edge,) = facts.document()["edges"]
    assert (edge["calls"], edge["timeout_ms"]) == (2, 200.0)
    facts.watch(Guard("ledger"))
    assert facts.document()["edges"][0]["timeout_ms"] is None


def test_the_file_is_whole_whoever_reads_it_when(tmp_path: Path) -> None:
    facts = Facts("checkout")
    guard = Guard("ledger", hooks=(facts,), fallback=Value(0))
    facts.watch(guard)
    path = tmp_path / "facts.json"
    facts.write(str(path))

    def write() -> None:
        for _ in range(50):
            guard.call(fails)
            facts.write(str(path))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            json.loads(path.read_text())
        writing.result()
    assert json.loads(path.read_text())["edges"][0]["modes"]["unreachable"]["failed_calls"] == 50
    assert [each.name for each in tmp_path.iterdir()] == ["facts.json"]


def test_threads_that_write_at_once_leave_a_whole_document(tmp_path: Path) -> None:
    facts, path = Facts("checkout"), tmp_path / "facts.json"
    facts.watch(*(Guard(f"callee-{number}") for number in range(20)))

    def write() -> None:
        for _ in range(5):
            facts.write(str(path))
            assert len(json.loads(path.read_text(encoding="utf-8"))["edges"]) == 20

    side_by_side(write, threads=4)
    assert [file.name for file in tmp_path.iterdir()] == ["facts.json"]
