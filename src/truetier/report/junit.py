"""JUnit XML for CI screens: one test case for each promise, one for each finding, one for each rule that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.findings import Findings
from truetier.audit.wording import shortage_text
from truetier.availability.estimate import Verdict
from truetier.report import text, wording
from truetier.report.markup import escaped, tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.finding import Finding
    from truetier.availability.estimate import Assessment
    from truetier.report.document import Document


class _Case:
    """One test case; at most one of failure and skip is set."""

    __slots__ = ("details", "failure", "group", "name", "skip")

    def __init__(self, group: str, name: str, *, failure: tuple[str, str] | None = None, skip: str = "", details: str = "") -> None:
        """``failure`` is a kind and a message."""
        self.group = group
        self.name = name
        self.failure = failure
        self.skip = skip
        self.details = details


def render(document: Document) -> str:
    """The document as test suites. A case fails exactly when it fails the gate; what is unknown or waived is skipped."""
    suites = [("promises", list(_promises(document))), ("rules", list(_rules(document)))]
    totals = _counts([case for _, cases in suites for case in cases])
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<{tag('testsuites', {'name': 'truetier', **totals})}>"]
    for name, cases in suites:
        lines.append(f"  <{tag('testsuite', {'name': name, **_counts(cases), 'timestamp': f'{document.as_of.isoformat()}T00:00:00'})}>")
        for case in cases:
            lines.extend(_lines(case))
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _counts(cases: list[_Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failure) for case in cases)),
        "errors": "0",
        "skipped": str(sum(bool(case.skip) for case in cases)),
        "time": "0",
    }


def _lines(case: _Case) -> Iterator[str]:
    opening = tag("testcase", {"classname": case.group, "name": case.name, "time": "0"})
    if case.failure:
        yield f"    <{opening}>"
        yield f"      <{tag('failure', {'message': case.failure[1], 'type': case.failure[0]})}>{_escaped_lines(case.details)}</failure>"
    elif case.skip:
        yield f"    <{opening}>"
        yield f"      <{tag('skipped', {'message': case.skip})}/>"
    elif case.details:
        yield f"    <{opening}>"
        yield f"      <system-out>{_escaped_lines(case.details)}</system-out>"
    else:
        yield f"    <{opening}/>"
        return
    yield "    </testcase>"


def _escaped_lines(words: str) -> str:
    return "\n".join(escaped(line) for line in words.split("\n"))


def _promises(document: Document) -> Iterator[_Case]:
    blocking = Findings.of(document.findings).blocking(document.fail_on).rows()
    blocked = {found.said.subjects[row].partition(" -> ")[0] for found, row in blocking}
    for subject in (*document.services, *document.journeys, *document.endpoints):
        if subject.promise is not None:
            yield _promise(subject, document, is_blocked=subject.name in blocked)


def _promise(subject: Assessment, document: Document, *, is_blocked: bool) -> _Case:
    name = f"{text.plain(subject.name)} keeps {wording.promise_text(subject)}"
    estimate, tier = wording.judged(subject, document.trust)
    number = f"{wording.availability_of(estimate)} ({wording.method_text(estimate)}), {wording.downtime_of(estimate)}"
    figures = f"delivers {number}: {wording.tier_text(tier)}"
    group = f"promises.{subject.kind.value}"
    if subject.is_short_of_data:
        return _Case(group, name, skip=f"not enough data: {wording.confidence_text(subject)}; {text.plain(shortage_text(subject))}")
    if subject.verdict is Verdict.UNKNOWN:
        return _Case(group, name, skip=f"unknown: {figures}")
    if subject.verdict is not Verdict.MISSED:
        return _Case(group, name)
    if not is_blocked:
        return _Case(group, name, skip=f"missed, but no finding at or above the gate is new and unwaived: {figures}")
    reasons = [f"{wording.share_text(part, subject)} {text.plain(part.component)}" for part in subject.contributors]
    return _Case(group, name, failure=("missed", figures), details="\n".join([figures, *reasons]))


def _rules(document: Document) -> Iterator[_Case]:
    broken = {finding.code for finding in document.findings}
    families = {rule.code: rule.family for rule in document.rules}
    for finding in document.findings:
        yield _finding(finding, document, f"rules.{families.get(finding.code, 'other')}")
    for rule in document.rules:
        if rule.code not in broken:
            yield _Case(f"rules.{rule.family}", f"{rule.code} {rule.slug}")


def _finding(finding: Finding, document: Document, group: str) -> _Case:
    name = f"{finding.code} {text.plain(finding.slug)}: {text.plain(finding.subject)}"
    message = text.plain(finding.message)
    if finding.is_waived:
        return _Case(group, name, skip=f"waived: {message}")
    if not finding.is_new:
        return _Case(group, name, skip=f"in the baseline: {message}")
    details = [f"{finding.severity.value}: {message}", text.place_text(finding.place), f"fix: {text.plain(finding.fix)}"]
    if finding.path:
        details.insert(1, text.path_text(finding.path, finding.path_length))
    shown = "\n".join(line for line in details if line)
    if finding.blocks(document.fail_on):
        return _Case(group, name, failure=(finding.severity.value, message), details=shown)
    return _Case(group, name, details=shown)
