"""The exit code says what the caller has to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from truetier.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli

DAY = ("--as-of", "2026-11-23")
UNKNOWN = """\
services:
  api: {tier: T2, owner: web, availability: 99.95%, needs: [cache]}
  cache: {owner: web}
"""


def test_a_fleet_that_keeps_its_promises_is_clean(cli: Cli, clean: Path) -> None:
    assert cli("check", str(clean)).code == Exit.CLEAN


def test_a_broken_promise_fails(cli: Cli, login: Path) -> None:
    assert cli("check", str(login)).code == Exit.FINDINGS


@pytest.mark.parametrize(("severity", "code"), [("error", 1), ("warning", 1), ("note", 1), ("never", 0)])
def test_fail_on_says_what_is_bad_enough(cli: Cli, login: Path, severity: str, code: int) -> None:
    assert cli("check", str(login), "--fail-on", severity).code == code


def test_a_milder_finding_than_fail_on_does_not_fail(cli: Cli, login: Path) -> None:
    assert cli("check", str(login), "--select", "no-tier").code == Exit.CLEAN
    assert cli("check", str(login), "--select", "no-tier", "--fail-on", "warning").code == Exit.FINDINGS


def test_a_promise_nobody_can_judge_is_not_a_pass(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "truetier.yaml").write_text(UNKNOWN)
    assert cli("check").code == Exit.NOT_ENOUGH_DATA
    assert cli("check", "--fail-on", "never").code == Exit.CLEAN


def test_an_undecided_promise_that_the_baseline_knows_does_not_fail(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "truetier.yaml").write_text(UNKNOWN)
    assert cli("check", "--write-baseline", "known.json").code == Exit.CLEAN
    assert cli("check", "--baseline", "known.json").code == Exit.CLEAN


@pytest.mark.parametrize(
    "arguments",
    [
        ("chekc",),
        ("check", "--formt", "json"),
        ("check", "--format", "jsn"),
        ("check", "--as-of", "yesterday"),
        ("check", "--select", "no-such-rule"),
        ("check", "-o", "no/such/folder/out.txt"),
        ("check", "--report", "."),
        ("explain",),
        ("explain", "nobody"),
        ("diff",),
        ("import",),
        ("export",),
        ("--no-such-option",),
    ],
    ids=" ".join,
)
def test_a_command_that_makes_no_sense_is_a_usage_error(cli: Cli, login: Path, arguments: tuple[str, ...]) -> None:
    assert login.exists()
    outcome = cli(*arguments)
    assert outcome.code == Exit.USAGE
    assert outcome.err.strip()
    assert "Traceback" not in outcome.err


def test_input_that_is_not_there_is_unusable(cli: Cli) -> None:
    outcome = cli("check", "nowhere.yaml")
    assert outcome.code == Exit.UNUSABLE_INPUT
    assert "nowhere.yaml" in outcome.err


def test_a_catalog_with_mistakes_is_unusable_and_every_mistake_is_told_with_its_place(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "truetier.yaml").write_text("services:\n  a: {teir: T1}\n  b: {tier: T1, availability: 150%}\n")
    outcome = cli("check")
    assert outcome.code == Exit.UNUSABLE_INPUT
    assert outcome.out == ""
    for place in ("truetier.yaml:2:", "truetier.yaml:3:"):
        assert place in outcome.err


def test_an_unexpected_error_is_one_line_and_how_to_report_it(cli: Cli, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug\nof ours")

    monkeypatch.setattr("truetier.app.check.check", fail)
    outcome = cli("check", str(clean))
    assert outcome.code == Exit.INTERNAL
    assert outcome.err.count("\n") == 1
    assert "ZeroDivisionError: a bug of ours" in outcome.err
    assert "report" in outcome.err
    monkeypatch.setenv("TRUETIER_DEBUG", "1")
    assert "Traceback" in cli("check", str(clean)).err


def test_an_interrupt_is_no_crash(cli: Cli, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("truetier.app.check.check", interrupt)
    outcome = cli("check", str(clean))
    assert outcome.code == Exit.INTERRUPTED
    assert "Traceback" not in outcome.err


def test_only_new_findings_decide_when_a_baseline_is_given(cli: Cli, login: Path) -> None:
    assert cli("check", str(login), "--write-baseline", "known.json").code == Exit.CLEAN
    assert cli("check", str(login), "--baseline", "known.json").code == Exit.CLEAN
    login.write_text(login.read_text() + "  search: {tier: T0, needs: [user-profile]}\n")
    assert cli("check", str(login), "--baseline", "known.json").code == Exit.FINDINGS


def test_a_known_finding_that_got_worse_is_new(cli: Cli, login: Path) -> None:
    cli("check", str(login), "--write-baseline", "known.json")
    login.write_text(login.read_text().replace("user-profile:    {tier: T2}", "user-profile: {tier: T2, availability: 99.8%}"))
    assert cli("check", str(login), "--baseline", "known.json").code == Exit.FINDINGS


def test_writing_over_a_baseline_in_use_still_fails_on_what_is_new(cli: Cli, login: Path, clean: Path) -> None:
    assert login == clean
    cli("check", "--write-baseline", "known.json")
    (login.parent / "truetier.yaml").write_text("services:\n  a: {tier: T1, needs: [b]}\n  b: {tier: T2}\n")
    assert cli("check", "--baseline", "known.json", "--write-baseline", "known.json").code == Exit.FINDINGS
    assert cli("check", "--baseline", "known.json").code == Exit.CLEAN


@pytest.mark.parametrize("content", ["", "[]", "null", '{"schema": "other"}', '{"schema": "truetier/baseline/1"}', "[" * 100_000, "\x00"])
def test_a_file_that_is_no_baseline_is_unusable(cli: Cli, clean: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "known.json").write_text(content)
    outcome = cli("check", str(clean), "--baseline", "known.json")
    assert outcome.code == Exit.UNUSABLE_INPUT
    assert "known.json" in outcome.err


def test_boot_order_fails_on_a_boot_loop(cli: Cli, clean: Path, repository: Path) -> None:
    assert cli("boot-order", str(clean)).code == Exit.CLEAN
    outcome = cli("boot-order", str(repository / "catalog-examples" / "boot-loop"))
    assert outcome.code == Exit.FINDINGS
    assert "configuration" in outcome.out


@pytest.mark.parametrize(("form", "begins"), [("dot", "digraph"), ("mermaid", "flowchart"), ("openpsa", "<?xml")])
def test_a_fleet_is_exported_for_other_tools(cli: Cli, login: Path, form: str, begins: str) -> None:
    outcome = cli("export", str(login), "--format", form, *DAY)
    assert (outcome.code, outcome.err) == (Exit.CLEAN, "")
    assert begins in outcome.out


def test_what_a_fault_tree_cannot_say_is_refused(cli: Cli, repository: Path) -> None:
    assert cli("export", str(repository / "catalog-examples" / "shop"), "--format", "openpsa").code == Exit.USAGE


def test_manifests_become_a_catalog_that_can_be_checked(cli: Cli, repository: Path) -> None:
    manifests = repository / "catalog-examples" / "kubernetes"
    outcome = cli("import", str(manifests / "web.yaml"), str(manifests / "booking.yaml"), "-o", "truetier.yaml")
    assert outcome.code == Exit.CLEAN
    assert "add a tier" in outcome.err
    assert cli("check", "truetier.yaml", "--fail-on", "never").code == Exit.CLEAN
    assert cli("import", str(manifests), "-o", "truetier.yaml").code == Exit.USAGE
    assert cli("import", str(manifests), "-o", "truetier.yaml", "--force").code == Exit.CLEAN


def test_the_schema_is_json(cli: Cli, tmp_path: Path) -> None:
    schema = json.loads(cli("schema").out)
    assert schema["properties"]["services"]
    assert cli("schema", "-o", "schema.json").out == ""
    assert json.loads((tmp_path / "schema.json").read_text()) == schema


def test_the_json_of_a_check_says_what_it_was_asked(cli: Cli, login: Path) -> None:
    document = json.loads(cli("check", str(login), "--format", "json", *DAY).out)
    assert document["schema"] == "truetier/check/1"
    assert document["as_of"] == "2026-11-23"
    assert document["services"][0]["name"] == "login"


OBSERVED = """
{"schema": "truetier/observe/1", "services": [], "edges": [{"caller": "a", "callee": "b", "kind": "sync", "calls": 9, "errors": 0}]}
"""


@pytest.mark.parametrize(("needs", "code"), [("", Exit.FINDINGS), (", needs: [b]", Exit.CLEAN)])
def test_a_catalog_that_differs_from_what_was_observed_is_a_finding(cli: Cli, tmp_path: Path, needs: str, code: Exit) -> None:
    (tmp_path / "truetier.yaml").write_text(f"services: {{a: {{tier: T2{needs}}}, b: {{tier: T1}}}}")
    (tmp_path / "seen.json").write_text(OBSERVED)
    assert cli("diff", "truetier.yaml", "--observed", "seen.json").code == code
    assert cli("diff", "--observed", "--against", "HEAD").code == Exit.USAGE
    assert cli("diff", "truetier.yaml", "--observed").code == Exit.UNUSABLE_INPUT
    (tmp_path / ".truetier" / "evidence").mkdir(parents=True)
    (tmp_path / "seen.json").rename(tmp_path / ".truetier" / "evidence" / "seen.json")
    assert cli("diff", "--observed").code == code
