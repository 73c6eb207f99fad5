"""What a whole process costs, beside the imports it cannot do without: CPU of alternating runs, medians and ratios.

Usage: .venv/bin/python benchmarks/start_up.py [RUNS]
"""

from __future__ import annotations

import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SERVICES = 200
TIERS = ("T0", "T1", "T2", "T3")
TIER_WEIGHTS = (3, 17, 40, 40)
DOMAINS = "domains: {eu: {availability: 99.999%}, eu/a: {availability: 99.99%}, eu/b: {availability: 99.99%}, eu/c: {availability: 99.99%}}"
COPIES = "placement: {copies: {eu/a: 1, eu/b: 1, eu/c: 1}, availability: 99.9%, need: 2}, "
CACHED = "{kind: cached, staleness: 30m, availability: 99.9%}"


def main() -> None:
    """Prints one line for each command and the imports it is held against."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"Python {platform.python_version()}, {platform.machine()}, {runs} alternating runs; CPU seconds, medians")
    with tempfile.TemporaryDirectory() as folder:
        for name, command, yardstick, bar in _comparisons(Path(folder)):
            ours, theirs = zip(*((_cpu(command), _cpu(["-c", yardstick])) for _ in range(runs)), strict=True)
            ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
            print(
                f"{name:46} {statistics.median(ours):.3f} / {statistics.median(theirs):.3f} = {statistics.median(ratios):.2f}"
                f" ({min(ratios):.2f} to {max(ratios):.2f}), bar {bar}"
            )


def _comparisons(folder: Path) -> list[tuple[str, list[str], str, float]]:
    both = "import click, pydantic"
    found = [("truetier --help", ["-m", "truetier", "--help"], "import click", 1.5)]
    fleets = (
        ("hard needs", _catalog(0.0)),
        ("10 % soft, 10 % async", _catalog(0.1)),
        ("30 % soft, 30 % async", _catalog(0.3)),
        ("10 % each, 40 % in 3 zones", _catalog(0.1, placed=0.4)),
    )
    for number, (name, text) in enumerate(fleets):
        catalog = folder / f"{number}.yaml"
        catalog.write_text(text, encoding="utf-8")
        found.append((f"check: 200 services, {name}", ["-m", "truetier", "check", str(catalog)], both, 2.0))
    return found


def _catalog(soft: float, placed: float = 0.0) -> str:
    """A layered fleet: each service needs some that come soon after it. Seeded: the same text every time."""
    chance = random.Random(7)  # noqa: S311 - a fleet, not a secret
    lines = ["version: 1", DOMAINS, "services:"] if placed else ["version: 1", "services:"]
    for number in range(SERVICES):
        tier = chance.choices(TIERS, TIER_WEIGHTS)[0]
        distances = {1 + int(chance.expovariate(1 / 25)) for _ in range(min(int(chance.expovariate(1 / 4)), 12))}
        needs = [_need(f"s{number + distance}", soft, chance) for distance in sorted(distances) if number + distance < SERVICES]
        copies = COPIES if placed and chance.random() < placed else ""
        lines.append(f"  s{number}: {{tier: {tier}, budget: 800ms, {copies}needs: [{', '.join(needs)}]}}")
    return "\n".join(lines) + "\n"


def _need(name: str, soft: float, chance: random.Random) -> str:
    drawn = chance.random()
    if drawn >= 2 * soft:
        return name
    if drawn >= soft:
        return f"{{service: {name}, mode: async}}"
    return f"{{service: {name}, timeout: 100ms, fallback: {'static' if drawn < soft * 2 / 3 else CACHED}}}"


def _cpu(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
