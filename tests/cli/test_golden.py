"""What the commands print about the bundled fleets, byte for byte.

After a wanted change: TRUETIER_UPDATE_GOLDEN=1 python -m pytest tests/cli/test_golden.py
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli

DAY = ("--as-of", "2026-11-23")
COMMANDS = {
    "explain-login": ("explain", "login", "catalog-examples/login", *DAY),
    "explain-login.json": ("explain", "login", "catalog-examples/login", "--format", "json", *DAY),
    "explain-checkout": ("explain", "checkout", "catalog-examples/shop", *DAY),
    "explain-checkout-verified": ("explain", "checkout", "catalog-examples/shop", "--trust", "verified", *DAY),
    "explain-journey": ("explain", "buy", "catalog-examples/shop", *DAY),
    "explain-endpoint": ("explain", "feed/write", "catalog-examples/cells", *DAY),
    "explain-measured": ("explain", "payments", "catalog-examples/measured", *DAY),
    "check-measured": ("check", "catalog-examples/measured", "--verbose", *DAY),
    "check-measured.json": ("check", "catalog-examples/measured", "--format", "json", *DAY),
    "boot-order": ("boot-order", "catalog-examples/boot-loop"),
    "boot-order.json": ("boot-order", "catalog-examples/boot-loop", "--format", "json"),
    "simulate": ("simulate", "catalog-examples/shop", "--years", "400"),
    "simulate.json": ("simulate", "catalog-examples/shop", "--years", "400", "--format", "json"),
    "simulate-boot-loop": ("simulate", "catalog-examples/boot-loop", "--precision", "20%", "--subject", "api"),
    "diff": ("diff", "catalog-examples/login", "catalog-examples/shop", *DAY),
    "diff.json": ("diff", "catalog-examples/login", "catalog-examples/shop", "--format", "json", *DAY),
    "diff-observed": ("diff", "tests/data/observed/truetier.yaml", "--observed", "tests/data/observed/seen.json", *DAY),
    "diff-observed.json": (
        "diff",
        "tests/data/observed/truetier.yaml",
        "--observed",
        "tests/data/observed/seen.json",
        "--format",
        "json",
        *DAY,
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_prints_the_golden_output(name: str, cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden = repository / "tests" / "golden" / "cli" / (name if "." in name else f"{name}.txt")
    monkeypatch.chdir(repository)
    outcome = cli(*COMMANDS[name])
    assert outcome.err == ""
    if os.environ.get("TRUETIER_UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(outcome.out, encoding="utf-8")
    assert outcome.out == golden.read_text(encoding="utf-8")
