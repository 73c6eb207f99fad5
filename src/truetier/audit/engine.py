"""Runs rules over the facts of a fleet: what they find, what they could not judge, what is waived and what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Skipped, SkippedRule, rule_failed
from truetier.audit.findings import findings_of, in_order
from truetier.audit.registry import chosen
from truetier.audit.violations import Violations, gathered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truetier.audit.facts import Facts
    from truetier.audit.finding import Violation
    from truetier.audit.findings import Findings, RuleFindings
    from truetier.audit.rule import Rule
    from truetier.catalog.model import Waiver

TOLERATED_GROWTH = 1.1  # a known finding that costs more than this many times what it did is new again


def run(
    facts: Facts, rules: Sequence[Rule], *, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Findings, tuple[SkippedRule, ...]]:
    """The findings, worst first, and what could not be judged.

    ``select`` and ``ignore`` as in ``chosen``. A waived finding stays in the list and is marked. Raises ModelError when a rule fails.
    """
    skipped: list[SkippedRule] = []
    ran = chosen(rules, select, ignore)
    found = [_run_one(facts, rule, skipped) for rule in ran]
    marked, idle = _waived(found, facts, ran, rules)
    return in_order(marked), (*skipped, *idle)


def mark_new(findings: Findings, baseline: Mapping[str, float | None]) -> Findings:
    """The findings, each marked new unless the baseline knows its fingerprint and it costs at most 10 % more than then.

    The baseline maps fingerprints to minutes a year, None where the cost was unknown.
    """
    if not baseline:
        return findings
    return findings.changed(lambda found: found._replace(is_new=bytes(_is_new(found, row, baseline) for row in range(len(found.is_new)))))


def _is_new(found: RuleFindings, row: int, baseline: Mapping[str, float | None]) -> bool:
    named = found.fingerprint(row)
    if named not in baseline:
        return True
    before, now = baseline[named], found.said.minutes(row)
    return before is not None and now is not None and now > before * TOLERATED_GROWTH


def _run_one(facts: Facts, rule: Rule, skipped: list[SkippedRule]) -> RuleFindings:
    """The findings of one rule, in the order in which it told them."""
    single: list[Violation] = []
    many: list[Violations] = []
    try:
        for said in rule.check(facts):
            if isinstance(said, Skipped):
                skipped.append(SkippedRule(rule.slug, said.subject, said.reason))
            elif isinstance(said, Violations):
                many.append(said)
            else:
                single.append(said)
    except Exception as error:
        raise rule_failed(rule.code, rule.slug, error) from error
    return findings_of(rule.code, rule.slug, rule.severity, rule.fix, _as_one(many, single))


def _as_one(many: Sequence[Violations], single: Sequence[Violation]) -> Violations:
    """All that a rule told: usually either at once or one by one."""
    if len(many) == 1 and not single:
        return many[0]
    return gathered([*(said.violation(row) for said in many for row in range(len(said.subjects))), *single])


def _waived(
    found: Sequence[RuleFindings], facts: Facts, ran: Sequence[Rule], rules: Sequence[Rule]
) -> tuple[list[RuleFindings], list[SkippedRule]]:
    """The findings with the waived ones marked, and a line for each valid waiver that silenced nothing."""
    valid = {(waiver.rule, waiver.subject): waiver for waiver in facts.fleet.waivers if facts.as_of <= waiver.expires}
    used: set[tuple[str, str]] = set()
    marked = []
    for each in found:
        wanted = {subject for rule, subject in valid if rule in (each.code, each.slug)}
        silenced = [subject in wanted for subject in each.said.subjects] if wanted else []
        used.update((name, subject) for subject in wanted.intersection(each.said.subjects) for name in (each.code, each.slug))
        marked.append(each._replace(is_waived=bytes(silenced)) if True in silenced else each)
    idle = [waiver for key, waiver in valid.items() if key not in used]
    return marked, [SkippedRule(waiver.rule, waiver.subject, reason) for waiver in idle if (reason := _idle_reason(waiver, ran, rules))]


def _idle_reason(waiver: Waiver, ran: Sequence[Rule], rules: Sequence[Rule]) -> str | None:
    if any(waiver.rule in (rule.code, rule.slug) for rule in ran):
        return "the waiver matches no finding: delete it, or check its subject"
    if any(waiver.rule in (rule.code, rule.slug) for rule in rules):
        return None  # the rule was not asked
    return "the waiver names no rule: write the code or the name of one"
