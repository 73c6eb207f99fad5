"""The graph for Graphviz: tiers as bands from strictest down, hard needs solid, soft dashed, async dotted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.report.drawing import Stroke, bands, identifiers, lines
from truetier.report.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truetier.graph.build import Graph
    from truetier.report.drawing import Band, Line

_STYLES = {
    Stroke.HARD: "style=solid",
    Stroke.SOFT: "style=dashed",
    Stroke.ASYNC: "style=dotted",
    Stroke.BOOT: "style=solid, color=gray, arrowhead=empty",
}


def render(graph: Graph) -> str:
    """The graph in the DOT language."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    ids = {name: _quoted(text) for name, text in identifiers(graph, plain).items()}
    yield "digraph truetier {"
    yield "  rankdir=TB;"
    yield '  node [shape=box, fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif", fontsize=10];'
    for number, band in enumerate(bands(graph)):
        yield from _band(number, band, ids)
    for line in lines(graph):
        yield f"  {ids[line.caller]} -> {ids[line.callee]} [{_attributes(line)}];"
    yield "}"


def _band(number: int, band: Band, ids: Mapping[str, str]) -> Iterator[str]:
    yield f"  subgraph cluster_{number} {{"
    yield f"    label={_label(band.title)};"
    yield "    color=gray;"
    for service in band.services:
        yield f"    {ids[service.name]} [label={_label(service.name)}{', style=dashed' if service.external else ''}];"
    yield "  }"


def _attributes(line: Line) -> str:
    return _STYLES[line.stroke] + (f", label={_label(line.label)}" if line.label else "")


def _quoted(text: str) -> str:
    """A quoted identifier: nothing in it ends the quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _label(text: str) -> str:
    """A quoted label: as an identifier, and free of entities, which Graphviz would resolve."""
    return _quoted(plain(text).replace("&", "&amp;"))
