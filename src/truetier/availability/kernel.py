# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What needs no diagram, number by number: logarithms that add up over a series, columns side by side, quantiles of a density."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetier import typed as cython
else:
    try:
        import cython  # the compiler wants to see this line
    except ModuleNotFoundError:
        from truetier import typed as cython

if cython.compiled:
    from cython.cimports.libc.math import exp, expm1, log1p, sqrt
    from cython.cimports.truetier.pointers import doubles, ints, lowest, words
else:
    from math import exp, expm1, log1p, sqrt

    from truetier.pointers import doubles, ints, lowest, words

IS_COMPILED = cython.compiled

_CELLS = 256  # of a density that is integrated
_NOTHING_LEFT = cython.declare(cython.double, -45.0)  # the logarithm of a density, beside its top, where nothing of it is left
_MOST_STEPS = 60


def losses(downs: array[float]) -> array[float]:
    """-log of the availability that goes with each unavailability; infinite where that is 1."""
    found = downs[:]
    loss: cython.p_double = doubles(found)
    never: cython.double = float("inf")
    place: cython.int
    for place in range(len(found)):
        loss[place] = -log1p(-loss[place]) if loss[place] < 1.0 else never
    return found


def scaled_losses(downs: array[float], scale: float) -> array[float]:
    """-log of the availability that goes with each unavailability times a number below 1."""
    found = downs[:]
    loss: cython.p_double = doubles(found)
    factor: cython.double = scale
    place: cython.int
    for place in range(len(found)):
        loss[place] = -log1p(-factor * loss[place])
    return found


def scaled_slopes(downs: array[float], scale: float) -> array[float]:
    """How fast each of these grows with that number: q / (1 - t q)."""
    found = downs[:]
    slope: cython.p_double = doubles(found)
    factor: cython.double = scale
    place: cython.int
    for place in range(len(found)):
        slope[place] = slope[place] / (1.0 - factor * slope[place])
    return found


def costs_of_leading(
    sums: array[float],
    width: int,
    points: array[float],
    weights: array[float],
    leading: array[int],
    most: int,
    downs: array[float],
    losses_of_each: array[float],
    unit: float,
    *,
    has_slopes: bool,
) -> tuple[array[int], array[float], array[float], array[float]]:
    """For each of some series: how many components lead it, at most so many; of each its costs and what it gives back; the residue.

    The sums of a series, ``width`` numbers each: its loss, its losses at each node, and (``has_slopes``) its slopes there, for
    where the nodes may be too few: then the costs are scaled to meet the downtime. ``leading`` holds places in ``downs``, which
    descends, and in the losses that go with them; -1 behind the last.
    """
    each: cython.longlong = width
    nodes: cython.longlong = len(points)
    room: cython.longlong = most
    series: cython.longlong = len(leading) // most
    counts = array("i", bytes(4 * series))
    costs, gains, residues = array("d", bytes(8 * series * room)), array("d", bytes(8 * series * room)), array("d", bytes(8 * series))
    chances = array("d", bytes(8 * nodes))
    count: cython.p_int = ints(counts)
    cost: cython.p_double = doubles(costs)
    gain: cython.p_double = doubles(gains)
    residue: cython.p_double = doubles(residues)
    chance: cython.p_double = doubles(chances)  # weighted
    total: cython.p_double = doubles(sums)
    point: cython.p_double = doubles(points)
    weight: cython.p_double = doubles(weights)
    first: cython.p_int = ints(leading)
    down: cython.p_double = doubles(downs)
    loss: cython.p_double = doubles(losses_of_each)
    minutes: cython.double = unit
    is_scaled: cython.bint = has_slopes
    one: cython.longlong
    at: cython.longlong
    node: cython.longlong
    place: cython.longlong
    q: cython.double
    scale: cython.double
    found: cython.double
    for one in range(series):
        at = one * each
        found = 0.0
        for node in range(nodes):
            chance[node] = weight[node] * exp(-total[at + 1 + node])
            if is_scaled:
                found += chance[node] * total[at + 1 + nodes + node]
        scale = minutes
        if is_scaled and found:
            scale = -expm1(-total[at]) / found
            residue[one] = abs(scale - 1.0)
            scale *= minutes
        for place in range(one * room, one * room + room):
            if first[place] < 0:
                break
            q = down[first[place]]
            if q == 0.0:
                break
            count[one] += 1
            if place > one * room and q == down[first[place - 1]]:
                cost[place] = cost[place - 1]
                gain[place] = gain[place - 1]
                continue
            found = 0.0
            for node in range(nodes):
                found += chance[node] / (1.0 - point[node] * q)
            cost[place] = q * found * scale
            found = total[at] - loss[first[place]]
            gain[place] = q * exp(-found if found > 0.0 else 0.0) * minutes
    return counts, costs, gains, residues


