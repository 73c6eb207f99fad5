from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from truetier.audit.engine import mark_new, run
from truetier.audit.facts import Facts
from truetier.audit.finding import Severity, Skipped, SkippedRule, Violation
from truetier.audit.rule import Rule
from truetier.availability.assess import Assessments
from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Fleet, Waiver
from truetier.errors import ModelError, Place, UsageError
from truetier.graph.build import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.findings import Findings

TODAY = date(2026, 11, 23)
WRITTEN = Evidence(Kind.DECLARED, "truetier", Place("truetier.yaml", 9, 3))


class Fixed(Rule):
    """Says what it was told to say."""

    severity = Severity.WARNING
    fix = "do it"

    def __init__(self, code: str, slug: str, *said: Violation | Skipped) -> None:
        self.code = code  # type: ignore[misc]  # one class stands for many rules here
        self._slug = slug
        self._said = said

    @property
    def slug(self) -> str:
        return self._slug

    @property
    def family(self) -> str:
        return "tiering"

    def check(self, facts: Facts) -> Iterator[Violation | Skipped]:
        assert facts.as_of == TODAY
        yield from self._said


class Broken(Fixed):
    """Fails halfway."""

    def check(self, facts: Facts) -> Iterator[Violation | Skipped]:
        yield from super().check(facts)
        raise KeyError("shop")


def facts(*waivers: Waiver) -> Facts:
    fleet = Fleet({}, waivers=waivers)
    return Facts(build(fleet), Assessments({}, {}, {}), TODAY)


def waiver(rule: str, subject: str, expires: date = TODAY) -> Waiver:
    return Waiver(rule, subject, "payments", "migration", expires, WRITTEN)


def only(*said: Violation | Skipped) -> Findings:
    return run(facts(), [Fixed("TT101", "inversion", *said)])[0]


def test_a_finding_takes_severity_and_fix_from_its_rule_unless_it_has_its_own() -> None:
    plain, own = only(Violation("a", "a fails"), Violation("b", "b fails", severity=Severity.NOTE, fix="mend b"))
    assert (plain.severity, plain.fix) == (Severity.WARNING, "do it")
    assert (own.severity, own.fix) == (Severity.NOTE, "mend b")


def test_findings_come_worst_first_then_by_code_then_by_subject() -> None:
    one = Fixed("TT102", "one", Violation("a", "m"), Violation("z", "m", severity=Severity.ERROR))
    two = Fixed("TT101", "two", Violation("c", "m"), Violation("b", "m"), Violation("x", "m", severity=Severity.NOTE))
    findings, _ = run(facts(), [one, two])
    assert [(finding.code, finding.subject) for finding in findings] == [
        ("TT102", "z"),
        ("TT101", "b"),
        ("TT101", "c"),
        ("TT102", "a"),
        ("TT101", "x"),
    ]


def test_a_long_path_is_cut_and_its_length_kept() -> None:
    finding = only(Violation("a", "m", path=tuple(f"s{number}" for number in range(60))))[0]
    assert len(finding.path) == 50
    assert finding.path_length == 60


def test_a_rule_that_gives_part_of_a_path_tells_its_length() -> None:
    assert only(Violation("a", "m", path=("a", "b"), path_length=70))[0].path_length == 70


def test_a_fingerprint_is_sixteen_digits_and_knows_neither_place_nor_message_nor_number() -> None:
    here = only(Violation("a", "down 3 min", Place("x.yaml", 1, 1), minutes=3.0))[0].fingerprint
    there = only(Violation("a", "down 4 min", Place("y.yaml", 7, 2), minutes=4.0))[0].fingerprint
    assert here == there
    assert len(here) == 16
    assert set(here) <= set("0123456789abcdef")


def test_a_fingerprint_tells_rule_subject_and_discriminator_apart() -> None:
    prints = [finding.fingerprint for finding in only(Violation("a", "m"), Violation("b", "m"), Violation("a", "m", discriminator="x"))]
    other = run(facts(), [Fixed("TT102", "other", Violation("a", "m"))])[0][0].fingerprint
    assert len({*prints, other}) == 4


