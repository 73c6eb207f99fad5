"""TT106: a service on which more is built than it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.advice import raise_text
from truetier.audit.finding import Severity
from truetier.audit.promises import origin_text
from truetier.audit.rule import Example, Rule
from truetier.audit.violations import Violations
from truetier.audit.wording import count_text, promise_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.catalog.model import Service
    from truetier.graph.reach import Claim


class UnderTiered(Rule):
    """The needed tier of a service is stricter than its own."""

    code = "TT106"
    severity = Severity.WARNING
    title = "a service promises less than what is built on it"
    why = (
        "The needed tier of a service is the strictest promise of everything with a hard path to it. This is the view of the one who "
        "owns the callee: how much rests on it, and how far up. Where a service above is to blame, the edge is an inversion already "
        "and this is a note; where a journey names the service itself, nothing else says so and it is a warning."
    )
    fix = "raise the service to the tier it is needed at, or make the needs on it survivable"
    source = "Site Reliability Engineering (Beyer et al.), embracing risk"
    examples = (
        Example(
            """
version: 1
services:
  login:    {tier: T1, needs: [profile]}
  profile:  {tier: T1, needs: [database]}
  database: {tier: T2}
""",
            ("database",),
        ),
        Example(
            """
version: 1
services:
  checkout: {tier: T2}
journeys:
  buy: {tier: T1, succeeds: [checkout]}
""",
            ("checkout",),
        ),
        Example(
            """
version: 1
services:
  login:    {tier: T1, needs: [profile, {service: avatar, timeout: 50ms, fallback: static}]}
  profile:  {tier: T1}
  avatar:   {tier: T3}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violations]:
        """Every service that has said what it promises and on which a stricter promise rests."""
        promises = facts.promises
        found: list[tuple[Service, Claim]] = []
        for name, service in facts.fleet.services.items():
            asked = promises.asked(name)
            if asked is not None and promises.rank_of(name) > promises.rank(asked.promise) and not promises.is_untold(name):
                found.append((service, asked))
        yield Violations(
            [service.name for service, _ in found],
            lambda row: _message(facts, *found[row]),
            lambda row: facts.promise_place(found[row][0].name),
            lambda row: found[row][1].path,
            lambda row: facts.minutes(found[row][0].name),
            lambda row: Severity.WARNING if found[row][1].is_direct else Severity.NOTE,
            lambda row: _fix(facts, *found[row]),
            path_length=lambda row: found[row][1].distance + 1,
        )


def _message(facts: Facts, service: Service, asked: Claim) -> str:
    fleet, promises, name = facts.fleet, facts.promises, service.name
    pressing = promises.pressing(name)
    through = f" through {count_text(pressing, 'caller')}" if pressing else ""
    return f"{facts.title(name)} is needed by {origin_text(asked)} ({promise_text(fleet, None, asked.promise)}){through}"


def _fix(facts: Facts, service: Service, asked: Claim) -> str:
    return f"{raise_text(facts.fleet, service, asked.promise)}, or make the needs on it survivable"
