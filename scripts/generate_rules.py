"""Writes the reference page of every rule, and their index, from what the rules say of themselves: `python scripts/generate_rules.py`.

A page nobody can forget to write: a test compares the folder with what this program would write.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from truetier.audit.registry import FAMILIES, all_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.audit.rule import Example, Rule

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "rules"
_HEAD = """# Rules

What `truetier check` looks for. Every page is written from the rule itself: the examples on it are the rule's tests.
A rule is named by its code or its name, in `--select`, `--ignore` and in waivers; `truetier explain TT101` shows the same in a terminal.
A rule that lacks a fact it needs is skipped with the reason: unknown is never a pass.
"""


def pages(rules: Sequence[Rule]) -> dict[str, str]:
    """File name and text of every page."""
    return {"index.md": index(rules)} | {f"{rule.slug}.md": page(rule) for rule in rules}


def index(rules: Sequence[Rule]) -> str:
    """The index: one table for each family."""
    parts = [_HEAD]
    for family in FAMILIES:
        own = [rule for rule in rules if rule.family == family]
        if own:
            rows = "\n".join(f"| {rule.code} | [{rule.slug}]({rule.slug}.md) | {rule.severity.value} | {rule.title} |" for rule in own)
            parts.append(f"## {family.replace('_', ' ').capitalize()}\n\n| code | name | severity | finds |\n|---|---|---|---|\n{rows}\n")
    listed = "\n".join(rule.slug for rule in rules)
    parts.append(f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n")
    return "\n".join(parts)


def page(rule: Rule) -> str:
    """One rule: what it finds, why, a fleet that breaks it, how to fix it, one that keeps it, and where it comes from."""
    broken = [example for example in rule.examples if example.subjects]
    kept = [example for example in rule.examples if not example.subjects]
    return "\n".join(
        [
            f"# {rule.code}: {rule.slug}\n",
            f"{_sentence(rule.title)}\n",
            f"Family {rule.family.replace('_', ' ')}, severity {rule.severity.value} unless the finding says otherwise.\n",
            f"## Why\n\n{rule.why}\n",
            "## Found in\n",
            *[_example(example) for example in broken],
            f"## How to fix it\n\n{_sentence(rule.fix)}\n",
            "## Not found in\n",
            *[_example(example) for example in kept],
            f"## Source\n\n{_sentence(rule.source)}",
            "",
        ]
    )


def _example(example: Example) -> str:
    block = f"```yaml\n{example.catalog.strip()}\n```\n"
    if example.observed:
        block += f"\nWhat telemetry saw of it:\n\n```json\n{example.observed.strip()}\n```\n"
    if not example.subjects:
        return block
    named = ", ".join(f"`{subject}`" for subject in example.subjects)
    return f"{block}\nNames {named}.\n"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def main() -> int:
    """Writes what has changed, and takes away the pages of rules that are gone."""
    wanted = pages(all_rules())
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
