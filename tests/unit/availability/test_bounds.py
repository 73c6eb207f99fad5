"""The two numbers people work out on paper, in and around cycles."""

from __future__ import annotations

import pytest

from tests.unit.availability.fleets import SAID, SECOND, assessed, need, service, share, stand_in, static
from truetier.catalog.model import Endpoint, Mode


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-12, abs=0)


def test_who_is_only_told_closes_no_cycle() -> None:
    found = assessed(service("a", "0.9", [need("b", mode=Mode.ASYNC)]), service("b", "0.8", [need("a")]))
    assert found.services["a"].product == close(0.9)
    assert found.services["b"].product == close(0.8 * 0.9)


def test_the_broker_of_an_async_need_counts_where_the_callee_needs_the_caller() -> None:
    told = need("b", mode=Mode.ASYNC, broker="queue")
    found = assessed(service("a", "0.9", [told]), service("b", "0.8", [need("a")]), service("queue", "0.7"))
    assert found.services["a"].product == close(0.9 * 0.7)
    in_a_cycle = assessed(service("a", "0.9", [told, need("b")]), service("b", "0.8", [need("a")]), service("queue", "0.7"))
    assert in_a_cycle.services["a"].product == in_a_cycle.services["b"].product == close(0.9 * 0.8 * 0.7)


def test_a_stand_in_that_does_not_count_leads_nowhere() -> None:
    slow = stand_in("c", "b")
    found = assessed(service("a", "0.9", [slow, need("b")], budget=SECOND / 2), service("b", "0.8", [need("a")]), service("c", "0.7"))
    assert found.services["a"].product == found.services["b"].product == close(0.9 * 0.8 * 0.7)


@pytest.mark.parametrize("shares", [("0.2", "0.8"), (None, None)])
def test_an_endpoint_whose_own_needs_do_not_lead_back_stands_in_no_cycle(shares: tuple[str | None, str | None]) -> None:
    first, second = (None if text is None else share(text) for text in shares)
    endpoints = (Endpoint("in", SAID, None, first, (need("b"),)), Endpoint("out", SAID, None, second, (static("c", "0.5"),)))
    found = assessed(service("a", "0.9", endpoints=endpoints), service("b", "0.8", [need("a")]), service("c", "0.7"))
    assert found.endpoints["a/in"].product == close(0.9 * 0.8)
    assert found.endpoints["a/out"].product == close(0.9 * (1 - 0.3 * 0.5))
