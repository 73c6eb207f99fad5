"""The fleet in the formats of other tools."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

GRAPHS = ("dot", "mermaid")  # drawn from the graph alone; nothing has to be computed


def export(paths: Sequence[str], form: str, *, as_of: date) -> str:
    """The fleet those paths describe as ``dot``, ``guards``, ``mermaid`` or ``openpsa``.

    Raises CatalogError, SourceError, and UsageError where the format cannot say what the catalog does.
    """
    from truetier.app.load import load_fleet

    fleet = load_fleet(paths)
    renderer = import_module(f"truetier.report.{form}")
    if form == "guards":
        text: str = renderer.render(fleet)
    elif form in GRAPHS:
        from truetier.graph.build import build

        text = renderer.render(build(fleet))
    else:
        from truetier.app.check import audit

        text = renderer.render(audit(fleet, as_of=as_of))
    return text
