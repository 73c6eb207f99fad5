from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.sources.flow_indent import indented
from truetier.sources.tree_path import brief, parse_foreign


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: [\n  x\n]\nb: 1", "a: [x], b: 1"),
        ("a:\n  b: [\n    x,\n    y\n  ]\n  c: 1", "a: {b: [x, y], c: 1}"),
        ("a: {\n  b: 1 # why ]\n}\nc: 2", "a: {b: 1}, c: 2"),
        ("l:\n- a: [\n  1, 'it''s ]', \"\\\"]\"\n  ]\n  b: 1", """l: [{a: [1, it's ], "]], b: 1}]"""),
        ("a: [x,\n# c ]\ny\n]", "a: [x, y]"),
        ("a: [\n  don't\n]", "a: [don't]"),
        ("a: [\r\n  x\r\n]\r\nb: 1\r\n", "a: [x], b: 1"),
    ],
)
def test_a_list_may_close_at_the_indentation_of_its_key(text: str, value: str) -> None:
    (document,) = parse_foreign(text.encode(), "f")
    assert brief(document) == value


def test_lines_keep_their_numbers() -> None:
    (document,) = parse_foreign(b"a: [\n  x\n]\nb: 1", "f")
    assert document.pairs[1][1].line == 4


@pytest.mark.parametrize(
    "text", ["a: |\n  x: [\n]\n", "a: it's [\nb: 1\n", "a: [x\n", "a: [x]\nb: {c: 1}\n", "# [\na: 1\n", "a: 'x: [\n  ]'\n"]
)
def test_what_needs_no_help_is_left_alone(text: str) -> None:
    assert indented(text.encode()) == text.encode()


@given(st.text(alphabet="a:-[]{}\"'#|>&! \n", max_size=80))
def test_no_line_is_lost(text: str) -> None:
    assert indented(text.encode()).count(b"\n") == text.count("\n")


@pytest.mark.parametrize("text", [b"a: [\n" * 30_000, b"[\n" * 30_000, b"a: [' " + b"' " * 100_000, b"- " * 100_000, b"a" + b" " * 100_000])
def test_hostile_text_costs_little(text: bytes) -> None:
    indented(text)
