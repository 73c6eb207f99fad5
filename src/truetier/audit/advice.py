"""What to do about a promise or a need, in words that fit how the catalog states it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.wording import tier_for
from truetier.catalog.model import Mode
from truetier.graph.hardness import Kind, Weakness

if TYPE_CHECKING:
    from truetier.catalog.model import Fleet, Need, Service
    from truetier.catalog.tier import Tier
    from truetier.graph.build import Edge
    from truetier.graph.hardness import Use
    from truetier.units import Availability

MAKE_SURVIVABLE = "make the need survivable: async, or soft with a timeout and a fallback"


def raise_text(fleet: Fleet, service: Service, promise: Availability | None) -> str:
    """How the service comes to keep the promise: another tier, or where it has a target, which counts for more, another target."""
    if service.target is not None:
        return f"raise the target of {service.name} to {promise}"
    tier = tier_for(fleet, promise)
    return f"raise {service.name} to {tier}" if tier in fleet.tiers else f"give {service.name} a target of {promise}"


def lower_text(service: Service, tier: Tier) -> str:
    """How the service comes to promise no more than the tier."""
    if service.target is None:
        return f"lower {service.name} to {tier.name}"
    if tier.target is None:
        return f"drop the target of {service.name} and give it {tier.name}"
    return f"lower the target of {service.name} to {tier.target}"


def survive_text(edge: Edge) -> str:
    """How the caller comes to survive when the callee of this hard need fails."""
    need = edge.use.need
    if edge.callee == need.broker:  # also where it is the callee itself: it is waited for until it has taken the work
        return f"hand the work for {need.service} over in another way"
    return survive_need_text(edge.use)


def survive_need_text(use: Use) -> str:
    """The same of the services that the need names, its broker aside."""
    if use.need.is_group:
        return _group(use, use.need)
    if use.need.mode is Mode.ASYNC:
        return f"show that {use.caller} does not wait for {use.need.service}, and write it down (verified)"
    return _plain(use, use.need)


def _group(use: Use, need: Need) -> str:
    if need.required == len(need.targets):
        return "give the group a member it can do without (k below n)"
    if use.weakness is Weakness.MIXED:
        return "give every member of the group a timeout, so that the next is asked in time"
    if use.weakness is Weakness.SLOW:
        return f"make the attempts on all members together shorter than the budget of {use.caller}"
    return f"show that {use.caller} can do without a member of the group, and write it down (verified)"


def _plain(use: Use, need: Need) -> str:
    if use.weakness is Weakness.NO_FALLBACK:
        return "give the need a fallback" if need.targets[0].timeout is not None else "give the need a timeout and a fallback"
    if use.weakness is Weakness.NO_TIMEOUT:
        return "give the need a timeout, without which its fallback never gets its turn"
    if use.weakness is Weakness.SLOW:
        return f"make its attempts end before the budget of {use.caller} does, so that its fallback counts"
    if use.weakness is None and use.kind is Kind.HARD and need.fallback is not None:
        return "show that its fallback works, and write it down (verified)"
    return MAKE_SURVIVABLE
