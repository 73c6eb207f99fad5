"""In which order the fleet comes up from nothing, and what never does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.app.load import load_fleet
from truetier.graph.build import build
from truetier.graph.order import boot_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.graph.order import BootOrder


def boot_order_of(paths: Sequence[str]) -> BootOrder:
    """The cold start of the fleet those paths describe. Raises CatalogError and SourceError."""
    return boot_order(build(load_fleet(paths)))
