"""Rendered outputs, byte for byte. After a wanted change: TRUETIER_UPDATE_GOLDEN=1 python -m pytest tests/unit/report/test_golden.py."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tests.unit.report.documents import DOCUMENTS

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = {
    "terminal": "txt",
    "json": "json",
    "sarif": "sarif",
    "junit": "junit.xml",
    "github": "github.txt",
    "markdown": "md",
    "html": "html",
    "svg": "svg",
    "openpsa": "openpsa.xml",
}


@pytest.mark.parametrize("form", ENDINGS)
@pytest.mark.parametrize("name", ["login", "rich"])
def test_the_output_is_the_golden_one(name: str, form: str, repository: Path) -> None:
    if (name, form) == ("rich", "openpsa"):
        return  # a fleet that a fault tree cannot say
    golden = repository / "tests" / "golden" / f"{name}.{ENDINGS[form]}"
    rendered = import_module(f"truetier.report.{form}").render(DOCUMENTS[name]())
    if os.environ.get("TRUETIER_UPDATE_GOLDEN"):
        golden.write_text(rendered, encoding="utf-8")
    assert rendered == golden.read_text(encoding="utf-8")
