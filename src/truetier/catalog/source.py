"""What every adapter gives: one file's facts as a partial catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from truetier.catalog.model import Domain, Journey, Service, SkippedInput, Waiver
    from truetier.catalog.tier import TierTable


@dataclass(frozen=True, slots=True)
class Contribution:
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


class Source(Protocol):
    """Reads one format. Never decides who is right."""

    name: str

    def collect(self, content: bytes, file: str) -> Contribution | None:
        """The file's facts; None when the file is not in this format. Raises CatalogError when it is and is wrong."""
        ...
