"""Write a commented starter catalog."""

from __future__ import annotations

import click

from truetier.cli.output import plain, write_file
from truetier.errors import UsageError

_FILE = "truetier.yaml"


@click.command(
    "init", short_help="Write a commented starter catalog.", epilog="\b\nExamples:\n  truetier init\n  truetier init services/payments"
)
@click.argument("path", default=_FILE)
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def command(path: str, *, force: bool) -> None:
    """Write a commented starter catalog to PATH: a file, or a folder for truetier.yaml in it."""
    from pathlib import Path

    from truetier.sources.yaml_catalog.starter import STARTER

    file = str(Path(path) / _FILE) if Path(path).is_dir() else path
    if Path(file).exists() and not force:
        raise UsageError(f"{file} is there already; --force overwrites it")
    write_file(STARTER, file, replace=force)
    click.echo(plain(f"wrote {file}; describe your services in it, then run: truetier check {file}"))
