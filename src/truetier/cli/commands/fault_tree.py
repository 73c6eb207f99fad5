"""Fault trees of others, by the same engine."""

from __future__ import annotations

import sys

import click

from truetier.cli.exits import Exit
from truetier.cli.options import output_option, text_or_json
from truetier.cli.output import write
from truetier.cli.progress import Progress

_EXAMPLES = """\b
Examples:
  truetier fault-tree model.xml
  truetier fault-tree model.xml --importance
  truetier fault-tree models/*.xml --cut-sets 3 --format json
"""


@click.command("fault-tree", short_help="The probability of fault trees in Open-PSA XML.", epilog=_EXAMPLES)
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--importance", is_flag=True, help="How much each top event hangs on each event.")
@click.option("--cut-sets", "order", type=click.IntRange(1), metavar="N", help="The minimal cut sets of at most N events.")
@text_or_json
@output_option
def command(*, models: tuple[str, ...], importance: bool, order: int | None, form: str, output: str | None) -> Exit:
    """Solve fault trees in the Open-PSA model exchange format, exactly.

    MODEL is a file, or - for standard input. Every gate that stands below no other is a top event. Several models are solved at
    once where there are several cores. A tree too large for the node budget gets bounds.
    """
    from truetier.app.fault_tree import fault_trees
    from truetier.report.fault_tree import render, render_json

    with Progress("solving", sys.stderr) as progress:
        analyses = fault_trees(models, importance=importance, order=order, progress=progress)
    write(render_json(analyses) if form == "json" else render(analyses), output, machine=form == "json")
    return Exit.CLEAN
