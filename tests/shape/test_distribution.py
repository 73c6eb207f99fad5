"""What a user installs: the wheel carries all that the program reads, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NOT_OURS = ("__pycache__", "*.egg-info", ".*_cache", "*.so")  # left behind by tools


@pytest.fixture
def source(repository: Path, tmp_path: Path) -> Path:
    """What a build needs, in a folder of its own: building leaves traces."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(repository / name, folder)
    shutil.copytree(repository / "src", folder / "src", ignore=shutil.ignore_patterns(*NOT_OURS))
    return folder


def files_of_the_package(source: Path) -> set[str]:
    return {file.relative_to(source / "src").as_posix() for file in source.joinpath("src").rglob("*") if file.is_file()}


def kernels_of(source: Path) -> set[str]:
    return {name for name in files_of_the_package(source) if name.endswith("/kernel.py")}


@pytest.mark.slow
def test_the_wheel_carries_every_file_of_the_package_and_the_licence(source: Path, tmp_path: Path) -> None:
    expected = files_of_the_package(source)
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(source)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    compiled = {name for name in inside if name.endswith(".so")}
    assert {name.partition(".")[0] + ".py" for name in compiled} == kernels_of(source)
    assert {name for name in inside if ".dist-info/" not in name} - compiled == expected
    assert [name for name in inside if name.endswith("/LICENSE")]


def test_nothing_lies_in_the_package_that_is_neither_code_nor_template(source: Path) -> None:
    others = {name for name in files_of_the_package(source) if not name.endswith((".py", ".sql")) and "/templates/" not in name}
    assert others == {"truetier/py.typed", "truetier/pointers.pxd"}
