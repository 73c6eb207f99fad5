"""Formulas over unknowns that are still to be solved: what structure.py writes and fixed_point.py solves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL = -1


class Unknown(NamedTuple):
    """One unknown: a service, at an age (microseconds; FULL for full(s)), as seen from one place (kind and path)."""

    service: str
    age: int = 0
    place: tuple[str, str] | None = None


class AllOf(NamedTuple):
    """Every item holds."""

    items: tuple[Formula, ...]


class AtLeast(NamedTuple):
    """At least ``required`` items hold."""

    required: int
    items: tuple[Formula, ...]


Formula = int | Unknown | AllOf | AtLeast


def unknowns(formula: Formula) -> Iterator[Unknown]:
    """Every unknown the formula mentions, as often as it does."""
    waiting = [formula]
    while waiting:  # a generator inside another for each item would take most of the time
        item = waiting.pop()
        if isinstance(item, Unknown):
            yield item
        elif not isinstance(item, int):
            waiting.extend(reversed(item.items))


def conjuncts(formula: Formula) -> Iterator[Unknown]:
    """The unknowns that must hold in any case."""
    match formula:
        case Unknown():
            yield formula
        case AllOf(items):
            for item in items:
                yield from conjuncts(item)
        case AtLeast(required, items) if required == len(items):
            for item in items:
                yield from conjuncts(item)
        case _:
            pass


def has_soft_inside(formula: Formula, members: set[Unknown]) -> bool:
    """Whether some unknown of the cycle stands where it is not needed in any case."""
    match formula:
        case AllOf(items):
            return any(has_soft_inside(item, members) for item in items)
        case AtLeast(required, items) if required < len(items):
            return any(other in members for other in unknowns(formula))
        case AtLeast(_, items):
            return any(has_soft_inside(item, members) for item in items)
        case _:
            return False
