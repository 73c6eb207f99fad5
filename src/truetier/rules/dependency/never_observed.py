"""TT206: a declared need that telemetry never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Skipped, Violation
from truetier.audit.rule import Example, Rule
from truetier.catalog.evidence import Kind
from truetier.catalog.model import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.graph.hardness import Use

ENOUGH = 1_000  # requests of the caller that should have met the need


class NeverObserved(Rule):
    """Enough requests were seen, and none of them made the call."""

    code = "TT206"
    severity = Severity.NOTE
    title = "a declared need was never seen in use"
    why = (
        "A need that is no longer there costs availability on paper and hides where the promise really breaks. Below a thousand "
        "requests of the caller that should have met the need, and where the callee sends no telemetry, the rule says that it cannot "
        "tell; of a caller that sends none it says nothing. A member of a group, a stand-in and a need outside of serving may rest for "
        "long."
    )
    fix = "remove the need, or write down when it is used: phase, condition, share"
    source = "Characterizing Microservice Dependency and Performance (Luo et al., SoCC 2021): static and runtime dependencies differ"
    examples = (
        Example(
            """
version: 1
services:
  shop:   {tier: T1, needs: [ads, cart]}
  ads:    {tier: T1}
  cart:   {tier: T1}
""",
            ("shop -> ads",),
            observed="""
{"schema": "truetier/observe/1", "edges": [
  {"caller": "shop", "callee": "cart", "kind": "sync", "calls": 5000, "errors": 0}],
 "services": [
  {"name": "shop", "endpoints": [{"name": "GET /", "requests": 5000}]},
  {"name": "cart", "endpoints": [{"name": "GET /cart", "requests": 5000}]},
  {"name": "ads", "endpoints": [{"name": "GET /ad", "requests": 7}]}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [{service: ads, share: 1%, condition: campaign}]}
  ads:  {tier: T1}
""",
            observed="""
{"schema": "truetier/observe/1", "edges": [], "services": [
  {"name": "shop", "endpoints": [{"name": "GET /", "requests": 5000}]},
  {"name": "ads", "endpoints": [{"name": "GET /ad", "requests": 7}]}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation | Skipped]:
        """Every plain serve need without a call, where so many requests should have made it."""
        requests = {service.name: service.requests for service in facts.fleet.observed.services}
        for caller, total in requests.items():
            for use in facts.graph.uses[caller] if total else ():
                callee = use.need.service
                if not _is_plain(use) or (caller, callee) in facts.observed:
                    continue
                due = int(total * float(use.share))
                if callee not in requests:
                    yield Skipped(use.subject, f"{callee} sent no telemetry: calls of {caller} may not show")
                elif due < ENOUGH:
                    met = f"{total:,} requests of {caller}, {due:,} of which should have made one"
                    yield Skipped(use.subject, f"no call in {met}: {ENOUGH:,} tell")
                else:
                    yield _violation(use, total, due)


def _violation(use: Use, total: int, due: int) -> Violation:
    callee = use.need.service
    met = f"{total:,} requests, {'all' if due == total else f'{due:,}'} of which should have"
    return Violation(
        use.subject,
        f"{use.caller} was never seen to call {callee} in {met}; {ENOUGH:,} are enough to tell",
        use.need.evidence.place,
        (use.caller, callee),
        fix=f"remove the need of {use.caller} on {callee}, or write down when it is used",
    )


def _is_plain(use: Use) -> bool:
    need = use.need
    return (
        need.at_serve and not need.is_group and use.endpoint is None and need.mode is Mode.SYNC and need.evidence.kind is not Kind.OBSERVED
    )
