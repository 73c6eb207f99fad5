"""A whole audit of generated fleets beside networkx, rustworkx and a plain compiled bitset: CPU of alternating runs in one process.

Usage: .venv/bin/python benchmarks/fleet.py [--quick] [--json FILE]

Prints tables; ``--quick`` leaves out networkx and the largest fleets. Every answer is compared before a time counts: a faster
result that is wrong ends the run. Peak memory is that of a process that reads the edges from a file and audits them.
"""

from __future__ import annotations

import gc
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import fleet_audits

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

HERE = Path(__file__).resolve().parent
RUNS = {1_000: 11, 10_000: 7, 100_000: 3, 1_000_000: 1}
LARGEST_PEERS = {"truetier": 1_000_000, "plain bitset": 100_000, "rustworkx": 10_000, "networkx": 10_000}
PEER_RUNS = {"truetier": 99, "plain bitset": 99, "rustworkx": 3, "networkx": 1}
AT_A_MILLION = ("governed", "layered")


class Timing(NamedTuple):
    """CPU seconds of all runs of one tool on one fleet."""

    tool: str
    seconds: list[float]

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.seconds)


def main() -> None:
    """Measures, then prints or writes what was found."""
    if sys.argv[1:2] == ["--memory"]:
        _audit_a_file(sys.argv[2], int(sys.argv[3]))
        return
    found = measure(is_quick="--quick" in sys.argv)
    print(tables(found))
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def measure(*, is_quick: bool = False) -> dict[str, object]:
    """Everything there is to report, ready for JSON."""
    from fleet_generator import PROFILES  # here, for the process whose memory is measured does not need its libraries

    with tempfile.TemporaryDirectory() as folder:
        plain = compiled_plain_bitset(Path(folder))
        fleets = []
        for profile in PROFILES:
            for services in RUNS:
                if services == 1_000_000 and (is_quick or profile not in AT_A_MILLION):
                    continue
                fleets.append(_measured(profile, services, plain, is_quick=is_quick))
                print(f"{profile}, {services:,} services: done", file=sys.stderr)
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    versions = {name: metadata.version(name) for name in ("networkx", "rustworkx", "numpy", "cython")}
    return {"machine": machine, "versions": versions, "fleets": fleets}


def compiled_plain_bitset(folder: Path) -> ModuleType:
    """The yardstick as an extension module, compiled as the kernels are."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    extension = Extension("plain_bitset", [str(HERE / "plain_bitset.py")], extra_compile_args=["-ffp-contract=off"])
    made = Distribution({"ext_modules": cythonize([extension], build_dir=str(folder), include_path=[str(HERE.parent / "src")], quiet=True)})
    command = made.get_command_obj("build_ext")
    command.build_lib = command.build_temp = str(folder)
    command.ensure_finalized()
    command.run()
    sys.path.insert(0, str(folder))
    module = import_module("plain_bitset")
    if not module.IS_COMPILED:
        raise SystemExit("the yardstick was not compiled")
    return module


def fleet_of(profile: str, services: int) -> fleet_audits.Fleet:
    """A generated fleet as arrays of Python's own."""
    from fleet_generator import generate

    made = generate(services, profile)
    numbers = (array("i", column.astype("int32").tobytes()) for column in (made.callers, made.callees, made.tiers))
    return fleet_audits.Fleet(services, *numbers, array("d", made.down.tobytes()))


def _measured(profile: str, services: int, plain: ModuleType, *, is_quick: bool) -> dict[str, object]:
    fleet = fleet_of(profile, services)
    audits: dict[str, Callable[[], Callable[[], fleet_audits.Answers]]] = {
        "truetier": partial(fleet_audits.of_truetier, fleet),
        "plain bitset": partial(fleet_audits.of_plain_bitset, plain, fleet),
        "rustworkx": partial(fleet_audits.of_rustworkx, fleet),
        "networkx": partial(fleet_audits.of_networkx, fleet),
    }
    tools = [tool for tool in audits if services <= LARGEST_PEERS[tool] and not (is_quick and tool == "networkx" and services > 1_000)]
    timings = {tool: Timing(tool, []) for tool in tools}
    reference = audits["truetier"]()()
    for run in range(RUNS[services]):
        for tool in tools:
            if run < PEER_RUNS[tool]:
                timings[tool].seconds.append(_timed(audits[tool], tool, reference))
    closure = sum(reference.needs[0])
    del reference
    return {
        "profile": profile,
        "services": services,
        "edges": len(fleet.callers),
        "closure": closure / services,
        "seconds": {tool: timing.seconds for tool, timing in timings.items()},
        "peak": _peak(fleet),
    }


def _timed(audit: Callable[[], Callable[[], fleet_audits.Answers]], tool: str, reference: fleet_audits.Answers) -> float:
    gc.collect()
    before = time.process_time()
    answers = audit()
    spent = time.process_time() - before
    if tool != "truetier" and (wrong := fleet_audits.difference(reference, answers())) is not None:
        raise SystemExit(f"{tool} answers otherwise: {wrong}")
    return spent


def _peak(fleet: fleet_audits.Fleet) -> int:
    """Bytes that a process takes at most to read the edges and audit them."""
    with tempfile.NamedTemporaryFile() as file:
        for column in fleet[1:]:
            column.tofile(file)
        file.flush()
        command = [sys.executable, __file__, "--memory", file.name, str(fleet.services)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return int(done.stdout)


def _audit_a_file(path: str, services: int) -> None:
    edges = (os.path.getsize(path) - services * 12) // 8
    columns = array("i"), array("i"), array("i"), array("d")
    with open(path, "rb") as file:
        for column, length in zip(columns, (edges, edges, services, services), strict=True):
            column.fromfile(file, length)
    fleet_audits.of_truetier(fleet_audits.Fleet(services, *columns))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def tables(found: dict[str, object]) -> str:
    """What was measured, as Markdown."""
    lines = [
        f"CPU of one core; {found['machine']}; median (least to most) of alternating runs, milliseconds.",
        "",
        "| profile | services | hard edges | mean closure | truetier | plain bitset | rustworkx | networkx | growth | peak memory |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    before: dict[str, float] = {}
    for fleet in found["fleets"]:
        seconds, profile = fleet["seconds"], fleet["profile"]
        own = statistics.median(seconds["truetier"])
        growth = math.log10(own / before[profile]) if profile in before and fleet["services"] > 1_000 else None
        before[profile] = own
        cells = [profile, f"{fleet['services']:,}", f"{fleet['edges']:,}", f"{fleet['closure']:,.0f}", _milliseconds(seconds["truetier"])]
        cells += [_beside(seconds.get(tool), own) for tool in ("plain bitset", "rustworkx", "networkx")]
        cells += ["" if growth is None else f"{growth:.2f}", f"{fleet['peak'] / 2**20:,.0f} MiB"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _beside(seconds: list[float] | None, own: float) -> str:
    return "not run" if seconds is None else f"{_milliseconds(seconds)}, {statistics.median(seconds) / own:,.1f} times"


def _milliseconds(seconds: list[float]) -> str:
    low, middle, high = (f"{1000 * value:,.1f}" for value in (min(seconds), statistics.median(seconds), max(seconds)))
    return middle if len(seconds) == 1 else f"{middle} ({low} to {high})"


if __name__ == "__main__":
    main()
