"""Simulated years, for a person and for a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.simulation.run import PERCENTS, Lengths
from truetier.record import NamedTuple
from truetier.report import text
from truetier.units import MINUTES_PER_YEAR, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from truetier.availability.estimate import SubjectKind
    from truetier.availability.simulation.closed_form import ClosedForm
    from truetier.availability.simulation.run import Followed, Plan, Run, Spread, Waited
    from truetier.availability.simulation.statistics import Figure
    from truetier.units import Availability

SCHEMA = "truetier/simulate/1"
_WIDTH = 100
_SHAPES = {
    Lengths.EXPONENTIAL: "exponential around the catalog's mean",
    Lengths.LOGNORMAL: "lognormal around the catalog's mean, the standard deviation of the logarithm 1",
    Lengths.FIXED: "always as long as the catalog's mean",
}


class Named(NamedTuple):
    """What was asked for: a service, journey or endpoint, and what it promises."""

    name: str
    kind: SubjectKind
    tier: str | None
    promise: Availability | None


class Unfollowed(NamedTuple):
    """What could not be simulated, and why."""

    name: str
    reason: str


class Waiting(NamedTuple):
    """The same years where the members of boot loops wait to start, and which of those a subject rests on."""

    waited: Waited
    members: tuple[str, ...]


class Simulation(NamedTuple):
    """The result of ``simulate``: subjects in the order asked for."""

    named: tuple[Named, ...]
    run: Run
    plan: Plan
    unfollowed: tuple[Unfollowed, ...]
    waiting: Mapping[str, Waiting]  # by subject; those that rest on no boot loop have none

    @property
    def assumptions(self) -> tuple[tuple[str, str, str], ...]:
        """What the years rest on beyond what ``check`` assumes: key, value, why."""
        found = [
            ("outage lengths", _SHAPES[self.plan.lengths], "the catalog states the mean alone"),
            ("time between outages", "exponential", "so that a component is down the share of the time that its availability leaves"),
            ("mechanisms", "drawn once per outage", "a fallback or failover works, or does not, until something fails again"),
            ("years", "stationary and independent", "nothing about the fleet changes, and no year knows of the one before"),
        ]
        if self.waiting:
            why = "so long a service in a boot loop waits for what it needs to start; then people start it"
            found.append(("start by hand", duration_text(self.plan.by_hand), why))
        return tuple(found)


def render(simulation: Simulation) -> str:
    """Of each subject its years and months, its outages, and how the mean compares with the exact value."""
    return "\n".join(_lines(simulation)) + "\n"


def render_json(simulation: Simulation) -> str:
    """The same as JSON, schema ``truetier/simulate/1``; minutes throughout."""
    import json

    run, plan = simulation.run, simulation.plan
    document = {
        "schema": SCHEMA,
        "seed": plan.seed,
        "outages": plan.lengths.value,
        "years": run.years,
        "precision": None if plan.years is not None else plan.precision,
        "precision_met": None if plan.years is not None else run.is_precise,
        "components": run.components,
        "subjects": [
            _subject_json(named, followed, simulation.waiting.get(named.name))
            for named, followed in zip(simulation.named, run.followed, strict=True)
        ],
        "not_simulated": [{"name": item.name, "reason": item.reason} for item in simulation.unfollowed],
        "assumptions": [{"subject": "*", "key": key, "value": value, "why": why} for key, value, why in simulation.assumptions],
    }
    return json.dumps(document, indent=2) + "\n"


# -- text


def _lines(simulation: Simulation) -> Iterator[str]:
    run, plan = simulation.run, simulation.plan
    yield f"{text.plural(run.years, 'simulated year')} of {text.plural(run.components, 'component')}, seed {plan.seed}"
    if plan.years is None and run.followed:
        precision = f"{plan.precision * 100:g} %"
        if run.is_precise:
            yield f"as many as it took for the mean and the 95th percentile of a year to be within {precision}"
        else:
            yield f"not enough for the mean and the 95th percentile of a year to be within {precision}; --years asks for more"
    for named, followed in zip(simulation.named, run.followed, strict=True):
        yield ""
        yield from _subject_lines(named, followed)
        if named.name in simulation.waiting:
            yield from _waiting_lines(simulation.waiting[named.name], plan.by_hand)
    for item in simulation.unfollowed:
        yield ""
        yield from _prose(f"not simulated: {text.clip(item.name)}: {text.clip(item.reason, text.LONGEST_SENTENCE)}", "")
    yield ""
    for key, value, why in simulation.assumptions:
        yield from _prose(f"assumed: {key} = {value} ({why})", "")


def _subject_lines(named: Named, followed: Followed) -> Iterator[str]:
    promise = " ".join(part for part in (named.tier and text.plain(named.tier), named.promise and str(named.promise)) if part)
    yield f"{named.kind.value} {text.clip(named.name)}" + (f", promises {promise}" if promise else "")
    rows = [["", "mean", *(f"p{percent}" for percent in PERCENTS)]]
    rows.append(["down in a year", *_cells(followed.year)])
    rows.append(["", *_ranges(followed.year)])
    rows.append(["down in 30 days", *_cells(followed.month)])
    rows.append(["", *_ranges(followed.month)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    agreement = "" if followed.is_compared else "; not comparable: ages of outages are others than exponential ones"
    yield from _prose(f"exact mean {_exact(followed)} a year{agreement}", "  ")
    if followed.year.kept is not None and followed.month.kept is not None:
        budgets = f"{minutes_text(followed.year.allowed or 0.0)} a year, {minutes_text(followed.month.allowed or 0.0)} in 30 days"
        yield from _prose(
            f"promise kept in {_chance(followed.year.kept)} of years and {_chance(followed.month.kept)} of months ({budgets})", "  "
        )
    yield from _prose(f"no downtime at all in {_chance(followed.year.calm)} of years and {_chance(followed.month.calm)} of months", "  ")
    length = "" if followed.length is None else f", {_figure(followed.length)} long on average"
    yield from _prose(f"outages a year: {_count(followed.outages)}{length}", "  ")
    if followed.closed_form is not None:
        yield from _prose(_closed_text(followed.closed_form), "  ")


def _exact(followed: Followed) -> str:
    low, high = (minutes_text(down * MINUTES_PER_YEAR) for down in (followed.subject.down_low, followed.subject.down_high))
    return low if followed.subject.down_low == followed.subject.down_high else f"between {low} and {high}"


def _waiting_lines(waiting: Waiting, by_hand: timedelta) -> Iterator[str]:
    year = waiting.waited.followed.year
    who = ", ".join(text.clip(name, 40) for name in waiting.members[:5]) + (", ..." if len(waiting.members) > 5 else "")
    percentiles = ", ".join(f"p{percent} {minutes_text(figure.value)}" for percent, figure in zip(PERCENTS, year.percentiles, strict=True))
    added = _figure(waiting.waited.added) if waiting.waited.added.value else "none seen"
    kept = "" if year.kept is None else f"; promise kept in {_chance(year.kept)} of years"
    yield from _prose(
        f"boot loop ({who}): where its members wait to start, {duration_text(by_hand)} until people start them, "
        f"a year is down {_figure(year.mean)} on average, {added} of it for that, {percentiles}{kept}",
        "  ",
    )


def _closed_text(closed: ClosedForm) -> str:
    length = "" if closed.length is None else f" of {minutes_text(closed.length)}"
    return (
        f"closed form (a series): {closed.outages:.4g} outages a year{length}, "
        f"no downtime at all in {_percent(closed.calm_year)} of years and {_percent(closed.calm_month)} of months"
    )


def _prose(words: str, indent: str) -> Iterator[str]:
    for number, line in enumerate(text.wrapped(words, _WIDTH - len(indent) - 2)):
        yield f"{indent}{'  ' if number else ''}{line}"


def _cells(spread: Spread) -> list[str]:
    return [minutes_text(figure.value) for figure in (spread.mean, *spread.percentiles)]


def _ranges(spread: Spread) -> list[str]:
    return [_range(figure) for figure in (spread.mean, *spread.percentiles)]


def _range(figure: Figure) -> str:
    high = "?" if figure.high is None else minutes_text(figure.high)
    low = minutes_text(figure.low)
    return f"({low})" if low == high else f"({low} - {high})"


def _figure(figure: Figure) -> str:
    return f"{minutes_text(figure.value)} {_range(figure)}"


def _count(figure: Figure) -> str:
    high = "?" if figure.high is None else f"{figure.high:.3g}"
    return f"{figure.value:.3g} ({figure.low:.3g} - {high})"


def _chance(figure: Figure) -> str:
    high = "?" if figure.high is None else _percent(figure.high)
    return f"{_percent(figure.value)} ({_percent(figure.low)} - {high})"


def _percent(share: float) -> str:
    """A share of years: no more digits than a sample has, and never 100 % or 0 % for what is not."""
    if 0.0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1.0:
        return ">99.9%"
    return f"{share * 100:.1f}%"


def minutes_text(minutes: float) -> str:
    """Minutes as a person says them: ``43.2 min``, ``7.5 h``, ``3.65 d``."""
    if minutes >= 3 * 1440:
        return f"{minutes / 1440:.3g} d"
    if minutes >= 100:
        return f"{minutes / 60:.3g} h"
    return f"{minutes:.3g} min" if minutes else "0"


# -- JSON


def _subject_json(named: Named, followed: Followed, waiting: Waiting | None) -> dict[str, object]:
    closed = followed.closed_form
    return {
        "name": named.name,
        "kind": named.kind.value,
        "tier": named.tier,
        "promise": None if named.promise is None else float(named.promise),
        "method": "simulation",
        "exact_minutes_per_year": {
            "low": followed.subject.down_low * MINUTES_PER_YEAR,
            "high": followed.subject.down_high * MINUTES_PER_YEAR,
        },
        "compared": followed.is_compared,
        "year": _spread_json(followed.year),
        "month": _spread_json(followed.month),
        "outages_per_year": _figure_json(followed.outages),
        "outage_minutes": None if followed.length is None else _figure_json(followed.length),
        "closed_form": None
        if closed is None
        else {
            "outages_per_year": closed.outages,
            "outage_minutes": closed.length,
            "no_downtime_in_year": closed.calm_year,
            "no_downtime_in_month": closed.calm_month,
        },
        "waiting_to_start": None
        if waiting is None
        else {
            "members": list(waiting.members),
            "added_minutes_per_year": _figure_json(waiting.waited.added),
            "year": _spread_json(waiting.waited.followed.year),
            "month": _spread_json(waiting.waited.followed.month),
            "outages_per_year": _figure_json(waiting.waited.followed.outages),
            "outage_minutes": None if waiting.waited.followed.length is None else _figure_json(waiting.waited.followed.length),
        },
    }


def _spread_json(spread: Spread) -> dict[str, object]:
    return {
        "mean": _figure_json(spread.mean),
        **{f"p{percent}": _figure_json(figure) for percent, figure in zip(PERCENTS, spread.percentiles, strict=True)},
        "allowed": spread.allowed,
        "promise_kept": None if spread.kept is None else _figure_json(spread.kept),
        "no_downtime": _figure_json(spread.calm),
    }


def _figure_json(figure: Figure) -> dict[str, float | None]:
    return {"low": figure.low, "value": figure.value, "high": figure.high}
