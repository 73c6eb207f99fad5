"""Services that only need others hard are assessed all at once, and all that is said of them is what formulas say."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.availability.fleets import DAY, SAID, domain, fleet, need, placement, service, share, static
from truetier.availability import assess
from truetier.catalog.evidence import Verification
from truetier.catalog.model import Endpoint, Fleet, Mode, Phase, Service
from truetier.graph.build import build
from truetier.graph.hardness import Reading

if TYPE_CHECKING:
    from truetier.availability.assess import Assessments
    from truetier.availability.estimate import Assessment, Estimate
    from truetier.catalog.model import Need

OWN = (None, "0", "0.5", "0.7", "0.99", "0.99", "0.999", "0.9999", "0.999900000001", "0.9999999999", "1")
PLAIN = ("hard", "hard", "hard", "hard", "later", "start")


def assessed_from(services: float, made: Fleet, reading: Reading = Reading.TRUSTING) -> Assessments:
    """Assessed all at once where there are at least so many services."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(assess, "AT_ONCE_FROM", services)
        return assess.assess(build(made), DAY, reading=reading)


@st.composite
def needs(draw: st.DrawFn, callee: str, kinds: tuple[str, ...]) -> Need:
    match draw(st.sampled_from(kinds)):
        case "hard":
            return need(callee, timeout=draw(st.sampled_from([None, timedelta(seconds=1)])))
        case "later":
            return need(callee, mode=Mode.ASYNC)
        case "broker":
            return need(callee, mode=Mode.ASYNC, broker="s0")
        case "start":
            return need(callee, phases=frozenset({Phase.START}))
        case "share":
            return need(callee, share=share("0.5"))
        case "group":
            return need(*{callee, "s0", "s1"}, k=1)
        case _:
            verified = draw(st.sampled_from([None, Verification("drill", DAY, None)]))
            return static(callee, draw(st.sampled_from(["1", "0.9"])), verified=verified)


@st.composite
def fleets(draw: st.DrawFn, kinds: tuple[str, ...] = PLAIN, *, others: bool = False) -> Fleet:
    """Needs may be named twice, stand in cycles and lead to the service itself."""
    count = draw(st.integers(2, 9))
    made: list[Service] = []
    for number in range(count):
        asked = draw(st.lists(st.integers(0, count - 1), max_size=4))
        more: dict[str, object] = {}
        if others and draw(st.integers(0, 5)) == 0:
            more["placement"] = placement({"eu/a": 1, "eu/b": 1}, draw(st.sampled_from([None, "0.99"])))
        if others and draw(st.integers(0, 5)) == 0:
            more["endpoints"] = (Endpoint("e", SAID, needs=(need("s0"),)),)
        budget = timedelta(seconds=draw(st.sampled_from([1, 10])))
        wanted = [draw(needs(f"s{callee}", kinds)) for callee in asked]
        made.append(
            service(f"s{number}", draw(st.sampled_from(OWN)), wanted, tier=draw(st.sampled_from(["T0", "T2", None])), budget=budget, **more)
        )
    return fleet(*made, domains={each.path: each for each in (domain("eu", "0.9999"), domain("eu/a", "0.999"))})


def assert_alike(found: Estimate, wanted: Estimate) -> None:
    assert found.method is wanted.method
    assert found[:4] == pytest.approx(wanted[:4], rel=1e-12, abs=1e-300)


def assert_all_alike(found: Assessment, wanted: Assessment) -> None:
    assert_alike(found.delivered, wanted.delivered)
    for name in ("full", "ceiling", "verified", "verified_ceiling"):
        assert_alike(getattr(found, name), getattr(wanted, name))
    assert found.verdict is wanted.verdict
    assert found.unverified_claims == wanted.unverified_claims
    assert found.details.own_down == wanted.details.own_down
    for bound, same_bound in zip(found.details.bounds, wanted.details.bounds, strict=True):
        assert bound == (same_bound and pytest.approx(same_bound, rel=1e-12, abs=1e-300))
    assert found.contributors_total == wanted.contributors_total
    assert found.residue == pytest.approx(wanted.residue, rel=1e-6, abs=1e-12)
    for item, same in zip(found.contributors, wanted.contributors, strict=True):
        assert (item.component, item.service) == (same.component, same.service)
        assert item.costs == pytest.approx(same.costs, rel=1e-11, abs=1e-300)
        assert item.gives_back == pytest.approx(same.gives_back, rel=1e-10, abs=1e-300)  # what is never up stands for a large number
    assert (found.costliest and found.costliest.component) == (wanted.costliest and wanted.costliest.component)


def assert_the_same(made: Fleet, reading: Reading = Reading.TRUSTING) -> None:
    found, wanted = assessed_from(0, made, reading), assessed_from(math.inf, made, reading)
    assert found.claims == wanted.claims
    assert list(found.services) == list(wanted.services)
    for one, other in zip(found.services.values(), wanted.services.values(), strict=True):
        assert_all_alike(one, other)
    for name, endpoint in wanted.endpoints.items():
        assert_alike(found.endpoints[name].delivered, endpoint.delivered)


@settings(max_examples=100)
@given(fleets())
def test_a_hard_fleet_is_what_its_formulas_say(made: Fleet) -> None:
    assert_the_same(made)


@settings(max_examples=100)
@given(fleets((*PLAIN, "static", "broker", "share", "group"), others=True), st.sampled_from(Reading))
def test_a_fleet_of_all_kinds_is_what_its_formulas_say(made: Fleet, reading: Reading) -> None:
    assert_the_same(made, reading)


def test_a_call_that_is_met_in_any_case_closes_a_cycle_as_it_does_in_formulas() -> None:
    budget = timedelta(seconds=10)
    assert_the_same(fleet(service("a", "0.99", [static("b", "1")], budget=budget), service("b", "0.9", [need("a")], budget=budget)))


def ladder(layers: int, own: str) -> Fleet:
    return fleet(
        *(
            service(f"{side}{layer}", own, [need(f"{other}{layer + 1}") for other in ("left", "right")] if layer + 1 < layers else ())
            for layer in range(layers)
            for side in ("left", "right")
        )
    )


@pytest.mark.parametrize("own", ["0.9999", "0.9", "0.5", "0.1"])  # the last lose too much for any number of nodes
def test_a_ladder_is_what_its_formulas_say(own: str) -> None:
    assert_the_same(ladder(120, own))


def test_components_that_are_down_almost_equally_are_told_apart_as_everywhere() -> None:
    made = [service(f"s{number}", f"0.99{number % 3:010}{number:02}") for number in range(15)]
    assert_the_same(fleet(service("top", "0.9", [need(each.name) for each in reversed(made)]), *made))


def test_a_chain_of_thousands_below_a_fallback_is_evaluated_from_below() -> None:
    chain = [service(f"c{number}", "0.99999", [need(f"c{number + 1}")] if number < 4999 else ()) for number in range(5000)]
    top = service(
        "top", "0.999", [need("c0"), static("other", "0.9", verified=Verification("drill", DAY, None))], budget=timedelta(seconds=10)
    )
    found = assessed_from(0, fleet(top, *chain, service("other", "0.9")))
    assert found.services["top"].delivered.up == pytest.approx(0.999 * 0.99999**5000 * 0.99, rel=1e-11)
