"""Reads the blocks of a documentation page and runs them as a reader would, top to bottom, in one empty folder.

    ```yaml title=truetier.yaml     a file the reader writes
    ```console                      lines after ``$ `` are typed, the others are what the shell then prints
    ```python                       pasted one after another, ``>>>`` lines checked

In what a shell prints, a line of three dots stands for any lines, and every date for any other.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCE = re.compile(r"^```(\w+)(?: +title=(\S+))?$")
_DATE = re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b")


class Block(NamedTuple):
    """One fenced block: its language, the file it is (if it is one), the line it starts at, and its text."""

    language: str
    title: str | None
    line: int
    text: str


class Step(NamedTuple):
    """One command and what it must print."""

    command: str
    printed: list[str]


def blocks(page: str) -> Iterator[Block]:
    """Every fenced block that names a language."""
    lines = page.splitlines()
    start = 0
    opening: re.Match[str] | None = None
    for number, line in enumerate(lines, 1):
        if opening is None:
            opening = _FENCE.match(line)
            start = number
        elif line == "```":
            yield Block(opening[1], opening[2], start, "\n".join(lines[start : number - 1]) + "\n")
            opening = None


def steps(console: str) -> list[Step]:
    """The commands of a console block with what follows each; a line that ends in a backslash goes on."""
    found: list[Step] = []
    open_command = False
    for line in console.splitlines():
        if open_command:
            found[-1] = Step(f"{found[-1].command}\n{line}", [])
            open_command = line.endswith("\\")
        elif line.startswith("$ "):
            found.append(Step(line[2:], []))
            open_command = line.endswith("\\")
        else:
            found[-1].printed.append(line)
    return found


def environment(folder: Path) -> dict[str, str]:
    """A reader's environment: the command on the path, a terminal without colours, a git that knows who they are."""
    programs = folder / ".programs"
    programs.mkdir(exist_ok=True)
    launcher = programs / "truetier"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m truetier "$@"\n')
    launcher.chmod(0o755)
    person = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "A Reader"), ("EMAIL", "reader@example.com"))
    }
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GIT_", "TRUETIER_")) and key not in ("NO_COLOR", "FORCE_COLOR")
    }
    return kept | person | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder)}


def run(command: str, folder: Path) -> str:
    """What a shell prints for the command, both streams together."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return done.stdout.decode()


def matches(printed: list[str], expected: list[str]) -> bool:
    """Whether the output is the expected one, dots standing for any lines and dates for one another."""
    pattern = "".join("(?:.*\n)*?" if line.strip() == "..." else re.escape(_DATE.sub("DATE", line.rstrip())) + "\n" for line in expected)
    text = "".join(_DATE.sub("DATE", line.rstrip()) + "\n" for line in printed)
    return re.fullmatch(pattern, text) is not None


def run_python(block: Block, names: dict[str, object], page: str) -> None:
    """Runs a block with the names of those before it; ``>>>`` lines must print what they say."""
    if ">>> " not in block.text:
        exec(compile(block.text, page, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.text, names, page, page, block.line)
    test.globs = names  # doctest would work on a copy
    problems: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=problems.append, clear_globs=False)
    assert problems == [], "".join(problems)
