# cython: language_level=3, boundscheck=False, initializedcheck=False
"""A fast way to read the plain part of YAML that most catalogs are written in; all else is left to the parser.

Theory. There is one semantics, the parser's. This reads ASCII text made of block maps, block lists and flow maps and lists on one
line, with scalars that need no thought: names, numbers and quotes without an escape in them. At the first byte that means
anything else (an anchor, a tag, a tab, a line that goes on, a key written twice, an indentation that fits nothing) it gives up and
has said nothing; then the parser reads the file. So it may refuse what it likes, and must never give another tree or another place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.sources.yaml_tree.node import Frame, Map, PlainSeq, Scalar, Seq

if TYPE_CHECKING:
    from truetier import typed as cython
else:
    try:
        import cython  # the compiler wants to see this line
    except ModuleNotFoundError:
        from truetier import typed as cython

if cython.compiled:
    from cython.cimports.truetier.pointers import characters
else:
    from truetier.pointers import characters

if TYPE_CHECKING:
    from truetier.sources.yaml_tree.node import Node, Text

IS_COMPILED = cython.compiled

_DEEPEST = 20  # containers inside one another
_MOST_BRACKETS = 900  # in comments, where the parser's guards count them
_WIDEST = 2  # from a bracket to the first key: the map is then said to begin at the bracket
_MOST_FRAMES = 1000  # kept; where maps have so little in common it does not pay to look for it
_FIRST = 1  # what a byte may be: the first of a text,
_INSIDE = 2  # any other,
_BLOCK = 4  # any other, but not in brackets,
_REMARK = 8  # part of a comment
_TOGETHER = 16  # between the brackets of a map that holds plain texts alone
_LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


def _classes() -> bytes:
    found = bytearray(256)
    code: cython.int
    for code in range(32, 127):
        found[code] = 0 if code in b"!&" else _REMARK
    for code in b"$()*+-./;=?@^~%" + _LETTERS:
        found[code] |= _INSIDE | _BLOCK | _TOGETHER
    for code in b"',":
        found[code] |= _BLOCK
    for code in b" ,:":
        found[code] |= _TOGETHER
    for code in b"/." + _LETTERS:
        found[code] |= _FIRST
    return bytes(found)


_CLASSES = _classes()


class _NotPlainError(Exception):
    """Here stands something that the parser must read."""


@cython.final
@cython.cclass
class _Open:
    """A block map or list that is being read; ``is_loose`` is a list at the indentation of its key."""

    indent: cython.int
    offset: cython.int  # of the first text in a map
    is_map: cython.bint
    is_loose: cython.bint
    pairs: list[tuple[Node, Node]]
    names: set[str]
    key: Scalar | None  # whose value has not been seen
    texts: list[str]  # of a list, as long as it is a plain one,
    lines: list[int]
    columns: list[int]
    frames: list[Frame | None]
    items: list[Node] | None  # and of any other

    def __init__(self, indent: cython.int, offset: cython.int, is_map: cython.bint, is_loose: cython.bint) -> None:
        self.indent = indent
        self.offset = offset
        self.is_map = is_map
        self.is_loose = is_loose
        self.key = None
        self.items = None
        if is_map:
            self.pairs = []
            self.names = set()
        else:
            self.texts = []
            self.lines = []
            self.columns = []
            self.frames = []

    @cython.cfunc
    @cython.exceptval(-1)
    def add(self, item: Node) -> cython.int:
        """One more item of a list, which is no plain one."""
        if self.items is None:
            self.items = PlainSeq(item.source, self.texts, self.lines, self.columns, self.frames).items
        self.items.append(item)
        return 0


@cython.cfunc
@cython.exceptval(-1)
def _put_frame(frames: list[Frame | None], texts: list[str], frame: Frame) -> cython.int:
    """Adds a frame to those of the texts before it, which may have none."""
    if not frames:
        frames.extend([None] * len(texts))
    frames.append(frame)
    return 0


def plain_document(source: Text) -> Node | None:
    """The one document of a text that is plain enough; None where the parser must read it."""
    if not source.is_ascii:
        return None
    try:
        return _Reading(source).document()
    except _NotPlainError:
        return None


@cython.final
@cython.cclass
class _Reading:
    """One pass over one text."""

    _source: Text
    _content: bytes
    _text: cython.p_uchar
    _classes: cython.p_uchar
    _at: cython.int
    _end: cython.int
    _line_number: cython.int  # from 1
    _brackets: cython.int
    _last: cython.int  # where the text read last begins
    _open: list[_Open]
    _frames: dict[bytes, Frame]  # by what stands around the first value
    _framed: str  # the first value of the map in a frame that was read last

    def __init__(self, source: Text) -> None:
        self._source = source
        self._content = source.content
        self._text = characters(self._content)
        self._classes = characters(_CLASSES)
        self._at = 0
        self._end = len(self._content)
        self._line_number = 1
        self._brackets = 0
        self._last = 0
        self._open = []
        self._frames = {}
        self._framed = ""

    def document(self) -> Node:
        """The tree. Raises _NotPlainError."""
        root: Node | None = None
        opened = self._open
        while True:
            indent: cython.int = self._next_line()
            if indent < 0:
                break
            self._close_down_to(indent)
            if not opened:
                if indent:
                    raise _NotPlainError
                top = _Open(0, self._at, True, False)  # noqa: FBT003
                root = Map(self._source, self._at)
                root.pairs = top.pairs
                opened.append(top)
            self._line(indent)
        if root is None:
            raise _NotPlainError
        while opened:
            self._close()
        return root

    # -- lines

    @cython.cfunc
    @cython.exceptval(-2)
    def _next_line(self) -> cython.int:
        """Goes to the first sign of the next line that says something, and gives its indentation; -1 at the end."""
        text: cython.p_uchar = self._text
        at: cython.int = self._at
        start: cython.int
        while at < self._end:
            start = at
            while at < self._end and text[at] == 32:
                at += 1
            if at == self._end:
                break
            if text[at] == 10:
                at += 1
                self._line_number += 1
            elif text[at] == 35:
                self._at = at
                self._end_line()
                at = self._at
            else:
                self._at = at
                return at - start
        self._at = at
        return -1

    @cython.cfunc
    @cython.exceptval(-1)
    def _end_line(self) -> cython.int:
        """Goes behind the end of a line of which only spaces and a comment are left."""
        text: cython.p_uchar = self._text
        at: cython.int = self._at
        while at < self._end and text[at] == 32:
            at += 1
        if at < self._end and text[at] == 35 and (at == 0 or text[at - 1] == 32 or text[at - 1] == 10):
            while at < self._end and text[at] != 10:
                if not self._classes[text[at]] & _REMARK:
                    raise _NotPlainError
                if text[at] == 91 or text[at] == 123:
                    self._brackets += 1
                at += 1
            if self._brackets > _MOST_BRACKETS:
                raise _NotPlainError
        if at < self._end and text[at] != 10:
            raise _NotPlainError
        self._at = at + 1
        self._line_number += 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _line(self, indent: cython.int) -> cython.int:
        """Reads a line whose indentation is that of the innermost container."""
        inner: _Open = self._open[-1]
        if self._is_dash() == inner.is_map:
            raise _NotPlainError
        if inner.is_map:
            self._pair(inner)
        else:
            self._item(inner, indent)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _is_dash(self) -> cython.bint:
        """Whether an item of a list begins here."""
        return self._at + 1 < self._end and self._text[self._at] == 45 and self._text[self._at + 1] == 32

    @cython.cfunc
    @cython.exceptval(-1)
    def _item(self, inner: _Open, indent: cython.int) -> cython.int:
        """Reads a dash and what stands behind it."""
        start: cython.int = self._at + 1
        while start < self._end and self._text[start] == 32:
            start += 1
        indent += start - self._at
        self._at = start
        if start >= self._end or not self._classes[self._text[start]] & _FIRST:
            frame = self._frame(1) if inner.items is None else None
            if frame is None:
                inner.add(self._value())
            else:
                _put_frame(inner.frames, inner.texts, frame)
                inner.texts.append(self._framed)
                inner.lines.append(self._line_number)
                inner.columns.append(indent + 1)
            self._end_line()
            return 0
        self._word()
        if self._is_colon():
            self._at = start
            nested = _Open(indent, start, True, False)  # noqa: FBT003
            self._push(nested)
            self._pair(nested)
            return 0
        self._at = start
        word = self._plain(_BLOCK)
        if inner.items is None:
            if inner.frames:
                inner.frames.append(None)
            inner.texts.append(word)
            inner.lines.append(self._line_number)
            inner.columns.append(indent + 1)
        else:
            inner.items.append(Scalar(self._source, start, word, True))  # noqa: FBT003
        self._end_line()
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _pair(self, inner: _Open) -> cython.int:
        """Reads a key and what stands on its line."""
        start: cython.int = self._at
        if not self._classes[self._text[start]] & _FIRST:
            raise _NotPlainError
        stop: cython.int = self._word()
        if not self._is_colon():
            raise _NotPlainError
        name: str = self._text[start:stop].decode("ascii")
        if name in inner.names:
            raise _NotPlainError
        inner.names.add(name)
        self._last = start
        key = Scalar(self._source, start, name, True)  # noqa: FBT003
        self._at = stop + 1
        while self._at < self._end and self._text[self._at] == 32:
            self._at += 1
        if self._at == self._end or self._text[self._at] == 10 or self._text[self._at] == 35:
            inner.key = key
        else:
            inner.pairs.append((key, self._value()))
        self._end_line()
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _is_colon(self) -> cython.bint:
        """Whether a colon that ends a key stands here."""
        at: cython.int = self._at
        return at < self._end and self._text[at] == 58 and (at + 1 == self._end or self._text[at + 1] == 32 or self._text[at + 1] == 10)

    # -- containers

    @cython.cfunc
    @cython.exceptval(-1)
    def _close_down_to(self, indent: cython.int) -> cython.int:
        """Closes what ends before a line of that indentation, or opens what begins with it."""
        opened = self._open
        if not opened:
            return 0
        inner: _Open = opened[-1]
        is_dash: cython.bint = self._is_dash()
        if inner.key is not None and (indent > inner.indent or (indent == inner.indent and is_dash)):
            self._push(_Open(indent, self._at, not is_dash, indent == inner.indent))
            return 0
        while indent < inner.indent or (indent == inner.indent and inner.is_loose and not is_dash):
            self._close()
            if not opened:
                raise _NotPlainError
            inner = opened[-1]
        if indent != inner.indent:
            raise _NotPlainError
        if inner.key is not None:
            self._give_nothing(inner)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _push(self, opening: _Open) -> cython.int:
        if len(self._open) >= _DEEPEST:
            raise _NotPlainError
        self._open.append(opening)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _give_nothing(self, inner: _Open) -> cython.int:
        """The key without a value has none."""
        key = inner.key
        if key is not None:
            inner.pairs.append((key, Scalar(self._source, key.offset, "", True)))  # noqa: FBT003
        inner.key = None
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _close(self) -> cython.int:
        """Finishes the innermost container and hands it to the one around it."""
        closed: _Open = self._open.pop()
        if closed.key is not None:
            self._give_nothing(closed)
        if not self._open:
            return 0
        node: Node
        if closed.is_map:
            node = Map(self._source, closed.offset)
            node.pairs = closed.pairs
        elif closed.items is None:
            node = PlainSeq(self._source, closed.texts, closed.lines, closed.columns, closed.frames)
        else:
            node = self._list(closed.items)
        outer: _Open = self._open[-1]
        if not outer.is_map:
            outer.add(node)
        elif outer.key is not None:
            outer.pairs.append((outer.key, node))
            outer.key = None
        return 0

    # -- values

    @cython.cfunc
    @cython.exceptval(-1)
    def _word(self) -> cython.int:
        """Goes behind a text without spaces, and gives its end."""
        at: cython.int = self._at
        while at < self._end and self._classes[self._text[at]] & _INSIDE:
            at += 1
        self._at = at
        return at

    @cython.cfunc
    def _plain(self, allowed: cython.int) -> str:
        """Reads a text without quotes, and goes behind the spaces after it."""
        text: cython.p_uchar = self._text
        start: cython.int = self._at
        at: cython.int = start
        stop: cython.int = at
        while at < self._end:
            if self._classes[text[at]] & allowed:
                at += 1
                stop = at
            elif text[at] == 32:
                at += 1
            else:
                break
        self._at = at
        self._last = start
        return text[start:stop].decode("ascii")

    @cython.cfunc
    def _value(self) -> Node:
        """Reads a value that begins here and ends on its line."""
        start: cython.int = self._at
        if start < self._end and self._classes[self._text[start]] & _FIRST:
            return Scalar(self._source, start, self._plain(_BLOCK), True)  # noqa: FBT003
        return self._enclosed(1)

    @cython.cfunc
    def _enclosed(self, depth: cython.int) -> Node:
        """Reads a value in quotes or brackets."""
        sign: cython.int = self._text[self._at] if self._at < self._end else 10
        if sign == 34 or sign == 39:  # noqa: PLR1714 - the compiler makes two comparisons of it
            return self._quoted()
        if sign == 123 or sign == 91:  # noqa: PLR1714
            return self._flow(depth)
        raise _NotPlainError

    @cython.cfunc
    def _quoted(self) -> Node:
        """Reads a text in quotes that has no escape in it and no sign that is not ASCII."""
        quote: cython.int = self._text[self._at]
        start: cython.int = self._at + 1
        at: cython.int = start
        while at < self._end and self._text[at] != quote:
            if self._text[at] == 92 or not self._classes[self._text[at]] & _REMARK:
                raise _NotPlainError
            at += 1
        if at >= self._end or (at + 1 < self._end and self._text[at + 1] == quote):
            raise _NotPlainError
        self._at = at + 1
        offset: cython.int = self._last  # of an empty text only this is known
        if at > start:
            offset = self._last = start
        return Scalar(self._source, offset, self._text[start:at].decode("ascii"), False)  # noqa: FBT003

    @cython.cfunc
    def _flow(self, depth: cython.int) -> Node:
        """Reads a map or a list in brackets that ends on its line."""
        is_map: cython.bint = self._text[self._at] == 123
        if depth + len(self._open) >= _DEEPEST:
            raise _NotPlainError
        self._at += 1
        self._skip()
        if self._text[self._at] == (125 if is_map else 93):
            self._at += 1
            return Map(self._source, self._last) if is_map else Seq(self._source, self._last)
        return self._flow_map(depth) if is_map else self._flow_list(depth)

    @cython.cfunc
    def _flow_map(self, depth: cython.int) -> Node:
        """Reads what stands behind the bracket of a map that is not empty."""
        text: cython.p_uchar = self._text
        start: cython.int
        stop: cython.int
        names: set[str] = set()
        node = Map(self._source, self._at)
        pairs = node.pairs
        while True:
            start = self._at
            if not self._classes[text[start]] & _FIRST:
                raise _NotPlainError
            stop = self._word()
            if self._at + 1 >= self._end or text[self._at] != 58 or text[self._at + 1] != 32:
                raise _NotPlainError
            name: str = text[start:stop].decode("ascii")
            if name in names:
                raise _NotPlainError
            names.add(name)
            self._last = start
            key = Scalar(self._source, start, name, True)  # noqa: FBT003
            self._at = stop + 1
            self._skip()
            pairs.append((key, self._flow_value(depth)))
            if self._is_last(125):
                return node

    @cython.cfunc
    def _flow_list(self, depth: cython.int) -> Node:
        """Reads what stands behind the bracket of a list that is not empty."""
        before: cython.int = self._source.starts[self._line_number - 1] - 1
        texts: list[str] = []
        columns: list[int] = []
        frames: list[Frame | None] = []
        items: list[Node] | None = None
        while True:
            start: cython.int = self._at
            if items is not None:
                items.append(self._flow_value(depth))
            elif self._classes[self._text[start]] & _FIRST:
                if frames:
                    frames.append(None)
                columns.append(start - before)
                texts.append(self._plain(_INSIDE))
            elif (frame := self._frame(depth + 1)) is not None:
                _put_frame(frames, texts, frame)
                columns.append(start - before)
                texts.append(self._framed)
            else:
                items = self._plain_list(texts, columns, frames).items if texts else []
                items.append(self._flow_value(depth))
            if self._is_last(93):
                return self._plain_list(texts, columns, frames) if items is None else self._list(items)

    @cython.cfunc
    def _plain_list(self, texts: list[str], columns: list[int], frames: list[Frame | None]) -> Node:
        """A plain list on this line."""
        return PlainSeq(self._source, texts, [self._line_number] * len(texts), columns, frames)

    @cython.cfunc
    def _frame(self, depth: cython.int) -> Frame | None:
        """Reads a map in brackets that holds plain texts alone, if one begins here, as what it has in common with others like it."""
        text: cython.p_uchar = self._text
        start: cython.int = self._at
        last: cython.int = self._last
        frame: Frame | None = None
        if start < self._end and text[start] == 123:
            self._at += 1
            self._skip()
            key: cython.int = self._at
            if key - start <= _WIDEST and self._classes[text[key]] & _FIRST and self._word() and self._is_colon():
                self._at += 1
                self._skip()
                if self._classes[text[self._at]] & _FIRST:
                    frame = self._around(start, depth)
        if frame is None:
            self._at = start
            self._last = last
        return frame

    @cython.cfunc
    def _around(self, start: cython.int, depth: cython.int) -> Frame | None:
        """The same, behind the bracket and the first key."""
        text: cython.p_uchar = self._text
        value: cython.int = self._at
        self._framed = self._plain(_INSIDE)
        stop: cython.int = value + len(self._framed)
        at: cython.int = self._at
        while at < self._end and self._classes[text[at]] & _TOGETHER:
            at += 1
        if at >= self._end or text[at] != 125:
            return None
        at += 1
        around = self._content[start:value] + b"\n" + self._content[stop:at]
        frame: Frame | None = self._frames.get(around)
        if frame is None:
            if len(self._frames) == _MOST_FRAMES:
                return None
            self._at = start
            frame = self._frames[around] = Frame(self._flow(depth), start)
        elif depth + len(self._open) >= _DEEPEST:
            raise _NotPlainError
        else:
            self._at = at
            if frame.others:
                self._last = stop + frame.others[-1][2]
        return frame

    @cython.cfunc
    @cython.exceptval(-1)
    def _is_last(self, closing: cython.int) -> cython.bint:
        """Goes behind the comma to the next item or pair, or behind the bracket that closes."""
        self._skip()
        sign: cython.int = self._text[self._at]
        self._at += 1
        if sign == closing:
            return True
        if sign != 44:
            raise _NotPlainError
        self._skip()
        return False

    @cython.cfunc
    def _list(self, items: list[Node]) -> Node:
        """A list of any items; it begins with its first text, which is not that of the first item where that is empty brackets."""
        first: Node = items[0]
        if first.kind != "scalar" and not first.pairs and not first.items:
            raise _NotPlainError
        node = Seq(self._source, first.offset)
        node.items = items
        return node

    @cython.cfunc
    def _flow_value(self, depth: cython.int) -> Node:
        start: cython.int = self._at
        if self._classes[self._text[start]] & _FIRST:
            return Scalar(self._source, start, self._plain(_INSIDE), True)  # noqa: FBT003
        return self._enclosed(depth + 1)

    @cython.cfunc
    @cython.exceptval(-1)
    def _skip(self) -> cython.int:
        """Goes over spaces inside brackets; the line does not end there."""
        at: cython.int = self._at
        while at < self._end and self._text[at] == 32:
            at += 1
        if at >= self._end or self._text[at] == 10:
            raise _NotPlainError
        self._at = at
        return 0
