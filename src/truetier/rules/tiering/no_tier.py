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
    from truetier.graph.reach import Claim


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
    name = service.name
    own, asked = facts.promises.of(name), facts.promises.asked(name)
    return Violation(
        name,
        lambda: _message(facts, service, asked),
        service.evidence.place,
        (name,) if asked is None else asked.path,
        severity=None if own is None and not _has_tiers(service) else Severity.NOTE,
        fix=lambda: _fix(facts, service, asked),
        path_length=1 if asked is None else asked.distance + 1,
    )


def _has_tiers(service: Service) -> bool:
    """Whether each endpoint has a tier."""
    return bool(service.endpoints) and all(endpoint.tier is not None for endpoint in service.endpoints)


def _message(facts: Facts, service: Service, asked: Claim | None) -> str:
    name, own = service.name, facts.promises.of(service.name)
    if own is not None:
        return f"{name} has no tier, only a target of {own}"
    if _has_tiers(service):
        return f"{name} has no tier, only its endpoints have"
    if asked is not None:
        return f"{name} has no tier, yet {origin_text(asked)} ({promise_text(facts.fleet, None, asked.promise)}) hard needs it"
    return f"{name} has no tier: nobody knows what it promises"


def _fix(facts: Facts, service: Service, asked: Claim | None) -> str:
    fleet, name, own = facts.fleet, service.name, facts.promises.of(service.name)
    duty = "has to keep"
    if own is not None:
        tier = fleet.tiers.best_met(own.unavailability)
    elif asked is not None:
        tier = tier_for(fleet, asked.promise)
    elif _has_tiers(service):
        tier = None
    else:
        tier, duty = _delivered(facts, name), "delivers"
    return f"give {name} a tier" + ("" if tier is None else f"; {tier} is what it {duty}")


def _delivered(facts: Facts, name: str) -> str | None:
    """The tier the service delivers, where that is one that promises anything."""
    assessment = facts.services.get(name)
    tier = None if assessment is None else facts.judged_tier(assessment)
    return None if facts.fleet.tier_promise(tier) is None else tier
