"""What a reader gives, kept."""

from __future__ import annotations

import io
from collections import Counter
from typing import IO, TYPE_CHECKING, NamedTuple

from truetier.sources.traces import read_traces
from truetier.telemetry.spans import Columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa

    from truetier.telemetry.spans import Sink


class Row(NamedTuple):
    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    start_ns: int
    duration_ns: int
    outcome: str
    peer: str


class Kept:
    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.linked: list[tuple[str, str, str]] = []
        self.said: list[tuple[str, str, str]] = []
        self.by_log: list[tuple[str, str]] = []
        self.skipped: Counter[str] = Counter()
        self.largest = 0

    def spans(self, columns: Columns) -> None:
        assert len({len(getattr(columns, name)) for name in Columns.__slots__}) == 1
        self.largest = max(self.largest, len(columns))
        self.rows += map(Row._make, zip(*(getattr(columns, name) for name in Row._fields), strict=True))

    def table(self, given: pa.Table) -> None:
        self.rows += (Row(**row) for row in given.to_pylist())

    def links(self, links: Sequence[tuple[str, str, str]]) -> None:
        self.linked += links

    def missing(self, found: Sequence[tuple[str, str, str]]) -> None:
        self.said += found

    def failed(self, found: Sequence[tuple[str, str]]) -> None:
        self.by_log += found

    def skip(self, reason: str, count: int = 1) -> None:
        self.skipped[reason] += count

    @property
    def met(self) -> int:
        """Spans and pieces, used or not."""
        return len(self.rows) + self.skipped.total()


def kept(read: Callable[[IO[bytes], Sink], None], content: bytes | str) -> Kept:
    sink = Kept()
    read(io.BytesIO(content.encode() if isinstance(content, str) else content), sink)
    return sink


def kept_in(folder: Path) -> Kept:
    """What lies in the files of a folder."""
    sink = Kept()
    read_traces([str(folder)], sink)
    return sink
