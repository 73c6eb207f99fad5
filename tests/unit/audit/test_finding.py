from __future__ import annotations

import pytest

from truetier.audit.finding import Finding, Severity, Violation
from truetier.errors import ModelError

WARNING = Finding("TT101", "inversion", Severity.WARNING, Violation("a", "a fails"), ("TT101", "a", ""), "mend a")


def test_an_error_is_worse_than_a_warning_and_that_than_a_note() -> None:
    assert Severity.ERROR.rank < Severity.WARNING.rank < Severity.NOTE.rank


@pytest.mark.parametrize(("limit", "blocks"), [(Severity.ERROR, False), (Severity.WARNING, True), (Severity.NOTE, True), (None, False)])
def test_a_finding_blocks_at_its_severity_and_below(limit: Severity | None, *, blocks: bool) -> None:
    assert WARNING.blocks(limit) is blocks


def test_what_is_known_or_waived_blocks_nothing() -> None:
    assert not WARNING._replace(is_new=False).blocks(Severity.NOTE)
    assert not WARNING._replace(is_waived=True).blocks(Severity.NOTE)


def test_words_may_come_when_they_are_asked_for() -> None:
    later = WARNING._replace(said=Violation("a", lambda: "a fails", path=lambda: ("a",) * 60, fix=lambda: "mend it"))
    assert (later.message, later.fix, later.path_length, len(later.path)) == ("a fails", "mend it", 60, 50)
    assert (WARNING.message, WARNING.fix, WARNING.path) == ("a fails", "mend a", ())


def test_words_that_fail_name_their_rule() -> None:
    def broken() -> str:
        raise KeyError("shop")

    with pytest.raises(ModelError, match=r"rule TT101 \(inversion\) failed: KeyError: 'shop'"):
        _ = WARNING._replace(said=Violation("a", broken)).message
