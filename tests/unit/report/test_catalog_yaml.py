from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Fact, Fleet, Hardness, Need, Service, SkippedInput, Target
from truetier.errors import Place
from truetier.report.catalog_yaml import render
from truetier.sources.yaml_tree import parse_yaml

FOUND = Evidence(Kind.DECLARED, "kubernetes", Place("k.yaml", 3, 5), "Deployment a")


def service(name: str, *callees: str, facts: tuple[Fact, ...] = ()) -> Service:
    return Service(name, FOUND, needs=tuple(Need((Target(callee),), FOUND, hardness=Hardness.UNKNOWN) for callee in callees), facts=facts)


def test_an_empty_fleet_is_a_catalog_too() -> None:
    (document,) = parse_yaml(render(Fleet({})).encode(), "f")
    assert [name.text for name, _ in document.pairs] == ["version", "services"]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), min_size=1, max_size=4, unique=True))
def test_any_name_is_read_back_as_it_was(names: list[str]) -> None:
    fleet = Fleet({name: service(name, *names) for name in names})
    (document,) = parse_yaml(render(fleet).encode(), "f")
    services = document.get("services")
    assert services is not None
    assert [name.text for name, _ in services.pairs] == names


@pytest.mark.parametrize(
    "name",
    [
        "true",
        "null",
        "~",
        "1",
        "-",
        "- a",
        "a: b",
        "#",
        "'",
        '"',
        "\\",
        "\n",
        " a ",
        "é",
        "🚀",
        "a\u2028b",
        "@a",
        "*a",
        "&a",
        "!a",
        "%a",
        "?",
        "1e3",
    ],
)
def test_a_name_that_looks_like_something_else_is_quoted(name: str) -> None:
    (document,) = parse_yaml(render(Fleet({name: service(name)})).encode(), "f")
    services = document.get("services")
    assert services is not None
    assert services.pairs[0][0].text == name
    assert not services.pairs[0][0].is_plain or name.isascii()


@given(st.text(max_size=300))
def test_any_fact_stays_in_its_comment(value: str) -> None:
    fleet = Fleet(
        {"a": service("a", facts=(Fact("image", value, FOUND),))},
        skipped=(SkippedInput(value, value),),
        unmatched=(SkippedInput("x", value),),
    )
    text = render(fleet)
    assert [line for line in text.splitlines() if not line.lstrip().startswith("#") and line] == ["version: 1", "services:", "  a: {}"]
    assert all(sign >= " " or sign == "\n" for sign in text)


def test_long_lists_of_notes_are_cut() -> None:
    text = render(Fleet({}, skipped=tuple(SkippedInput(str(index), "x") for index in range(500))))
    assert "#   and 300 more" in text
