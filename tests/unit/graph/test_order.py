from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.graph.fleets import endpoint, graph, group, later, need, service, share, soft, start
from truetier.graph.order import boot_order

if TYPE_CHECKING:
    from truetier.graph.build import Graph


def waves(of: Graph) -> list[str]:
    """The waves as words; what never serves comes last, after a minus."""
    order = boot_order(of)
    return [" ".join(wave) for wave in order.waves] + [f"- {' '.join(order.never)}"] * bool(order.never)


def test_an_empty_fleet_is_up_at_once() -> None:
    assert waves(graph()) == []


def test_services_wait_for_what_they_need_to_start() -> None:
    assert waves(graph(service("a", start("b")), service("b", need("c", phases=("recover",))), service("c"))) == ["c", "b", "a"]


def test_serve_needs_hold_nobody_back_from_starting() -> None:
    assert waves(graph(service("a", "b"), service("b", "c"), service("c", "a"))) == ["a b c"]


def test_a_started_service_serves_once_its_serve_needs_do() -> None:
    assert waves(graph(service("a", "b"), service("b", start("c")), service("c"))) == ["c", "a b"]


def test_needs_to_change_count_for_nothing() -> None:
    assert waves(graph(service("a", need("b", phases=("change",))), service("b", need("a", phases=("change",))))) == ["a b"]


def test_a_need_of_several_phases_counts_in_each() -> None:
    assert waves(graph(service("a", need("b", phases=("serve", "start"))), service("b"))) == ["b", "a"]


@pytest.mark.parametrize(
    "wanted",
    [soft("b", phases=("start",)), soft("b", "cached", phases=("start", "recover")), later("b", broker="b", phases=("start",))],
    ids=["static", "cached", "async"],
)
def test_soft_and_async_start_needs_never_gate(wanted: object) -> None:
    assert waves(graph(service("a", wanted), service("b", start("a")))) == ["a", "b"]  # type: ignore[arg-type]


def test_a_group_gates_until_enough_of_it_serve() -> None:
    fleet = graph(
        service("a", group(2, "b", "c", "d", phases=("start",))), service("b"), service("c", start("b")), service("d", start("a"))
    )
    assert waves(fleet) == ["b", "c", "a", "d"]


def test_a_static_fallback_serves_without_its_callee() -> None:
    assert waves(graph(service("a", soft("b")), service("b", start("a")))) == ["a", "b"]


def test_a_cached_fallback_is_empty_and_does_not_help() -> None:
    assert waves(graph(service("a", soft("b", "cached")), service("b", start("c")), service("c"))) == ["c", "a b"]
    assert waves(graph(service("a", soft("b", "cached")), service("b", start("a")))) == ["- a b"]


def test_a_stand_in_helps_once_it_serves_itself() -> None:
    assert waves(
        graph(service("a", soft("b", "stand-in", stand_in="c")), service("b", start("a")), service("c", start("d")), service("d"))
    ) == [
        "d",
        "a c",
        "b",
    ]


def test_the_broker_of_an_async_need_must_serve_and_its_callee_need_not() -> None:
    assert waves(graph(service("a", later("b", broker="q")), service("b", start("a")), service("q", start("r")), service("r"))) == [
        "r",
        "a q",
        "b",
    ]
    assert waves(graph(service("a", later("b")), service("b", start("a")))) == ["a", "b"]


def test_conditions_hold_and_every_endpoint_counts() -> None:
    conditional = graph(service("a", need("b", share=share("0.01"))), service("b", start("c")), service("c"))
    assert waves(conditional) == ["c", "a b"]
    drawn = graph(service("a", endpoints=(endpoint("x", "0.9"), endpoint("y", "0.1", "b"))), service("b", start("c")), service("c"))
    assert waves(drawn) == ["c", "a b"]


def test_a_circle_inside_which_one_member_starts_late_serves_when_it_does() -> None:
    fleet = graph(service("a", "b"), service("b", "c"), service("c", "a", start("d")), service("d", start("e")), service("e"))
    assert waves(fleet) == ["e", "d", "a b c"]


def test_a_circle_with_a_group_serves_in_parts() -> None:
    fleet = graph(service("a", group(1, "b", "c")), service("b", "a", start("d")), service("c", "a"), service("d", start("c")))
    assert waves(fleet) == ["a c", "d", "b"]


def test_services_that_wait_for_each_other_to_start_are_a_boot_loop() -> None:
    fleet = graph(
        service("dns", need("config", phases=("start",), line=3)), service("config", start("dns")), service("web", "dns"), service("log")
    )
    order = boot_order(fleet)
    assert order.waves == (("log",),)
    assert order.never == ("dns", "config", "web")
    (loop,) = order.loops
    assert loop.members == ("dns", "config")
    assert loop.path == ("dns", "config")
    assert loop.is_shortest
    assert loop.behind == ("web",)
    assert [str(use.need.evidence.place) for use in loop.witness] == ["truetier.yaml:3:1", "truetier.yaml:1:1"]


