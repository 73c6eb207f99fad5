"""Who says so, where, and until when."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from datetime import date

    from truetier.errors import Place


class Kind(Enum):
    """How a fact came to be known."""

    DECLARED = "declared"
    OBSERVED = "observed"
    INFERRED = "inferred"


class Evidence(NamedTuple):
    """Who says a fact, and where it is written: ``source`` is a format such as ``truetier`` or ``kubernetes``."""

    kind: Kind
    source: str
    place: Place | None
    detail: str = ""


class Verification(NamedTuple):
    """A test that showed a claim to be true; ``until`` is the last day it counts, none means it does not end."""

    by: str
    on: date
    until: date | None

    def holds(self, as_of: date) -> bool:
        """Whether the claim counts as verified on that day."""
        return self.on <= as_of and (self.until is None or as_of <= self.until)


class Claim(NamedTuple):
    """One side of a disagreement."""

    value: str
    evidence: Evidence


class Conflict(NamedTuple):
    """Sources that disagree on one key of one subject; ``used`` is the claim taken until people settle it."""

    subject: str
    key: str
    claims: tuple[Claim, ...]
    used: str


class Assumption(NamedTuple):
    """A value nobody stated, and why it was taken."""

    subject: str
    key: str
    value: str
    why: str
