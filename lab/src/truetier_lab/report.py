"""The experiment as a reader sees it: a table and a plot, put into the page about the lab."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from truetier.errors import SourceError
from truetier_lab.planted import EXPECTED, JOURNEYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from truetier_lab.experiment import Pair, Result

_BEGIN, _END = "<!-- measured: written by make lab -->", "<!-- end of what make lab writes -->"
_SIZE, _MARGIN = 420, 50  # of the plot, in pixels
_COLOURS = {"browse": "#0072b2", "search": "#d55e00", "buy": "#009e73", "login": "#cc79a7"}


def write(result: Result, page: Path) -> None:
    """Puts the table between the marks in the page and the plot beside it. Raises SourceError where the page has no marks."""
    text = page.read_text(encoding="utf-8")
    if _BEGIN not in text or _END not in text:
        raise SourceError(f"{page}: expected the lines {_BEGIN!r} and {_END!r}, between which the results go")
    block = f"{_BEGIN}\n\n{table(result)}\n\n![computed against measured](lab.svg)\n\n{_END}"
    page.write_text(re.sub(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")
    page.with_suffix(".svg").write_text(plot(result.pairs), encoding="utf-8")


def table(result: Result) -> str:
    """By journey and over all: pairs, coverage, mean absolute difference, median half-width."""
    head = "| journey | pairs | intervals that cover 0 | mean absolute difference | mean difference | median half-width |"
    rows = [_row(name, [pair for pair in result.pairs if name in {pair.journey, "all"}]) for name in (*JOURNEYS, "all")]
    verdict = "as asked" if result.holds else "not as asked"
    summary = (
        f"{result.learned} schedules learned from, {result.predicted} others predicted, seed {result.seed}, {result.minutes:.0f} minutes: "
        f"{verdict} (coverage from 90 to 99 %, mean absolute difference at most the median half-width). The latest request was sent "
        f"{result.latest * 1000:.0f} ms after it was due."
    )
    planted = sum(len(expected.modes) for expected in EXPECTED)
    found = f"Verdicts found of those planted: {planted - len(result.missed)} of {planted}."
    missed = [f"- {line}" for line in result.missed]
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|", *rows, "", summary, "", found, *missed])


def _row(name: str, pairs: Sequence[Pair]) -> str:
    covered = sum(pair.is_covered for pair in pairs) / len(pairs)
    differences = np.array([pair.computed - pair.measured for pair in pairs])
    half = np.median([(pair.high - pair.low) / 2 for pair in pairs])
    return f"| {name} | {len(pairs)} | {covered:.1%} | {np.abs(differences).mean():.4f} | {differences.mean():+.4f} | {half:.4f} |"


def plot(pairs: Sequence[Pair]) -> str:
    """Measured over computed, a bar from low to high for each pair, as SVG."""
    side = _SIZE + 2 * _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" font-family="sans-serif" font-size="12">',
        f'<rect width="{side}" height="{side}" fill="white"/>',
        f'<path d="M{_x(0)} {_y(0)}H{_x(1)}V{_y(1)}H{_x(0)}Z M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" fill="none" stroke="#999"/>',
        f'<text x="{side / 2}" y="{side - 12}" text-anchor="middle">computed share of good requests</text>',
        f'<text transform="translate(14 {side / 2}) rotate(-90)" text-anchor="middle">measured, with its 95 % interval</text>',
    ]
    for mark in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        lines.append(f'<text x="{_x(mark)}" y="{_y(0) + 16}" text-anchor="middle">{mark:.1f}</text>')
        lines.append(f'<text x="{_x(0) - 6}" y="{_y(mark) + 4}" text-anchor="end">{mark:.1f}</text>')
    for pair in pairs:
        colour = _COLOURS[pair.journey]
        lines.append(f'<path d="M{_x(pair.computed)} {_y(pair.low)}V{_y(pair.high)}" stroke="{colour}" stroke-opacity="0.35"/>')
        radius, fill = (2.5, colour) if pair.is_covered else (4, "none")
        lines.append(f'<circle cx="{_x(pair.computed)}" cy="{_y(pair.measured)}" r="{radius}" fill="{fill}" stroke="{colour}"/>')
    for number, (journey, colour) in enumerate(_COLOURS.items()):
        lines.append(f'<text x="{_x(0) + 12}" y="{_y(1) + 20 + 16 * number}" fill="{colour}">{journey}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _x(share: float) -> float:
    return round(_MARGIN + share * _SIZE, 1)


def _y(share: float) -> float:
    return round(_MARGIN + (1 - share) * _SIZE, 1)