def test_the_witness_begins_with_a_start_need_even_where_a_circle_of_serve_needs_is_shorter() -> None:
    fleet = graph(service("a", "b"), service("b", "a", start("c")), service("c", start("d")), service("d", "b"))
    (loop,) = boot_order(fleet).loops
    assert loop.members == ("a", "b", "c", "d")
    assert loop.path == ("b", "c", "d")
    assert [use.need.service for use in loop.witness] == ["c", "d", "b"]


def test_a_service_that_starts_through_itself_is_a_loop_of_one() -> None:
    (loop,) = boot_order(graph(service("a", group(2, "a", "b", phases=("start",))))).loops
    assert (loop.members, loop.path) == (("a",), ("a",))


def test_a_loop_that_waits_for_another_is_a_loop_of_its_own_and_keeps_nobody_down_alone() -> None:
    fleet = graph(
        service("a", start("b")),
        service("b", start("a")),
        service("c", start("d"), start("a")),
        service("d", start("c")),
        service("behind-both", "c"),
        service("behind-first", "a"),
    )
    first, second = boot_order(fleet).loops
    assert (first.members, first.behind) == (("a", "b"), ("behind-first",))
    assert (second.members, second.behind) == (("c", "d"), ())


def test_a_circle_that_another_loop_alone_keeps_down_is_not_a_loop() -> None:
    fleet = graph(
        service("a", start("b")),
        service("b", start("a")),
        service("c", group(1, "d", "a", phases=("start",))),
        service("d", start("c")),
    )
    (loop,) = boot_order(fleet).loops
    assert (loop.members, loop.behind) == (("a", "b"), ("c", "d"))


def test_a_loop_inside_a_larger_circle_is_told_from_what_only_waits() -> None:
    fleet = graph(
        service("a", start("b")),
        service("b", start("a"), start("c")),
        service("c", group(1, "a", "x", phases=("start",))),
        service("x", start("y")),
        service("y", start("x")),
    )
    order = boot_order(fleet)
    assert [loop.members for loop in order.loops] == [("a", "b"), ("x", "y")]
    assert [loop.behind for loop in order.loops] == [(), ()]


def test_a_circle_that_falls_apart_once_the_outside_serves_is_searched_again() -> None:
    fleet = graph(
        service("a", start("b"), group(1, "c", "x", phases=("start",))),
        service("b", start("a")),
        service("c", start("d"), group(1, "a", "x", phases=("start",))),
        service("d", start("c")),
        service("x", start("y")),
        service("y", start("x")),
    )
    assert [loop.members for loop in boot_order(fleet).loops] == [("a", "b"), ("c", "d"), ("x", "y")]


def test_a_chain_of_10_000_boots_in_10_000_waves() -> None:
    order = boot_order(graph(*(service(f"s{index}", start(f"s{index + 1}")) for index in range(10_000))))
    assert len(order.waves) == 10_001
    assert order.waves[0] == ("s10000",)
    assert order.never == ()


def test_a_chain_with_a_gateway_that_needs_all_and_callers_of_the_gateway_stays_linear() -> None:
    size = 2_000
    chain = [service(f"s{index}", *([start(f"s{index - 1}")] if index else [])) for index in range(size)]
    callers = [service(f"c{index}", "gateway") for index in range(size)]
    order = boot_order(graph(*chain, *callers, service("gateway", *(item.name for item in chain))))
    assert len(order.waves) == size
    assert len(order.waves[-1]) == size + 2


def test_a_circle_of_10_000_serve_needs_is_up_in_one_wave() -> None:
    order = boot_order(graph(*(service(f"s{index}", f"s{(index + 1) % 10_000}") for index in range(10_000))))
    assert len(order.waves) == 1
    assert len(order.waves[0]) == 10_000


def test_a_circle_of_10_000_start_needs_is_one_loop() -> None:
    (loop,) = boot_order(graph(*(service(f"s{index}", start(f"s{(index + 1) % 10_000}")) for index in range(10_000)))).loops
    assert len(loop.members) == len(loop.path) == len(loop.witness) == 10_000
    assert loop.is_shortest


def test_services_that_wait_in_a_row_for_one_not_started_are_tried_and_wait_on() -> None:
    assert waves(graph(service("a", "b"), service("b", "c"), service("c", "d"), service("d", start("e")), service("e"))) == ["e", "a b c d"]
