"""From manifests to a catalog people can go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def import_catalog(paths: Sequence[str]) -> str:
    """The text of a truetier catalog with the services and needs that the paths show.

    Raises CatalogError and SourceError as ``load_fleet`` does.
    """
    from truetier.app.load import load_fleet
    from truetier.report.catalog_yaml import render

    return render(load_fleet(paths))
