"""What a reader of spans gives, kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.telemetry.spans import Columns


class KeptSpans:
    """A sink that keeps columns and looks at nothing."""

    def __init__(self) -> None:
        self.columns: list[Columns] = []
        self.skipped = 0

    def spans(self, columns: Columns) -> None:
        """Keeps them."""
        self.columns.append(columns)

    def links(self, _links: Sequence[tuple[str, str, str]]) -> None:
        """Drops them."""

    def missing(self, _found: Sequence[tuple[str, str, str]]) -> None:
        """Drops them."""

    def failed(self, _found: Sequence[tuple[str, str]]) -> None:
        """Drops them."""

    def skip(self, _reason: str, count: int = 1) -> None:
        """Counts what could not be read."""
        self.skipped += count
