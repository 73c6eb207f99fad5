"""Rows of CSV files by the names of their columns."""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truetier.telemetry.spans import Sink

NO_ROW = "row that is none"
_LONGEST = 16 * 1024 * 1024  # characters of one field; a log line has some


def rows(stream: IO[bytes], sink: Sink, needed: frozenset[str]) -> Iterator[Mapping[str, str]]:
    """Each row by name. One that lacks a column is counted."""
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline=""))
    header: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            sink.skip(NO_ROW)
            continue
        if header is None:
            header = [name.removeprefix("\ufeff").strip() for name in row]
            if not needed.issubset(header):
                sink.skip(NO_ROW)
                return
        elif len(row) == len(header):
            yield dict(zip(header, row, strict=True))
        elif row:
            sink.skip(NO_ROW)
