"""Columns of numbers and texts in one run of bytes: what a snapshot is made of.

A column is a letter that says how wide its numbers are, how many there are, and the numbers, little end first. Texts stand once,
at the front, and columns name them by number. A reader believes nothing: what does not fit raises ``DamagedError``, and since every
row of every table takes at least a byte in each of its columns, no bytes describe more than a small multiple of their number.
"""

from __future__ import annotations

import sys
from array import array
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Numbers = array[int]

_WIDTHS = {"B": (0, 0xFF), "H": (0, 0xFFFF), "I": (0, 0xFFFF_FFFF), "q": (-(2**63), 2**63 - 1)}
_SIZES = {"B": 1, "H": 2, "I": 4, "q": 8}
_COUNT = 8  # bytes
_IS_BIG_ENDIAN = sys.byteorder == "big"


class DamagedError(Exception):
    """The bytes are not what was written."""


class Writer:
    """Takes columns one after another."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._texts: dict[str, int] = {}

    def numbers(self, numbers: Sequence[int]) -> None:
        """A column, as narrow as its numbers allow."""
        least, most = min(numbers, default=0), max(numbers, default=0)
        letter = next(letter for letter, (low, high) in _WIDTHS.items() if low <= least and most <= high)
        column = array(letter, numbers)
        if _IS_BIG_ENDIAN:
            column.byteswap()
        self._parts += (letter.encode(), len(column).to_bytes(_COUNT, "little"), column.tobytes())

    def texts(self, texts: Sequence[str]) -> None:
        """A column of texts."""
        known = self._texts
        self.numbers([known.setdefault(text, len(known)) for text in texts])

    def written(self) -> bytes:
        """All of it, texts first."""
        front = Writer()
        joined = "".join(self._texts).encode("utf-8", "surrogatepass")
        front.numbers([len(text) for text in self._texts])
        front.numbers(joined)
        return b"".join((*front._parts, *self._parts))


class Reader:
    """Gives the columns back in the order they were written. Raises DamagedError."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._at = 0
        lengths = self._column()
        letters = self._column()
        if min(lengths, default=0) < 0 or letters.typecode != "B":
            raise DamagedError
        try:
            joined = letters.tobytes().decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise DamagedError from None
        ends = list(accumulate(lengths, initial=0))
        if ends[-1] != len(joined):
            raise DamagedError
        self._texts = [joined[begin:end] for begin, end in pairwise(ends)]

    def numbers(self, count: int, least: int, most: int) -> Numbers:
        """The next column, which has so many numbers in that range."""
        found = self._column()
        low, high = _WIDTHS[found.typecode]
        if len(found) != count or (count and ((low < least and min(found) < least) or (high > most and max(found) > most))):
            raise DamagedError
        return found

    def lengths(self, count: int) -> tuple[Numbers, int]:
        """The next column, which says for each of so many rows how many rows of the next table it owns; and their sum."""
        found = self.numbers(count, 0, len(self._content))
        total = sum(found)
        if total > len(self._content):
            raise DamagedError
        return found, total

    def texts(self, count: int) -> list[str]:
        """The next column, of so many texts."""
        texts = self._texts
        return list(map(texts.__getitem__, self.numbers(count, 0, len(texts) - 1)))

    def finish(self) -> None:
        """Raises DamagedError where something follows."""
        if self._at != len(self._content):
            raise DamagedError

    def _column(self) -> Numbers:
        content, begin = self._content, self._at + 1 + _COUNT
        letter = content[self._at : self._at + 1].tobytes().decode("latin-1")
        size = int.from_bytes(content[self._at + 1 : begin], "little") * _SIZES.get(letter, 0)
        if letter not in _SIZES or size > len(content) - begin:
            raise DamagedError
        self._at = begin + size
        column = array(letter)
        column.frombytes(content[begin : self._at])
        if _IS_BIG_ENDIAN:
            column.byteswap()
        return column
