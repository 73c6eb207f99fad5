"""What ``observe`` wrote: evidence of who calls whom and of how often services fail by themselves, schema ``truetier/observe/1``.

It adds to what the catalog says and never overrules it: a need that is declared stays as it is declared, and the evidence is
compared with it by rules; one that nobody declared counts with the class that was observed, hard where that is unknown. What a
service was measured to fail by itself counts where nobody stated how available it is.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from truetier.catalog.evidence import Evidence, Kind, Verification
from truetier.catalog.measured import Measured
from truetier.catalog.model import ANY_PHASE, Fallback, FallbackKind, Hardness, Mode, Need, Service, Target
from truetier.catalog.observed import MOST_ATTEMPTS, Observed, ObservedEdge, ObservedEndpoint, ObservedMode, ObservedService, Verdict
from truetier.catalog.source import TELEMETRY, Contribution
from truetier.errors import CatalogError, Mistake, Place
from truetier.units import CERTAIN, Availability, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMA = "truetier/observe/1"
_HARDNESS = {Verdict.HARD: Hardness.HARD, Verdict.PARTIAL: Hardness.HARD, Verdict.SOFT: Hardness.SOFT, Verdict.UNKNOWN: Hardness.UNKNOWN}


class _WrongError(Exception):
    """Something in the document is not what it should be."""


def read_observed(content: bytes, file: str) -> Contribution:
    """What a file of evidence says. Raises CatalogError when it is none, or not one that this version reads."""
    try:
        document = json.loads(content)
        _expect(
            isinstance(document, dict) and document.get("schema") == SCHEMA, f"expected the schema {SCHEMA}: write it with truetier observe"
        )
        evidence = Evidence(Kind.OBSERVED, TELEMETRY, Place(file, 1, 1), _seen(document))
        shown_to_work = _verification(document)
        edges = tuple(_edge(item, evidence) for item in _list(document, "edges"))
        services = tuple(_services(document, edges, evidence, shown_to_work))
        seen = tuple(_observed(item, evidence) for item in _list(document, "services"))
    except (_WrongError, ValueError, RecursionError) as error:
        raise CatalogError((Mistake(f"no evidence of telemetry: {error}", Place(file, 1, 1)),)) from error
    return Contribution(TELEMETRY, file, services, observed=Observed(edges, seen))


def _services(
    document: Mapping[str, Any], edges: tuple[ObservedEdge, ...], evidence: Evidence, shown_to_work: Verification | None
) -> Iterator[Service]:
    needs: dict[str, list[Need]] = {}
    for edge, item in zip(edges, _list(document, "edges"), strict=True):
        need = _need(edge, evidence, shown_to_work)
        no_request_made_it = item.get("requests") == 0
        needs.setdefault(edge.caller, []).append(need._replace(phases=ANY_PHASE) if no_request_made_it else need)
    own = {_text(item, "name"): item.get("own") for item in _list(document, "services")}
    for name in dict.fromkeys((*own, *needs)):
        measured = None if own.get(name) is None else _measured(own[name])
        stated = {"needs": bool(needs.get(name)), "measured": measured is not None}
        keys = {key: evidence for key, is_stated in stated.items() if is_stated}
        yield Service(name, evidence, needs=tuple(needs.get(name, ())), measured=measured, keys=keys)


def _observed(item: Mapping[str, Any], evidence: Evidence) -> ObservedService:
    endpoints = _list(item, "endpoints") if "endpoints" in item else []
    whole = None if item.get("observed") is None else _measured(item["observed"])
    counted: dict[str, tuple[int, int]] = {}
    for endpoint in endpoints:  # one name comes twice where some requests have a caller and others none
        name = endpoint.get("name")
        _expect(isinstance(name, str), "expected a text under name")
        requests, failed = counted.get(name, (0, 0))
        more, bad = _count(endpoint, "requests"), _count(endpoint, "failed") if "failed" in endpoint else 0
        _expect(bad <= more, "expected failed of requests in each endpoint")
        counted[name] = requests + more, failed + bad
    total = sum(requests for requests, _ in counted.values()) or (0 if whole is None else whole.requests)
    named = tuple(ObservedEndpoint(name, *counts) for name, counts in counted.items())
    return ObservedService(_text(item, "name"), total, whole, evidence, named)


def _need(edge: ObservedEdge, evidence: Evidence, shown_to_work: Verification | None) -> Need:
    mode = Mode.ASYNC if edge.is_async else Mode.SYNC
    hardness = None if edge.is_async else _HARDNESS[edge.verdict]
    fallback = Fallback(FallbackKind.STATIC, availability=_survival(edge)) if hardness is Hardness.SOFT else None
    verified = shown_to_work if hardness is Hardness.SOFT or edge.is_async else None
    return Need((Target(edge.callee, edge.timeout),), evidence, hardness=hardness, mode=mode, fallback=fallback, verified=verified)


def _survival(edge: ObservedEdge) -> Availability:
    """How often the caller's requests went well when the callee failed: the least over all ways to fail."""
    worst = max((mode.probability or 0.0 for mode in edge.modes.values() if mode.failed_calls), default=0.0)
    return Availability(Decimal(1) - Decimal(f"{worst:.6g}")) if worst else CERTAIN


