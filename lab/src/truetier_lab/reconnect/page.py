"""The experiment as a reader sees it: tables and a picture, put into the page about it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from truetier.errors import SourceError
from truetier_lab.reconnect.experiment import ROBBED
from truetier_lab.reconnect.outcome import spread
from truetier_lab.reconnect.picture import picture
from truetier_lab.reconnect.theory import comes_back, in_pulses, least_time, offered, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from truetier_lab.reconnect.experiment import Result
    from truetier_lab.reconnect.mechanisms import Mechanism
    from truetier_lab.reconnect.outcome import Run
    from truetier_lab.reconnect.plan import Plan

_BEGIN, _END = "<!-- measured: written by truetier-lab reconnect -->", "<!-- end of what truetier-lab reconnect writes -->"


def write(result: Result, page: Path) -> None:
    """Puts the tables between the marks in the page and the picture beside it. Raises SourceError where the page has no marks."""
    text = page.read_text(encoding="utf-8")
    if _BEGIN not in text or _END not in text:
        raise SourceError(f"{page}: expected the lines {_BEGIN!r} and {_END!r}, between which the results go")
    drawn = page.with_suffix(".svg")
    block = f"{_BEGIN}\n\n{tables(result)}\n\n![who could serve and who had a session over time, for each case]({drawn.name})\n\n{_END}"
    page.write_text(re.sub(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")
    drawn.write_text(picture(result.runs), encoding="utf-8")


def tables(result: Result) -> str:
    """What was run, what was measured, and what theory says."""
    return "\n\n".join([_settings(result), _measured(result), _theory(result)])


def _settings(result: Result) -> str:
    plan, seeds = result.plan, sorted({run.seed for run in result.runs})
    found = f"{len(result.invalid)} of {len(result.runs)} are" if result.invalid else f"none of the {len(result.runs)} is"
    return (
        f"{plan.agents:,} agents. The control plane does {plan.capacity:.0f} full syncs a second, {plan.places} at a time for "
        f"{1000 * plan.full:g} ms, or {plan.places / plan.light:,.0f} light calls. The blackout lasts {plan.blackout:g} s, what follows is "
        f"watched for {plan.watched:g} s. Seeds {', '.join(map(str, seeds))}; {result.minutes:.0f} minutes in all. "
        f"{'As expected' if result.holds else 'Not as expected'}: without any mechanism no run comes back; with all of them every run "
        f"does, and no request of the data plane is lost. The latest attempt was made {result.latest:.2f} s after it was due, and other "
        f"processes had the control plane's core for {max(run.robbed for run in result.runs):.0%} of its time at most; a run with more "
        f"than {result.tolerance:g} s or {ROBBED:.0%} is invalid: {found}."
    )


def _measured(result: Result) -> str:
    note = (
        "Medians over the seeds, with the least and the most where they differ. Back: from then on that share of the agents had a "
        "session at every look, five a second. Sessions and attempts are counted from the end of the blackout until 99 % are back, or "
        "to the end of the run. Wasted is the share of the control plane's work that nobody waited for any more. One request of the "
        "data plane is made to each agent at every look. Connections are those since the end of the blackout: the most at once, and "
        "how many were made."
    )
    head = (
        "mechanisms",
        "95 % back",
        "99 % back",
        "sessions/s",
        "attempts/s",
        "wasted work",
        "requests lost",
        "serve at worst",
        "most connections",
        "connects",
    )
    return f"{_table(head, [_row(runs) for runs in result.by_case()])}\n\n{note}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (head, ("---", *("---:" for _ in head[1:])), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(runs: Sequence[Run]) -> list[str]:
    return [
        runs[0].case.name,
        _spread(runs, lambda run: run.recovered(0.95), _seconds),
        _spread(runs, lambda run: run.recovered(0.99), _seconds),
        _spread(runs, lambda run: run.goodput, lambda value: f"{value:.0f}"),
        _spread(runs, lambda run: run.offered, lambda value: f"{value:,.0f}"),
        _spread(runs, lambda run: run.wasted / run.work if run.work else 0.0, lambda value: f"{value:.0%}"),
        _spread(runs, lambda run: run.lost, lambda value: f"{value:,.0f}"),
        _spread(runs, lambda run: run.worst, lambda value: f"{value:.0%}"),
        _spread(runs, lambda run: run.peak, lambda value: f"{value:,.0f}"),
        _spread(runs, lambda run: run.connects, lambda value: f"{value:,.0f}"),
    ]


def _theory(result: Result) -> str:
    head = ("mechanisms", "least time", "attempts/s while nobody gets anything", "overload", "comes back, says theory", "95 % came back")
    return _table(head, [_theory_row(runs) for runs in result.by_case()])


def _theory_row(runs: Sequence[Run]) -> list[str]:
    plan, mechanisms = runs[0].plan, runs[0].case.mechanisms
    back = sum(run.recovered(0.95) < math.inf for run in runs)
    return [
        runs[0].case.name,
        _seconds(least_time(plan, mechanisms)),
        f"{offered(plan, mechanisms):,.0f}",
        f"{overload(plan, mechanisms):.2f}",
        _foretold(plan, mechanisms),
        f"{back} of {len(runs)}",
    ]


def _foretold(plan: Plan, mechanisms: frozenset[Mechanism]) -> str:
    if not comes_back(plan, mechanisms):
        return "no"
    seconds = in_pulses(plan, mechanisms)
    return f"yes, in pulses: after about {seconds:.0f} s" if seconds < math.inf else "yes"


def _spread(runs: Sequence[Run], measure: Callable[[Run], float], worded: Callable[[float], str]) -> str:
    found = spread(runs, measure)
    low, median, high = map(worded, found)
    return median if low == high else f"{median} ({low} to {high})"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < math.inf else "never"
