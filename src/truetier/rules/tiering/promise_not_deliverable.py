"""TT103: a promise that the service does not keep, computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Skipped
from truetier.audit.rule import Example, Rule
from truetier.audit.violations import Violations
from truetier.audit.wording import chance_text, promise_text, shortage_text
from truetier.availability.estimate import SubjectKind, Verdict
from truetier.catalog.tier import is_met
from truetier.graph.hardness import Reading
from truetier.units import MINUTES_PER_YEAR, availability_text, downtime_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.audit.facts import Facts
    from truetier.availability.estimate import Assessment, Contributor, Estimate
    from truetier.catalog.model import Service
    from truetier.errors import Place
    from truetier.units import Availability

    _Missed = tuple[Assessment, Availability, Severity]


class PromiseNotDeliverable(Rule):
    """The delivered availability misses the promise."""

    code = "TT103"
    severity = Severity.ERROR
    title = "a promise is not delivered"
    why = (
        "This is the question the whole catalog is read for: with everything counted that it needs and where it runs, does the "
        "service keep what it promised? An error when it would not even if everything of its own were perfect (the ceiling misses): "
        "work on the service itself cannot help. A warning when it misses by more than 25 % of the allowed downtime, or by less with "
        "an own availability somebody stated. A note when it misses by less and its own availability was only assumed to be the "
        "promise, since then any dependency is too much. A journey has no part of its own, so its ceiling says nothing more: it is a "
        "note when it misses by at most 25 % and a service in it was assumed, else an error."
    )
    fix = "raise or decouple what takes the largest part of the downtime, or promise what is delivered"
    source = "The Calculus of Service Availability (Treynor, Dahlin, Rau, Beyer; ACM Queue 2017)"
    examples = (
        Example(
            """
version: 1
services:
  login:           {tier: 1, needs: [user-profile, fraud-detection, {service: notifications, mode: async}]}
  user-profile:    {tier: 2}
  fraud-detection: {tier: 2}
  notifications:   {availability: 99.5%}
""",
            ("login",),
        ),
        Example(
            """
version: 1
services:
  login:   {tier: T1, needs: [profile]}
  profile: {tier: T1}
journeys:
  sign-in: {tier: T1, succeeds: [login]}
""",
            ("login", "sign-in"),
        ),
        Example(
            """
version: 1
services:
  login:   {tier: T1, availability: 99.999%, needs: [profile]}
  profile: {tier: T1, availability: 99.9955%}
""",
        ),
        Example(
            """
version: 1
services:
  shop: {tier: T2, needs: [beta]}
  beta: {tier: T4}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violations | Skipped]:
        """Every service, journey and endpoint whose promise is missed for certain."""
        missed: list[_Missed] = []
        for subjects in (facts.services, facts.journeys, facts.endpoints):
            for assessment in subjects.values():
                if assessment.promise is None:
                    continue
                if assessment.is_short_of_data:
                    yield Skipped(assessment.name, _short(assessment))
                elif assessment.verdict is Verdict.UNKNOWN:
                    yield Skipped(assessment.name, f"delivers between {_between(facts.judged(assessment))}: too little is known to decide")
                elif assessment.verdict is Verdict.MISSED:
                    missed.append((assessment, assessment.promise, _severity(facts, assessment, assessment.promise)))
        yield _violations(facts, missed)


def _short(assessment: Assessment) -> str:
    chance = None if assessment.confidence is None else assessment.confidence.met
    kept = "" if chance is None else f", kept with a probability of {chance_text(chance)}"
    return f"not enough data{kept}; {shortage_text(assessment)}"


def _between(estimate: Estimate) -> str:
    return f"{availability_text(estimate.up_low, estimate.down_high)} and {availability_text(estimate.up_high, estimate.down_low)}"


def _violations(facts: Facts, missed: Sequence[_Missed]) -> Violations:
    words = _Words(facts, missed)
    return Violations(
        [assessment.name for assessment, _, _ in missed],
        lambda row: words.at(row).message(),
        lambda row: _place(facts, missed[row][0]),
        lambda row: words.at(row).path(),
        lambda row: facts.judged(missed[row][0]).minutes_per_year,
        lambda row: missed[row][2],
        lambda row: words.at(row).fix(),
        lambda row: missed[row][0].kind.value,
    )


