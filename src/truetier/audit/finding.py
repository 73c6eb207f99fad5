"""What a rule says, and what becomes of it."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from truetier.errors import ModelError
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import _Hash as HASH
    from typing import TypeVar

    from truetier.errors import Place

    _Said = TypeVar("_Said", str, str | None, tuple[str, ...])

LONGEST_PATH = 50


class Severity(Enum):
    """How bad, worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    rank: int  # 0 for the worst

    def __init__(self, _: str) -> None:
        self.rank = len(type(self).__members__)  # those before it


@cache
def _sha256() -> Callable[[bytes], HASH]:
    """Imported when the first fingerprint is asked for, since it costs start-up time, and not for each of many."""
    from hashlib import sha256

    return sha256


def fingerprint(identity: tuple[str, ...]) -> str:
    """An identity as 16 hexadecimal digits."""
    return _sha256()("\0".join(identity).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def rule_failed(code: str, slug: str, error: Exception) -> ModelError:
    """What is raised when a rule fails, whatever it does wrong: the message must name the rule."""
    return ModelError(f"rule {code} ({slug}) failed: {type(error).__name__}: {error}")


class Violation(NamedTuple):
    """One place where a rule is broken, as the rule reports it.

    ``path`` is the shortest witness, from the subject on; ``minutes`` is what it costs a year, None when unknown;
    ``severity`` only where it differs from the rule's; ``discriminator`` tells apart two violations of one subject;
    ``path_length`` only where the path is longer than what is given of it. What is said of it may come as a function, for
    reports that print a few of many findings.
    """

    subject: str
    message: str | Callable[[], str]
    place: Place | None = None
    path: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    minutes: float | None = None
    severity: Severity | None = None
    fix: str | Callable[[], str | None] | None = None
    discriminator: str = ""
    path_length: int | None = None


class Skipped(NamedTuple):
    """A rule that could not judge a subject (or anything, subject ``*``), and the fact it lacks."""

    subject: str
    reason: str


class SkippedRule(NamedTuple):
    """A skip with the rule's slug."""

    rule: str
    subject: str
    reason: str


class Finding(NamedTuple):
    """A violation with its rule, what names it in every run, and whether it is new or waived."""

    code: str
    slug: str
    severity: Severity
    said: Violation
    identity: tuple[str, ...]  # code, subject, discriminator, and a number where a rule cannot tell two findings apart
    usual_fix: str = ""  # the rule's, where it says nothing of this violation in particular
    is_new: bool = True
    is_waived: bool = False

    @property
    def subject(self) -> str:
        """The service, need or journey it is about."""
        return self.said.subject

    @property
    def message(self) -> str:
        """What is wrong, in one sentence."""
        words = self.said.message
        return words if isinstance(words, str) else self._now(words)

    @property
    def fix(self) -> str:
        """What to do about it."""
        words = self.said.fix
        own = self._now(words) if callable(words) else words
        return self.usual_fix if own is None else own

    @property
    def path(self) -> tuple[str, ...]:
        """The names of the shortest witness, from the subject on; at most 50."""
        return self.whole_path[:LONGEST_PATH]

    @property
    def path_length(self) -> int:
        """How many names the whole path has."""
        return len(self.whole_path) if self.said.path_length is None else self.said.path_length

    @property
    def whole_path(self) -> tuple[str, ...]:
        """All names that the rule gave."""
        path = self.said.path
        return path if isinstance(path, tuple) else self._now(path)

    @property
    def minutes_per_year(self) -> float | None:
        """What it costs; None when nobody knows."""
        return self.said.minutes

    @property
    def place(self) -> Place | None:
        """The line of the catalog that caused it."""
        return self.said.place

    @property
    def fingerprint(self) -> str:
        """The identity as 16 hexadecimal digits: neither line nor number is in it."""
        return fingerprint(self.identity)

    def _now(self, words: Callable[[], _Said]) -> _Said:
        """Raises ModelError when the rule fails at it."""
        try:
            return words()
        except Exception as error:
            raise rule_failed(self.code, self.slug, error) from error

    def __repr__(self) -> str:
        return f"<Finding {self.code} {self.slug}, {self.severity.value}: {self.message}>"

    def blocks(self, fail_on: Severity | None) -> bool:
        """Whether the finding fails a gate set at that severity: new, not waived, and at least as bad."""
        return fail_on is not None and self.is_new and not self.is_waived and self.severity.rank <= fail_on.rank
