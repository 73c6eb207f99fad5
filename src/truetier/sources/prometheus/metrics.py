"""What the metrics of service graphs, of Istio, and of one's own indicators say.

Metrics count calls, not what became of the requests they were made for: edges and their failures show, whether a dependency is hard
does not. Counts are increases of counters over five minutes as Prometheus extrapolates them to the ends of each, rounded when they
are summed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from truetier.catalog.measured import Measured
from truetier.catalog.model import SkippedInput
from truetier.catalog.observed import Verdict
from truetier.errors import NothingToReadError
from truetier.record import NamedTuple
from truetier.sources.prometheus.server import WINDOW, Server
from truetier.telemetry.observation import EdgeEvidence, Observation, ServiceEvidence, clustering
from truetier.telemetry.spool import Counts
from truetier.telemetry.verdict import MODES, NEVER_SEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from truetier.catalog.observed import ObservedMode
    from truetier.sources.prometheus.server import Series

_WINDOW_WORD = "$window"
_SECOND = 1_000_000_000
# Tempo, Beyla and the collector's connector write these. https://opentelemetry.io/docs/specs/semconv has no name for them yet.
_GRAPH = "sum by (client, server, connection_type) (increase(traces_service_graph_request_{what}_total[$window]))"
_USER = ("user", "virtual_node")  # stands for whoever is not instrumented: nobody's call
_ISTIO_ENDS = "source_canonical_service, source_workload, destination_canonical_service, destination_workload"
_ISTIO = f"sum by (reporter, response_flags, {_ISTIO_ENDS}) (increase(istio_requests_total{{which}}[$window]))"
# A status of HTTP that blames the server, no answer at all (0), and the codes of gRPC that OpenTelemetry calls errors of a server.
_ISTIO_FAILED = ('{response_code=~"5..|0"}', '{response_code!~"5..|0",grpc_response_status=~"2|4|12|13|14|15"}')
_TIMEOUT_FLAGS, _UNREACHABLE_FLAGS = {"UT", "SI"}, {"UH", "UF", "NR", "NC", "UC"}  # Envoy's response flags


class Indicator(NamedTuple):
    """How well a service serves, by two queries: of all requests and of those that failed; $window stands for five minutes."""

    service: str
    total: str
    failed: str


class _Counts(defaultdict[int, float]):
    """What was counted in each window, by the second at which it ends."""

    def __init__(self) -> None:
        super().__init__(float)

    def add(self, more: Mapping[int, float]) -> None:
        for window, n in more.items():
            self[window] += n

    def total(self) -> int:
        return round(sum(self.values()))


class _Tally:
    """Calls by window, and of them those that failed by mode."""

    def __init__(self) -> None:
        self.calls = _Counts()
        self.failed = {mode: _Counts() for mode in MODES.values()}

    def add(self, other: _Tally) -> None:
        self.calls.add(other.calls)
        for mode, counts in other.failed.items():
            self.failed[mode].add(counts)

    def measured(self) -> Measured | None:
        """All of it as one count; None where it is nothing."""
        bad = _Counts()
        for counts in self.failed.values():
            bad.add(counts)
        requests = self.calls.total()
        windows = [(round(n), min(round(bad[window]), round(n))) for window, n in self.calls.items() if round(n)]
        return Measured(requests, min(bad.total(), requests), clustering(windows)) if requests else None


def read_prometheus(  # noqa: PLR0913 - what is asked for, and how
    address: str,
    *,
    begin: int,
    end: int,
    indicators: Sequence[Indicator] = (),
    token: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Observation:
    """What the server knows between two times, seconds since 1970, taken to whole five minutes.

    Raises SourceError when it cannot be asked, NothingToReadError when it has none of the metrics.
    """
    server = Server(address, token)
    begin, end = begin // WINDOW * WINDOW, end // WINDOW * WINDOW
    edges: dict[tuple[str, str, bool], _Tally] = defaultdict(_Tally)
    services: dict[str, _Tally] = defaultdict(_Tally)
    steps: list[Callable[[], None]] = [
        lambda: _service_graph(server, begin, end, edges, services),
        lambda: _istio(server, begin, end, edges, services),
        *(lambda indicator=indicator: _indicator(server, begin, end, indicator, services) for indicator in indicators),
    ]
    for done, step in enumerate(steps, start=1):
        step()
        if progress is not None:
            progress(done, len(steps))
    if not any(tally.calls.total() for tally in (*edges.values(), *services.values())):
        asked = "traces_service_graph_request_total, istio_requests_total" + (" and the indicators" if indicators else "")
        raise NothingToReadError(f"{address}: nothing was counted in that time by {asked}")
    skipped = {"no number": server.unusable} if server.unusable else {}
    counts = Counts(server.read, server.read - server.unusable, skipped)
    unread = tuple(SkippedInput(address, warning) for warning in server.warnings)
    return Observation(tuple(_edges(edges)), tuple(_services(edges, services)), counts, begin * _SECOND, end * _SECOND, unread)


# -- the metrics


def _service_graph(
    server: Server, begin: int, end: int, edges: Mapping[tuple[str, str, bool], _Tally], services: Mapping[str, _Tally]
) -> None:
    for what in ("", "failed"):
        query = _query(_GRAPH.replace("{what}_", f"{what}_" if what else ""))
        for series in server.counts(query, begin, end):
            client, callee, kind = (series.labels.get(name, "") for name in ("client", "server", "connection_type"))
            tallies = [services[callee]] if kind != "messaging_system" else []
            if client and (client, kind) != _USER:
                tallies.append(edges[client, callee, kind == "messaging_system"])
            for tally in tallies:
                (tally.failed["error"] if what else tally.calls).add(series.counts)


def _istio(server: Server, begin: int, end: int, edges: Mapping[tuple[str, str, bool], _Tally], services: Mapping[str, _Tally]) -> None:
    """Each call is told by both its ends: what the caller tells counts for the edge, what the callee tells for the service."""
    told: dict[str, dict[tuple[str, str], _Tally]] = {"source": defaultdict(_Tally), "destination": defaultdict(_Tally)}
    for which in ("", *_ISTIO_FAILED):
        for series in server.counts(_query(_ISTIO.replace("{which}", which)), begin, end):
            by = told.get(series.labels.get("reporter", ""))
            if by is None:
                continue
            tally = by[_party(series, "source"), _party(series, "destination")]
            (tally.failed[_mode(series)] if which else tally.calls).add(series.counts)
    callers, callees = told["source"], told["destination"]
    for caller, callee in dict.fromkeys((*callers, *callees)):
        if caller and callee:
            edges[caller, callee, False].add(callers.get((caller, callee)) or callees[caller, callee])
    heard = {callee for _, callee in callees}
    for by in (callees, callers):
        for (_, callee), tally in by.items():
            if callee and (by is callees or callee not in heard):
                services[callee].add(tally)


def _indicator(server: Server, begin: int, end: int, indicator: Indicator, services: dict[str, _Tally]) -> None:
    """Counts for its service in place of what others say of it."""
    tally = services[indicator.service] = _Tally()
    for query, counts in ((indicator.total, tally.calls), (indicator.failed, tally.failed["error"])):
        for series in server.counts(_query(query), begin, end):
            counts.add(series.counts)


def _query(text: str) -> str:
    return text.replace(_WINDOW_WORD, f"{WINDOW}s")


def _party(series: Series, end: str) -> str:
    """The service at that end of a call; empty where the mesh does not know it."""
    names = (series.labels.get(f"{end}_{label}", "") for label in ("canonical_service", "workload"))
    return next((name for name in names if name not in ("", "unknown")), "")


def _mode(series: Series) -> str:
    flags = set(series.labels.get("response_flags", "").split(","))
    return "timeout" if flags & _TIMEOUT_FLAGS else "unreachable" if flags & _UNREACHABLE_FLAGS else "error"


# -- as evidence


def _edges(edges: Mapping[tuple[str, str, bool], _Tally]) -> Iterator[EdgeEvidence]:
    for caller, callee, is_async in sorted(edges):
        tally = edges[caller, callee, is_async]
        calls = tally.calls.total()
        if caller == callee or not callee or not calls:
            continue
        called = [window for window, n in tally.calls.items() if n]
        modes = {} if is_async else {mode: _evidence(counts) for mode, counts in tally.failed.items()}
        yield EdgeEvidence(
            caller,
            callee,
            is_async=is_async,
            calls=calls,
            errors=min(calls, sum(counts.total() for counts in tally.failed.values())),
            requests=None,
            masked=0,
            swallowed=0,
            share=None,
            first_ns=(min(called) - WINDOW) * _SECOND,
            last_ns=max(called) * _SECOND,
            median_ns=None,
            slow_ns=None,
            limit_ns=None,
            fallback=None,
            modes=modes,
        )


def _evidence(failed: _Counts) -> ObservedMode:
    calls = failed.total()
    if not calls:
        return NEVER_SEEN
    windows = sum(n > 0 for n in failed.values())
    return NEVER_SEEN._replace(verdict=Verdict.UNKNOWN, failed_calls=calls, windows=windows, flags=("outcome_not_recorded",))


def _services(edges: Iterable[tuple[str, str, bool]], services: Mapping[str, _Tally]) -> Iterator[ServiceEvidence]:
    callers = {caller for caller, _, _ in edges}
    for name in sorted({*callers, *services} - {""}):
        whole = services[name].measured() if name in services else None
        yield ServiceEvidence(name, None, whole, ())
