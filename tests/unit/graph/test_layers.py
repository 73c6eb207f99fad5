from __future__ import annotations

from tests.unit.graph.fleets import graph, group, later, need, service, soft
from truetier.graph.layers import Direction, layer_breaks


def test_a_layer_may_call_its_own_and_the_next_below() -> None:
    assert list(layer_breaks(graph(service("a", "b", "c", layer=3), service("b", layer=3), service("c", layer=2)))) == []


def test_a_call_up_and_a_call_past_a_layer_are_told_apart() -> None:
    fleet = graph(service("top", "low", layer=3), service("low", soft("top"), layer=1))
    assert [(found.direction, found.caller, found.callee, found.caller_layer, found.callee_layer) for found in layer_breaks(fleet)] == [
        (Direction.SKIPPING, "top", "low", 3, 1),
        (Direction.UPWARD, "low", "top", 1, 3),
    ]


def test_every_member_of_a_group_and_every_phase_counts_once() -> None:
    fleet = graph(
        service("a", group(1, "b", "c"), need("b", phases=("start",)), need("d", phases=("change",)), layer=1),
        *(service(name, layer=2) for name in "bcd"),
    )
    assert [found.callee for found in layer_breaks(fleet)] == ["b", "c", "d"]


def test_async_needs_and_services_without_a_layer_take_no_part() -> None:
    assert list(layer_breaks(graph(service("a", later("b"), "c", layer=1), service("b", layer=9), service("c", "b")))) == []


def test_a_stand_in_is_called_and_a_broker_waited_for() -> None:
    fleet = graph(
        service("a", soft("b", "stand-in", stand_in="c"), later("d", broker="e"), layer=1),
        service("b", layer=1),
        *(service(name, layer=2) for name in "cde"),
    )
    assert [found.callee for found in layer_breaks(fleet)] == ["c", "e"]
