"""However a rule tells what it found, one by one or as columns, the findings are the same in every respect."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from truetier.app.baseline import baseline_of
from truetier.audit.engine import mark_new, run
from truetier.audit.facts import Facts
from truetier.audit.finding import Severity, Violation
from truetier.audit.findings import Findings
from truetier.audit.rule import Rule
from truetier.audit.violations import gathered
from truetier.availability.assess import Assessments
from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Fleet, Waiver
from truetier.errors import Place
from truetier.graph.build import build
from truetier.report.kernel import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.audit.finding import Finding
    from truetier.audit.violations import Violations

DAY = date(2026, 11, 23)
NAMES = st.sampled_from(["a", "b", "a -> b", "a -> c", "é"])
PLACES = st.none() | st.builds(Place, st.just("x.yaml"), st.integers(1, 9), st.integers(1, 9))
MINUTES = st.none() | st.floats(0, 1000, allow_nan=False)
SAID = st.builds(
    Violation,
    NAMES,
    st.sampled_from(["it fails", 'it "fails"']),
    PLACES,
    st.lists(NAMES, max_size=60).map(tuple),
    MINUTES,
    st.none() | st.sampled_from(Severity),
    st.none() | st.just("mend it"),
    st.sampled_from(["", "endpoint"]),
)
MANY = st.lists(SAID, max_size=15)


class Telling(Rule):
    """Says what it was told to say."""

    code = "TT101"
    severity = Severity.WARNING
    fix = "do it"

    def __init__(self, *said: Violation | Violations) -> None:
        self._said = said

    @property
    def slug(self) -> str:
        return "telling"

    @property
    def family(self) -> str:
        return "tiering"

    def check(self, facts: Facts) -> Iterator[Violation | Violations]:
        assert facts.as_of == DAY
        yield from self._said


def found(waived: Sequence[str], *said: Violation | Violations) -> Findings:
    written = Evidence(Kind.DECLARED, "truetier", Place("x.yaml", 1, 1))
    fleet = Fleet({}, waivers=tuple(Waiver("TT101", subject, "team", "later", DAY, written) for subject in waived))
    return run(Facts(build(fleet), Assessments({}, {}, {}), DAY), [Telling(*said)])[0]


def told(finding: Finding) -> tuple[object, ...]:
    what = finding.subject, finding.message, finding.fix, finding.whole_path, finding.path_length, finding.minutes_per_year, finding.place
    return *what, finding.code, finding.slug, finding.severity, finding.identity, finding.fingerprint, finding.is_new, finding.is_waived


def written(findings: Findings) -> list[str]:
    return [line for of, severity, rows in findings.stretches for line in Encoder().findings(findings.found[of], severity, rows)]


@given(MANY, st.lists(NAMES, max_size=3), st.integers(0, 15))
def test_columns_and_single_violations_give_the_same_findings(said: list[Violation], waived: list[str], half: int) -> None:
    single = found(waived, *said)
    for other in (
        found(waived, gathered(said)),
        found(waived, gathered(said[:half]), gathered(said[half:])),
        found(waived, gathered(said[:half]), *said[half:]),
        Findings.of(tuple(single)),
    ):
        assert list(map(told, other)) == list(map(told, single))
        assert written(other) == written(single)


@given(MANY, MANY)
def test_what_was_found_before_is_known_however_it_was_told(before: list[Violation], now: list[Violation]) -> None:
    known = baseline_of(found((), *before), ()).known
    assert known == baseline_of(tuple(found((), gathered(before))), ()).known
    marked = mark_new(found((), gathered(now)), known)
    assert list(map(told, marked)) == list(map(told, mark_new(found((), *now), known)))
    assert {finding.fingerprint for finding in marked if not finding.is_new} <= set(known)


@given(MANY, st.lists(NAMES, max_size=3))
def test_findings_come_worst_first_and_then_by_what_names_them(said: list[Violation], waived: list[str]) -> None:
    order = [(finding.severity.rank, finding.identity) for finding in found(waived, gathered(said))]
    assert all(one < other for one, other in pairwise(order))


@given(MANY, st.lists(NAMES, max_size=3))
def test_findings_are_counted_as_they_are_told(said: list[Violation], waived: list[str]) -> None:
    findings = found(waived, gathered(said))
    findings = mark_new(findings, dict.fromkeys([finding.fingerprint for finding in findings[::2]]))
    told_alone = list(map(told, findings))
    assert [told(findings[place]) for place in range(-len(findings), 0)] == told_alone
    assert list(map(told, findings[1:3])) == told_alone[1:3]
    parts = findings.counting, findings.known, findings.waived
    assert [list(map(told, part)) for part in parts] == [
        [told(finding) for finding in findings if finding.is_new and not finding.is_waived],
        [told(finding) for finding in findings if not finding.is_new and not finding.is_waived],
        [told(finding) for finding in findings if finding.is_waived],
    ]
    assert list(map(told, findings.blocking(Severity.WARNING))) == [told(each) for each in findings if each.blocks(Severity.WARNING)]
    assert not findings.blocking(None)
    assert [told(finding) for group in findings.groups for finding in group] == told_alone
