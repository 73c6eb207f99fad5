"""Print the JSON Schema of truetier.yaml, for editors."""

from __future__ import annotations

import click

from truetier.cli.output import write


@click.command(
    "schema",
    short_help="Print the JSON Schema of the catalog, for editors.",
    epilog="\b\nExamples:\n  truetier schema -o truetier.schema.json\n\n"
    "An editor with a YAML language server completes keys once the first line of the catalog reads\n\n"
    "  # yaml-language-server: $schema=truetier.schema.json",
)
@click.option("-o", "--output", metavar="FILE", help="Write here instead of standard output.")
def command(output: str | None) -> None:
    """Print the JSON Schema of truetier.yaml, so that an editor completes and checks it."""
    import json

    from truetier.sources.yaml_catalog.editor_schema import json_schema

    write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", output, machine=True)
