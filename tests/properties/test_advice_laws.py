"""Laws of advice on random fleets: who does what a finding says is rid of it, and no worse off with its neighbours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.graph_fleets import NAMES, fleets
from tests.unit.graph.fleets import availability
from truetier.audit.engine import run
from truetier.audit.facts import Facts
from truetier.audit.registry import all_rules
from truetier.audit.rule import EXAMPLE_DAY
from truetier.availability.assess import Assessments
from truetier.graph.build import build
from truetier.graph.hardness import Reading
from truetier.units import Availability, parse_fraction

if TYPE_CHECKING:
    from truetier.audit.finding import Finding
    from truetier.catalog.model import Fleet

few = settings(max_examples=60)
readings = st.sampled_from(Reading)


@st.composite
def promising(draw: st.DrawFn) -> Fleet:
    """A fleet in which some services have a target beside their tier or without one."""
    fleet = draw(fleets())
    targets = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["0.5", "0.9995", "0.9999", "0.999999"]), max_size=2))
    services = {
        name: service._replace(target=availability(targets[name])) if name in targets else service
        for name, service in fleet.services.items()
    }
    return fleet._replace(services=services)


def findings(fleet: Fleet, trust: Reading, *rules: str) -> dict[tuple[str, str], Finding]:
    """What those rules make of the promises and needs alone, nothing computed."""
    found, _ = run(Facts(build(fleet), Assessments({}, {}, {}), EXAMPLE_DAY, trust=trust), all_rules(), select=rules)
    return {(finding.slug, finding.subject): finding for finding in found}


_ADVICE = (
    r"(?:raise|lower) the target of (?P<name>\w+) to (?P<target>[\d.]+%)",
    r"drop the target of (?P<name>\w+) and give it (?P<tier>T\d)",
    r"(?:raise|lower) (?P<name>\w+) to (?P<tier>T\d)",
    r"give (?P<name>\w+) a target of (?P<target>[\d.]+%)",
    r"give (?P<name>\w+) a tier; (?:(?P<tier>T\d)|(?P<target>[\d.]+%)) is what it has to keep",
)


def followed(fleet: Fleet, fix: str) -> Fleet:
    """The fleet after the first thing the advice says."""
    said = next(match for pattern in _ADVICE if (match := re.match(pattern, fix))).groupdict()
    service = fleet.services[said["name"]]
    target = None if said.get("target") is None else Availability(parse_fraction(said["target"]))
    if "drop the target" not in fix and target is None:
        target = service.target
    changed = service._replace(tier=said.get("tier") or service.tier, target=target)
    return fleet._replace(services={**fleet.services, service.name: changed})


@few
@given(promising(), readings)
def test_a_service_raised_as_told_is_no_inversion_and_not_under_tiered_any_more(fleet: Fleet, trust: Reading) -> None:
    for (rule, subject), finding in findings(fleet, trust, "inversion", "under-tiered").items():
        after = findings(followed(fleet, finding.fix), trust, "inversion", "inversion-path", "under-tiered", "over-tiered")
        wrong = {"inversion": ("inversion", "inversion-path"), "under-tiered": ("under-tiered", "over-tiered")}[rule]
        assert not [after[other, subject] for other in wrong if (other, subject) in after]


@few
@given(promising(), readings)
def test_a_service_lowered_as_told_is_not_too_little_for_anybody(fleet: Fleet, trust: Reading) -> None:
    neighbours = ("inversion", "inversion-path", "extra-nine-missing", "under-tiered")
    before = findings(fleet, trust, *neighbours)
    for (_, subject), finding in findings(fleet, trust, "over-tiered").items():
        lowered = followed(fleet, finding.fix)
        assert ("over-tiered", subject) not in findings(lowered, trust, "over-tiered")
        # With its promise its own budget changes: what was an inversion may now be a missing nine.
        own = {
            ("extra-nine-missing", name) for name in (subject, *(f"{subject}/{part.name}" for part in fleet.services[subject].endpoints))
        }
        assert findings(lowered, trust, *neighbours).keys() <= before.keys() | own


@few
@given(promising(), readings)
def test_a_service_given_the_tier_it_is_told_to_keep_keeps_what_is_asked(fleet: Fleet, trust: Reading) -> None:
    for (_, subject), finding in findings(fleet, trust, "no-tier").items():
        if "has to keep" in finding.fix and fleet.services[subject].target is None:
            assert ("under-tiered", subject) not in findings(followed(fleet, finding.fix), trust, "under-tiered")
