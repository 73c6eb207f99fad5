"""What the footer of a Parquet file says of its columns, group of rows by group of rows.

pyarrow says it too, but ends the process where a damaged footer contradicts itself (26.0: what ``RowGroupMetaData.column`` throws in C++
nobody catches). The footer is one struct in Thrift's compact protocol; of it only what bounds memory is looked at.
Sources: the Parquet format's parquet.thrift, and Thrift's specification of the compact protocol.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 16 * 2**20  # bytes; footers of thousands of groups have a tenth
_DEEPEST = 16  # structs in one another
_TEXT, _DELTA, _DICTIONARIES = 6, 7, {2, 8}  # BYTE_ARRAY; DELTA_BYTE_ARRAY; PLAIN_DICTIONARY and RLE_DICTIONARY
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_NUMBERS = {4, 5, 6}


class Chunk(NamedTuple):
    """One column of one group: rows and bytes are those of the group, unpacked; ``values`` counts the elements of lists."""

    group: int
    rows: int
    bytes: int
    path: str
    values: int
    size: int  # bytes of the column, unpacked
    is_text: bool
    has_dictionary: bool  # texts are kept once each
    is_delta: bool  # texts may be kept as what they add to the one before


def chunks(stream: IO[bytes]) -> Iterator[Chunk]:
    """Every column of every group that has rows. Raises ValueError for a footer that is none, or too large."""
    footer = _Reader(_footer(stream)).struct()
    try:
        for place, group in enumerate(footer[4]):
            for column in group[1] if group[3] > 0 else ():
                told = column[3]
                encodings = set(told[2])
                yield Chunk(
                    place,
                    group[3],
                    group[2],
                    ".".join(part.decode() for part in told[3]),
                    told[5],
                    told[6],
                    told[1] == _TEXT,
                    bool(encodings & _DICTIONARIES) or 11 in told,
                    _DELTA in encodings,
                )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("a footer that says too little of its columns") from error


def _footer(stream: IO[bytes]) -> bytes:
    end = stream.seek(0, 2)
    stream.seek(max(0, end - 8))
    size = int.from_bytes(stream.read(4), "little")
    if size > min(_MOST, end - 8):
        raise ValueError(f"a footer of {size} bytes")
    stream.seek(end - 8 - size)
    return stream.read(size)


class _Reader:
    """Structs as mappings from the numbers of their fields, lists as lists."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The struct that begins here."""
        found: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._number()
            found[field] = self._value(head & 15, depth + 1)
        return found

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401 - a kind each
        if depth > _DEEPEST:
            raise ValueError("structs too deep in one another")
        if kind in _NUMBERS:
            return self._number()
        if kind in {_TRUE, _FALSE}:
            return kind == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in {_LIST, _SET}:
            head = self._byte()
            count, kind = head >> 4, head & 15
            count = self._varint() if count == 15 else count
            if count > len(self._content) - self._at:
                raise ValueError("a list longer than the footer")
            # What is true or not takes a byte in a list, and none as a field.
            return [self._byte() if kind in {_TRUE, _FALSE} else self._value(kind, depth + 1) for _ in range(count)]
        if kind == _STRUCT:
            return self.struct(depth)
        raise ValueError(f"a value of kind {kind}")  # maps, too: no field of a footer is one

    def _bytes(self, count: int) -> bytes:
        begin, self._at = self._at, self._at + count
        if self._at > len(self._content):
            raise ValueError("a footer that was cut off")
        return self._content[begin : self._at]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _number(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)
