"""A fault tree as its author wrote it: gates over basic events, and what it is that must not happen."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Operator(Enum):
    """How a formula comes true; named as in the Open-PSA Model Exchange Format."""

    AND = "and"
    OR = "or"
    NOT = "not"
    XOR = "xor"
    NAND = "nand"
    NOR = "nor"
    IFF = "iff"
    IMPLY = "imply"
    AT_LEAST = "atleast"
    SAME = "same"  # a gate that is what it holds


class Formula(NamedTuple):
    """An operator and what it stands over: formulas, names of gates and events, constants. ``required`` is of ``atleast`` alone."""

    operator: Operator
    items: tuple[Item, ...]
    required: int = 0


Item = Formula | str | bool


class Chance(NamedTuple):
    """The probability of a basic event, and of its contrary: each exact where the other is near 1."""

    happens: float
    not_happens: float


class FaultTree(NamedTuple):
    """One model. Every name that a formula holds is a gate or an event; no gate stands below itself."""

    name: str
    gates: Mapping[str, Formula]
    events: Mapping[str, Chance]
    tops: tuple[str, ...]  # gates that no other gate holds, in file order
