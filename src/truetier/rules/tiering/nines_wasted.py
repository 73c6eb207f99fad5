"""TT107: nines that a service pays for and its dependencies take away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.graph.hardness import Reading
from truetier.units import availability_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.availability.estimate import Assessment, Estimate
    from truetier.catalog.model import Service


class NinesWasted(Rule):
    """The own part of a service is of a better tier than its dependencies ever let through."""

    code = "TT107"
    severity = Severity.NOTE
    title = "a service's own nines are lost to what it needs"
    why = (
        "Code that works 99.999 % of the time on a database that works 99.9 % of the time is a 99.9 % service. Where the stated own "
        "part is of a better tier than the ceiling (everything of its own perfect, needs and domains as they are), no work on the "
        "service itself can lift its tier; the effort belongs below, or the nines can be saved."
    )
    fix = "move the effort to what caps the service, or save the cost of its own nines"
    source = "The Calculus of Service Availability (Treynor, Dahlin, Rau, Beyer; ACM Queue 2017)"
    examples = (
        Example(
            """
version: 1
services:
  orders:   {tier: T3, availability: 99.999%, needs: [database]}
  database: {tier: T2, availability: 99.9%}
""",
            ("orders",),
        ),
        Example(
            """
version: 1
services:
  orders:   {tier: T3, availability: 99.95%, needs: [database]}
  database: {tier: T2, availability: 99.9%}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every service whose stated own part meets a better tier than its ceiling does."""
        tiers = facts.fleet.tiers
        order = {row.name: number for number, row in enumerate(tiers)}
        order_of_none = len(order)
        for name, service in facts.fleet.services.items():
            assessment = facts.services.get(name)
            if assessment is None or assessment.is_short_of_data or (own := _own_down(facts, service, assessment)) is None:
                continue
            best = tiers.best_met(own)
            if best is None or order.get(tiers.best_met(facts.judged(assessment).down_high) or "", order_of_none) <= order[best]:
                continue  # what is delivered meets that tier, so the ceiling does
            ceiling = facts.best(assessment)
            capped = tiers.best_met(ceiling.down_low)
            if order[best] < order.get(capped or "", order_of_none):
                yield _violation(facts, service, (own, best), (ceiling, capped or "no tier"))


def _own_down(facts: Facts, service: Service, assessment: Assessment) -> float | None:
    """What is down because of the service itself; None where nobody stated it."""
    if service.availability is not None:
        return service.availability.unavailability
    if service.placement is None or service.placement.availability is None:
        return None
    down, ceiling = facts.judged(assessment).down, facts.best(assessment).down
    return None if down is None or ceiling is None else max(0.0, down - ceiling)


def _violation(facts: Facts, service: Service, own: tuple[float, str], best: tuple[Estimate, str]) -> Violation:
    name, ceiling = service.name, best[0]
    evidence = service.keys.get("availability") or service.keys.get("placement") or service.evidence
    return Violation(
        name,
        lambda: _message(name, own, best),
        evidence.place,
        (name,),
        ceiling.minutes_per_year,
        fix=lambda: f"put the effort into {_costliest_other(facts, name)}, or save the cost of what {name} has too much",
    )


def _message(name: str, own: tuple[float, str], best: tuple[Estimate, str]) -> str:
    """What it is down by itself and at best, each with the tier that it meets."""
    (down, tier), (ceiling, capped) = own, best
    return (
        f"{name} itself works {availability_text(1 - down, down)} of the time ({tier}), but what it needs allows at most "
        f"{availability_text(ceiling.up_high, ceiling.down_low)} ({capped}): nothing done to {name} itself can lift its tier"
    )


def _costliest_other(facts: Facts, name: str) -> str:
    costly = facts.services[name].contributors if facts.trust is Reading.TRUSTING else ()  # they are those of what is declared
    return next((each.component for each in costly if each.service != name), "what it needs")
