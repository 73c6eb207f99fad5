"""A catalog in the form that is read fastest."""

from __future__ import annotations

import click

from truetier.cli.exits import Exit
from truetier.cli.hints import hints
from truetier.cli.options import evidence_option, or_here, paths_argument
from truetier.cli.output import write_file

_EXAMPLES = """\b
Examples:
  truetier compile -o fleet.compiled               the catalog in this folder
  truetier compile catalog/ k8s/ -o fleet.compiled
  truetier check fleet.compiled                    the same answers, sooner
"""


@click.command("compile", short_help="A catalog in the form that is read fastest.", epilog=_EXAMPLES)
@paths_argument
@evidence_option
@click.option("-o", "--output", "file", required=True, metavar="FILE", help="Write here.")
def command(*, paths: tuple[str, ...], evidence: tuple[str, ...], file: str) -> Exit:
    """Read and check catalogs and manifests once, and write what they describe to a file that other commands take in their place.

    It is refused as soon as one of its sources differs.
    """
    from truetier.app.compile import compiled
    from truetier.report.text import plural

    with hints(paths := or_here(paths)):
        made = compiled(paths, file, evidence=evidence)
    write_file(made.content, file)
    counts = f"{plural(made.services, 'service')} and {plural(made.needs, 'need')} of {plural(made.files, 'file')}"
    click.echo(f"compiled {counts} to {file}", err=True)
    return Exit.CLEAN
