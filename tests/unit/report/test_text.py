"""Safe text and the words for numbers."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.documents import assessment, between, exactly, finding, large_document, login_document
from truetier.availability.estimate import Contributor, Estimate, Method, SubjectKind
from truetier.report import text
from truetier.units import downtime_text


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


def test_an_interval_shows_both_ends() -> None:
    estimate = between(0.001, 0.01)
    assert text.availability_of(estimate) == "99% to 99.9%"
    assert text.downtime_of(estimate) == "8.76 h/yr to 3.65 d/yr"
    assert text.method_text(estimate) == "interval"


def test_the_method_is_the_one_used() -> None:
    assert text.method_text(exactly(0.1)) == "exact"
    assert text.method_text(Estimate(0.9, 0.91, 0.09, 0.1, Method.SIMULATION)) == "simulation"


@pytest.mark.parametrize(("costs", "words"), [(525.6, "100.0%"), (0.1, "<0.1%"), (0.0, "0.0%"), (-52.56, "-10.0%")])
def test_a_share_is_never_rounded_to_nothing(costs: float, words: str) -> None:
    assert text.share_text(Contributor("x", costs, 0.0), assessment("s", "T2", exactly(0.001))) == words


def test_a_perfect_subject_has_no_shares() -> None:
    assert text.share_of(Contributor("x", 0.0, 0.0), assessment("s", "T2", exactly(0.0))) == 0.0


def test_the_rows_of_a_journey_have_no_ceiling() -> None:
    journey = assessment("buy", "T1", exactly(0.01), kind=SubjectKind.JOURNEY)
    assert [row[0] for row in text.readings(journey, login_document())] == ["promises", "delivers"]


def test_missed_promises_come_first_the_worst_on_top() -> None:
    document = large_document(50)
    ranked = [subject.verdict.value for subject in text.missed_first(document.services)]
    assert ranked == sorted(ranked, key=["missed", "unknown", "met", "none"].index)


@pytest.mark.parametrize("form", ["html", "sarif", "github", "markdown", "terminal"])
def test_a_cost_that_the_message_tells_is_not_told_again(form: str) -> None:
    message = f"loses {downtime_text(525.6)}"
    shown = login_document()._replace(findings=(finding("login", message=message, minutes=525.6),))
    rendered = import_module(f"truetier.report.{form}").render(shown)
    assert f"{message} (" not in rendered
    assert message in rendered
