"""Reading foreign documents: what stands under a path of keys, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.errors import CatalogError
from truetier.sources.yaml_tree import parse_yaml

if TYPE_CHECKING:
    from truetier.sources.yaml_tree import Node


def parse_foreign(content: bytes, file: str) -> tuple[Node, ...]:
    """The documents of a YAML file written for other tools, whose parsers take more than ours.

    Raises CatalogError with the mistakes of the text as it is.
    """
    try:
        return parse_yaml(content, file)
    except CatalogError:
        from truetier.sources.flow_indent import indented

        better = indented(content)
        if better == content:
            raise
        try:
            return parse_yaml(better, file)
        except CatalogError:
            pass
        raise


def at(node: Node | None, *keys: str) -> Node | None:
    """The value under those keys, each inside the one before; None where one is missing or null."""
    for key in keys:
        if node is None:
            return None
        node = node.get(key)
    return None if node is None or (node.kind == "scalar" and node.is_null) else node


def text_at(node: Node | None, *keys: str) -> str:
    """The text of the scalar under those keys; empty where there is none."""
    found = at(node, *keys)
    return found.text if found is not None and found.kind == "scalar" else ""


def items_at(node: Node | None, *keys: str) -> list[Node]:
    """The items of the list under those keys; none where there is no list."""
    found = at(node, *keys)
    return found.items if found is not None and found.kind == "seq" else []


def pairs_at(node: Node | None, *keys: str) -> list[tuple[Node, Node]]:
    """The keys and values of the map under those keys; none where there is no map."""
    found = at(node, *keys)
    return found.pairs if found is not None and found.kind == "map" else []


def texts_at(node: Node | None, *keys: str) -> dict[str, str]:
    """The map under those keys, scalars only, as text."""
    return {name.text: value.text for name, value in pairs_at(node, *keys) if value.kind == "scalar"}


def brief(node: Node | None, limit: int = 200) -> str:
    """A part of a document on one line, as a fact shows it: ``minAvailable: 2, selector: {app: cart}``."""
    pieces: list[str] = []
    size = 0
    stack: list[Node | str] = [] if node is None else [node]
    if node is not None and node.kind == "map":
        stack = _reversed_parts(node)
    while stack and size <= limit:
        part = stack.pop()
        if not isinstance(part, str):
            if part.kind != "scalar":
                opening, closing = "{}" if part.kind == "map" else "[]"
                stack += [closing, *_reversed_parts(part)]
                part = opening
            else:
                part = "null" if part.is_null else part.text
        pieces.append(part)
        size += len(part)
    text = "".join(pieces)
    return text if not stack and len(text) <= limit else text[: limit - 3] + "..."


def _reversed_parts(node: Node) -> list[Node | str]:
    parts: list[Node | str] = []
    for name, value in node.pairs:
        parts += [", ", name.text, ": ", value] if parts else [name.text, ": ", value]
    for item in node.items:
        parts += [", ", item] if parts else [item]
    parts.reverse()
    return parts
