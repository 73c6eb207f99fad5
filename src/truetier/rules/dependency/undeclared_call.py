"""TT205: a call that telemetry saw and nobody declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.loss import minutes_lost
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import count_text
from truetier.catalog.evidence import Kind
from truetier.graph.hardness import Kind as Counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.graph.hardness import Use


class UndeclaredCall(Rule):
    """A need that only telemetry knows of."""

    code = "TT205"
    severity = Severity.WARNING
    title = "a service calls one that its catalog does not name"
    why = (
        "What is not declared was decided by nobody: it has no timeout anybody chose, no fallback anybody tested, and it is in no "
        "review. It counts all the same, with the class that was observed, hard where that is unknown, so the numbers are those of "
        "the fleet that runs."
    )
    fix = "declare the need with what the caller does when the callee fails, or remove the call"
    source = "Characterizing Microservice Dependency and Performance (Luo et al., SoCC 2021): static and runtime dependencies differ"
    examples = (
        Example(
            """
version: 1
services:
  shop: {tier: T1}
  ads:  {tier: T1}
""",
            ("shop -> ads",),
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "ads", "kind": "sync", "calls": 900, "errors": 0}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [ads]}
  ads:  {tier: T1}
""",
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "ads", "kind": "sync", "calls": 900, "errors": 0}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every need that no catalog or manifest states."""
        if not facts.observed:
            return
        for use in facts.graph.uses.chosen(_is_observed):
            need = use.need
            edge = facts.observed.get((use.caller, need.service))
            if edge is None:
                continue
            counts = {Counts.SOFT: "soft, as it was seen to be", Counts.ASYNC: "async"}.get(use.kind, "hard")
            yield Violation(
                use.subject,
                f"{use.caller} calls {need.service} ({count_text(edge.calls, 'call')} seen), which nothing declares; it counts as {counts}",
                facts.fleet.services[use.caller].evidence.place,
                (use.caller, need.service),
                minutes_lost(facts, use) if counts == "hard" else None,
                fix=f"declare the need of {use.caller} on {need.service}, or remove the call",
            )


def _is_observed(use: Use) -> bool:
    return use.need.evidence.kind is Kind.OBSERVED
