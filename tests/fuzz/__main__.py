"""Coverage-guided fuzzing: `make fuzz`. A crash is written to the corpus, where it stays as a test.

Usage: python -m tests.fuzz SECONDS catalog|traces|receiver|snapshots
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["truetier", "truetier_runtime"]):
    from tests.fuzz.entry import CORPORA, feed, feed_receiver, feed_traces
    from tests.fuzz.snapshots import SEEDS, feed_snapshots
    from tests.unit.sources.traces.samples import FILES


def main(seconds: str, what: str) -> None:
    """Fuzzes for so many seconds; what is new and harmless goes to a folder that is thrown away."""
    feeder = {"catalog": feed, "traces": feed_traces, "receiver": feed_receiver, "snapshots": feed_snapshots}[what]
    corpus = CORPORA[what]
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch, "found")
        found.mkdir()
        seeds = {"traces": [content for _, content, _ in FILES.values()], "snapshots": SEEDS}
        for number, content in enumerate(seeds.get(what, ())):
            (found / str(number)).write_bytes(content)
        arguments = [sys.argv[0], f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]
        arguments += [f"-artifact_prefix={corpus}/", "-print_final_stats=1", str(found), str(corpus)]
        atheris.Setup(arguments, lambda content: feeder(bytes(content), Path(scratch)) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:3])
