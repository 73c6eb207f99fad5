"""Services in the same few zones: by conditioning and on a diagram the numbers are the same."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.unit.availability.fleets import assessed, cached, domain, down, need, placement, service, share, static
from truetier.availability.conditioning import hubs_of
from truetier.availability.factors import bits
from truetier.catalog.model import Failover, PlacementMode

if TYPE_CHECKING:
    from truetier.availability.assess import Assessments
    from truetier.availability.conditioning import Hubs
    from truetier.availability.estimate import Assessment
    from truetier.availability.factors import Factors
    from truetier.catalog.model import Need, Placement

ZONES = ("eu/a", "eu/b", "eu/c")


def domains(**stated: str) -> dict[str, object]:
    numbers = {"eu": "0.9999", "eu/a": "0.999", "eu/b": "0.998", "eu/c": "0.9995", **stated}
    return {path: domain(path, up) for path, up in numbers.items()}


def fleet_in_zones(seed: int, *, ages: bool = False) -> Assessments:
    """Ten services below one another, most of them two of three copies, some with fallbacks, all in the same zones.

    With ages some fallbacks are caches, and some services have a standby that steps in after five minutes.
    """
    chance = random.Random(seed)
    services = []
    for number in range(10):
        below = [f"s{other}" for other in range(number + 1, min(10, number + 4)) if chance.random() < 0.7]
        needs = [_need(name, chance.random(), ages=ages) for name in below]
        copies = _placement(chance.random(), ages=ages)
        services.append(service(f"s{number}", None if copies is not None else "0.9995", needs, placement=copies))
    return assessed(*services, domains=domains())


def _need(name: str, drawn: float, *, ages: bool) -> Need:
    if drawn < 0.7:
        return need(name)
    return cached(name, 30) if ages and drawn < 0.85 else static(name, "0.97")


def _placement(drawn: float, *, ages: bool) -> Placement | None:
    if ages and drawn < 0.3:
        standby = Failover(timedelta(minutes=5), share("0.95"))
        return placement({"eu/a": 1, "eu/b": 1}, "0.99", mode=PlacementMode.ACTIVE_PASSIVE, failover=standby)
    return placement(dict.fromkeys(ZONES, 1), "0.99", need=2) if drawn < 0.8 else None


def numbers(subject: Assessment) -> list[object]:
    estimates = (subject.delivered, subject.full, subject.ceiling, subject.verified, subject.verified_ceiling)
    parts = {part.component: pytest.approx(part.costs, rel=1e-9, abs=1e-9) for part in subject.contributors}
    return [*(pytest.approx(each, rel=1e-13, abs=0) for estimate in estimates for each in estimate[:4]), parts, subject.contributors_total]


def plain(subject: Assessment) -> list[object]:
    estimates = (subject.delivered, subject.full, subject.ceiling, subject.verified, subject.verified_ceiling)
    parts = {part.component: part.costs for part in subject.contributors}
    return [*(each for estimate in estimates for each in estimate[:4]), parts, subject.contributors_total]


@pytest.mark.parametrize("ages", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_conditioning_gives_what_a_diagram_gives(seed: int, monkeypatch: pytest.MonkeyPatch, *, ages: bool) -> None:
    conditioned = [plain(subject) for subject in fleet_in_zones(seed, ages=ages).services.values()]
    monkeypatch.setattr("truetier.availability.exact.hubs_of", lambda *_: None)
    on_diagrams = [numbers(subject) for subject in fleet_in_zones(seed, ages=ages).services.values()]
    assert conditioned == on_diagrams


def test_these_fleets_have_every_kind_of_hub_and_member(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()

    def watched(factors: Factors, group: int) -> Hubs | None:
        found = hubs_of(factors, group)
        for member, own in () if found is None else found.members:
            literals = [factors.literals[number] for number in bits(own)]
            kinds = {
                "one factor": member.bit_count() == 1,
                "several that share more": member.bit_count() > 1,
                "looked at by age": any(literal.limit and not literal.outlasted for literal in literals),
                "down for long": any(literal.outlasted for literal in literals),
            }
            seen.update(kind for kind, is_there in kinds.items() if is_there)
        return found

    monkeypatch.setattr("truetier.availability.exact.hubs_of", watched)
    for seed in range(12):
        fleet_in_zones(seed, ages=True)
    assert seen == {"one factor", "several that share more", "looked at by age", "down for long"}


def test_a_group_too_large_for_a_diagram_is_exact_by_conditioning(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = down(fleet_in_zones(1), "s0")
    monkeypatch.setattr("truetier.availability.exact.GROUP_BUDGET", 10)
    found = fleet_in_zones(1).services["s0"]
    assert found.delivered.down == pytest.approx(expected, rel=1e-13)
    assert found.contributors == ()  # to tell the parts apart takes the diagram
    assert found.costliest is None


def test_zones_that_always_fail_or_never_do() -> None:
    for up, expected in (("0", 1.0), ("1", None)):
        services = [
            service(
                f"s{number}",
                None,
                [need(f"s{number + 1}")] if number < 5 else [],
                placement=placement(dict.fromkeys(ZONES, 1), "0.99", need=2),
            )
            for number in range(6)
        ]
        found = down(assessed(*services, domains=domains(**{"eu/a": up, "eu/b": up})), "s0")
        assert expected is None or found == expected
        assert 0 < found <= 1
