"""Needs kept as columns say and count as the same needs made one by one."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truetier.app.check import audit
from truetier.availability import assess
from truetier.catalog.listed import ListedNeeds
from truetier.catalog.merge import merge
from truetier.catalog.snapshot.columns import Reader, Writer
from truetier.catalog.snapshot.fleet import read_fleet, write_fleet
from truetier.errors import CatalogError
from truetier.graph.build import Graph, build, proven
from truetier.graph.diff import diff
from truetier.graph.hardness import Reading
from truetier.report.json import render
from truetier.sources.yaml_catalog import read
from truetier.sources.yaml_tree import kernel

if TYPE_CHECKING:
    from truetier.catalog.model import Fleet

DAY = date(2026, 11, 23)
NAMES = "abcdef"
# Written about the name of the service that is asked; the last ones can be no column.
USUAL = (
    "{}",
    "{}",
    "{{service: {}, timeout: 100ms, fallback: static}}",
    "{{service: {}, timeout: 100ms, fallback: static}}",
    "{{service: {}, timeout: 50ms}}",
    "{{service: {}, timeout: 40ms, attempts: 3, backoff: 10ms, fallback: static}}",
    "{{service: {}, fallback: static}}",
    "{{service: {}, hardness: soft, timeout: 1s}}",
    "{{service: {}, hardness: unknown}}",
    "{{service: {}, mode: async}}",
    "{{service: {}, share: 20%}}",
    "{{service: {}, share: 50%, condition: sale}}",
    "{{ service: {}, share: 100% }}",
    "{{timeout: 20ms, service: {}}}",
    "{{service: {}, timeout: 100ms, fallback: static, verified: {{by: game-day, on: 2026-05-02}}}}",
    "{{service: {}, timeout: 20ms, fallback: {{kind: static, availability: 99%, coverage: 50%}}}}",
    "{{service: {}, timeout: 20ms, fallback: {{kind: cached, staleness: 10m}}}}",
    "{{service: {}, phase: [start, serve]}}",
)
OTHERS = (
    "{{service: {}, phase: start}}",
    "{{any_of: [{}, z]}}",
    "{{service: {}, mode: async, broker: z}}",
    "{{service: {}, timeout: 20ms, fallback: {{kind: stand-in, service: z}}}}",
)
SLIPS = ("~", "0", "'b'", "[b]", "x y", "b: c")


@st.composite
def needs(draw: st.DrawFn, caller: str) -> str:
    forms = draw(st.sampled_from((USUAL[:4], USUAL, USUAL, USUAL + OTHERS)))
    items = [draw(st.sampled_from(forms)).format(draw(st.sampled_from(NAMES.replace(caller, "")))) for _ in range(draw(st.integers(1, 4)))]
    if draw(st.booleans()):
        return f" [{', '.join(items)}]\n"
    return "\n" + "".join(f"      - {item}\n" for item in items)


@st.composite
def texts(draw: st.DrawFn) -> str:
    lines = ["services:\n  z: {tier: T1}\n"]
    for name in NAMES:
        lines.append(f"  {name}:\n    tier: {draw(st.sampled_from(('T0', 'T1', 'T3', 'T4')))}\n")
        if draw(st.booleans()):
            lines.append(f"    budget: {draw(st.sampled_from(('60ms', '100ms', '1s')))}\n")
        if draw(st.integers(0, 5)) == 0:
            lines.append("    placement: {copies: {eu: 2}, availability: 99%}\n")
        if draw(st.integers(0, 3)):
            lines.append(f"    needs:{draw(needs(name))}")
        if draw(st.integers(0, 5)) == 0:
            seen = draw(st.sampled_from(NAMES.replace(name, "")))
            lines.append(f"    endpoints:\n      buy:\n        tier: T1\n      see:\n        needs: [{seen}]\n")
    return "".join(lines)


def made(fleet: Fleet) -> Fleet:
    """The fleet with each need made."""
    return fleet._replace(
        services={
            name: service._replace(
                needs=tuple(service.needs),
                endpoints=tuple(endpoint._replace(needs=tuple(endpoint.needs)) for endpoint in service.endpoints),
            )
            for name, service in fleet.services.items()
        }
    )


def again(fleet: Fleet) -> Fleet:
    """The fleet, written down and read back."""
    to = Writer()
    write_fleet(fleet, to)
    return read_fleet(Reader(memoryview(to.written())))


def edges(graph: Graph) -> list[object]:
    return [
        (
            graph.uses[name],
            graph.callees[name],
            graph.callers[name],
            graph.hard_callees(name),
            list(graph.called(name)),
            [graph.places(name)(place) for place in range(len(graph.hard[number]))],
            [*graph.hard[number]],
            [*graph.asked[number]],
        )
        for name, number in graph.number.items()
    ]


@given(texts())
@settings(max_examples=60, deadline=None)
def test_columns_say_and_lead_where_the_needs_do(text: str) -> None:
    fleet = merge([read(text.encode(), "f")])
    one_by_one = made(fleet)
    assert fleet == one_by_one
    assert again(fleet) == again(one_by_one) == fleet
    graphs = build(fleet), build(one_by_one)
    assert graphs[0].budgets == graphs[1].budgets
    assert edges(graphs[0]) == edges(graphs[1])
    assert edges(proven(graphs[0], DAY)) == edges(proven(graphs[1], DAY))
    assert not diff(*graphs)


@pytest.mark.parametrize("at_once_from", [1, 100])
@given(text=texts(), trust=st.sampled_from(Reading))
@settings(max_examples=60, deadline=None)
def test_columns_are_assessed_and_audited_as_the_needs_are(at_once_from: int, text: str, trust: Reading) -> None:
    fleet = merge([read(text.encode(), "f")])
    with patch.object(assess, "AT_ONCE_FROM", at_once_from):
        reports = [render(audit(each, as_of=DAY, trust=trust)) for each in (fleet, made(fleet), again(fleet))]
    assert reports[0] == reports[1] == reports[2]


@given(texts(), st.sampled_from((*SLIPS, "")), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_lists_say_the_same_however_they_are_parsed(text: str, slip: str, skipped: int) -> None:
    places = [found.start() for found in re.finditer("(?<=service: )[a-f]|(?<=timeout: )[0-9]+", text)][skipped::4][:1]
    for place in places if slip else ():
        text = text[:place] + slip + text[place + 1 :]
    with patch.object(kernel, "IS_COMPILED", new=False):
        by_parser = said(text)
    with patch.object(kernel, "IS_COMPILED", new=True):
        assert said(text) == by_parser


def said(text: str) -> object:
    """What the file says, or what is wrong with it."""
    try:
        return [(service.needs, [each.needs for each in service.endpoints]) for service in read(text.encode(), "f").services]
    except CatalogError as error:
        return error.mistakes


def test_the_laws_are_about_columns() -> None:
    text = "services:\n  a:\n    needs:\n" + "".join(f"      - {form.format('b')}\n" for form in USUAL) + "  b: {}\n"
    needs = merge([read(text.encode(), "f")]).services["a"].needs
    assert isinstance(needs, ListedNeeds)
    assert len(set(needs.wordings)) == 15
