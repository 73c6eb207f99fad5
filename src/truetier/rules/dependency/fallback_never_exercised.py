"""TT204: a fallback nobody has seen work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.catalog.observed import Verdict
from truetier.graph.hardness import Kind, is_unverified_claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from truetier.audit.facts import Facts
    from truetier.graph.hardness import Use

_FIX = "break the callee in a game day, watch the fallback answer, and write it down: verified: {by: game-day, on: DATE, until: DATE}"


class FallbackNeverExercised(Rule):
    """A fallback that counts has no evidence that it works, or its evidence has run out."""

    code = "TT204"
    severity = Severity.NOTE
    title = "a fallback has never been exercised"
    why = (
        "Code that runs only in an outage is the least tested code there is. Until a test has shown the fallback at work, the promise"
        " rests on a claim; the verified reading drops it. Evidence that has run out is a warning: somebody had meant to repeat the "
        "test. Requests that were seen to go well while the callee failed are evidence too, as long as they are."
    )
    fix = _FIX
    source = "Automating Chaos Experiments in Production (Basiri et al., ICSE 2019)"
    examples = (
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    needs: [{service: rewards, timeout: 200ms, fallback: static}]
  rewards: {tier: T2}
""",
            ("shop -> rewards",),
        ),
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    needs:
      - {service: rewards, timeout: 200ms, fallback: static, verified: {by: game-day, on: 2026-05-02, until: 2026-11-02}}
  rewards: {tier: T2}
""",
            ("shop -> rewards",),
        ),
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    needs:
      - {service: rewards, timeout: 200ms, fallback: static, verified: {by: game-day, on: 2026-11-02, until: 2027-05-02}}
  rewards: {tier: T2}
""",
        ),
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    needs: [{service: rewards, timeout: 200ms, fallback: static}, {service: ads, timeout: 200ms, fallback: static}]
  rewards: {tier: T2}
  ads: {tier: T2}
""",
            ("shop -> ads",),
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "rewards", "kind": "sync", "calls": 9000, "errors": 40, "modes": {
    "error": {"verdict": "soft", "probability": 0.01, "low": 0.0, "high": 0.06, "failed_calls": 40, "windows": 3}}},
  {"caller": "shop", "callee": "ads", "kind": "sync", "calls": 9000, "errors": 2, "modes": {
    "error": {"verdict": "unknown", "probability": 0.1, "low": 0.0, "high": 0.7, "failed_calls": 2, "windows": 1}}}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every need that counts as soft and whose fallback is not verified on the day, nor was seen at work."""
        for use in facts.declared.uses.chosen(lambda use: use.kind is Kind.SOFT and is_unverified_claim(use, facts.as_of)):
            verified = use.need.verified
            if _was_seen_at_work(facts, use):
                continue
            if verified is None:
                yield _violation(use, "nothing shows that it has ever worked", Severity.NOTE)
            else:
                yield _violation(use, _stale(verified.by, verified.on, verified.until, facts.as_of), Severity.WARNING)


def _was_seen_at_work(facts: Facts, use: Use) -> bool:
    seen = facts.observed.get((use.caller, use.need.service))
    return seen is not None and seen.verdict is Verdict.SOFT


def _stale(by: str, on: date, until: date | None, as_of: date) -> str:
    if on > as_of or until is None:
        return f"its evidence ({by}) is dated {on}, which is still to come"
    return f"its evidence ({by}, {on}) ran out on {until}"


def _violation(use: Use, what: str, severity: Severity) -> Violation:
    need = use.need
    kind = "" if need.fallback is None else f"{need.fallback.kind.value} "
    return Violation(
        use.subject,
        f"{use.caller} counts on its {kind}fallback when {need.service} fails, but {what}",
        need.evidence.place,
        (use.caller, need.service),
        severity=severity,
        fix=_FIX,
        discriminator=use.endpoint or "",
    )
