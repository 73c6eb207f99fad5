"""What telemetry shows of a fleet: its edges, each with the evidence for it, and what each service did."""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.catalog.measured import Measured
from truetier.catalog.observed import Verdict
from truetier.record import NamedTuple
from truetier.telemetry.verdict import MODES, NEVER_SEEN, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truetier.catalog.model import SkippedInput
    from truetier.catalog.observed import ObservedMode
    from truetier.telemetry.mining import Mined
    from truetier.telemetry.spool import Counts

_ALONE = 0.95  # of the requests that ask a fallback, at least so many because another callee failed
_LEAST_FALLBACKS = 5
_LEAST_ATTEMPTS = 5  # requests that the callee failed, and as many that it did not


class EdgeEvidence(NamedTuple):
    """One caller and callee. ``calls`` and ``errors`` are client spans; requests are those of the caller that made such a call.

    ``requests`` is None where only calls were counted. ``masked`` requests had a failed call that a retry made good, ``swallowed``
    calls failed at the callee and not at the caller. Times are nanoseconds: of the first and last call since 1970, the median and the
    99th percentile of calls that went well, and how long the caller waits before it gives up, where that shows. ``share`` of the
    caller's requests make the call. ``attempts`` is how many calls a request makes of a callee that fails it in the end, for each that
    it makes otherwise; None where too few were seen.
    """

    caller: str
    callee: str
    is_async: bool
    calls: int
    errors: int
    requests: int | None
    masked: int
    swallowed: int
    share: float | None
    first_ns: int | None
    last_ns: int | None
    median_ns: int | None
    slow_ns: int | None
    limit_ns: int | None
    fallback: str | None
    modes: Mapping[str, ObservedMode]
    attempts: float | None = None


class EndpointEvidence(NamedTuple):
    """Requests to a service by one name, and those of them that failed; ``is_root``: nobody recorded who sent them."""

    name: str
    is_root: bool
    requests: int
    failed: int


class ServiceEvidence(NamedTuple):
    """One service: what fails of it while all it needs works, and all its requests; None where no outcome was recorded."""

    name: str
    own: Measured | None
    observed: Measured | None
    endpoints: tuple[EndpointEvidence, ...]


class Observation(NamedTuple):
    """Everything that was seen, in order of names. Sampled by outcome: frequencies mean nothing, and none are told."""

    edges: tuple[EdgeEvidence, ...]
    services: tuple[ServiceEvidence, ...]
    counts: Counts
    first_ns: int | None
    last_ns: int | None
    unread: tuple[SkippedInput, ...] = ()
    is_sampled_by_outcome: bool = False


def observation(mined: Mined, counts: Counts, unread: tuple[SkippedInput, ...] = (), *, is_sampled_by_outcome: bool = False) -> Observation:
    """What the mined tables show; ``unread`` are inputs that hold no traces."""
    edges = tuple(map(_without_frequencies, _edges(mined)) if is_sampled_by_outcome else _edges(mined))
    services = tuple(_services(mined, is_sampled_by_outcome=is_sampled_by_outcome))
    times = [time for edge in edges for time in (edge.first_ns, edge.last_ns) if time is not None]
    return Observation(edges, services, counts, min(times, default=None), max(times, default=None), unread, is_sampled_by_outcome)


def _edges(mined: Mined) -> Iterable[EdgeEvidence]:
    names = mined.names
    known: dict[tuple[int, int], dict[str, ObservedMode]] = defaultdict(dict)
    for (caller, callee, mode), evidence in verdicts(mined).items():
        known[caller, callee][MODES[mode]] = evidence
    seen = {(row["caller"], row["callee"], row["is_async"]): row for row in mined.edges.to_pylist()}
    for edge in known:  # a log may name a callee that no span shows
        if not any((*edge, is_async) in seen for is_async in (0, 1)):
            seen[*edge, 0] = {}
    calls = _calls(mined)
    limits = {(row["caller"], row["callee"]): row["low_ns"] for row in mined.limits.to_pylist()}
    entries = _entries(mined)
    fallbacks = _fallbacks(mined)
    for caller, callee, is_async in sorted(seen, key=lambda key: (names[key[0]], names[key[1]], key[2])):
        if caller == callee or not names[callee]:
            continue
        row = seen[caller, callee, is_async]
        requests = row.get("requests", 0)
        told = calls.get((caller, callee, is_async), _NO_CALLS)
        fallback = fallbacks.get((caller, callee))
        modes = {} if is_async else {mode: known[caller, callee].get(mode, NEVER_SEEN) for mode in MODES.values()}
        yield EdgeEvidence(
            names[caller],
            names[callee],
            bool(is_async),
            row.get("calls", 0),
            row.get("errors", 0),
            requests,
            row.get("masked", 0),
            told.swallowed,
            requests / entries[caller] if entries.get(caller) else None,
            told.first_ns,
            told.last_ns,
            told.median_ns,
            told.slow_ns,
            None if is_async else limits.get((caller, callee)),
            None if fallback is None else names[fallback],
            modes,
            None if is_async or not row else _attempts(row),
        )


def _attempts(row: Mapping[str, int]) -> float | None:
    """The lesser of two ways to tell; each alone is misled by requests that ask one callee many times.

    Failed calls of a request that the callee failed: of many that all fail at once, not each is a retry. All of its calls over those
    of a request in which none failed: one with many calls is likelier to have one that fails.
    """
    broken, good = row["broken"], row["requests"] - row["broken"] - row["masked"]
    if min(broken, good) < _LEAST_ATTEMPTS:
        return None
    more = (row["broken_calls"] / broken) / (row["good_calls"] / good)
    return round(max(1.0, min(row["broken_errors"] / broken, more)), 3)


