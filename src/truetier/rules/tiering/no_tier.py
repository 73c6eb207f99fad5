"""TT108: a service of which nobody said how reliable it has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.promises import origin_text
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import promise_text, tier_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.catalog.model import Service


class NoTier(Rule):
    """A service without a tier."""

    code = "TT108"
    severity = Severity.WARNING
    title = "a service has no tier"
    why = (
        "Without a tier nobody knows what a service owes those who call it, and a promise can fall through it unseen. For blame it "
        "takes its needed tier until it has one of its own; T4 says that it promises nothing. With a target, or a tier for each "
        "endpoint, the promise is known and only the name is missing: a note."
    )
    fix = "give the service a tier; T4 when it promises nothing"
    source = "Site Reliability Engineering (Beyer et al.), service level objectives: publishing them sets expectations"
    examples = (
        Example(
            """
version: 1
services:
  login:         {tier: T1, needs: [{service: notifications, mode: async}, mail]}
  notifications: {availability: 99.5%}
  mail:          {target: 99.95%}
""",
            ("notifications", "mail"),
        ),
        Example(
            """
version: 1
services:
  login:      {tier: T1}
  experiment: {tier: T4}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every service without a tier."""
        for service in facts.fleet.services.values():
            if service.tier is None:
                yield _violation(facts, service)


def _violation(facts: Facts, service: Service) -> Violation:
    fleet, name = facts.fleet, service.name
    asked = facts.promises.asked(name)
    own = facts.promises.of(name)
    severity, duty = None, "has to keep"
    if own is not None:
        severity, tier = Severity.NOTE, fleet.tiers.best_met(own.unavailability)
        message = f"{name} has no tier, only a target of {own}"
    elif service.endpoints and all(endpoint.tier is not None for endpoint in service.endpoints):
        severity, tier = Severity.NOTE, None if asked is None else tier_for(fleet, asked.promise)
        message = f"{name} has no tier, only its endpoints have"
    elif asked is not None:
        tier = tier_for(fleet, asked.promise)
        message = f"{name} has no tier, yet {origin_text(asked)} ({promise_text(fleet, None, asked.promise)}) hard needs it"
    else:
        tier, duty = _delivered(facts, name), "delivers"
        message = f"{name} has no tier: nobody knows what it promises"
    return Violation(
        name,
        message,
        service.evidence.place,
        (name,) if asked is None else asked.path,
        severity=severity,
        fix=f"give {name} a tier" + ("" if tier is None else f"; {tier} is what it {duty}"),
        path_length=1 if asked is None else asked.distance + 1,
    )


def _delivered(facts: Facts, name: str) -> str | None:
    """The tier the service delivers, where that is one that promises anything."""
    assessment = facts.services.get(name)
    tier = None if assessment is None else facts.judged_tier(assessment)
    return None if facts.fleet.tier_promise(tier) is None else tier
