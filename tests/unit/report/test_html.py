"""The page that stands alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tests.unit.report.documents import (
    DOCUMENTS,
    assessment,
    between,
    document,
    exactly,
    fleet_of,
    hostile_document,
    large_document,
    login_document,
    rich_document,
    service,
)
from truetier.graph.hardness import Reading
from truetier.report.document import Summary
from truetier.report.html import render

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Reader(HTMLParser):
    """Tags in order, text joined, and whether everything closes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_page_is_well_formed_and_needs_nobody(name: str) -> None:
    reader = read(render(DOCUMENTS[name]()))
    assert "script" not in reader.tags
    assert not {"img", "link", "iframe", "object", "embed", "base", "form"} & set(reader.tags)
    for attribute, value in reader.attributes:
        assert not attribute.startswith("on")
        if attribute in {"src", "href", "xlink:href", "action"}:
            assert value.startswith("#")


def test_no_style_reaches_for_a_foreign_host() -> None:
    page = render(login_document())
    assert not re.findall(r"url\((?!#)", page)
    assert "@import" not in page
    assert set(re.findall(r"https?://[^\"' ]*", page)) <= {"http://www.w3.org/2000/svg"}


def test_login_shows_verdict_causes_picture_and_place() -> None:
    words = read(render(login_document())).words
    for expected in (
        "1 promise missed",
        "99.7901%",
        "18.385 h/yr",
        "47.6%",
        "truetier.yaml:2:32",
        "as of 2026-11-23",
        "1 unverified claim",
    ):
        assert expected in words
    assert "<svg" in render(login_document())


def test_headings_go_down_one_level_at_a_time_and_tables_name_their_scope() -> None:
    reader = read(render(rich_document()))
    levels = [int(tag[1]) for tag in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert reader.tags.count("th") == sum(name == "scope" for name, _ in reader.attributes)


def test_identifiers_are_unique() -> None:
    identifiers = [value for name, value in read(render(rich_document())).attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))


def test_totals_agree_with_their_nouns_and_nothing_is_not_alarming() -> None:
    page = render(rich_document())
    for tile in ('class="error"><b>1</b> error<', 'class="warning"><b>1</b> warning<', "<b>1</b> note<"):
        assert tile in page
    kept = render(login_document()._replace(summary=Summary(0, 0, 12, 0, 1_234, 0, 0)))
    assert 'class="none"><b>0</b> missed<' in kept
    assert 'class="met"><b>1,234</b> met<' in kept


def test_a_remark_stands_below_numbers_that_leave_no_room() -> None:
    fleet = fleet_of(service("a", "T1"))
    for down, found in ((between(0.1, 1.0), 1), (exactly(0.1), 0)):
        assert render(document(fleet, [assessment("a", "T1", down)])).count('class="readings ranges"') == found


def test_everything_in_doubt_is_on_the_page() -> None:
    words = read(render(rich_document())).words
    for expected in (
        "Sources disagree: 1",
        "Not read: 1",
        "Matches no service: 1",
        "Not judged: 2",
        "Assumed: 1",
        "1 waived",
        "1 in the baseline",
    ):
        assert expected in words


def test_hostile_names_stay_text() -> None:
    page = render(hostile_document())
    reader = read(page)
    assert "<script" not in page
    assert "<script>alert('1')</script>" in reader.words
    assert all(sign.isprintable() or sign == "\n" for sign in reader.words)


def test_the_verified_reading_is_named() -> None:
    assert "Judged by verified claims alone" in render(login_document()._replace(trust=Reading.VERIFIED))


def test_a_large_fleet_makes_a_bounded_page() -> None:
    page = render(large_document(3_000))
    assert len(page) < 4_000_000
    assert "the JSON output has all of them" in page


def test_titles_tell_missed_unknown_kept_and_nothing_apart() -> None:
    rich = rich_document()
    unknown = rich._replace(summary=rich.summary._replace(missed=0))
    loose = rich._replace(summary=rich.summary._replace(missed=0, unknown=0))
    kept = loose._replace(summary=loose.summary._replace(error=0))
    for shown, title in (
        (rich, "4 promises missed"),
        (unknown, "1 promise cannot be judged"),
        (loose, "Every promise is kept, but 1 error found"),
        (kept, "Every promise is kept"),
    ):
        assert f"<h1>{title}</h1>" in render(shown)
    assert "<h1>Nothing is promised</h1>" in render(DOCUMENTS["empty"]())