def _edge(item: Mapping[str, Any], evidence: Evidence) -> ObservedEdge:
    kind = _text(item, "kind")
    _expect(kind in ("sync", "async"), f"expected kind sync or async, found {shown(kind)}")
    timeout = item.get("timeout_ms")
    share = item.get("share")
    _expect(share is None or (isinstance(share, (int, float)) and share >= 0), "expected a number from 0 up under share")
    attempts = item.get("attempts")
    _expect(attempts is None or (isinstance(attempts, (int, float)) and attempts >= 1), "expected a number from 1 up under attempts")
    modes = item.get("modes", {})
    _expect(isinstance(modes, dict), "expected a map under modes")
    return ObservedEdge(
        _text(item, "caller"),
        _text(item, "callee"),
        kind == "async",
        _count(item, "calls"),
        _count(item, "errors"),
        timedelta(milliseconds=timeout) if isinstance(timeout, (int, float)) and timeout > 0 else None,
        item.get("fallback"),
        {name: _mode(mode) for name, mode in modes.items()},
        evidence,
        None if share is None else float(min(share, 1.0)),
        None if attempts is None else float(min(attempts, MOST_ATTEMPTS)),
    )


def _mode(item: Mapping[str, Any]) -> ObservedMode:
    _expect(isinstance(item, dict), "expected a map for each mode")
    numbers = [item.get(key) for key in ("probability", "low", "high")]
    _expect(all(number is None or isinstance(number, (int, float)) for number in numbers), "expected numbers for probability, low and high")
    verdict = _text(item, "verdict")
    _expect(verdict in {each.value for each in Verdict}, f"expected a verdict, found {shown(verdict)}")
    probability, low, high = numbers
    flags = item.get("flags", [])
    _expect(isinstance(flags, list) and all(isinstance(flag, str) for flag in flags), "expected a list of texts under flags")
    needed = _count(item, "failures_needed") if "failures_needed" in item else 0
    return ObservedMode(
        Verdict(verdict), probability, low, high, _count(item, "failed_calls"), _count(item, "windows"), needed, tuple(flags)
    )


def _measured(item: Mapping[str, Any]) -> Measured | None:
    _expect(isinstance(item, dict), "expected a map under own")
    requests, failed = _count(item, "requests"), _count(item, "failed")
    clustering = item.get("clustering", 1)
    _expect(
        isinstance(clustering, (int, float)) and clustering >= 1 and failed <= requests,
        "expected failed of requests, clustering at least 1",
    )
    return Measured(requests, failed, Decimal(f"{clustering:.6g}")) if requests else None


def _seen(document: Mapping[str, Any]) -> str:
    first, last = document.get("first"), document.get("last")
    return f"what was seen {first} to {last}" if isinstance(first, str) and isinstance(last, str) else ""


def _verification(document: Mapping[str, Any]) -> Verification | None:
    """What was seen in failures was shown to work, on the last day of it."""
    last = document.get("last")
    return None if not isinstance(last, str) else Verification("telemetry", date.fromisoformat(last[:10]), None)


def _list(item: Mapping[str, Any], key: str) -> list[Any]:
    found = item.get(key)
    _expect(isinstance(found, list) and all(isinstance(each, dict) for each in found), f"expected a list of maps under {key}")
    assert isinstance(found, list)
    return found


def _text(item: Mapping[str, Any], key: str) -> str:
    found = item.get(key)
    _expect(isinstance(found, str) and found != "", f"expected a text under {key}")
    assert isinstance(found, str)
    return found


def _count(item: Mapping[str, Any], key: str) -> int:
    found = item.get(key)
    _expect(isinstance(found, int) and not isinstance(found, bool) and found >= 0, f"expected a number from 0 up under {key}")
    assert isinstance(found, int)
    return found


def _expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001
    if not is_so:
        raise _WrongError(otherwise)
