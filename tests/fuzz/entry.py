"""One input through the whole house: as `truetier check FILE` would take it, `truetier observe FILE` as far as to the spans on disk, or
the receiver as far as to what it would store."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from tests.unit.sources.traces.sinks import kept
from truetier.app.check import check
from truetier.app.receive import sift_with
from truetier.errors import CatalogError, SourceError
from truetier.report import json, markdown, terminal
from truetier.sources.traces import otlp_protobuf, read_traces
from truetier.telemetry.receiver.answers import RefusedError
from truetier.telemetry.receiver.unpacking import ENCODINGS, unpacked
from truetier.telemetry.spool import Spool

_DATA = Path(__file__).resolve().parent.parent / "data"
CORPORA = {
    "catalog": _DATA / "fuzz",
    "traces": _DATA / "fuzz_traces",
    "receiver": _DATA / "fuzz_receiver",
    "snapshots": _DATA / "fuzz_snapshots",
}
DAY = date(2026, 11, 23)
_SIFT = sift_with(())
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


def feed_receiver(content: bytes, _folder: Path) -> bool:
    """Whether spans would be stored; observe has to find all of them in what is. The first byte says how the others are packed."""
    if not content or len(content) > LARGEST:
        return False
    encoding = ("", *ENCODINGS)[content[0] // 2 % 3]
    try:
        found = _SIFT(unpacked(content[1:], encoding), bool(content[0] % 2))
    except (RefusedError, SourceError):
        return False
    read = kept(otlp_protobuf.read, found.content)
    assert (len(read.rows), read.skipped.total()) == (found.accepted, 0)
    return bool(found.accepted)
