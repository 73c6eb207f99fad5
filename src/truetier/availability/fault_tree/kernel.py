# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Things on a line that pull at one another: the inner loops of an order by centres of gravity (order.py)."""

from __future__ import annotations

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
    from cython.cimports.truetier.pointers import doubles, ints
else:
    from truetier.pointers import doubles, ints

IS_COMPILED = cython.compiled


def pulled(starts: array[int], members: array[int], places: array[float]) -> array[float]:
    """For each thing the mean of the centres of the groups it is in; some group must hold it.

    Group g holds the things members[starts[g]] up to but without members[starts[g + 1]].
    """
    sums = array("d", bytes(8 * len(places)))
    counts = array("i", bytes(4 * len(places)))
    total: cython.p_double = doubles(sums)
    count: cython.p_int = ints(counts)
    place: cython.p_double = doubles(places)
    start: cython.p_int = ints(starts)
    member: cython.p_int = ints(members)
    centre: cython.double
    group: cython.int
    at: cython.int
    thing: cython.int
    for group in range(len(starts) - 1):
        centre = 0.0
        for at in range(start[group], start[group + 1]):
            centre += place[member[at]]
        centre /= start[group + 1] - start[group]
        for at in range(start[group], start[group + 1]):
            total[member[at]] += centre
            count[member[at]] += 1
    for thing in range(len(places)):
        total[thing] /= count[thing]
    return sums


def arrange(starts: array[int], members: array[int], line: list[int], places: array[float]) -> float:
    """Puts the things in their places on the line; how far the members of each group then stand apart, summed over the groups."""
    place: cython.p_double = doubles(places)
    start: cython.p_int = ints(starts)
    member: cython.p_int = ints(members)
    found: cython.double = 0.0
    first: cython.double
    last: cython.double
    group: cython.int
    at: cython.int
    thing: cython.int
    for at in range(len(line)):
        thing = line[at]
        place[thing] = at
    for group in range(len(starts) - 1):
        first = last = place[member[start[group]]]
        for at in range(start[group] + 1, start[group + 1]):
            first = min(first, place[member[at]])
            last = max(last, place[member[at]])
        found += last - first
    return found
