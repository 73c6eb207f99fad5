"""Needs that are listed count without being made."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from truetier.catalog.merge import merge
from truetier.errors import Place
from truetier.graph.build import build, proven
from truetier.graph.hardness import Kind, Use, Weakness
from truetier.graph.uses import Uses, default_budgets
from truetier.sources.yaml_catalog import read

if TYPE_CHECKING:
    from truetier.catalog.model import Fleet

DAY = date(2026, 11, 23)
SOFT = "{{service: {}, timeout: 100ms, fallback: static}}"


def needs(*items: str) -> str:
    return "".join(f"\n      - {item}" for item in items)


def fleet(**said: str) -> Fleet:
    """Services with what is said of each."""
    text = "".join(f"  {name}:\n    {keys}\n" for name, keys in said.items())
    return merge([read(f"services:\n{text}".encode(), "f")])


MIXED = fleet(
    a=f"needs:{needs('b', SOFT.format('c'), SOFT.format('d'), '{service: d, share: 50%}')}",
    b=f"needs:{needs(SOFT.format('d'), 'c')}",
    c="needs: [{any_of: [d, b]}]",
    d="layer: 1",
)


def made(uses: Uses) -> set[str]:
    return set(uses._made)


def is_soft(use: Use) -> bool:
    return use.kind is Kind.SOFT


def test_needs_that_say_the_same_with_as_much_time_share_a_sample() -> None:
    uses = build(MIXED).uses
    assert [sample.kind for sample in uses.samples] == [Kind.HARD, Kind.SOFT, Kind.HARD]
    assert {name: list(column) for name, column in uses.columns.items()} == {"a": [0, 1, 1, 2], "b": [1, 0], "d": []}
    assert uses.bare == frozenset({"d"})
    assert uses.told == ["a", "b", "c"]
    assert made(uses) == {"c"}


def test_budgets_that_leave_no_time_make_another_sample_and_others_none() -> None:
    fleet_of_budgets = fleet(
        **{f"s{number}": f"{{budget: {50 * number + 1}ms, needs: [{SOFT.format('end')}]}}" for number in range(1, 5)}, end="layer: 1"
    )
    uses = build(fleet_of_budgets).uses
    assert [sample.weakness for sample in uses.samples] == [None, Weakness.SLOW, None]
    assert [list(uses.columns[f"s{number}"]) for number in range(1, 5)] == [[1], [2], [2], [2]]
    assert default_budgets(fleet_of_budgets) == {"end": uses.samples[1].need.targets[0].timeout}


def test_uses_are_chosen_by_what_they_say_and_made_only_then() -> None:
    uses = build(MIXED).uses
    assert not list(uses.chosen(lambda use: use.weakness is not None))
    assert made(uses) == {"c"}
    assert [use.subject for use in uses.chosen(is_soft)] == ["a -> c", "a -> d", "b -> d"]
    assert list(uses.judge(is_soft)("a")) == [False, True, True, False]
    assert [use.subject for use in uses.chosen(lambda use: not is_soft(use))] == ["a -> b", "a -> d", "b -> c", "c -> any of d, b"]
    assert {use.kind for use in uses.said} == {Kind.HARD, Kind.SOFT, Kind.GROUP}


def test_a_service_that_is_not_there_has_no_uses() -> None:
    uses = build(MIXED).uses
    assert "a" in uses
    assert "e" not in uses
    assert len(uses) == 4
    with pytest.raises(KeyError):
        uses["e"]


def test_whom_a_service_needs_hard_and_where_that_is_written_is_known_without_the_needs() -> None:
    graph = build(MIXED)
    names = list(graph.number)
    assert [[names[callee] for callee in graph.hard[graph.number[name]]] for name in "abcd"] == [["b", "d"], ["c"], [], []]
    assert [graph.places("a")(0), graph.places("a")(1), graph.places("b")(0)] == [Place("f", 4, 9), Place("f", 7, 9), Place("f", 11, 9)]
    assert [graph.is_whole(name) for name in "abcd"] == [False, True, False, True]
    assert made(graph.uses) == {"c"}
    assert [edge.callee for edge in graph.hard_callees("a")] == ["b", "d"]


def test_what_nobody_has_verified_is_dropped_from_the_samples() -> None:
    graph = proven(build(MIXED), DAY)
    assert not any(use.is_mitigated for use in graph.uses.said)
    names = list(graph.number)
    assert [[names[callee] for callee in graph.hard[graph.number[name]]] for name in "abcd"] == [
        ["b", "c", "d", "d"],
        ["d", "c"],
        ["d", "b"],
        [],
    ]
    assert [graph.is_whole(name) for name in "abcd"] == [True, True, False, True]
