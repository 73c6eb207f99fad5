"""The JSON Schema of a catalog, made from the table of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetier.sources.yaml_catalog.schema import CATALOG, AnyOf, ListOf, MapOf, Table
from truetier.sources.yaml_catalog.values import Type

if TYPE_CHECKING:
    from truetier.sources.yaml_catalog.schema import Shape


def json_schema() -> dict[str, Any]:
    """The schema of truetier.yaml, draft 2020-12, for editors."""
    definitions: dict[str, Any] = {}
    body = _table(CATALOG, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "truetier catalog",
        **body,
        "$defs": dict(sorted(definitions.items())),
    }


def _table(table: Table, definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {}
    for key in table.keys:
        description = f"{key.meaning}. {'Required.' if key.is_required else f'Default: {key.default}.'}"
        properties[key.name] = {"description": description, **_fragment(key.shape, definitions)}
    found: dict[str, Any] = {"description": table.title, "type": "object", "properties": properties, "additionalProperties": False}
    if table.required:
        found["required"] = list(table.required)
    found.update(table.also)
    if table.is_nothing_allowed:
        return {"anyOf": [{"type": "null"}, found]}
    return found


def _fragment(shape: Shape, definitions: dict[str, Any]) -> dict[str, Any]:
    if isinstance(shape, Type):
        return dict(shape.schema)
    if isinstance(shape, Table):
        if shape.name not in definitions:
            definitions[shape.name] = {}  # a table may stand inside itself
            definitions[shape.name] = _table(shape, definitions)
        return {"$ref": f"#/$defs/{shape.name}"}
    if isinstance(shape, ListOf):
        return {"type": "array", "items": _fragment(shape.item, definitions), **({"minItems": shape.least} if shape.least else {})}
    if isinstance(shape, MapOf):
        values = _fragment(shape.value, definitions)
        found = {"type": "object", "propertyNames": dict(shape.name.schema), "additionalProperties": values}
        return {**found, "minProperties": shape.least} if shape.least else {"anyOf": [{"type": "null"}, found]}
    assert isinstance(shape, AnyOf)
    return {"anyOf": [_fragment(form, definitions) for form in shape.forms]}
