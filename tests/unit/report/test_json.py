"""The machine's reading: schema, numbers, order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from tests.unit.report.documents import DOCUMENTS, exactly, large_document, login_document, rich_document
from truetier.report.json import SCHEMA, render

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_output_obeys_its_published_schema(name: str, repository: Path) -> None:
    schema = json.loads((repository / "contracts" / "check-1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(render(DOCUMENTS[name]())))


def test_it_says_its_schema_and_day_and_counts() -> None:
    found = json.loads(render(login_document()))
    assert found["schema"] == SCHEMA == "truetier/check/1"
    assert found["as_of"] == "2026-11-23"
    assert found["catalog"] == {"services": 4, "edges": 3, "digest": login_document().fleet.digest}
    assert found["summary"] == {"error": 2, "warning": 0, "note": 0, "waived": 0, "met": 2, "missed": 1, "unknown": 0}


def test_numbers_are_the_shortest_that_read_back_the_same() -> None:
    text = render(login_document())
    assert '"promise": 0.9999,' in text
    assert '"value": 0.9979011999,' in text
    assert '"value": 0.0020988001,' in text
    login = json.loads(text)["services"][0]
    assert login["downtime_minutes_per_year"] == 0.0020988001 * 525_600
    assert login["delivered"]["unavailability"]["value"] == 0.0020988001


def test_an_interval_has_no_value_and_no_downtime() -> None:
    mystery = next(item for item in json.loads(render(rich_document()))["services"] if item["name"] == "mystery")
    assert mystery["delivered"]["value"] is None
    assert mystery["delivered"]["unavailability"] == {"low": 0.0, "value": None, "high": 0.5}
    assert mystery["downtime_minutes_per_year"] is None
    assert mystery["verdict"] == "unknown"


def test_costs_sum_to_the_downtime_of_login() -> None:
    login = json.loads(render(login_document()))["services"][0]
    assert sum(part["minutes_per_year"] for part in login["contributors"]) == pytest.approx(login["downtime_minutes_per_year"], rel=1e-9)


def test_a_finding_says_where_and_whether_it_is_new_or_waived() -> None:
    first, second, third, fourth = json.loads(render(rich_document()))["findings"]
    assert first["location"] == {"file": "a dir/truetier.yaml", "line": 3, "column": 16}
    assert (first["new"], first["waived"]) == (True, False)
    assert (second["new"], second["waived"]) == (True, True)
    assert (third["new"], third["location"], third["minutes_per_year"]) == (False, None, None)
    assert (fourth["path"], fourth["path_length"]) == (["checkout", "payments", "mailer"], 3)


def test_a_conflict_names_every_claim_and_its_source() -> None:
    (conflict,) = json.loads(render(rich_document()))["conflicts"]
    assert [claim["value"] for claim in conflict["claims"]] == ["T1", "T2"]
    assert conflict["claims"][1]["location"] == {"file": "team/truetier.yaml", "line": 1, "column": 1}
    assert conflict["used"] == "T1"


def test_the_output_is_plain_ascii_whatever_the_names() -> None:
    text = render(DOCUMENTS["hostile"]())
    assert text.isascii()
    assert all(sign.isprintable() or sign == "\n" for sign in text)


def test_a_number_that_is_no_number_is_refused_and_not_printed() -> None:
    document = login_document()
    broken = document.services[0]._replace(delivered=exactly(float("nan")))
    with pytest.raises(ValueError, match="JSON compliant"):
        render(document._replace(services=(broken,)))


def test_a_large_fleet_takes_one_line_a_service() -> None:
    document = large_document(2_000)
    text = render(document)
    assert text.count("\n") < 2_000 + len(document.findings) + 40
    assert len(json.loads(text)["services"]) == 2_000
