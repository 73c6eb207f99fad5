"""The experiment as a reader sees it: a table and a plot, put into the page about the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from truetier.errors import SourceError
from truetier_lab.planted import EXPECTED, JOURNEYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from truetier_lab.declared import Declared
    from truetier_lab.experiment import Pair, Result

_BEGIN, _END = "<!-- {}: written by make lab -->", "<!-- end of what make lab writes -->"
_SIZE, _MARGIN = 420, 50  # of the plot, in pixels
_COLOURS = {"browse": "#0072b2", "search": "#d55e00", "buy": "#009e73", "login": "#cc79a7"}


def write(planted: Result, declared: Declared, page: Path) -> None:
    """Puts what both fleets showed between their marks in the page, a plot beside it. Raises SourceError where the page has no marks."""
    text = page.read_text(encoding="utf-8")
    blocks = {"measured": f"{of_planted(planted)}\n\n![computed against measured](lab.svg)", "as declared": of_declared(declared)}
    for name, block in blocks.items():
        begin = _BEGIN.format(name)
        before, is_there, rest = text.partition(begin)
        _, is_ended, after = rest.partition(_END)
        if not (is_there and is_ended):
            raise SourceError(f"{page}: expected the lines {begin!r} and {_END!r}, between which the results go")
        text = f"{before}{begin}\n\n{block}\n\n{_END}{after}"
    page.write_text(text, encoding="utf-8")
    page.with_suffix(".svg").write_text(plot(planted.pairs), encoding="utf-8")


def of_planted(result: Result) -> str:
    """How computed and measured compare, and how many of the planted verdicts were found."""
    verdict = "as asked" if result.holds else "not as asked"
    summary = (
        f"{_what_was_run(result)}: {verdict} (coverage from 90 to 99 %, mean absolute difference at most the median half-width). The "
        f"latest request was sent {result.latest * 1000:.0f} ms after it was due."
    )
    planted = sum(len(expected.modes) for expected in EXPECTED)
    found = f"Verdicts found of those planted: {planted - len(result.missed)} of {planted}."
    return "\n".join([_table({"": result.pairs}), "", summary, "", found, *_list(result.missed)])


def of_declared(declared: Declared) -> str:
    """What was found without facts and with them, and how computed and measured compare without breakers and with them."""
    plain, with_breakers = declared.plain.pairs, declared.with_breakers.pairs
    verdict = "as asked" if declared.holds else "not as asked"
    summary = (
        f"{_what_was_run(declared.with_breakers)}, twice: {verdict} (findings, and none with the facts; coverage at least 90 %, mean "
        "absolute difference at most the median half-width)."
    )
    without_facts = [f"Findings without the facts of the guards: {len(declared.before)}.", "", *_list(declared.before), ""]
    with_facts = [f"Findings with them: {len(declared.after) or 'none'}.", "", *_list(declared.after), *([""] if declared.after else [])]
    table = _table({"": plain, ", with breakers": with_breakers})
    return "\n".join([*without_facts, *with_facts, table, "", summary, "", _cost(plain, with_breakers)])


def _what_was_run(result: Result) -> str:
    return f"{result.learned} schedules learned from, {result.predicted} others predicted, seed {result.seed}, {result.minutes:.0f} minutes"


def _list(lines: Sequence[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _table(fleets: Mapping[str, Sequence[Pair]]) -> str:
    """By journey and over all: pairs, coverage, differences, median half-width."""
    head = "| journey | pairs | intervals that cover 0 | mean absolute difference | mean difference | median half-width |"
    rows = [
        _row(f"{name}{fleet}", [pair for pair in pairs if name in {pair.journey, "all"}])
        for fleet, pairs in fleets.items()
        for name in (*JOURNEYS, "all")
    ]
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|", *rows])


def _row(name: str, pairs: Sequence[Pair]) -> str:
    covered = sum(pair.is_covered for pair in pairs) / len(pairs)
    differences = np.array([pair.computed - pair.measured for pair in pairs])
    half = np.median([(pair.high - pair.low) / 2 for pair in pairs])
    return f"| {name} | {len(pairs)} | {covered:.1%} | {np.abs(differences).mean():.4f} | {differences.mean():+.4f} | {half:.4f} |"


def _cost(plain: Sequence[Pair], with_breakers: Sequence[Pair]) -> str:
    """What breakers cost in the same schedules, computed and measured."""
    words = []
    for name in (*JOURNEYS, "all"):
        both = [(one, other) for one, other in zip(plain, with_breakers, strict=True) if name in {one.journey, "all"}]
        computed, measured = (np.mean([getattr(one, key) - getattr(other, key) for one, other in both]) for key in ("computed", "measured"))
        words.append(f"{name} {computed:.2%} computed, {measured:.2%} measured")
    return f"Availability that the breakers cost: {'; '.join(words)}."


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
