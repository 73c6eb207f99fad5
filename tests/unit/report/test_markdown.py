"""Markdown for a pull request."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report.documents import DOCUMENTS, hostile_document, large_document, login_document, rich_document
from truetier.report.markdown import code, render, sentence


def test_the_verdict_comes_first() -> None:
    text = render(login_document())
    assert text.startswith("### truetier: ❌ 2 new findings to fix\n")
    assert "| `login` | T1 99.99% | T3 99.7901% | 18.385 h/yr | `user-profile` 47.6%" in text
    assert "**TT101 inversion** `login -> user-profile` T1 needs T2 while it serves (8.7552 h/yr) at `truetier.yaml:2:32`" in text
    assert "As of 2026-11-23" in text


@pytest.mark.parametrize(
    ("name", "title"),
    [("rich", "❌ 1 new finding to fix"), ("empty", "✅ every promise is kept")],
)
def test_the_title_says_how_it_stands(name: str, title: str) -> None:
    assert f"### truetier: {title}\n" in render(DOCUMENTS[name]())


def test_the_title_tells_missed_and_unknown_from_clean() -> None:
    rich = rich_document()._replace(findings=())
    assert "⚠️ 4 promises missed, nothing new that blocks" in render(rich)
    unknown = tuple(item for item in rich.services if item.name == "mystery")
    summary = rich.summary._replace(missed=0)
    assert "❔ 1 promise cannot be judged" in render(rich._replace(services=unknown, journeys=(), endpoints=(), summary=summary))


def test_new_findings_stand_before_known_and_waived_ones() -> None:
    text = render(rich_document())
    places = [text.index(words) for words in ("error: 1 finding", "note: 1 finding", "In the baseline", "Waived", "Not read", "Assumed")]
    assert places == sorted(places)
    assert text.count("<details>") == text.count("</details>")


def test_a_large_fleet_fits_into_one_comment() -> None:
    text = render(large_document(3_000))
    assert len(text) < 65_000
    assert "*and " in text


def test_enormous_names_fit_too() -> None:
    assert len(render(hostile_document("`" * 100_000))) < 65_000


def test_what_does_not_fit_is_left_out_and_said() -> None:
    document = large_document(200)
    loud = tuple(item._replace(said=item.said._replace(message="<" * 400, fix="<" * 400)) for item in tuple(document.findings) * 5)
    text = render(document._replace(findings=loud))
    assert len(text) < 65_000
    assert "The rest is left out" in text


def test_hostile_names_are_neither_markup_nor_mentions_nor_links() -> None:
    text = render(hostile_document())
    assert "<script" not in text
    assert "@team" not in text
    assert "#7" not in text
    assert "](http" not in text
    assert "http://" not in text
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.count("|") == 7


@given(st.text(alphabet=st.sampled_from("`|\\<>&@#*_[]() \n:/.wmaxiltohe-"), max_size=60))
def test_names_and_sentences_never_hold_live_markup(words: str) -> None:
    for text in (code(words), sentence(words)):
        assert "|" not in text
        assert "\n" not in text
        assert "://" not in text or text.startswith("`")
        assert re.search(r"<(?!/?code>|!-- -->)", text) is None or text.startswith("`")
    inside = code(words)
    assert inside.count("`") in {0, 2}
    assert re.search(r"@(?!<!-- -->)", sentence(words)) is None
