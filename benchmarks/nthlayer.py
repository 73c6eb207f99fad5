"""Small fleets against nthlayer-generate 2.1.2, the closest open peer: whole processes; and ladders of diamonds against a fleet of two.

nthlayer simulates; each layer of diamonds doubles its work. The answer held against is the product over the distinct services needed.

Usage: .venv/bin/python benchmarks/nthlayer.py NTHLAYER [RUNS], the peer's program in an environment of its own.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from math import prod
from pathlib import Path
from typing import NamedTuple

from measure import Cost, alternating, cost_of, machine, spread

CHECK = (sys.executable, "-m", "truetier", "check", "--fail-on", "never")
LADDER = 16
LONG_LADDER = 200
SIMULATED = "1000"  # runs: a tenth of what it does when nobody says
LONGEST = 60  # seconds; where paths multiply the peer would take hours, and is only said to take longer
TARGETS = (0.99999, 0.9999, 0.999, 0.99)


class Service(NamedTuple):
    """A service with hard needs."""

    name: str
    availability: float
    needs: tuple[str, ...]


def main() -> None:
    """Prints the table."""
    program, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"{machine()}; {runs} alternating runs, medians, CPU seconds\n")
    print("| fleet | truetier | nthlayer | times faster |\n|---|---|---|---|")
    fleets = (
        ("Login and its three", LOGIN),
        ("random, 50 services", random_fleet(50)),
        ("random, 200 services", random_fleet(200)),
        (f"ladder of {LADDER} diamonds, {len(ladder(LADDER))} services", ladder(LADDER)),
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, fleet) in enumerate(fleets):
            print(against(name, fleet, Path(folder) / str(number), program, runs))
        print("\n" + ladders(Path(folder), runs))


def against(name: str, fleet: list[Service], folder: Path, program: str, runs: int) -> str:
    """One row: check of the fleet against a simulation of its first service."""
    folder.mkdir()
    (folder / "manifests").mkdir()
    catalog = folder / "truetier.yaml"
    catalog.write_text(as_catalog(fleet), encoding="utf-8")
    for service in fleet:
        (folder / "manifests" / f"{service.name}.yaml").write_text(as_manifest(service), encoding="utf-8")
    if not is_right(catalog, fleet):
        return f"| {name} | wrong | | |"
    first = str(folder / "manifests" / f"{fleet[0].name}.yaml")
    theirs_command = (program, "simulate", first, "--manifests-dir", str(folder / "manifests"), "--runs", SIMULATED, "--seed", "1")
    ours, theirs = alternating(runs, lambda: cost_of((*CHECK, str(catalog))), lambda: _cost_whatever_the_exit(theirs_command))
    ratio = spread([b.cpu / a.cpu for a, b in zip(ours, theirs, strict=True)])
    mine, other = spread([cost.cpu for cost in ours]).median, spread([cost.cpu for cost in theirs]).median
    stopped = "stopped after " if any(cost.wall >= LONGEST for cost in theirs) else ""
    return f"| {name} | {mine:.3f} | {stopped}{other:.2f} | {ratio.median:.0f} ({ratio.least:.0f} to {ratio.most:.0f}) |"


def ladders(folder: Path, runs: int) -> str:
    """A long ladder against a fleet of two services."""
    long, short = folder / "long.yaml", folder / "short.yaml"
    long.write_text(as_catalog(ladder(LONG_LADDER)), encoding="utf-8")
    short.write_text(as_catalog(TWO), encoding="utf-8")
    if not is_right(long, ladder(LONG_LADDER)):
        return "ladder: wrong"
    many, two = alternating(3 * runs, lambda: cost_of((*CHECK, str(long))), lambda: cost_of((*CHECK, str(short))))
    ratio = spread([a.cpu / b.cpu for a, b in zip(many, two, strict=True)])
    return f"Ladder of {LONG_LADDER} diamonds / two services: {ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f})"


def is_right(catalog: Path, fleet: list[Service]) -> bool:
    """Whether check says of the first service what the product over all it needs is."""
    printed = subprocess.run([*CHECK, str(catalog), "--format", "json"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    found = next(each for each in json.loads(printed)["services"] if each["name"] == fleet[0].name)
    by_name = {service.name: service for service in fleet}
    needed, waiting = {fleet[0].name}, [fleet[0].name]
    while waiting:
        waiting += [name for name in by_name[waiting.pop()].needs if name not in needed and not needed.add(name)]  # type: ignore[func-returns-value]
    expected = prod(by_name[name].availability for name in needed)
    return abs(found["delivered"]["value"] / expected - 1) < 1e-12


def as_catalog(fleet: list[Service]) -> str:
    """The fleet for truetier."""
    lines = [f"  {each.name}: {{availability: {100 * each.availability:.7g}%, needs: [{', '.join(each.needs)}]}}" for each in fleet]
    return "\n".join(["services:", *lines, ""])


def as_manifest(service: Service) -> str:
    """One service for nthlayer, every need critical."""
    manifest = {
        "apiVersion": "srm/v1",
        "kind": "ServiceReliabilityManifest",
        "metadata": {"name": service.name, "team": "team", "tier": "critical"},
        "spec": {
            "type": "api",
            "slos": {"availability": {"target": round(100 * service.availability, 7)}},
            "dependencies": [{"name": name, "type": "api", "critical": True} for name in service.needs],
        },
    }
    return json.dumps(manifest)  # JSON is YAML


def random_fleet(size: int) -> list[Service]:
    """Services that need some that come after them; seeded."""
    chance = random.Random(size)  # noqa: S311 - a fleet, not a secret
    found = []
    for number in range(size):
        distances = {1 + int(chance.expovariate(1 / 8)) for _ in range(chance.randint(0, 4))}
        needs = tuple(f"s{number + distance}" for distance in sorted(distances) if number + distance < size)
        found.append(Service(f"s{number}", chance.choice(TARGETS), needs))
    return found


def ladder(layers: int) -> list[Service]:
    """Diamonds one below the other, two services a layer: each needs both of the next, so that paths double with every layer."""
    found = []
    for layer in range(layers):
        below = ("left" + str(layer + 1), "right" + str(layer + 1)) if layer + 1 < layers else ("end",)
        found += [Service(f"{side}{layer}", 0.9999, below) for side in ("left", "right")]
    return [*found, Service("end", 0.999, ())]


TWO = [Service("front", 0.9999, ("back",)), Service("back", 0.999, ())]
LOGIN = [
    Service("login", 0.9999, ("user-profile", "fraud-detection")),
    Service("user-profile", 0.999, ()),
    Service("fraud-detection", 0.999, ()),
    Service("notifications", 0.995, ()),
]


def _cost_whatever_the_exit(command: tuple[str, ...]) -> Cost:
    """What it took until it ended or was stopped."""
    return cost_of(("sh", "-c", 'timeout "$@"; code=$?; test $code -le 2 -o $code = 124', "sh", str(LONGEST), *command))


if __name__ == "__main__":
    main()
