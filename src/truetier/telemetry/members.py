"""Numbers for the members of sets: the sums of a set's two tell it from all others, in every engine and whatever the order."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

_BITS = 44  # a thousand members and no sum leaves 64 bits


def members(found: pa.Table) -> pa.Table:
    """The members with two numbers each, drawn by a hash of what they are: callee and mode."""
    drawn = list(_drawn(found))
    return pa.table({"callee": found["callee"], "mode": found["mode"], "a": [a for a, _ in drawn], "b": [b for _, b in drawn]})


def _drawn(found: pa.Table) -> Iterator[tuple[int, int]]:
    for callee, mode in zip(found["callee"].to_pylist(), found["mode"].to_pylist(), strict=True):
        drawn = blake2b(f"{callee} {mode}".encode(), digest_size=16).digest()
        yield int.from_bytes(drawn[:8], "big") >> (64 - _BITS), int.from_bytes(drawn[8:], "big") >> (64 - _BITS)
