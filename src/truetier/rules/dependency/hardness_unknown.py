"""TT210: a need of which nobody knows whether its caller survives without it."""

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


class HardnessUnknown(Rule):
    """A need counts as hard because nobody knows better."""

    code = "TT210"
    severity = Severity.NOTE
    title = "nobody knows whether a need is hard or soft"
    why = (
        "A source showed that one service uses another, not what happens to the caller when the callee fails. Unknown is never a "
        "pass: the need counts as hard, also when it has a fallback, until somebody who knows says so."
    )
    fix = "declare the need in the catalog: hard, or soft with a timeout and a fallback"
    source = "Automating Chaos Experiments in Production (Basiri et al., ICSE 2019): whether a call is critical is for an experiment to say"
    examples = (
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [{service: rewards, hardness: unknown}]}
  rewards: {tier: T1}
""",
            ("shop -> rewards",),
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [{service: rewards, hardness: hard}]}
  rewards: {tier: T1}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every sync need whose hardness is unknown."""
        for use in facts.graph.uses.chosen(_is_unknown):
            need = use.need
            yield Violation(
                use.subject,
                f"nobody has said whether {use.caller} survives when {need} fails, so the need counts as hard",
                need.evidence.place,
                (use.caller, need.service),
                minutes_lost(facts, use),
                fix=f"declare the need of {use.caller} on {need}: hard, or soft with a timeout and a fallback",
                discriminator=use.endpoint or "",
            )


def _is_unknown(use: Use) -> bool:
    return use.need.hardness is Hardness.UNKNOWN and use.need.mode is not Mode.ASYNC
