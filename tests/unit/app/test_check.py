"""The gate decides by what is new, not waived and bad enough; then by what nobody can judge."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from truetier.app.baseline import baseline_of
from truetier.app.check import Decision, audit, check, decide
from truetier.app.load import load_fleet
from truetier.audit.finding import Severity
from truetier.availability.assess import AT_ONCE_FROM
from truetier.catalog.listed import ListedNeeds
from truetier.errors import UsageError
from truetier.graph.hardness import Reading
from truetier.report.terminal import render

if TYPE_CHECKING:
    from pathlib import Path

    from truetier.catalog.model import Fleet

DAY = date(2026, 11, 23)
LOGIN = """\
services:
  login: {tier: T1, owner: web, needs: [user-profile]}
  user-profile: {tier: T2, owner: accounts}
"""
HOPEFUL = """\
services:
  login: {tier: T1, owner: web, availability: 99.995%, needs: [{service: risk, timeout: 1s, fallback: static}]}
  risk: {tier: T2, owner: risk}
"""


def fleet(text: str, folder: Path) -> Fleet:
    file = folder / "truetier.yaml"
    file.write_text(text)
    return load_fleet([str(file)])


def test_a_waived_finding_fails_nothing_until_the_waiver_ends(tmp_path: Path) -> None:
    waived = "".join(
        f"  - {{rule: {rule}, subject: {subject}, owner: web, reason: soon, expires: 2026-11-23}}\n"
        for rule, subject in (("inversion", "login -> user-profile"), ("promise-not-deliverable", "login"))
    )
    described = fleet(f"{LOGIN}waivers:\n{waived}", tmp_path)
    assert decide(audit(described, as_of=DAY)) is Decision.CLEAN
    assert audit(described, as_of=DAY).summary.waived == 2
    assert decide(audit(described, as_of=date(2026, 11, 24))) is Decision.FINDINGS


def test_a_known_finding_fails_nothing_and_is_still_shown(tmp_path: Path) -> None:
    described = fleet(LOGIN, tmp_path)
    first = audit(described, as_of=DAY)
    second = audit(described, as_of=DAY, known=baseline_of(first.findings, first.undecided))
    assert decide(first) is Decision.FINDINGS
    assert decide(second) is Decision.CLEAN
    assert [finding.subject for finding in second.findings] == [finding.subject for finding in first.findings]


def test_needs_that_only_name_services_are_not_made_to_check_them(tmp_path: Path) -> None:
    chain = "".join(f"  s{number}: {{tier: T2, availability: 99.99%, needs: [s{number + 1}, end]}}\n" for number in range(AT_ONCE_FROM))
    described = fleet(f"services:\n{chain}  s{AT_ONCE_FROM}: {{tier: T2, needs: [end]}}\n  end: {{layer: 1}}\n", tmp_path)
    document = audit(described, as_of=DAY)
    assert len(render(document).splitlines()) > 20
    needs = [service.needs for service in described.services.values() if service.needs]
    assert all(isinstance(each, ListedNeeds) for each in needs)
    assert not any(each._made for each in needs if isinstance(each, ListedNeeds))
    assert document.assumptions[0].why == f"needs that state neither hardness nor fallback: {2 * AT_ONCE_FROM + 1}"


def test_a_claim_counts_once_however_many_services_rest_on_it(tmp_path: Path) -> None:
    soft = "a: {needs: [{service: b, timeout: 1s, fallback: static}]}\n  b: {}"
    read = fleet(f"services:\n  {soft}\n  c: {{needs: [a]}}\n  d: {{needs: [c]}}\n", tmp_path)
    document = audit(read, as_of=date(2026, 11, 23))
    assert [subject.unverified_claims for subject in document.services] == [1, 0, 1, 1]
    assert document.claims == 1


def test_a_promise_that_rests_on_hope_is_missed_when_only_verified_claims_count(tmp_path: Path) -> None:
    described = fleet(HOPEFUL, tmp_path)
    assert audit(described, as_of=DAY).summary.missed == 0
    verified = audit(described, as_of=DAY, trust=Reading.VERIFIED, fail_on=Severity.WARNING)
    assert verified.summary.missed == 1
    assert decide(verified) is Decision.FINDINGS
    assert "99.895" in next(finding.message for finding in verified.findings if finding.slug == "promise-not-deliverable")


def test_the_summary_counts_every_finding_once(tmp_path: Path) -> None:
    document = audit(fleet(LOGIN, tmp_path), as_of=DAY)
    summary = document.summary
    assert summary.error + summary.warning + summary.note + summary.waived == len(document.findings)
    assert (summary.missed, summary.met, summary.unknown) == (1, 1, 0)


def test_never_fails_never(tmp_path: Path) -> None:
    assert decide(audit(fleet(LOGIN, tmp_path), as_of=DAY, fail_on=None)) is Decision.CLEAN


def test_a_misspelt_rule_is_told_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="inversion"):
        check(["nowhere"], as_of=DAY, ignore=["inversoin"])


def test_a_warning_fails_where_warnings_are_bad_enough(tmp_path: Path) -> None:
    described = fleet("services:\n  a: {availability: 99.9%, owner: us}\n", tmp_path)
    assert decide(audit(described, as_of=DAY)) is Decision.CLEAN
    assert decide(audit(described, as_of=DAY, fail_on=Severity.WARNING)) is Decision.FINDINGS


def test_progress_counts_up_to_all_services(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    audit(fleet(LOGIN, tmp_path), as_of=DAY, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)
