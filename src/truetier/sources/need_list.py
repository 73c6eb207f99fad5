"""The needs that one service's configuration shows: one need for each callee, however often it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Hardness, Need, Phase, Target

if TYPE_CHECKING:
    from truetier.errors import Place

_MOST_REASONS = 5  # named in one detail; the rest is counted


class _Found:
    __slots__ = ("phases", "place", "reasons")

    def __init__(self, place: Place | None) -> None:
        self.place = place
        self.phases: set[Phase] = set()
        self.reasons: dict[str, None] = {}


class NeedList:
    """Collects what one caller names, in the order it is written; each hardness has its own need."""

    __slots__ = ("_found", "_source", "caller")

    def __init__(self, caller: str, source: str) -> None:
        self.caller = caller
        self._source = source
        self._found: dict[tuple[str, Hardness | None], _Found] = {}

    def add(self, callee: str, phase: Phase, reason: str, place: Place | None, *, hardness: Hardness | None = Hardness.UNKNOWN) -> None:
        """Note that the caller names the callee; naming itself is no dependency, nor is a name left empty."""
        if callee in ("", self.caller):
            return
        found = self._found.setdefault((callee, hardness), _Found(place))
        found.phases.add(phase)
        found.reasons[reason] = None

    def needs(self) -> tuple[Need, ...]:
        """The needs in the order they were first named; each says every reason and stands where the first is written."""
        return tuple(self._need(callee, hardness, found) for (callee, hardness), found in self._found.items())

    def _need(self, callee: str, hardness: Hardness | None, found: _Found) -> Need:
        evidence = Evidence(Kind.DECLARED, self._source, found.place, _joined(list(found.reasons)))
        return Need((Target(callee),), evidence, hardness=hardness, phases=frozenset(found.phases))


def _joined(reasons: list[str]) -> str:
    shown = ", ".join(reasons[:_MOST_REASONS])
    return shown if len(reasons) <= _MOST_REASONS else f"{shown} and {len(reasons) - _MOST_REASONS} more"
