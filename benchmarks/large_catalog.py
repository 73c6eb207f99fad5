"""What a whole check of 20,000 services and 200,000 needs costs, beside what PyYAML's C loader needs to parse the same bytes.

Usage: .venv/bin/python benchmarks/large_catalog.py [RUNS]
PyYAML is the yardstick alone; it comes with the extra called bench.
"""

from __future__ import annotations

import platform
import random
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Cost, alternating, cost_of, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICES = 20_000
NEEDS_EACH = 10.6  # the mean before those that point past the last service are dropped: 200,000 remain
REACH = 400  # how far ahead a need points, the mean
MOST_NEEDS = 60
TIERS = ("T0", "T1", "T2", "T3")
TIER_WEIGHTS = (3, 17, 40, 40)
TEAMS = 300
PARSE = "import sys, yaml; yaml.load(open(sys.argv[1], 'rb').read(), yaml.CSafeLoader)"
CHECK = ("-m", "truetier", "check", "--format", "json", "--fail-on", "never", "--as-of", "2026-11-26")
BAR, BAR_COMPILED = 0.4, 0.1


def main() -> None:
    """Prints one line for each form of catalog."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    machine = f"Python {platform.python_version()}, {platform.machine()}, PyYAML {version('PyYAML')}"
    print(f"{machine}, {runs} alternating runs; CPU seconds of whole processes, medians")
    with tempfile.TemporaryDirectory() as folder:
        for name, soft in (("needs are names", 0.0), ("65 % are maps with timeout and fallback", 0.65)):
            catalog = Path(folder, "fleet.yaml")
            needs = _write(catalog, soft)
            compiled = Path(folder, "fleet.compiled")
            _cost(["-m", "truetier", "compile", str(catalog), "-o", str(compiled)])
            theirs, from_yaml, from_compiled = alternating(
                runs,
                lambda catalog=catalog: _cost(["-c", PARSE, str(catalog)]),  # type: ignore[misc]
                lambda catalog=catalog: _cost([*CHECK, str(catalog)]),  # type: ignore[misc]
                lambda compiled=compiled: _cost([*CHECK, str(compiled)]),  # type: ignore[misc]
            )
            print(f"{SERVICES:,} services, {needs:,} needs, {catalog.stat().st_size / 1e6:.1f} MB, {name}:")
            _print_ratio("YAML", from_yaml, theirs, BAR)
            _print_ratio("compiled", from_compiled, theirs, BAR_COMPILED)


def _print_ratio(form: str, ours: Sequence[Cost], theirs: Sequence[Cost], bar: float) -> None:
    ratio = spread([mine.cpu / other.cpu for mine, other in zip(ours, theirs, strict=True)])
    mine, other = (spread([cost.cpu for cost in costs]).median for costs in (ours, theirs))
    print(f"    {form:8} {mine:.2f} / {other:.2f} = {ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f}), bar {bar}")


def _cost(arguments: Sequence[str]) -> Cost:
    return cost_of((sys.executable, *arguments))


def _write(file: Path, soft: float) -> int:
    """A layered fleet, each service needing some that come after it; seeded: the same text every time. Gives the number of needs."""
    chance = random.Random(11)  # noqa: S311 - a fleet, not a secret
    written = 0
    with file.open("w", encoding="utf-8") as out:
        out.write("version: 1\nservices:\n")
        for number in range(SERVICES):
            tier = chance.choices(TIERS, TIER_WEIGHTS)[0]
            many = min(int(chance.expovariate(1 / NEEDS_EACH)), MOST_NEEDS)
            ahead = sorted({number + 1 + int(chance.expovariate(1 / REACH)) for _ in range(many)})
            needs = [other for other in ahead if other < SERVICES]
            written += len(needs)
            out.write(f"  service-{number}:\n    tier: {tier}\n    owner: team-{number % TEAMS}\n")
            if needs:
                out.write("    needs:\n")
            for other in needs:
                is_soft = chance.random() < soft
                need = f"{{service: service-{other}, timeout: 100ms, fallback: static}}" if is_soft else f"service-{other}"
                out.write(f"      - {need}\n")
    return written


if __name__ == "__main__":
    main()
