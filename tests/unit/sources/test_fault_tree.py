"""Open-PSA fault trees: what is read, and that nothing else is skipped in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetier.catalog.fault_tree import Chance, FaultTree, Formula, Operator
from truetier.errors import CatalogError
from truetier.sources.fault_tree import read_fault_tree

EVERY = Path(__file__).parents[2] / "data" / "fault_tree" / "every.xml"


def read(body: str) -> FaultTree:
    return read_fault_tree(f'<opsa-mef><define-fault-tree name="t">\n{body}\n</define-fault-tree></opsa-mef>'.encode(), "t.xml")


def mistakes(body: str) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        read(body)
    return [str(mistake) for mistake in caught.value.mistakes]


def event(name: str, value: str = "0.1") -> str:
    return f'<define-basic-event name="{name}"><float value="{value}"/></define-basic-event>'


def gate(formula: str, name: str = "top") -> str:
    return f'<define-gate name="{name}">{formula}</define-gate>'


def test_everything_that_is_read_is_read() -> None:
    tree = read_fault_tree(EVERY.read_bytes(), "every.xml")
    assert tree.name == "station"
    assert tree.tops == ("blackout", "alarm")
    assert tree.gates["control"] == Formula(Operator.AT_LEAST, ("controller-1", "controller-2", "controller-3"), 2)
    assert tree.gates["both-feeds"].items[2] == Formula(Operator.NOT, (False,))
    assert tree.gates["siren"] == Formula(Operator.SAME, ("siren-fails",))
    assert tree.events["feed-a"] == Chance(0.01, 0.99)
    assert tree.events["siren-fails"] == Chance(1.0, 1e-19)


def test_a_model_without_model_data_may_define_its_events_beside_the_gates() -> None:
    assert read(gate('<basic-event name="a"/>') + event("a")).events == {"a": Chance(0.1, 0.9)}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (gate('<basic-event name="a"/>'), "a is not defined"),
        (gate("<or/>"), "or without arguments"),
        (gate(""), "expected one formula, found none"),
        (gate('<basic-event name="a"/><basic-event name="a"/>') + event("a"), "expected one formula, found 2"),
        (gate('<not><basic-event name="a"/><basic-event name="a"/></not>') + event("a"), "not takes 1 argument, found 2"),
        (gate('<xor><basic-event name="a"/></xor>') + event("a"), "xor takes 2 arguments, found 1"),
        (gate('<atleast><basic-event name="a"/></atleast>') + event("a"), "atleast without min"),
        (gate('<atleast min="2"><basic-event name="a"/></atleast>') + event("a"), "a whole number from 1 to 1"),
        (gate('<atleast min="-1"><basic-event name="a"/></atleast>') + event("a"), "min is '-1'"),
        (
            gate('<cardinality min="1" max="2"><event name="a"/></cardinality>') + event("a"),
            "cardinality inside define-gate is not read",
        ),
        (gate('<basic-event name="a"/>') + event("a") + event("a"), "a is defined twice, first in line 2"),
        (gate('<basic-event name="a"/>') + event("a", "1.5"), "a probability lies between 0 and 1, found '1.5'"),
        (gate('<basic-event name="a"/>') + event("a", "nan"), "found 'nan'"),
        (gate('<basic-event name="a"/>') + event("a", "x"), "found 'x'"),
        (gate('<basic-event name="a"/>') + '<define-basic-event name="a"/>', "expected one float, found none"),
        (
            gate('<basic-event name="a"/>') + '<define-basic-event name="a"><exponential/></define-basic-event>',
            "the probability of a basic event is read from a float alone, found exponential",
        ),
        (gate('<constant value="maybe"/>'), "a constant is true or false, found 'maybe'"),
        (gate('<gate name="top"/>'), "a gate stands below itself: top -> top"),
        (gate('<gate name="b"/>') + gate('<gate name="top"/>', "b"), "a gate stands below itself: top -> b -> top"),
        (event("a"), "no gate is defined"),
        ('<define-parameter name="p"><float value="1"/></define-parameter>', "define-parameter inside define-fault-tree is not read"),
        ('<define-component name="c"/>', "define-component inside define-fault-tree is not read"),
        ('<define-gate name="top" role="private"><constant value="true"/></define-gate>', "private names are not read"),
        ("<define-gate><constant value='true'/></define-gate>", "define-gate without name"),
        ("<define-gate", "not well-formed XML"),
        (gate("<not>" * 600 + "<constant value='true'/>" + "</not>" * 600), "more than 500 deep"),
    ],
)
def test_what_is_wrong_or_not_understood_is_refused_with_its_place(body: str, message: str) -> None:
    found = mistakes(body)
    assert any(message in each for each in found), found
    assert all(each.startswith("t.xml:") for each in found)


def test_all_mistakes_are_told_at_once_in_order_of_place() -> None:
    found = mistakes(gate('<or><basic-event name="x"/></or>', "b") + "\n" + event("a", "2") + "\n" + gate("<or/>"))
    assert [each.split(":")[1] for each in found] == ["3", "4"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<models/>", "the outermost element is models, expected opsa-mef"),
        (b"", "no element found"),
        (b"\x00\x01", "not well-formed"),
        (b'<!DOCTYPE opsa-mef [<!ENTITY a "b">]><opsa-mef/>', "a document type declaration is not read"),
        (b"<opsa-mef><define-event-tree name='e'/></opsa-mef>", "define-event-tree inside opsa-mef is not read"),
    ],
)
def test_what_is_no_model_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        read_fault_tree(content, "t.xml")


def test_a_long_circle_is_told_shortly() -> None:
    gates = "".join(gate(f'<gate name="g{(number + 1) % 2000}"/>', f"g{number}") for number in range(2000))
    assert "g0 -> g1 -> g2 -> g3 -> ... -> g0" in mistakes(gates)[0]


def test_a_deep_chain_of_gates_is_no_trouble() -> None:
    gates = "".join(gate(f'<gate name="g{number + 1}"/>', f"g{number}") for number in range(20_000))
    assert read(gates + gate('<basic-event name="a"/>', "g20000") + event("a")).tops == ("g0",)
