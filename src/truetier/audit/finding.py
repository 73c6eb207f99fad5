"""What a rule says, and what becomes of it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from truetier.errors import Place


class Severity(Enum):
    """How bad, worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    rank: int  # 0 for the worst

    def __init__(self, _: str) -> None:
        self.rank = len(type(self).__members__)  # those before it


class Violation(NamedTuple):
    """One place where a rule is broken, as the rule reports it.

    ``path`` is the shortest witness, from the subject on; ``minutes`` is what it costs a year, None when unknown;
    ``severity`` only where it differs from the rule's; ``discriminator`` tells apart two violations of one subject;
    ``path_length`` only where the path is longer than what is given of it.
    """

    subject: str
    message: str
    place: Place | None = None
    path: tuple[str, ...] = ()
    minutes: float | None = None
    severity: Severity | None = None
    fix: str | None = None
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
    subject: str
    message: str
    fix: str
    path: tuple[str, ...]  # at most 50 names
    path_length: int
    minutes_per_year: float | None
    place: Place | None
    identity: tuple[str, ...]  # code, subject, discriminator, and a number where a rule cannot tell two findings apart
    is_new: bool = True
    is_waived: bool = False

    @property
    def fingerprint(self) -> str:
        """The identity as 16 hexadecimal digits: neither line nor number is in it."""
        from hashlib import sha256

        return sha256("\0".join(self.identity).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def blocks(self, fail_on: Severity | None) -> bool:
        """Whether the finding fails a gate set at that severity: new, not waived, and at least as bad."""
        return fail_on is not None and self.is_new and not self.is_waived and self.severity.rank <= fail_on.rank
