"""JUnit XML for CI screens."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.unit.report.documents import DOCUMENTS, HOSTILE, hostile_document, login_document, rich_document
from truetier.audit.finding import Severity
from truetier.report.junit import render
from truetier.report.text import plain


def cases(text: str) -> dict[str, str]:
    """Each case's outcome: the tag inside it, or passed."""
    root = ET.fromstring(text)
    return {case.get("name", ""): case[0].tag if len(case) else "passed" for case in root.iter("testcase")}


def test_a_missed_promise_fails_with_its_reasons() -> None:
    text = render(login_document())
    assert cases(text) == {
        "login keeps T1 99.99%": "failure",
        "user-profile keeps T2 99.9%": "passed",
        "fraud-detection keeps T2 99.9%": "passed",
        "TT101 inversion: login -> user-profile": "failure",
        "TT101 inversion: login -> fraud-detection": "failure",
        "TT709 no-owner": "passed",
    }
    failure = ET.fromstring(text).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "delivers 99.7901% (exact), 18.385 h/yr: T3"
    assert "47.6% user-profile" in (failure.text or "")


def test_waived_known_and_unknown_are_skipped_never_passed() -> None:
    found = cases(render(rich_document()))
    assert found["TT101 inversion: catalog-pages -> payments"] == "skipped"
    assert found["TT101 inversion: rewards"] == "skipped"
    assert found["mystery keeps T1 99.99%"] == "skipped"
    assert found["catalog-pages keeps T2 99.9%"] == "skipped"  # missed, but its only finding is waived
    assert found["checkout keeps T1 99.99%"] == "failure"


def test_what_does_not_fail_the_gate_does_not_fail_the_screen() -> None:
    assert cases(render(rich_document()))["TT101 inversion: checkout"] == "system-out"
    assert cases(render(rich_document()._replace(fail_on=Severity.NOTE)))["TT101 inversion: checkout"] == "failure"
    assert "failure" not in cases(render(rich_document()._replace(fail_on=None))).values()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_counts_are_those_of_the_cases(name: str) -> None:
    root = ET.fromstring(render(DOCUMENTS[name]()))
    for suite in (root, *root.iter("testsuite")):
        assert int(suite.get("tests", "-1")) == len(list(suite.iter("testcase")))
        assert int(suite.get("failures", "-1")) == len(list(suite.iter("failure")))
        assert int(suite.get("skipped", "-1")) == len(list(suite.iter("skipped")))


def test_hostile_names_stay_text() -> None:
    text = render(hostile_document())
    names = [case.get("name", "") for case in ET.fromstring(text).iter("testcase")]
    assert f"{plain(HOSTILE)} keeps T1 99.99%" in names
    assert "<script" not in text
