"""What a dependency costs the service that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.units import WHOLE

if TYPE_CHECKING:
    from truetier.audit.facts import Facts
    from truetier.graph.hardness import Use


def minutes_lost(facts: Facts, use: Use, callee: str | None = None) -> float | None:
    """Minutes a year during which the caller is down because this one callee is; None where nobody knows.

    For a need that counts as hard while serving: the callee's downtime, for the share of requests that meet it. The need's own
    callee where none is named; of a group then nobody knows, since its members may fail together.
    """
    need = use.need
    if not need.at_serve or (callee is None and need.is_group):
        return None
    minutes = facts.minutes(need.service if callee is None else callee)
    if minutes is None or (use.share is WHOLE and use.endpoint is None):
        return minutes
    return minutes * share_met(facts, use)


def share_met(facts: Facts, use: Use) -> float:
    """The share of the caller's requests that meet the need."""
    share = 1.0 if use.share is WHOLE else float(use.share)
    return share if use.endpoint is None else share * _drawn(facts, use)


def _drawn(facts: Facts, use: Use) -> float:
    """The share of requests that reach the endpoint with the need."""
    service = facts.fleet.services[use.caller]
    if not service.has_shares:
        return 1.0
    return next(float(each.share) for each in service.endpoints if each.name == use.endpoint and each.share is not None)
