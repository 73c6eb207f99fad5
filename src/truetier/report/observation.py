"""What telemetry showed, for a person and for a machine."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from truetier.availability.posterior import quantiles
from truetier.catalog.measured import Measured
from truetier.report import text
from truetier.units import availability_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truetier.catalog.observed import ObservedMode
    from truetier.telemetry.observation import EdgeEvidence, EndpointEvidence, Observation, ServiceEvidence

SCHEMA = "truetier/observe/1"
_SHOWN = 40  # edges and services; JSON has all
_RETRIES = 1.5  # attempts on average: some requests retry
_FLAGS = {
    "no_contrast": "nothing to compare with in the same five minutes",
    "one_window": "seen in one five minutes only",
    "never_alone": "always failed together with another callee",
    "by_log": "a log of the caller says so",
    "sampled_by_outcome": "how often is not known of what was kept for how it ended",
    "outcome_not_recorded": "whether the caller failed was not recorded",
}


def render(observation: Observation) -> str:
    """The edges with what their failures do, the services with what fails of them, and what was read."""
    return "".join(f"{line}\n" for line in _lines(observation))


def render_json(observation: Observation) -> str:
    """The same as JSON, schema ``truetier/observe/1``, floats shortest exact."""
    import json

    document = {
        "schema": SCHEMA,
        "first": _time(observation.first_ns),
        "last": _time(observation.last_ns),
        "sampled_by_outcome": observation.is_sampled_by_outcome,
        "edges": [_edge(edge) for edge in observation.edges],
        "services": [_service(service) for service in observation.services],
        "counts": {"read": observation.counts.read, "used": observation.counts.used, "skipped": observation.counts.skipped},
        "unread": [{"subject": item.subject, "reason": item.reason} for item in observation.unread],
    }
    return json.dumps(document, indent=1) + "\n"


def _lines(observation: Observation) -> Iterator[str]:
    edges, services = observation.edges, observation.services
    seen = f", {_time(observation.first_ns)} to {_time(observation.last_ns)}" if observation.first_ns is not None else ""
    yield (
        f"{text.plural(len(edges), 'edge')} between {text.plural(len(services), 'service')}, "
        f"{text.plural(observation.counts.used, 'span')}{seen}"
    )
    if observation.is_sampled_by_outcome:
        yield "sampled by outcome: how often anything fails cannot be told"
    yield ""
    told = sorted(edges, key=lambda edge: (-edge.errors, edge.caller, edge.callee))
    width = max((text.columns(_title(edge)) for edge in told[:_SHOWN]), default=0)
    for edge in told[:_SHOWN]:
        yield from _edge_lines(edge, width)
    if len(told) > _SHOWN:
        yield f"and {text.plural(len(told) - _SHOWN, 'more edge')} (--format json has all)"
    yield ""
    yield from _service_lines(services)
    yield from _beginning_lines(services)
    yield from _count_lines(observation)


def _edge_lines(edge: EdgeEvidence, width: int) -> Iterator[str]:
    failed = f"{edge.errors:,} failed" if edge.errors else "none failed"
    way = "async" if edge.is_async else ", ".join(f"{mode}: {item.verdict.value}" for mode, item in edge.modes.items() if item.failed_calls)
    yield f"{text.pad(_title(edge), width)}  {text.plural(edge.calls, 'call')}, {failed}{'; ' + way if way else '; unknown'}"
    for mode, item in edge.modes.items():
        if item.failed_calls:
            yield f"    {mode}: {_evidence_text(item)}"
    if edge.attempts is not None and edge.attempts >= _RETRIES:
        yield f"    makes {edge.attempts:.1f} attempts where all fail"
    if edge.limit_ns is not None:
        yield f"    gives up after about {edge.limit_ns / 1e6:,.0f} ms"
    if edge.fallback is not None:
        yield f"    asks {text.clip(edge.fallback)} instead"


def _evidence_text(item: ObservedMode) -> str:
    if item.probability is None or item.low is None or item.high is None:
        said = f"{text.plural(item.failed_calls, 'failed call')}"
    else:
        said = (
            f"{text.plural(item.failed_calls, 'failed call')} in {text.plural(item.windows, 'window')}, the caller's request fails with "
            f"{item.probability:.3f} ({item.low:.3f} to {item.high:.3f})"
        )
    needed = f"; {text.plural(item.failures_needed, 'more failure')} alike would decide" if item.failures_needed else ""
    return said + needed + "".join(f"; {_FLAGS[flag]}" for flag in item.flags if flag in _FLAGS)


def _service_lines(services: tuple[ServiceEvidence, ...]) -> Iterator[str]:
    told = sorted((service for service in services if service.own is not None), key=_own_down, reverse=True)
    width = max((text.columns(text.clip(service.name)) for service in told[:_SHOWN]), default=0)
    for service in told[:_SHOWN]:
        own, whole = _measured_text(service.own), _measured_text(service.observed)
        yield f"{text.pad(text.clip(service.name), width)}  own {own}; end to end {whole}"
    if len(told) > _SHOWN:
        yield f"and {text.plural(len(told) - _SHOWN, 'more service')}"


def _beginning_lines(services: tuple[ServiceEvidence, ...]) -> Iterator[str]:
    """The classes of requests that nobody was seen to send, by how many they are: what users and jobs get."""
    found = [
        (f"{text.clip(service.name)} {text.clip(each.name)}", measured)
        for service in services
        for each in service.endpoints
        if each.is_root and (measured := _of_class(service, each)) is not None
    ]
    if not found:
        return
    found.sort(key=lambda item: (-item[1].requests, item[0]))
    total = sum(measured.requests for _, measured in found)
    width = max(text.columns(title) for title, _ in found[:_SHOWN])
    if any(service.own is not None for service in services):
        yield ""
    yield "what begins here, end to end"
    for title, measured in found[:_SHOWN]:
        share = f"{measured.requests / total:.1%} of {text.plural(total, 'request')}"
        yield f"{text.pad(title, width)}  {_measured_text(measured)}, {share}"
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN:,} more"


def _own_down(service: ServiceEvidence) -> float:
    return 0.0 if service.own is None else float(service.own.unavailability)


def _measured_text(measured: Measured | None) -> str:
    if measured is None:
        return "not recorded"
    down = float(measured.unavailability)
    return f"{availability_text(1.0 - down, down)} ({measured.failed:,} of {measured.requests:,})"


def _count_lines(observation: Observation) -> Iterator[str]:
    for reason, count in observation.counts.skipped.items():
        yield f"skipped {text.plural(count, 'span')}: {text.clip(reason)}"
    for item in observation.unread:
        yield f"not read: {text.clip(item.subject)}: {text.clip(item.reason)}"


def _title(edge: EdgeEvidence) -> str:
    return f"{text.clip(edge.caller)} -> {text.clip(edge.callee)}"


def _edge(edge: EdgeEvidence) -> Mapping[str, object]:
    return {
        "caller": edge.caller,
        "callee": edge.callee,
        "kind": "async" if edge.is_async else "sync",
        "calls": edge.calls,
        "errors": edge.errors,
        "requests": edge.requests,
        "masked": edge.masked,
        "swallowed": edge.swallowed,
        "attempts": edge.attempts,
        "share": edge.share,
        "first": _time(edge.first_ns),
        "last": _time(edge.last_ns),
        "median_ms": _milliseconds(edge.median_ns),
        "p99_ms": _milliseconds(edge.slow_ns),
        "timeout_ms": _milliseconds(edge.limit_ns),
        "fallback": edge.fallback,
        "modes": {
            mode: {
                "verdict": item.verdict.value,
                "probability": item.probability,
                "low": item.low,
                "high": item.high,
                "failed_calls": item.failed_calls,
                "windows": item.windows,
                "failures_needed": item.failures_needed,
                "flags": list(item.flags),
            }
            for mode, item in edge.modes.items()
        },
    }


def _service(service: ServiceEvidence) -> Mapping[str, object]:
    return {
        "name": service.name,
        "own": _measured(service.own),
        "observed": _measured(service.observed),
        "endpoints": [{**each._asdict(), "observed": _measured(_of_class(service, each))} for each in service.endpoints],
    }


def _of_class(service: ServiceEvidence, each: EndpointEvidence) -> Measured | None:
    """What was observed of one class of requests; failures come together in it as they do in all of the service's."""
    if service.observed is None or not each.requests:
        return None
    return Measured(each.requests, each.failed, service.observed.clustering)


def _measured(measured: Measured | None) -> Mapping[str, object] | None:
    if measured is None:
        return None
    low, high = _interval(measured)
    return {
        "value": 1.0 - float(measured.unavailability),
        "low": 1.0 - high,
        "high": 1.0 - low,
        "requests": measured.requests,
        "failed": measured.failed,
        "clustering": float(measured.clustering),
    }


@lru_cache(maxsize=100_000)  # where names are whole addresses there are many classes, most of them with few requests
def _interval(measured: Measured) -> tuple[float, float]:
    low, high = quantiles(measured, (0.025, 0.975))
    return low, high


def _milliseconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 3)


def _time(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
