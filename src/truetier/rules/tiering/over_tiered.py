"""TT105: a service that promises more than anything built on it needs."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from truetier.audit.advice import lower_text
from truetier.audit.finding import Severity, Skipped, Violation
from truetier.audit.promises import origin_text
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import promise_place, promise_text
from truetier.catalog.model import FallbackKind
from truetier.graph.hardness import Kind
from truetier.units import CERTAIN, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from truetier.audit.facts import Facts
    from truetier.catalog.model import Service
    from truetier.catalog.tier import Tier
    from truetier.graph.build import Edge
    from truetier.graph.reach import Claim

_ALL = Decimal(1)
_A_NINE = 10


class OverTiered(Rule):
    """The promise of a service is stricter than that of every caller."""

    code = "TT105"
    severity = Severity.NOTE
    title = "a service promises more than its callers need"
    why = (
        "Each nine costs several times the one before. A service whose callers promise less, or survive without it, gives them nines "
        "nobody sees. Only the callers are looked at, since a promise made to nobody needs no reason; entry points (nobody calls "
        "them, or a journey names them), external services and those that others need to start or to recover are left out. An extra "
        "nine above its callers is not too much, since their own budget needs it (TT104). A caller that can lose the service but "
        "counts on it all the same, in a group or behind a fallback that may fail, needs as much as it promises itself."
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
  shop:   {tier: T2, needs: [cart, {any_of: [near, far]}]}
  cart:   {tier: T1}
  near:   {tier: T2}
  far:    {tier: T1}
""",
            ("far",),
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
        """Every called service for which a weaker tier would do for all its callers."""
        promises = facts.promises
        exempt, mute = _exempt(facts), cache(lambda: _mute(facts))
        wide = cache(lambda name: len(set(facts.graph.hard[facts.graph.number[name]])))
        for name, service in facts.fleet.services.items():
            own, asked = promises.of(name), promises.asked(name)
            if own is None or service.external or name in exempt or (asked is not None and asked.promise >= own):
                continue
            resting = [edge for edge in facts.graph.callers[name] if _rests_on(edge)]
            tier = _weakest_tier(facts, resting, asked, wide) if facts.graph.callers[name] else None
            if tier is None or promises.rank(tier.target) <= promises.rank(own):
                continue
            untold = next((edge.caller for edge in resting if edge.caller in mute() and promises.on(edge) is None), None)
            if untold is None:
                yield _violation(facts, service, tier, resting)
            else:
                yield Skipped(name, f"its caller {untold} has no tier, so nobody knows what it needs")


def _exempt(facts: Facts) -> set[str]:
    """Services with a reason for their tier that the serve edges do not show."""
    named = {name for journey in facts.fleet.journeys.values() for criterion in journey.succeeds for name in criterion.services}
    for use in facts.graph.uses.chosen(lambda use: use.need.is_before_serve):
        named.update(target.service for target in use.need.targets)
    return named


def _mute(facts: Facts) -> Collection[str]:
    """Services without a tier on which something rests of which nobody said what it promises."""
    promises = facts.promises
    todo = [name for name in facts.fleet.services if promises.is_untold(name) and promises.asked(name) is None]
    found = set(todo)
    for name in todo:  # grows while it is walked
        for edge in facts.graph.hard_callees(name):
            if edge.callee not in found and promises.is_untold(edge.callee) and promises.on(edge) is None:
                found.add(edge.callee)
                todo.append(edge.callee)
    return found


def _rests_on(edge: Edge) -> bool:
    """Whether the caller would notice that the callee is worse: not where it does not wait, or always has an answer of its own."""
    use, fallback = edge.use, edge.use.need.fallback
    if edge.is_hard or use.kind is Kind.GROUP:
        return True
    if use.kind is Kind.ASYNC or fallback is None:
        return False
    return fallback.kind is not FallbackKind.STATIC or fallback.availability != CERTAIN or fallback.coverage != WHOLE


def _weakest_tier(facts: Facts, resting: list[Edge], asked: Claim | None, wide: Callable[[str], int]) -> Tier | None:
    """The weakest tier that does for all these callers, and for whom they do it; None where none does.

    A hard need leaves its callee an extra nine of what is promised, or an equal part where its caller has more than ten
    (``wide``: how many each service has).
    """
    down = _ALL if asked is None else asked.promise.exact_unavailability
    for edge in resting:
        promise = facts.promises.through(edge)
        if promise is not None:
            parts = max(_A_NINE, wide(edge.caller)) if edge.is_hard else 1
            down = min(down, promise.exact_unavailability / parts)
    enough = [row for row in facts.fleet.tiers if (_ALL if row.target is None else row.target.exact_unavailability) <= down]
    return enough[-1] if enough else None


def _violation(facts: Facts, service: Service, tier: Tier, resting: list[Edge]) -> Violation:
    fleet, promises, name = facts.fleet, facts.promises, service.name
    asked = promises.asked(name)
    beside = [(promise, edge.caller) for edge in resting if not edge.is_hard and (promise := promises.through(edge)) is not None]
    strictest = max(beside, key=lambda each: each[0], default=None)
    nine = ""
    if strictest is not None and (asked is None or asked.promise < strictest[0]):
        reason = f"the strictest is {strictest[1]} ({promise_text(fleet, None, strictest[0])}), which can do without it"
    elif asked is not None:
        reason = f"the strictest that hard needs it is {origin_text(asked)} ({promise_text(fleet, None, asked.promise)})"
        nine = f", an extra nine for {origin_text(asked)}"
    else:
        reason = "none that hard needs it has promised anything"
    return Violation(
        name,
        f"{facts.title(name)} promises more than its callers need: {reason}",
        promise_place(service),
        (name,),
        fix=f"{lower_text(service, tier)}{nine}, or write down who needs more",
    )
