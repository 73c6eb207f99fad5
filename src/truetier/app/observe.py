"""Learns from telemetry: who calls whom, what a failure of each does, and how often services fail by themselves."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from truetier.errors import NothingToReadError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier.telemetry.observation import Observation

_SPANS_OF_A_PART = 1_200_000
_BYTES_OF_A_SPAN = 120  # of a compressed trace file, about; a part may be several times as large as that and still fit
_MOST_PARTS = 256


def observe(
    paths: Sequence[str],
    *,
    latest_ns: int,
    memory: str = "1GB",
    is_sampled_by_outcome: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Observation:
    """What the traces below those paths show. ``latest_ns`` is now; ``memory`` what the engine may take beside the readers.

    Raises UsageError when the extra ``telemetry`` is not installed, SourceError when a path cannot be read or holds no traces.
    """
    try:
        from truetier.sources.traces import read_traces, trace_files
        from truetier.telemetry.engines import DuckDB
        from truetier.telemetry.mining import mine
        from truetier.telemetry.observation import observation
        from truetier.telemetry.spool import Spool
    except ModuleNotFoundError as error:
        raise UsageError(f"observe needs {error.name}: install truetier[telemetry]") from error

    with tempfile.TemporaryDirectory(prefix="truetier-") as folder:
        files = [file for path in paths for file in trace_files(path) if os.path.isfile(file)]
        spool = Spool(os.path.join(folder, "spool"), _parts(files), latest_ns)
        inputs = read_traces(paths, spool, progress=progress)
        spooled = spool.close()
        if not spooled.parts:
            reasons = "".join(f"; {reason}: {count:,}" for reason, count in spooled.counts.skipped.items())
            raise NothingToReadError(f"no spans in {', '.join(paths)}{reasons}")
        engine = DuckDB(memory=memory, spill=os.path.join(folder, "spill"))
        try:
            mined = mine(spooled, engine, progress=progress)
        finally:
            engine.close()
    return observation(mined, spooled.counts, inputs, is_sampled_by_outcome=is_sampled_by_outcome)


def _parts(files: Sequence[str]) -> int:
    """A power of two: so many parts that each holds about a million spans."""
    size = sum(map(os.path.getsize, files))
    parts = 1
    while parts < _MOST_PARTS and parts * _SPANS_OF_A_PART * _BYTES_OF_A_SPAN < size:
        parts *= 2
    return parts
