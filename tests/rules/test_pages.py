from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

from truetier.audit.registry import all_rules

if TYPE_CHECKING:
    from pathlib import Path


def test_the_pages_of_the_rules_are_what_the_rules_say(repository: Path) -> None:
    wanted = runpy.run_path(str(repository / "scripts" / "generate_rules.py"))["pages"](all_rules())
    written = {page.name: page.read_text(encoding="utf-8") for page in (repository / "docs" / "rules").glob("*.md")}
    assert written == wanted, "run: python scripts/generate_rules.py"