def _without_frequencies(edge: EdgeEvidence) -> EdgeEvidence:
    """What stays true where requests that failed are kept rather than those that went well.

    A caller that survives even so is soft; that one fails with its callee may be because only such requests were kept, unless a log
    says it.
    """
    modes = {mode: _without_frequency(item) if item.failed_calls else item for mode, item in edge.modes.items()}
    return edge._replace(share=None, modes=modes)


def _without_frequency(item: ObservedMode) -> ObservedMode:
    stays = item.verdict is Verdict.SOFT or "by_log" in item.flags
    verdict = item.verdict if stays else Verdict.UNKNOWN
    return item._replace(verdict=verdict, probability=None, low=None, high=None, flags=(*item.flags, "sampled_by_outcome"))


class _Calls(NamedTuple):
    """What the calls of one edge tell by themselves; the median and the 99th percentile are of those that went well."""

    swallowed: int
    first_ns: int | None
    last_ns: int | None
    median_ns: int | None
    slow_ns: int | None


_NO_CALLS = _Calls(0, None, None, None, None)


def _calls(mined: Mined) -> dict[tuple[int, int, int], _Calls]:
    by_edge: dict[tuple[int, int, int], list[dict[str, int]]] = defaultdict(list)
    for row in mined.durations.to_pylist():
        by_edge[row["caller"], row["callee"], row["is_async"]].append(row)
    found = {}
    for edge, rows in by_edge.items():
        buckets: dict[int, int] = defaultdict(int)
        for row in rows:
            if not row["f"]:
                buckets[row["bucket"]] += row["n"]
        quantiles = (_quantile(buckets, 0.5), _quantile(buckets, 0.99)) if buckets else (None, None)
        times = min(row["first_ns"] for row in rows), max(row["last_ns"] for row in rows)
        found[edge] = _Calls(sum(row["swallowed"] for row in rows), *times, *quantiles)
    return found


def _quantile(buckets: Mapping[int, int], share: float) -> int:
    """The middle of the bucket that holds it: within 3.6 %."""
    left = share * sum(buckets.values())
    for bucket in sorted(buckets):
        left -= buckets[bucket]
        if left <= 0:
            break
    return round(math.exp((bucket + 0.5 - 0.123) / 14))


def _entries(mined: Mined) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for row in mined.endpoints.to_pylist():
        found[row["svc"]] += row["n"]
    return found


def _fallbacks(mined: Mined) -> dict[tuple[int, int], int]:
    """Whom a caller asks only when another callee has failed, by caller and that callee."""
    edges = [row for row in mined.edges.to_pylist() if not row["is_async"]]
    asked = {(row["caller"], row["callee"]): row["requests"] for row in edges}
    went_well = {(row["caller"], row["callee"]): row["requests"] - row["broken"] for row in edges}
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for row in mined.beside.to_pylist():
        caller, failed, other, n = row["caller"], row["failed"], row["asked"], row["n"]
        if went_well.get((caller, failed), 0) < _LEAST_FALLBACKS:
            continue  # whom it asks otherwise does not show
        if n >= _LEAST_FALLBACKS and n >= _ALONE * asked.get((caller, other), math.inf):
            found[caller, failed] = max(found.get((caller, failed), (0, 0)), (n, other))
    return {edge: other for edge, (_, other) in found.items()}


def _services(mined: Mined, *, is_sampled_by_outcome: bool) -> Iterable[ServiceEvidence]:
    names = mined.names
    quiet: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in mined.quiet.to_pylist():
        if row["n"] > row["unrecorded"]:
            quiet[row["svc"]].append((row["n"] - row["unrecorded"], row["failed"]))
    endpoints: dict[int, list[EndpointEvidence]] = defaultdict(list)
    for row in mined.endpoints.to_pylist():
        recorded = row["n"] - row["unrecorded"]
        endpoints[row["svc"]].append(EndpointEvidence(names[row["name"]], bool(row["is_root"]), recorded, row["failed"]))
    for service in sorted(mined.present["svc"].to_pylist(), key=names.__getitem__):
        of_service = sorted(endpoints[service])
        requests, failed = sum(each.requests for each in of_service), sum(each.failed for each in of_service)
        clustered = clustering(quiet[service])
        own = Measured(sum(n for n, _ in quiet[service]), sum(bad for _, bad in quiet[service]), clustered)
        has_frequencies = not is_sampled_by_outcome
        yield ServiceEvidence(
            names[service],
            own if own.requests and has_frequencies else None,
            Measured(requests, failed, clustered) if requests and has_frequencies else None,
            tuple(of_service),
        )


def clustering(windows: Iterable[tuple[int, int]]) -> Decimal:
    """How much failures come together: the variance of the counts of five minutes over what independent failures would have.

    At least 1. Source: McCullagh and Nelder, Generalized Linear Models, 1989, 4.5: the dispersion of grouped binomial data.
    """
    counted = list(windows)
    requests, failed = sum(n for n, _ in counted), sum(bad for _, bad in counted)
    if len(counted) < 2 or not 0 < failed < requests:
        return Decimal(1)
    share = failed / requests
    squares = sum((bad - n * share) ** 2 / (n * share * (1 - share)) for n, bad in counted)
    return max(Decimal(1), Decimal(f"{squares / (len(counted) - 1):.6g}"))
