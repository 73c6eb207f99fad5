"""TT109: a promise that the fleet was seen to break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Skipped, Violation
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import promise_place, promise_text
from truetier.availability.estimate import SubjectKind
from truetier.record import NamedTuple
from truetier.units import MINUTES_PER_YEAR, availability_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.availability.end_to_end import EndToEnd
    from truetier.errors import Place
    from truetier.units import Availability


class TierDrift(Rule):
    """The observed availability of a service, endpoint or journey is surely below the promise."""

    code = "TT109"
    severity = Severity.WARNING
    title = "a service was seen to break its promise"
    why = (
        "What is computed says what a service can deliver over years; what was observed is what its users got in the time that was "
        "looked at, incidents included. Where even the upper end of the observed interval is below the promise, the service has "
        "drifted away from its tier, whatever the catalog computes. Too few requests to tell is not a pass: the rule then says so."
    )
    fix = (
        "find out what failed (truetier observe tells own failures from those of dependencies), then raise the service or lower the promise"
    )
    source = (
        "The Calculus of Service Availability (Treynor, Dahlin, Rau, Beyer; ACM Queue 2017); Jeffreys interval, Brown, Cai, DasGupta 2001"
    )
    examples = (
        Example(
            """
version: 1
services:
  shop: {tier: T1}
journeys:
  buy:    {tier: T1, succeeds: [shop]}
  browse: {tier: T3, succeeds: [shop]}
""",
            ("shop", "buy"),
            observed="""
{"schema": "truetier/observe/1", "edges": [], "services": [
  {"name": "shop", "observed": {"requests": 1000000, "failed": 900, "clustering": 4}}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T1}
  ads:  {tier: T1}
""",
            observed="""
{"schema": "truetier/observe/1", "edges": [], "services": [
  {"name": "shop", "observed": {"requests": 1000000, "failed": 20, "clustering": 1}},
  {"name": "ads", "observed": {"requests": 500, "failed": 0, "clustering": 1}}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation | Skipped]:
        """Everything with a promise of which requests were counted."""
        if not facts.end_to_end:
            return
        promises = {(subject.kind, subject.name): subject for subject in _promising(facts)}
        for about, seen in facts.end_to_end.items():
            subject = promises.get(about)
            if subject is None or seen.down_low is None or seen.down_high is None:
                continue
            if seen.down_low > subject.promise.unavailability:
                yield _violation(facts, subject, seen)
            elif seen.down_high > subject.promise.unavailability:
                yield Skipped(
                    seen.name, f"{seen.failed:,} of {seen.requests:,} requests failed: too few to tell whether the promise is kept"
                )


class _Promising(NamedTuple):
    kind: SubjectKind
    name: str
    tier: str | None
    promise: Availability
    place: Place | None


def _promising(facts: Facts) -> Iterator[_Promising]:
    fleet = facts.fleet
    for name, service in fleet.services.items():
        promise = fleet.promise(service)
        if promise is not None:
            yield _Promising(SubjectKind.SERVICE, name, service.tier, promise, promise_place(service))
        for endpoint in service.endpoints:
            promise = fleet.tier_promise(endpoint.tier)
            if promise is not None:
                yield _Promising(SubjectKind.ENDPOINT, f"{name}/{endpoint.name}", endpoint.tier, promise, endpoint.evidence.place)
    for name, journey in fleet.journeys.items():
        promise = fleet.tier_promise(journey.tier)
        if promise is not None:
            yield _Promising(SubjectKind.JOURNEY, name, journey.tier, promise, journey.evidence.place)


def _violation(facts: Facts, subject: _Promising, seen: EndToEnd) -> Violation:
    assert seen.down_low is not None, "it is above what is promised"
    promised = promise_text(facts.fleet, subject.tier, subject.promise)
    best = f"at best {availability_text(1 - seen.down_low, seen.down_low)}"
    if seen.down is not None:
        best = f"{availability_text(1 - seen.down, seen.down)} of {seen.requests:,} requests succeeded, {best}"
    name = seen.name if subject.kind is SubjectKind.SERVICE else f"{subject.kind.value} {seen.name}"
    return Violation(
        seen.name,
        f"{name} promises {promised}, but {best}",
        subject.place,
        (seen.name,),
        (seen.down_low if seen.down is None else seen.down) * MINUTES_PER_YEAR,
        discriminator="" if subject.kind is SubjectKind.SERVICE else subject.kind.value,
    )
