"""TT207: a dependency that is not what the catalog says it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.loss import minutes_lost
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import count_text
from truetier.catalog.evidence import Kind
from truetier.catalog.observed import Verdict
from truetier.graph.hardness import Kind as Counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.catalog.observed import ObservedEdge, ObservedMode
    from truetier.graph.hardness import Use

_TIMES = 2  # windows in which it was seen: one alone may have had another cause


class ClassContradicted(Rule):
    """Declared soft and seen to be hard, or the other way round."""

    code = "TT207"
    severity = Severity.ERROR
    title = "telemetry shows that a dependency is not what is declared"
    why = (
        "A need is soft only if its caller survives every way in which the callee fails: error, timeout, unreachable. When requests of "
        "the caller failed with the callee, beyond what else failed in the same minutes, the fallback did not work, and every number "
        "that rests on it is wrong: an error where it was seen at two different times, a warning after one. A need that is declared "
        "hard and was seen to be survived is a note: the promise may be better than it looks."
    )
    fix = "repair the fallback and prove it in a game day, or declare the need as what it is"
    source = "Automating Chaos Experiments in Production (Basiri et al., ICSE 2019); Probabilistic Reasoning (Pearl 1988), noisy-OR"
    examples = (
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [{service: ads, timeout: 200ms, fallback: static}]}
  ads:  {tier: T1}
""",
            ("shop -> ads",),
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "ads", "kind": "sync", "calls": 9000, "errors": 40, "modes": {
    "error": {"verdict": "soft", "probability": 0.01, "low": 0.0, "high": 0.06, "failed_calls": 20, "windows": 3},
    "timeout": {"verdict": "hard", "probability": 0.98, "low": 0.9, "high": 1.0, "failed_calls": 20, "windows": 3}}}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [ads, {service: cart, timeout: 200ms, fallback: static}]}
  ads:  {tier: T1}
  cart: {tier: T1}
""",
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "shop", "callee": "ads", "kind": "sync", "calls": 9000, "errors": 40, "modes": {
    "error": {"verdict": "hard", "probability": 0.98, "low": 0.9, "high": 1.0, "failed_calls": 40, "windows": 3}}},
  {"caller": "shop", "callee": "cart", "kind": "sync", "calls": 9000, "errors": 2, "modes": {
    "error": {"verdict": "unknown", "probability": 0.9, "low": 0.3, "high": 1.0, "failed_calls": 2, "windows": 1}}}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every declared plain need whose observed class is another one."""
        for between, edge in facts.observed.items():
            verdict = edge.verdict
            for use in facts.uses(*between):
                if not use.need.at_serve or use.need.evidence.kind is Kind.OBSERVED:
                    continue
                if use.kind is Counts.SOFT and verdict in (Verdict.HARD, Verdict.PARTIAL):
                    yield _not_soft(facts, use, edge, verdict)
                elif use.kind is Counts.HARD and verdict is Verdict.SOFT and use.weakness is None:
                    yield _not_hard(use, edge)


def _not_soft(facts: Facts, use: Use, edge: ObservedEdge, verdict: Verdict) -> Violation:
    found = edge.worst(verdict)
    assert found is not None, "a verdict comes from a mode"
    name, mode = found
    callee = use.need.service
    return Violation(
        use.subject,
        f"{use.caller} is said to survive when {callee} fails, but its requests failed with {callee} ({name}): {_how_often(mode)}",
        use.need.evidence.place,
        (use.caller, callee),
        minutes_lost(facts, use),
        Severity.ERROR if mode.windows >= _TIMES else Severity.WARNING,
        f"make the fallback for {callee} work when it fails by {name}, and show it in a game day; or declare the need hard",
        use.endpoint or "",
    )


def _not_hard(use: Use, edge: ObservedEdge) -> Violation:
    callee = use.need.service
    told = ", ".join(f"{name}: {_how_often(mode)}" for name, mode in edge.modes.items() if mode.failed_calls)
    return Violation(
        use.subject,
        f"{use.caller} is said to fail with {callee}, but survived it ({told})",
        use.need.evidence.place,
        (use.caller, callee),
        severity=Severity.NOTE,
        fix=f"declare the need on {callee} soft with its timeout and fallback, if that is meant to be",
        discriminator=use.endpoint or "",
    )


def _how_often(mode: ObservedMode) -> str:
    times = f"{count_text(mode.failed_calls, 'failed call')} in {count_text(mode.windows, 'window')}"
    if mode.probability is None or mode.low is None or mode.high is None:
        return times
    return f"{mode.probability:.0%} of them, {mode.low:.0%} to {mode.high:.0%} with 95% certainty, {times}"
