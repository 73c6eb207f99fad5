# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The closure as one writes it first, compiled like the kernels: the yardstick of the compressed one.

For each block of columns every row is the union of its callees' rows, and its sums are looked up eight bits at a time. Nothing
is left out, shared or remembered; components are condensed by the caller.
"""

from __future__ import annotations

from array import array

import cython

if cython.compiled:
    from cython.cimports.truetier.pointers import doubles, ints, room_of_words
else:
    from truetier.pointers import doubles, ints, room_of_words

IS_COMPILED = cython.compiled


def closure_sums(starts: array[int], placed: array[int], weights: array[float], vectors: int, width: int) -> array[float]:
    """For each node of an acyclic graph, callees first, the sums of all weights over what it reaches, itself included."""
    nodes: cython.longlong = len(starts) - 1
    each: cython.longlong = vectors
    wide: cython.longlong = width
    totals = array("d", bytes(8 * nodes * each))
    tables = array("d", bytes(8 * wide * 8 * 256 * each))
    stored = bytearray(8 * nodes * wide)
    total: cython.p_double = doubles(totals)
    table: cython.p_double = doubles(tables)
    weight: cython.p_double = doubles(weights)
    store: cython.p_ulonglong = room_of_words(stored)
    start: cython.p_int = ints(starts)
    ahead: cython.p_int = ints(placed)
    low: cython.longlong = 0
    column: cython.longlong
    node: cython.longlong
    at: cython.longlong
    other: cython.longlong
    entry: cython.longlong
    word: cython.longlong
    vector: cython.longlong
    byte: cython.longlong
    edge: cython.int
    bits: cython.ulonglong
    one: cython.ulonglong = 1
    while low < nodes:
        for column in range(wide * 64):
            at = (column >> 3 << 8) * each
            entry = 1 << (column & 7)
            for other in range(entry):
                for vector in range(each):
                    table[at + (entry + other) * each + vector] = table[at + other * each + vector]
                    if low + column < nodes:
                        table[at + (entry + other) * each + vector] += weight[(low + column) * each + vector]
        for node in range(low, nodes):
            at = node * wide
            for word in range(wide):
                store[at + word] = 0
            if node < low + wide * 64:
                store[at + ((node - low) >> 6)] = one << ((node - low) & 63)
            for edge in range(start[node], start[node + 1]):
                if ahead[edge] >= low:
                    other = ahead[edge] * wide
                    for word in range(wide):
                        store[at + word] |= store[other + word]
            for word in range(wide):
                bits = store[at + word]
                byte = word * 8
                while bits:
                    entry = (byte << 8 | bits & 255) * each
                    for vector in range(each):
                        total[node * each + vector] += table[entry + vector]
                    bits >>= 8
                    byte += 1
        low += wide * 64
    return totals
