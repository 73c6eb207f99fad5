"""In which order the fleet comes up from nothing, and what never does."""

from __future__ import annotations

import click

from truetier.cli.exits import Exit
from truetier.cli.hints import hints
from truetier.cli.options import or_here, output_option, paths_argument, text_or_json
from truetier.cli.output import write


@click.command(
    "boot-order",
    short_help="The order in which the fleet starts from nothing.",
    epilog="\b\nExamples:\n  truetier boot-order\n  truetier boot-order catalog/ --format json",
)
@paths_argument
@text_or_json
@output_option
def command(*, paths: tuple[str, ...], form: str, output: str | None) -> Exit:
    """In which waves does the fleet start from nothing, and what never comes back?

    Exit code 1 when there is a boot loop.
    """
    from truetier.app.boot_order import boot_order_of
    from truetier.report.boot_order import render, render_json

    with hints(paths := or_here(paths)):
        order = boot_order_of(paths)
    write(render_json(order) if form == "json" else render(order), output, machine=form == "json")
    return Exit.FINDINGS if order.loops else Exit.CLEAN
