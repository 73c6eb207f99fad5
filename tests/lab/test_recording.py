"""The recorded example still shows every class that was planted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from truetier.app.observe import observe
from truetier_lab.place import CATALOG
from truetier_lab.planted import missed, seen_as

if TYPE_CHECKING:
    from pathlib import Path

    from truetier.telemetry.observation import Observation

LATER_NS = 1_900_000_000_000_000_000


@pytest.fixture(scope="session")
def recorded(repository: Path) -> Observation:
    return observe([str(repository / "catalog-examples" / "lab" / "traces")], latest_ns=LATER_NS)


def test_every_planted_verdict_is_found(recorded: Observation) -> None:
    assert missed(recorded) == []


def test_nothing_recorded_is_lost(recorded: Observation) -> None:
    assert recorded.counts.read == recorded.counts.used > 1000


def test_retries_are_seen_to_mask_errors(recorded: Observation) -> None:
    assert seen_as(recorded, "storefront", "pricing").masked > 0
    assert seen_as(recorded, "checkout", "pricing").masked > 0


def test_a_timeout_above_the_callers_budget_shows_in_the_limits(recorded: Observation) -> None:
    waits, is_waited_for = seen_as(recorded, "stock", "warehouse").limit_ns, seen_as(recorded, "checkout", "stock").limit_ns
    assert waits is not None
    assert is_waited_for is not None
    assert is_waited_for < waits


def test_the_queue_is_asynchronous(recorded: Observation) -> None:
    (mails,) = [edge for edge in recorded.edges if edge.callee == "mailer"]
    assert mails.is_async
    assert mails.caller == "checkout"


def test_the_boot_dependency_is_called_and_by_no_request(recorded: Observation) -> None:
    edge = seen_as(recorded, "account", "settings")
    assert edge.calls > 0
    assert edge.requests == 0


def test_the_example_is_small_and_its_catalog_is_that_of_the_lab(repository: Path) -> None:
    example = repository / "catalog-examples" / "lab"
    assert os.path.getsize(example / "traces" / "spans.jsonl.gz") < 300_000
    assert (example / "truetier.yaml").read_bytes() == CATALOG.read_bytes()
