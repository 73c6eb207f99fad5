"""What ``observe`` prints: its published schema, and what of it the issue names."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from truetier.app.observe import observe
from truetier.catalog.measured import Measured
from truetier.report.observation import render, render_json
from truetier.telemetry.observation import EdgeEvidence, EndpointEvidence, Observation, ServiceEvidence
from truetier.telemetry.spool import Counts
from truetier.telemetry.verdict import MODES, NEVER_SEEN

if TYPE_CHECKING:
    from pathlib import Path

NOW = 2_000_000_000_000_000_000
MODE_KEYS = {"verdict", "probability", "low", "high", "failed_calls", "windows", "failures_needed", "flags"}


@pytest.fixture(scope="module")
def recorded(repository: Path) -> Observation:
    return observe([str(repository / "catalog-examples" / "lab" / "traces")], latest_ns=NOW)


@pytest.fixture
def schema(repository: Path) -> jsonschema.Draft202012Validator:
    published = json.loads((repository / "contracts" / "observe-1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(published)
    return jsonschema.Draft202012Validator(published)


def metrics() -> Observation:
    """As a Prometheus gives it: calls and no requests, services and no endpoints."""
    modes = dict.fromkeys(MODES.values(), NEVER_SEEN)
    edge = EdgeEvidence("shop", "cart", False, 9, 0, None, 0, 0, None, None, None, None, None, None, None, modes)  # noqa: FBT003 - sync
    whole = Measured(9, 1, Decimal("1.5"))
    services = (ServiceEvidence("cart", None, whole, ()), ServiceEvidence("shop", None, None, ()))
    return Observation((edge,), services, Counts(10, 9, {"no number": 1}), None, None)


def test_what_was_recorded_obeys_the_published_schema(recorded: Observation, schema: jsonschema.Draft202012Validator) -> None:
    schema.validate(json.loads(render_json(recorded)))
    kinds = {edge.is_async for edge in recorded.edges}
    assert kinds == {True, False}


def test_what_metrics_show_does_too(schema: jsonschema.Draft202012Validator) -> None:
    schema.validate(json.loads(render_json(metrics())))


def test_what_was_sampled_by_outcome_does_too(repository: Path, schema: jsonschema.Draft202012Validator) -> None:
    found = observe([str(repository / "catalog-examples" / "lab" / "traces")], latest_ns=NOW, is_sampled_by_outcome=True)
    told = json.loads(render_json(found))
    schema.validate(told)
    assert all(service["own"] is service["observed"] is None for service in told["services"])
    assert all(each["observed"] is None for service in told["services"] for each in service["endpoints"])
    assert "what begins here" not in render(found)


@pytest.mark.parametrize(
    "broken",
    [
        lambda told: told.pop("counts"),
        lambda told: told["edges"][0].pop("calls"),
        lambda told: told["edges"][0].update(kind="both"),
        lambda told: told["edges"][0]["modes"]["error"].update(probability=1.5),
        lambda told: told["services"][0].update(more=1),
    ],
)
def test_what_is_something_else_does_not(broken: Any, schema: jsonschema.Draft202012Validator) -> None:  # noqa: ANN401 - changes a document
    told = json.loads(render_json(metrics()))
    broken(told)
    assert not schema.is_valid(told)


def test_every_promised_key_is_there(recorded: Observation) -> None:
    told = json.loads(render_json(recorded))
    assert told["schema"] == "truetier/observe/1"
    assert all({"caller", "callee", "kind", "calls", "errors", "modes"} <= edge.keys() for edge in told["edges"])
    sync = [edge for edge in told["edges"] if edge["kind"] == "sync"]
    assert all(edge["modes"].keys() == {"error", "timeout", "unreachable"} for edge in sync)
    assert all(mode.keys() >= MODE_KEYS for edge in sync for mode in edge["modes"].values())
    assert all({"name", "own", "observed"} <= service.keys() for service in told["services"])
    owns = [service["own"] for service in told["services"] if service["own"] is not None]
    assert owns
    assert all({"value", "low", "high", "requests"} <= own.keys() for own in owns)
    counts = told["counts"]
    assert counts["read"] == counts["used"] + sum(counts["skipped"].values()) > 0


def test_what_begins_in_the_traces_is_listed_with_its_weight() -> None:
    endpoints = tuple(EndpointEvidence(f"GET /{number:02}", is_root=True, requests=10, failed=0) for number in range(40))
    often = EndpointEvidence("GET /", is_root=True, requests=600, failed=6)
    inner = EndpointEvidence("POST /", is_root=False, requests=9000, failed=0)
    service = ServiceEvidence("shop", None, Measured(10000, 6, Decimal(2)), (*endpoints, often, inner))
    told = render(metrics()._replace(services=(service,)))
    assert "what begins here, end to end\nshop GET /    98.837% (6 of 600), 60.0% of 1,000 requests\n" in told
    assert told.count("1.0% of 1,000") == 39
    assert "and 1 more\n" in told
    assert "POST" not in told
