"""The recorded samples of every adapter, with what each must give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from truetier.catalog.model import Hardness, Phase
from truetier.sources import compose, kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truetier.catalog.model import Need, Service
    from truetier.catalog.source import Contribution, Source

DATA = Path(__file__).resolve().parent.parent / "data"
SOURCES: dict[str, Source] = {"kubernetes": kubernetes.SOURCE, "compose": compose.SOURCE}


class Sample(NamedTuple):
    """One file of one format."""

    source: str
    path: Path
    expected: dict[str, Any]

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()

    def collected(self) -> Contribution:
        found = SOURCES[self.source].collect(self.content, self.path.name)
        assert found is not None
        return found


def samples() -> list[Sample]:
    """Every file beside which a file of expectations lies."""
    found = []
    for source in SOURCES:
        for expected in sorted((DATA / source).glob("*.expected.json")):
            path = expected.with_name(expected.name.replace(".expected.json", ".yaml"))
            found.append(Sample(source, path, json.loads(expected.read_text(encoding="utf-8"))))
    return found


def row(caller: str, need: Need) -> list[str]:
    """A need as the expectations write it."""
    phases = " ".join(phase.value for phase in Phase if phase in need.phases)
    return [caller, need.service, phases, (need.hardness or Hardness.HARD).value, need.evidence.detail]


def rows(services: Iterable[Service]) -> list[list[str]]:
    """All needs of all services, sorted."""
    return sorted(row(service.name, need) for service in services for need in service.needs)
