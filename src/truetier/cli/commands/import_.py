"""Write a catalog from what other files say."""

from __future__ import annotations

import click

from truetier.cli.hints import hints
from truetier.cli.options import output_option
from truetier.cli.output import plain, write
from truetier.errors import UsageError

_EXAMPLES = """\b
Examples:
  truetier import k8s/ -o truetier.yaml
  truetier import docker-compose.yaml k8s/ -o truetier.yaml --force
"""


@click.command("import", short_help="Write a catalog from manifests and compose files.", epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@output_option
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def command(*, paths: tuple[str, ...], output: str | None, force: bool) -> None:
    """Write a truetier.yaml from Kubernetes manifests, compose files and catalogs.

    Services and edges are filled in; tiers and promises are for people to add.
    """
    from pathlib import Path

    from truetier.app.import_catalog import import_catalog

    if output is not None and Path(output).is_file() and not force:
        raise UsageError(f"{output} is there already; --force overwrites it")
    with hints(paths):
        text = import_catalog(paths)
    write(text, output, machine=True, replace=force)
    if output is not None:
        click.echo(plain(f"wrote {output}; add a tier to each service, then run: truetier check {output}"), err=True)
