from __future__ import annotations

from tests.unit.graph.fleets import fleet, graph, group, later, need, service, share, soft
from truetier.graph.build import build
from truetier.graph.hard_cycles import hard_cycles


def test_a_fleet_without_a_circle_has_no_cycle() -> None:
    assert hard_cycles(graph(service("a", "b"), service("b", "c"), service("c"))) == ()


def test_a_circle_is_one_finding_with_its_shortest_witness_and_the_fewest_cuts() -> None:
    (cycle,) = hard_cycles(graph(service("a", "b"), service("b", "c"), service("c", "a", "d"), service("d", "b")))
    assert cycle.members == ("a", "b", "c", "d")
    assert cycle.path == ("a", "b", "c")
    assert cycle.is_shortest
    assert [edge.subject for edge in cycle.cuts] == ["b -> c"]
    assert cycle.is_fewest


def test_components_come_in_file_order() -> None:
    found = hard_cycles(graph(service("x", "y"), service("a", "b"), service("b", "a"), service("y", "x", "a")))
    assert [cycle.members for cycle in found] == [("x", "y"), ("a", "b")]


def test_soft_async_and_redundant_needs_close_no_circle() -> None:
    for back in (soft("a"), later("a"), group(1, "a", "c")):
        assert hard_cycles(graph(service("a", "b"), service("b", back))) == ()


def test_needs_of_other_phases_close_no_circle() -> None:
    assert hard_cycles(graph(service("a", "b"), service("b", need("a", phases=("start", "recover", "change"))))) == ()


def test_a_conditional_need_a_full_group_and_a_broker_do() -> None:
    for back in (need("a", share=share("0.2")), group(2, "a", "c"), later("c", broker="a")):
        (cycle,) = hard_cycles(graph(service("a", "b"), service("b", back), service("c")))
        assert cycle.path == ("a", "b")


def test_the_edge_at_which_the_promise_drops_is_cut_where_others_would_do_as_well() -> None:
    ring = fleet(service("a", "b", tier="T2"), service("b", "c", tier="T1"), service("c", "a", tier="T2"))
    (cycle,) = hard_cycles(build(ring))
    assert [edge.subject for edge in cycle.cuts] == ["b -> c"]


def test_two_needs_on_one_callee_are_both_cut_unless_a_single_one_elsewhere_will_do() -> None:
    (cycle,) = hard_cycles(graph(service("a", need("b", line=1), need("b", line=2)), service("b", "a")))
    assert [edge.subject for edge in cycle.cuts] == ["b -> a"]
    (cycle,) = hard_cycles(graph(service("a", need("b", line=1), need("b", line=2)), service("b", need("a"), need("a"), need("a"))))
    assert [edge.place.line for edge in cycle.cuts if edge.place] == [1, 2]


def test_a_service_that_waits_for_itself_through_its_broker_is_a_cycle() -> None:
    (cycle,) = hard_cycles(graph(service("a", later("b", broker="a")), service("b")))
    assert (cycle.members, cycle.path) == (("a",), ("a",))
    assert [edge.subject for edge in cycle.cuts] == ["a -> a"]


def test_a_ring_of_10_000_has_a_witness_of_10_000() -> None:
    (cycle,) = hard_cycles(graph(*(service(f"s{index}", f"s{(index + 1) % 10_000}") for index in range(10_000))))
    assert len(cycle.path) == 10_000
    assert cycle.is_shortest
    assert len(cycle.cuts) == 1
