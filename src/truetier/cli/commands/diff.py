"""What changed between two catalogs, or since a git revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from truetier.cli.exits import Exit
from truetier.cli.options import as_of_option, or_here, output_option, text_or_json, trust_option
from truetier.cli.output import write
from truetier.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from truetier.catalog.model import Fleet

_EXAMPLES = """\b
Examples:
  truetier diff old/truetier.yaml truetier.yaml
  truetier diff --against origin/main
  truetier diff --against v1.2 catalog/ k8s/
"""


@click.command("diff", short_help="What changed between two catalogs, or since a git revision.", epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, metavar="[OLD NEW | PATH...]")
@click.option("--against", metavar="REF", help="Compare with the same paths at this git revision.")
@text_or_json
@trust_option
@as_of_option
@output_option
def command(*, paths: tuple[str, ...], against: str | None, form: str, trust: str, as_of: date, output: str | None) -> Exit:
    """What changed between two catalogs, or since a git revision, and what it does to what each service delivers?

    The exit code is 0 whether or not there is a difference.
    """
    from truetier.app.diff import difference
    from truetier.graph.hardness import Reading
    from truetier.report.diff import render, render_json

    before, after = _fleets(paths, against)
    found = difference(before, after, as_of=as_of, trust=Reading(trust))
    write(render_json(found) if form == "json" else render(found), output, machine=form == "json")
    return Exit.CLEAN


def _fleets(paths: tuple[str, ...], against: str | None) -> tuple[Fleet, Fleet]:
    from truetier.app.load import load_fleet, load_fleet_at

    if against is not None:
        return load_fleet_at(or_here(paths), against), load_fleet(or_here(paths))
    if len(paths) != 2:
        raise UsageError("diff compares two catalogs: truetier diff OLD NEW; or name a git revision: truetier diff --against REF [PATH]...")
    return load_fleet(paths[:1]), load_fleet(paths[1:])
