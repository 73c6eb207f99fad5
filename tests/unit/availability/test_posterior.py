"""What becomes of posteriors at the limits: many draws, large groups, changes of one thing among several, numbers beyond counting."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.unit.availability.fleets import assessed, availability, need, placement, service, static
from truetier.availability import exact, fixed_point, posterior
from truetier.availability.estimate import Assessment, Verdict
from truetier.availability.posterior import FIRST_DRAWS, MOST_DRAWS, Draws
from truetier.catalog.measured import Measured

if TYPE_CHECKING:
    import pytest

    from truetier.catalog.model import Service


def first(*services: Service) -> Assessment:
    return assessed(*services).services[services[0].name]


def test_draws_that_no_longer_fit_are_made_again_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior, "_MOST_HELD", 100)
    draws = Draws(0)
    before = draws.of("a", Measured(100, 1), 64)
    draws.of("b", Measured(100, 1), 64)
    assert draws.of("a", Measured(100, 1), 64) == before


def test_a_close_verdict_takes_more_draws_and_another_does_not() -> None:
    parts = [service(name, measured=Measured(40_000, 10)) for name in "bc"]
    needs = [need(part.name) for part in parts]
    close = first(service("a", "0.99976", tier="T2", needs=needs), *parts)
    clear = first(service("a", "0.9999", tier="T2", needs=needs), *parts)
    assert close.confidence is not None
    assert clear.confidence is not None
    assert FIRST_DRAWS < close.confidence.draws <= MOST_DRAWS
    assert clear.confidence.draws == FIRST_DRAWS


def test_requests_that_help_inside_groups_are_found_too() -> None:
    subject = first(
        service("a", "1", tier="T3", needs=[need("b", "c"), static("d", "0.9"), need("e")]),
        service("b", measured=Measured(20, 2), needs=[need("f")]),
        service("c", measured=Measured(30, 3), needs=[need("f")]),
        service("d", measured=Measured(40, 1), needs=[need("b", "e")]),
        service("e", "0.9999"),
        service("f", "0.9999"),
    )
    assert subject.is_short_of_data
    assert subject.further is not None
    assert subject.further.requests is not None
    assert subject.further.service in {"b", "c", "d", None}


def test_of_a_group_too_large_nothing_is_known_but_what_never_depends_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "GROUP_BUDGET", 4)
    shared = [need(name) for name in "xyz"]
    members = [service(name, measured=Measured(1000, 1), needs=shared[: number % 3 + 1]) for number, name in enumerate("bcdefg")]
    subject = first(
        service("a", "1", tier="T2", needs=[need(*"bcd", k=2), need(*"efg", k=2), need(*"bef", k=2)]),
        *members,
        *(service(name, "0.9999") for name in "xyz"),
    )
    assert not subject.delivered.is_known
    assert subject.verdict is Verdict.UNKNOWN
    assert subject.confidence is not None
    assert (subject.confidence.met, subject.confidence.low, subject.confidence.high) == (0.0, 0.0, 0.9999)  # x is needed in any case
    assert subject.further is not None
    assert subject.further.requests is None


def test_requests_beyond_all_counting_are_none() -> None:
    strict = service("a", measured=Measured(10**15, 0, Decimal(10**9)), target=availability("0.9999999999999999"))
    subject = first(strict)
    assert subject.is_short_of_data or subject.verdict is Verdict.MISSED
    if subject.is_short_of_data:
        assert subject.further is not None
        assert subject.further.requests is None


def test_of_several_things_measured_the_one_that_matters_most_gets_the_requests() -> None:
    subject = first(
        service("a", "1", tier="T2", needs=[need("b"), need("c")]),
        service("b", measured=Measured(10**7, 900)),
        service("c", placement=placement({"r": 1, "s": 1}, measured=Measured(900, 8))),
    )
    assert subject.is_short_of_data
    assert subject.further is not None
    assert (subject.further.service, subject.further.services) == ("c", 1)


def test_a_cycle_too_large_is_judged_from_below_and_from_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_point, "ROUNDS", 0)
    cycle = [
        service("a", "0.9999", tier="T2", needs=[need("b", "c")]),
        service("b", measured=Measured(10_000, 50), needs=[need("a")]),
        service("c", "0.99"),
    ]
    rough = first(*cycle).confidence
    monkeypatch.undo()
    fine = first(*cycle).confidence
    assert rough is not None
    assert fine is not None
    assert rough.down_low <= fine.down_low
    assert rough.down_high >= fine.down_high
