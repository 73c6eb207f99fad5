from __future__ import annotations

import json
import math

import pytest

from truetier.audit.finding import Finding, Severity, Violation
from truetier.audit.findings import Findings
from truetier.availability.estimate import Assessment, Costs, Estimate, Method, SubjectKind, Verdict
from truetier.catalog.evidence import Assumption
from truetier.catalog.tier import BUILT_IN
from truetier.errors import Place
from truetier.report.kernel import Encoder


class _Details:
    """What lies behind a verdict that delivers the same in every reading."""

    def __init__(self, estimate: Estimate) -> None:
        self.full = self.ceiling = self.verified = self.verified_ceiling = estimate
        self.own_down = 0.0
        self.bounds = (None, None)
        self.costs = Costs((), 0, 0.0)
        self.costliest = None
        self.further = None


def written(estimate: Estimate) -> dict[str, object]:
    subject = Assessment("a", SubjectKind.SERVICE, None, None, estimate, Verdict.NONE, 0, BUILT_IN, _Details(estimate))
    found: dict[str, object] = json.loads(Encoder().assessment(subject))["delivered"]
    return found


def finding(path: tuple[str, ...] = (), message: str = "broken", minutes: float | None = None, place: Place | None = None) -> Finding:
    said = Violation("a", message, place, path, minutes, fix="mend it")
    return Finding("TT999", "broken", Severity.NOTE, said, ("TT999", "a", ""))


def line(finding: Finding, encoder: Encoder | None = None) -> str:
    findings = Findings.of([finding])
    return (encoder or Encoder()).findings(findings.found[0], finding.severity, range(1))[0]


def test_a_number_known_exactly_is_its_own_low_and_high() -> None:
    down = {"low": 0.25, "value": 0.25, "high": 0.25}
    assert written(Estimate(0.75, 0.75, 0.25, 0.25)) == {
        "low": 0.75, "value": 0.75, "high": 0.75, "unavailability": down, "method": "exact",
    }  # fmt: skip


def test_an_interval_has_no_value() -> None:
    down = {"low": 0.25, "value": None, "high": 1.0}
    assert written(Estimate(0.0, 0.75, 0.25, 1.0, Method.INTERVAL)) == {
        "low": 0.0, "value": None, "high": 0.75, "unavailability": down, "method": "interval",
    }  # fmt: skip


def test_nothing_is_written_that_is_not_json() -> None:
    with pytest.raises(ValueError, match="inf is not JSON compliant"):
        line(finding(minutes=math.inf))
    with pytest.raises(ValueError, match="nan is not JSON compliant"):
        line(finding(minutes=math.nan))


def test_zero_keeps_its_sign() -> None:
    encoder = Encoder()
    assert ['"minutes_per_year": -0.0,' in line(finding(minutes=minutes), encoder) for minutes in (0.0, -0.0, 0.0)] == [
        False,
        True,
        False,
    ]


def test_texts_are_escaped_wherever_they_stand() -> None:
    hostile = 'a"\\\n\u2028\ud800'
    text = line(finding((hostile,), hostile, place=Place(hostile, 1, 2)))
    told = json.loads(text)
    assert text.isascii()
    assert (told["path"], told["message"], told["location"]) == ([hostile], hostile, {"file": hostile, "line": 1, "column": 2})


def test_fifty_names_of_a_path_are_shown_and_all_are_counted() -> None:
    names = tuple(f"service-{number}" for number in range(60))
    told = json.loads(line(finding(names)))
    assert (told["path"], told["path_length"]) == (list(names[:50]), 60)


def test_an_assumption_says_what_was_taken_and_why() -> None:
    assert Encoder().assumption(Assumption("a", "mttr", "60m", 'not "stated"')) == (
        '{"subject": "a", "key": "mttr", "value": "60m", "why": "not \\"stated\\""}'
    )
