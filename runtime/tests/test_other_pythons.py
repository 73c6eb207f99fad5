"""Guards hold on every Python from 3.11 on that this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import truetier_runtime

HERE = Path(__file__).resolve().parent
TESTS = ("test_probes.py", "test_guard.py")  # what needs pytest and nothing compiled


def others() -> list[str]:
    """Programs of other versions than this one: on the path, and beside this one where versions are kept side by side."""
    names = [f"python3.{minor}" for minor in range(11, 30) if minor != sys.version_info.minor]
    beside = Path(sys.base_prefix).parent.glob("*/bin")
    found = {name: shutil.which(name, path=str(folder)) for folder in beside for name in names if (folder / name).exists()}
    return sorted({program for name in names if (program := found.get(name) or shutil.which(name)) is not None})


def test_they_hold() -> None:
    for program in others():
        # Nothing is installed there: pytest comes from here, and so does what is tested.
        places = (Path(truetier_runtime.__file__).parent.parent, Path(pytest.__file__).parent.parent, HERE.parent.parent)
        path = os.pathsep.join(map(str, places))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment.pop("PYTEST_ADDOPTS", None)
        asked = subprocess.run([program, "-c", "print(1)"], capture_output=True, text=True, env=environment, check=False)
        if asked.returncode:
            continue  # a stand-in for a version that is not there
        command = [
            program,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--import-mode=importlib",
            "--rootdir",
            str(HERE),
        ]
        done = subprocess.run(
            [*command, *(str(HERE / name) for name in TESTS)], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, f"{program}\n{done.stdout}{done.stderr}"
        assert " passed" in done.stdout
