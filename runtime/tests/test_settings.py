"""Guards from a catalog: what they are given, and what keeps a service from starting."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from truetier_runtime.fallback import Value
from truetier_runtime.settings import StartRefusedError, guards
from truetier_runtime.testing import FakeClock

BOTH = "without timeout and fallback"


def edge(callee: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
    usual = {
        "endpoint": None,
        "promise": 0.9999,
        "group": None,
        "hardness": None,
        "timeout_ms": None,
        "attempts": 1,
        "backoff_ms": 0.0,
        "fallback": None,
    }
    return {"callee": callee, **usual, **more}


def fallback(kind: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
    return {"kind": kind, "staleness_ms": None, "service": None, "coverage": 1.0, **more}


def document(*edges: dict[str, Any], promise: float | None = 0.9999) -> dict[str, Any]:
    return {"schema": "truetier/guards/1", "digest": "", "services": {"checkout": {"promise": promise, "edges": list(edges)}}}


def test_an_edge_gets_the_limits_of_the_catalog() -> None:
    clock = FakeClock()
    made = guards(
        document(
            edge("cart"),
            edge("prices", promise=0.999, timeout_ms=100.0, attempts=2, backoff_ms=1.0, fallback=fallback("cached", staleness_ms=30_000.0)),
            edge("reviews", promise=None, endpoint="browse", timeout_ms=50.0, fallback=fallback("static")),
        ),
        "checkout",
        fallbacks={"browse/reviews": Value([])},
        clock=clock,
    )
    assert sorted(made) == ["browse/reviews", "cart", "prices"]
    tried: list[str] = []

    def price(article: str) -> int:
        tried.append(article)
        if len(tried) > 1:
            raise ConnectionError
        return 5

    assert [made["prices"].call(price, "apple") for _ in range(2)] == [5, 5]
    assert tried == ["apple"] * 3, "tried twice the second time, then the last good answer"
    clock.advance(31)
    with pytest.raises(ConnectionError):
        made["prices"].call(price, "apple")

    def slow() -> None:
        clock.advance(0.051)

    made["browse/reviews"].call(slow)
    assert made["browse/reviews"].counts().failed == 1, "51 ms are more than 50"


def test_a_service_that_calls_what_promises_less_without_timeout_and_fallback_does_not_start() -> None:
    with pytest.raises(StartRefusedError) as refused:
        guards(
            document(
                edge("ledger"),
                edge("fraud", promise=0.999),
                edge("ads", promise=None, timeout_ms=50.0),
                edge("prices", promise=0.999, fallback=fallback("static")),
                edge("stock", promise=0.999, timeout_ms=50.0, fallback=fallback("cached", staleness_ms=1000.0)),
            ),
            "checkout",
            fallbacks={"nobody": Value(1)},
        )
    assert refused.value.mistakes == [
        "checkout -> fraud: checkout promises 0.9999, fraud 0.999; without timeout and fallback every outage of fraud is one of checkout",
        "checkout -> ads: checkout promises 0.9999, ads nothing; without fallback every outage of ads is one of checkout",
        "checkout -> prices: the catalog says a static fallback answers, the code has none",
        f"checkout -> prices: checkout promises 0.9999, prices 0.999; {BOTH} every outage of prices is one of checkout",
        "checkout -> nobody: there is a fallback for it, but the catalog has no such edge",
    ]


def test_who_promises_nothing_may_call_anybody() -> None:
    assert list(guards(document(edge("fraud", promise=None), promise=None), "checkout")) == ["fraud"]


def test_two_needs_of_one_callee_are_no_one_guard() -> None:
    with pytest.raises(StartRefusedError, match="two needs of it"):
        guards(document(edge("ledger"), edge("ledger")), "checkout")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "truetier/check/1"}, "the document is 'truetier/check/1', not 'truetier/guards/1'"),
        ({"services": {}}, "knows no service checkout that calls anybody; it knows none"),
        ({"services": None}, "the document is no truetier/guards/1"),
        ({"services": {"checkout": {"promise": 1.0, "edges": [{"callee": "a"}]}}}, "KeyError: 'endpoint'"),
        ({"services": {"checkout": {"promise": 1.0, "edges": [edge("a", promise=1.0, timeout_ms=0.0)]}}}, "timeout 0.0 is not positive"),
    ],
)
def test_what_is_no_document_is_said_to_be_none(change: dict[str, Any], words: str) -> None:
    with pytest.raises(StartRefusedError) as refused:
        guards({**copy.deepcopy(document()), **change}, "checkout")
    assert words in str(refused.value)


def test_a_fallback_may_be_empty_and_counts_all_the_same() -> None:
    class Kept(dict[str, int]):
        def answer(self, *_: object) -> int:
            return 7

    need = edge("prices", promise=0.9, timeout_ms=100.0, fallback=fallback("cached", staleness_ms=30_000.0))
    made = guards(document(need), "checkout", fallbacks={"prices": Kept()})

    def fails() -> int:
        raise ConnectionError

    assert made["prices"].call(fails) == 7


def test_why_a_start_was_refused_comes_home_from_another_process() -> None:
    error = StartRefusedError(["no timeout", "no fallback"])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.mistakes) == (str(error), error.mistakes)
