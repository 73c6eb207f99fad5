"""Needs that say nothing but whom they ask, kept as columns: most needs of a large fleet are such, and few are ever looked at."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, overload

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Need, Target
from truetier.catalog.source import OWN_FORMAT
from truetier.errors import Place
from truetier.record import maker

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEED, _EVIDENCE, _PLACE = maker(Need), maker(Evidence), maker(Place)
_DECLARED = (repeat(Kind.DECLARED), repeat(OWN_FORMAT))
_DEFAULTS = [repeat(value) for value in Need._field_defaults.values()]


class BareNeeds(Sequence[Need]):
    """Needs that one of our own files lists by name alone: ``services`` are asked there, at ``lines`` and ``columns`` of the file.

    Reads like a tuple of needs and equals one; the needs are made when the first is asked for.
    """

    __slots__ = ("_made", "columns", "file", "lines", "services")

    def __init__(self, services: tuple[str, ...], file: str, lines: Sequence[int], columns: Sequence[int]) -> None:
        self.services = services
        self.file = file
        self.lines = lines
        self.columns = columns
        self._made: tuple[Need, ...] | None = None

    @property
    def _needs(self) -> tuple[Need, ...]:
        if self._made is None:
            targets = ((Target(name),) for name in self.services)
            places = map(_PLACE, zip(repeat(self.file), self.lines, self.columns))
            evidence = map(_EVIDENCE, zip(*_DECLARED, places, repeat(""), strict=False))
            self._made = tuple(map(_NEED, zip(targets, evidence, *_DEFAULTS, strict=False)))
        return self._made

    def __len__(self) -> int:
        return len(self.services)

    def __iter__(self) -> Iterator[Need]:
        return iter(self._needs)

    @overload
    def __getitem__(self, index: int) -> Need: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Need, ...]: ...
    def __getitem__(self, index: int | slice) -> Need | tuple[Need, ...]:
        return self._needs[index]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, (BareNeeds, tuple)) and self._needs == tuple(other))

    def __hash__(self) -> int:
        return hash(self._needs)

    def __repr__(self) -> str:
        return repr(self._needs)

    def place(self, number: int) -> Place:
        """Where the need of that number is written."""
        return _PLACE((self.file, self.lines[number], self.columns[number]))
