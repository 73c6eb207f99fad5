from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.unit.graph.fleets import fleet, graph, group, later, need, service, share, soft
from truetier.catalog.evidence import Verification
from truetier.catalog.model import Hardness, Need, Phase, Target
from truetier.graph.hardness import Kind, Use, Weakness, is_unverified_claim
from truetier.graph.uses import default_budgets

DAY = date(2026, 11, 23)
MS = timedelta(milliseconds=1)


def use(wanted: Need, *, budget: timedelta = timedelta(minutes=1)) -> Use:
    """The need as it counts for a caller that has so much time."""
    return graph(service("a", wanted, budget=budget)).uses["a"][0]


def tried(*timeouts: timedelta | None) -> Need:
    """Any of some members, tried with these timeouts."""
    names = "bcd"[: len(timeouts)]
    return group(1, *names)._replace(targets=tuple(Target(name, timeout) for name, timeout in zip(names, timeouts, strict=True)))


@pytest.mark.parametrize(
    ("wanted", "kind", "weakness"),
    [
        (need("b"), Kind.HARD, None),
        (soft("b"), Kind.SOFT, None),
        (later("b"), Kind.ASYNC, None),
        (soft("b")._replace(hardness=Hardness.UNKNOWN), Kind.HARD, Weakness.UNKNOWN),
        (need("b")._replace(hardness=Hardness.SOFT), Kind.HARD, Weakness.NO_FALLBACK),
        (soft("b")._replace(targets=(Target("b"),)), Kind.HARD, Weakness.NO_TIMEOUT),
    ],
)
def test_soft_counts_only_where_it_can_work(wanted: Need, kind: Kind, weakness: Weakness | None) -> None:
    found = use(wanted)
    assert (found.kind, found.weakness) == (kind, weakness)


@pytest.mark.parametrize(("budget", "kind"), [(349, Kind.HARD), (350, Kind.HARD), (351, Kind.SOFT)])
def test_all_attempts_and_the_pauses_between_must_end_before_the_budget(budget: int, kind: Kind) -> None:
    patient = soft("b")._replace(targets=(Target("b", 100 * MS, 3, 25 * MS),))
    assert use(patient, budget=budget * MS).kind is kind
    assert use(patient, budget=budget * MS).weakness is (None if kind is Kind.SOFT else Weakness.SLOW)


@pytest.mark.parametrize("phases", [("start",), ("recover", "change")])
def test_the_time_for_one_request_bounds_only_what_is_needed_while_serving(phases: tuple[str, ...]) -> None:
    assert use(soft("b", phases=phases), budget=MS).kind is Kind.SOFT
    assert use(soft("b", phases=(*phases, "serve")), budget=MS).kind is Kind.HARD
    whenever = frozenset(Phase(phase) for phase in phases)
    assert use(tried(50 * MS, 50 * MS)._replace(phases=whenever), budget=MS).required == 1


@pytest.mark.parametrize(
    ("wanted", "required", "weakness"),
    [
        (tried(None, None), 1, None),
        (tried(40 * MS, 50 * MS), 1, None),
        (tried(50 * MS, 50 * MS), 2, Weakness.SLOW),
        (tried(1 * MS, None), 2, Weakness.MIXED),
    ],
)
def test_members_tried_in_turn_must_fit_into_the_budget_together(wanted: Need, required: int, weakness: Weakness | None) -> None:
    found = use(wanted, budget=100 * MS)
    assert (found.kind, found.required, found.weakness) == (Kind.GROUP, required, weakness)


def test_the_default_budget_is_the_smallest_timeout_on_any_sync_serve_need() -> None:
    quick = tried(30 * MS)._replace(required=1)
    made = fleet(service("a", soft("b")), service("c", quick), service("d", soft("b")._replace(targets=(Target("b", 90 * MS),))))
    assert default_budgets(made) == {"b": 30 * MS}
    idle = fleet(
        service("a", need("b", phases=("start",))._replace(targets=(Target("b", MS),)), later("b")._replace(targets=(Target("b", MS),)))
    )
    assert default_budgets(idle) == {}


def test_what_nobody_has_verified_is_dropped() -> None:
    needs = (soft("b"), later("b"), need("b", share=share("0.5")), group(1, "b", "c"), need("b"))
    uses = graph(service("a", *needs), service("b", "c")).uses
    assert [found.is_mitigated for found in uses["a"]] == [True, True, True, True, False]
    verified = uses.verified(DAY)
    assert [found.is_hard for found in verified["a"]] == [True] * 5
    assert not any(found.is_mitigated for found in verified["a"])
    assert verified["a"][3].required == 2
    assert verified["b"] == uses["b"]


@pytest.mark.parametrize(("until", "holds"), [(None, True), (DAY, True), (DAY - timedelta(days=1), False)])
def test_a_verification_counts_through_its_last_day(until: date | None, holds: bool) -> None:  # noqa: FBT001 - a parameter of the case
    shown = soft("b")._replace(verified=Verification("game-day", DAY - timedelta(days=9), until))
    uses = graph(service("a", shown)).uses
    assert is_unverified_claim(uses["a"][0], DAY) is not holds
    assert uses.verified(DAY)["a"][0].kind is (Kind.SOFT if holds else Kind.HARD)


def test_a_use_is_told_by_caller_and_callees() -> None:
    assert use(group(2, "b", "c", "d")).subject == "a -> 2 of b, c, d"
