"""Sizes a flag system for two billion users: writes the figures of docs/flags-at-scale.md.

Usage: .venv/bin/python benchmarks/flags_at_scale.py; a few seconds, and the same figures each time.
What is assumed stands in flag_fleet.Plan.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from flag_fleet import (
    DAY,
    MONTH,
    Layer,
    Plan,
    arrivals,
    blackout,
    longest_wait,
    mean_wait,
    quantile,
    reached,
    reconnected,
    restart,
)

from truetier_runtime.poller import Pace

PAGE = Path(__file__).resolve().parent.parent / "docs" / "flags-at-scale.md"
SEED = 5
PUBLISHED = 10  # documents, each brought to the whole fleet
_MARKED = re.compile(r"(<!-- run: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Writes the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), figures(Plan())), encoding="utf-8")


def written(page: str, made: dict[str, str]) -> str:
    """A page with each part in the place that is marked for it."""
    return _MARKED.sub(lambda place: f"{place[1]}\n{made[place[2]]}\n{place[3]}", page)


def figures(plan: Plan) -> dict[str, str]:
    """Each part of the page by its name."""
    rng = np.random.default_rng(SEED)
    polled = [arrivals(plan.edges, plan.readers, rng) for _ in range(PUBLISHED)]
    hinted = [arrivals(plan.edges, plan.readers, rng, hints=True) for _ in range(PUBLISHED)]
    return {
        "assumed": _assumed(plan),
        "load": _load(plan),
        "propagation": _propagation(plan, polled, hinted),
        "picture": _picture(plan, polled, hinted),
        "staging": _staging(plan, polled),
        "staleness": _staleness(plan),
        "down": _down(plan),
        "herd": _herd(plan, rng),
        "cost": _cost(plan),
        "breaks": _breaks(plan, polled),
    }


# -- the parts


def _assumed(plan: Plan) -> str:
    average = plan.users * plan.requests_per_user_day / DAY
    peak, prices, edges = average * plan.peak, plan.prices, plan.edges.count
    processes = peak / plan.requests_per_reader
    return _table(
        ("what", "value"),
        ("users", f"{plan.users:,.0f}"),
        ("requests", f"{plan.requests_per_user_day:g} a user and day: {_si(average)}/s on average, {plan.peak:g} times that at the peak"),
        (
            "reads of flags",
            f"{plan.flags_per_request:g} a request: {_si(peak * plan.flags_per_request)}/s at the peak, each in its process",
        ),
        ("readers", f"{plan.readers.count:,} processes; {plan.requests_per_reader:g} requests/s each take {processes:,.0f} at the peak"),
        ("zones", f"{plan.zones}, with {edges // plan.zones} edges each, {plan.readers.count // edges} readers an edge"),
        ("pace", f"readers poll every {_pace(plan.readers)}, edges every {_pace(plan.edges)}"),
        ("an answer takes", f"{plan.edges.latency:g} s from the origin to an edge, {plan.readers.latency:g} s from an edge to a reader"),
        ("document", f"{plan.flags:,} flags of {plan.bytes_per_flag} bytes: {_bytes(plan.document_bytes)}"),
        ("answer that nothing is new", f"{plan.not_modified_bytes} bytes"),
        ("changes", f"{plan.teams} teams, {plan.changes_per_team_day:g} a day each: {plan.changes_per_day:g} a day"),
        ("bake", f"{plan.bake / 60:g} minutes"),
        ("validity", f"signed for {plan.valid_for / DAY:g} days, signed anew every {_days(plan.signed_every)}"),
        ("phones", f"{plan.phone_starts_per_day:g} starts a day, {plan.phone_online:.0%} online at once"),
        ("flags that matter to one phone", f"{plan.phone_flags}, of {plan.phone_flag_bytes} bytes"),
        ("a gigabyte", f"${prices.gigabyte[0]:.2f} to {prices.gigabyte[1]:.2f}"),
        ("10,000 requests", f"${prices.ten_thousand_requests[0]:g} to {prices.ten_thousand_requests[1]:g}"),
    )


class Flow(NamedTuple):
    """What one side sends: requests a second, bytes a second on a usual day, and when every poll takes the whole document."""

    requests: float
    usual: float
    whole: float


def flow(layer: Layer, plan: Plan) -> Flow:
    """What a layer is sent, together."""
    requests = layer.count / layer.pace.interval
    new = layer.count * min(plan.changes_per_day / DAY, 1 / layer.pace.interval) * plan.document_bytes
    return Flow(requests, requests * plan.not_modified_bytes + new, requests * plan.document_bytes)


def _load(plan: Plan) -> str:
    origin, edges = flow(plan.edges, plan), flow(plan.readers, plan)
    one = Flow(*(figure / plan.edges.count for figure in edges))
    asked = (("origin", origin), ("one edge", one), ("all edges", edges))
    return _table(
        ("who answers", "requests/s", "bytes/s, usual day", "bytes/s, each poll the whole document"),
        *((who, f"{it.requests:,.1f}", _bytes(it.usual), _bytes(it.whole)) for who, it in asked),
    )


def _propagation(plan: Plan, polled: list[np.ndarray], hinted: list[np.ndarray]) -> str:
    both = (plan.edges, plan.readers)
    ever, told = np.concatenate(polled), np.concatenate(hinted)
    bound = sum(longest_wait(layer.pace) + layer.latency for layer in both)
    mean = sum(mean_wait(layer.pace) + layer.latency for layer in both)
    told_bound = sum(layer.pace.least_gap + layer.pace.spread + layer.latency for layer in both)
    rows = [
        ("mean", f"{ever.mean():.1f} s", f"{mean:.1f} s", f"{told.mean():.1f} s"),
        *(
            (f"{share:.1%}", f"{np.quantile(ever, share):.1f} s", f"{quantile(both, share):.1f} s", f"{np.quantile(told, share):.1f} s")
            for share in (0.5, 0.99, 0.999)
        ),
        ("the last reader", f"{ever.max():.1f} s", f"{bound:.1f} s, never more", f"{told.max():.1f} s, of {told_bound:.1f} s"),
    ]
    each = [float(np.quantile(one, 0.999)) for one in polled]
    return (
        _table(("readers that have it", "polling, simulated", "polling, in closed form", "with hints, simulated"), *rows)
        + f"\n\n{PUBLISHED} documents, each to {plan.readers.count:,} readers,"
        + f" of which 99.9 % had a document after {min(each):.1f} to {max(each):.1f} s."
    )


def _staging(plan: Plan, polled: list[np.ndarray]) -> str:
    zone_of = np.arange(plan.readers.count) % plan.edges.count % plan.zones
    rows = []
    for name, waves in (
        ("all at once", (plan.zones,)),
        (f"{', '.join(map(str, plan.waves[:-1]))} and {plan.waves[-1]} zones", plan.waves),
        ("zone by zone", (1,) * plan.zones),
    ):
        begin = np.repeat(np.arange(len(waves)) * plan.bake, waves)
        times = np.concatenate([one + begin[zone_of] for one in polled])
        rows.append(
            (
                name,
                _long(float(np.quantile(times, 0.5))),
                _long(float(np.quantile(times, 0.999))),
                _long((len(waves) - 1) * plan.bake + quantile((plan.edges, plan.readers), 0.999)),
                f"{waves[0] / plan.zones:.0%}",
                f"{changes_a_day(len(waves), plan):.1f}",
            )
        )
    head = (
        "waves",
        "half of all readers",
        "99.9 %",
        "99.9 % of the last wave, in closed form",
        "a bad document reaches first",
        "changes a day",
    )
    return _table(head, *rows)


def changes_a_day(waves: int, plan: Plan) -> float:
    """How many documents of one scope can be staged, the last bake included, when each waits for the one before."""
    return DAY / (waves * plan.bake)


def _staleness(plan: Plan) -> str:
    """How long ago is as how long until: a renewal process reversed in time is one. So what holds of a wait holds of an age."""
    own, both = (plan.readers._replace(latency=0),), (plan.edges._replace(latency=0), plan.readers._replace(latency=0))
    lag = mean_wait(plan.edges.pace) + mean_wait(plan.readers.pace) + plan.edges.latency + plan.readers.latency
    behind = plan.changes_per_day / DAY * lag
    rows = [(f"{share:.1%}", f"{quantile(own, share):.1f} s", f"{quantile(both, share):.1f} s") for share in (0.5, 0.99, 0.999)]
    return (
        _table(("at most so old are", "by its own clock (`reader.age`)", "by the origin's"), *rows)
        + f"\n\nAt {plan.changes_per_day:g} changes a day, {behind:.1%} of reads are of the document before the newest one"
        + f" (rate of change times the mean lag of {lag:.1f} s)."
    )


def _down(plan: Plan) -> str:
    begun = plan.valid_for - plan.signed_every
    return _table(
        ("who", "publisher down", "edges down too"),
        ("a process that runs", "as long as it lasts: the last document", "the same"),
        ("one that starts with a copy on its disk", "as long as it lasts: the copy, expired or not", "the same"),
        (
            "one that starts without",
            f"{begun / DAY:g} days (validity less the time between signatures): the last document; then the defaults",
            "the defaults, from the first minute",
        ),
        ("a change of a flag", "none", "none"),
    )


def _herd(plan: Plan, rng: np.random.Generator) -> str:
    zone = plan.readers._replace(count=plan.readers.count // plan.zones)
    rows = []
    for name, retries in (
        ("the poller: the pace stays", None),
        ("again after 1 s, until it works", np.array([1.0])),
        ("doubled from 1 s to 60 s, no jitter", np.array([1.0, 2, 4, 8, 16, 32, 60])),
    ):
        it = blackout(zone, 1800, rng, retries)
        rows.append((name, f"{it.before:,}", f"{it.during:,}", f"{it.after:,}", f"{it.answered:.0f} s"))
    for name, spread in (("event streams, at once", 0.0), ("event streams, after a pause drawn from 30 s (`listen`)", 30.0)):
        rows.append((name, "0", "0", f"{reconnected(zone.count, spread, rng):,}", f"{0.999 * spread:.0f} s"))
    usual = plan.readers.count / plan.readers.pace.interval
    warm, cold = (restart(plan.readers, rng, has_document=has) for has in (True, False))
    return (
        _table(("who fails asks", "before", "in the last minute of it", "in the minute after", "99.9 % answered after"), *rows)
        + f"\n\nRequests in the busiest second, of {zone.count:,} readers whose zone had no edge for 30 minutes."
        + f" When all {plan.readers.count:,} readers start at once, the busiest second has {warm:,} requests with copies on disk"
        + f" ({usual:,.0f}/s are usual) and {cold:,} without."
    )


def _cost(plan: Plan) -> str:
    edges, origin = flow(plan.readers, plan), flow(plan.edges, plan)
    slow = flow(plan.readers._replace(pace=Pace(300.0)), plan)
    starts = plan.users * plan.phone_starts_per_day / DAY
    new = min(1.0, plan.changes_per_day / plan.phone_starts_per_day)  # of polls that find something new
    flows = [
        ("edges to readers, usual day", edges.requests, edges.usual),
        ("the same, polled every 5 minutes", slow.requests, slow.usual),
        ("edges to readers, each poll the whole document", edges.requests, edges.whole),
        ("origin to edges, each poll the whole document", origin.requests, origin.whole),
        ("phones ask an edge service what their flags are", starts, starts * plan.phone_flags * plan.phone_flag_bytes),
        ("the same, along with requests they make anyway", 0.0, starts * plan.phone_flags * plan.phone_flag_bytes),
        ("phones download the document", starts, starts * (new * plan.document_bytes + (1 - new) * plan.not_modified_bytes)),
        ("the same, a tenth of its size", starts, starts * (new * plan.document_bytes / 10 + (1 - new) * plan.not_modified_bytes)),
    ]
    rows = []
    for name, requests, sent in flows:
        low, high = (
            requests * MONTH / 1e4 * plan.prices.ten_thousand_requests[end] + sent * MONTH / 1e9 * plan.prices.gigabyte[end]
            for end in (0, 1)
        )
        share = sent * MONTH / 1e9 * plan.prices.gigabyte[1] / high
        rows.append((name, _si(requests * MONTH), _bytes(sent * MONTH), f"{_money(low)} to {_money(high)}", f"{share:.0%}"))
    return _table(("what, a month", "requests", "bytes", "cost", "of it bytes, at most"), *rows)


class Limit(NamedTuple):
    """How much of something there is at this size, how much can be, and what is done when that is reached."""

    what: str
    load: float
    limit: float
    shown: str
    then: str


def limits(plan: Plan) -> list[Limit]:
    """All, the scarcest first."""
    gigabit = 1e10 / 8  # bytes a second of a machine with 10 Gbit/s
    edge = flow(plan.readers, plan).whole / plan.edges.count
    origin = flow(plan.edges, plan).whole
    streams = plan.users * plan.phone_online / plan.edges.count
    cold = plan.readers.count / (plan.readers.pace.interval * 0.1) / plan.edges.count * plan.document_bytes
    phones = plan.users * plan.phone_starts_per_day * plan.peak / DAY * plan.document_bytes
    found = [
        Limit(
            "event streams held open for phones, one edge",
            streams,
            1e5,
            f"{streams:,.0f} of 100,000",
            "no streams for phones; hints are for readers",
        ),
        Limit(
            "changes a day through one scope, zone by zone",
            plan.changes_per_day,
            changes_a_day(plan.zones, plan),
            f"{plan.changes_per_day:g} of {changes_a_day(plan.zones, plan):.1f}",
            "fewer waves, and a scope for each group of teams",
        ),
        Limit(
            "the same in three waves",
            plan.changes_per_day,
            changes_a_day(len(plan.waves), plan),
            f"{plan.changes_per_day:g} of {changes_a_day(len(plan.waves), plan):.0f}",
            "scopes",
        ),
        Limit(
            "size of the document (`max_bytes`)",
            plan.document_bytes,
            1e6,
            f"{_bytes(plan.document_bytes)} of {_bytes(1e6)}",
            "scopes; remove flags that are decided",
        ),
        Limit(
            "bytes/s if phones downloaded the document, all edges of a large network",
            phones,
            1e13 / 8,
            f"{_bytes(phones)} of {_bytes(1e13 / 8)}",
            "phones ask an edge service",
        ),
        Limit(
            "bytes/s of one edge when all readers start without a copy",
            cold,
            gigabit,
            f"{_bytes(cold)} of {_bytes(gigabit)}",
            "copies on disks that survive a deployment; restarts in waves",
        ),
        Limit("bytes/s of one edge, each poll the whole document", edge, gigabit, f"{_bytes(edge)} of {_bytes(gigabit)}", "more edges"),
        Limit("bytes/s of the origin, the same", origin, gigabit, f"{_bytes(origin)} of {_bytes(gigabit)}", "one more layer of edges"),
        Limit(
            "event streams for readers, one edge",
            plan.readers.count / plan.edges.count,
            1e5,
            f"{plan.readers.count // plan.edges.count:,} of 100,000",
            "polling alone",
        ),
        Limit(
            "bytes written to one disk a day",
            plan.changes_per_day * plan.document_bytes,
            2e10,
            f"{_bytes(plan.changes_per_day * plan.document_bytes)} of {_bytes(2e10)}",
            "fewer copies, one folder for all workers",
        ),
        Limit(
            "CPU of a phone or a reader for signatures, a day",
            plan.changes_per_day * 0.003,
            60,
            f"{plan.changes_per_day * 0.003:.1f} s of a minute, at 3 ms each",
            "never",
        ),
    ]
    return sorted(found, key=lambda one: one.limit / one.load)


def _breaks(plan: Plan, polled: list[np.ndarray]) -> str:
    rows = [(one.what, one.shown, _factor(one.limit / one.load), one.then) for one in limits(plan)]
    slow = max(float(one.max()) for one in polled)
    return (
        _table(("what", "at this size", "grows by a factor of", "then"), *rows)
        + "\n\nA factor below 1 is broken already."
        + f" A bake has to be longer than a document takes to arrive: {plan.bake:.0f} s against {slow:.0f} s here."
    )


# -- the picture


def _picture(plan: Plan, polled: list[np.ndarray], hinted: list[np.ndarray]) -> str:
    width, height, left, top, seconds = 520, 260, 44, 16, 50
    times = np.arange(0, seconds + 0.01, 0.5)
    ever, told = np.sort(np.concatenate(polled)), np.sort(np.concatenate(hinted))
    curves = [
        ("with hints", "#009e73", "", np.searchsorted(told, times, side="right") / len(told)),
        ("polling", "#0072b2", "", np.searchsorted(ever, times, side="right") / len(ever)),
        ("polling, in closed form", "#000", ' stroke-dasharray="3 4"', reached((plan.edges, plan.readers), times)),
    ]

    def place(time: float, share: float) -> str:
        return f"{left + time / seconds * (width - left - 16):.1f} {top + (1 - share) * (height - top - 40):.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<path d="M{place(0, 1)}L{place(0, 0)}L{place(seconds, 0)}" fill="none" stroke="#999"/>',
    ]
    for mark in range(0, seconds + 1, 10):
        x, y = place(mark, 0).split()
        lines.append(f'<text x="{x}" y="{float(y) + 16:.1f}" text-anchor="middle">{mark} s</text>')
    for share in (0.0, 0.5, 1.0):
        x, y = place(0, share).split()
        lines.append(f'<text x="{float(x) - 4:.1f}" y="{float(y) + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for number, (name, colour, dash, shares) in enumerate(curves):
        points = "L".join(place(float(time), float(share)) for time, share in zip(times, shares, strict=True))
        lines.append(f'<path d="M{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        lines.append(f'<text x="{width - 180}" y="{height - 110 + 18 * number}" fill="{colour}">{name}</text>')
    return "\n".join([*lines, "</svg>"])


# -- words


def _table(head: tuple[str, ...], *rows: tuple[str, ...]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _pace(layer: Layer) -> str:
    return f"{layer.pace.interval:g} s, give or take {layer.pace.jitter:.0%}"


def _si(number: float, unit: str = "") -> str:
    for size, word in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {word}{unit}"
    return f"{number:.3g} {unit}".rstrip()


def _bytes(number: float) -> str:
    return _si(number, "B")


def _money(dollars: float) -> str:
    return f"${dollars:,.0f}" if dollars < 1e4 else f"${dollars / 1e3:,.0f}k" if dollars < 1e6 else f"${dollars / 1e6:,.1f}M"


def _days(seconds: float) -> str:
    return "day" if seconds == DAY else f"{seconds / DAY:g} days"


def _factor(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
