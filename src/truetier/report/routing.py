"""Leads an edge past the boxes between its ends: row by row through the nearest gap, and straight on where it can."""

from __future__ import annotations

from bisect import bisect_left

from truetier.record import NamedTuple

_MARGIN = 5.0  # kept free beside a box
_LANES = 5  # edges in one narrow gap run side by side on as many lanes


class Row(NamedTuple):
    """One row of boxes: the height of its middle, and the free stretches between boxes from left to right."""

    y: float
    lefts: list[float]
    rights: list[float]


def row(y: float, centres: list[float], box: float, left: float, right: float) -> Row:
    """The row at that height with boxes of one width around these centres, in a picture from left to right."""
    lefts, rights = [left], []
    for centre in sorted(centres):
        rights.append(centre - box / 2 - _MARGIN)
        lefts.append(centre + box / 2 + _MARGIN)
    rights.append(right)
    free = [(start, end) for start, end in zip(lefts, rights, strict=True) if end >= start]
    return Row(y, [start for start, _ in free], [end for _, end in free])


def crossing(through: Row, wanted: float, lane: int) -> float:
    """Where an edge that wants to pass at ``wanted`` passes the row; ``lane`` keeps edges in one gap apart."""
    if not through.lefts:
        return wanted
    index = bisect_left(through.rights, wanted)
    best, shortest = wanted, float("inf")
    for candidate in (index - 1, index, index + 1):
        if not 0 <= candidate < len(through.lefts):
            continue
        start, end = through.lefts[candidate], through.rights[candidate]
        room = (end - start) / (_LANES + 1)
        offset = (lane % _LANES - _LANES // 2) * min(3.0, room)
        at = min(max(wanted, start), end)
        if abs(at - wanted) < shortest:
            shortest = abs(at - wanted)
            best = at if at == wanted else min(max(at + offset, start), end)
    return best


def waypoints(rows: list[Row], start: tuple[float, int], end: tuple[float, int], lane: int, keep: float) -> list[tuple[float, float]]:
    """The points between two ends, each given as x and row number, at which an edge passes the rows between.

    An edge stays at its x as long as that is free and no further than ``keep`` from the straight line.
    """
    (x1, first), (x2, last) = start, end
    step = 1 if last > first else -1
    found = []
    at = x1
    for number in range(first + step, last, step):
        line = x1 + (x2 - x1) * (number - first) / (last - first)
        wanted = at if abs(at - line) <= keep else line
        at = crossing(rows[number], wanted, lane)
        found.append((at, rows[number].y))
    return found
