"""Many violations of one rule at once, as columns: a large fleet has too many of some to make an object of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from truetier.audit.finding import Violation
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from truetier.audit.finding import Severity
    from truetier.errors import Place

    _Said = TypeVar("_Said", str, str | None, tuple[str, ...])


def _nothing(_: int) -> None:
    """What is said of every row where a rule says nothing."""


def _no_text(_: int) -> str:
    return ""


def _no_names(_: int) -> tuple[str, ...]:
    return ()


class Violations(NamedTuple):
    """The subjects, and of each row, when it is asked for, what ``Violation`` says under the same name.

    A column that is there already is handed over as its ``__getitem__``.
    """

    subjects: Sequence[str]
    message: Callable[[int], str]
    place: Callable[[int], Place | None] = _nothing
    path: Callable[[int], tuple[str, ...]] = _no_names
    minutes: Callable[[int], float | None] = _nothing
    severity: Callable[[int], Severity | None] = _nothing
    fix: Callable[[int], str | None] = _nothing
    discriminator: Callable[[int], str] = _no_text
    path_length: Callable[[int], int | None] = _nothing

    def violation(self, row: int) -> Violation:
        """One of them by itself; what takes words is worked out when it is asked for."""
        return Violation(
            self.subjects[row],
            partial(self.message, row),
            self.place(row),
            partial(self.path, row),
            self.minutes(row),
            self.severity(row),
            partial(self.fix, row),
            self.discriminator(row),
            self.path_length(row),
        )


def gathered(said: Sequence[Violation]) -> Violations:
    """Single ones as columns."""
    if not said:
        return Violations((), _no_text)
    subjects, messages, places, paths, minutes, severities, fixes, discriminators, lengths = zip(*said, strict=True)
    return Violations(
        subjects,
        _told(messages),
        places.__getitem__,
        _told(paths),
        minutes.__getitem__,
        severities.__getitem__,
        _told(fixes),
        discriminators.__getitem__,
        lengths.__getitem__,
    )


def _told(column: Sequence[_Said | Callable[[], _Said]]) -> Callable[[int], _Said]:
    """Each row of a column, some of which may come as functions."""
    if not any(map(callable, column)):
        return column.__getitem__  # type: ignore[return-value]  # none is a function

    def told(row: int) -> _Said:
        said = column[row]
        return said() if callable(said) else said

    return told
