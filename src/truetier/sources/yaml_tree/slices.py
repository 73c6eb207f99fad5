"""The parser, and the texts and offsets that its tree holds.

Python cannot ask a slice of the buffer for its address. So, once the texts are decoded, the buffer is overwritten
with its own offsets, one byte of the number at a time: the first byte of each slice then spells where it begins.
No slice outlives its chunk, nor the buffer.
"""

from __future__ import annotations

from itertools import repeat
from operator import add, getitem, mul
from typing import TYPE_CHECKING, NamedTuple, Protocol

from truetier.sources.yaml_tree.guards import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from truetier.sources.yaml_tree.node import Text

_CHUNK = 50_000  # nodes whose slices are held at a time
_NO_VIEW = memoryview(b"")
_ANY_VIEW = memoryview(b"?")


def _rapidyaml() -> ModuleType:
    import ryml

    return ryml  # type: ignore[no-any-return]  # it ships no types


class _Quiet:
    """Keeps what the parser itself prints on standard error, source text included, from reaching the terminal."""

    def __enter__(self) -> None:
        import os

        self._saved: int | None = None
        try:
            saved = os.dup(2)
        except OSError:
            return  # standard error is closed: nothing can be printed
        self._saved = saved
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 2)
        os.close(sink)

    def __exit__(self, *_: object) -> None:
        import os

        if self._saved is not None:
            os.dup2(self._saved, 2)
            os.close(self._saved)


def parse_slices(source: Text, file: str) -> Slices:
    """The parser's tree of that text. Raises CatalogError when it is not YAML."""
    ryml = _rapidyaml()
    buffer = bytearray(source.content)
    tree = ryml.Tree()
    try:
        with _Quiet():
            ryml.parse_in_place(buffer, tree)
    except ryml.ExceptionParse as error:
        offset = min(error.errdata_parse.ymlloc.offset, len(source.content))
        line, column = source.position(offset)
        what = _explained(error.msg)
        if error.msg.startswith("bad indentation") or source.content[offset : offset + 1] in (b"]", b"}"):
            what += "; lines inside [ ] and { } must be indented deeper than the line that opens them"
        raise refusal(what, file, line, column) from None
    except (ryml.ExceptionBasic, RuntimeError, MemoryError) as error:
        raise refusal(_explained(getattr(error, "msg", "")), file) from None
    if tree.type(tree.root_id()) == ryml.NOTYPE:
        raise refusal("the file is empty", file)
    return Slices(ryml, tree, buffer)


def _explained(message: str) -> str:
    known = {
        "ryml trees cannot handle containers as keys": "a key must be a plain name, not a map or a list",
        "two colons on same line": "two colons on one line; put the value in quotes, or the inner map on its own line",
        "reached end of file while looking for closing quote": "a quote is opened and never closed",
        "parse error": "not valid YAML",
    }
    first = message.split("\n", 1)[0].strip()
    return known.get(first, f"not valid YAML: {first}" if first else "not valid YAML")


class NativeTree(Protocol):
    """The parser's tree; ``this`` is the handle that its compiled functions take."""

    this: object


class Flags:
    """The parser's bits, under the names this walk uses."""

    def __init__(self, ryml: ModuleType) -> None:
        self.none: int = ryml.NONE
        self.key: int = ryml.KEY
        self.value: int = ryml.VAL
        self.map: int = ryml.MAP
        self.container: int = ryml.MAP | ryml.SEQ
        self.stream: int = ryml.STREAM
        self.key_quoted: int = ryml.KEY_DQUO | ryml.KEY_SQUO | ryml.KEY_LITERAL | ryml.KEY_FOLDED
        self.value_quoted: int = ryml.VAL_DQUO | ryml.VAL_SQUO | ryml.VAL_LITERAL | ryml.VAL_FOLDED
        self.key_ref: int = ryml.KEYREF
        self.key_anchor: int = ryml.KEYANCH
        self.key_tag: int = ryml.KEYTAG
        self.value_ref: int = ryml.VALREF
        self.value_anchor: int = ryml.VALANCH
        self.value_tag: int = ryml.VALTAG
        self.special: int = ryml.KEYREF | ryml.KEYANCH | ryml.KEYTAG | ryml.VALREF | ryml.VALANCH | ryml.VALTAG


