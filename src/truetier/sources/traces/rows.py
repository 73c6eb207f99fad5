"""Rows of CSV files by the names of their columns."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truetier.telemetry.spans import Sink

MALFORMED = "malformed span"
_NO_ROW = "row that is no CSV"
_OTHER_LENGTH = "row of another length than the first line"
_WITHOUT_COLUMNS = "file without the columns it should have"
_TOO_LARGE = "line past 32 MiB"
_LONGEST = 16 * 1024 * 1024  # characters of one field; a log line has some
_LONGEST_LINE = 2 * _LONGEST  # bytes; each may be a comma, and begin a field
_CHUNK = 1024 * 1024


def rows(stream: IO[bytes], sink: Sink, needed: frozenset[str]) -> Iterator[Mapping[str, str]]:
    """Each row by name. What is no row is counted, as is a whole file that lacks a column."""
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(_lines(stream, sink))
    header: list[str] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:  # such as a quote that is never closed; the reader goes on behind it
            sink.skip(_NO_ROW)
            continue
        if not row:
            continue
        if not header:
            header = [name.strip() for name in row]
            if not needed.issubset(header):
                sink.skip(_WITHOUT_COLUMNS)
                return
        elif len(row) == len(header):
            yield dict(zip(header, row, strict=True))
        else:
            sink.skip(_OTHER_LENGTH)


def _lines(stream: IO[bytes], sink: Sink) -> Iterator[str]:
    is_first = True
    while line := stream.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(_CHUNK)
            sink.skip(_TOO_LARGE)
            continue
        yield line.decode("utf-8-sig" if is_first else "utf-8", "replace")
        is_first = False
