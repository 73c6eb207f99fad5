from __future__ import annotations

import pytest

from truetier.errors import CatalogError
from truetier.sources.tree_path import at, brief, items_at, pairs_at, parse_foreign, text_at, texts_at

(DOCUMENT,) = parse_foreign(b"a: {b: [1, 2], c: x, d: null, e: {f: g, h: [i]}}\n", "f")


def test_a_path_leads_to_a_value_or_to_nothing() -> None:
    assert text_at(DOCUMENT, "a", "c") == "x"
    assert [item.text for item in items_at(DOCUMENT, "a", "b")] == ["1", "2"]
    assert [name.text for name, _ in pairs_at(DOCUMENT, "a", "e")] == ["f", "h"]
    assert texts_at(DOCUMENT, "a", "e") == {"f": "g"}
    assert at(DOCUMENT, "a", "x", "y") is None
    assert at(None, "a") is None


def test_null_and_the_wrong_shape_are_nothing() -> None:
    assert at(DOCUMENT, "a", "d") is None
    assert text_at(DOCUMENT, "a", "b") == ""
    assert items_at(DOCUMENT, "a", "c") == []
    assert pairs_at(DOCUMENT, "a", "b") == []


def test_a_part_is_shown_on_one_short_line() -> None:
    assert brief(at(DOCUMENT, "a")) == "b: [1, 2], c: x, d: null, e: {f: g, h: [i]}"
    assert brief(at(DOCUMENT, "a"), limit=12) == "b: [1, 2]..."
    assert brief(None) == ""


def test_mistakes_are_those_of_the_text_as_it_is() -> None:
    with pytest.raises(CatalogError) as caught:
        parse_foreign(b"a: [\n x\n]\nb: [1\nc: 'x", "f")
    assert caught.value.mistakes[0].place is not None
