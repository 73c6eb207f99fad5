"""What there is to say of one top event: its probability, what it hangs on, what brings it about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.fault_tree.cut_sets import NotCoherentError, cut_sets
from truetier.availability.fault_tree.program import Program
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from truetier.availability.fault_tree.cut_sets import CutSets
    from truetier.availability.value import Value
    from truetier.catalog.fault_tree import Chance, FaultTree


class Importance(NamedTuple):
    """How much a top event hangs on one event. With Q = P(top), q = P(event), Q1 and Q0 = P(top) where it surely does, or does not, happen.

    birnbaum = Q1 - Q0; criticality = q birnbaum / Q, which is what Fussell and Vesely's measure is taken as here (by probability,
    1 - Q0 / Q, not by cut sets); risk_achievement = Q1 / Q; risk_reduction = Q / Q0, None where Q0 is 0; diagnostic = P(event | top).
    Source: Rauzy and Dutuit, Exact and truncated computations of prime implicants, 1997; Birnbaum 1969.
    """

    event: str
    birnbaum: float
    criticality: float
    risk_achievement: float
    risk_reduction: float | None
    diagnostic: float


class Analysis(NamedTuple):
    """One top event of one model. ``importance`` and ``cut_sets`` are None where nobody asked, or ``why_not`` says why there are none."""

    file: str
    model: str
    top: str
    gates: int
    events: int
    nodes: int
    probability: Value
    importance: tuple[Importance, ...] | None
    cut_sets: CutSets | None
    why_not: tuple[str, ...]


def analyse(tree: FaultTree, top: str, file: str, *, importance: bool, order: int | None) -> Analysis:
    """Analyses one top event. ``order``: the most events of a cut set; None for no cut sets."""
    program = Program(tree, top)
    why_not: list[str] = []
    ranking = sets = None
    if importance and program.is_exact:
        ranking = _ranked(program, tree)
    elif importance:
        why_not.append("no importance: the tree is too large to be solved exactly")
    if order is not None:
        try:
            sets = cut_sets(program, tree.events, order)
        except NotCoherentError:
            why_not.append("no cut sets: the top happens by an event here and by its contrary there")
        else:
            if sets.order < order:
                why_not.append(f"no cut sets of more than {sets.order} events: there is no diagram to read them from")
    return Analysis(
        file, tree.name, top, len(tree.gates), len(tree.events), program.nodes, program.evaluate(tree.events), ranking, sets, tuple(why_not)
    )


def _ranked(program: Program, tree: FaultTree) -> tuple[Importance, ...]:
    """All events, those that matter most first."""
    top = program.evaluate(tree.events).up_low
    slopes = program.sensitivity(tree.events)
    found = [_importance(name, top, slopes[name], chance) for name, chance in tree.events.items()]
    return tuple(sorted(found, key=lambda each: (-abs(each.criticality), -abs(each.birnbaum))))


def _importance(name: str, top: float, slope: float, chance: Chance) -> Importance:
    surely = top + chance.not_happens * slope
    never = max(0.0, top - chance.happens * slope)
    if top == 0.0:
        return Importance(name, slope, 0.0, 0.0, None, 0.0)
    diagnostic = chance.happens * surely / top
    return Importance(name, slope, chance.happens * slope / top, surely / top, top / never if never else None, diagnostic)
