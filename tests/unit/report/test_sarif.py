"""SARIF for code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.unit.report.documents import DOCUMENTS, document, finding, fleet_of, hostile_document, login_document, rich_document, service
from truetier.report.sarif import FINGERPRINT, artifact, render

if TYPE_CHECKING:
    from pathlib import Path

    from truetier.report.document import Document


def run_of(shown: Document) -> dict[str, Any]:
    (run,) = json.loads(render(shown))["runs"]
    assert isinstance(run, dict)
    return run


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_output_obeys_the_published_schema(name: str, repository: Path) -> None:
    schema = json.loads((repository / "tests" / "data" / "sarif-2.1.0" / "sarif-schema-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(json.loads(render(DOCUMENTS[name]())))


def test_severities_are_real_and_places_exact() -> None:
    run = run_of(rich_document())
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning", "note"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a%20dir/truetier.yaml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 3, "startColumn": 16}


def test_fingerprints_and_baseline_carry_over() -> None:
    shown = rich_document()
    results = run_of(shown)["results"]
    assert results[0]["partialFingerprints"] == {FINGERPRINT: shown.findings[0].fingerprint}
    assert [result["baselineState"] for result in results] == ["new", "new", "unchanged", "new"]


def test_a_waived_finding_is_suppressed_with_its_reason() -> None:
    (suppression,) = run_of(rich_document())["results"][1]["suppressions"]
    assert suppression["justification"] == "migration ends in March (owner shop, until 2027-03-31)"
    assert "suppressions" not in run_of(rich_document())["results"][0]


def test_a_waived_finding_without_a_waiver_at_hand_is_still_suppressed() -> None:
    shown = rich_document()
    (suppression,) = run_of(shown._replace(fleet=shown.fleet._replace(waivers=())))["results"][1]["suppressions"]
    assert suppression == {"kind": "external", "status": "accepted"}


def test_a_finding_without_a_place_points_at_its_subject() -> None:
    region = run_of(rich_document())["results"][2]["locations"][0]["physicalLocation"]["region"]
    assert region["startLine"] == 10


def test_a_finding_about_nothing_known_has_no_physical_place() -> None:
    (result,) = run_of(document(fleet_of(service("a")), (), (finding("nobody"),)))["results"]
    assert "physicalLocation" not in result["locations"][0]


def test_a_path_becomes_a_flow_of_known_places() -> None:
    flow = run_of(rich_document())["results"][3]["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["message"]["text"] for step in flow] == ["checkout -> payments", "payments -> mailer"]
    assert flow[0]["location"]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 16}
    assert "physicalLocation" not in flow[1]["location"]


def test_rules_describe_themselves() -> None:
    run = run_of(login_document())
    rule = run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]
    assert (rule["id"], rule["name"]) == ("TT101", "Inversion")
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert "Calder" in rule["help"]["text"]


def test_a_rule_that_did_not_run_needs_no_index() -> None:
    (first, *_) = run_of(login_document()._replace(rules=()))["results"]
    assert "ruleIndex" not in first


def test_what_was_not_judged_or_read_is_a_notification() -> None:
    (invocation,) = run_of(rich_document())["invocations"]
    texts = [item["message"]["text"] for item in invocation["toolExecutionNotifications"]]
    assert texts[1] == "capacity did not judge payments: no copies are stated"
    assert texts[2] == "not read: notes.txt: not a format truetier reads"
    assert len(texts) == 4


def test_hostile_names_make_no_link() -> None:
    message = run_of(hostile_document())["results"][0]["message"]["text"]
    assert "\\[a\\](http" in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("a/b.yaml", {"uri": "a/b.yaml", "uriBaseId": "%SRCROOT%"}),
        ("./a/../b c.yaml", {"uri": "b%20c.yaml", "uriBaseId": "%SRCROOT%"}),
        ("c:d#e?.yaml", {"uri": "c%3Ad%23e%3F.yaml", "uriBaseId": "%SRCROOT%"}),
        ("/etc/é.yaml", {"uri": "file:///etc/%C3%A9.yaml"}),
    ],
)
def test_files_become_proper_uris(file: str, expected: dict[str, str]) -> None:
    assert artifact(file) == expected
