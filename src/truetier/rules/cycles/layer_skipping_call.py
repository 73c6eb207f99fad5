"""TT304: a call past the layers in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.graph.layers import Direction, layer_breaks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts


class LayerSkippingCall(Rule):
    """A service calls one more than a layer below it."""

    code = "TT304"
    severity = Severity.NOTE
    title = "a service calls past the layer below it"
    why = (
        "A layer hides the ones below it: whoever calls past it depends on what the layer was there to keep replaceable, and goes "
        "around the limits, caches and checks it adds. It breaks no promise, so it is a note."
    )
    fix = "call the layer below and let it call on, or give the service the layer it really belongs to"
    source = "The Structure of the THE Multiprogramming System (Dijkstra 1968)"
    examples = (
        Example(
            """
version: 1
services:
  shop:    {tier: T1, layer: 3, needs: [storage]}
  storage: {tier: T1, layer: 1}
""",
            ("shop -> storage",),
        ),
        Example(
            """
version: 1
services:
  shop:    {tier: T1, layer: 3, needs: [cart, {service: events, mode: async}]}
  cart:    {tier: T1, layer: 2, needs: [storage]}
  storage: {tier: T1, layer: 1}
  events:  {tier: T1, layer: 1}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every pair of services with a call that passes a layer."""
        for found in layer_breaks(facts.graph):
            if found.direction is Direction.SKIPPING:
                caller, callee = found.caller, found.callee
                yield Violation(
                    f"{caller} -> {callee}",
                    f"{caller} in layer {found.caller_layer} calls {callee} in layer {found.callee_layer}, past the layers between them",
                    found.use.need.evidence.place,
                    (caller, callee),
                    fix=f"have {caller} call a service in layer {found.caller_layer - 1} that calls {callee}",
                )
