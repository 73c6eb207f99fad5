from __future__ import annotations

import json
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.app.check import audit
from truetier.catalog.evidence import Kind
from truetier.catalog.merge import merge
from truetier.catalog.model import Hardness, Mode
from truetier.catalog.observed import Verdict
from truetier.errors import CatalogError
from truetier.sources.observed import read_observed
from truetier.sources.yaml_catalog import read

if TYPE_CHECKING:
    from truetier.catalog.model import Fleet

DAY = date(2026, 11, 26)


def mode(verdict: str, *, failed: int = 20, windows: int = 3) -> dict[str, Any]:
    probability = {"hard": 0.98, "soft": 0.01, "partial": 0.5, "unknown": 0.6}[verdict]
    return {"verdict": verdict, "probability": probability, "low": 0.0, "high": 1.0, "failed_calls": failed, "windows": windows}


def an_edge(caller: str, callee: str, *, kind: str = "sync", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of the document
    return {"caller": caller, "callee": callee, "kind": kind, "calls": 5000, "errors": 20, **more}


def evidence(*edges: dict[str, Any], services: tuple[dict[str, Any], ...] = ()) -> bytes:
    last = "2026-11-25T10:00:00Z"
    document = {"schema": "truetier/observe/1", "first": last, "last": last, "edges": list(edges), "services": list(services)}
    return json.dumps(document).encode()


def merged(catalog: str, content: bytes) -> Fleet:
    return merge([read(catalog.encode(), "truetier.yaml"), read_observed(content, "observed.json")])


@pytest.mark.parametrize(
    ("verdict", "hardness"),
    [("hard", Hardness.HARD), ("partial", Hardness.HARD), ("soft", Hardness.SOFT), ("unknown", Hardness.UNKNOWN)],
)
def test_a_call_that_nobody_declared_counts_with_the_class_that_was_observed(verdict: str, hardness: Hardness) -> None:
    fleet = merged("services: {shop: {tier: T1}, ads: {tier: T2}}", evidence(an_edge("shop", "ads", modes={"error": mode(verdict)})))
    (need,) = fleet.services["shop"].needs
    assert (need.service, need.hardness, need.evidence.kind) == ("ads", hardness, Kind.OBSERVED)


def test_a_need_that_is_declared_stays_as_it_is_declared() -> None:
    catalog = "services: {shop: {tier: T1, needs: [{service: ads, timeout: 1s, fallback: static}]}, ads: {tier: T2}}"
    fleet = merged(catalog, evidence(an_edge("shop", "ads", modes={"error": mode("hard")})))
    (need,) = fleet.services["shop"].needs
    assert need.evidence.kind is Kind.DECLARED
    (edge,) = fleet.observed.edges
    assert edge.verdict is Verdict.HARD


def test_what_was_seen_to_survive_survives_as_often_as_it_was_seen_to() -> None:
    catalog = "services: {shop: {tier: T1, availability: 99.999%}, ads: {availability: 99%}}"
    fleet = merged(catalog, evidence(an_edge("shop", "ads", modes={"error": mode("soft")})))
    delivered = audit(fleet, as_of=DAY).services[0].delivered.up
    assert delivered == pytest.approx(0.99999 * (1 - 0.01 * 0.01), rel=1e-9)


def test_what_a_service_fails_by_itself_counts_where_nobody_stated_it() -> None:
    own = {"name": "shop", "own": {"requests": 10_000, "failed": 7, "clustering": 2}}
    fleet = merged("services: {shop: {tier: T1}}", evidence(services=(own,)))
    (shop,) = audit(fleet, as_of=DAY).services
    assert shop.delivered.down == pytest.approx((3.5 + 0.5) / (5000 + 1))
    stated = merged("services: {shop: {tier: T1, availability: 99.99%}}", evidence(services=(own,)))
    (shop,) = audit(stated, as_of=DAY).services
    assert shop.delivered.down == pytest.approx(0.0001)


def test_names_are_joined_through_aliases_and_what_matches_nothing_is_listed() -> None:
    catalog = "services: {shop: {tier: T1, aliases: ['shop-*']}, ads: {tier: T2}}"
    fleet = merged(catalog, evidence(an_edge("shop-v2", "ads"), an_edge("stranger", "ads"), an_edge("shop-v2", "queue", kind="async")))
    assert [(edge.caller, edge.callee) for edge in fleet.observed.edges] == [("shop", "ads")]
    assert [need.service for need in fleet.services["shop"].needs] == ["ads"]
    assert sorted(item.subject for item in fleet.unmatched) == ["queue", "stranger"]
    assert list(fleet.services) == ["shop", "ads"]


def test_a_message_is_an_async_need() -> None:
    fleet = merged("services: {shop: {tier: T1}, mailer: {tier: T3}}", evidence(an_edge("shop", "mailer", kind="async")))
    (need,) = fleet.services["shop"].needs
    assert (need.mode, need.hardness) == (Mode.ASYNC, None)


def test_the_limit_seen_is_the_timeout() -> None:
    fleet = merged("services: {shop: {tier: T1}, ads: {tier: T2}}", evidence(an_edge("shop", "ads", timeout_ms=1962.336)))
    assert fleet.observed.edges[0].timeout == timedelta(microseconds=1_962_336)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema": "truetier/observe/2", "edges": [], "services": []}',
        b'{"schema": "truetier/observe/1"}',
        evidence({"caller": "a"}),
        evidence(an_edge("", "b")),
        evidence(an_edge("a", "b", kind="maybe")),
        evidence(an_edge("a", "b", calls=-1)),
        evidence(an_edge("a", "b", calls=True)),
        evidence(an_edge("a", "b", modes={"error": {"verdict": "firm"}})),
        evidence(services=({"name": "a", "own": {"requests": 1, "failed": 2}},)),
        b"[" * 100_000,
    ],
)
def test_what_is_no_evidence_is_refused_with_its_file(content: bytes) -> None:
    with pytest.raises(CatalogError) as caught:
        read_observed(content, "observed.json")
    (mistake,) = caught.value.mistakes
    assert mistake.place is not None
    assert mistake.place.file == "observed.json"
    assert mistake.message.startswith("no evidence of telemetry: ")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(("caller", "callee", "kind", "calls", "modes", "x")), inner)
    ),
)


@given(st.dictionaries(st.sampled_from(("edges", "services", "first")), _JSON))
def test_any_document_is_read_or_refused(parts: dict[str, Any]) -> None:
    content = json.dumps({"schema": "truetier/observe/1", **parts}).encode()
    with suppress(CatalogError):
        read_observed(content, "observed.json")
