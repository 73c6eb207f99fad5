"""A fleet in a few lines, for the message of a failed comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.catalog.model import Affinity, Phase
from truetier.units import CERTAIN, WHOLE, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.catalog.evidence import Verification
    from truetier.catalog.model import Fallback, Fleet, Need, Placement, Service


def describe(fleet: Fleet) -> str:
    """What the fleet says, near to how a catalog writes it."""
    lines = [
        f"domain {each.path}: {each.kind} {each.availability or 'no number'} mttr {each.mttr or 'default'}"
        for each in fleet.domains.values()
    ]
    for service in fleet.services.values():
        lines.extend(_service(service))
    for journey in fleet.journeys.values():
        criteria = [f"{each.required} of {', '.join(each.services)}" for each in journey.succeeds]
        lines.append(f"journey {journey.name}: {'; '.join(criteria)}")
    return "\n".join(lines)


def _service(service: Service) -> Iterator[str]:
    said = {"tier": service.tier, "target": service.target, "own": service.availability, "mttr": service.mttr, "budget": service.budget}
    yield f"{service.name}: " + ", ".join(f"{key} {value}" for key, value in said.items() if value is not None)
    if service.placement is not None:
        yield f"    placement: {_placement(service.placement)}"
    for need in service.needs:
        yield f"    needs {_need(need)}"
    for endpoint in service.endpoints:
        yield f"    endpoint {endpoint.name} {endpoint.share or ''}"
        for need in endpoint.needs:
            yield f"        needs {_need(need)}"


def _placement(placement: Placement) -> str:
    words = [", ".join(f"{path}: {number}" for path, number in placement.copies), placement.mode.value]
    words += [f"each {placement.availability}"] if placement.availability is not None else []
    words += [f"common {placement.common_cause}"] if placement.common_cause is not None else []
    words += [f"need {placement.need}"] if placement.need is not None else []
    words += [f"affinity {placement.affinity.value}"] if placement.affinity is not Affinity.ANY else []
    if placement.failover is not None:
        words.append(
            f"failover {duration_text(placement.failover.time)} {placement.failover.coverage}{_verified(placement.failover.verified)}"
        )
    return " ".join(words) + _verified(placement.verified)


def _need(need: Need) -> str:
    words = [str(need), need.mode.value]
    words += [
        f"{each.service} in {each.attempts} x {duration_text(each.timeout)} + {duration_text(each.backoff)}"
        for each in need.targets
        if each.timeout
    ]
    words += [need.hardness.value] if need.hardness is not None else []
    words += [need.evidence.kind.value]
    words += ["/".join(sorted(phase.value for phase in need.phases))] if need.phases != {Phase.SERVE} else []
    words += [f"share {need.share} of {need.condition or 'its own'}"] if need.share != WHOLE else []
    words += [_fallback(need.fallback)] if need.fallback is not None else []
    words += [f"broker {need.broker}"] if need.broker is not None else []
    return " ".join(words) + _verified(need.verified)


def _fallback(fallback: Fallback) -> str:
    words = [f"else {fallback.kind.value}", fallback.service or ""]
    words += [duration_text(fallback.staleness)] if fallback.staleness is not None else []
    words += [f"up {fallback.availability}"] if fallback.availability != CERTAIN else []
    words += [f"covers {fallback.coverage}"] if fallback.coverage != WHOLE else []
    return " ".join(word for word in words if word)


def _verified(verification: Verification | None) -> str:
    return "" if verification is None else f" (verified {verification.on} to {verification.until})"
