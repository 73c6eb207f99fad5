"""Runs rules over the facts of a fleet: what they find, what they could not judge, what is waived and what is new."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from truetier.audit.finding import Finding, Severity, Skipped, SkippedRule, Violation
from truetier.audit.registry import chosen
from truetier.errors import ModelError
from truetier.record import maker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truetier.audit.facts import Facts
    from truetier.audit.rule import Rule
    from truetier.catalog.model import Waiver

_FINDING = maker(Finding)
_IDENTITY = itemgetter(Finding._fields.index("identity"))  # by code, then by subject: a call for each finding shows
_SUBJECT = itemgetter(Violation._fields.index("subject"))
TOLERATED_GROWTH = 1.1  # a known finding that costs more than this many times what it did is new again


def run(
    facts: Facts, rules: Sequence[Rule], *, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[tuple[Finding, ...], tuple[SkippedRule, ...]]:
    """The findings, worst first, and what could not be judged.

    ``select`` and ``ignore`` as in ``chosen``. A waived finding stays in the list and is marked. Raises ModelError when a rule fails.
    """
    found: list[Finding] = []
    skipped: list[SkippedRule] = []
    ran = chosen(rules, select, ignore)
    for rule in ran:
        found += _run_one(facts, rule, skipped)
    findings, idle = _waived(found, facts, ran, rules)
    findings.sort(key=_IDENTITY)
    return tuple(finding for severity in Severity for finding in findings if finding.severity is severity), (*skipped, *idle)


def mark_new(findings: Sequence[Finding], baseline: Mapping[str, float | None]) -> tuple[Finding, ...]:
    """The findings, each marked new unless the baseline knows its fingerprint and it costs at most 10 % more than then.

    The baseline maps fingerprints to minutes a year, None where the cost was unknown.
    """
    if not baseline:
        return tuple(findings)
    return tuple(finding._replace(is_new=_is_new(finding, baseline)) for finding in findings)


def _is_new(finding: Finding, baseline: Mapping[str, float | None]) -> bool:
    fingerprint = finding.fingerprint
    if fingerprint not in baseline:
        return True
    before, now = baseline[fingerprint], finding.minutes_per_year
    return before is not None and now is not None and now > before * TOLERATED_GROWTH


def _run_one(facts: Facts, rule: Rule, skipped: list[SkippedRule]) -> list[Finding]:
    """The findings of one rule, nearly in order: to sort texts is several times as fast as to sort tuples of them."""
    broken: list[Violation] = []
    try:
        for said in rule.check(facts):
            if isinstance(said, Skipped):
                skipped.append(SkippedRule(rule.slug, said.subject, said.reason))
            else:
                broken.append(said)
    except Exception as error:  # whatever a rule does wrong, the message must name the rule
        raise ModelError(f"rule {rule.code} ({rule.slug}) failed: {type(error).__name__}: {error}") from error
    broken.sort(key=_SUBJECT)
    code, slug, usual, usual_fix = rule.code, rule.slug, rule.severity, rule.fix
    found: list[Finding] = []
    before: str | None = None
    seen: dict[str, int] = {}  # how often what tells apart the findings of one subject has come
    for said in broken:
        subject, discriminator = said.subject, said.discriminator
        identity: tuple[str, ...] = (code, subject, discriminator)
        if subject != before:
            before, seen = subject, {discriminator: 1}
        elif discriminator not in seen:
            seen[discriminator] = 1
        else:  # two findings a rule cannot tell apart differ by their order
            seen[discriminator] += 1
            identity = (*identity, str(seen[discriminator]))
        found.append(_FINDING((code, slug, said.severity or usual, said, identity, usual_fix, True, False)))
    return found


def _waived(found: Sequence[Finding], facts: Facts, ran: Sequence[Rule], rules: Sequence[Rule]) -> tuple[list[Finding], list[SkippedRule]]:
    """The findings with the waived ones marked, and a line for each valid waiver that silenced nothing."""
    valid = {(waiver.rule, waiver.subject): waiver for waiver in facts.fleet.waivers if facts.as_of <= waiver.expires}
    if not valid:
        return list(found), []
    used = set()
    marked = []
    for finding in found:
        keys = [key for key in ((finding.code, finding.subject), (finding.slug, finding.subject)) if key in valid]
        used.update(keys)
        marked.append(finding._replace(is_waived=True) if keys else finding)
    idle = [waiver for key, waiver in valid.items() if key not in used]
    return marked, [SkippedRule(waiver.rule, waiver.subject, reason) for waiver in idle if (reason := _idle_reason(waiver, ran, rules))]


def _idle_reason(waiver: Waiver, ran: Sequence[Rule], rules: Sequence[Rule]) -> str | None:
    if any(waiver.rule in (rule.code, rule.slug) for rule in ran):
        return "the waiver matches no finding: delete it, or check its subject"
    if any(waiver.rule in (rule.code, rule.slug) for rule in rules):
        return None  # the rule was not asked
    return "the waiver names no rule: write the code or the name of one"
