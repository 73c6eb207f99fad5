"""Learns from telemetry: who calls whom, what a failure of each does, and how often services fail by themselves."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from truetier.errors import NothingToReadError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from truetier.catalog.model import SkippedInput
    from truetier.telemetry.observation import Observation
    from truetier.telemetry.spool import Spooled

_SPANS_OF_A_PART = 1_500_000
_BYTES_OF_A_SPAN = 120  # of a compressed trace file, about; a part may be several times as large as that and still fit
_MOST_PARTS = 256
_READ = "read.json"  # what was read, written when all of it was


def observe(  # noqa: PLR0913 - one for each thing a person says on the command line
    paths: Sequence[str],
    *,
    latest_ns: int,
    memory: str = "1GB",
    engine: str = "duckdb",
    work: str | None = None,
    is_sampled_by_outcome: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Observation:
    """What the traces below those paths show. ``latest_ns`` is now; ``memory`` what the engine may take beside the readers.

    ``engine`` is one that telemetry/engines.py knows. ``work`` is a folder where what was read and counted stays, so that a run that
    was interrupted goes on; a cluster has to see it under the same path.
    Raises UsageError when the extra ``telemetry`` is not installed or the engine cannot be had, SourceError when a path cannot be
    read or holds no traces.
    """
    try:
        from truetier.sources.traces import trace_files
        from truetier.telemetry.engines import engine_called, is_cluster
        from truetier.telemetry.mining import mine
        from truetier.telemetry.observation import observation
    except ModuleNotFoundError as error:
        raise UsageError(f"observe needs {error.name}: install truetier[telemetry]") from error

    if work is None and is_cluster(engine):
        raise UsageError(f"{engine} works on files that it sees under the same path: name a folder for them with --work")
    files = [file for path in paths for file in trace_files(path) if os.path.isfile(file)]
    with _folder(work, files) as folder:
        running = engine_called(engine, memory=memory, spill=os.path.join(folder, "spill"))
        try:
            spooled, unread = _spooled(paths, files, folder, latest_ns, progress)
            mined = mine(spooled, running, progress=progress)
        finally:
            running.close()
    return observation(mined, spooled.counts, unread, is_sampled_by_outcome=is_sampled_by_outcome)


def observe_metrics(  # noqa: PLR0913 - the same
    address: str,
    *,
    begin: int,
    end: int,
    indicators: Sequence[tuple[str, str, str]] = (),
    token: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Observation:
    """What a Prometheus server shows between two times, in seconds since 1970.

    ``indicators`` are services with two queries each, for all requests and for those that failed.
    Raises UsageError when the extra ``telemetry`` is not installed, SourceError when the server cannot be asked or has nothing.
    """
    try:
        from truetier.sources.prometheus import Indicator, read_prometheus
    except ModuleNotFoundError as error:
        raise UsageError(f"observe needs {error.name}: install truetier[telemetry]") from error
    told = [Indicator(*indicator) for indicator in indicators]
    return read_prometheus(address, begin=begin, end=end, indicators=told, token=token, progress=progress)


@contextmanager
def _folder(work: str | None, files: Sequence[str]) -> Iterator[str]:
    """Where spans and sums go: for good below ``work``, by what the files are; else until the end."""
    if work is None:
        with tempfile.TemporaryDirectory(prefix="truetier-") as folder:
            yield folder
        return
    folder = os.path.join(work, _digest(files))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{work}: cannot work there: {error.strerror}") from error
    yield folder


def _digest(files: Sequence[str]) -> str:
    """One text for the same files, unchanged, read by the same version and counted by the same steps."""
    from hashlib import blake2b

    from truetier import __version__
    from truetier.telemetry.mining import digest_of_plan

    known = [(os.path.abspath(file), os.path.getsize(file), os.stat(file).st_mtime_ns) for file in files]
    return blake2b(json.dumps([__version__, digest_of_plan(), known]).encode(), digest_size=10).hexdigest()


def _spooled(
    paths: Sequence[str], files: Sequence[str], folder: str, latest_ns: int, progress: Callable[[int, int], None] | None
) -> tuple[Spooled, tuple[SkippedInput, ...]]:
    """All spans on disk, and the files that hold none; those that an earlier run has read are not read again."""
    from truetier.catalog.model import SkippedInput
    from truetier.sources.traces import read_traces
    from truetier.telemetry.spool import Counts, Spool, Spooled

    spans, read = os.path.join(folder, "spool"), os.path.join(folder, _READ)
    if os.path.exists(read):
        with open(read, encoding="utf-8") as file:
            known = json.load(file)
        spooled = Spooled(spans, tuple(known["parts"]), Counts(*known["counts"]), tuple(known["doubled"]))
        return spooled, tuple(SkippedInput(*item) for item in known["unread"])
    spool = Spool(spans, _parts(files), latest_ns)
    unread = tuple(read_traces(paths, spool, progress=progress))
    spooled = spool.close()
    if not spooled.parts:
        reasons = "".join(f"; {reason}: {count:,}" for reason, count in spooled.counts.skipped.items())
        raise NothingToReadError(f"no spans in {', '.join(paths)}{reasons}")
    with open(f"{read}.part", "w", encoding="utf-8") as file:
        known = {"parts": spooled.parts, "counts": spooled.counts, "doubled": spooled.doubled, "unread": [list(item) for item in unread]}
        json.dump(known, file)
    os.replace(f"{read}.part", read)
    return spooled, unread


def _parts(files: Sequence[str]) -> int:
    """A power of two: so many parts that each holds about a million spans."""
    size = sum(map(os.path.getsize, files))
    parts = 1
    while parts < _MOST_PARTS and parts * _SPANS_OF_A_PART * _BYTES_OF_A_SPAN < size:
        parts *= 2
    return parts
