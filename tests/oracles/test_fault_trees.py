"""Fault trees: by counting states with fractions, by an independent diagram library, by published models."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

import oxidd.bdd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.random_trees import minimal_cut_sets, probability, random_tree
from truetier.availability.fault_tree import pruning
from truetier.availability.fault_tree.cut_sets import NotCoherentError, cut_sets
from truetier.availability.fault_tree.program import Program
from truetier.catalog.fault_tree import Formula, Operator
from truetier.sources.fault_tree import read_fault_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truetier.catalog.fault_tree import FaultTree, Item

SEEDS = st.integers(min_value=0, max_value=10**9)
RARE = 1e-14  # relative error of a rare probability
CASES = 100_000
CHUNKS = 20
NEGATED = (Operator.NAND, Operator.NOR, Operator.NOT, Operator.IFF)


def relative(found: float, exact: Fraction) -> float:
    return float(abs(Fraction(found) - exact) / exact) if exact else float(found != 0)


# -- counting states


@given(SEEDS)
def test_the_probability_is_what_counting_states_gives(seed: int) -> None:
    tree, exact = random_tree(seed)
    value = Program(tree, tree.tops[0]).evaluate(tree.events)
    expected = probability(tree, tree.tops[0], exact)
    assert value.is_exact
    assert relative(value.up_low, expected) < 1e-13
    assert relative(value.down_low, 1 - expected) < 1e-13


@pytest.mark.parametrize("seed", range(300))
def test_a_rare_top_event_keeps_all_its_digits(seed: int) -> None:
    tree, exact = random_tree(seed, events=7, gates=9, rarest=12, coherent=True)
    expected = probability(tree, tree.tops[0], exact)
    value = Program(tree, tree.tops[0]).evaluate(tree.events)
    assert relative(value.up_low, expected) <= RARE
    assert relative(value.down_low, 1 - expected) <= RARE


def test_down_to_ten_to_the_minus_fifty_and_beyond() -> None:
    smallest = Fraction(1)
    for seed in range(300):
        tree, exact = random_tree(seed, events=7, gates=9, rarest=12, coherent=True)
        expected = probability(tree, tree.tops[0], exact)
        smallest = min(smallest, expected or Fraction(1))
    assert smallest < Fraction(1, 10**50)


@given(SEEDS)
def test_birnbaum_is_the_difference_that_an_event_makes(seed: int) -> None:
    tree, exact = random_tree(seed, events=6)
    slopes = Program(tree, tree.tops[0]).sensitivity(tree.events)
    for name in exact:
        sure, never = ({**exact, name: Fraction(1)}, {**exact, name: Fraction(0)})
        expected = probability(tree, tree.tops[0], sure) - probability(tree, tree.tops[0], never)
        assert slopes[name] == pytest.approx(float(expected), rel=1e-11, abs=1e-15)


@given(SEEDS, st.integers(min_value=1, max_value=5))
def test_minimal_cut_sets_are_what_trying_every_set_gives(seed: int, order: int) -> None:
    tree, exact = random_tree(seed, events=7, coherent=True)
    found = cut_sets(Program(tree, tree.tops[0]), tree.events, order)
    assert {frozenset(each.present) for each in found.sets} == minimal_cut_sets(tree, tree.tops[0], list(exact), order)
    assert all(not each.absent for each in found.sets)
    assert len(found.sets) == len({each.present for each in found.sets})


@pytest.mark.parametrize("kept", [1, 3, 5])
def test_what_is_too_large_for_its_nodes_lies_between_its_bounds(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "KEPT", kept)
    open_ = 0
    for seed in range(60):
        tree, exact = random_tree(seed, events=9, gates=14)
        program = Program(tree, tree.tops[0], levels=(6,))
        value = program.evaluate(tree.events)
        happens = probability(tree, tree.tops[0], exact)
        assert value.up_low <= float(happens) * (1 + 1e-12)
        assert value.up_high >= float(happens) * (1 - 1e-12)
        assert value.down_low <= float(1 - happens) * (1 + 1e-12)
        assert value.down_high >= float(1 - happens) * (1 - 1e-12)
        open_ += value.up_high > value.up_low
    assert open_ >= 3  # else nothing was put to the test


@given(SEEDS)
def test_new_numbers_need_no_new_program(seed: int) -> None:
    tree, _ = random_tree(seed)
    other, exact = random_tree(seed + 1)
    value = Program(tree, tree.tops[0]).evaluate(other.events)
    assert value.up_low == pytest.approx(float(probability(tree, tree.tops[0], exact)), rel=1e-13)


# -- an independent library


class ByLibrary:
    """A tree as a diagram of OxiDD, unsimplified, variables in the order of the file."""

    def __init__(self, tree: FaultTree) -> None:
        self._tree = tree
        self._manager = oxidd.bdd.BDDManager(10_000, 10_000, 1)
        self._manager.add_vars(len(tree.events))
        self._functions = {name: self._manager.var(number) for number, name in enumerate(tree.events)}
        self._chances = list(tree.events.values())
        self._known: dict[oxidd.bdd.BDDFunction, float] = {self._manager.true(): 1.0, self._manager.false(): 0.0}

    def probability(self, top: str) -> float:
        return self._probability(self._of(top))

    def _probability(self, function: oxidd.bdd.BDDFunction) -> float:
        if function not in self._known:
            variable, cofactors = function.node_var(), function.cofactors()
            assert variable is not None
            assert cofactors is not None
            chance, (high, low) = self._chances[variable], cofactors
            self._known[function] = chance.happens * self._probability(high) + chance.not_happens * self._probability(low)
        return self._known[function]

    def _of(self, item: Item) -> oxidd.bdd.BDDFunction:
        if isinstance(item, bool):
            return self._manager.true() if item else self._manager.false()
        if isinstance(item, str):
            if item not in self._functions:
                self._functions[item] = self._of(self._tree.gates[item])
            return self._functions[item]
        return self._combined(item, [self._of(each) for each in item.items])

    def _combined(self, formula: Formula, parts: list[oxidd.bdd.BDDFunction]) -> oxidd.bdd.BDDFunction:
        first, last = parts[0], parts[-1]
        match formula.operator:
            case Operator.AND | Operator.NAND:
                found = reduce(and_, parts)
            case Operator.OR | Operator.NOR:
                found = reduce(or_, parts)
            case Operator.NOT | Operator.SAME:
                found = first
            case Operator.XOR | Operator.IFF:
                found = first ^ last
            case Operator.IMPLY:
                found = ~first | last
            case _:
                found = self._at_least(formula.required, parts)
        return ~found if formula.operator in NEGATED else found

    def _at_least(self, required: int, parts: list[oxidd.bdd.BDDFunction]) -> oxidd.bdd.BDDFunction:
        if required <= 0:
            return self._manager.true()
        if required > len(parts):
            return self._manager.false()
        return parts[0].ite(self._at_least(required - 1, parts[1:]), self._at_least(required, parts[1:]))


def assert_the_library_agrees(seed: int) -> None:
    tree, _ = random_tree(seed, events=4 + seed % 9, gates=3 + seed % 11, coherent=seed % 3 == 0)
    found = Program(tree, tree.tops[0]).evaluate(tree.events).up_low
    expected = ByLibrary(tree).probability(tree.tops[0])
    assert abs(found - expected) <= 1e-12 * expected, seed


@pytest.mark.parametrize("seed", range(1000))
def test_an_independent_library_agrees(seed: int) -> None:
    assert_the_library_agrees(seed)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_an_independent_library_agrees_on_a_hundred_thousand_trees(chunk: int) -> None:
    for seed in range(1000 + chunk, 1000 + CASES, CHUNKS):
        assert_the_library_agrees(seed)


# -- published models


def models(shared_data: Path) -> Mapping[str, Mapping[str, float | str]]:
    found: Mapping[str, Mapping[str, float | str]] = json.loads((shared_data / "aralia" / "truth.json").read_text())
    return found


def test_published_models_are_solved_to_twelve_digits(shared_data: Path) -> None:
    wrong = {}
    truth = models(shared_data)
    for name, model in truth.items():
        file = shared_data / "aralia" / str(model["file"])
        tree = read_fault_tree(file.read_bytes(), file.name)
        value = Program(tree, tree.tops[0]).evaluate(tree.events)
        for found, expected in ((value.up_low, model["top_probability"]), (value.down_low, model["complement"])):
            if not value.is_exact or abs(found / float(expected) - 1) > 1e-12:
                wrong[name] = found, expected
    assert wrong == {}
    assert len(truth) == 22


def test_a_published_model_has_the_bounds_of_its_value_where_nodes_run_out(shared_data: Path) -> None:
    truth = models(shared_data)
    for name in ("baobab1", "das9601", "edfpa15p", "elf9601", "edfpa14r"):
        file = shared_data / "aralia" / f"{name}.xml"
        tree = read_fault_tree(file.read_bytes(), file.name)
        value = Program(tree, tree.tops[0], levels=(300,)).evaluate(tree.events)
        expected = float(truth[name]["top_probability"])
        assert value.up_low <= expected * (1 + 1e-12)
        assert value.up_high >= expected * (1 - 1e-12)


def test_a_tree_that_is_not_coherent_has_no_cut_sets(shared_data: Path) -> None:
    file = shared_data / "aralia" / "das9601.xml"
    tree = read_fault_tree(file.read_bytes(), file.name)
    with pytest.raises(NotCoherentError):
        cut_sets(Program(tree, tree.tops[0]), tree.events, 2)
