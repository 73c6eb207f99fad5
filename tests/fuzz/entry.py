"""One input through the whole house, as `truetier check FILE` would take it, or `truetier observe FILE` as far as to the spans on disk."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from truetier.app.check import check
from truetier.errors import CatalogError, SourceError
from truetier.report import json, markdown, terminal
from truetier.sources.traces import read_traces
from truetier.telemetry.spool import Spool

_DATA = Path(__file__).resolve().parent.parent / "data"
CORPORA = {"catalog": _DATA / "fuzz", "traces": _DATA / "fuzz_traces"}
DAY = date(2026, 11, 23)
LARGEST = 100_000  # bytes; time and memory of larger inputs have tests of their own


def feed(content: bytes, folder: Path) -> bool:
    """Whether the input is usable; every error but a refusal leaves as the bug it is."""
    if len(content) > LARGEST:
        return False
    file = folder / "input.yaml"
    file.write_bytes(content)
    try:
        document = check((str(file),), as_of=DAY)
    except (CatalogError, SourceError):
        return False
    for renderer in (json, markdown, terminal):
        renderer.render(document)
    return True


def feed_traces(content: bytes, folder: Path) -> bool:
    """Whether there are spans in it; what is read has to be what is used and what is skipped."""
    if len(content) > LARGEST:
        return False
    file = folder / "input"
    file.write_bytes(content)
    spool = Spool(str(folder / "spool"), 1, 2**62)
    try:
        read_traces((str(file),), spool)
    except SourceError:
        return False
    finally:
        counts = spool.close().counts
        shutil.rmtree(folder / "spool")
    assert counts.read == counts.used + sum(counts.skipped.values())
    return bool(counts.used)
