"""TT201: a soft need that may wait for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.loss import minutes_lost
from truetier.audit.rule import Example, Rule
from truetier.catalog.evidence import Kind
from truetier.catalog.model import Hardness, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.graph.hardness import Use


class SoftWithoutTimeout(Rule):
    """A soft need without a timeout counts as hard."""

    code = "TT201"
    severity = Severity.WARNING
    title = "a soft need has no timeout"
    why = (
        "A callee that hangs holds its caller until the timeout. Without one the fallback never gets its turn and the callee's outage"
        " is the caller's, so the need counts as hard in every figure."
    )
    fix = "give the need a timeout shorter than the time its caller has for one request"
    source = "Release It! (Nygard), stability patterns: timeouts"
    examples = (
        Example(
            """
version: 1
services:
  shop:
    tier: T1
    needs: [{service: rewards, fallback: static}]
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
        """Every soft need without a timeout."""
        for use in facts.graph.uses.chosen(_is_without_timeout):
            need = use.need
            yield Violation(
                use.subject,
                f"{use.caller} calls {need.service} soft without a timeout: when {need.service} hangs, {use.caller} hangs with it, "
                "so the need counts as hard",
                need.evidence.place,
                (use.caller, need.service),
                minutes_lost(facts, use),
                fix=f"give the need on {need.service} a timeout shorter than the time {use.caller} has for one request",
                discriminator=use.endpoint or "",
            )


def _is_without_timeout(use: Use) -> bool:
    need = use.need
    if need.is_group or need.mode is Mode.ASYNC or need.targets[0].timeout is not None or need.evidence.kind is Kind.OBSERVED:
        return False
    return need.hardness is Hardness.SOFT or (need.hardness is None and need.fallback is not None)
