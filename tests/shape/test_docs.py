"""The documentation covers what there is: every command, every rule, every key; decisions are numbered and of one form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.audit.registry import all_rules
from truetier.cli.main import truetier

if TYPE_CHECKING:
    from pathlib import Path

ADR_NAME = re.compile(r"([0-9]{4})-[a-z0-9-]+\.md")
ADR_PARTS = ["Context", "Choice", "Rejected", "Consequence"]


def commands() -> list[str]:
    return truetier.list_commands(truetier.make_context("truetier", [], resilient_parsing=True))


def test_every_command_has_a_section_in_the_commands_page(repository: Path) -> None:
    page = (repository / "docs" / "commands.md").read_text()
    headings = " ".join(line for line in page.splitlines() if line.startswith("#"))
    assert [name for name in commands() if not re.search(rf"\b{re.escape(name)}\b", headings)] == []


def test_every_option_of_every_command_is_in_the_commands_page(repository: Path) -> None:
    page = (repository / "docs" / "commands.md").read_text()
    context = truetier.make_context("truetier", [], resilient_parsing=True)
    missing = []
    for name in commands():
        command = truetier.get_command(context, name)
        assert command is not None
        long = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        missing += [f"{name} {option}" for option in long if option not in page]
    assert missing == []


def test_every_rule_has_a_page_and_no_page_has_lost_its_rule(repository: Path) -> None:
    pages = {page.stem for page in (repository / "docs" / "rules").glob("*.md")} - {"index"}
    assert pages == {rule.slug for rule in all_rules()}


def test_decisions_are_numbered_without_a_gap(repository: Path) -> None:
    names = sorted(page.name for page in (repository / "docs" / "adr").glob("*.md") if page.name != "index.md")
    assert [name for name in names if not ADR_NAME.fullmatch(name)] == []
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_every_decision_says_context_choice_rejected_and_consequence(repository: Path) -> None:
    for page in (repository / "docs" / "adr").glob("0*.md"):
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]}: "), page.name
        assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == ADR_PARTS, page.name


def test_the_changelog_knows_the_version(repository: Path) -> None:
    from truetier import __version__

    assert f"## [{__version__}]" in (repository / "CHANGELOG.md").read_text()
