"""The loop that reads plain files against the parser that reads all: the same tree at the same places, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from truetier.errors import CatalogError
from truetier.sources.yaml_tree import kernel, parsed
from truetier.sources.yaml_tree.node import PlainSeq, Text

if TYPE_CHECKING:
    from truetier.sources.yaml_tree import Node

ROOT = Path(__file__).parents[3]
CORPUS = sorted(path for folder in ("catalog-examples", "tests/data", "tests/golden") for path in (ROOT / folder).rglob("*.y*ml"))
PLAIN = (
    "a:\n",
    "a: 1\nb:\n  c: d e  # why\n  f:\n\n# more\n  g: [x, y z]\nh: {i: j, k: [l, {m: n}]}\n",
    "a:\n- b\n- c\nd:\n  - e\n  - f: g\n    h: i\n  - j\n",
    "a: ''\nb: \"x y\"\nc: {}\nd: []\ne: {f: {}, g: ''}\n",
    "a:\n  - b:\n    - c\n    d: e\n  -   f: g\n      h:\n",
    "a:\n  - {b: c}\n  - [d]\n  - 'e'\n  - f\n",
    "a: it's, as they say, (done) ~ 5% + 3\n",
    "a:   b   \nc:  # nothing\nd: e",
)
NOT_PLAIN = (
    "",
    "# nothing\n",
    "- a\n",
    "  a: b\n",
    "a: &x b\n",
    "a: !!str b\n",
    "a: |\n  b\n",
    "a: b\n  c\n",
    "a: 'b\n  c'\n",
    'a: "b\\n"\n',
    "a: 'it''s'\n",
    "a: b: c\n",
    "a:b\n",
    "a: {b: c,\n  d: e}\n",
    "a: {b: c,}\n",
    "a: {b}\n",
    "a: {b:c}\n",
    "a: [{}, b]\n",
    "a:\n  - {}\n  - b\n",
    "a: [b: c]\n",
    "a: [b c\n",
    "a: {b: c} d\n",
    "a:\n  b: c\n d: e\n",
    "a:\n    b: c\n  d: e\n",
    "a: b\na: c\n",
    "a: {b: c, b: d}\n",
    "a: b\n- c\n",
    "a:\n  - b\n  c: d\n",
    "a:\n  -\n",
    "a:\tb\n",
    "a: b\r\n",
    "---\na: b\n",
    "a: b\n---\nc: d\n",
    "a: ü\n",
    "? a\n: b\n",
    "<<: {a: b}\n",
    "a: b#c\n",
    "a: b  # \x07\n",
    "a: -5\n",
    "a b: c\n",
    "a:\n" + "".join(f"{'  ' * depth}b:\n" for depth in range(1, 30)),
    "a: " + "[" * 30 + "]" * 30 + "\n",
    "# " + "[" * 1000 + "\na: b\n",
)


def outline(node: Node) -> object:
    return (
        (node.kind, node.offset, node.tag, node.text, node.is_plain, node.is_null, node.place("f")),
        [outline(item) for item in node.items],
        [(outline(key), outline(value)) for key, value in node.pairs],
    )


def check(content: bytes) -> bool:
    """Whether the text is plain; that it then means the same as the parser says is asserted."""
    found = kernel.plain_document(Text(content))
    if found is None:
        return False
    documents, twice = parsed(content, "f")
    assert not twice
    assert [outline(document) for document in documents] == [outline(found)]
    return True


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_is_read_as_the_parser_reads_it(text: str) -> None:
    assert check(text.encode())


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_what_needs_a_thought_is_left_to_the_parser(text: str) -> None:
    assert not check(text.encode())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_the_corpus_is_read_alike(path: Path) -> None:
    check(path.read_bytes())


PIECES = st.sampled_from(
    [
        "{a: b, 0: 1}",
        *"ab01 \n\n\n  :-#,[]{}'\"~.*&!|>?%@$()+=;<^`\\\t\r/_",
        ": ",
        "- ",
        "\n  ",
        "\n- ",
        "\n  - ",
        " #",
        "a: ",
        "b:",
        "{a: b",
        "]\n",
        "}\n",
        "''",
        "null",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
@example("a:\n- b\n c: d")
@settings(max_examples=1500, deadline=None)
def test_any_soup_is_read_alike_or_not_at_all(text: str) -> None:
    check(text.encode())
    check(b"a:\n  b: c\n" + text.encode())


SCALARS = st.sampled_from(["x", "T1", "99.9%", "null", "~", "''", "'y z'", '"q"', "a b", "it's", "1h30m", "2027-03-31", "b, c", ""])
FLOWS = st.recursive(
    st.sampled_from(["x", "T1", "99.9%", "'y z'", "''", "a b", "{}", "[]"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(lambda items: f"{{{', '.join(f'k{number}: {item}' for number, item in enumerate(items))}}}"),
    ),
    max_leaves=6,
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines: list[str] = []

    def block(indent: int, depth: int) -> None:
        is_list = depth > 0 and draw(st.booleans())
        for number in range(draw(st.integers(1, 3))):
            if draw(st.integers(0, 9)) == 0:
                lines.append(draw(st.sampled_from(["", "   ", "# remark", "      # remark [x]"])))
            head = " " * indent + ("- " if is_list else f"k{number}:")
            form = draw(st.integers(0, 3))
            if form == 0 and depth < 4 and not is_list:
                lines.append(head)
                block(indent + draw(st.integers(0, 3)), depth + 1)
            elif form == 1:
                lines.append(f"{head} {draw(FLOWS)}{draw(st.sampled_from(['', ' ', '  # why']))}")
            else:
                lines.append(f"{head} {draw(SCALARS)}{draw(st.sampled_from(['', ' ', '  # why']))}")

    block(0, 0)
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))


@given(documents())
@settings(max_examples=400, deadline=None)
def test_any_document_of_blocks_and_brackets_is_read_alike_or_not_at_all(text: str) -> None:
    try:
        check(text.encode())
    except CatalogError:
        pytest.fail(f"the parser refuses {text!r}")


@pytest.mark.parametrize("text", [b"a:\n  - b\n\n  - c\n", b"z: 1\na: [b,  c ]\n", b"z:\n  y: {x: 1, a: [ b, c], w: 2}\na: [b, c]\n"])
def test_a_list_of_plain_texts_makes_its_nodes_when_they_are_asked_for(text: bytes) -> None:
    root = kernel.plain_document(Text(text))
    assert root is not None
    found = root.pairs[-1][1]
    assert isinstance(found, PlainSeq)
    assert found.texts == ["b", "c"]
    assert list(zip(found.lines, found.columns, strict=True)) == [(item.line, item.column) for item in found.items]
    assert found.items is found.items
    with pytest.raises(AttributeError):
        found.nothing  # noqa: B018


def test_maps_that_differ_in_their_first_value_share_a_frame() -> None:
    text = "a:\n  - {b: c, d: e f}\n  - g\n  - { b: h }\n  - {b: i j , d: e f}  # why\n  - {b: longer, d: e f}\nz: ''\n"
    assert check(text.encode())
    root = kernel.plain_document(Text(text.encode()))
    assert root is not None
    found = root.pairs[0][1]
    assert isinstance(found, PlainSeq)
    assert found.texts == ["c", "g", "h", "i j", "longer"]
    first, none, alone, spaced, again = found.frames
    assert first is again
    assert none is None
    assert len({first, alone, spaced}) == 3
    assert list(zip(found.lines, found.columns, strict=True)) == [(item.line, item.column) for item in found.items]


@pytest.mark.parametrize("item", ["{b: {c: d}}", "{b: 'c'}", "{b: c, d: 'e'}", "{b: c, d: [e]}", "{   b: c}", "{b: ''}", "[b]", "{}", "''"])
@pytest.mark.parametrize("form", ["a:\n  - x\n  - {{b: c}}\n  - {}\n  - x\nz: ''\n", "a: [x, {{b: c}}, {}, x]\nz: ''\n"])
def test_a_list_with_anything_else_is_one_of_nodes(form: str, item: str) -> None:
    text = form.format(item).encode()
    assert check(text)
    root = kernel.plain_document(Text(text))
    assert root is not None
    assert not isinstance(root.pairs[0][1], PlainSeq)


def test_where_maps_have_little_in_common_they_are_read_one_by_one() -> None:
    text = "a:\n" + "".join(f"  - {{b: c, d: e{number}}}\n" for number in range(1200)) + "f: [{b: c, d: e3}]\n"
    assert check(text.encode())


@pytest.mark.parametrize(
    "text", ["{b: c, d}", "{b: c, b: d}", "{b: c, d: e: f}", "{b: c,}", "{b: c, d: e} f", "{b: c", "{b:\n", "{ \n", "{b c}", "{'b': c}"]
)
def test_a_map_that_is_not_plain_is_left_to_the_parser(text: str) -> None:
    assert not check(f"a:\n  - {text}\n".encode())
    assert not check(f"a: [x, {text}]\n".encode())
