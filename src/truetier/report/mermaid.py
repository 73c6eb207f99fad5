"""The graph as a Mermaid flowchart, for Markdown pages: a subgraph per tier, hard needs solid, soft dashed, async dotted.

Mermaid has one broken line only, so soft and async differ in its pattern, and async is named beside the line. Viewers draw
at most 500 lines unless their ``maxEdges`` is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.report.drawing import Stroke, bands, identifiers, lines
from truetier.report.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.graph.build import Graph
    from truetier.report.drawing import Line

_ARROWS = {Stroke.HARD: "-->", Stroke.SOFT: "-.->", Stroke.ASYNC: "-.->", Stroke.BOOT: "-->"}
_PATTERNS = {
    Stroke.SOFT: "stroke-dasharray: 6 4",
    Stroke.ASYNC: "stroke-dasharray: 1 4",
    Stroke.BOOT: "stroke: #999999",
}


def render(graph: Graph) -> str:
    """The graph as the text of a Mermaid diagram."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    ids = identifiers(graph, _identifier)
    yield "flowchart TB"
    for number, band in enumerate(bands(graph)):
        yield f"  subgraph tier_{number}[{_quoted(band.title)}]"
        for service in band.services:
            yield f"    {ids[service.name]}[{_quoted(service.name)}]{':::external' if service.external else ''}"
        yield "  end"
    drawn: dict[Stroke, list[int]] = {stroke: [] for stroke in Stroke}
    for index, line in enumerate(lines(graph)):
        drawn[line.stroke].append(index)
        yield f"  {ids[line.caller]} {_ARROWS[line.stroke]}{_beside(line)} {ids[line.callee]}"
    for stroke, pattern in _PATTERNS.items():
        if drawn[stroke]:
            yield f"  linkStyle {','.join(map(str, drawn[stroke]))} {pattern}"
    if any(service.external for service in graph.fleet.services.values()):
        yield "  classDef external stroke-dasharray: 4 2"


def _identifier(name: str) -> str:
    """A word that is neither keyword nor markup, whatever the name: ``s_checkout``."""
    return "s_" + "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name)


def _beside(line: Line) -> str:
    words = ", ".join(word for word in ("async" if line.stroke is Stroke.ASYNC else "", line.label) if word)
    return f"|{_quoted(words)}|" if words else ""


def _quoted(text: str) -> str:
    """A quoted label in which everything that could be markup, a directive or the end of the quotes is a character code."""
    return '"' + "".join(sign if sign.isalnum() or sign in " -_./:,@()+=" else f"#{ord(sign)};" for sign in plain(text)) + '"'
