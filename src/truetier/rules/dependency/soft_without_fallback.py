"""TT202: a soft need with nothing to fall back on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.loss import minutes_lost
from truetier.audit.rule import Example, Rule
from truetier.catalog.model import Hardness, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.graph.hardness import Use


class SoftWithoutFallback(Rule):
    """A soft need without a fallback counts as hard."""

    code = "TT202"
    severity = Severity.WARNING
    title = "a soft need has no fallback"
    why = (
        "Soft says that the caller survives, degraded, when the callee fails. What it answers then is the fallback; while nobody has "
        "said what that is, surviving is a hope, and the need counts as hard in every figure."
    )
    fix = "say what the caller answers instead (fallback: static, cached or stand-in), or call the need hard"
    source = "Site Reliability Engineering (Beyer et al.), graceful degradation"
    examples = (
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    needs: [{service: rewards, hardness: soft, timeout: 200ms}]
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
    needs: [{service: rewards, timeout: 200ms, fallback: static}]
  rewards: {tier: T2}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every need declared soft without a fallback."""
        for use in facts.graph.uses.chosen(_is_without_fallback):
            need = use.need
            yield Violation(
                use.subject,
                f"{use.caller} calls {need} soft, but nothing says what it answers when {need} fails, so the need counts as hard",
                need.evidence.place,
                (use.caller, need.service),
                minutes_lost(facts, use),
                fix=f"say what {use.caller} answers instead of {need} (static, cached or stand-in), or call the need hard",
                discriminator=use.endpoint or "",
            )


def _is_without_fallback(use: Use) -> bool:
    need = use.need
    return need.hardness is Hardness.SOFT and need.fallback is None and need.mode is not Mode.ASYNC
