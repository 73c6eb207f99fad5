"""The walk that turns the parser's tree into nodes: aliases, merge keys, duplicates, depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.errors import CatalogError, Mistake, Place
from truetier.sources.yaml_tree.guards import MAX_DEPTH
from truetier.sources.yaml_tree.node import Map, Scalar, Seq, Text
from truetier.units import shown

if TYPE_CHECKING:
    from truetier.sources.yaml_tree.node import Node
    from truetier.sources.yaml_tree.slices import Chunk, Slices

MAX_ALIASED = 250_000  # nodes that aliases may add beyond twice what is written
_MOST_MISTAKES = 20_000
_STRING_TAGS = frozenset(("!!str", "!", "tag:yaml.org,2002:str", "<tag:yaml.org,2002:str>", "!<tag:yaml.org,2002:str>"))
_ABSENT: Node = Scalar(Text(b""), 0, "", is_plain=True)


class _StopWalkError(Exception):
    """The rest of the file is not worth reading; what is wrong has been noted."""


class _Open:
    """A container whose children are being read."""

    __slots__ = ("anchor", "height", "node", "tree_id")

    def __init__(self, node: Node, tree_id: int, anchor: str) -> None:
        self.node = node
        self.tree_id = tree_id
        self.anchor = anchor
        self.height = 1  # of the tree below it, itself included


class _Anchored:
    """What an alias stands for; no node while the anchor is still open."""

    __slots__ = ("height", "node", "size")

    def __init__(self, node: Node | None = None, size: int = 0, height: int = 0) -> None:
        self.node = node
        self.size = size
        self.height = height


class Walk:
    """Turns the parser's tree into nodes, document by document."""

    def __init__(self, slices: Slices, source: Text, file: str) -> None:
        self._slices = slices
        self._source = source
        self._file = file
        self._mistakes: list[tuple[str, Node]] = []
        self._twice: list[tuple[str, Node]] = []  # keys written twice: the rest of the file can still be read
        self._unreported = 0
        self._anchors: dict[str, _Anchored] = {}
        self._stack: list[_Open] = []
        self._fresh: list[Node] = []  # containers that begin where the next text does
        self._last: Node = _ABSENT  # the text read last
        self._written = 0
        self._aliased = 0
        self._sizes: dict[int, int] = {}  # of anchored containers, aliases expanded, by identity

    def documents(self) -> tuple[tuple[Node, ...], tuple[Mistake, ...]]:
        """Every document, and the keys written twice; raises CatalogError with all mistakes when there is any other."""
        documents: list[Node] = []
        try:
            for chunk in self._slices.chunks():
                self._read(chunk, documents)
            while self._stack:
                self._close()
        except _StopWalkError:
            pass
        if self._mistakes:
            raise CatalogError(self._sorted([*self._twice, *self._mistakes]))
        return tuple(documents), self._sorted(self._twice)

    def _sorted(self, mistakes: list[tuple[str, Node]]) -> tuple[Mistake, ...]:
        found = sorted(
            (Mistake(message, node.place(self._file)) for message, node in mistakes),
            key=lambda mistake: mistake.place or Place("", 0, 0),
        )
        if self._unreported and found:
            found.append(Mistake(f"and {self._unreported} more of the kind", found[-1].place))
        return tuple(found)

    def _read(self, chunk: Chunk, documents: list[Node]) -> None:  # noqa: C901, PLR0912, PLR0915 - calls would double its time
        """Adds the nodes of one chunk. One loop without calls: it runs once for each of a million nodes."""
        self._check_escapes(chunk)
        flags, source, stack, fresh = self._slices.flags, self._source, self._stack, self._fresh
        has_key, has_value, special = flags.key, flags.value, flags.special
        container, is_map = flags.container, flags.map
        next_key, next_value = iter(chunk.keys).__next__, iter(chunk.values).__next__
        parent_id = stack[-1].tree_id if stack else flags.none
        siblings: list[Node] = stack[-1].node.items if stack else documents
        pairs: list[tuple[Node, Node]] | None = stack[-1].node.pairs if stack and stack[-1].node.kind == "map" else None
        last = self._last
        key: Node = _ABSENT
        node: Node
        for tree_id, kind, parent in zip(chunk.ids, chunk.kinds, chunk.parents, strict=True):
            if parent != parent_id:
                self._last = last
                while stack and stack[-1].tree_id != parent:
                    self._close()
                if stack:
                    inner = stack[-1].node
                    parent_id, siblings = parent, inner.items
                    pairs = inner.pairs if inner.kind == "map" else None
                else:  # the next document
                    self._anchors = {}
                    parent_id, siblings, pairs = parent, documents, None
            if kind & has_key:
                key = next_key()
                if key.offset < 0:
                    key.offset = last.offset
                last = key
                if fresh:
                    self._place_fresh(key.offset)
            if kind & container:
                node = Map(source, 0) if kind & is_map else Seq(source, 0)
            elif kind & has_value:
                node = next_value()
                if node.offset < 0:
                    node.offset = last.offset
                last = node
                if fresh:
                    self._place_fresh(node.offset)
            else:
                node = Scalar(source, last.offset, "", is_plain=True)
            anchor = ""
            if kind & special:
                key, node, anchor = self._special(key, node, tree_id, kind)
            if pairs is not None:
                pairs.append((key, node))
            else:
                siblings.append(node)
            if kind & container:
                if len(stack) >= MAX_DEPTH:
                    node.offset = last.offset
                    raise self._stop(f"nested deeper than {MAX_DEPTH} levels", node)
                stack.append(_Open(node, tree_id, anchor))
                fresh.append(node)
                parent_id, siblings = tree_id, node.items
                pairs = node.pairs if kind & is_map else None
        self._last = last
        self._written += len(chunk.ids)

    def _check_escapes(self, chunk: Chunk) -> None:
        """Notes texts with an escape that stands for half a character, which no report could print."""
        for scalars in (chunk.keys, chunk.values):
            try:
                "".join([scalar.text for scalar in scalars]).encode()
            except UnicodeEncodeError:
                for scalar in scalars:
                    if any("\ud800" <= character <= "\udfff" for character in scalar.text):
                        self._mistake("an escape in this text names no character", scalar)

    def _place_fresh(self, offset: int) -> None:
        for node in self._fresh:
            node.offset = offset
        self._fresh.clear()

    # anchors, aliases and tags

    def _special(self, key: Node, node: Node, tree_id: int, kind: int) -> tuple[Node, Node, str]:
        """Key and value with tags kept and aliases resolved, and the anchor of a container that opens here."""
        flags, native, tree = self._slices.flags, self._slices.native, self._slices.tree
        if kind & flags.key_tag:
            self._tag(key, _name(native.Tree_key_tag(tree, tree_id)))
        if kind & flags.key_anchor:
            self._anchors[_name(native.Tree_key_anchor(tree, tree_id))] = _Anchored(key, 1, 1)
        if kind & flags.key_ref:
            key = self._alias_as_key(key)
        if kind & flags.value_tag:
            self._tag(node, _name(native.Tree_val_tag(tree, tree_id)))
        if kind & flags.value_ref:
            return key, self._alias(node), ""
        if not kind & flags.value_anchor:
            return key, node, ""
        anchor = _name(native.Tree_val_anchor(tree, tree_id))
        is_open = bool(kind & flags.container)
        self._anchors[anchor] = _Anchored() if is_open else _Anchored(node, 1, 1)
        return key, node, anchor if is_open else ""

    def _tag(self, node: Node, tag: str) -> None:
        node.tag = tag
        if isinstance(node, Scalar) and tag in _STRING_TAGS:
            node.is_plain = False

    def _alias_as_key(self, alias: Node) -> Node:
        target = self._target(alias).node
        if target is not None and target.kind != "scalar":
            self._mistake("a key must be a plain name, not a map or a list", alias)
        return alias if target is None or target.kind != "scalar" else self._copied(target, alias)

    def _alias(self, alias: Node) -> Node:
        anchored = self._target(alias)
        if anchored.node is None:
            return alias
        if len(self._stack) + anchored.height > MAX_DEPTH:
            raise self._stop(f"nested deeper than {MAX_DEPTH} levels once aliases are resolved", alias)
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, anchored.height + 1)
        self._aliased += anchored.size
        if self._aliased > MAX_ALIASED + 2 * self._written:
            raise self._stop("the aliases of this file expand to too many values", alias)
        return self._copied(anchored.node, alias) if anchored.node.kind == "scalar" else anchored.node

    def _target(self, alias: Node) -> _Anchored:
        name = alias.text.removeprefix("*")
        anchored = self._anchors.get(name)
        if anchored is None:
            self._mistake(f"the alias {shown('*' + name)} names no anchor above it", alias)
            return _Anchored()
        if anchored.node is None:
            self._mistake(f"the anchor {shown('&' + name)} contains itself", alias)
        return anchored

    def _copied(self, target: Node, alias: Node) -> Node:
        """The scalar an alias stands for, placed where the alias is."""
        copy = Scalar(self._source, alias.offset, target.text, target.is_plain)
        copy.tag = target.tag
        return copy

    # closing

    def _close(self) -> None:
        """Finishes the innermost container."""
        stack, fresh = self._stack, self._fresh
        closed = stack.pop()
        node = closed.node
        if fresh:  # it is empty: it stands where its key does
            fresh.pop().offset = self._last.offset
        if stack and stack[-1].height <= closed.height:
            stack[-1].height = closed.height + 1
        if node.kind == "map":
            names = {key.text for key, _ in node.pairs}
            if len(names) != len(node.pairs):
                self._report_duplicates(node)
            if "<<" in names:
                self._merge(node, names)
        if closed.anchor:
            self._anchors[closed.anchor] = _Anchored(node, self._size_of(node), closed.height)

    def _size_of(self, root: Node) -> int:
        """How many nodes stand in an anchored container; what has an anchor of its own is counted once and remembered."""
        size, waiting = 0, [root]
        while waiting:
            node = waiting.pop()
            known = self._sizes.get(id(node))
            if known is not None:
                size += known
                continue
            size += 1
            waiting += node.items
            for key, value in node.pairs:
                waiting += (key, value)
        self._sizes[id(root)] = size
        return size

    def _report_duplicates(self, node: Node) -> None:
        first: dict[str, Node] = {}
        for key, _ in node.pairs:
            known = first.setdefault(key.text, key)
            if known is not key:
                message = f"{shown(key.text)} is written twice in one map; the first is at {known.place(self._file)}"
                self._mistake(message, key, self._twice)

    def _merge(self, node: Node, names: set[str]) -> None:
        """Applies ``<<``: what the map says itself wins, then the earlier of several merged maps."""
        merged: list[tuple[Node, Node]] = []
        for key, value in node.pairs:
            if key.text != "<<" or not key.is_plain:
                merged.append((key, value))
                continue
            for base in value.items if value.kind == "seq" else [value]:
                if base.kind != "map":
                    self._mistake("the merge key << takes a map or a list of maps", key)
                for pair in base.pairs:
                    if pair[0].text not in names:
                        names.add(pair[0].text)
                        merged.append(pair)
        node.pairs[:] = merged

    # mistakes

    def _mistake(self, message: str, node: Node, mistakes: list[tuple[str, Node]] | None = None) -> None:
        if len(self._mistakes) + len(self._twice) < _MOST_MISTAKES:
            (self._mistakes if mistakes is None else mistakes).append((message, node))
        else:
            self._unreported += 1

    def _stop(self, message: str, node: Node) -> _StopWalkError:
        """Notes a mistake after which the rest of the file is not worth reading."""
        self._mistakes.append((message, node))
        return _StopWalkError()


def _name(view: memoryview | None) -> str:
    return str(view, "utf-8", "replace") if view else ""
