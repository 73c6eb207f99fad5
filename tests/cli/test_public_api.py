"""The names a program may use: frozen, cheap to import, and as the command line behaves."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

import truetier

if TYPE_CHECKING:
    from pathlib import Path


def test_the_function_audit_keeps_its_name_when_the_folder_is_used() -> None:
    from truetier.audit.registry import all_rules

    assert all_rules()
    assert callable(truetier.audit)


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = truetier.lode  # type: ignore[attr-defined]


def test_an_audit_says_itself_in_one_line_and_can_be_rendered(login: Path) -> None:
    fleet = truetier.load(str(login))
    document = truetier.audit(fleet, as_of=date(2026, 11, 23))
    assert "4 services" in repr(fleet)
    assert "1 missed" in repr(document)
    assert "missed" in repr(document.services[0])
    assert "login" in repr(truetier.explain(document, "login"))
    assert "<svg" in truetier.render(document, "html")


def test_a_name_or_trust_that_does_not_exist_is_a_usage_error(login: Path) -> None:
    document = truetier.audit(truetier.load(str(login)))
    with pytest.raises(truetier.UsageError, match="did you mean login"):
        truetier.explain(document, "logn")
    with pytest.raises(truetier.UsageError, match="there are terminal"):
        truetier.render(document, "word")
    with pytest.raises(truetier.UsageError, match="trust"):
        truetier.audit(document.fleet, trust="blindly")


def test_an_audit_can_be_limited_to_some_rules(login: Path) -> None:
    document = truetier.audit(truetier.load(str(login)), select=["inversion"])
    assert {finding.slug for finding in document.findings} == {"inversion"}
