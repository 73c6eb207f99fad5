"""Every block of the README and of the pages a reader follows does what it says."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import blocks, environment, matches, run, run_python, steps

if TYPE_CHECKING:
    from tests.docs.pages import Block

REPOSITORY = Path(__file__).resolve().parents[2]
FOLLOWED = ("docs/tutorial.md", "docs/commands.md", "docs/api.md", "docs/runtime.md", "docs/flags-at-scale.md")
LANGUAGES = {"console", "json", "python", "text", "xml", "yaml"}


@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_works_when_followed_from_top_to_bottom(page: str, tmp_path: Path, git: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks((REPOSITORY / page).read_text()):
        where = f"{page}:{block.line}"
        assert block.language in LANGUAGES, where
        if block.title is not None:
            write(block, tmp_path)
        elif block.language == "console":
            follow(block, tmp_path, where)
        elif block.language == "python":
            run_python(block, names, where)


def test_the_environment_of_a_reader_has_the_command(tmp_path: Path) -> None:
    assert environment(tmp_path)["PATH"].startswith(str(tmp_path))
    assert run("truetier --version", tmp_path).startswith("truetier, version ")


def write(block: Block, folder: Path) -> None:
    assert block.title is not None
    file = folder / block.title
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text)


def follow(block: Block, folder: Path, where: str) -> None:
    for step in steps(block.text):
        printed = run(step.command, folder).splitlines()
        while printed and not printed[-1]:
            printed.pop()
        assert "internal error" not in "".join(printed), (where, step.command, printed)
        expected = list(step.printed)
        while expected and not expected[-1]:
            expected.pop()
        if not matches(printed, expected):
            difference = "\n".join(difflib.unified_diff(expected, printed, "the page", "the shell", lineterm=""))
            pytest.fail(f"{where}: $ {step.command}\n{difference}", pytrace=False)
