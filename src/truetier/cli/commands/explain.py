"""The story of one service, or the page of one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from truetier.cli.exits import Exit
from truetier.cli.hints import hints
from truetier.cli.options import as_of_option, or_here, output_option, text_or_json, trust_option
from truetier.cli.output import write

if TYPE_CHECKING:
    from datetime import date

_EXAMPLES = """\b
Examples:
  truetier explain login                      a service of the catalog in this folder
  truetier explain login catalog-examples/login
  truetier explain checkout/buy               an endpoint; a journey goes by its name
  truetier explain TT101                      a rule, by code or by name
"""


@click.command("explain", short_help="The story of one service, or of one rule.", epilog=_EXAMPLES)
@click.argument("name")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@text_or_json
@trust_option
@as_of_option
@output_option
def command(*, name: str, paths: tuple[str, ...], form: str, trust: str, as_of: date, output: str | None) -> Exit:
    """Tell the story of one service, journey, endpoint or rule.

    What it promises and delivers, the maths line by line, what costs the downtime, who needs it, what breaks with it.
    """
    from truetier.app.explain import explain
    from truetier.audit.rule import Rule
    from truetier.graph.hardness import Reading

    with hints(or_here(paths)):
        found = explain(name, paths, as_of=as_of, trust=Reading(trust))
    if isinstance(found, Rule):
        from truetier.report.rule_page import render as render_rule
        from truetier.report.rule_page import render_json as render_rule_json

        text = render_rule_json(found) if form == "json" else render_rule(found)
    else:
        from truetier.report.story import render
        from truetier.report.story_json import render as render_json

        text = render_json(found) if form == "json" else render(found)
    write(text, output, machine=form == "json")
    return Exit.CLEAN
