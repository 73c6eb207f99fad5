"""Every default that entered a number is listed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.unit.availability.fleets import SAID, SECOND, availability, need, placement, service, share
from truetier.availability.assumptions import assumptions
from truetier.catalog.model import Domain, Failover, Fallback, FallbackKind, Fleet, PlacementMode
from truetier.graph.build import build
from truetier.units import Availability

if TYPE_CHECKING:
    from truetier.catalog.model import Service


def listed(*services: Service, domains: tuple[Domain, ...] = ()) -> set[tuple[str, str]]:
    fleet = Fleet({item.name: item for item in services}, {item.path: item for item in domains})
    return {(item.subject, item.key) for item in assumptions(build(fleet))}


def test_availability_and_coverage_of_a_fallback_are_two_assumptions() -> None:
    def keys(works: str, covers: str) -> set[str]:
        fallback = Fallback(FallbackKind.STATIC, availability=availability(works), coverage=share(covers))
        a = service("a", "0.99", [need("b", timeout=SECOND, fallback=fallback)])
        return {key for subject, key in listed(a, service("b", "0.99")) if subject == "a -> b"}

    assert keys("1", "1") == {"fallback.availability", "fallback.coverage"}
    assert keys("0.99", "1") == {"fallback.coverage"}
    assert keys("1", "0.9") == {"fallback.availability"}
    assert keys("0.99", "0.9") == set()


def test_a_standby_that_waits_for_its_domain_rests_on_the_domains_mean_outage() -> None:
    pair = placement({"x": 1, "y": 1}, mode=PlacementMode.ACTIVE_PASSIVE, failover=Failover(timedelta(minutes=1)))
    x = Domain("x", "region", SAID, Availability(Decimal("0.99")))
    found = listed(service("a", "0.99", placement=pair), domains=(x,))
    assert ("x", "mttr") in found
    assert ("*", "age of outages") in found
    assert ("a", "mttr") not in found  # its own outages trigger nothing
