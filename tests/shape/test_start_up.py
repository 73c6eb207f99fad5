"""Starting is a budget: what a command does not need, it does not import. No clock here: lists of modules do not depend on the machine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HELP_NEEDS_NONE_OF = (
    "ryml",
    "jinja2",
    "json",
    "decimal",
    "dataclasses",
    "truetier.app",
    "truetier.sources",
    "truetier.report",
    "truetier.rules",
    "truetier.audit.rule",
    "truetier.availability",
    "truetier.graph",
    "truetier.catalog",
)
CHECK_NEEDS_NONE_OF = (
    "ryml",  # a plain catalog is read by a kernel
    "jinja2",
    "numpy",
    "pydantic",
    "rich",
    "networkx",
    "yaml",
    "subprocess",
    "asyncio",
    "xml",
    "http",
    "urllib.request",
    "sqlite3",
    "unittest",
    "truetier.graph.order",  # for those who say what they need to start
    "truetier.graph.cuts",  # for cycles
    "truetier.sources.yaml_tree.walk",
    "truetier.sources.yaml_catalog.starter",
    "truetier.app.story",
)
FAULT_TREE_NEEDS_NONE_OF = (
    "json",
    "numpy",
    "truetier.units",
    "truetier.graph",
    "truetier.audit",
    "truetier.report.wording",
    "truetier.report.document",
    "truetier.catalog.model",
    "truetier.availability.estimate",
    "truetier.availability.exact",
    "truetier.sources.yaml_tree",
)
A_RULE_NEEDS_NONE_OF = (
    "json",
    "truetier.app.check",
    "truetier.app.from_sources",
    "truetier.app.load",
    "truetier.availability.assess",
    "truetier.graph.order",
    "truetier.report.wording",
    "truetier.sources",
)


def imported(*arguments: str) -> set[str]:
    """Every module that one command imports, as Python itself lists them."""
    command = [sys.executable, "-X", "importtime", "-m", "truetier", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr[-2000:]
    lines = [line for line in finished.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.fixture(scope="module")
def by_help() -> set[str]:
    return imported("--help")


@pytest.fixture(scope="module")
def by_check(repository: Path) -> set[str]:
    return imported("check", str(repository / "catalog-examples" / "login"), "--fail-on", "never")


@pytest.fixture(scope="module")
def by_fault_tree(repository: Path) -> set[str]:
    return imported("fault-tree", str(repository / "tests" / "data" / "fault_tree" / "every.xml"))


@pytest.fixture(scope="module")
def by_rule() -> set[str]:
    return imported("explain", "TT101")


@pytest.mark.parametrize("module", HELP_NEEDS_NONE_OF)
def test_help_starts_without(module: str, by_help: set[str]) -> None:
    assert "click" in by_help
    assert module not in by_help


@pytest.mark.parametrize("module", CHECK_NEEDS_NONE_OF)
def test_check_in_the_terminal_starts_without(module: str, by_check: set[str]) -> None:
    assert "truetier.report.terminal" in by_check
    assert module not in by_check


@pytest.mark.parametrize("module", FAULT_TREE_NEEDS_NONE_OF)
def test_fault_trees_start_without(module: str, by_fault_tree: set[str]) -> None:
    assert "truetier.report.fault_tree" in by_fault_tree
    assert module not in by_fault_tree


@pytest.mark.parametrize("module", A_RULE_NEEDS_NONE_OF)
def test_the_page_of_a_rule_starts_without(module: str, by_rule: set[str]) -> None:
    assert "truetier.report.rule_page" in by_rule
    assert module not in by_rule
