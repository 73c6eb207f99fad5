"""TT209: an exception that was accepted until a day that has passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts


class WaiverExpired(Rule):
    """A waiver's last day has passed."""

    code = "TT209"
    severity = Severity.ERROR
    title = "a waiver has expired"
    why = (
        "An exception was accepted on the word that it would end. From the day after its last one it silences nothing, and it is an "
        "error itself: either what it excused is fixed and the waiver can go, or somebody must decide again."
    )
    fix = "fix what the waiver excused and delete it, or have its owner agree to a new date and reason"
    source = "The Site Reliability Workbook (Beyer et al.), example error budget policy: exceptions are agreed, not silent"
    examples = (
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [kyc]}
  kyc: {tier: T3}
waivers:
  - {rule: inversion, subject: shop -> kyc, owner: payments, reason: "migration", expires: 2026-11-22}
""",
            ("shop -> kyc",),
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T1, needs: [kyc]}
  kyc: {tier: T3}
waivers:
  - {rule: inversion, subject: shop -> kyc, owner: payments, reason: "migration", expires: 2026-11-23}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every waiver whose last day has passed."""
        for waiver in facts.fleet.waivers:
            if waiver.expires < facts.as_of:
                yield Violation(
                    waiver.subject,
                    f"the waiver of {waiver.rule} for {waiver.subject} ended on {waiver.expires}; its owner is {waiver.owner}, "
                    f"its reason was: {waiver.reason}",
                    waiver.evidence.place,
                    (waiver.subject,),
                    discriminator=waiver.rule,
                )
