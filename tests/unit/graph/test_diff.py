from __future__ import annotations

from datetime import timedelta

from tests.unit.graph.fleets import availability, endpoint, evidence, fleet, graph, group, journey, later, need, service, share, soft
from truetier.catalog.model import Affinity, Domain, Failover, Placement, PlacementMode, Target
from truetier.catalog.tier import Tier, TierTable
from truetier.graph.build import Graph, build
from truetier.graph.diff import ChangeKind, Subject, diff


def told(before: Graph, after: Graph) -> list[str]:
    signs = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-", ChangeKind.CHANGED: "~"}
    return [
        f"{signs[change.kind]} {change.subject.value} {change.name}"
        + (f" {change.key}: {change.before} > {change.after}" if change.key else "")
        for change in diff(before, after)
    ]


def test_a_fleet_does_not_differ_from_itself() -> None:
    made = graph(
        service("a", "b", soft("c", "cached"), group(1, "b", "c"), tier="T1", endpoints=(endpoint("x", None, "b"),)),
        journeys=[journey("buy", "a")],
        domains=[Domain("east", "region")],
    )
    assert diff(made, made) == ()


def test_services_and_needs_come_and_go() -> None:
    before = graph(service("a", "b"), service("b"))
    after = graph(service("a", "c"), service("c"))
    assert told(before, after) == ["+ service c", "- service b", "+ edge a -> c", "- edge a -> b"]


def test_a_change_stands_where_the_later_catalog_writes_it_and_a_removal_where_the_earlier_did() -> None:
    before = graph(service("a", need("b", line=7), need("c", line=8)), service("b"), service("c"))
    after = graph(service("a", need("b", line=9, share=share("0.5"))), service("b"), service("c"))
    assert [(change.kind, str(change.place)) for change in diff(before, after)] == [
        (ChangeKind.CHANGED, "truetier.yaml:9:1"),
        (ChangeKind.REMOVED, "truetier.yaml:8:1"),
    ]


def test_what_a_service_says_is_compared_key_by_key() -> None:
    before = graph(service("a", tier="T2", layer=1))
    after = graph(
        service("a", tier="T1", owner="me", cells=4, external=True, budget=timedelta(seconds=1), availability=availability("0.99"))
    )
    assert told(before, after) == [
        "~ service a tier: T2 > T1",
        "~ service a promise: 99.9% > 99.99%",
        "~ service a availability: None > 99%",
        "~ service a owner: None > me",
        "~ service a layer: 1 > None",
        "~ service a budget: None > 1s",
        "~ service a cells: 1 > 4",
        "~ service a external: no > yes",
    ]


def test_a_changed_tier_table_changes_the_promises() -> None:
    made = fleet(service("a", tier="T2"))
    other = made._replace(tiers=TierTable((Tier("T2", availability("0.995")),)))
    assert told(build(made), build(other)) == [
        "~ tier T2 target: 99.9% > 99.5%",
        "~ tier T2 rank: 2 > 0",
        "- tier T0",
        "- tier T1",
        "- tier T3",
        "- tier T4",
        "~ service a promise: 99.9% > 99.5%",
    ]


def test_placement_is_told_in_one_line() -> None:
    pair = Placement(
        (("east", 1), ("west", 1)),
        evidence(),
        availability("0.999"),
        share("0.2"),
        mode=PlacementMode.ACTIVE_PASSIVE,
        failover=Failover(timedelta(seconds=90), share("0.95")),
    )
    plain = Placement((("east", 3),), evidence(), affinity=Affinity.ZONE)
    (change,) = diff(graph(service("a", placement=plain)), graph(service("a", placement=pair)))
    assert change.before == "east: 3; active-active, 2 needed, affinity zone"
    assert change.after == (
        "east: 1, west: 1; active-passive, 1 needed, affinity any; one copy 99.9%; common cause 20%; failover 1m30s for 95%"
    )
    assert told(graph(service("a", placement=plain)), graph(service("a"))) == [f"~ service a placement: {change.before} > None"]


def test_a_need_that_turns_soft_changes_its_class_and_what_makes_it_soft() -> None:
    assert told(graph(service("a", "b")), graph(service("a", soft("b", "cached")))) == [
        "~ edge a -> b class: hard > soft",
        "~ edge a -> b timeout: None > 1s",
        "~ edge a -> b fallback: None > cached; staleness 30m; availability 100%; coverage 100%",
    ]


