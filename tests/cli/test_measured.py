"""What a person and a machine see of promises that rest on measured numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from truetier.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli

SHORT = "services:\n  api: {tier: T2, owner: web, measured: {requests: 2000, failed: 1}}\n"


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "truetier.yaml"
    path.write_text(SHORT)
    return path


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ("requests: 2000, failed: 1", Exit.NOT_ENOUGH_DATA),
        ("requests: 2000, failed: 40", Exit.FINDINGS),
        ("requests: 200000, failed: 40", Exit.CLEAN),
        ("requests: 200000, failed: 150, clustering: 1", Exit.CLEAN),
        ("requests: 200000, failed: 150, clustering: 100", Exit.NOT_ENOUGH_DATA),
    ],
)
def test_how_sure_a_promise_is_decides_the_exit_code(cli: Cli, tmp_path: Path, counts: str, code: Exit) -> None:
    (tmp_path / "truetier.yaml").write_text(f"services:\n  api: {{tier: T2, owner: web, measured: {{{counts}}}}}\n")
    assert cli("check", "--fail-on", "warning").code == code
    assert cli("check", "--fail-on", "never").code == Exit.CLEAN


def test_check_says_what_is_missing(cli: Cli, short: Path) -> None:
    said = " ".join(cli("check", str(short)).out.split())
    assert "NOT ENOUGH DATA api promises T2 99.9%, kept with a probability of 73.8%; delivers 99.80" in said
    assert "more requests to api would be enough if none of them failed" in said
    assert "unknown, P(kept) 73.8%" in said
    assert "Promises: 0 missed, 0 met, 1 unknown." in said
    assert "error" not in said.partition("Promises:")[0]


def test_explain_says_it_too(cli: Cli, short: Path) -> None:
    lines = cli("explain", "api", str(short)).out.splitlines()
    assert lines[1].endswith("not enough data to decide")
    assert lines[2].startswith("kept with a probability of 73.8%; delivers ")
    assert lines[3].endswith("more requests to api would be enough if none of them failed")
    assert any("itself, as measured" in line for line in lines)


def test_the_requests_asked_for_are_enough(cli: Cli, short: Path) -> None:
    (subject,) = json.loads(cli("check", str(short), "--format", "json").out)["services"]
    wanted = subject["confidence"]["requests_needed"]
    short.write_text(SHORT.replace("2000", str(2000 + wanted)))
    assert cli("check", str(short)).code == Exit.CLEAN


def test_json_has_the_confidence_where_something_was_measured_and_else_not(cli: Cli, tmp_path: Path, repository: Path) -> None:
    (tmp_path / "truetier.yaml").write_text(
        f"{SHORT}  web: {{owner: web, needs: [api]}}\n  sure: {{tier: T2, owner: web}}\njourneys:\n  visit: {{tier: T2, succeeds: [api]}}\n"
    )
    found = json.loads(cli("check", "--format", "json").out)
    schema = json.loads((repository / "contracts" / "check-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    services = {item["name"]: item for item in found["services"]}
    assert "confidence" not in services["sure"]
    assert services["web"]["confidence"]["met"] is None
    assert "parameter" not in services["web"]["confidence"]
    for subject in (services["api"], *found["journeys"]):
        confidence = subject["confidence"]
        assert subject["verdict"] == "unknown"
        assert (confidence["parameter"], confidence["draws"]) == ("api", 1024)
        assert 0.05 < confidence["met"] < 0.95
        assert confidence["low"] < subject["delivered"]["value"] < confidence["high"]
    assert found["summary"]["unknown"] == 2
    assert [item["subject"] for item in found["assumptions"] if item["key"] == "availability"] == ["api", "web", "sure"]
    assert found["skipped"][0]["reason"].startswith("not enough data, kept with a probability of ")


@pytest.mark.parametrize("form", ["markdown", "html", "junit", "sarif", "github"])
def test_every_format_can_show_it(cli: Cli, short: Path, form: str) -> None:
    outcome = cli("check", str(short), "--format", form)
    assert outcome.code == Exit.NOT_ENOUGH_DATA
    assert ("P(kept) 73.8%" in outcome.out) is (form in {"html", "markdown"})
    assert ("probability of 73.8%" in outcome.out) is (form in {"html", "markdown", "junit", "sarif"})


def test_a_baseline_takes_it_as_known(cli: Cli, short: Path) -> None:
    assert cli("check", str(short), "--write-baseline", "known.json").code == Exit.CLEAN
    assert cli("check", str(short), "--baseline", "known.json").code == Exit.CLEAN
