from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.sources.compose.interpolation import Variables, read_env_file

VALUES = {"A": "1", "EMPTY": "", "LONG_NAME": "x"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("$A", "1"),
        ("${A}", "1"),
        ("$A$A-${A}b", "11-1b"),
        ("$LONG_NAME.", "x."),
        ("${LONG_NAME}.", "x."),
        ("$$A", "$A"),
        ("${B:-2}", "2"),
        ("${B-2}", "2"),
        ("${EMPTY:-2}", "2"),
        ("${EMPTY-2}", ""),
        ("${A:-2}", "1"),
        ("${B:-${C:-3}}", "3"),
        ("${B:-$A}", "1"),
        ("${A:+2}", "2"),
        ("${B:+2}", ""),
        ("${B:?needed}", "${B:?needed}"),
        ("${B}", "${B}"),
        ("$B", "$B"),
        ("${A", "${A"),
        ("$", "$"),
        ("${}", "${}"),
        ("$1", "$1"),
        ("${B:-" * 30 + "x" + "}" * 30, None),
    ],
)
def test_a_value_is_filled_as_compose_does(text: str, filled: str | None) -> None:
    result = Variables(VALUES).fill(text)
    assert filled is None or result == filled


def test_names_without_a_value_and_default_are_remembered() -> None:
    variables = Variables(VALUES)
    variables.fill("$A ${B:-x} ${C} $D ${E:?x} ${F:+x}")
    assert list(variables.missing) == ["C", "D", "E"]


@given(st.text(alphabet="${}:-+?AB_$ ", max_size=120))
def test_any_text_is_filled(text: str) -> None:
    assert isinstance(Variables(VALUES).fill(text), str)


def test_values_cannot_grow_without_end() -> None:
    lines = ["V0=" + "x" * 100, *(f"V{index}=" + f"$V{index - 1}" * 40 for index in range(1, 200))]
    found = read_env_file("\n".join(lines).encode(), {})
    assert sum(len(assignment.value) for assignment in found.values()) < 5_000_000


def test_an_env_file_is_read_as_compose_does() -> None:
    text = b"\xef\xbb\xbf# c\nA=1\n export B = two words # why\nC='$A # x'\nD=\"$A #\" # y\nE: yaml\nF=$A$G\n=x\nno\nH=a#b\nI=\n"
    assert {name: assignment.value for name, assignment in read_env_file(text, {"G": "g"}).items()} == {
        "A": "1",
        "B": "two words",
        "C": "$A # x",
        "D": "1 #",
        "E": "yaml",
        "F": "1g",
        "H": "a#b",
        "I": "",
    }
    assert read_env_file(b"\n\nA=1", {})["A"].line == 3
