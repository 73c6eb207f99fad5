"""What changed between two fleets, for a person and for a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.graph.diff import ChangeKind
from truetier.record import NamedTuple
from truetier.report import text, wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truetier.availability.estimate import Assessment
    from truetier.graph.diff import Change
    from truetier.graph.hardness import Reading

SCHEMA = "truetier/diff/1"
_SIGNS = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-", ChangeKind.CHANGED: "~"}


class Move(NamedTuple):
    """One subject before and after; None where it is not there."""

    before: Assessment | None
    after: Assessment | None


class Difference(NamedTuple):
    """What the catalogs say differently, and what moves because of it."""

    trust: Reading
    changes: tuple[Change, ...]
    moves: tuple[Move, ...]


def render(difference: Difference) -> str:
    """What changed, then what each service delivers before and after."""
    return "\n".join(_lines(difference)) + "\n"


def render_json(difference: Difference) -> str:
    """The same as JSON, schema ``truetier/diff/1``."""
    import json

    document = {
        "schema": SCHEMA,
        "trust": difference.trust.value,
        "changes": [_change_json(change) for change in difference.changes],
        "delivered": [_move_json(move, difference.trust) for move in difference.moves],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _lines(difference: Difference) -> Iterator[str]:
    if not difference.changes and not difference.moves:
        yield "no difference"
        return
    yield text.plural(len(difference.changes), "change")
    for change in difference.changes:
        yield _change(change)
    yield ""
    yield "nothing moves" if not difference.moves else "delivered"
    for move in difference.moves:
        yield _move(move, difference.trust)


def _change(change: Change) -> str:
    words = f"  {_SIGNS[change.kind]} {change.subject.value} {text.clip(change.name)}"
    if change.key is not None:
        words += f": {text.plain(change.key)} {_value(change.before)} -> {_value(change.after)}"
    return words + (f"  ({text.place_text(change.place)})" if change.place is not None else "")


def _value(value: str | None) -> str:
    return "not stated" if value is None else text.clip(value)


def _move(move: Move, trust: Reading) -> str:
    subject = move.after or move.before
    assert subject is not None, "a move has at least one side"
    sign = "~" if move.before and move.after else "+" if move.after else "-"
    sides = [_side(side, trust) for side in move if side is not None]
    return f"  {sign} {text.clip(subject.name)}: {' -> '.join(sides)}"


def _side(subject: Assessment, trust: Reading) -> str:
    estimate, tier = wording.judged(subject, trust)
    return f"{wording.tier_text(tier)} {wording.availability_of(estimate)} ({subject.verdict.value})"


def _change_json(change: Change) -> Mapping[str, object]:
    place = change.place
    return {
        "kind": change.kind.value,
        "subject": change.subject.value,
        "name": change.name,
        "key": change.key,
        "before": change.before,
        "after": change.after,
        "location": None if place is None else {"file": place.file, "line": place.line, "column": place.column},
    }


def _move_json(move: Move, trust: Reading) -> Mapping[str, object]:
    subject = move.after or move.before
    assert subject is not None, "a move has at least one side"
    return {
        "name": subject.name,
        "kind": subject.kind.value,
        "before": None if move.before is None else _side_json(move.before, trust),
        "after": None if move.after is None else _side_json(move.after, trust),
    }


def _side_json(subject: Assessment, trust: Reading) -> Mapping[str, object]:
    estimate, tier = wording.judged(subject, trust)
    return {"low": estimate.up_low, "value": estimate.up, "high": estimate.up_high, "tier": tier, "verdict": subject.verdict.value}
