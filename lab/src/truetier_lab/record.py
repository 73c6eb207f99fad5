"""The small recorded example: a lab that runs for some seconds while everything fails once in every way that stops an answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from truetier_lab.fleet import running
from truetier_lab.load import run
from truetier_lab.place import CATALOG
from truetier_lab.schedule import Fault, FaultMode, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 4.0  # requests of each journey in a second
CALM = 20.0  # so that a few failed calls of each edge decide
_WARM_UP = 3.0  # seconds, in which caches fill
_LASTS, _PAUSE = 3.4, 0.4  # seconds, of each fault and after it
_MODES = (FaultMode.REFUSE, FaultMode.BLACKHOLE)
# At once only what fails different journeys, or parts that are asked all the same.
_TOGETHER = (
    ("catalog", "stock"),
    ("reviews", "ads", "fraud"),
    ("recommendations", "warehouse", "settings"),
    ("pricing",),
    ("payments",),
    ("postgresql",),
    ("redis",),
)


def everything_once() -> Schedule:
    """Each target but those who serve journeys, refused and then swallowed."""
    faults, at = [], _WARM_UP
    for mode in _MODES:
        for victims in _TOGETHER:
            faults += [Fault(victim, mode, round(at, 3), round(at + _LASTS, 3)) for victim in victims]
            at += _LASTS + _PAUSE
    return Schedule(round(at + _PAUSE, 3), tuple(faults))


def record(folder: str) -> None:
    """Writes the catalog and the spans of such a run into the folder, to be read by observe and check."""
    with tempfile.TemporaryDirectory(prefix="truetier-lab-") as lab:
        with running(lab, calm=CALM) as place:
            asyncio.run(run(place, everything_once(), rate=RATE))
        os.makedirs(os.path.join(folder, "traces"), exist_ok=True)
        shutil.copy(CATALOG, os.path.join(folder, CATALOG.name))
        packed = gzip.compress("".join(_lines(Path(place.traces))).encode(), mtime=0)
    Path(folder, "traces", "spans.jsonl.gz").write_bytes(packed)


def _lines(traces: Path) -> Iterator[str]:
    """The spans of every service on one line: what they have in common is then packed best."""
    for file in sorted(traces.glob("*.jsonl")):
        batches = [json.loads(line)["resourceSpans"] for line in file.read_text().splitlines()]
        resources = [resource for batch in batches for resource in batch]
        if not resources:
            continue
        first = resources[0]
        spans = [span for resource in resources for scope in resource["scopeSpans"] for span in scope["spans"]]
        scope = {**first["scopeSpans"][0], "spans": spans}
        yield json.dumps({"resourceSpans": [{**first, "scopeSpans": [scope]}]}, separators=(",", ":")) + "\n"
