"""A baseline makes findings known, as long as they do not get worse."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from truetier.app.baseline import Baseline, baseline_of, baseline_text, read_baseline
from truetier.audit.finding import Finding, Severity, Violation
from truetier.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 11, 23)


def finding(subject: str, minutes: float | None = 10.0, *, is_waived: bool = False) -> Finding:
    return Finding(
        "TT101", "inversion", Severity.ERROR, Violation(subject, "", minutes=minutes), ("TT101", subject, ""), is_waived=is_waived
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_text(baseline_text([finding("b -> ü"), finding("a", None)], ["x"], DAY), encoding="utf-8")
    known = {finding("a").fingerprint: None, finding("b -> ü").fingerprint: 10.0}
    assert read_baseline(str(file)) == Baseline(known, frozenset({"x"}))


def test_the_text_is_one_finding_a_line_in_an_order_that_does_not_depend_on_the_run() -> None:
    one = baseline_text([finding("a"), finding("b")], [], DAY)
    assert one == baseline_text([finding("b"), finding("a")], [], DAY)
    assert [json.loads(line.strip().rstrip(","))["subject"] for line in one.splitlines() if "fingerprint" in line] == ["a", "b"]


def test_a_waived_finding_is_not_accepted_for_good() -> None:
    assert baseline_of([finding("a", is_waived=True)], []).known == {}
    assert json.loads(baseline_text([finding("a", is_waived=True)], [], DAY))["findings"] == []


@pytest.mark.parametrize(
    ("mine", "other", "together"), [(10.0, 20.0, 20.0), (20.0, 10.0, 20.0), (None, 10.0, None), (10.0, None, None)], ids=str
)
def test_known_twice_means_the_milder_judgement(mine: float | None, other: float | None, together: float | None) -> None:
    assert (Baseline({"f": mine}) | Baseline({"f": other, "g": 1.0}, frozenset({"x"}))) == Baseline(
        {"f": together, "g": 1.0}, frozenset({"x"})
    )


@pytest.mark.parametrize(
    "content",
    [
        '{"schema": "truetier/baseline/1", "findings": 3}',
        '{"schema": "truetier/baseline/1", "findings": [3]}',
        '{"schema": "truetier/baseline/1", "findings": [{"fingerprint": "a", "minutes_per_year": "many"}]}',
        '{"schema": "truetier/baseline/2", "findings": []}',
    ],
)
def test_what_is_no_baseline_is_refused_by_name(content: str, tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    file.write_text(content)
    with pytest.raises(SourceError, match=r"known\.json is not a baseline"):
        read_baseline(str(file))


def test_a_baseline_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"missing\.json does not exist"):
        read_baseline(str(tmp_path / "missing.json"))
