"""Every benchmark in turn, written to docs/performance.md.

Usage: .venv/bin/python benchmarks/performance.py [--nthlayer PROGRAM] [--trees FOLDER] [--only TITLE]...
What is not there, the peer's program or the folder of fault trees, is left out and said so on the page.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from measure import machine

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
INTRODUCTION = """\
# Performance

Written by `make bench` on one machine, each section in one run: {machine}. CPU seconds of whole processes
unless said otherwise; medians of runs that take turns, with the least and the most. Trust the ratios: what else the machine does
falls on both sides. Every timed answer is compared with its peer's, or with a sum worked out apart; a faster answer that is
wrong counts as none.
"""


class Section(NamedTuple):
    """One benchmark: what the page says of it, and the command behind it; None where something is missing."""

    title: str
    words: str
    command: tuple[str, ...] | None
    is_table: bool


def main() -> None:
    """Runs them; the page is written anew after each, so that what has ended is kept."""
    parser = argparse.ArgumentParser(description="Every benchmark in turn, written to docs/performance.md.")
    parser.add_argument("--nthlayer", type=Path, help="the program of nthlayer-generate 2.1.2")
    parser.add_argument("--trees", type=Path, help="a folder of fault trees in Open-PSA XML")
    parser.add_argument("--only", action="append", metavar="TITLE", help="run these sections alone and keep what the page says of others")
    given = parser.parse_args()
    there = sections(given.nthlayer, given.trees)
    if unknown := set(given.only or ()) - {section.title for section in there}:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(section.title for section in there)}")
    texts = _texts(PAGE.read_text(encoding="utf-8")) if given.only else {}
    for section in there:
        if given.only is None or section.title in given.only:
            print(section.title, file=sys.stderr)
            texts[section.title] = f"{section.words}\n\n{_result(section)}"
            told = [f"## {each.title}\n\n{texts[each.title]}" for each in there if each.title in texts]
            PAGE.write_text("\n".join([INTRODUCTION.format(machine=machine()), *told]), encoding="utf-8")


def _texts(page: str) -> dict[str, str]:
    """What a page says under each title."""
    _, *parts = page.split("\n## ")
    return {title: text.strip("\n") + "\n" for title, _, text in (part.partition("\n") for part in parts)}


def sections(nthlayer: Path | None, trees: Path | None) -> list[Section]:
    """What there is to run."""
    return [
        Section(
            "Fault trees",
            "Against SCRAM 0.16.2 (`--bdd --probability 1 --limit-order 1`, and `--importance 1 --limit-order 3`), on trees of the\n"
            "Aralia set.",
            ("fault_trees.py", str(trees)) if trees is not None and trees.is_dir() else None,
            is_table=True,
        ),
        Section(
            "Whole fleets",
            "Cycles with witnesses, availability over all that is needed, blast radius, worst tier and nearest inversion, costliest\n"
            "needs: for every service of generated fleets with the degrees that Meta published (ATC 2023), in one process, beside\n"
            "libraries asked the same.",
            ("fleet.py",),
            is_table=True,
        ),
        Section(
            "A large catalog",
            "`truetier check --format json`, findings and positions included, beside what PyYAML's C loader needs to parse the same bytes.",
            ("large_catalog.py",),
            is_table=False,
        ),
        Section(
            "Small fleets",
            "`truetier check` beside a simulation of the same fleet by nthlayer-generate 2.1.2, and long ladders of diamonds beside two\n"
            "services.",
            ("nthlayer.py", str(nthlayer), "3") if nthlayer is not None and nthlayer.exists() else None,
            is_table=True,
        ),
        Section("Simulated years", "10,000 years of 20 journeys, beside the same in vectorised numpy.", ("simulation.py",), is_table=False),
        Section(
            "Telemetry",
            "Mining generated spans whose truth is known, beside a scan of the ten columns of the span table, pandas and plain Python.\n"
            "What bounds it: the joins of calls with the requests they became and with those they were made for.",
            ("mining.py",),
            is_table=False,
        ),
        Section(
            "Telemetry, 50 million spans",
            "The same at five times the size, in a process of its own. What bounds it: one part of the spans at a time is in memory.",
            ("mining.py", "large"),
            is_table=False,
        ),
        Section(
            "Reading spans",
            "OTLP to columns, beside plain scripts. What bounds it: making Python's objects, of texts above all.",
            ("otlp_json.py",),
            is_table=False,
        ),
        Section(
            "Guards",
            "The full guard (deadline, bulkhead, breaker, retry budget, fallback, exact counts) around a call that does nothing, beside\n"
            "pybreaker and circuitbreaker, which have a breaker alone. What bounds it: calls of functions, and two looks at the clock.",
            ("guards.py",),
            is_table=False,
        ),
        Section(
            "Guards, in cases that breakers get wrong",
            "The same cases are tests of ours: runtime/tests/test_probes.py.",
            ("guard_probes.py",),
            is_table=True,
        ),
        Section(
            "Snapshots",
            "A value of a running snapshot beside one of a plain dictionary, and beside one flag of OpenFeature with flagd in file mode;\n"
            "our provider for OpenFeature beside flagd's, both around flagd's own evaluation; and what a new document takes. Answers for\n"
            "500 users were compared. What bounds it: a look at a slot and one through a read-only view; of a flag, OpenFeature's client.",
            ("snapshot_reads.py",),
            is_table=False,
        ),
        Section(
            "Herds",
            "A server that can do 200 requests/s and is asked for 2,400 by a load process on the other core; and the same where those\n"
            "who fail try again at once, which without the runtime's mechanisms outlasts its trigger. The worst seed is in brackets. 0 s:\n"
            "well from the first second after the trigger; inf: not within twice the trigger and four seconds.",
            ("herd.py", "--seeds", "20"),
            is_table=True,
        ),
        Section(
            "Tokens, while their issuer is not well",
            "Good tokens, verified with keys that are a moment older than PyJWKClient was told to keep them. The same cases, and\n"
            "attacks, are tests of ours: runtime/tests/test_tokens.py and test_token_keys.py. Our poller asks at its own pace, early at\n"
            "most every ten seconds.",
            ("token_probes.py",),
            is_table=True,
        ),
        Section(
            "Receiving spans",
            "`truetier receive` beside an nginx that only stores bodies. What bounds it: Python's event loop, and of a large request the\n"
            "walk over its spans; to wait for the disk costs little, since requests that come meanwhile are committed together.",
            ("receiver.py",),
            is_table=False,
        ),
        Section("Starting", "Whole commands beside the imports they cannot do without.", ("start_up.py",), is_table=False),
    ]


def _result(section: Section) -> str:
    if section.command is None:
        return "Not run: its input or its peer is not there.\n"
    name, *arguments = section.command
    command = (sys.executable, str(HERE / name), *arguments)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own scripts
    if done.returncode:
        raise SystemExit(f"{name} failed; the page ends before it")
    return done.stdout if section.is_table else f"```text\n{done.stdout}```\n"


if __name__ == "__main__":
    main()
