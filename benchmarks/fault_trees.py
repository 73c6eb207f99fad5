"""Fault trees against SCRAM, whole processes, answers compared.

Usage: .venv/bin/python benchmarks/fault_trees.py FOLDER [RUNS], a folder of Open-PSA models.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from operator import itemgetter
from pathlib import Path

from measure import Cost, Spread, alternating, cost_of, machine, spread

OURS = (sys.executable, "-m", "truetier", "fault-tree")
THEIRS = ("scram", "--bdd", "--probability", "1", "--limit-order", "1")
HARD = 6  # models
IMPORTANCE = ("edf9204", "edfpa14r")
SIX_DIGITS = 1e-5


def main() -> None:
    """Prints the tables."""
    folder, runs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    models = sorted(str(path) for path in folder.glob("*.xml"))
    if shutil.which("scram") is None or not models:
        sys.exit("needs scram (make system-deps) and a folder of models")
    print(f"{machine()}; {runs} alternating runs, medians, CPU seconds\n")
    print("\n".join(one_by_one(models, runs)))
    print("\n" + "\n".join(all_at_once(models, runs)))
    print("\n".join(importance([model for model in models if Path(model).stem in IMPORTANCE], runs)))


def one_by_one(models: list[str], runs: int) -> list[str]:
    """Each model in a process of its own."""
    answers = _ours(models)
    rows: list[tuple[float, float, str]] = []
    for model in models:
        if abs(answers[model] / _theirs(model) - 1) > SIX_DIGITS:
            rows.append((0.0, 0.0, f"| {Path(model).stem} | wrong | | |"))
            continue
        ours, theirs = alternating(runs, lambda model=model: cost_of((*OURS, model)), lambda model=model: _scram(model))  # type: ignore[misc]
        mine, other = spread([cost.cpu for cost in ours]), spread([cost.cpu for cost in theirs])
        ratio = spread([a.cpu / b.cpu for a, b in zip(ours, theirs, strict=True)])
        row = f"| {Path(model).stem} | {mine.median:.3f} | {other.median:.3f} | {_shown(ratio)} |"
        rows.append((mine.median, other.median, row))
    hard = sorted(((mine, other) for mine, other, _ in rows), key=itemgetter(1), reverse=True)[:HARD]
    total = sum(mine for mine, _ in hard) / sum(other for _, other in hard)
    worst = max(mine / other for mine, other in hard)
    return [
        "| model | truetier | SCRAM | ratio |\n|---|---|---|---|",
        *(row for _, _, row in rows),
        "",
        f"The {len(hard)} that take SCRAM longest: summed ratio {total:.2f}, worst {worst:.2f}",
    ]


def all_at_once(models: list[str], runs: int) -> list[str]:
    """All models in one command, against one process for each."""

    def one_each() -> Cost:
        costs = [_scram(model) for model in models]
        return Cost(sum(cost.cpu for cost in costs), sum(cost.wall for cost in costs))

    ours, theirs = alternating(runs, lambda: cost_of((*OURS, *models)), one_each)
    cpu = spread([a.cpu / b.cpu for a, b in zip(ours, theirs, strict=True)])
    wall = spread([a.wall / b.wall for a, b in zip(ours, theirs, strict=True)])
    mine, other = spread([cost.cpu for cost in ours]).median, spread([cost.cpu for cost in theirs]).median
    return [f"All {len(models)} in one command: CPU {mine:.2f} / {other:.2f} = {_shown(cpu)}, wall {_shown(wall)}"]


def importance(models: list[str], runs: int) -> list[str]:
    """All importances, whole processes; SCRAM at order 3. And what they cost us beyond the probability alone."""
    lines = []
    for model in models:
        plain, ours, theirs = alternating(
            runs,
            lambda model=model: cost_of((*OURS, model)),  # type: ignore[misc]
            lambda model=model: cost_of((*OURS, model, "--importance")),  # type: ignore[misc]
            lambda model=model: cost_of(("scram", "--bdd", "--importance", "1", "--limit-order", "3", "-o", "/dev/null", model)),  # type: ignore[misc]
        )
        ratio = spread([a.cpu / b.cpu for a, b in zip(ours, theirs, strict=True)])
        mine, other = spread([cost.cpu for cost in ours]).median, spread([cost.cpu for cost in theirs]).median
        added = spread([(a.cpu - p.cpu) / b.cpu for p, a, b in zip(plain, ours, theirs, strict=True)])
        lines.append(
            f"\nAll importances of {Path(model).stem}: {mine:.3f} / {other:.3f} = {ratio.median:.3f};"
            f" what they add to the probability alone: {added.median:.3f} of SCRAM's time ({added.least:.3f} to {added.most:.3f})"
        )
    return lines


def _shown(ratio: Spread) -> str:
    return f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f})"


def _scram(model: str) -> Cost:
    return cost_of((*THEIRS, "-o", "/dev/null", model))


def _ours(models: list[str]) -> dict[str, float]:
    printed = subprocess.run([*OURS, *models, "--format", "json"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    return {model["file"]: model["probability"] for model in json.loads(printed)["models"]}


def _theirs(model: str) -> float:
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        subprocess.run([*THEIRS, "-o", report.name, model], capture_output=True, check=True)  # noqa: S603
        found = re.search(r'<sum-of-products[^>]* probability="([^"]*)"', Path(report.name).read_text(encoding="utf-8"))
    return float(found[1]) if found else float("nan")


if __name__ == "__main__":
    main()
