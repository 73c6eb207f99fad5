"""The memory of an array or of bytes, for kernels that run uncompiled: the thing itself. pointers.pxd is the same for compiled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from array import array

    from _typeshed import ReadableBuffer


def ints(values: array[int]) -> array[int]:
    """The memory of an array of type ``i``; it moves when the array grows."""
    return values


def doubles(values: array[float]) -> array[float]:
    """The memory of an array of type ``d``."""
    return values


def longlongs(values: array[int]) -> array[int]:
    """The memory of an array of type ``q``."""
    return values


def words(values: array[int]) -> array[int]:
    """The memory of an array of type ``Q``."""
    return values


def room_of_ints(room: bytearray) -> memoryview[int]:
    """The memory of a byte array as numbers of type int. What was never written takes no memory of the machine."""
    return memoryview(room).cast("i")


def room_of_words(room: bytearray) -> memoryview[int]:
    """The memory of a byte array as unsigned numbers of 64 bits."""
    return memoryview(room).cast("Q")


def room_of_doubles(room: bytearray) -> memoryview[float]:
    """The memory of a byte array as numbers of type double."""
    return memoryview(room).cast("d")


def lowest(word: int) -> int:
    """The place of the lowest bit that is set; some bit must be."""
    return (word & -word).bit_length() - 1


def characters(content: bytes) -> bytes:
    """The memory of bytes; to be read only, and no longer than they live."""
    return content


def signs(text: str) -> bytes:
    """The memory of a text in ASCII; to be read only, and no longer than it lives."""
    return text.encode("ascii")


def memory(given: ReadableBuffer) -> bytes:
    """The memory of bytes that something else keeps in one place; to be read only, and no longer than it lives."""
    return bytes(given)


def size_of(given: ReadableBuffer) -> int:
    """How many bytes that memory has."""
    return memoryview(given).nbytes


def room_of_signs(room: bytearray) -> bytes:
    """The memory of a byte array, which ``put`` and ``copy`` write to; it moves when the array grows."""
    return cast("bytes", room)


def put(room: bytes, place: int, sign: int) -> None:
    """Writes one byte."""
    cast("bytearray", room)[place] = sign


def copy(room: bytes, place: int, source: bytes, begin: int, end: int) -> None:
    """Writes the bytes of the source from ``begin`` to ``end``; the source may be the room itself."""
    cast("bytearray", room)[place : place + end - begin] = source[begin:end]