def unavailabilities(totals: array[float]) -> array[float]:
    """What each sum of losses comes to."""
    found = totals[:]
    down: cython.p_double = doubles(found)
    place: cython.int
    for place in range(len(found)):
        down[place] = -expm1(-down[place])
    return found


def conjoin_columns(up: array[float], down: array[float], other_up: array[float], other_down: array[float]) -> None:
    """Makes of P(holds) and P(fails) in each column those of both it and something independent."""
    holds: cython.p_double = doubles(up)
    fails: cython.p_double = doubles(down)
    other_holds: cython.p_double = doubles(other_up)
    other_fails: cython.p_double = doubles(other_down)
    column: cython.longlong
    for column in range(len(up)):
        fails[column] += holds[column] * other_fails[column]
        holds[column] *= other_holds[column]


def beta_quantiles(first: float, second: float, shares: array[float], points: array[float], weights: array[float]) -> array[float]:
    """Where a beta distribution of those shapes reaches each of some ascending shares, all between 0 and 1.

    The density of log(x / (1 - x)) has one top and falls off on both sides at least exponentially. It is integrated in cells around the
    top, by quadrature with these points and weights on 0..1, and inside a cell the place is found by Newton's method. With x* the top
    and d the way from it, its logarithm is first d - (first + second) log(1 + x* (e^d - 1)), which cancels nothing where x* <= 1/2.
    Source: the density, Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, chapter 25.
    """
    if first > second:
        mirrored = beta_quantiles(second, first, array("d", [1.0 - each for each in reversed(shares)]), points, weights)
        return array("d", [1.0 - each for each in reversed(mirrored)])
    shape: cython.double = first
    both: cython.double = first + second
    top: cython.double = first / (first + second)
    spread: cython.double = sqrt((first + second) / (first * second))
    left: cython.double = spread
    right: cython.double = spread
    while _log_density(-left, shape, both, top) > _NOTHING_LEFT:
        left *= 1.25
    while _log_density(right, shape, both, top) > _NOTHING_LEFT:
        right *= 1.25
    cells: cython.int = _CELLS
    wide: cython.double = (left + right) / cells
    sums, found = array("d", bytes(8 * (cells + 1))), array("d", bytes(8 * len(shares)))
    below: cython.p_double = doubles(sums)
    quantile: cython.p_double = doubles(found)
    share: cython.p_double = doubles(shares)
    point: cython.p_double = doubles(points)
    weight: cython.p_double = doubles(weights)
    nodes: cython.int = len(points)
    cell: cython.int
    number: cython.int
    start: cython.double
    wanted: cython.double
    step: cython.double
    least: cython.double
    most: cython.double
    error: cython.double
    for cell in range(cells):
        below[cell + 1] = below[cell] + _mass(cell * wide - left, wide, shape, both, top, point, weight, nodes)
    cell = 0
    for number in range(len(shares)):
        wanted = share[number] * below[cells]
        while cell < cells - 1 and below[cell + 1] < wanted:
            cell += 1
        start = cell * wide - left
        wanted -= below[cell]
        least = 0.0
        most = wide
        step = wide * wanted / (below[cell + 1] - below[cell]) if below[cell + 1] > below[cell] else 0.0
        for _ in range(_MOST_STEPS):
            error = _mass(start, step, shape, both, top, point, weight, nodes) - wanted
            if error > 0.0:
                most = step
            else:
                least = step
            error /= exp(_log_density(start + step, shape, both, top))
            step -= error
            if not least <= step <= most:
                step = (least + most) / 2.0
            elif abs(error) <= 1e-7 * wide:
                break  # each step doubles the digits
        start += step
        quantile[number] = top * exp(start) / (1.0 + top * expm1(start))
    return found


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _log_density(way: cython.double, shape: cython.double, both: cython.double, top: cython.double) -> cython.double:
    """Of log(x / (1 - x)) where x has a beta distribution, so far from its top, beside that of the top."""
    density: cython.double = shape * way - both * log1p(top * expm1(way))
    return density


