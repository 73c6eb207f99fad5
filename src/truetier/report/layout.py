"""Places boxes in bands so that calls stay short and cross little. Pure geometry: it knows no service.

Each band is cut into rows, callers above callees where no cycle forbids it. Boxes are then
moved, layer by layer and back and forth, to the mean of what they are joined to, and pushed apart no more than needed.
The work is a fixed number of sweeps over boxes and edges; the same input gives the same picture.
"""

from __future__ import annotations

from truetier.record import NamedTuple

SWEEPS = 16


class Spot(NamedTuple):
    """Where a box stands: its band, its row counted from the top of the band, and the centre of the box in cells."""

    band: int
    row: int
    x: float


class Layout(NamedTuple):
    """The spot of each box, the number of rows of each band, and the width of everything in cells."""

    spots: list[Spot]
    rows: list[int]
    width: float


def place(bands: list[list[int]], edges: list[tuple[int, int]], columns: int) -> Layout:
    """A spot for each box: ``bands`` lists the boxes 0..n-1, top band first; no row holds more than ``columns``."""
    count = sum(len(boxes) for boxes in bands)
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for caller, callee in edges:
        neighbours[caller].append(callee)
        neighbours[callee].append(caller)
    groups: list[tuple[int, int, list[int]]] = []  # band, number of rows, boxes from left to right
    rows = [0] * len(bands)
    for band, boxes in enumerate(bands):
        for layer in _layers(boxes, edges, count, columns):
            depth = -(-len(layer) // columns)
            groups.append((band, depth, layer))
            rows[band] += depth
    width = float(max((-(-len(boxes) // depth) for _, depth, boxes in groups), default=1))
    across = _arranged(groups, neighbours, width, count)
    spots = [Spot(0, 0, 0.0)] * count
    above = [0] * len(bands)
    for band, depth, boxes in groups:
        for index, box in enumerate(boxes):
            spots[box] = Spot(band, above[band] + index % depth, across[box])
        above[band] += depth
    return Layout(spots, rows, width)


def _layers(boxes: list[int], edges: list[tuple[int, int]], count: int, columns: int) -> list[list[int]]:
    """The boxes of one band row by row, callers before callees; more rows than a picture bears are put together."""
    inside = [False] * count
    for box in boxes:
        inside[box] = True
    callees: dict[int, list[int]] = {box: [] for box in boxes}
    for caller, callee in edges:
        if inside[caller] and inside[callee]:
            callees[caller].append(callee)
    rows = _filled(_top_down(boxes, callees), columns)
    allowed = 4 + 2 * -(-len(boxes) // columns)
    if len(rows) <= allowed:
        return rows
    layers: list[list[int]] = [[] for _ in range(allowed)]
    for number, row in enumerate(rows):
        layers[number * allowed // len(rows)].extend(row)
    return layers


def _filled(ordered: list[tuple[int, list[int]]], columns: int) -> list[list[int]]:
    """Rows of at most ``columns`` boxes: each box in the first row with room below all its callers."""
    rows: list[list[int]] = []
    earliest: dict[int, int] = {}
    next_free: list[int] = []  # for each row, a row at or below it that may have room
    for box, callees in ordered:
        row = earliest.get(box, 0)
        while row < len(rows) and len(rows[row]) >= columns:
            next_free[row] = max(next_free[row], row + 1)
            row = next_free[row]
        if row >= len(rows):
            row = len(rows)
            rows.append([])
            next_free.append(row)
        rows[row].append(box)
        for callee in callees:
            earliest[callee] = max(earliest.get(callee, 0), row + 1)
    return rows


def _top_down(boxes: list[int], callees: dict[int, list[int]]) -> list[tuple[int, list[int]]]:
    """Each box with its callees, callers first; calls back into an open path, which close a cycle, are left out."""
    finished: list[tuple[int, list[int]]] = []
    state = dict.fromkeys(boxes, 0)  # 0 unseen, 1 on the path, 2 done
    called = {callee for ahead in callees.values() for callee in ahead}
    for start in sorted(boxes, key=lambda box: box in called):
        path = [(start, iter(callees[start]), list[int]())] if state[start] == 0 else []
        state[start] = max(state[start], 1)
        while path:
            box, ahead, forward = path[-1]
            callee = next(ahead, None)
            if callee is None:
                state[box] = 2
                finished.append((box, forward))
                path.pop()
            elif state[callee] != 1:
                forward.append(callee)
                if state[callee] == 0:
                    state[callee] = 1
                    path.append((callee, iter(callees[callee]), []))
    finished.reverse()
    return finished


def _arranged(groups: list[tuple[int, int, list[int]]], neighbours: list[list[int]], width: float, count: int) -> list[float]:
    """The centre of each box in cells; orders the boxes of every group on the way."""
    across = [0.0] * count
    for _, depth, boxes in groups:
        for index, box in enumerate(boxes):
            across[box] = (index // depth + 0.5) * width / -(-len(boxes) // depth)
    for sweep in range(SWEEPS):
        for _, depth, boxes in groups if sweep % 2 == 0 else reversed(groups):
            wanted = {box: _mean([across[other] for other in neighbours[box]], across[box]) for box in boxes}
            boxes.sort(key=wanted.__getitem__)
            for box, x in zip(boxes, _spread([wanted[box] for box in boxes], 1 / depth, width), strict=True):
                across[box] = x
    return across


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(wanted: list[float], gap: float, width: float) -> list[float]:
    """The nearest places to the wanted ones, in order, at least a gap apart and inside the width (least squares)."""
    blocks: list[tuple[float, int]] = []  # mean and size of boxes pushed against each other, in slanted places
    for index, place_wanted in enumerate(wanted):
        mean, size = place_wanted - index * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean = (before * many + mean * size) / (many + size)
            size += many
        blocks.append((mean, size))
    slanted = [mean for mean, size in blocks for _ in range(size)]
    low, high = 0.5, max(0.5, width - 0.5 - (len(wanted) - 1) * gap)
    return [min(max(mean, low), high) + index * gap for index, mean in enumerate(slanted)]
