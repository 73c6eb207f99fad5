"""TT102: a promise that drops below a service of which nobody said what it promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.advice import raise_text
from truetier.audit.finding import Severity, Violation
from truetier.audit.loss import minutes_lost
from truetier.audit.promises import origin_text
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import promise_text
from truetier.units import downtime_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.graph.build import Edge
    from truetier.graph.reach import Claim


class InversionPath(Rule):
    """A hard path, through services without a tier, to a service that promises less than where the path began."""

    code = "TT102"
    severity = Severity.ERROR
    title = "a hard path leads to a service that promises less, through services without a tier"
    why = (
        "Where every service on a path has a tier, a path that ends too low has one edge at which the promise drops, and that edge is"
        " an inversion. Only a service without a tier can hide it. Such a service takes the strictest promise of those that need it, "
        "and the edge at which that promise drops is to blame: one finding for the edge, with a shortest path from a service or "
        "journey whose promise it breaks. A path on which a direct inversion lies is not told again."
    )
    fix = "give the services on the path a tier, then raise the callee or make one of the needs survivable"
    source = "The Calculus of Service Availability (Treynor, Dahlin, Rau, Beyer; ACM Queue 2017)"
    examples = (
        Example(
            """
version: 1
services:
  checkout: {tier: T1, needs: [gateway]}
  gateway:  {availability: 99.999%, needs: [{service: router}]}
  router:   {availability: 99.999%, needs: [kyc]}
  kyc:      {tier: T3}
""",
            ("router -> kyc",),
        ),
        Example(
            """
version: 1
services:
  gateway: {availability: 99.999%, needs: [kyc]}
  kyc:     {tier: T3}
journeys:
  buy: {tier: T1, succeeds: [gateway]}
""",
            ("gateway -> kyc",),
        ),
        Example(
            """
version: 1
services:
  checkout: {tier: T1, needs: [gateway, {service: search, timeout: 100ms, fallback: static}]}
  gateway:  {availability: 99.999%, needs: [payments]}
  search:   {availability: 99.9%, needs: [kyc]}
  payments: {tier: T1, needs: [kyc]}
  kyc:      {tier: T3}
""",
        ),
        Example(
            """
version: 1
services:
  checkout: {tier: T1, needs: [orders]}
  orders:   {tier: T2, needs: [gateway]}
  gateway:  {availability: 99.999%, needs: [kyc]}
  kyc:      {tier: T2}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every pair of services at whose hard edge a promise drops that only the caller's own callers have made."""
        promises = facts.promises
        for name in facts.graph.number:
            if not promises.is_untold(name) or not promises.has_hidden(name):
                continue
            edges = facts.graph.hard_callees(name)
            seen = {edges[place].callee for place in promises.dropping(name)}
            for edge in edges:
                if edge.callee in seen:
                    continue
                asked = promises.hidden(name, beside=edge.callee)
                if asked is not None and promises.rank(asked.promise) < promises.rank(promises.for_blame(edge.callee)):
                    seen.add(edge.callee)
                    yield _violation(facts, edge, asked)


def _violation(facts: Facts, edge: Edge, asked: Claim) -> Violation:
    fleet = facts.fleet
    minutes = minutes_lost(facts, edge.use, edge.callee)
    cost = "" if minutes is None else f": {downtime_text(minutes)} lost"
    origin = f"{origin_text(asked)} ({promise_text(fleet, None, asked.promise)})"
    return Violation(
        edge.subject,
        f"{origin} hard needs {facts.title(edge.callee)} through {edge.caller}, which has no tier{cost}",
        edge.place,
        (*asked.path, edge.callee),
        minutes,
        fix=f"give {edge.caller} a tier; then {raise_text(fleet, fleet.services[edge.callee], asked.promise)}, or make one "
        "of the needs on the path survivable",
        path_length=asked.distance + 2,
    )
