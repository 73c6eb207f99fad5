"""Reads where the copies of a service run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.catalog.model import Affinity, Failover, Placement, PlacementMode
from truetier.sources.yaml_catalog.schema import FAILOVER, PLACEMENT
from truetier.sources.yaml_catalog.values import MOST_COPIES, checked_path, integer
from truetier.units import WHOLE

if TYPE_CHECKING:
    from truetier.sources.yaml_catalog.reading import Reading
    from truetier.sources.yaml_tree import Node

_COPIES = integer(1, MOST_COPIES)


def read_placement(reading: Reading, node: Node | None) -> Placement | None:
    """The placement; None when there is none or its copies cannot be read."""
    if node is None:
        return None
    keys = reading.fields(node, PLACEMENT)
    copies = _copies(reading, keys.get("copies"))
    failover = _failover(reading, keys.get("failover"))
    mode = keys.get("mode", PlacementMode.ACTIVE_ACTIVE)
    if node.get("common_cause") is not None and node.get("availability") is None and node.get("measured") is None:
        message = "placement: common_cause is a share of a copy's downtime; it needs availability or measured beside it"
        reading.mistake(node.get("common_cause") or node, message)
    count = sum(number for _, number in copies)
    if mode is PlacementMode.ACTIVE_PASSIVE:
        _check_active_passive(reading, node, count)
    elif node.get("failover") is not None and ("mode" in keys or node.get("mode") is None):
        reading.mistake(node.get("failover") or node, "placement: failover belongs to mode: active-passive")
    need = keys.get("need")
    if need is not None and count and need > count:
        reading.mistake(node.get("need") or node, f"placement: need is {need}, but there are only {count} copies")
        need = None
    if not copies:
        return None
    return Placement(
        copies,
        reading.evidence(node),
        availability=keys.get("availability"),
        common_cause=keys.get("common_cause"),
        need=need,
        affinity=keys.get("affinity", Affinity.ANY),
        mode=mode,
        failover=failover,
        verified=reading.verification(keys.get("verified")),
        measured=reading.measured(keys.get("measured")),
    )


def _copies(reading: Reading, node: Node | None) -> tuple[tuple[str, int], ...]:
    if node is None:
        return ()
    found = []
    for path, _, value in reading.named(node, "copies", checked_path):
        number = reading.value(value, _COPIES.read, "copies")
        if number is not None:
            found.append((path, number))
    if (node.kind == "map" and not node.pairs) or node.is_null:
        reading.mistake(node, "copies: expected at least one failure domain with a number of copies")
    return tuple(found)


def _check_active_passive(reading: Reading, node: Node, count: int) -> None:
    if count and count != 2:
        reading.mistake(node.get("copies") or node, f"placement: active-passive takes exactly two copies, found {count}")
    if node.get("failover") is None:
        reading.mistake(node, "placement: active-passive needs failover, with its time")
    for name in ("need", "affinity"):
        refused = node.get(name)
        if refused is not None:
            reading.mistake(refused, f"placement: active-passive takes no {name}")


def _failover(reading: Reading, node: Node | None) -> Failover | None:
    if node is None:
        return None
    keys = reading.fields(node, FAILOVER)
    verified = reading.verification(keys.get("verified"))
    return Failover(keys["time"], keys.get("coverage", WHOLE), verified) if "time" in keys else None