@cython.cfunc
@cython.exceptval(check=False)
def _mass(
    start: cython.double,
    wide: cython.double,
    shape: cython.double,
    both: cython.double,
    top: cython.double,
    point: cython.p_double,
    weight: cython.p_double,
    nodes: cython.int,
) -> cython.double:
    """The integral of that density over so wide a piece."""
    found: cython.double = 0.0
    number: cython.int
    for number in range(nodes):
        found += weight[number] * exp(_log_density(start + wide * point[number], shape, both, top))
    return found * wide


def places(mask: int) -> array[int]:
    """The places of the bits that are set, ascending."""
    size = (mask.bit_length() + 63) // 64
    digits = array("Q", mask.to_bytes(8 * size, "little"))
    if sys.byteorder == "big":
        digits.byteswap()
    found = array("i", bytes(4 * mask.bit_count()))
    word: cython.p_ulonglong = words(digits)
    place: cython.p_int = ints(found)
    bits: cython.ulonglong
    number: cython.int
    count: cython.int = 0
    for number in range(size):
        bits = word[number]
        while bits:
            place[count] = number * 64 + lowest(bits)
            count += 1
            bits &= bits - 1
    return found


def fill_rows(rows: array[float], downs: array[float], points: array[float], numbers: array[int], surely_down: float) -> None:
    """Of some literals: log(1 - q), then log(1 - t q) at each point t, then q / (1 - t q) at each; ``surely_down`` stands for log 0."""
    nodes: cython.longlong = len(points)
    row: cython.p_double = doubles(rows)
    down: cython.p_double = doubles(downs)
    point: cython.p_double = doubles(points)
    never: cython.double = surely_down
    q: cython.double
    at: cython.longlong
    index: cython.longlong
    number: cython.int
    for number in numbers:
        q = down[number]
        at = number * (1 + 2 * nodes)
        row[at] = log1p(-q) if q < 1.0 else never
        for index in range(nodes):
            row[at + 1 + index] = log1p(-point[index] * q)
            row[at + 1 + nodes + index] = q / (1.0 - point[index] * q)


def with_rows(sums: array[float], rows: array[float], numbers: array[int]) -> array[float]:
    """Sums to which some rows of a table as wide as they are were added; what rounding takes away is added in the end.

    Source: Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, 1974.
    """
    width: cython.longlong = len(sums)
    found, losses_of_each = sums[:], array("d", bytes(8 * len(sums)))
    total: cython.p_double = doubles(found)
    lost: cython.p_double = doubles(losses_of_each)
    row: cython.p_double = doubles(rows)
    at: cython.longlong
    column: cython.longlong
    before: cython.double
    more: cython.double
    number: cython.int
    for number in numbers:
        at = number * width
        for column in range(width):
            before = total[column]
            more = row[at + column]
            total[column] = before + more
            if abs(before) >= abs(more):
                lost[column] += before - total[column] + more
            else:
                lost[column] += more - total[column] + before
    for column in range(width):
        total[column] += lost[column]
    return found


def with_largest(largest: array[int], values: array[float], numbers: array[int], most: int) -> array[int]:
    """The numbers with the largest values, the largest first and of equal ones the smallest number; at most so many."""
    found = array("i", bytes(4 * (most + 1)))
    kept: cython.p_int = ints(found)
    value: cython.p_double = doubles(values)
    limit: cython.int = most
    count: cython.int = len(largest)
    place: cython.int
    number: cython.int
    for place in range(count):
        kept[place] = largest[place]
    for number in numbers:
        if count == limit and value[kept[count - 1]] > value[number]:
            continue
        place = count
        while place and (value[kept[place - 1]] < value[number] or (value[kept[place - 1]] == value[number] and kept[place - 1] > number)):
            kept[place] = kept[place - 1]
            place -= 1
        kept[place] = number
        count = min(count + 1, limit)
    return found[:count]
