from __future__ import annotations

import pytest

from truetier.audit.finding import Finding, Severity

WARNING = Finding("TT101", "inversion", Severity.WARNING, "a", "a fails", "mend a", ("a",), 1, None, None, ("TT101", "a", ""))


def test_an_error_is_worse_than_a_warning_and_that_than_a_note() -> None:
    assert Severity.ERROR.rank < Severity.WARNING.rank < Severity.NOTE.rank


@pytest.mark.parametrize(("limit", "blocks"), [(Severity.ERROR, False), (Severity.WARNING, True), (Severity.NOTE, True), (None, False)])
def test_a_finding_blocks_at_its_severity_and_below(limit: Severity | None, *, blocks: bool) -> None:
    assert WARNING.blocks(limit) is blocks


def test_what_is_known_or_waived_blocks_nothing() -> None:
    assert not WARNING._replace(is_new=False).blocks(Severity.NOTE)
    assert not WARNING._replace(is_waived=True).blocks(Severity.NOTE)
