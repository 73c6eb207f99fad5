"""The runtime stands alone: it imports nothing but what comes with Python, and little of that."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import truetier_runtime

SOURCE = Path(truetier_runtime.__file__).parent
# Where optional parts live: what they need is imported inside the function that needs it, or by a module of its own.
HEAVY = {"asyncio", "collections", "dataclasses", "enum", "inspect", "json", "logging", "random", "re", "threading", "typing"}


def test_it_starts_without_anything_heavy_or_foreign() -> None:
    program = "import sys; before = set(sys.modules); import truetier_runtime; print(*sorted(set(sys.modules) - before))"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r}); {program}"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)
    assert {name.partition(".")[0] for name in loaded} <= sys.stdlib_module_names | {"truetier_runtime"}


def imported(file: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        found += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
    return found


def test_nothing_of_the_tool_is_imported() -> None:
    for file in SOURCE.rglob("*.py"):
        assert "truetier" not in {name.partition(".")[0] for name in imported(file)}, file


def test_what_is_for_tests_is_imported_by_nothing_else_and_needs_no_test_framework() -> None:
    kit = SOURCE / "testing"
    for file in SOURCE.rglob("*.py"):
        names = imported(file)
        if kit in file.parents:
            assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names | {"truetier_runtime"}, file
        else:
            assert not any(name.startswith("truetier_runtime.testing") for name in names), file
