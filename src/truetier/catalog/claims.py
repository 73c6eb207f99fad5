"""Several words on one key: equal ones agree, different ones are a conflict that people must settle."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from truetier.catalog.evidence import Claim, Conflict
from truetier.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier.catalog.evidence import Evidence

Value = TypeVar("Value")


def settled(
    subject: str,
    key: str,
    claims: Sequence[tuple[Value, Evidence]],
    conflicts: list[Conflict],
    *,
    caution: Callable[[Value], float] | None = None,
) -> tuple[Value, Evidence]:
    """The claim to use: the one of least ``caution`` value, else the first; a disagreement is added to ``conflicts``."""
    used = claims[0]
    if all(value == used[0] for value, _ in claims):
        return used
    if caution is not None:
        used = min(claims, key=lambda claim: caution(claim[0]))  # min keeps the first of equals
    distinct: dict[str, Claim] = {}
    for value, evidence in claims:
        text = value_text(value)
        distinct.setdefault(text, Claim(text, evidence))
    conflicts.append(Conflict(subject, key, tuple(distinct.values()), value_text(used[0])))
    return used


def value_text(value: object) -> str:
    """A value as the catalog writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Enum):
        return str(value.value)
    return str(value)
