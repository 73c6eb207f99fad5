"""The bundled fleets show what they are there to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from truetier.cli.exits import Exit
from truetier.cli.main import run

EXAMPLES = Path(__file__).resolve().parents[2] / "catalog-examples"
EXPECTED = {
    "boot-loop": Exit.FINDINGS,
    "cells": Exit.CLEAN,
    "kubernetes": Exit.FINDINGS,
    "lab": Exit.CLEAN,
    "login": Exit.FINDINGS,
    "measured": Exit.NOT_ENOUGH_DATA,
    "shop": Exit.CLEAN,
}


def test_every_example_has_an_expected_exit_code() -> None:
    assert sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()) == sorted(EXPECTED)


@pytest.mark.parametrize(("name", "code"), EXPECTED.items())
def test_an_example_exits_as_it_should(name: str, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(EXAMPLES / name)]) == code, capsys.readouterr()


def test_the_boot_loop_is_found_by_boot_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boot-order", str(EXAMPLES / "boot-loop")]) == Exit.FINDINGS
    assert "BOOT LOOP of 2 services" in capsys.readouterr().out
