"""What every adapter gives: one file's facts as a partial catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from truetier.catalog.observed import NOTHING_OBSERVED, Observed
from truetier.errors import CatalogError
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from truetier.catalog.model import Domain, Journey, Service, SkippedInput, Waiver
    from truetier.catalog.tier import TierTable
    from truetier.errors import Mistake, Place

TELEMETRY = "observe"  # what observe wrote: its classes were seen, whatever timeouts and budgets say
OWN_FORMAT = "truetier"  # what its files say must be right; other formats are taken as far as they go


class Contribution(NamedTuple):
    """What one file says. A service states only what its ``keys`` name; the rest is nobody's word yet."""

    source: str  # the format: truetier, kubernetes, compose
    file: str
    services: tuple[Service, ...] = ()
    domains: tuple[Domain, ...] = ()
    journeys: tuple[Journey, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    tiers: TierTable | None = None
    skipped: tuple[SkippedInput, ...] = ()
    unmatched: tuple[SkippedInput, ...] = ()
    tiers_place: Place | None = None  # where ``tiers`` is written
    observed: Observed = NOTHING_OBSERVED


class PartialCatalogError(CatalogError):
    """A file is wrong. ``contribution`` is what could be read: enough to look for mistakes across files, nothing more."""

    def __init__(self, mistakes: tuple[Mistake, ...], contribution: Contribution) -> None:
        super().__init__(mistakes)
        self.contribution = contribution


class Source(Protocol):
    """Reads one format. Never decides who is right."""

    name: str

    def collect(self, content: bytes, file: str) -> Contribution | None:
        """The file's facts; None when the file is not in this format. Raises CatalogError when it is and is wrong."""
        ...
