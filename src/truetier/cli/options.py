"""Options that several commands share, and the values they read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click

_HERE = (".",)


class Day(click.ParamType[date]):
    """A day as 2026-11-23."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:  # noqa: ANN401 - click's signature
        """The day the text says; fails with the form it must have."""
        if isinstance(value, date):
            return value
        from truetier.units import parse_day

        day = parse_day(value)
        if day is None:
            self.fail(f"expected a day like 2026-11-23, found {value!r}", param, ctx)
        return day


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:  # noqa: ANN401, ARG002
        """The names, spaces and empty ones dropped."""
        if isinstance(value, tuple):
            return value
        return tuple(name for part in value.split(",") if (name := part.strip()))


def today() -> date:
    """The one place where the clock is read."""
    return datetime.now().astimezone().date()


def or_here(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The paths, or the current folder when none is given."""
    return paths or _HERE


paths_argument = click.argument("paths", nargs=-1, metavar="[PATH]...")
output_option = click.option("-o", "--output", metavar="FILE", help="Write here instead of standard output.")
as_of_option = click.option(
    "--as-of", type=Day(), default=today, show_default="today", help="The day to judge by: waivers and evidence end."
)
evidence_option = click.option(
    "--evidence",
    multiple=True,
    metavar="PATH",
    help="What observe wrote: a file or a folder. What lies in .truetier/evidence beside the catalog is always read.",
)
text_or_json = click.option(
    "--format", "form", type=click.Choice(("terminal", "json")), default="terminal", show_default=True, help="How to print the result."
)
trust_option = click.option(
    "--trust",
    type=click.Choice(("declared", "verified")),
    default="declared",
    show_default=True,
    help="Believe declarations, or only claims that a test has verified.",
)
