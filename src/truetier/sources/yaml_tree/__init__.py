"""YAML text as a tree of nodes that know where they stand.

Theory. rapidyaml parses in place: each scalar of its tree is a slice of the buffer it was given. What it leaves
to us is done here: encodings, control characters, limits on size, depth and number of nodes, duplicate keys,
aliases, anchors and merge keys. Its own ``resolve`` is never called: it does not end well on an anchor that
contains itself. Nothing here recurses, and everything is linear in the size of the text, or of the tree with its
aliases expanded, which is limited.

Most files are so plain that a compiled loop reads them sooner than the parser's tree can be walked (``kernel.py``); it
gives up where anything needs a thought, and its tree is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.errors import CatalogError
from truetier.sources.yaml_tree import kernel
from truetier.sources.yaml_tree.guards import checked, is_small
from truetier.sources.yaml_tree.node import Frame, Node, PlainSeq, Text

if TYPE_CHECKING:
    from truetier.errors import Mistake

__all__ = ["Frame", "Node", "PlainSeq", "parse_with_duplicates", "parse_yaml"]


def parse_yaml(content: bytes, file: str) -> tuple[Node, ...]:
    """The documents of a YAML file, in order.

    Raises CatalogError with every mistake found: bytes that are not YAML, duplicate keys, aliases that name
    nothing or contain themselves, and texts beyond the limits.
    """
    documents, twice = parse_with_duplicates(content, file)
    if twice:
        raise CatalogError(twice)
    return documents


def parse_with_duplicates(content: bytes, file: str) -> tuple[tuple[Node, ...], tuple[Mistake, ...]]:
    """The same, with keys written twice given beside the documents: a reader can go on and find more mistakes."""
    if kernel.IS_COMPILED and is_small(content):
        root = kernel.plain_document(Text(content))
        if root is not None:
            return (root,), ()
    return parsed(content, file)


def parsed(content: bytes, file: str) -> tuple[tuple[Node, ...], tuple[Mistake, ...]]:
    """The same by the parser alone, which reads everything."""
    from truetier.sources.yaml_tree.slices import parse_slices
    from truetier.sources.yaml_tree.walk import Walk

    source = Text(checked(content, file))
    return Walk(parse_slices(source, file), source, file).documents()
