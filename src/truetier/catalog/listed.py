"""Needs kept as columns: those of a large fleet say what few others do not say of another service, and few are ever looked at."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, overload

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Mode, Need, Target
from truetier.catalog.source import OWN_FORMAT
from truetier.errors import Place
from truetier.record import maker

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEED, _TARGET, _EVIDENCE, _PLACE = maker(Need), maker(Target), maker(Evidence), maker(Place)
_DECLARED = (repeat(Kind.DECLARED), repeat(OWN_FORMAT))
_NOWHERE = Evidence(Kind.DECLARED, OWN_FORMAT, None)


class Wording:
    """All that a need on one service says beside whom it asks and where it is written. ``sample`` says it of nobody, nowhere.

    What reads needs keeps one for all that say the same; to tell apart those of two readers, compare the samples.
    """

    __slots__ = ("rest", "sample", "timeout", "tries")

    def __init__(self, need: Need) -> None:
        self.tries = need.targets[0][1:]
        self.rest = need[2:]
        self.sample = Need((Target("", *self.tries),), _NOWHERE, *self.rest)
        self.timeout = None if need.mode is Mode.ASYNC else need.targets[0].timeout


BARE = Wording(Need((Target(""),), _NOWHERE))  # nothing at all


class Wordings(dict[tuple[object, ...], Wording]):
    """What the needs of one reader say, each once."""

    def __init__(self) -> None:
        super().__init__({(*BARE.tries, *BARE.rest): BARE})

    def of(self, need: Need) -> Wording:
        """What the need says, which can be listed."""
        said = (*need.targets[0][1:], *need[2:])
        found = self.get(said)
        if found is None:
            found = self[said] = Wording(need)
        return found


def can_be_listed(need: Need) -> bool:
    """Whether the need asks one service, and nobody else, while requests are served."""
    return not need.is_group and need.at_serve and need.broker is None and (need.fallback is None or need.fallback.service is None)


class ListedNeeds(Sequence[Need]):
    """Needs that one of our own files lists: each asks one of the ``services`` in a wording, at one of ``lines`` and ``columns``.

    ``is_bare`` where they say nothing but whom they ask. Reads like a tuple of needs and equals one; the needs are made when the
    first is asked for.
    """

    __slots__ = ("_made", "columns", "file", "is_bare", "lines", "services", "wordings")

    def __init__(
        self, services: tuple[str, ...], wordings: tuple[Wording, ...], file: str, lines: Sequence[int], columns: Sequence[int]
    ) -> None:
        self.services = services
        self.wordings = wordings
        self.file = file
        self.lines = lines
        self.columns = columns
        self.is_bare = wordings.count(BARE) == len(wordings)
        self._made: tuple[Need, ...] | None = None

    @property
    def _needs(self) -> tuple[Need, ...]:
        if self._made is None:
            targets = map(_TARGET, zip(self.services, *zip(*[wording.tries for wording in self.wordings], strict=True), strict=True))
            places = map(_PLACE, zip(repeat(self.file), self.lines, self.columns))
            evidence = map(_EVIDENCE, zip(*_DECLARED, places, repeat(""), strict=False))
            rests = zip(*[wording.rest for wording in self.wordings], strict=True)
            self._made = tuple(map(_NEED, zip(zip(targets), evidence, *rests, strict=False)))
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
        return self is other or (isinstance(other, (ListedNeeds, tuple)) and self._needs == tuple(other))

    def __hash__(self) -> int:
        return hash(self._needs)

    def __repr__(self) -> str:
        return repr(self._needs)

    def place(self, number: int) -> Place:
        """Where the need of that number is written."""
        return _PLACE((self.file, self.lines[number], self.columns[number]))


def listed(needs: Sequence[Need], file: str, wordings: Wordings) -> Sequence[Need]:
    """The needs that a file of ours lists: as columns where every one can be listed."""
    if not needs or not all(map(can_be_listed, needs)):
        return tuple(needs)
    places = [place for need in needs if (place := need.evidence.place) is not None]
    return ListedNeeds(
        tuple([need.service for need in needs]),
        tuple(map(wordings.of, needs)),
        file,
        [place.line for place in places],
        [place.column for place in places],
    )
