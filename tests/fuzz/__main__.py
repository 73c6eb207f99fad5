"""Coverage-guided fuzzing: `make fuzz`. A crash is written to the corpus, where it stays as a test."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["truetier"]):
    from tests.fuzz.entry import feed

CORPUS = Path(__file__).resolve().parent.parent / "data" / "fuzz"


def main(seconds: str) -> None:
    """Fuzzes for so many seconds; what is new and harmless goes to a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch, "found")
        found.mkdir()
        arguments = [sys.argv[0], f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]
        arguments += [f"-artifact_prefix={CORPUS}/", "-print_final_stats=1", str(found), str(CORPUS)]
        atheris.Setup(arguments, lambda content: feed(bytes(content), Path(scratch)) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "60")
