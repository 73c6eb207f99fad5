"""The memory of an array, for kernels that run uncompiled: the array itself. pointers.pxd is the same for compiled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array


def ints(values: array[int]) -> array[int]:
    """The memory of an array of type ``i``; it moves when the array grows."""
    return values


def doubles(values: array[float]) -> array[float]:
    """The memory of an array of type ``d``."""
    return values
