"""TT302: services that run today and could never be started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.advice import MAKE_SURVIVABLE, survive_need_text
from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import count_text, names_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.graph import boot_loops


class BootLoop(Rule):
    """Services that wait for each other before the first of them can start."""

    code = "TT302"
    severity = Severity.ERROR
    title = "services wait for each other to start"
    why = (
        "From a cold start (a region lost, a datacentre dark) a service starts when its hard start and recover needs serve. In a loop"
        " of such needs none is ever first: the fleet runs only because it has never been off as a whole. Caches are empty then, so a"
        " cached answer does not open the loop; a static fallback, an async need or a soft start need does."
    )
    fix = "let one service of the loop start without the next: a static or last-known-good value shipped with it, or a soft start need"
    source = "More details about the October 4 outage (Meta Engineering 2021): what is needed to recover must not need what is down"
    examples = (
        Example(
            """
version: 1
services:
  dns:      {tier: T1, needs: [{service: config, phase: start}]}
  config:   {tier: T1, needs: [{service: identity, phase: [start, serve]}]}
  identity: {tier: T1, needs: [{service: dns, phase: start}]}
  shop:     {tier: T1, needs: [dns]}
""",
            ("config",),
        ),
        Example(
            """
version: 1
services:
  dns:      {tier: T1, needs: [{service: config, phase: start, timeout: 1s, fallback: static}]}
  config:   {tier: T1, needs: [{service: identity, phase: [start, serve]}]}
  identity: {tier: T1, needs: [{service: dns, phase: start}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every loop that keeps services from serving after a cold start."""
        if any(use.need.is_before_serve for use in facts.graph.uses.said):
            from truetier.graph.order import boot_order  # few fleets say what they need to start

            for loop in boot_order(facts.graph).loops:
                yield _violation(loop)


def _violation(loop: boot_loops.BootLoop) -> Violation:
    subject = min(loop.members)
    behind = f"; it keeps {count_text(len(loop.behind), 'more service')} from serving: {names_text(loop.behind)}" if loop.behind else ""
    first = loop.witness[0]
    way = survive_need_text(first)
    soft = "make the start need soft, with a timeout and a fallback" if way == MAKE_SURVIVABLE else way
    return Violation(
        subject,
        f"from a cold start {names_text(sorted(loop.members))} wait for each other and never serve{behind}",
        first.need.evidence.place,
        (*loop.path, loop.path[0]),
        fix=f"let {first.caller} start without {first.need}: ship a static or last-known-good value with it, or {soft}",
    )
