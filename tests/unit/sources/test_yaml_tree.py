"""YAML as nodes: what is read, where it stands, and what is refused, whatever the bytes."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.errors import CatalogError, Place
from truetier.sources.yaml_tree import Node, parse_yaml

MILLION = 10**6


def tree(content: bytes | str) -> object:
    """The first document as plain values."""
    return plain(parse_yaml(content if isinstance(content, bytes) else content.encode(), "f")[0])


def plain(node: Node) -> object:
    """A node as plain values."""
    if node.kind == "map":
        return {key.text: plain(value) for key, value in node.pairs}
    if node.kind == "seq":
        return [plain(item) for item in node.items]
    return None if node.is_null else node.text


def refusal(content: bytes | str) -> list[str]:
    """Why a text is refused, without the file's name."""
    with pytest.raises(CatalogError) as caught:
        parse_yaml(content if isinstance(content, bytes) else content.encode(), "f")
    return [str(mistake).removeprefix("f:") for mistake in caught.value.mistakes]


def places(content: bytes | str) -> list[tuple[str, int, int]]:
    """Every scalar with its line and column, in document order."""
    found: list[tuple[str, int, int]] = []
    for document in parse_yaml(content if isinstance(content, bytes) else content.encode(), "f"):
        waiting = [document]
        while waiting:
            node = waiting.pop()
            if node.kind == "scalar":
                found.append((node.text, node.line, node.column))
            waiting += [inner for pair in reversed(node.pairs) for inner in reversed(pair)]
            waiting += reversed(node.items)
    return found


# What is read


def test_maps_lists_and_scalars() -> None:
    assert tree("a: {b: [c, ~, 'd e']}\nf:\n- g: 1\n  h:\n") == {"a": {"b": ["c", None, "d e"]}, "f": [{"g": "1", "h": None}]}


def test_only_a_plain_scalar_can_be_nothing() -> None:
    assert tree("[~, null, '~', \"null\", !!str null, '']") == [None, None, "~", "null", "null", ""]


def test_quotes_escapes_and_blocks() -> None:
    assert tree("a: \"x\\ty \\u00e9\"\nb: 'it''s'\nc: |\n  one\n  two\nd: >-\n  one\n  two\n") == {
        "a": "x\ty é",
        "b": "it's",
        "c": "one\ntwo\n",
        "d": "one two",
    }


def test_every_document_is_given() -> None:
    assert [plain(document) for document in parse_yaml(b"a: 1\n---\n- b\n---\n", "f")] == [{"a": "1"}, ["b"], None]


def test_line_ends_of_every_system_and_a_byte_order_mark() -> None:
    for text in (b"a: b\r\nc: d\r\n", b"a: b\rc: d\r", b"\xef\xbb\xbfa: b\nc: d"):
        assert places(text) == [("a", 1, 1), ("b", 1, 4), ("c", 2, 1), ("d", 2, 4)]


def test_a_tab_may_stand_after_a_colon_or_a_dash() -> None:
    assert tree("a:\tb\nc:\t\n  -\td\n  - -\te:\tf\n'g':\t{h:\ti}\n") == {"a": "b", "c": ["d", [{"e": "f"}]], "g": {"h": "i"}}
    assert places("a:\tb\nc: d\n") == places("a: b\nc: d\n")


def test_aliases_share_what_the_anchor_holds() -> None:
    assert tree("a: &x {b: &y c}\nd: *x\ne: [*y, *x]\n*y : f\n") == {"a": {"b": "c"}, "d": {"b": "c"}, "e": ["c", {"b": "c"}], "c": "f"}


def test_an_anchor_written_again_means_the_newer_value() -> None:
    assert tree("[&a x, *a, &a y, *a]") == ["x", "x", "y", "y"]


def test_merge_keys_give_way_to_the_maps_own_and_to_earlier_maps() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: *a, y: 5}\nd: {<<: [*b, *a]}\ne: {'<<': 6}\n"
    assert tree(text) == {
        "a": {"x": "1", "y": "2"},
        "b": {"y": "3", "z": "4"},
        "c": {"x": "1", "y": "5"},
        "d": {"y": "3", "z": "4", "x": "1"},
        "e": {"<<": "6"},
    }


def test_tags_are_kept_and_str_makes_text() -> None:
    node = parse_yaml(b"[!!str 5, !mine x, !mine {}, !!int 5]", "f")[0]
    assert [item.tag for item in node.items] == ["!!str", "!mine", "!mine", "!!int"]
    assert [item.is_plain for item in node.items] == [False, True, False, True]


def test_a_value_is_found_by_its_key() -> None:
    node = parse_yaml(b"a: 1\nb: 2", "f")[0]
    assert (node.get("b") or node).text == "2"
    assert node.get("c") is None


# Where it stands


def test_columns_count_characters_not_bytes() -> None:
    assert places("é: {ß: 日本, c: d}\n") == [("é", 1, 1), ("ß", 1, 5), ("日本", 1, 8), ("c", 1, 12), ("d", 1, 15)]


