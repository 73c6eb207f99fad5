"""Laws of the graph on random fleets, against references that follow the definitions and share no code with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import networkx as nx
import pytest
from hypothesis import given, settings

from tests.properties.graph_fleets import NAMES, fleets
from truetier.catalog.model import Endpoint, FallbackKind, Fleet, Mode, Need, Phase, Service
from truetier.graph.blast import Blasts
from truetier.graph.build import Graph, build
from truetier.graph.diff import ChangeKind, diff
from truetier.graph.hard_cycles import hard_cycles
from truetier.graph.order import boot_order
from truetier.graph.reach import claims

few = settings(max_examples=50)

Up = Callable[[str], bool]


def is_met(need: Need, up: Up) -> bool:
    """Whether a serve need is met with caches empty, conditions holding and mechanisms working, as design section 3 says it."""
    if need.is_group:
        return sum(up(target.service) for target in need.targets) >= need.required
    if need.mode is Mode.ASYNC:
        return need.broker is None or up(need.broker)
    if need.fallback is None or need.fallback.kind is FallbackKind.CACHED:
        return up(need.service)
    if need.fallback.kind is FallbackKind.STATIC:
        return True
    assert need.fallback.service is not None
    return up(need.service) or up(need.fallback.service)


def serves(service: Service, up: Up) -> bool:
    return all(is_met(need, up) for need in service.all_needs if Phase.SERVE in need.phases)


def may_start(service: Service, up: Up) -> bool:
    gates = [need for need in service.all_needs if need.phases & {Phase.START, Phase.RECOVER}]
    return all(is_met(need, up) for need in gates if need.mode is Mode.SYNC and need.fallback is None)


def largest_serving(fleet: Fleet, started: set[str]) -> set[str]:
    serving = set(started)
    while True:
        kept = {name for name in serving if serves(fleet.services[name], serving.__contains__)}
        if kept == serving:
            return serving
        serving = kept


def rounds(fleet: Fleet) -> list[set[str]]:
    """The waves, round by round as the definition has it."""
    serving: set[str] = set()
    found: list[set[str]] = []
    while True:
        started = {name for name, service in fleet.services.items() if may_start(service, serving.__contains__)}
        now = largest_serving(fleet, started)
        if now == serving:
            return found
        found.append(now - serving)
        serving = now


@few
@given(fleets())
def test_waves_are_the_rounds_of_the_definition(fleet: Fleet) -> None:
    order = boot_order(build(fleet))
    expected = rounds(fleet)
    assert [set(wave) for wave in order.waves] == expected
    assert set(order.never) == set(fleet.services) - set().union(*expected)
    assert all(list(wave) == sorted(wave) for wave in (*order.waves, order.never))


@few
@given(fleets())
def test_everything_that_never_serves_is_in_a_loop_or_waits_for_one(fleet: Fleet) -> None:
    order = boot_order(build(fleet))
    assert bool(order.loops) == bool(order.never)
    members = [name for loop in order.loops for name in loop.members]
    behind = [name for loop in order.loops for name in loop.behind]
    assert len(set(members + behind)) == len(members + behind)
    assert set(members + behind) <= set(order.never)
    if len(order.loops) == 1:
        assert set(members + behind) == set(order.never)


@few
@given(fleets())
def test_a_boot_loop_blocks_itself_and_its_witness_is_a_circle_through_a_start_need(fleet: Fleet) -> None:
    for loop in boot_order(build(fleet)).loops:
        assert stuck_alone(fleet, set(loop.members)) == set(loop.members)
        assert set(loop.path) <= set(loop.members)
        assert loop.witness[0].need.phases & {Phase.START, Phase.RECOVER}
        for index, (name, use) in enumerate(zip(loop.path, loop.witness, strict=True)):
            assert use.caller == name
            assert loop.path[(index + 1) % len(loop.path)] in use.need.services


def stuck_alone(fleet: Fleet, members: set[str]) -> set[str]:
    """Those of the members that never serve although everything outside them does."""
    outside = {name: fleet.services[name]._replace(needs=(), endpoints=()) for name in fleet.services if name not in members}
    found = rounds(fleet._replace(services={**fleet.services, **outside}))
    return members - set().union(*found)


@few
@given(fleets())
def test_what_is_behind_a_loop_serves_once_the_loop_does(fleet: Fleet) -> None:
    order = boot_order(build(fleet))
    for loop in order.loops:
        dissolved = {name: fleet.services[name]._replace(needs=(), endpoints=()) for name in loop.members}
        serving = set().union(*rounds(fleet._replace(services={**fleet.services, **dissolved})))
        assert set(loop.behind) <= serving


def endpoint_draws(fleet: Fleet) -> list[tuple[float, Fleet]]:
    """Every combination of endpoint draws as a fleet of services that have just that endpoint, and how likely it is."""
    choices: list[list[Endpoint | None]] = [
        list(service.endpoints) if service.has_shares else [None] for service in fleet.services.values()
    ]
    found = []
    for combination in itertools.product(*choices):
        weight, services = 1.0, {}
        for (name, service), drawn in zip(fleet.services.items(), combination, strict=True):
            services[name] = service
            if drawn is not None and drawn.share is not None:
                weight *= float(drawn.share)
                services[name] = service._replace(needs=(*service.needs, *drawn.needs), endpoints=())
        found.append((weight, fleet._replace(services=services)))
    return found


@few
@given(fleets())
def test_a_blast_radius_is_what_the_smallest_explanation_leaves_down(fleet: Fleet) -> None:
    draws = endpoint_draws(fleet)
    blasts = Blasts(build(fleet))
    for name in NAMES:
        parts = dict.fromkeys(NAMES, 0.0)
        failed = dict.fromkeys(fleet.journeys, 0.0)
        for weight, drawn in draws:
            up = largest_serving(drawn, set(NAMES) - {name})
            for other in set(NAMES) - up:
                parts[other] += weight
            for journey in fleet.journeys.values():
                if any(sum(item in up for item in criterion.services) < criterion.required for criterion in journey.succeeds):
                    failed[journey.name] += weight
        radius = blasts.of(name)
        assert {hit.name: hit.part.low for hit in radius.services} == {key: pytest.approx(part) for key, part in parts.items() if part}
        assert {hit.name: hit.part.high for hit in radius.journeys} == {key: pytest.approx(part) for key, part in failed.items() if part}
        if radius.users is not None:
            assert radius.users.low == pytest.approx(max([0.0, *failed.values()]) / 2)


def hard_graph(graph: Graph) -> nx.DiGraph[str]:
    made: nx.DiGraph[str] = nx.DiGraph()
    made.add_nodes_from(graph.fleet.services)
    made.add_edges_from((edge.caller, edge.callee) for edges in graph.callees.values() for edge in edges if edge.is_hard)
    return made


@few
@given(fleets())
def test_hard_cycles_are_the_components_with_a_circle_and_its_girth(fleet: Fleet) -> None:
    graph = build(fleet)
    oracle = hard_graph(graph)
    found = hard_cycles(graph)
    circles = list(nx.simple_cycles(oracle))
    assert {name for cycle in found for name in cycle.members} == {name for circle in circles for name in circle}
    for cycle in found:
        assert len(cycle.path) == min(len(circle) for circle in circles if set(circle) <= set(cycle.members))
        assert all(edge.callee == cycle.path[(index + 1) % len(cycle.path)] for index, edge in enumerate(cycle.witness))
    oracle.remove_edges_from([(edge.caller, edge.callee) for cycle in found for edge in cycle.cuts])
    assert nx.is_directed_acyclic_graph(oracle)


@few
@given(fleets())
def test_the_needed_promise_is_the_strictest_that_reaches_by_a_hard_path(fleet: Fleet) -> None:
    graph = build(fleet)
    oracle = hard_graph(graph)
    found = claims(graph)
    for name in NAMES:
        promises = {other: fleet.promise(fleet.services[other]) for other in nx.ancestors(oracle, name)}
        for journey in fleet.journeys.values():
            firm = [item for criterion in journey.succeeds if criterion.required == len(criterion.services) for item in criterion.services]
            if any(nx.has_path(oracle, item, name) for item in firm):
                promises[f"journey {journey.name}"] = fleet.tier_promise(journey.tier)
        asked = max((promise for promise in promises.values() if promise is not None), default=None)
        own = fleet.promise(fleet.services[name])
        claim, needed = found.asked(name), found.needed(name)
        assert (None if claim is None else claim.promise) == asked
        assert (None if needed is None else needed.promise) == max((one for one in (own, asked) if one is not None), default=None)
        if claim is not None:
            assert claim.distance == len(claim.path) - 1
            assert claim.path[-1] == name
            steps = zip(claim.path, claim.path[1:], strict=False)
            assert all(oracle.has_edge(*step) for index, step in enumerate(steps) if index or not claim.is_journey)


@few
@given(fleets(), fleets())
def test_a_difference_read_backwards_is_the_opposite_difference(before: Fleet, after: Fleet) -> None:
    there = diff(build(before), build(after))
    back = diff(build(after), build(before))
    opposite = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED, ChangeKind.CHANGED: ChangeKind.CHANGED}
    assert sorted(map(str, (change[1:4] for change in there))) == sorted(map(str, (change[1:4] for change in back)))
    assert sorted(
        str((opposite[change.kind], change.subject, change.name, change.key, change.after, change.before)) for change in there
    ) == sorted(str(tuple(change[:6])) for change in back)


@few
@given(fleets())
def test_a_fleet_has_no_difference_to_itself(fleet: Fleet) -> None:
    assert diff(build(fleet), build(fleet)) == ()
