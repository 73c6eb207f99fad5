"""Annotations for GitHub."""

from __future__ import annotations

from tests.unit.report.documents import hostile_document, login_document, rich_document
from truetier.report.github import render


def test_a_finding_is_one_workflow_command() -> None:
    first, *_ = render(login_document()).splitlines()
    assert first == (
        "::error file=truetier.yaml,line=2,col=32,title=TT101 inversion%3A login -> user-profile"
        "::T1 needs T2 while it serves (8.7552 h/yr)%0Afix: Raise the callee's promise or make the need soft."
    )


def test_only_what_is_new_and_not_waived_is_annotated_worst_first() -> None:
    *annotations, closing = render(rich_document()).splitlines()
    assert [line.split(" ")[0] for line in annotations] == ["::error", "::notice"]
    assert "via checkout -> payments -> mailer" in annotations[1]
    assert closing == "truetier, as of 2026-11-23: 4 promises missed, 2 met, 1 unknown; 1 error, 1 warning, 1 note, 1 waived"


def test_hostile_names_start_no_command_of_their_own() -> None:
    lines = render(hostile_document()).splitlines()
    assert sum(line.startswith("::") for line in lines) == 1
    assert all(line.isprintable() for line in lines)
    command = lines[0].removeprefix("::error ")
    properties, _, message = command.partition("::")
    assert [item.partition("=")[0] for item in properties.split(",")] == ["file", "line", "col", "title"]
    assert ":" not in properties
    assert "%250A {0}" in message
