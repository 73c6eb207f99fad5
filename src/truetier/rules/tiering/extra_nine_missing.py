"""TT104: dependencies that together may spend the whole budget of the service that needs them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import count_text, names_text, with_promise
from truetier.units import percent_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.catalog.model import Service
    from truetier.units import Availability

_A_NINE = Decimal(10)


class ExtraNineMissing(Rule):
    """The promises of what a service hard needs use up its own."""

    code = "TT104"
    severity = Severity.NOTE
    title = "what a service hard needs may use up its whole budget"
    why = (
        "Not depending on a lower tier is not enough: a 99.99 % service with one 99.99 % dependency delivers 99.98 %. What a service "
        "hard needs should promise an extra nine, a tenth of its own allowed downtime, and ten such dependencies already use all of "
        "it. Each distinct callee counts once, with what it promises; callees that promise less than the service are inversions and "
        "left out."
    )
    fix = "have what it hard needs promise an extra nine, or make some of the needs survivable"
    source = "The Calculus of Service Availability (Treynor, Dahlin, Rau, Beyer; ACM Queue 2017), the rule of the extra 9"
    examples = (
        Example(
            """
version: 1
services:
  login:   {tier: T1, needs: [profile]}
  profile: {tier: T1}
""",
            ("login",),
        ),
        Example(
            """
version: 1
services:
  login: {tier: T2, needs: [a, b, c, d, e, f, g, h, i, j, k]}
  a: {tier: T1}
  b: {tier: T1}
  c: {tier: T1}
  d: {tier: T1}
  e: {tier: T1}
  f: {tier: T1}
  g: {tier: T1}
  h: {tier: T1}
  i: {tier: T1}
  j: {tier: T1}
  k: {tier: T1}
""",
            ("login",),
        ),
        Example(
            """
version: 1
services:
  login:    {tier: T2, needs: [profile, {service: avatar, timeout: 50ms, fallback: static}, {any_of: [near, far]}]}
  profile:  {tier: T1}
  avatar:   {tier: T2}
  near:     {tier: T2}
  far:      {tier: T2}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every service with a hard callee that lacks the extra nine, or whose hard callees together exceed its budget."""
        promises = facts.promises
        for name, service in facts.fleet.services.items():
            own = promises.of(name)
            if own is None:
                continue
            budget = own.exact_unavailability
            spent = dict(_hard_promises(facts, name, own))
            short = [callee for callee, promise in spent.items() if promise.exact_unavailability * _A_NINE > budget]
            total = sum((promise.exact_unavailability for promise in spent.values()), Decimal())
            if short or total > budget:
                yield _violation(facts, service, list(spent), short, total / budget)


def _hard_promises(facts: Facts, name: str, own: Availability) -> Iterator[tuple[str, Availability]]:
    """The distinct hard callees that promise at least as much as the service."""
    for edge in facts.graph.hard_callees(name):
        promise = facts.promises.of(edge.callee)
        if promise is not None and promise >= own:
            yield edge.callee, promise


def _violation(facts: Facts, service: Service, callees: list[str], short: list[str], part: Decimal) -> Violation:
    said = with_promise(facts.fleet, service)
    used = percent_text(round(part, 3))
    named = (
        f"{names_text(short)} {'lacks' if len(short) == 1 else 'lack'} the extra nine" if short else "each has the extra nine, but together"
    )
    first = short[0] if short else callees[0]
    place = next(edge.place for edge in facts.graph.callees[service.name] if edge.callee == first)
    return Violation(
        service.name,
        f"{said} hard needs {count_text(len(callees), 'service')} whose promises allow {used} of its downtime: {named}"
        + ("" if short else " they are too many"),
        place,
        (service.name, first),
        fix=f"have {names_text(short or callees)} promise an extra nine, or make some of the needs survivable",
    )
