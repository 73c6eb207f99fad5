"""Calls against the order of layers. Layers grow upward in the call stack: layer N calls its own or N - 1."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.catalog.model import Mode
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.catalog.model import Need
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Use


class Direction(Enum):
    """How a call leaves the order of layers."""

    UPWARD = "upward"
    SKIPPING = "skipping"


class LayerBreak(NamedTuple):
    """A call up, or down past a layer, and the first need that makes it."""

    direction: Direction
    caller: str
    callee: str
    caller_layer: int
    callee_layer: int
    use: Use


def layer_breaks(graph: Graph) -> Iterator[LayerBreak]:
    """Every call against the layers, once per caller and callee, in file order.

    Hard or not and in every phase, stand-ins included; of an async need nobody waits but for its broker. Who has no layer takes no part.
    """
    services = graph.fleet.services
    for name, service in services.items():
        layer = service.layer
        if layer is None:
            continue
        seen: set[str] = set()
        for use in graph.uses[name]:
            for callee in _called(use.need):
                other = services[callee].layer
                if other is None or layer - 1 <= other <= layer or callee in seen:
                    continue
                seen.add(callee)
                direction = Direction.UPWARD if other > layer else Direction.SKIPPING
                yield LayerBreak(direction, name, callee, layer, other, use)


def _called(need: Need) -> tuple[str, ...]:
    if need.mode is not Mode.ASYNC:
        return need.services
    return () if need.broker is None else (need.broker,)
