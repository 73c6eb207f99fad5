"""The public API is a promise: a name is added on purpose and never lost by accident."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

import truetier

PUBLIC = {
    "Assessment",
    "CatalogError",
    "Document",
    "Estimate",
    "Finding",
    "Fleet",
    "Service",
    "SourceError",
    "Story",
    "UsageError",
    "audit",
    "explain",
    "load",
    "render",
}


def test_the_public_names_are_these() -> None:
    assert set(truetier.__all__) == PUBLIC
    assert list(truetier.__all__) == sorted(truetier.__all__)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_exists_and_says_what_it_gives(name: str) -> None:
    assert inspect.getdoc(getattr(truetier, name))


def test_importing_the_library_imports_next_to_nothing_of_it() -> None:
    program = "import sys, truetier; print(*sorted(name for name in sys.modules if name.startswith('truetier')))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # The folder of the same name comes first, so that the function is what `truetier.audit` means ever after.
    assert finished.stdout.split() == ["truetier", "truetier.audit", "truetier.errors", "truetier.record"]


def test_a_function_is_not_lost_to_the_folder_of_its_name() -> None:
    import_module("truetier.audit.registry")
    assert truetier.audit.__module__ == "truetier"
