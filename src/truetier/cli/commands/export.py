"""The fleet in the formats of other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from truetier.cli.exits import Exit
from truetier.cli.hints import hints
from truetier.cli.options import as_of_option, or_here, output_option, paths_argument
from truetier.cli.output import write

if TYPE_CHECKING:
    from datetime import date

_EXAMPLES = """\b
Examples:
  truetier export --format dot | dot -Tsvg > fleet.svg
  truetier export --format mermaid catalog/
  truetier export --format openpsa -o fleet.xml
  truetier export --format guards -o guards.json
"""


@click.command("export", short_help="The fleet in the formats of other tools.", epilog=_EXAMPLES)
@paths_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(("dot", "guards", "mermaid", "openpsa")),
    required=True,
    help="Graphviz, Mermaid, the Open-PSA model exchange format for fault-tree engines, or what guards of truetier-runtime go by.",
)
@as_of_option
@output_option
def command(*, paths: tuple[str, ...], form: str, as_of: date, output: str | None) -> Exit:
    """Write the fleet for another tool: its graph, the fault trees behind the numbers, or the limits of each edge."""
    from truetier.app.export import export

    with hints(paths := or_here(paths)):
        text = export(paths, form, as_of=as_of)
    write(text, output, machine=True)
    return Exit.CLEAN
