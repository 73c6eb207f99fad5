"""What can go wrong, named by who must act."""

from __future__ import annotations

from truetier.record import NamedTuple


class Place(NamedTuple):
    """Where something is written; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Mistake(NamedTuple):
    """One thing wrong with an input, and where."""

    message: str
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class TruetierError(Exception):
    """Base of every error truetier raises on purpose."""


class CatalogError(TruetierError):
    """The catalog is wrong: its author must act. Carries every mistake found, in order of place."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


class SourceError(TruetierError):
    """An input cannot be read at all: whoever named it must act."""


class NothingToReadError(SourceError):
    """All inputs could be looked at, and none of them describes a fleet."""


class ModelError(TruetierError):
    """Two of our own methods disagree: the maintainers must act."""


class UsageError(TruetierError):
    """The command or call makes no sense: the caller must act."""
