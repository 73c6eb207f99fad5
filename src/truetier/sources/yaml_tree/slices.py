"""The parser, and the texts and offsets that its tree holds.

Python cannot ask a slice of the buffer for its address. So, once the texts are decoded, the buffer is overwritten
with its own offsets, one byte of the number at a time: the first byte of each slice then spells where it begins.
No slice outlives its chunk, nor the buffer.
"""

from __future__ import annotations

from itertools import repeat
from operator import add, getitem, mul
from typing import TYPE_CHECKING

from truetier.sources.yaml_tree.guards import refusal
from truetier.sources.yaml_tree.node import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType
    from typing import Protocol

    from truetier.sources.yaml_tree.node import Text

    class NativeTree(Protocol):
        """The parser's tree; ``this`` is the handle that its compiled functions take."""

        this: object

    _SliceOf = Callable[[object, int], memoryview | None]

_CHUNK = 50_000  # nodes whose slices are held at a time
NOWHERE = -1  # the offset of a text that is not in the buffer
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
        if b"\t" in _indentation(source.content, offset):
            what = "a tab indents this line; YAML is indented by spaces alone"
        elif error.msg.startswith("bad indentation") and _line_before(source.content, offset).count(b'"') % 2:
            what = "a quote that the line above opens is not closed there"
        elif error.msg.startswith("bad indentation") or source.content[offset : offset + 1] in (b"]", b"}"):
            what += "; lines inside [ ] and { } must be indented deeper than the line that opens them"
        raise refusal(what, file, line, column) from None
    except (ryml.ExceptionBasic, RuntimeError, MemoryError) as error:
        raise refusal(_explained(getattr(error, "msg", "")), file) from None
    if tree.type(tree.root_id()) == ryml.NOTYPE:
        raise refusal("the file is empty", file)
    return Slices(ryml, tree, buffer, source)


def _indentation(content: bytes, offset: int) -> bytes:
    """What the line there begins with."""
    line = content[content.rfind(b"\n", 0, offset) + 1 : offset + 100]
    return line[: len(line) - len(line.lstrip(b" \t"))]


def _line_before(content: bytes, offset: int) -> bytes:
    end = content.rfind(b"\n", 0, offset)
    return content[content.rfind(b"\n", 0, max(0, end)) + 1 : max(0, end)]


def _explained(message: str) -> str:
    known = {
        "ryml trees cannot handle containers as keys": "a key must be a plain name, not a map or a list",
        "two colons on same line": "two colons on one line; put the value in quotes, or the inner map on its own line",
        "reached end of file while looking for closing quote": "a quote is opened and never closed",
        "parse error": "not valid YAML",
    }
    first = message.split("\n", 1)[0].strip()
    return known.get(first, f"not valid YAML: {first}" if first else "not valid YAML")


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


class Chunk:
    """Some consecutive nodes of the parser's tree: ids, flags and parents' ids, and their keys and values in order."""

    __slots__ = ("ids", "keys", "kinds", "parents", "values")

    def __init__(self, ids: Sequence[int], kinds: list[int], parents: list[int], keys: list[Scalar], values: list[Scalar]) -> None:
        self.ids = ids
        self.kinds = kinds
        self.parents = parents
        self.keys = keys
        self.values = values


class Slices:
    """Reads texts and their offsets out of the parser's tree."""

    def __init__(self, ryml: ModuleType, tree: NativeTree, buffer: bytearray, source: Text) -> None:
        self._source = source
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
        kinds = list(map(native.Tree_type, repeat(tree), ids))
        parents = list(map(native.Tree_parent, repeat(tree), ids))
        keys = self._scalars(native.Tree_key, ids, kinds, flags.key, flags.key_quoted)
        values = self._scalars(native.Tree_val, ids, kinds, flags.value, flags.value_quoted)
        return Chunk(ids, kinds, parents, keys, values)

    def _scalars(self, slice_of: _SliceOf, ids: Sequence[int], kinds: list[int], has_one: int, is_quoted: int) -> list[Scalar]:
        """The keys, or the values, of all nodes that have one. List after list: a loop over nodes takes twice the time."""
        chosen = [index for index, kind in enumerate(kinds) if kind & has_one]
        views = list(map(slice_of, repeat(self.tree), map(ids.__getitem__, chosen)))
        texts = [str(view, "utf-8", "surrogateescape") if view else "" for view in views]
        plain = [not kinds[index] & is_quoted for index in chosen]
        offsets = self._offsets(views)
        for number, is_plain in enumerate(plain):
            if not is_plain and not self._is_at(offsets[number], texts[number]):
                offsets[number] = NOWHERE
        return list(map(Scalar, repeat(self._source), offsets, texts, plain))

    def _is_at(self, offset: int, text: str) -> bool:
        """Whether the text stands there: one that had escapes may be a copy that the parser keeps elsewhere."""
        content = text.encode("utf-8", "surrogateescape")
        return self._parsed[offset : offset + len(content)] == content

    def _offsets(self, views: list[memoryview | None]) -> list[int]:
        """Where each slice begins; nowhere for an empty one."""
        filled: list[memoryview | None] = views if all(views) else [view or _ANY_VIEW for view in views]
        buffer = self._buffer
        offsets: list[int] = []
        for power, plane in enumerate(self._offset_planes()):
            buffer[:] = plane
            digits = map(getitem, filled, repeat(0))  # type: ignore[arg-type]  # none of them is None
            weighted = map(mul, digits, repeat(256**power))
            offsets = list(map(add, offsets, weighted)) if power else list(weighted)
        buffer[:] = self._parsed
        if filled is not views:
            offsets = [offset if view else NOWHERE for offset, view in zip(offsets, views, strict=True)]
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
