"""TT105: a service that promises more than anything built on it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Skipped, Violation
from truetier.audit.promises import origin_text
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import promise_place, promise_text, tier_for, with_promise
from truetier.catalog.model import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.audit.promises import Promises
    from truetier.catalog.model import Service
    from truetier.graph.reach import Claim


class OverTiered(Rule):
    """The promise of a service is stricter than that of every caller."""

    code = "TT105"
    severity = Severity.NOTE
    title = "a service promises more than its callers need"
    why = (
        "Each nine costs several times the one before. A service whose callers promise less, or survive without it, gives them nines "
        "nobody sees. Only the callers are looked at, since a promise made to nobody needs no reason; entry points (nobody calls "
        "them, or a journey names them), external services and those that others need to start or to recover are left out."
    )
    fix = "lower the tier to what the callers need, or write down who needs more (a journey, a caller's tier)"
    source = "Site Reliability Engineering (Beyer et al.), embracing risk: do not exceed the target by much"
    examples = (
        Example(
            """
version: 1
services:
  reports: {tier: T3, needs: [render]}
  search:  {tier: T2, needs: [{service: suggest, timeout: 50ms, fallback: static}]}
  render:  {tier: T1}
  suggest: {tier: T2}
""",
            ("render", "suggest"),
        ),
        Example(
            """
version: 1
services:
  shop:     {tier: T1, needs: [payments, cart]}
  payments: {tier: T1}
  cart:     {tier: T1, needs: [{service: identity, phase: start}]}
  reports:  {tier: T3, needs: [identity]}
  identity: {tier: T1}
  front:    {needs: [pictures]}
  pictures: {tier: T1}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation | Skipped]:
        """Every called service whose promise is stricter than the strictest that callers put on it."""
        fleet, promises = facts.fleet, facts.promises
        exempt = _exempt(facts)
        for name, service in fleet.services.items():
            if name in exempt or service.external or promises.of(name) is None or not facts.graph.callers[name]:
                continue
            asked = promises.asked(name)
            needed = None if asked is None else asked.promise
            if promises.rank(promises.of(name)) >= promises.rank(needed):
                continue
            untold = next((edge.caller for edge in facts.graph.hard_callers(name) if _is_mute(promises, edge.caller)), None)
            if untold is not None:
                yield Skipped(name, f"its caller {untold} has no tier, so nobody knows what it needs")
                continue
            yield Violation(
                name,
                _message(facts, service, asked),
                promise_place(service),
                (name,),
                fix=f"lower {name} to {tier_for(fleet, needed)}, or write down who needs more",
            )


def _exempt(facts: Facts) -> set[str]:
    """Services with a reason for their tier that the serve edges do not show."""
    named = {name for journey in facts.fleet.journeys.values() for criterion in journey.succeeds for name in criterion.services}
    for uses in facts.graph.uses.values():
        for use in uses:
            if not use.need.phases.isdisjoint((Phase.START, Phase.RECOVER)):
                named.update(target.service for target in use.need.targets)
    return named


def _is_mute(promises: Promises, name: str) -> bool:
    return promises.is_untold(name) and promises.asked(name) is None


def _message(facts: Facts, service: Service, asked: Claim | None) -> str:
    said = with_promise(facts.fleet, service)
    if asked is None:
        return f"{said} promises more than its callers need: none that hard needs it has promised anything"
    strictest = f"{origin_text(asked)} ({promise_text(facts.fleet, None, asked.promise)})"
    return f"{said} promises more than its callers need: the strictest that hard needs it is {strictest}"