def test_a_need_that_turns_hard_because_a_budget_elsewhere_changed_is_a_change() -> None:
    before = graph(service("x", "a"), service("a", soft("b")))
    waiting = need("a")._replace(targets=(Target("a", timedelta(milliseconds=500)),))
    after = graph(service("x", waiting), service("a", soft("b")))
    assert told(before, after) == ["~ edge x -> a timeout: None > 500ms", "~ edge a -> b class: soft > hard"]


def test_phase_mode_share_condition_and_broker_are_compared() -> None:
    before = graph(service("a", need("b", share=share("0.5"), condition="big")), service("q"))
    after = graph(service("a", later("b", broker="q", phases=("start", "serve"))), service("q"))
    assert told(before, after) == [
        "~ edge a -> b class: hard > async",
        "~ edge a -> b mode: sync > async",
        "~ edge a -> b phase: serve > serve start",
        "~ edge a -> b share: 50% > 100%",
        "~ edge a -> b condition: big > None",
        "~ edge a -> b broker: None > q",
    ]


def test_a_stand_in_is_told_by_name() -> None:
    changes = told(graph(service("a", soft("b")), service("c")), graph(service("a", soft("b", "stand-in", stand_in="c"))))
    assert changes == [
        "~ edge a -> b fallback: static; availability 100%; coverage 100% > stand-in; service c; availability 100%; coverage 100%"
    ]


def test_members_of_a_group_are_told_apart_only_where_they_differ() -> None:
    def pair(*timeouts: int | None) -> Graph:
        targets = tuple(
            Target(name, None if seconds is None else timedelta(seconds=seconds)) for name, seconds in zip("bc", timeouts, strict=True)
        )
        return graph(service("a", group(1, "b", "c")._replace(targets=targets)))

    assert told(pair(1, 1), pair(2, 2)) == ["~ edge a -> any of b, c timeout: 1s > 2s"]
    assert told(pair(1, 1), pair(1, None)) == [
        "~ edge a -> any of b, c class: 1 of 2 > 2 of 2",
        "~ edge a -> any of b, c timeout: 1s > b: 1s, c: none",
    ]


def test_several_needs_on_one_callee_are_matched_in_their_order() -> None:
    before = graph(service("a", need("b"), need("b", share=share("0.5"))))
    after = graph(service("a", need("b"), need("b", share=share("0.4")), need("b")))
    assert told(before, after) == ["~ edge a -> b share: 50% > 40%", "+ edge a -> b"]


def test_the_same_need_of_another_endpoint_is_another_edge() -> None:
    before = graph(service("a", endpoints=(endpoint("x", "0.5", "b"), endpoint("y", "0.5"))))
    after = graph(service("a", endpoints=(endpoint("x", "0.4"), endpoint("y", "0.6", "b", tier="T1"))))
    assert told(before, after) == [
        "~ endpoint a/x share: 50% > 40%",
        "~ endpoint a/y tier: None > T1",
        "~ endpoint a/y share: 50% > 60%",
        "+ edge a -> b",
        "- edge a -> b",
    ]


def test_domains_and_journeys_are_compared() -> None:
    before = graph(service("a"), domains=[Domain("east", "region", evidence(3))], journeys=[journey("buy", "a", tier="T1", users="0.5")])
    after = graph(
        service("a"),
        service("b"),
        domains=[Domain("east", "cell", evidence(3), availability("0.999"), timedelta(hours=2)), Domain("west", "region")],
        journeys=[journey("buy", "a", (1, ("a", "b")))],
    )
    assert told(before, after) == [
        "~ domain east kind: region > cell",
        "~ domain east availability: None > 99.9%",
        "~ domain east mttr: None > 2h",
        "+ domain west",
        "+ service b",
        "~ journey buy tier: T1 > None",
        "~ journey buy succeeds: a > a; 1 of a, b",
        "~ journey buy users: 50% > None",
    ]
    assert [change.place for change in diff(before, after) if change.name == "west"] == [None]


def test_every_kind_of_subject_has_a_word() -> None:
    assert {subject.value for subject in Subject} == {"tier", "domain", "service", "endpoint", "edge", "journey"}
