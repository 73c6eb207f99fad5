"""A lab that really runs: every planted class is found in what it just did, and nothing where nothing is planted."""

from __future__ import annotations

import asyncio
import tempfile
import time

import pytest

from truetier.app.observe import observe
from truetier.catalog.observed import Verdict
from truetier.errors import SourceError
from truetier_lab.declared import findings
from truetier_lab.fleet import running
from truetier_lab.load import run
from truetier_lab.place import read_place
from truetier_lab.planted import EXPECTED, JOURNEYS, Manner, seen_as
from truetier_lab.record import CALM, everything_once

NEVER = 1e9  # a lab so calm that nothing fails but by a fault: a few failures of one kind more would leave open what they mean


@pytest.mark.slow
@pytest.mark.usefixtures("stores")
def test_a_running_lab_shows_what_was_planted() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with running(folder, calm=CALM) as place:
            measured = asyncio.run(run(place, everything_once(), rate=6.0))
            assert read_place(folder) == place
        with pytest.raises(SourceError, match="no lab is here"):
            read_place(folder)
        observed = observe([place.traces], latest_ns=time.time_ns())
        assert "TT207 class-contradicted: checkout -> fraud" in findings(place.facts)
    assert set(measured) == set(JOURNEYS)
    assert all(any(request.is_good for request in requests) for requests in measured.values())
    assert observed.counts.read == observed.counts.used
    for expected in EXPECTED:
        edge = seen_as(observed, expected.caller, expected.callee)
        for mode, verdict in expected.modes.items():
            found = edge.modes[mode]
            assert found.probability is not None, (expected, mode)
            if verdict is Verdict.HARD:
                assert found.verdict is Verdict.HARD, (expected, mode, found)
            else:  # the caller fails by itself now and then, which may leave open what is soft
                assert found.probability < 0.4, (expected, mode, found)
                assert found.verdict in {Verdict.SOFT, Verdict.UNKNOWN}, (expected, mode, found)


@pytest.mark.slow
@pytest.mark.usefixtures("stores")
def test_a_fleet_that_calls_as_declared_leaves_nothing_to_find_once_its_guards_have_told() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with running(folder, calm=NEVER, manner=Manner.DECLARED) as place:
            asyncio.run(run(place, everything_once(), rate=6.0))
        without_facts, with_facts = findings(), findings(place.facts)
    assert sorted(without_facts) == [
        f"TT204 fallback-never-exercised: {edge}"
        for edge in (
            "account -> redis",
            "checkout -> fraud",
            "search -> ads",
            "stock -> warehouse",
            "storefront -> recommendations",
            "storefront -> reviews",
        )
    ]
    assert with_facts == ()
