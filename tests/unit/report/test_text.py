"""Safe text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truetier.report import text


@given(st.text())
def test_plain_text_is_one_printable_line(words: str) -> None:
    assert text.plain(words).isprintable()


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_plain_text_keeps_what_a_reader_can_see(words: str) -> None:
    assert text.plain(words) == words


def test_what_a_screen_would_obey_becomes_a_visible_escape() -> None:
    assert text.plain("a\x1b[2Jb\n\u202ec\U000e0041\t\r") == "a\\x1b[2Jb\\n\\u202ec\\U000e0041\\t\\r"


@given(st.text(), st.integers(10, 200))
def test_clipped_text_is_never_longer_than_asked(words: str, length: int) -> None:
    clipped = text.clip(words, length)
    assert len(clipped) <= length
    assert clipped.isprintable()


def test_a_very_long_name_keeps_both_its_ends() -> None:
    clipped = text.clip("start" + "x" * 1_000_000 + "end", 30)
    assert clipped.startswith("start")
    assert clipped.endswith("end")


def test_wide_signs_take_two_columns_and_marks_none() -> None:
    assert text.columns("abc") == 3
    assert text.columns("日本") == 4
    assert text.columns("e\u0301") == 1
    assert text.pad("日", 4) == "日  "
    assert text.pad("7", 3, right=True) == "  7"


@given(st.text(alphabet="ab ", max_size=80), st.integers(1, 20))
def test_wrapping_loses_no_word_and_breaks_only_at_spaces(words: str, width: int) -> None:
    lines = text.wrapped(words, width)
    assert " ".join(lines).split() == words.split()
    assert all(len(line) <= width or " " not in line.strip() for line in lines)


def test_a_long_path_says_how_much_it_leaves_out() -> None:
    names = tuple(f"s{number}" for number in range(50))
    assert text.path_text(names[:3], 3) == "s0 -> s1 -> s2"
    assert text.path_text(names, 50, 6) == "s0 -> s1 -> s2 -> s3 -> (44 more) -> s48 -> s49"
    assert text.path_text(names, 10_000, 6) == "s0 -> s1 -> s2 -> s3 -> (9,996 more)"
    assert text.path_text((), 0) == ""