class _Words:
    """What is said of each: to find what costs most takes longer than all the rest of this rule, so that is done when a report asks."""

    def __init__(self, facts: Facts, missed: Sequence[_Missed]) -> None:
        self._facts = facts
        self._missed = missed
        self._row = -1

    def at(self, row: int) -> _Words:
        """The same, about that row; what it takes is kept until another is asked for."""
        if row != self._row:
            self._row = row
            facts, (self._assessment, self._promise, severity) = self._facts, self._missed[row]
            self._is_hopeless = severity is Severity.ERROR and self._assessment.kind is not SubjectKind.JOURNEY
            self._tier = facts.judged_tier(self._assessment)
            # Of what is delivered when claims are believed; where they are not, nobody has worked it out.
            self._top = None if facts.trust is Reading.VERIFIED else self._assessment.costliest
        return self

    def message(self) -> str:
        """What is promised, and what is delivered."""
        facts, assessment = self._facts, self._assessment
        judged = facts.judged(assessment)
        hopeless = ""
        if self._is_hopeless:
            down = facts.best(assessment).down_low
            hopeless = f"; with everything of its own perfect it would be {availability_text(1 - down, down)}"
        return (
            f"{_subject(assessment)} promises {promise_text(facts.fleet, assessment.tier, self._promise)} but delivers "
            f"{_delivered(judged, self._tier or 'no tier', self._promise)}{_most(self._top, judged.minutes_per_year)}{hopeless}"
        )

    def path(self) -> tuple[str, ...]:
        """The subject, and what it calls that costs most."""
        graph, name, top = self._facts.graph, self._assessment.name, self._top
        callee = None if top is None or name not in graph.number else top.service
        return (name,) if callee is None or callee not in graph.called(name) else (name, callee)

    def fix(self) -> str:
        """What would help most."""
        facts, assessment, top = self._facts, self._assessment, self._top
        lower = _lower_text(facts, self._tier)
        if facts.trust is Reading.VERIFIED and is_met(assessment.delivered.down_high, self._promise):
            return f"show that what it counts on works, and write it down (verified), {lower}"
        own = None if assessment.kind is SubjectKind.JOURNEY else _service_of(facts, assessment)
        worst = top
        if self._is_hopeless and top is not None and top.service == own:
            worst = next((each for each in assessment.contributors if each.service != own), None)
        if worst is None:
            return f"make what it needs more available, {lower}"
        if worst.service is None:
            return f"have what it rests on outlive the loss of {worst.component}, {lower}"
        if worst.service == own:
            return f"make {worst.component}{' itself' if worst.component == own else ''} more available, {lower}"
        need = "it" if worst.component == worst.service else worst.service
        return f"make {worst.component} more available or the need on {need} survivable, {lower}"


def _severity(facts: Facts, assessment: Assessment, promise: Availability) -> Severity:
    meets_nominally = is_met(facts.judged(assessment).down_high, promise, nominal=True)
    is_assumed = meets_nominally and _is_own_assumed(facts, assessment)
    if assessment.kind is SubjectKind.JOURNEY:
        return Severity.NOTE if is_assumed else Severity.ERROR
    if facts.misses_at_best(assessment, promise):
        return Severity.ERROR
    return Severity.NOTE if is_assumed else Severity.WARNING


def _is_own_assumed(facts: Facts, assessment: Assessment) -> bool:
    services = facts.fleet.services
    if assessment.kind is not SubjectKind.JOURNEY:
        return _is_assumed(services[_service_of(facts, assessment)])
    named = facts.fleet.journeys[assessment.name].succeeds
    return any(_is_assumed(services[name]) for criterion in named for name in criterion.services)


def _is_assumed(service: Service) -> bool:
    return service.availability is None and service.measured is None and (service.placement is None or not service.placement.has_copies)


def _service_of(facts: Facts, assessment: Assessment) -> str:
    """The service itself, or the one an endpoint belongs to; both names may contain a slash."""
    if assessment.kind is SubjectKind.SERVICE:
        return assessment.name
    name = assessment.name
    while (name := name.rpartition("/")[0]) not in facts.fleet.services:
        pass
    return name


def _subject(assessment: Assessment) -> str:
    return assessment.name if assessment.kind is SubjectKind.SERVICE else f"{assessment.kind.value} {assessment.name}"


def _delivered(estimate: Estimate, tier: str, promise: Availability) -> str:
    allowed = downtime_text(promise.unavailability * MINUTES_PER_YEAR)
    minutes = estimate.minutes_per_year
    if minutes is None:
        best = availability_text(estimate.up_high, estimate.down_low)
        return f"at most {best}: at least {downtime_text(estimate.down_low * MINUTES_PER_YEAR)} down where {allowed} are allowed"
    down = availability_text(estimate.up_low, estimate.down_low)
    return f"{down} ({tier}): {downtime_text(minutes)} down where {allowed} are allowed"


def _most(top: Contributor | None, minutes: float | None) -> str:
    if top is None or not minutes or top.costs <= 0:
        return ""
    return f", {top.costs / minutes:.1%} of it from {top.component}"


def _place(facts: Facts, assessment: Assessment) -> Place | None:
    if assessment.kind is SubjectKind.JOURNEY:
        return facts.fleet.journeys[assessment.name].evidence.place
    service = facts.fleet.services[_service_of(facts, assessment)]
    if assessment.kind is SubjectKind.SERVICE:
        return facts.promise_place(service.name)
    name = assessment.name.removeprefix(f"{service.name}/")
    return next((endpoint.evidence.place for endpoint in service.endpoints if endpoint.name == name), service.evidence.place)


def _lower_text(facts: Facts, tier: str | None) -> str:
    if tier is None:
        return "or promise less"
    return f"or promise nothing ({tier})" if facts.fleet.tier_promise(tier) is None else f"or promise what is delivered ({tier})"
