"""Random fault trees of every operator, and what they are worth by counting states with exact fractions."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from typing import TYPE_CHECKING

from truetier.catalog.fault_tree import Chance, FaultTree, Formula, Operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truetier.catalog.fault_tree import Item

COHERENT = (Operator.AND, Operator.OR, Operator.AT_LEAST)
TWO = (Operator.XOR, Operator.IFF, Operator.IMPLY)
ONE = (Operator.NOT, Operator.SAME)


def random_tree(
    seed: int, *, events: int = 8, gates: int = 8, coherent: bool = False, rarest: int = 2
) -> tuple[FaultTree, dict[str, Fraction]]:
    """A tree, and the exact probabilities of its events: between 10 to the minus ``rarest`` and 1, many of them shared."""
    chance = random.Random(seed)
    exact = {f"e{number}": _fraction(chance, rarest) for number in range(events)}
    made: dict[str, Formula] = {}
    for number in range(gates):
        below = [*exact, *made, *made]  # gates twice: trees shall be deep
        made[f"g{number}"] = _formula(chance, below, coherent=coherent, depth=0)
    top = f"g{gates - 1}"
    chances = {name: Chance(float(q), float(1 - q)) for name, q in exact.items()}
    return FaultTree(f"random {seed}", made, chances, (top,)), exact


def _fraction(chance: random.Random, rarest: int) -> Fraction:
    return Fraction(chance.randint(1, 999), 1000 * 10 ** chance.randint(0, rarest))


def _formula(chance: random.Random, below: Sequence[str], *, coherent: bool, depth: int) -> Formula:
    operator = chance.choice(COHERENT if coherent or chance.random() < 0.6 else tuple(Operator))
    count = 1 if operator in ONE else 2 if operator in TWO else chance.randint(1, 4)
    items: list[Item] = []
    for _ in range(count):
        drawn = chance.random()
        if drawn < 0.15 and depth < 3:
            items.append(_formula(chance, below, coherent=coherent, depth=depth + 1))
        elif drawn < 0.18:
            items.append(chance.random() < 0.5)
        else:
            items.append(chance.choice(below))
    return Formula(operator, tuple(items), chance.randint(1, count) if operator is Operator.AT_LEAST else 0)


def happens(tree: FaultTree, top: str, state: Mapping[str, bool]) -> bool:
    """Whether the top event happens where exactly these basic events do."""
    known: dict[str, bool] = dict(state)

    def of(item: Item) -> bool:
        if isinstance(item, bool):
            return item
        if isinstance(item, str):
            if item not in known:
                known[item] = of(tree.gates[item])
            return known[item]
        return combined(item, [of(each) for each in item.items])

    return of(top)


def combined(formula: Formula, values: Sequence[bool]) -> bool:
    return {
        Operator.AND: all(values),
        Operator.OR: any(values),
        Operator.NAND: not all(values),
        Operator.NOR: not any(values),
        Operator.NOT: not values[0],
        Operator.SAME: values[0],
        Operator.XOR: values[0] != values[-1],
        Operator.IFF: values[0] == values[-1],
        Operator.IMPLY: values[-1] or not values[0],
        Operator.AT_LEAST: sum(values) >= formula.required,
    }[formula.operator]


def states(names: Sequence[str]) -> list[dict[str, bool]]:
    return [dict(zip(names, values, strict=True)) for values in itertools.product((False, True), repeat=len(names))]


def probability(tree: FaultTree, top: str, exact: Mapping[str, Fraction]) -> Fraction:
    """P(top), a sum over all states."""
    total = Fraction(0)
    for state in states(list(exact)):
        if happens(tree, top, state):
            weight = Fraction(1)
            for name, is_up in state.items():
                weight *= exact[name] if is_up else 1 - exact[name]
            total += weight
    return total


def minimal_cut_sets(tree: FaultTree, top: str, names: Sequence[str], order: int) -> set[frozenset[str]]:
    """By trying every set, smallest first."""
    found: set[frozenset[str]] = set()
    for size in range(order + 1):
        for picked in itertools.combinations(names, size):
            together = frozenset(picked)
            if not any(other <= together for other in found) and happens(tree, top, {name: name in together for name in names}):
                found.add(together)
    return found
