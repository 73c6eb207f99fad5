"""The truetier catalog in YAML: reader, JSON Schema, starter (``starter.py``), all from one table of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from truetier.catalog.source import Contribution
    from truetier.errors import Mistake
    from truetier.sources.yaml_tree import Node

__all__ = ["SOURCE", "json_schema", "read"]


class _Source:
    """Reads truetier catalogs."""

    name = "truetier"

    def collect(self, content: bytes, file: str) -> Contribution | None:
        """The file's facts; None when it is no truetier catalog. Raises CatalogError when it is and is wrong."""
        from truetier.sources.yaml_catalog.recognition import is_catalog, is_named_ours
        from truetier.sources.yaml_tree import parse_with_duplicates

        documents, twice = parse_with_duplicates(content, file)
        if not is_named_ours(file) and not any(is_catalog(document) for document in documents):
            return None
        return _read(documents, twice, file)


SOURCE = _Source()


def read(content: bytes, file: str) -> Contribution:
    """What a file says that must be a truetier catalog. Raises CatalogError with every mistake."""
    from truetier.sources.yaml_tree import parse_with_duplicates

    return _read(*parse_with_duplicates(content, file), file)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of truetier.yaml, draft 2020-12, for editors."""
    from truetier.sources.yaml_catalog.editor_schema import json_schema as made

    return made()


def _read(documents: tuple[Node, ...], twice: tuple[Mistake, ...], file: str) -> Contribution:
    from truetier.catalog.source import PartialCatalogError
    from truetier.errors import Place
    from truetier.sources.yaml_catalog.reader import Reader

    reader = Reader(file)
    contribution = reader.contribution(documents[0])
    if len(documents) > 1:
        reader.reading.mistake(documents[1], "a catalog is one YAML document; remove the --- or split the file")
    if twice or reader.reading.mistakes:
        found = sorted((*twice, *reader.reading.mistakes), key=lambda mistake: mistake.place or Place(file, 0, 0))
        raise PartialCatalogError(tuple(found), contribution)
    return contribution
