"""The command `truetier-lab`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from truetier.errors import SourceError, UsageError
from truetier_lab.planted import Manner

if TYPE_CHECKING:
    from truetier_lab.load import Request

_folder = click.option("--folder", default="truetier-lab", show_default=True, help="Where the lab keeps its state, stores and traces.")


@click.group()
def lab() -> None:
    """A fleet of real services on this machine, with faults on command."""


@lab.command()
@_folder
@click.option("--endpoint", metavar="URL", help="Send spans to this OTLP/HTTP receiver, as http://127.0.0.1:4318/v1/traces, not to files.")
@click.option(
    "--guards",
    type=click.Choice([*Manner]),
    default=Manner.PLANTED,
    show_default=True,
    help="Set as the catalog says but for some, as it says, or so with a breaker on every call.",
)
def up(folder: str, endpoint: str | None, guards: Manner) -> None:
    """Start everything, and come back once every service answers."""
    from truetier_lab import fleet

    place = fleet.up(folder, endpoint=endpoint, manner=guards)
    click.echo(f"{len(place.pids)} processes run; spans go to {endpoint or place.traces}, what guards see to {place.facts}")


@lab.command()
@_folder
def down(folder: str) -> None:
    """Stop everything; traces and facts stay."""
    from truetier_lab import fleet
    from truetier_lab.place import read_place

    fleet.down(read_place(folder))


@lab.command()
@_folder
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(min=1), help="How long.")
def load(folder: str, seconds: float) -> None:
    """Send requests of every journey while nothing is made to fail."""
    from truetier_lab.load import run as run_load
    from truetier_lab.place import read_place
    from truetier_lab.schedule import Schedule

    _tell(asyncio.run(run_load(read_place(folder), Schedule(seconds, ()))))


@lab.command()
@click.argument("schedule", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_folder
@click.option("--seed", type=int, help="Draw the schedule instead of reading it.")
def run(schedule: Path | None, folder: str, seed: int | None) -> None:
    """Send requests while faults come and go by a schedule: a file of JSON, or one drawn by a seed."""
    from truetier_lab.load import run as run_load
    from truetier_lab.place import read_place, targets
    from truetier_lab.schedule import dealt, read, written

    if (schedule is None) == (seed is None):
        raise UsageError("name either a file with a schedule or a seed to draw one by")
    if schedule is not None:
        faults = read(schedule.read_text(encoding="utf-8"), str(schedule), targets())
    else:
        (faults,) = dealt(targets(), 1, seed=seed or 0)
        click.echo(written(faults), nl=False)
    _tell(asyncio.run(run_load(read_place(folder), faults)))


@lab.command()
@click.argument("folder", type=click.Path(file_okay=False))
def record(folder: str) -> None:
    """Write the small example: the catalog and the spans of a run in which everything fails once."""
    from truetier_lab.record import record as record_example

    record_example(folder)


@lab.command()
@click.option("--seed", default=1, show_default=True, help="Of the schedules and of all draws.")
@click.option(
    "--page", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The page that the results go into."
)
def experiment(seed: int, page: Path) -> None:
    """Learn on some schedules of faults, predict others, and write computed against measured: with what is planted, and as declared."""
    from truetier_lab import report
    from truetier_lab.declared import as_declared
    from truetier_lab.experiment import experiment as run_experiment

    def say(text: str) -> None:
        click.echo(text, err=True)

    with tempfile.TemporaryDirectory(prefix="truetier-lab-") as folder:
        planted = run_experiment(os.path.join(folder, "planted"), seed=seed, say=say)
        declared = as_declared(os.path.join(folder, "declared"), seed=seed, say=say)
    report.write(planted, declared, page)
    click.echo(f"{report.of_planted(planted)}\n\n{report.of_declared(declared)}")
    if not (planted.holds and declared.holds):
        sys.exit(1)


@lab.command()
@click.option(
    "--agents", default=3000, show_default=True, type=click.IntRange(min=100), help="How many; the control plane grows with them."
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1), help="How many runs of each case.")
@click.option("--seed", default=1, show_default=True, help="The first seed.")
@click.option(
    "--page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The page that the results go into; its picture goes beside it.",
)
def reconnect(agents: int, seeds: int, seed: int, page: Path | None) -> None:
    """Put thousands of agents through a blackout of their control plane, with and without each mechanism of the runtime."""
    from truetier_lab.reconnect import page as report
    from truetier_lab.reconnect.experiment import experiment as run_experiment
    from truetier_lab.reconnect.plan import Plan

    with tempfile.TemporaryDirectory(prefix="truetier-lab-") as folder:
        result = run_experiment(folder, Plan.of(agents), range(seed, seed + seeds), say=lambda text: click.echo(text, err=True))
    if page:
        report.write(result, page)
    click.echo(report.tables(result))
    if result.invalid or not result.holds:
        sys.exit(1)


def _tell(found: dict[str, list[Request]]) -> None:
    for journey, requests in found.items():
        good = sum(request.is_good for request in requests)
        click.echo(f"{journey:8} {good / len(requests):7.2%} good of {len(requests)}")


def main() -> None:
    """Runs the command; what its user must mend ends it with a line and the code 2 or 3."""
    try:
        lab()
    except (UsageError, SourceError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 3)
