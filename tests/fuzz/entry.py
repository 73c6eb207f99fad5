"""One input through the whole house, as `truetier check FILE` would take it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from truetier.app.check import check
from truetier.errors import CatalogError, SourceError
from truetier.report import json, markdown, terminal

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 11, 23)
LARGEST = 100_000  # bytes; time and memory of larger inputs have tests of their own


def feed(content: bytes, folder: Path) -> bool:
    """Whether the input is usable; every error but a refusal leaves as the bug it is."""
    if len(content) > LARGEST:
        return False
    file = folder / "input.yaml"
    file.write_bytes(content)
    try:
        document = check((str(file),), as_of=DAY)
    except (CatalogError, SourceError):
        return False
    for renderer in (json, markdown, terminal):
        renderer.render(document)
    return True
