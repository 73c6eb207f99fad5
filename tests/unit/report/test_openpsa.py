"""The fault tree says the same numbers as our own engine, or nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.unit.report.documents import AS_OF, evidence, fleet_of, hostile_document, login_document, need, rich_document, service
from truetier.availability.assess import assess
from truetier.catalog.model import (
    Affinity,
    Domain,
    Endpoint,
    Failover,
    Fallback,
    FallbackKind,
    Fleet,
    Mode,
    Need,
    Placement,
    PlacementMode,
    Service,
    Target,
)
from truetier.errors import UsageError
from truetier.graph.build import build
from truetier.report.openpsa import fault_tree, render
from truetier.units import Availability, Share

if TYPE_CHECKING:
    from pathlib import Path


def availability(number: str) -> Availability:
    return Availability(Decimal(number))


def group(required: int, *names: str) -> Need:
    return Need(tuple(map(Target, names)), evidence(), required=required, is_group=True)


def soft(name: str, kind: FallbackKind = FallbackKind.STATIC, stand_in: str | None = None) -> Need:
    staleness = timedelta(minutes=30) if kind is FallbackKind.CACHED else None
    fallback = Fallback(kind, staleness, stand_in, availability("0.9"), Share(Decimal("0.8")))
    return Need((Target(name, timedelta(milliseconds=1)),), evidence(), fallback=fallback)


def conditional(name: str, condition: str | None, share: str = "0.3") -> Need:
    return Need((Target(name),), evidence(), share=Share(Decimal(share)), condition=condition)


def placed(of: Service, own: str | None, affinity: Affinity = Affinity.ANY, required: int | None = None) -> Service:
    copies = (("r1/a", 2), ("r2", 1))
    stated = None if own is None else availability(own)
    return of._replace(placement=Placement(copies, evidence(), availability=stated, need=required, affinity=affinity))


DOMAINS = {
    "r1": Domain("r1", "region", evidence(), availability("0.999")),
    "r2": Domain("r2", "region", evidence(), availability("0.998")),
    "r1/a": Domain("r1/a", "zone", evidence(), availability("0.995")),
}

DIAMOND = fleet_of(
    service("A", None, need("B"), need("C"), availability="0.9999"),
    service("B", None, need("D"), availability="0.9999"),
    service("C", None, need("D"), availability="0.9999"),
    service("D", None, availability="0.999"),
)
MITIGATED = fleet_of(
    service("g", None, group(2, "x", "y", "z"), availability="0.99"),
    service("x", None, availability="0.9"),
    service("y", None, need("x"), availability="0.95"),
    service("z", None, availability="1"),
    service("s", None, soft("x"), soft("x"), soft("g", FallbackKind.STAND_IN, "y"), availability="0.999"),
    service("c", None, conditional("x", "big"), conditional("y", "big"), conditional("g", None, "0.5"), availability="1"),
    service("m", None, Need((Target("x"),), evidence(), mode=Mode.ASYNC, broker="y"), need("g", mode=Mode.ASYNC), availability="0.99"),
)
PLACED = fleet_of(
    placed(service("p", None, need("x")), "0.97"),
    placed(service("q", None, need("p")), "0.95", Affinity.REGION, 2),
    placed(service("w", None, need("x"), need("q"), availability="0.999"), None, Affinity.REGION),
    placed(service("e", None, need("p")), "0.9", Affinity.ZONE),
    service("x", None, availability="0.99"),
)._replace(
    domains=DOMAINS,
)
FLEETS = {"login": login_document().fleet, "diamond": DIAMOND, "mitigated": MITIGATED, "placed": PLACED}


class Model:
    """A fault tree read back from XML and worked out state by state."""

    def __init__(self, text: str) -> None:
        root = ET.fromstring(text)
        self.gates = {gate.get("name", ""): gate[-1] for gate in root.iter("define-gate")}
        self.labels = {gate.findtext("label", ""): gate.get("name", "") for gate in root.iter("define-gate")}
        self.numbers = {event.get("name", ""): float(event[-1].get("value", "nan")) for event in root.iter("define-basic-event")}

    def probability(self, label: str) -> float:
        """Of the top event of that name."""
        top = self.labels[label]
        names = sorted(self._events(top))
        total = 0.0
        for state in product((False, True), repeat=len(names)):
            failed = dict(zip(names, state, strict=True))
            if self._fails(self.gates[top], failed):
                weight = 1.0
                for name, is_failed in failed.items():
                    weight *= self.numbers[name] if is_failed else 1 - self.numbers[name]
                total += weight
        return total

    def _events(self, gate: str) -> set[str]:
        found: set[str] = set()
        waiting, seen = [gate], {gate}
        while waiting:
            for item in self.gates[waiting.pop()].iter():
                name = item.get("name", "")
                if item.tag == "basic-event":
                    found.add(name)
                elif item.tag == "gate" and name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return found

    def _fails(self, formula: ET.Element, failed: dict[str, bool]) -> bool:
        match formula.tag:
            case "basic-event":
                return failed[formula.get("name", "")]
            case "gate":
                return self._fails(self.gates[formula.get("name", "")], failed)
            case "constant":
                return formula.get("value") == "true"
            case tag:
                least = {"or": 1, "and": len(formula)}.get(tag) or int(formula.get("min", "0"))
                return sum(self._fails(item, failed) for item in formula) >= least


@pytest.mark.parametrize("name", FLEETS)
def test_every_top_event_has_the_probability_of_our_own_engine(name: str) -> None:
    graph = build(FLEETS[name])
    model = Model(fault_tree(graph))
    for subject in assess(graph, AS_OF).services.values():
        assert subject.delivered.down is not None
        assert model.probability(subject.name) == pytest.approx(subject.delivered.down, rel=1e-12, abs=1e-15)


def test_login_and_the_diamond_have_their_golden_values() -> None:
    assert Model(render(login_document())).probability("login") == pytest.approx(0.0020988001, rel=1e-12)
    assert 1 - Model(fault_tree(build(DIAMOND))).probability("A") == pytest.approx(0.9987003, abs=5e-8)


@pytest.mark.parametrize("name", FLEETS)
def test_an_independent_fault_tree_engine_agrees(name: str, tmp_path: Path) -> None:
    scram = shutil.which("scram")
    if scram is None:
        pytest.skip("needs the program scram")
    graph = build(FLEETS[name])
    model = tmp_path / "fleet.xml"
    model.write_text(fault_tree(graph))
    done = subprocess.run([scram, "--probability", "1", "--bdd", str(model)], capture_output=True, text=True, check=True)
    found = dict(re.findall(r'<sum-of-products name="([^"]+)"[^>]* probability="([^"]+)"', done.stdout))
    for subject in assess(graph, AS_OF).services.values():
        assert float(found[subject.name]) == pytest.approx(subject.delivered.down, rel=1e-5)  # it prints six digits


def test_names_become_identifiers_and_stay_readable() -> None:
    text = render(hostile_document())
    names = [item.get("name", "") for item in ET.fromstring(text).iter() if item.get("name")]
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*", name) for name in names)
    assert "&lt;script&gt;" in text
    assert "<script" not in text


def test_names_that_differ_in_case_or_signs_alone_stay_apart() -> None:
    names = ["a", "A", "a b", "a_b", "a--b", "-", "1", "", "日本", "a down", "x" * 300]
    text = fault_tree(build(fleet_of(*(service(name, None, availability="0.9") for name in names))))
    root = ET.fromstring(text)
    for kind in ("define-gate", "define-basic-event"):
        found = [item.get("name", "").lower() for item in root.iter(kind)]
        assert len(found) == len(set(found))


def refusal(fleet: Fleet) -> str:
    with pytest.raises(UsageError) as caught:
        fault_tree(build(fleet))
    return str(caught.value)


def test_what_a_fault_tree_cannot_say_is_refused_all_reasons_at_once() -> None:
    standby = Placement(
        (("r1", 1), ("r2", 1)),
        evidence(),
        availability=availability("0.9"),
        mode=PlacementMode.ACTIVE_PASSIVE,
        failover=Failover(timedelta(seconds=90)),
    )
    drawn = (
        Endpoint("buy", evidence(), share=Share(Decimal("0.1")), needs=(need("x"),)),
        Endpoint("look", evidence(), share=Share(Decimal("0.9"))),
    )
    message = refusal(
        fleet_of(
            service("x", None, availability="0.9"),
            service("unknown"),
            service("cached", None, soft("x", FallbackKind.CACHED), availability="0.9"),
            service("standby")._replace(placement=standby),
            service("drawn", None, availability="0.9")._replace(endpoints=drawn),
        )
    )
    assert "unknown: its availability is unknown; state it" in message
    assert "cached -> x: a cached fallback ends with the age of the data" in message
    assert "standby: active-passive copies fail over after a time" in message
    assert "drawn/buy: a request draws one endpoint" in message


def test_cycles_are_refused_by_the_names_in_them() -> None:
    message = refusal(
        fleet_of(
            service("a", None, need("b"), availability="0.9"),
            service("b", None, need("a"), availability="0.9"),
            service("c", None, need("a"), availability="0.9"),
        )
    )
    assert "these need each other, and a fault tree has no cycles" in message
    assert "c ->" not in message


def test_a_long_list_of_reasons_is_cut() -> None:
    message = refusal(fleet_of(*(service(f"s{number}") for number in range(100))))
    assert message.endswith("and 80 more")


def test_a_document_that_cannot_be_said_is_refused_too() -> None:
    with pytest.raises(UsageError, match="mailer: its availability is unknown"):
        render(rich_document())


def test_endpoints_without_shares_are_all_needed() -> None:
    parts = (Endpoint("one", evidence(), needs=(need("x"),)), Endpoint("two", evidence(), needs=(need("y"),)))
    fleet = fleet_of(
        service("s", None, availability="0.99")._replace(endpoints=parts),
        service("x", None, availability="0.9"),
        service("y", None, availability="0.8"),
    )
    assert Model(fault_tree(build(fleet))).probability("s") == pytest.approx(1 - 0.99 * 0.9 * 0.8)


def test_a_chain_of_ten_thousand_is_written() -> None:
    count = 10_000
    chain = [
        service(f"s{number}", None, *([need(f"s{number + 1}")] if number + 1 < count else []), availability="0.999")
        for number in range(count)
    ]
    assert fault_tree(build(fleet_of(*chain))).count("<define-gate") == 2 * count
