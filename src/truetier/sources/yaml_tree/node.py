"""Nodes of a YAML document, and where they stand in their file."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, repeat
from typing import Literal

from truetier.errors import Place
from truetier.record import maker

BOM = b"\xef\xbb\xbf"
_NEAR = 1000  # bytes between a key and its value, comments included
_PLACE = maker(Place)
NULLS = frozenset(("", "~", "null", "Null", "NULL"))


class Text:
    """The bytes of one file, and the line and column of each offset in them."""

    __slots__ = ("content", "is_ascii", "starts")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.is_ascii = content.isascii()
        self.starts = list(accumulate(map(len, content.splitlines(keepends=True)), initial=0))  # of the lines

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1; the column counts characters."""
        line = bisect_right(self.starts, offset)
        start = self.starts[line - 1]
        if self.is_ascii:
            return line, offset - start + 1
        if start == 0:
            start = len(BOM) if self.content.startswith(BOM) else 0
        return line, len(self.content[start:offset].decode("utf-8", "replace")) + 1


class Node:
    """One value of a YAML document; aliases are resolved, so a node may stand in several places.

    ``kind`` says which of ``text`` (scalar), ``pairs`` (map) or ``items`` (seq) holds the value; the others are empty.
    ``is_plain`` is true for a scalar without quotes: only such a scalar can be null, a number or a boolean. ``tag`` is
    as written, and empty without one.
    """

    __slots__ = ("offset", "source", "tag")

    kind: Literal["map", "seq", "scalar"]
    text: str
    is_plain: bool
    pairs: list[tuple[Node, Node]]
    items: list[Node]
    tag: str
    offset: int  # of its first text
    source: Text

    def __init__(self, source: Text, offset: int) -> None:
        self.source = source
        self.offset = offset
        self.tag = ""

    @property
    def is_null(self) -> bool:
        """Whether the value is absent: nothing, ``~`` or ``null`` without quotes."""
        return self.is_plain and self.text in NULLS

    @property
    def line(self) -> int:
        """The line it begins on, from 1."""
        return self.source.position(self._start)[0]

    @property
    def column(self) -> int:
        """The column it begins at, from 1, counted in characters."""
        return self.source.position(self._start)[1]

    def place(self, file: str) -> Place:
        """Where the value begins, as an address."""
        source = self.source
        offset = self.offset if self.is_plain else self._start
        if not source.is_ascii:
            return Place(file, *source.position(offset))
        line = bisect_right(source.starts, offset)
        return _PLACE((file, line, offset - source.starts[line - 1] + 1))

    def get(self, key: str) -> Node | None:
        """The value under a key of a map; None when there is none or this is no map."""
        for name, value in self.pairs:
            if name.text == key:
                return value
        return None

    @property
    def _start(self) -> int:
        """The offset of the opening quote or bracket, where there is one."""
        offset = self.offset
        if self.is_plain:
            return offset
        if not (self.text or self.pairs or self.items):
            return self._start_of_nothing()
        content = self.source.content
        before = content[offset - 1] if offset else 0
        if self.kind == "scalar":
            return offset - 1 if before in b"\"'" else offset
        bracket = b"{" if self.kind == "map" else b"["
        if before in b" \t\"'":
            begin = max(0, offset - 80)
            offset = begin + len(content[begin:offset].rstrip(b" \t\"'"))
        return offset - 1 if content[offset - 1 : offset] == bracket else self.offset

    def _start_of_nothing(self) -> int:
        """Where empty quotes or brackets open: behind the text before them, where the offset is."""
        signs = {"map": (b"{",), "seq": (b"[",), "scalar": (b'""', b"''")}[self.kind]
        found = (self.source.content.find(sign, self.offset, self.offset + _NEAR) for sign in signs)
        return min((position for position in found if position >= 0), default=self.offset)

    def __repr__(self) -> str:
        value = {"map": self.pairs, "seq": self.items}.get(self.kind, self.text)
        return f"Node({self.kind}, {value!r})"


_NO_PAIRS: list[tuple[Node, Node]] = []
_NO_ITEMS: list[Node] = []


class Scalar(Node):
    """A text, a number, a boolean or nothing."""

    __slots__ = ("is_plain", "text")

    kind = "scalar"
    pairs = _NO_PAIRS
    items = _NO_ITEMS

    def __init__(self, source: Text, offset: int, text: str, is_plain: bool) -> None:  # noqa: FBT001 - built a million times, by one caller
        self.source = source
        self.offset = offset
        self.tag = ""
        self.text = text
        self.is_plain = is_plain


class Map(Node):
    """Names and values, in file order."""

    __slots__ = ("pairs",)

    kind = "map"
    text = ""
    is_plain = False
    items = _NO_ITEMS

    def __init__(self, source: Text, offset: int) -> None:
        super().__init__(source, offset)
        self.pairs = []


class Seq(Node):
    """Values, in file order."""

    __slots__ = ("items",)

    kind = "seq"
    text = ""
    is_plain = False
    pairs = _NO_PAIRS

    def __init__(self, source: Text, offset: int) -> None:
        super().__init__(source, offset)
        self.items = []


class Frame:
    """What maps in brackets have in common that differ in their first value alone, all of them texts without quotes.

    ``name`` is the first key. Offsets: ``key`` and ``value`` of the first pair count from the bracket, those of ``others`` (key, its text,
    value, its text) from the end of the first value.
    """

    __slots__ = ("key", "name", "others", "value")

    def __init__(self, around: Node, bracket: int) -> None:
        (key, value), *others = around.pairs
        end = value.offset + len(value.text)
        self.name = key.text
        self.key = key.offset - bracket
        self.value = value.offset - bracket
        self.others = [(key.offset - end, key.text, value.offset - end, value.text) for key, value in others]

    def filled(self, source: Text, bracket: int, text: str) -> Map:
        """The map with that text as its first value, in brackets that open there."""
        found = Map(source, bracket + self.key)
        value = bracket + self.value
        end = value + len(text)
        pairs = [(bracket + self.key, self.name, value, text), *((end + at, key, end + behind, of) for at, key, behind, of in self.others)]
        found.pairs += [(_plain(source, at, key), _plain(source, behind, of)) for at, key, behind, of in pairs]
        return found


class PlainSeq(Seq):
    """A list of texts without quotes or tags, and of maps of such in brackets, as most lists are: its nodes are made when asked for.

    Of a map the first value stands among ``texts`` and the rest among ``frames``, where a text has None; without maps there are none.
    """

    __slots__ = ("columns", "frames", "lines", "texts")

    def __init__(self, source: Text, texts: list[str], lines: list[int], columns: list[int], frames: list[Frame | None]) -> None:
        self.source = source
        self.tag = ""
        self.texts = texts
        self.lines = lines
        self.columns = columns
        self.frames = frames
        first = frames[0] if frames else None
        self.offset = (source.starts[lines[0] - 1] + columns[0] - 1 if lines else 0) + (0 if first is None else first.key)

    def __getattr__(self, name: str) -> list[Node]:
        if name != "items":
            raise AttributeError(name)
        source, starts = self.source, self.source.starts
        offsets = [starts[line - 1] + column - 1 for line, column in zip(self.lines, self.columns, strict=True)]
        self.items = [
            _plain(source, offset, text) if frame is None else frame.filled(source, offset, text)
            for offset, text, frame in zip(offsets, self.texts, self.frames or repeat(None), strict=False)
        ]
        return self.items


def _plain(source: Text, offset: int, text: str) -> Scalar:
    return Scalar(source, offset, text, is_plain=True)
