"""The words for numbers, promises and verdicts."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.unit.report.documents import assessment, between, exactly, finding, large_document, login_document
from truetier.availability.end_to_end import EndToEnd
from truetier.availability.estimate import Contributor, Estimate, Method, SubjectKind
from truetier.report import wording
from truetier.units import downtime_text


def test_an_interval_shows_both_ends() -> None:
    estimate = between(0.001, 0.01)
    assert wording.availability_of(estimate) == "99% to 99.9%"
    assert wording.downtime_of(estimate) == "8.76 h/yr to 3.65 d/yr"
    assert wording.method_text(estimate) == "interval"


def test_the_method_is_the_one_used() -> None:
    assert wording.method_text(exactly(0.1)) == "exact"
    assert wording.method_text(Estimate(0.9, 0.91, 0.09, 0.1, Method.SIMULATION)) == "simulation"


@pytest.mark.parametrize(("costs", "words"), [(525.6, "100.0%"), (0.1, "<0.1%"), (0.0, "0.0%"), (-52.56, "-10.0%")])
def test_a_share_is_never_rounded_to_nothing(costs: float, words: str) -> None:
    assert wording.share_text(Contributor("x", costs, 0.0), assessment("s", "T2", exactly(0.001))) == words


def test_a_perfect_subject_has_no_shares() -> None:
    assert wording.share_of(Contributor("x", 0.0, 0.0), assessment("s", "T2", exactly(0.0))) == 0.0


def test_the_rows_of_a_journey_have_no_ceiling() -> None:
    journey = assessment("buy", "T1", exactly(0.01), kind=SubjectKind.JOURNEY)
    assert [row[0] for row in wording.readings(journey, login_document())] == ["promises", "delivers"]


def test_missed_promises_come_first_the_worst_on_top() -> None:
    document = large_document(50)
    ranked = [subject.verdict.value for subject in wording.missed_first(document.services)]
    assert ranked == sorted(ranked, key=["missed", "unknown", "met", "none"].index)


@pytest.mark.parametrize("form", ["html", "sarif", "github", "markdown", "terminal"])
def test_a_cost_that_the_message_tells_is_not_told_again(form: str) -> None:
    message = f"loses {downtime_text(525.6)}"
    shown = login_document()._replace(findings=(finding("login", message=message, minutes=525.6),))
    rendered = import_module(f"truetier.report.{form}").render(shown)
    assert f"{message} (" not in rendered
    assert message in rendered


def test_what_was_observed_is_told_as_far_as_it_is_known() -> None:
    seen = EndToEnd(SubjectKind.JOURNEY, "buy", 0.01, None, 0.03, 200, 3, "however 2 services fail together")
    assert wording.observed_text(seen) == "97% to 99% with 95% certainty (3 of 200 requests failed, however 2 services fail together)"
    assert wording.observed_text(seen._replace(down=0.02)).startswith("98%, 97% to 99% with")
    assert wording.observed_text(seen._replace(down_low=None, down_high=None, basis="nothing")) == "unknown: nothing"


def test_of_an_interval_the_row_of_what_was_observed_is_one_too() -> None:
    document = login_document()
    seen = EndToEnd(SubjectKind.SERVICE, "login", 0.0001, None, 0.03, 200, 3, "counted")
    rows = wording.readings(document.services[0], document._replace(observed={(SubjectKind.SERVICE, "login"): seen}))
    assert ("observed", ("T4", "97% to 99.99%", "52.56 min/yr to 10.95 d/yr"), "counted: 3 of 200 requests failed") in rows
