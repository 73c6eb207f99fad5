"""Runs command lines as a person would, in an empty folder, without the price of a process each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from truetier.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cli = Callable[..., "Outcome"]

LOGIN = """\
services:
  login:           {tier: T1, needs: [user-profile, fraud-detection, {service: notifications, mode: async}]}
  user-profile:    {tier: T2}
  fraud-detection: {tier: T2}
  notifications:   {availability: 99.5%}
"""
CLEAN = """\
services:
  login:        {tier: T2, owner: web, availability: 99.95%, needs: [user-profile]}
  user-profile: {tier: T1, owner: accounts}
"""


class Outcome(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "TRUETIER_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments: str) -> Outcome:
        capfd.readouterr()
        code = run(arguments)
        printed = capfd.readouterr()
        return Outcome(code, printed.out, printed.err)

    return called


@pytest.fixture
def login(tmp_path: Path) -> Path:
    return written(tmp_path / "truetier.yaml", LOGIN)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return written(tmp_path / "truetier.yaml", CLEAN)


def written(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file
