"""The README is what a newcomer sees first: every block of it is real."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks, environment, matches, run, steps

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text()
LINK = re.compile(r"\]\(([^)#]+)\)")


def demo() -> str:
    """The command that ``make demo`` runs once everything is installed."""
    recipe = re.search(r"^demo:.*\n\t@(.+)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    return recipe[1].replace("$(BIN)/truetier", "truetier")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what a newcomer's checkout holds and the commands need."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("src", "catalog-examples"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / name)
    return folder


def of(language: str) -> list[Block]:
    return [block for block in blocks(README) if block.language == language]


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {block.language for block in blocks(README)} == {"yaml", "console", "sh"}
    assert sum(line.startswith("```") for line in README.splitlines()) == 2 * len(list(blocks(README)))


def test_the_catalog_shown_is_the_example() -> None:
    (shown,) = of("yaml")
    assert shown.title is not None
    assert shown.text == (REPOSITORY / shown.title).read_text()


def test_make_demo_prints_what_the_readme_shows(checkout: Path) -> None:
    (step,) = next(steps(block.text) for block in of("console") if block.text.startswith("$ make demo\n"))
    printed = run(demo(), checkout).splitlines()
    assert matches(printed, step.printed), "\n".join(difflib.unified_diff(step.printed, printed, "README", "make demo", lineterm=""))
    assert "<svg" in (checkout / "report.html").read_text()


def test_the_commands_do_what_the_readme_shows(tmp_path: Path) -> None:
    for block in of("console"):
        for step in steps(block.text):
            if step.command != "make demo":
                printed = run(step.command, tmp_path).splitlines()
                assert matches(printed, step.printed), (step.command, printed)


def test_the_install_line_installs_a_working_command(checkout: Path, tmp_path: Path) -> None:
    (block,) = of("sh")
    # What the line would download is there already; without it the line works offline, too.
    settings = {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_TARGET": str(tmp_path / "there"), "PIP_QUIET": "1"}
    installing = environment(tmp_path) | settings | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-ec", block.text], cwd=checkout, env=installing, timeout=120, check=True)
    script = tmp_path / "there" / "bin" / "truetier"
    done = subprocess.run(
        [script, "--version"], env=installing | {"PYTHONPATH": str(tmp_path / "there")}, capture_output=True, timeout=60, check=False
    )
    assert done.stdout.startswith(b"truetier, version "), done.stderr


def test_every_link_leads_somewhere() -> None:
    missing = [link for link in LINK.findall(README) if not link.startswith("http") and not (REPOSITORY / link).exists()]
    assert missing == []
