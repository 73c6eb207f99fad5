"""Gauss-Legendre nodes and weights on 0..1."""

from __future__ import annotations

import math
from functools import cache


@cache
def gauss_legendre(count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Nodes and weights that integrate polynomials up to degree 2 count - 1 exactly.

    Roots of the Legendre polynomial by Newton's method. Source: Abramowitz and Stegun 25.4.30.
    """
    nodes: list[float] = []
    weights: list[float] = []
    for index in range(count):
        root = math.cos(math.pi * (index + 0.75) / (count + 0.5))
        while True:
            before, here = 1.0, root
            for degree in range(2, count + 1):
                before, here = here, ((2 * degree - 1) * root * here - (degree - 1) * before) / degree
            slope = count * (root * here - before) / (root * root - 1.0)
            step = here / slope
            root -= step
            if abs(step) < 1e-15:
                break
        nodes.append((1.0 - root) / 2.0)
        weights.append(1.0 / ((1.0 - root * root) * slope * slope))
    return tuple(nodes), tuple(weights)
