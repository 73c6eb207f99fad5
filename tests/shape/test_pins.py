"""Versions are pinned in one file, and nothing in the repository says where packages come from."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==[0-9][A-Za-z0-9.+!]*(?: ; .+)?")
OTHER_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "package-lock.json")
CONFIGURATION = (
    "pyproject.toml",
    "lab/pyproject.toml",
    "runtime/pyproject.toml",
    "constraints.txt",
    "Makefile",
    "noxfile.py",
    ".ci/run",
    "scripts/pin",
    "scripts/system-deps",
    ".pre-commit-hooks.yaml",
)
NAMES_A_HOST = re.compile(r"https?://|git\+|file:|--(?:extra-)?index-url|--find-links|--trusted-host")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(repository: Path) -> dict[str, str]:
    lines = (repository / "constraints.txt").read_text().splitlines()
    return {canonical(line.partition("==")[0]): line for line in lines if not line.startswith("#")}


def test_every_line_of_the_constraints_pins_one_version(repository: Path) -> None:
    assert [line for line in pins(repository).values() if not PIN.fullmatch(line)] == []


def test_every_dependency_we_name_is_pinned(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    named = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    named += [need for extra in project["project"]["optional-dependencies"].values() for need in extra]
    for folder in ("lab", "runtime"):
        other = tomllib.loads((repository / folder / "pyproject.toml").read_text())
        named += [*other["build-system"]["requires"], *other["project"]["dependencies"]]
        named += [need for extra in other["project"].get("optional-dependencies", {}).values() for need in extra]
    names = {canonical(re.split(r"[<>=!~ \[;]", need, maxsplit=1)[0]) for need in named}
    assert names - set(pins(repository)) == {"truetier", "truetier-runtime"}  # our own


def test_what_is_installed_is_what_is_pinned(repository: Path) -> None:
    pinned = pins(repository)
    needed = ("click", "jinja2", "rapidyaml", "markupsafe")
    assert {name: f"{name}=={metadata.version(name)}" for name in needed} == {name: pinned[name].lower() for name in needed}


def test_there_is_one_lock_file(repository: Path) -> None:
    assert [name for name in OTHER_LOCKS if (repository / name).exists()] == []


def test_no_configuration_names_a_host(repository: Path) -> None:
    naming = [name for name in CONFIGURATION if (repository / name).exists() and NAMES_A_HOST.search((repository / name).read_text())]
    assert naming == []