def test_a_quoted_text_begins_at_its_quote_even_when_it_grows() -> None:
    assert ("\u2028", 2, 1) in places("a: 'b'\nc: [\"\\L\", d]\n")
    assert places("a: 'b'\nd: ''\n") == [("a", 1, 1), ("b", 1, 4), ("d", 2, 1), ("", 2, 4)]


def test_containers_begin_at_their_bracket_or_their_first_key() -> None:
    node = parse_yaml(b"a: {b: [c]}\nd:\n  - e: f\ng: [ ]\nh: {}\n", "f")[0]
    values = {key.text: value for key, value in node.pairs}
    assert values["a"].place("f") == Place("f", 1, 4)
    assert values["a"].pairs[0][1].place("f") == Place("f", 1, 8)
    assert values["d"].items[0].place("f") == Place("f", 3, 5)
    assert [values[name].place("f") for name in "gh"] == [Place("f", 4, 4), Place("f", 5, 4)]


def test_an_aliased_text_stands_where_the_alias_does() -> None:
    assert places("a: &x b\nc: *x\n") == [("a", 1, 1), ("b", 1, 7), ("c", 2, 1), ("b", 2, 4)]


def test_places_are_right_beyond_every_power_of_256_and_over_many_chunks() -> None:
    lines = [f"key-{number}: [value-{number}, {number}]" for number in range(60_000)]
    content = "\n".join(lines)
    assert len(content) > 256**2
    found = places(content)
    assert len(found) == 180_000
    assert all(lines[line - 1][column - 1 :].startswith(text) for text, line, column in found)


WORDS = ["a", "key", ": ", ":", "\n", "\n  ", "\n    ", "- ", "? ", "[", "]", "{", "}", ", ", '"', "'", "|\n", ">\n", "\n---\n", "\n...\n"]
WORDS += ["# c", "\t", "\r\n", "é", "~", "1", "  ", "`", "@", "\\", "%YAML 1.2", "<<: ", "-\n", "?\n", ":\n", "="]
PROPERTIES = ["&x ", "*x", "&x\n", "!t ", "!t\n", "!!str ", "!<a> ", "!", "&", "*", "*x : "]


@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_every_plain_word_is_found_where_it_is_said_to_be(words: list[str]) -> None:
    text = "".join(words)
    try:
        found = places(text)
    except CatalogError:
        return
    lines = re.split("\r\n|\r|\n", text)
    for word, line, column in found:
        if word and re.fullmatch("[a-z0-9é]+", word):
            assert lines[line - 1][column - 1 :].lstrip("\"'").startswith(word), (text, word, line, column)


@given(st.lists(st.sampled_from(WORDS + PROPERTIES), max_size=30))
def test_tags_anchors_and_aliases_in_any_order_are_read_or_refused(words: list[str]) -> None:
    read_or_refused("".join(words).encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refused(content)


def read_or_refused(content: bytes) -> bool:
    try:
        documents = parse_yaml(content, "f")
    except CatalogError as error:
        return not error.mistakes
    return all(document.line >= 1 and document.column >= 1 for document in documents)


# What is refused


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["1:1: the file is empty"]),
        (b" \n\t\n", ["1:1: the file is empty"]),
        (b"\xef\xbb\xbf", ["1:1: the file is empty"]),
        (b"# only a comment\n", ["1:1: the file is empty"]),
        (b"a: \x00\n", ["1:4: control character 0x00 is not allowed; write it as an escape in double quotes"]),
        (b"a: b\nc: \x1b[31m\n", ["2:4: control character 0x1b is not allowed; write it as an escape in double quotes"]),
        ("a: b\n".encode("utf-16"), ["1:1: the file is encoded in UTF-16; save it as UTF-8"]),
        ("a: b\n".encode("utf-16-be"), ["1:1: the file looks encoded in UTF-16 or UTF-32; save it as UTF-8"]),
        ("a: b\n".encode("utf-32"), ["1:1: the file is encoded in UTF-32; save it as UTF-8"]),
        ("a: é\n".encode("latin-1"), ["1:4: byte 0xe9 is not UTF-8 (perhaps it is Latin-1 or Windows-1252); save the file as UTF-8"]),
        (b'a: "\\ud800"\n', ["1:4: an escape in this text names no character"]),
        (b"a: [b\n", ["2:1: not valid YAML: missing terminating ]"]),
        (
            b"a: {\n  b: c\n}\n",
            ["3:1: not valid YAML; lines inside [ ] and { } must be indented deeper than the line that opens them"],
        ),
        (b'a: "b\n', ["2:1: a quote is opened and never closed"]),
        (b'a:\n  b: {c: "d}\n  e: f\n', ["3:1: a quote that the line above opens is not closed there"]),
        (b"a: b: c\n", ["1:7: two colons on one line; put the value in quotes, or the inner map on its own line"]),
        (b"? {a: b}\n: c\n", ["1:3: a key must be a plain name, not a map or a list"]),
        (b"a:\n\tb: c\n", ["2:1: a tab indents this line; YAML is indented by spaces alone"]),
        (b"a: {b: 1,\n\tc: 2}\n", ["2:1: a tab indents this line; YAML is indented by spaces alone"]),
        (b"a:\n  b: 1\n  \tc:\n    d: 2\n", ["3:3: a tab indents this line; YAML is indented by spaces alone"]),
        (
            b"a: 1\nb: 2\na: 3\n'a': 4\n",
            ["3:1: 'a' is written twice in one map; the first is at f:1:1", "4:1: 'a' is written twice in one map; the first is at f:1:1"],
        ),
        (b"a: {b: 1, b: 2}\n", ["1:11: 'b' is written twice in one map; the first is at f:1:5"]),
        (b"a: *x\nb: [*y]\n", ["1:4: the alias '*x' names no anchor above it", "2:5: the alias '*y' names no anchor above it"]),
        (b"a: &x 1\n---\nb: *x\n", ["3:4: the alias '*x' names no anchor above it"]),
        (b"a: &a {needs: [*a]}\n", ["1:16: the anchor '&a' contains itself"]),
        (b"a: &a\n  <<: *a\n", ["2:7: the anchor '&a' contains itself", "2:3: the merge key << takes a map or a list of maps"][::-1]),
        (b"a: {<<: 1}\n", ["1:5: the merge key << takes a map or a list of maps"]),
        (b"a: &x [1]\n*x : b\n", ["2:1: a key must be a plain name, not a map or a list"]),
        (b"!a !b !c d\n", ["1:7: three tags or anchors in a row; a value has at most one of each"]),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_it_is_refused_at_its_place(content: bytes, expected: list[str]) -> None:
    assert refusal(content) == expected


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12)]
    assert "expand to too many values" in refusal("\n".join(lines))[0]