def test_two_findings_a_rule_cannot_tell_apart_still_have_two_fingerprints() -> None:
    assert len({finding.fingerprint for finding in only(Violation("a", "m"), Violation("a", "m"))}) == 2


def test_what_a_rule_cannot_judge_is_listed_with_its_name() -> None:
    findings, skipped = run(facts(), [Fixed("TT101", "inversion", Skipped("a", "nobody knows"))])
    assert findings == ()
    assert skipped == (SkippedRule("inversion", "a", "nobody knows"),)


def test_a_rule_that_fails_is_named() -> None:
    with pytest.raises(ModelError, match=r"rule TT101 \(inversion\) failed: KeyError: 'shop'"):
        run(facts(), [Broken("TT101", "inversion", Violation("a", "m"))])


def test_only_selected_rules_run() -> None:
    rules = [Fixed("TT101", "one", Violation("a", "m")), Fixed("TT102", "two", Violation("a", "m"))]
    assert [finding.code for finding in run(facts(), rules, select=["two"])[0]] == ["TT102"]
    assert [finding.code for finding in run(facts(), rules, ignore=["TT102"])[0]] == ["TT101"]
    with pytest.raises(UsageError, match="three"):
        run(facts(), rules, select=["three"])


@pytest.mark.parametrize("name", ["TT101", "inversion"])
def test_a_waiver_by_code_or_name_marks_the_finding_of_its_subject_on_its_last_day(name: str) -> None:
    rule = Fixed("TT101", "inversion", Violation("a -> b", "m"), Violation("a -> c", "m"))
    findings, skipped = run(facts(waiver(name, "a -> b")), [rule])
    assert [(finding.subject, finding.is_waived) for finding in findings] == [("a -> b", True), ("a -> c", False)]
    assert skipped == ()


def test_an_expired_waiver_silences_nothing() -> None:
    rule = Fixed("TT101", "inversion", Violation("a", "m"))
    findings, skipped = run(facts(waiver("inversion", "a", date(2026, 11, 22))), [rule])
    assert [finding.is_waived for finding in findings] == [False]
    assert skipped == ()


def test_a_waiver_that_matches_nothing_is_listed() -> None:
    _, skipped = run(facts(waiver("inversion", "b")), [Fixed("TT101", "inversion", Violation("a", "m"))])
    assert [(each.rule, each.subject) for each in skipped] == [("inversion", "b")]
    assert "matches no finding" in skipped[0].reason


def test_a_waiver_of_a_rule_that_does_not_exist_is_listed() -> None:
    _, skipped = run(facts(waiver("inversoin", "a")), [Fixed("TT101", "inversion", Violation("a", "m"))])
    assert "names no rule" in skipped[0].reason


def test_a_waiver_of_a_rule_that_was_not_asked_is_not_idle() -> None:
    rules = [Fixed("TT101", "one"), Fixed("TT102", "two")]
    assert run(facts(waiver("two", "a")), rules, select=["one"])[1] == ()


def test_several_rules_may_have_a_waiver_for_one_subject() -> None:
    rules = [Fixed("TT101", "one", Violation("a", "m")), Fixed("TT102", "two", Violation("a", "m"))]
    findings, skipped = run(facts(waiver("one", "a"), waiver("TT102", "a")), rules)
    assert all(finding.is_waived for finding in findings)
    assert skipped == ()


@pytest.mark.parametrize(
    ("before", "now", "is_new"),
    [
        (100.0, 110.0, False),
        (100.0, 111.0, True),
        (100.0, 50.0, False),
        (100.0, None, False),
        (None, 50.0, False),
        (0.0, 1.0, True),
    ],
)
def test_a_known_finding_is_new_again_when_it_costs_over_ten_percent_more(before: float | None, now: float | None, *, is_new: bool) -> None:
    findings = only(Violation("a", "m", minutes=now))
    assert mark_new(findings, {findings[0].fingerprint: before})[0].is_new is is_new


def test_a_finding_the_baseline_does_not_know_is_new() -> None:
    assert mark_new(only(Violation("a", "m")), {"0123456789abcdef": None})[0].is_new
