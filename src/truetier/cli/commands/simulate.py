"""Years one after another: what the mean does not say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from truetier.cli.exits import Exit
from truetier.cli.hints import hints
from truetier.cli.options import or_here, output_option, paths_argument, text_or_json
from truetier.cli.output import write
from truetier.cli.progress import Progress

if TYPE_CHECKING:
    from datetime import timedelta

_MOST_YEARS = 1_000_000
_EXAMPLES = """\b
Examples:
  truetier simulate                                 every journey of the catalog in this folder
  truetier simulate --subject checkout catalog/     one service; an endpoint is checkout/buy
  truetier simulate --precision 1%                  until mean and 95th percentile are that precise
  truetier simulate --years 10000 --seed 7          exactly these years, the same every time
"""


class _Precision(click.ParamType[float]):
    """A share as 5% or 0.05, neither 0 nor more than half."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's signature
        """The share the text says; fails with the form it must have."""
        if isinstance(value, float):
            return value
        from truetier.units import parse_fraction

        try:
            found = float(parse_fraction(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not 0.001 <= found <= 0.5:
            self.fail(f"expected a share from 0.1% to 50%, found {value!r}", param, ctx)
        return found


class _Duration(click.ParamType["timedelta"]):
    """A duration as 90s, 30m or 4h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:  # noqa: ANN401 - click's signature
        """The duration the text says; fails with the form it must have."""
        from datetime import timedelta

        from truetier.units import parse_duration

        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("simulate", short_help="Years one after another: what the mean does not say.", epilog=_EXAMPLES)
@paths_argument
@click.option("--subject", "names", multiple=True, metavar="NAME", help="Simulate this service, journey or endpoint; repeat for several.")
@click.option("--years", type=click.IntRange(2, _MOST_YEARS), help="Simulate exactly so many years, whatever the precision.")
@click.option(
    "--precision", type=_Precision(), default="5%", show_default=True, help="Stop when mean and 95th percentile of a year are so precise."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="The same seed gives the same years.")
@click.option(
    "--outages",
    type=click.Choice(("exponential", "lognormal", "fixed")),
    default="exponential",
    show_default=True,
    help="How the lengths of outages spread around the catalog's mean.",
)
@click.option(
    "--by-hand", type=_Duration(), default="1h", show_default=True, help="How long a service in a boot loop waits until people start it."
)
@text_or_json
@output_option
def command(
    *,
    paths: tuple[str, ...],
    names: tuple[str, ...],
    years: int | None,
    precision: float,
    seed: int,
    outages: str,
    by_hand: timedelta,
    form: str,
    output: str | None,
) -> Exit:
    """Simulate years of each journey: how downtime differs from year to year, and how often a promise is kept.

    Without --subject: every journey; in a catalog without journeys, every service that no other needs. Exit code 5 when nothing
    of it could be simulated.
    """
    from truetier.app.simulate import simulate
    from truetier.availability.simulation.run import Lengths, Plan
    from truetier.report.simulation import render, render_json

    plan = Plan(seed, Lengths(outages), years, precision, by_hand=by_hand)
    with hints(paths := or_here(paths)), Progress("simulating years", sys.stderr) as progress:
        found = simulate(paths, names=names, plan=plan, progress=progress)
    write(render_json(found) if form == "json" else render(found), output, machine=form == "json")
    return Exit.CLEAN if found.named else Exit.NOT_ENOUGH_DATA