def test_a_chain_of_aliases_that_grows_too_deep_is_refused() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{level}: &a{level} [*a{level - 1}]" for level in range(1, 200)]
    assert refusal("\n".join(lines)) == ["100:12: nested deeper than 100 levels once aliases are resolved"]


def test_a_merge_that_repeats_a_large_map_is_refused() -> None:
    large = ", ".join(f"k{number}: v" for number in range(3000))
    lines = [f"a: &a {{{large}}}"] + [f"b{number}: {{<<: *a}}" for number in range(3000)]
    assert "expand to too many values" in refusal("\n".join(lines))[0]


HOSTILE = {
    "opening brackets": b"[" * MILLION,
    "opening braces": b"{" * MILLION,
    "brackets and braces": b"[{" * (MILLION // 2),
    "brackets after closing ones": b"# " + b"]" * MILLION + b"\n" + b"[" * MILLION,
    "dashes with spaces": b"- " * MILLION,
    "question marks": b"? " * MILLION,
    "colons": b": " * MILLION,
    "double quotes": b'"' * MILLION,
    "single quotes": b"'" * MILLION,
    "backslashes": b'"' + b"\\" * MILLION,
    "stars": b"*" * MILLION,
    "ampersands": b"&" * MILLION,
    "exclamation marks": b"!" * MILLION,
    "tags": b"!t " * (MILLION // 3),
    "anchors": b"&a " * (MILLION // 3),
    "directives": b"%YAML 1.2\n" * (MILLION // 10),
    "document ends": b"...\n" * (MILLION // 4),
    "documents": b"--- a\n" * (MILLION // 60),
    "carriage returns": b"\r" * MILLION,
    "tabs": b"\t" * MILLION,
    "comment signs": b"#" * MILLION,
    "one long line": b"a" * 10 * MILLION,
    "commas": b"[" + b"," * MILLION + b"]",
    "growing indentation": b"".join(b" " * depth + b"a:\n" for depth in range(1000)),
    "growing lists": b"".join(b" " * depth + b"-\n" for depth in range(1000)),
    "one name again and again": b"a:\n" * (MILLION // 10),
    "printable noise": bytes(random.Random(1).choices(b"abcdefgh \n:-,[]{}'\"#&*!|>%@", k=MILLION)),
    "noise": random.Random(2).randbytes(MILLION),
    "a file beyond the limit": b"a" * (65 * 1024 * 1024),
    "more values than the limit": b"[" + b"a," * (7 * MILLION) + b"]",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_ends_in_bounded_time(content: bytes) -> None:
    began = time.process_time()
    read_or_refused(content)
    assert time.process_time() - began < 10


def test_a_hundred_megabytes_of_noise_are_refused_at_once() -> None:
    began = time.process_time()
    assert "at most 67108864 are read" in refusal(bytes(100 * MILLION))[0]
    assert time.process_time() - began < 1


def test_the_parser_prints_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    refusal(b"a: [\x27\n")
    os.write(2, b"seen")
    assert capfd.readouterr() == ("", "seen")


def test_a_closed_standard_error_is_no_hindrance() -> None:
    code = "import os; os.close(2)\nfrom truetier.sources.yaml_tree import parse_yaml\nprint(parse_yaml(b'a: b', 'f'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "Node(scalar, 'b')" in done.stdout
