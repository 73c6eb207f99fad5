"""What guards go by: one document that both sides obey."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import jsonschema
import pytest

from truetier.app.check import audit
from truetier.app.export import export
from truetier.app.load import load_fleet
from truetier_runtime.facts import Facts
from truetier_runtime.fallback import Value
from truetier_runtime.settings import StartRefusedError, guards

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = """\
version: 1
services:
  checkout:
    tier: T1
    needs:
      - cart
      - {service: prices, timeout: 100ms, attempts: 2, backoff: 50ms, fallback: {kind: cached, staleness: 30m, coverage: 98%}}
      - {service: fraud, timeout: 150ms, fallback: {kind: stand-in, service: fraud-rules, coverage: 90%}}
      - {service: mail, mode: async}
      - any_of: [{service: card-a, timeout: 1s}, {service: card-b, timeout: 2s}]
    endpoints:
      browse: {needs: [{service: reviews, timeout: 100ms, fallback: static}]}
  cart: {tier: T0}
  prices: {tier: T2}
  fraud: {target: 99.5%}
  fraud-rules: {}
  mail: {}
  card-a: {tier: T1}
  card-b: {tier: T1}
  reviews: {}
"""


@pytest.fixture
def written(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "truetier.yaml").write_text(CATALOG)
    document: dict[str, object] = json.loads(export([str(tmp_path)], "guards", as_of=date(2026, 1, 1)))
    return document


def test_every_synchronous_edge_is_there_with_its_limits(written: dict[str, object], repository: Path) -> None:
    jsonschema.validate(written, json.loads((repository / "contracts" / "guards-1.schema.json").read_text()))
    assert list(written["services"]) == ["checkout"]  # type: ignore[call-overload] # a mapping, as the schema says
    checkout = written["services"]["checkout"]  # type: ignore[index] # the same
    assert checkout["promise"] == 0.9999
    short = [
        (each["endpoint"], each["callee"], each["promise"], each["group"], each["timeout_ms"], each["attempts"], each["backoff_ms"])
        for each in checkout["edges"]
    ]
    assert short == [
        (None, "cart", 0.99999, None, None, 1, 0.0),
        (None, "prices", 0.999, None, 100.0, 2, 50.0),
        (None, "fraud", 0.995, None, 150.0, 1, 0.0),
        (None, "card-a", 0.9999, "any of card-a, card-b", 1000.0, 1, 0.0),
        (None, "card-b", 0.9999, "any of card-a, card-b", 2000.0, 1, 0.0),
        ("browse", "reviews", None, None, 100.0, 1, 0.0),
    ]
    assert [each["fallback"] for each in checkout["edges"] if each["fallback"]] == [
        {"kind": "cached", "staleness_ms": 1_800_000.0, "service": None, "coverage": 0.98},
        {"kind": "stand-in", "staleness_ms": None, "service": "fraud-rules", "coverage": 0.9},
        {"kind": "static", "staleness_ms": None, "service": None, "coverage": 1.0},
    ]


def test_the_runtime_makes_guards_of_it_and_wants_the_fallbacks_that_are_claimed(written: dict[str, object]) -> None:
    with pytest.raises(StartRefusedError) as refused:
        guards(written, "checkout")
    assert [each.partition(":")[0] for each in refused.value.mistakes] == [
        "checkout -> fraud",
        "checkout -> fraud",
        "checkout -> browse/reviews",
        "checkout -> browse/reviews",
    ]
    made = guards(written, "checkout", fallbacks={"fraud": Value("let it pass"), "browse/reviews": Value([])})
    assert sorted(made) == ["browse/reviews", "card-a", "card-b", "cart", "fraud", "prices"]


def test_what_guards_saw_is_evidence_that_the_audit_reads(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "truetier.yaml").write_text(CATALOG)
    facts = Facts("checkout")
    document = json.loads(export([str(tmp_path)], "guards", as_of=date(2026, 1, 1)))
    made = guards(document, "checkout", fallbacks={"fraud": Value("let it pass"), "browse/reviews": Value([])}, hooks=(facts,))
    facts.watch(*made.values())
    evidence = tmp_path / "facts.json"

    def findings() -> list[str]:
        facts.write(str(evidence))
        jsonschema.validate(json.loads(evidence.read_text()), json.loads((repository / "contracts" / "observe-1.schema.json").read_text()))
        found = audit(load_fleet([str(tmp_path / "truetier.yaml")], evidence=[str(evidence)]), as_of=date(2026, 1, 1)).findings
        return [finding.subject for finding in found if finding.code == "TT204"]

    assert "checkout -> fraud" in findings()

    def fails() -> None:
        raise ConnectionError

    for _ in range(7):
        assert made["fraud"].call(fails) == "let it pass"
    assert "checkout -> fraud" not in findings()
    assert "checkout -> prices" in findings()
