from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rules.fleets import facts_of
from truetier.audit.engine import run
from truetier.audit.registry import FAMILIES, all_rules

if TYPE_CHECKING:
    from truetier.audit.rule import Example, Rule

EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.code}-{rule.slug}-{number}")
    for rule in all_rules()
    for number, example in enumerate(rule.examples)
]
RULES = [pytest.param(rule, id=f"{rule.code}-{rule.slug}") for rule in all_rules()]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_rule_names_exactly_the_subjects_its_example_says(rule: Rule, example: Example) -> None:
    findings, _ = run(facts_of(example.catalog, example.as_of, observed=example.observed), [rule])
    assert sorted(finding.subject for finding in findings) == sorted(example.subjects)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_finding_says_what_where_and_how_to_fix_it(rule: Rule, example: Example) -> None:
    for finding in run(facts_of(example.catalog, example.as_of, observed=example.observed), [rule])[0]:
        assert finding.message
        assert "\n" not in finding.message
        assert finding.message[-1] not in ".:, "
        assert not finding.message[0].isupper()
        assert finding.fix
        assert not finding.fix[0].isupper()
        assert finding.path
        assert len(finding.path) <= finding.path_length
        assert finding.place is not None
        assert finding.place.file == "truetier.yaml"
        assert finding.place.line > 2, "a finding must point into the catalog, not at its head"


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_fingerprint_survives_moved_lines(rule: Rule, example: Example) -> None:
    before, _ = run(facts_of(example.catalog, example.as_of, observed=example.observed), [rule])
    after, _ = run(facts_of("# moved\n\n\n" + example.catalog, example.as_of, observed=example.observed), [rule])
    assert [finding.fingerprint for finding in before] == [finding.fingerprint for finding in after]
    assert len({finding.fingerprint for finding in before}) == len(before)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_shows_a_fleet_that_breaks_it_and_one_that_keeps_it(rule: Rule) -> None:
    assert any(example.subjects for example in rule.examples)
    assert any(not example.subjects for example in rule.examples)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_describes_itself(rule: Rule) -> None:
    assert rule.family == FAMILIES[int(rule.code[2]) - 1]
    for text in (rule.title, rule.why, rule.fix, rule.source):
        assert text.strip() == text
        assert text
    assert "\n" not in rule.title
    assert not rule.title.endswith(".")
    assert not rule.fix.endswith(".")
    assert rule.why.endswith(".")


def test_rules_come_by_code_and_share_no_name() -> None:
    codes = [rule.code for rule in all_rules()]
    assert codes == sorted(set(codes))
    assert len({rule.slug for rule in all_rules()}) == len(codes)
