"""What changed between two catalogs, and what it does to what each service delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.availability.assess import assess
from truetier.graph.build import build
from truetier.graph.diff import diff
from truetier.graph.hardness import Reading
from truetier.report.diff import Difference, Move

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from truetier.availability.estimate import Assessment
    from truetier.catalog.model import Fleet


def difference(before: Fleet, after: Fleet, *, as_of: date, trust: Reading = Reading.TRUSTING) -> Difference:
    """The changes between two fleets and the subjects whose availability, tier or verdict they move."""
    old, new = build(before), build(after)
    was, now = assess(old, as_of, reading=trust), assess(new, as_of, reading=trust)
    moves = (
        *_moves(was.services, now.services, trust),
        *_moves(was.journeys, now.journeys, trust),
        *_moves(was.endpoints, now.endpoints, trust),
    )
    return Difference(trust, diff(old, new), moves)


def _moves(before: Mapping[str, Assessment], after: Mapping[str, Assessment], trust: Reading) -> Iterator[Move]:
    """Subjects of both fleets that moved, then new ones, then those that are gone."""
    for name, now in after.items():
        was = before.get(name)
        if was is not None and (_judged(was, trust) != _judged(now, trust) or was.verdict is not now.verdict):
            yield Move(was, now)
    yield from (Move(None, now) for name, now in after.items() if name not in before)
    yield from (Move(was, None) for name, was in before.items() if name not in after)


def _judged(subject: Assessment, trust: Reading) -> object:
    return subject.verified if trust is Reading.VERIFIED else subject.delivered
