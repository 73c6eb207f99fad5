"""A kernel is one source that runs compiled and uncompiled; which of the two is never a matter of chance."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

UNCOMPILED = bool(os.environ.get("TRUETIER_UNCOMPILED"))


@pytest.fixture
def kernels(repository: Path) -> list[str]:
    source = repository / "src"
    return [".".join(path.relative_to(source).with_suffix("").parts) for path in sorted(source.rglob("kernel.py"))]


def test_every_kernel_runs_as_this_run_wants_it(kernels: list[str]) -> None:
    modules = [import_module(name) for name in kernels]
    if UNCOMPILED:
        assert [module.__name__ for module in modules if module.IS_COMPILED] == []
        assert import_module("truetier.typed").compiled is False
    else:
        assert [module.__name__ for module in modules if not module.IS_COMPILED] == []


def test_no_compiled_kernel_is_older_than_its_source(kernels: list[str], repository: Path) -> None:
    stale = [
        name
        for name in kernels
        if os.path.getmtime(import_module(name).__file__ or "") < os.path.getmtime(repository / "src" / (name.replace(".", "/") + ".py"))
    ]
    assert stale == [], "make demo compiles them again"


def test_a_program_without_compiled_kernels_says_so_once_and_answers_all_the_same(repository: Path, tmp_path: Path) -> None:
    catalog = tmp_path / "truetier.yaml"
    catalog.write_text("services:\n  a: {tier: 2, needs: [{any_of: [b, c]}]}\n  b: {tier: 2, needs: [c]}\n  c: {tier: 2}\n")
    environment = {**os.environ, "PYTHONPATH": str(uncompiled_copy(repository, tmp_path))}
    command = [sys.executable, "-m", "truetier", "check", str(catalog), "--fail-on", "never"]
    slow = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert slow.stderr.count("the kernels are not compiled here") == 1
    fast = subprocess.run(command, capture_output=True, text=True, check=True)
    assert slow.stdout == fast.stdout


def uncompiled_copy(repository: Path, folder: Path) -> Path:
    copied = folder / "uncompiled"
    for path in (repository / "src" / "truetier").rglob("*"):
        if path.is_file() and path.suffix not in {".so", ".pyc"}:
            target = copied / path.relative_to(repository / "src")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return copied
