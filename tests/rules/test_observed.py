"""What the rules say that compare the catalog with what telemetry saw, beyond their examples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.fleets import facts_about, facts_of, fleet_of
from truetier.audit.engine import run
from truetier.audit.finding import Severity
from truetier.audit.registry import all_rules
from truetier.catalog.merge import merge
from truetier.catalog.snapshot.columns import DamagedError, Reader, Writer
from truetier.catalog.snapshot.fleet import read_fleet, write_fleet
from truetier.graph.build import build
from truetier.sources.observed import read_observed
from truetier.sources.yaml_catalog import read

if TYPE_CHECKING:
    from truetier.audit.finding import Finding

TWO = "services: {{shop: {{tier: T1, needs: [{need}]}}, ads: {{tier: T1}}}}"


def edge(verdict: str, *, windows: int = 3, probability: float | None = 0.5, callee: str = "ads") -> dict[str, Any]:
    mode = {"verdict": verdict, "probability": probability, "low": probability, "high": probability, "failed_calls": 20, "windows": windows}
    return {"caller": "shop", "callee": callee, "kind": "sync", "calls": 900, "errors": 20, "modes": {"error": mode}}


def evidence(*edges: dict[str, Any]) -> str:
    return json.dumps({"schema": "truetier/observe/1", "services": [], "edges": list(edges)})


def found(need: str, rule: str, *edges: dict[str, Any]) -> tuple[Finding, ...]:
    return tuple(run(facts_of(TWO.format(need=need), observed=evidence(*edges)), all_rules(), select=[rule])[0])


SOFT = "{service: ads, timeout: 1s, fallback: static}"


@pytest.mark.parametrize(("windows", "severity"), [(1, Severity.WARNING), (2, Severity.ERROR)])
def test_a_need_seen_to_be_hard_at_one_time_alone_is_a_warning(windows: int, severity: Severity) -> None:
    (finding,) = found(SOFT, "TT207", edge("hard", windows=windows))
    assert finding.severity is severity
    assert "(error): 50% of them" in finding.message


def test_a_hard_need_that_was_survived_is_a_note() -> None:
    (finding,) = found("ads", "TT207", edge("soft"))
    assert finding.severity is Severity.NOTE
    assert finding.message.startswith("shop is said to fail with ads, but survived it (error: ")


def test_a_verdict_without_a_probability_tells_how_often_it_was_seen() -> None:
    (finding,) = found(SOFT, "TT207", edge("hard", probability=None))
    assert finding.message.endswith("(error): 20 failed calls in 3 windows")


def test_groups_and_needs_that_nobody_declared_are_not_contradicted() -> None:
    assert found("{any_of: [ads]}", "TT207", edge("hard")) == ()
    assert (
        run(facts_of("services: {shop: {tier: T1}, ads: {tier: T1}}", observed=evidence(edge("hard"))), all_rules(), select=["TT207"])[0]
        == ()
    )


def test_a_name_that_two_services_may_mean_is_nobody_s() -> None:
    catalog = "services: {shop: {tier: T1}, a: {tier: T1, aliases: ['x*']}, b: {tier: T1, aliases: ['*y']}}"
    fleet = merge([read(catalog.encode(), "truetier.yaml"), read_observed(evidence(edge("hard", callee="xy")).encode(), "seen.json")])
    assert fleet.observed.edges == ()


def test_what_telemetry_saw_is_written_down_with_the_fleet_and_read_back() -> None:
    fleet = fleet_of(
        TWO.format(need=SOFT),
        evidence(
            edge("hard"),
            edge("unknown", probability=None, callee="shop"),
            {**validating("shop", share=0.25, attempts=2.75), "caller": "ads"},
        ),
    )
    to = Writer()
    write_fleet(fleet, to)
    content = to.written()
    assert read_fleet(Reader(memoryview(content))) == fleet
    assert content.count(b"0.5") == 1
    for right, wrong in ((b"0.5", b"1.5"), (b"0.5", b"x.5"), (b"2.75", b"0.75")):
        with pytest.raises(DamagedError):
            read_fleet(Reader(memoryview(content.replace(right, wrong))))


def test_an_observed_need_without_an_edge_beside_it_is_no_undeclared_call() -> None:
    fleet = fleet_of("services: {shop: {tier: T1}, ads: {tier: T1}}", evidence(edge("hard")))
    told = facts_about(fleet._replace(observed=fleet.observed._replace(edges=(fleet.observed.edges[0]._replace(callee="shop"),))))
    assert run(told, all_rules(), select=["TT205"])[0] == ()


def test_the_uses_of_a_fleet_are_a_mapping() -> None:
    uses = build(fleet_of(TWO.format(need="ads"))).uses
    assert len(uses) == 2
    assert "shop" in uses
    assert "nobody" not in uses


def validating(callee: str, **rest: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever evidence holds
    return {"caller": "shop", "callee": callee, "kind": "sync", "calls": 900, "errors": 0, "share": 0.9, **rest}


def remote(services: str, *edges: dict[str, Any]) -> tuple[Finding, ...]:
    return tuple(run(facts_of(f"services: {{{services}}}", observed=evidence(*edges)), all_rules(), select=["TT501"])[0])


@pytest.mark.parametrize(
    "callee", ["auth", "auth-service", "authService", "user_authz", "token.prod", "IAM", "quota-2", "rate-limiter", "licensing"]
)
def test_who_validates_is_told_by_a_word_of_the_name(callee: str) -> None:
    assert len(remote(f"shop: {{tier: T1, needs: ['{callee}']}}, '{callee}': {{tier: T1}}", validating(callee))) == 1


@pytest.mark.parametrize("callee", ["author", "authority-pages", "tokenizer", "opal", "ssooner", "cart"])
def test_names_that_merely_begin_alike_do_not_validate(callee: str) -> None:
    assert remote(f"shop: {{tier: T1, needs: [{callee}]}}, {callee}: {{tier: T1}}", validating(callee)) == ()


SOFTLY = {"error": {"verdict": "soft", "probability": 0.01, "low": 0.0, "high": 0.1, "failed_calls": 40, "windows": 3}}


@pytest.mark.parametrize("seen", [{"share": 0.49}, {"share": None}, {"calls": 99}, {"kind": "async"}, {"modes": SOFTLY}])
def test_what_is_rare_few_async_or_survived_is_no_validation_at_every_request(seen: dict[str, Any]) -> None:
    assert remote("shop: {tier: T1, needs: [auth]}, auth: {tier: T1}", validating("auth", **seen)) == ()


def test_a_control_plane_may_ask_a_control_plane() -> None:
    assert remote("shop: {tier: T1, plane: control, needs: [auth]}, auth: {tier: T1}", validating("auth")) == ()


def test_what_validation_costs_is_the_downtime_of_who_validates() -> None:
    (hard,) = remote("shop: {tier: T1, needs: [auth]}, auth: {tier: T1}", validating("auth"))
    assert hard.minutes_per_year == pytest.approx(52.596, rel=1e-3)
    assert "shop asks auth at 90% of its requests whether they are allowed (900 calls seen)" in hard.message
    (soft,) = remote("shop: {tier: T1, needs: [{service: auth, timeout: 1s, fallback: static}]}, auth: {tier: T1}", validating("auth"))
    (undeclared,) = remote("shop: {tier: T1}, auth: {tier: T1}", validating("auth"))
    assert soft.minutes_per_year is None
    assert undeclared.minutes_per_year == pytest.approx(52.596, rel=1e-3)


CHAIN = "shop: {tier: T1, needs: [{service: prices, timeout: 1s, attempts: %s}]}, prices: {tier: T1, needs: [ads]}, ads: {tier: T1}"


def amplified(attempts: int, *edges: dict[str, Any]) -> list[str]:
    found, _ = run(facts_of(f"services: {{{CHAIN % attempts}}}", observed=evidence(*edges)), all_rules(), select=["TT208"])
    return [finding.message for finding in found]


def tried(caller: str, callee: str, attempts: float | None) -> dict[str, Any]:
    return {**validating(callee), "caller": caller, "attempts": attempts}


def test_attempts_that_were_seen_multiply_with_those_declared() -> None:
    (message,) = amplified(2, tried("prices", "ads", 2.96))
    assert message == (
        "one request of shop can become 6 requests to ads: the attempts on the way multiply; "
        "telemetry saw 3 attempts at prices -> ads where 1 is declared"
    )
    (message,) = amplified(2, tried("shop", "prices", 3.5), tried("prices", "ads", 2))
    assert message.endswith(
        "7 requests to ads: the attempts on the way multiply; telemetry saw 3.5 attempts at shop -> prices where 2 are"
        " declared, 2 attempts at prices -> ads where 1 is declared"
    )


def test_attempts_that_were_not_seen_may_come_another_day() -> None:
    assert len(amplified(3, tried("shop", "prices", 1.0))) == 1


@pytest.mark.parametrize("attempts", [None, 1.0, 1.49])
def test_less_than_half_an_attempt_more_is_no_retry(attempts: float | None) -> None:
    assert amplified(2, tried("prices", "ads", attempts)) == []


def test_calls_of_which_only_telemetry_knows_are_tried_again_too() -> None:
    fleet = facts_of("services: {shop: {tier: T1}, ads: {tier: T1}}", observed=evidence(tried("shop", "ads", 3)))
    (finding,) = run(fleet, all_rules(), select=["TT208"])[0]
    assert finding.fix == "make at most 2 attempts on ads, and share a retry budget there"
    assert finding.message.endswith("ads is tried so often; telemetry saw 3 attempts at shop -> ads where 1 is declared")


def drifted(catalog: str, **services: tuple[int, int]) -> list[tuple[str, str]]:
    told = [
        {"name": name, "observed": counts, "endpoints": [{"name": "get", **counts}]}
        for name, (requests, failed) in services.items()
        for counts in [{"requests": requests, "failed": failed}]
    ]
    seen = json.dumps({"schema": "truetier/observe/1", "edges": [], "services": told})
    found, _ = run(facts_of(catalog, observed=seen), all_rules(), select=["TT109"])
    return [(finding.subject, finding.message) for finding in found]


def test_a_journey_through_several_services_drifts_by_what_is_sure_however_they_fail_together() -> None:
    catalog = "services: {shop: {}, cart: {}}\njourneys: {buy: {tier: T2, succeeds: [shop, cart]}, look: {succeeds: [shop]}}"
    ((subject, message),) = drifted(catalog, shop=(10**6, 10**4), cart=(10**6, 10))
    assert (subject, message) == ("buy", "journey buy promises T2, 99.9%, but at best 99.0221%")


def test_an_endpoint_drifts_by_its_own_promise() -> None:
    catalog = "services: {shop: {endpoints: {get: {tier: T2}, put: {}}}, cart: {tier: T4, endpoints: {get: {}}}}"
    ((subject, message),) = drifted(catalog, shop=(10**6, 10**4), cart=(10**6, 10**5))
    assert subject == "shop/get"
    assert message.startswith("endpoint shop/get promises T2, 99.9%, but 99.000% of 1,000,000 requests succeeded, at best 99.0")


def test_endpoints_that_failed_more_often_than_they_were_asked_are_damage() -> None:
    told = [{"name": "a", "endpoints": [{"name": "get", "requests": 77, "failed": 66}]}]
    seen = json.dumps({"schema": "truetier/observe/1", "edges": [], "services": told})
    fleet = fleet_of("services: {a: {}}", seen)
    to = Writer()
    write_fleet(fleet, to)
    assert read_fleet(Reader(memoryview(to.written()))) == fleet
    (service,) = fleet.observed.services
    wrong = service._replace(endpoints=(service.endpoints[0]._replace(failed=78),))
    to = Writer()
    write_fleet(fleet._replace(observed=fleet.observed._replace(services=(wrong,))), to)
    with pytest.raises(DamagedError):
        read_fleet(Reader(memoryview(to.written())))
