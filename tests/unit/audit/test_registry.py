from __future__ import annotations

from types import ModuleType

import pytest

from truetier.audit.finding import Severity
from truetier.audit.registry import all_rules, chosen, find_rule, in_order, rule_in
from truetier.audit.rule import Rule
from truetier.errors import ModelError, UsageError


def made(name: str, code: str, *, class_name: str | None = None, family: str = "tiering") -> ModuleType:
    module = ModuleType(f"truetier.rules.{family}.{name}")
    known = class_name if class_name is not None else "".join(word.capitalize() for word in name.split("_"))
    fields = {"code": code, "severity": Severity.NOTE, "__module__": module.__name__}
    setattr(module, known, type(known, (Rule,), fields))
    return module


def test_a_rule_is_found_by_code_and_by_name() -> None:
    rule = find_rule("TT101")
    assert rule is not None
    assert rule is find_rule("inversion")
    assert (rule.slug, rule.family) == ("inversion", "tiering")


def test_a_name_that_no_rule_has_finds_none() -> None:
    assert find_rule("TT999") is None


def test_two_rules_with_one_code_are_refused() -> None:
    first, second = rule_in(made("one", "TT101")), rule_in(made("two", "TT101"))
    with pytest.raises(ModelError, match="tiering/one and tiering/two share the name TT101"):
        in_order([first, second])


def test_two_rules_with_one_name_are_refused() -> None:
    first, second = rule_in(made("one", "TT101")), rule_in(made("one", "TT201", family="dependency"))
    with pytest.raises(ModelError, match="share the name one"):
        in_order([first, second])


def test_rules_are_put_in_the_order_of_their_codes() -> None:
    first, second = rule_in(made("one", "TT102")), rule_in(made("two", "TT101"))
    assert in_order([first, second]) == (second, first)


def test_a_class_not_named_after_its_file_is_refused() -> None:
    with pytest.raises(ModelError, match="expected the class to be named OverTiered"):
        rule_in(made("over_tiered", "TT101", class_name="Other"))


@pytest.mark.parametrize("code", ["TT201", "TT1", "XX101", "TT1010", "TT901"])
def test_a_code_of_another_family_or_form_is_refused(code: str) -> None:
    with pytest.raises(ModelError, match="does not belong to the family tiering"):
        rule_in(made("one", code))


def test_a_file_without_a_rule_is_refused() -> None:
    with pytest.raises(ModelError, match="expected exactly one rule, found 0"):
        rule_in(ModuleType("truetier.rules.tiering.empty"))


def codes(select: list[str], ignore: list[str] | None = None) -> list[str]:
    return [rule.code for rule in chosen(all_rules(), select, ignore or [])]


def test_nothing_selected_is_everything() -> None:
    assert codes([]) == [rule.code for rule in all_rules()]


@pytest.mark.parametrize("name", ["TT101", "tt101", "inversion", "Inversion"])
def test_one_rule_is_selected_by_code_or_name(name: str) -> None:
    assert codes([name]) == ["TT101"]


@pytest.mark.parametrize("name", ["TT2", "tt2", "dependency"])
def test_a_family_is_selected_by_name_or_by_the_beginning_of_its_codes(name: str) -> None:
    assert codes([name]) == [rule.code for rule in all_rules() if rule.family == "dependency"]


def test_what_is_ignored_wins_over_what_is_selected() -> None:
    assert codes(["TT1"], ["tiering"]) == []
    assert "TT101" not in codes([], ["inversion"])


def test_every_name_that_fits_no_rule_is_told_with_what_comes_close() -> None:
    with pytest.raises(UsageError, match=r"'inversoin' \(did you mean inversion\?\), 'zzz'") as caught:
        codes(["inversoin"], ["zzz"])
    assert "families" not in str(caught.value)
    assert "a family: tiering, dependency, cycles" in str(caught.value)
