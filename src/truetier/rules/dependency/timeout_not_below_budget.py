"""TT203: a caller that waits longer for a callee than it has time itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.loss import minutes_lost
from truetier.audit.rule import Example, Rule
from truetier.catalog.model import Mode
from truetier.graph.hardness import Weakness
from truetier.record import maker
from truetier.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.graph.hardness import Use

_VIOLATION = maker(Violation)


class TimeoutNotBelowBudget(Rule):
    """Waiting for a need takes all the time the caller has."""

    code = "TT203"
    severity = Severity.WARNING
    title = "waiting for a need can take all the time its caller has"
    why = (
        "A fallback, or the next member of a group, helps only while somebody still waits for the answer. All attempts together "
        "(attempts x timeout and the backoff between them; for a group the sum over its members, all of which need a timeout when one"
        " has) must end before the caller's own budget does. Otherwise the mitigation does not count: soft is hard, and a group needs"
        " all its members. For a hard need of a service that states its budget it is a note: it fails either way, but works on when "
        "nobody waits any more."
    )
    fix = "shorten the timeout or the number of attempts until all of them fit below the caller's budget"
    source = "Site Reliability Engineering (Beyer et al.), deadline propagation"
    examples = (
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    budget: 800ms
    needs: [{service: prices, timeout: 400ms, attempts: 2, fallback: static}]
  prices: {tier: T2}
""",
            ("shop -> prices",),
        ),
        Example(
            """
version: 1
services:
  front: {tier: T1, needs: [{service: shop, timeout: 500ms}]}
  shop:
    tier: T1
    needs: [{any_of: [{service: near, timeout: 300ms}, {service: far, timeout: 200ms}]}]
  near: {tier: T2}
  far: {tier: T2}
""",
            ("shop -> any of near, far",),
        ),
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    needs: [{any_of: [{service: near, timeout: 300ms}, far]}]
  near: {tier: T2}
  far: {tier: T2}
""",
            ("shop -> any of near, far",),
        ),
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    budget: 800ms
    needs: [{service: prices, timeout: 300ms, attempts: 2, backoff: 100ms, fallback: static}]
  prices: {tier: T2}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every need whose attempts together are not shorter than the caller's budget."""
        for caller in facts.graph.told:
            stated = facts.fleet.services[caller].budget
            budget = stated if stated is not None else facts.graph.budgets.get(caller)
            words = "" if budget is None else duration_text(budget)
            allowed = f"the {words} its own callers wait" if stated is None else f"its budget of {words}"
            for use in facts.graph.uses[caller]:
                if use.weakness is Weakness.MIXED:
                    yield _mixed(use)
                elif budget is not None and (use.weakness is Weakness.SLOW or (stated is not None and _is_awaited(use))):
                    patience = _patience(use)
                    if patience is not None and patience >= budget:
                        yield _slow(facts, use, duration_text(patience), words, allowed)


def _is_awaited(use: Use) -> bool:
    return use.need.at_serve and use.need.mode is not Mode.ASYNC


def _patience(use: Use) -> timedelta | None:
    if not use.need.is_group:
        return use.need.targets[0].patience
    known = [patience for target in use.need.targets if (patience := target.patience) is not None]
    return sum(known, timedelta()) if len(known) == len(use.need.targets) else None


def _slow(facts: Facts, use: Use, patience: str, budget: str, allowed: str) -> Violation:
    need = use.need
    is_weak = use.weakness is Weakness.SLOW
    if not is_weak:
        effect = "it works on when nobody waits any more"
    elif need.is_group:
        effect = "the last member is asked too late and all count as needed"
    else:
        effect = "the fallback comes too late and the need counts as hard"
    caller, wanted, place = use.caller, str(need), need.evidence.place
    said = f"{caller} may wait {patience} for {wanted}, which is not below {allowed}: {effect}"
    minutes, severity = (minutes_lost(facts, use), None) if is_weak else (None, Severity.NOTE)
    fix = f"make all attempts on {wanted} together shorter than {budget}: a shorter timeout or fewer attempts"
    # What most findings of a large fleet may be is put together by the field.
    made: Violation = _VIOLATION(
        (f"{caller} -> {wanted}", said, place, (caller, need.service), minutes, severity, fix, use.endpoint or "", None)
    )
    return made


def _mixed(use: Use) -> Violation:
    bare = [target.service for target in use.need.targets if target.timeout is None]
    names = ", ".join(bare)
    return Violation(
        use.subject,
        f"{use.caller} tries {use.need} in turn, but {names} has no timeout: the others may never be asked, so all count as needed",
        use.need.evidence.place,
        (use.caller, bare[0]),
        fix=f"give {names} a timeout too, so that all of them together fit below the budget of {use.caller}",
        discriminator=use.endpoint or "",
    )
