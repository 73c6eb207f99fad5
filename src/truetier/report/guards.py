"""What a service's guards go by, as JSON: every synchronous edge with its limits, and what both ends promise (``truetier/guards/1``)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from truetier.catalog.model import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from truetier.catalog.model import Fallback, Fleet, Need, Service
    from truetier.units import Availability

SCHEMA = "truetier/guards/1"


def render(fleet: Fleet) -> str:
    """The document; services and their edges in the order of the catalog. Those that call nobody are left out."""
    services = {service.name: list(_edges(fleet, service)) for service in fleet.services.values()}
    document = {
        "schema": SCHEMA,
        "digest": fleet.digest,
        "services": {
            name: {"promise": _share(fleet.promise(fleet.services[name])), "edges": edges} for name, edges in services.items() if edges
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _edges(fleet: Fleet, service: Service) -> Iterator[dict[str, Any]]:
    for need in service.needs:
        yield from _of_need(fleet, need, None)
    for endpoint in service.endpoints:
        for need in endpoint.needs:
            yield from _of_need(fleet, need, endpoint.name)


def _of_need(fleet: Fleet, need: Need, endpoint: str | None) -> Iterator[dict[str, Any]]:
    if need.mode is not Mode.SYNC:
        return
    for target in need.targets:
        yield {
            "callee": target.service,
            "endpoint": endpoint,
            "promise": _share(fleet.promise(fleet.services[target.service])),
            "group": str(need) if need.is_group else None,
            "hardness": None if need.hardness is None else need.hardness.value,
            "timeout_ms": _milliseconds(target.timeout),
            "attempts": target.attempts,
            "backoff_ms": _milliseconds(target.backoff),
            "fallback": None if need.fallback is None else _fallback(need.fallback),
        }


def _fallback(fallback: Fallback) -> dict[str, Any]:
    return {
        "kind": fallback.kind.value,
        "staleness_ms": _milliseconds(fallback.staleness),
        "service": fallback.service,
        "coverage": float(fallback.coverage.value),
    }


def _share(availability: Availability | None) -> float | None:
    return None if availability is None else float(availability.value)


def _milliseconds(time: timedelta | None) -> float | None:
    return None if time is None else round(time.total_seconds() * 1000, 3)
