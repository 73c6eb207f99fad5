"""What changed between two catalogs, or since a git revision; or what telemetry shows of one that it does not say."""

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

_BESIDE = ""  # --observed without a file
_EXAMPLES = """\b
Examples:
  truetier diff old/truetier.yaml truetier.yaml
  truetier diff --against origin/main
  truetier diff --against v1.2 catalog/ k8s/
  truetier diff --observed
  truetier diff catalog/ --observed seen.json --format json
"""


@click.command("diff", short_help="What changed: catalogs, revisions, or declared against observed.", epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, metavar="[OLD NEW | PATH...]")
@click.option("--against", metavar="REF", help="Compare with the same paths at this git revision.")
@click.option(
    "--observed",
    multiple=True,
    is_flag=False,
    flag_value=_BESIDE,
    metavar="[FILE]",
    help="Compare with what observe wrote: a file or a folder. What lies in .truetier/evidence beside the catalog is always read.",
)
@text_or_json
@trust_option
@as_of_option
@output_option
def command(
    *, paths: tuple[str, ...], against: str | None, observed: tuple[str, ...], form: str, trust: str, as_of: date, output: str | None
) -> Exit:
    """What changed between two catalogs, or since a git revision, and what it does to what each service delivers?

    With --observed: where does a catalog differ from what telemetry saw? Calls that nobody declared, needs that were never
    observed though enough requests should have met them, needs of another class or with another timeout than declared.

    The exit code between catalogs is 0 whether or not there is a difference; with --observed it is 1 when there is one that
    no waiver accepts.
    """
    if observed:
        if against is not None:
            raise UsageError("--observed compares a catalog with telemetry, --against with its past: one at a time")
        return _observed(or_here(paths), observed, form, trust, as_of, output)
    from truetier.app.diff import difference
    from truetier.graph.hardness import Reading
    from truetier.report.diff import render, render_json

    before, after = _fleets(paths, against)
    found = difference(before, after, as_of=as_of, trust=Reading(trust))
    write(render_json(found) if form == "json" else render(found), output, machine=form == "json")
    return Exit.CLEAN


def _observed(paths: tuple[str, ...], observed: tuple[str, ...], form: str, trust: str, as_of: date, output: str | None) -> Exit:
    from truetier.app.contradictions import contradictions
    from truetier.app.load import load_fleet
    from truetier.graph.hardness import Reading
    from truetier.report.contradictions import render, render_json

    fleet = load_fleet(paths, evidence=[file for file in observed if file != _BESIDE])
    found = contradictions(fleet, as_of=as_of, trust=Reading(trust))
    write(render_json(found) if form == "json" else render(found), output, machine=form == "json")
    return Exit.FINDINGS if found.differ else Exit.CLEAN


def _fleets(paths: tuple[str, ...], against: str | None) -> tuple[Fleet, Fleet]:
    from truetier.app.load import load_fleet, load_fleet_at

    if against is not None:
        return load_fleet_at(or_here(paths), against), load_fleet(or_here(paths))
    if len(paths) != 2:
        raise UsageError(
            "diff compares two catalogs: truetier diff OLD NEW; or name a git revision: truetier diff --against REF [PATH]...; "
            "or telemetry: truetier diff [PATH]... --observed [FILE]"
        )
    return load_fleet(paths[:1]), load_fleet(paths[1:])