class Chunk(NamedTuple):
    """Some consecutive nodes of the parser's tree, and the texts of their keys and values in order."""

    rows: list[tuple[int, int, int]]  # id, flags, id of the parent
    texts: list[str]
    offsets: list[int]


class Slices:
    """Reads texts and their offsets out of the parser's tree."""

    def __init__(self, ryml: ModuleType, tree: NativeTree, buffer: bytearray) -> None:
        self.flags = Flags(ryml)
        self.native = ryml._ryml  # noqa: SLF001 - the public wrappers cost five times the call
        self.tree = tree.this
        self._tree_itself = tree  # owns what ``this`` points to
        self._buffer = buffer
        self._parsed = bytes(buffer)
        self._planes: list[bytes] = []

    def chunks(self) -> Iterator[Chunk]:
        """All nodes in document order, a bounded number at a time."""
        order = self._order()
        for begin in range(0, len(order), _CHUNK):
            yield self._chunk(order[begin : begin + _CHUNK])

    def _order(self) -> Sequence[int]:
        """The ids of all nodes in document order, without the stream around several documents."""
        flags, native, tree = self.flags, self.native, self.tree
        root = native.Tree_root_id(tree)
        if native.Tree_type(tree, root) & flags.stream != flags.stream:  # a stream has the bits of a list and one more
            return range(native.Tree_size(tree))  # the parser numbers nodes as it meets them
        order = []
        stack = [native.Tree_first_child(tree, root)]
        while stack:
            tree_id = stack.pop()
            while tree_id != flags.none:
                order.append(tree_id)
                following = native.Tree_next_sibling(tree, tree_id)
                if native.Tree_type(tree, tree_id) & flags.container:
                    stack.append(following)
                    following = native.Tree_first_child(tree, tree_id)
                tree_id = following
        return order

    def _chunk(self, ids: Sequence[int]) -> Chunk:
        native, tree, flags = self.native, self.tree, self.flags
        key_of, value_of = native.Tree_key, native.Tree_val
        has_key, has_value = flags.key, flags.value
        quoted = flags.key_quoted | flags.value_quoted
        kinds = list(map(native.Tree_type, repeat(tree), ids))
        rows = list(zip(ids, kinds, map(native.Tree_parent, repeat(tree), ids), strict=True))
        views: list[memoryview] = []
        doubtful: list[int] = []  # texts that had quotes: the parser may have put an unescaped copy somewhere else
        for tree_id, kind in zip(ids, kinds, strict=True):
            if kind & quoted:
                doubtful.extend((len(views), len(views) + 1))
            if kind & has_key:
                views.append(key_of(tree, tree_id) or _NO_VIEW)
            if kind & has_value:
                views.append(value_of(tree, tree_id) or _NO_VIEW)
        texts = [str(view, "utf-8", "surrogateescape") for view in views]
        contents = {index: bytes(views[index]) for index in doubtful if index < len(views)}
        return Chunk(rows, texts, self._offsets(views, contents))

    def _offsets(self, views: list[memoryview], doubtful: dict[int, bytes]) -> list[int]:
        """Where each slice begins; an empty one, or one outside the buffer, where the slice before it does."""
        buffer = self._buffer
        empty = [index for index, view in enumerate(views) if view is _NO_VIEW]
        for index in empty:
            views[index] = _ANY_VIEW
        offsets = [0] * len(views)
        for power, plane in enumerate(self._offset_planes()):
            buffer[:] = plane
            digits = map(getitem, views, repeat(0))
            offsets = list(digits) if power == 0 else list(map(add, offsets, map(mul, digits, repeat(256**power))))
        buffer[:] = self._parsed
        foreign = [at for at, content in doubtful.items() if self._parsed[offsets[at] : offsets[at] + len(content)] != content]
        for index in sorted((*empty, *foreign)):
            offsets[index] = offsets[index - 1] if index else 0
        return offsets

    def _offset_planes(self) -> list[bytes]:
        """For each byte of an offset, lowest first: the whole buffer with every place holding that byte."""
        if not self._planes:
            size, run = len(self._buffer), 1
            while run < max(size, 2):
                cycle = b"".join(bytes((value,)) * run for value in range(min(256, size // run + 1)))
                self._planes.append((cycle * (size // len(cycle) + 1))[:size])
                run *= 256
        return self._planes
