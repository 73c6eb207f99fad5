"""TT303: a call from a lower layer to a higher one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.graph.layers import Direction, layer_breaks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts


class UpwardCall(Rule):
    """A service waits for one in a higher layer."""

    code = "TT303"
    severity = Severity.WARNING
    title = "a service calls one in a higher layer"
    why = (
        "Layers grow upward: what is high may be built on what is low. A call the other way ties the foundation to the house, and "
        "together with the calls downward it closes a circle, today or after the next change. An async message upward waits for "
        "nobody and is allowed."
    )
    fix = "turn the call around: let the higher layer ask, or send an event (mode: async)"
    source = "The Structure of the THE Multiprogramming System (Dijkstra 1968)"
    examples = (
        Example(
            """
version: 1
services:
  shop:    {tier: T1, layer: 3, needs: [storage]}
  storage: {tier: T1, layer: 1, needs: [{service: shop, timeout: 50ms, fallback: static}]}
""",
            ("storage -> shop",),
        ),
        Example(
            """
version: 1
services:
  shop:    {tier: T1, layer: 2, needs: [storage, cart]}
  cart:    {tier: T1, layer: 2}
  storage: {tier: T1, layer: 1, needs: [{service: shop, mode: async}, audit]}
  audit:   {tier: T1}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every pair of services with a call upward."""
        for found in layer_breaks(facts.graph):
            if found.direction is Direction.UPWARD:
                caller, callee = found.caller, found.callee
                yield Violation(
                    f"{caller} -> {callee}",
                    f"{caller} in layer {found.caller_layer} calls {callee} in layer {found.callee_layer}, which is above it",
                    found.use.need.evidence.place,
                    (caller, callee),
                    fix=f"let {callee} call {caller}, or send {callee} an event (mode: async)",
                )
