"""Small traces written by hand, and what the plan makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.telemetry.engines import DuckDB
from truetier.telemetry.mining import mine
from truetier.telemetry.observation import Observation, observation
from truetier.telemetry.spans import Columns
from truetier.telemetry.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from truetier.telemetry.mining import Mined
    from truetier.telemetry.observation import EdgeEvidence
    from truetier.telemetry.spool import Spooled

MILLISECOND = 1_000_000
BEGIN = 1_790_000_000_000_000_000
LATEST = BEGIN + 10**18


class Traces:
    """Collects spans; times in milliseconds after the beginning."""

    def __init__(self) -> None:
        self.columns = Columns()
        self.now = 0.0  # what times count from
        self.links: list[tuple[str, str, str]] = []
        self.missing: list[tuple[str, str, str]] = []
        self.failed: list[tuple[str, str]] = []

    def span(
        self,
        trace: str,
        span: str,
        parent: str,
        service: str,
        kind: str,
        *,
        at: float = 0,
        lasts: float = 10,
        outcome: str = "",
        peer: str = "",
        name: str = "get",
    ) -> None:
        columns = self.columns
        for column, value in zip(
            (
                columns.trace_id,
                columns.span_id,
                columns.parent_id,
                columns.service,
                columns.kind,
                columns.outcome,
                columns.peer,
                columns.name,
            ),
            (trace, span, parent, service, kind, outcome, peer, name),
            strict=True,
        ):
            column.append(value)
        columns.start_ns.append(BEGIN + round((self.now + at) * MILLISECOND))
        columns.duration_ns.append(round(lasts * MILLISECOND))

    def call(self, trace: str, number: int, callee: str, *, outcome: str = "", **rest: float | str) -> None:
        """A call of the request ``trace``/r by service a, answered by the callee, failed on both sides alike."""
        at, lasts = float(rest.pop("at", 1)), float(rest.pop("lasts", 5))
        name = str(rest.pop("name", "get"))
        self.span(trace, f"c{number}", "r", "a", "client", at=at, lasts=lasts, outcome=outcome, peer=callee, name=name)
        self.span(trace, f"s{number}", f"c{number}", callee, "server", at=at + 1, lasts=lasts - 2, outcome=outcome, name=name)


def spooled(traces: Traces, folder: Path, parts: int = 1) -> Spooled:
    spool = Spool(str(folder), parts, LATEST)
    spool.spans(traces.columns)
    spool.links(traces.links)
    spool.missing(traces.missing)
    spool.failed(traces.failed)
    return spool.close()


def mined(traces: Traces, folder: Path, parts: int = 1) -> Mined:
    engine = DuckDB(memory="500MB", spill=str(folder / "spill"), threads=1)
    try:
        return mine(spooled(traces, folder / "spool", parts), engine)
    finally:
        engine.close()


def observed(traces: Traces, folder: Path, parts: int = 1, *, is_sampled_by_outcome: bool = False) -> Observation:
    spool = spooled(traces, folder / "spool", parts)
    engine = DuckDB(memory="500MB", spill=str(folder / "spill"), threads=1)
    try:
        return observation(mine(spool, engine), spool.counts, is_sampled_by_outcome=is_sampled_by_outcome)
    finally:
        engine.close()


def edge(found: Observation, caller: str, callee: str) -> EdgeEvidence:
    (only,) = [each for each in found.edges if (each.caller, each.callee) == (caller, callee)]
    return only


def requests(
    count: int, make: Callable[[Traces, str, int], None], *, outcome: Callable[[int], str] = lambda _: "", every: float = 1000
) -> Traces:
    """So many requests to service a, one after another; ``make`` adds what each does."""
    traces = Traces()
    for number in range(count):
        trace = f"{number + 1:032x}"
        traces.now = number * every
        traces.span(trace, "r", "", "a", "server", lasts=100, outcome=outcome(number))
        make(traces, trace, number)
    return traces


def pairs(found: Observation) -> Iterable[tuple[str, str, int, int]]:
    return [(each.caller, each.callee, each.calls, each.errors) for each in found.edges]
