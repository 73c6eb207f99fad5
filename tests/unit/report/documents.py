"""Documents built by hand, so that a renderer's test depends on no other part of the house."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from truetier.audit.finding import Finding, Severity, SkippedRule, Violation
from truetier.audit.rule import Rule
from truetier.availability.estimate import Assessment, Contributor, Costs, Estimate, Further, Method, SubjectKind, Verdict
from truetier.catalog.evidence import Assumption, Claim, Conflict, Evidence, Kind
from truetier.catalog.model import (
    Criterion,
    Endpoint,
    Fallback,
    FallbackKind,
    Fleet,
    Journey,
    Mode,
    Need,
    Service,
    SkippedInput,
    Target,
    Waiver,
)
from truetier.catalog.tier import BUILT_IN, is_met
from truetier.errors import Place
from truetier.graph.build import build
from truetier.graph.hardness import Reading
from truetier.report.document import Document, Summary
from truetier.units import MINUTES_PER_YEAR, Availability, Share

if TYPE_CHECKING:
    from collections.abc import Sequence

AS_OF = date(2026, 11, 23)
HOSTILE = "evil\x1b[31m\n::error::x <script>alert('1')</script> \"`|`\" @team #7 [a](http://b) \u202eabc\x00\x7f\ud800 %0A {0} ]]> &amp;"


def evidence(line: int = 1, column: int = 1, file: str = "truetier.yaml", source: str = "truetier") -> Evidence:
    """Something declared there."""
    return Evidence(Kind.DECLARED, source, Place(file, line, column))


def exactly(down: float) -> Estimate:
    """A known number."""
    return Estimate(1 - down, 1 - down, down, down)


def between(low: float, high: float) -> Estimate:
    """An interval of unavailability."""
    return Estimate(1 - high, 1 - low, low, high, Method.INTERVAL)


def need(service: str, line: int = 1, column: int = 1, *, mode: Mode = Mode.SYNC, fallback: bool = False) -> Need:
    """A plain need; with a fallback it is soft."""
    target = Target(service, timedelta(milliseconds=100) if fallback else None)
    return Need(
        (target,),
        evidence(line, column),
        mode=mode,
        fallback=Fallback(FallbackKind.STATIC, availability=Availability(Decimal("0.99"))) if fallback else None,
    )


class Known(NamedTuple):
    """Details that are known from the start."""

    full: Estimate
    ceiling: Estimate
    verified: Estimate
    verified_ceiling: Estimate
    own_down: float
    bounds: tuple[float | None, float | None]
    costs: Costs

    @property
    def further(self) -> Further | None:
        """The tests that ask for more give it."""
        return None

    @property
    def costliest(self) -> Contributor | None:
        """The first of the contributors."""
        return next(iter(self.costs.contributors), None)


def assessment(
    name: str,
    tier: str | None,
    delivered: Estimate,
    *,
    kind: SubjectKind = SubjectKind.SERVICE,
    ceiling: Estimate | None = None,
    verified: Estimate | None = None,
    full: Estimate | None = None,
    claims: int = 0,
    contributors: tuple[Contributor, ...] = (),
    total: int | None = None,
) -> Assessment:
    """A subject with its tier's promise; the verdict follows from the numbers."""
    promise = None if tier is None else BUILT_IN.row(tier).target
    if promise is None:
        verdict = Verdict.NONE
    elif not is_met(delivered.down_low, promise):
        verdict = Verdict.MISSED
    else:
        verdict = Verdict.MET if is_met(delivered.down_high, promise) else Verdict.UNKNOWN
    return Assessment(
        name=name,
        kind=kind,
        tier=tier,
        promise=promise,
        delivered=delivered,
        verdict=verdict,
        unverified_claims=claims,
        tiers=BUILT_IN,
        details=Known(
            full=full or delivered,
            ceiling=ceiling or delivered,
            verified=verified or delivered,
            verified_ceiling=ceiling or delivered,
            own_down=1.0,
            bounds=(1 - delivered.down_low, 1 - delivered.down_high),
            costs=Costs(contributors, len(contributors) if total is None else total, 0.0),
        ),
    )


class Inversion(Rule):
    """A stand-in for a rule."""

    code = "TT101"
    severity = Severity.ERROR
    title = "a service hard-needs a service with a weaker promise"
    why = "A service cannot be more available than what it cannot serve without."
    fix = "Raise the callee's promise or make the need soft."
    source = "Calder et al., The Calculus of Service Availability, 2017"
    examples = ()

    @property
    def slug(self) -> str:
        """The name."""
        return "inversion"

    @property
    def family(self) -> str:
        """The folder."""
        return "tiering"


class NoOwner(Inversion):
    """A stand-in for a rule that finds nothing."""

    code = "TT709"
    severity = Severity.NOTE

    @property
    def slug(self) -> str:
        """The name."""
        return "no-owner"


def finding(
    subject: str,
    *,
    severity: Severity = Severity.ERROR,
    message: str = "T1 needs T2 while it serves",
    place: Place | None = None,
    path: tuple[str, ...] = (),
    minutes: float | None = None,
    is_new: bool = True,
    is_waived: bool = False,
) -> Finding:
    """A violation of the inversion rule."""
    said = Violation(subject, message, place, path, minutes)
    return Finding("TT101", "inversion", severity, said, ("TT101", subject), Inversion.fix, is_new, is_waived)


def document(
    fleet: Fleet,
    services: Sequence[Assessment],
    findings: Sequence[Finding] = (),
    journeys: Sequence[Assessment] = (),
    endpoints: Sequence[Assessment] = (),
) -> Document:
    """A document with its summary counted."""
    graph = build(fleet)
    counting = [item for item in findings if not item.is_waived]
    verdicts = [item.verdict for item in (*services, *journeys, *endpoints)]
    errors, warnings, notes = (sum(item.severity is severity for item in counting) for severity in Severity)
    met, missed, unknown = (verdicts.count(verdict) for verdict in (Verdict.MET, Verdict.MISSED, Verdict.UNKNOWN))
    return Document(
        version="0.1.0",
        as_of=AS_OF,
        trust=Reading.TRUSTING,
        fleet=fleet,
        graph=graph,
        services=tuple(services),
        journeys=tuple(journeys),
        endpoints=tuple(endpoints),
        findings=tuple(findings),
        skipped=(),
        assumptions=(),
        conflicts=(),
        unread=(),
        unmatched=(),
        rules=(Inversion(), NoOwner()),
        summary=Summary(errors, warnings, notes, len(findings) - len(counting), met, missed, unknown),
        edges=sum(map(len, graph.callees.values())),
        claims=sum(subject.unverified_claims for subject in services),
        fail_on=Severity.ERROR,
    )


def service(name: str, tier: str | None = None, *needs: Need, line: int = 1, availability: str | None = None) -> Service:
    """A service written on that line."""
    own = None if availability is None else Availability(Decimal(availability))
    return Service(name, evidence(line, 3), tier=tier, needs=needs, availability=own)


def fleet_of(*services: Service) -> Fleet:
    """A fleet of these services."""
    return Fleet({item.name: item for item in services}, inputs=(("truetier.yaml", b"version: 1"),))


def _costs(own: float, *others: float) -> float:
    """A part in series: own times the integral of what the others leave, in minutes a year (two or none others)."""
    left, right = others
    return own * (1 - (left + right) / 2 + left * right / 3) * MINUTES_PER_YEAR


def empty_document() -> Document:
    """Nothing at all."""
    return document(fleet_of(), ())


def login_document() -> Document:
    """The Login example of the design, numbers worked out by hand."""
    fleet = fleet_of(
        service(
            "login",
            "T1",
            need("user-profile", 2, 32),
            need("fraud-detection", 2, 46),
            need("notifications", 2, 63, mode=Mode.ASYNC),
            line=2,
        ),
        service("user-profile", "T2", line=3),
        service("fraud-detection", "T2", line=4),
        service("notifications", line=5, availability="0.995"),
    )
    parts = (
        Contributor("user-profile", _costs(0.001, 0.001, 0.0001), 0.001 * 0.999 * 0.9999 * MINUTES_PER_YEAR),
        Contributor("fraud-detection", _costs(0.001, 0.001, 0.0001), 0.001 * 0.999 * 0.9999 * MINUTES_PER_YEAR),
        Contributor("login", _costs(0.0001, 0.001, 0.001), 0.0001 * 0.998001 * MINUTES_PER_YEAR),
    )
    services = (
        assessment(
            "login",
            "T1",
            Estimate(0.9979011999, 0.9979011999, 0.0020988001, 0.0020988001),
            ceiling=Estimate(0.998001, 0.998001, 0.001999, 0.001999),
            verified=Estimate(0.9929116939, 0.9929116939, 0.0070883061, 0.0070883061),
            claims=1,
            contributors=parts,
        ),
        assessment("user-profile", "T2", Estimate(0.999, 0.999, 0.001, 0.001), contributors=(Contributor("user-profile", 525.6, 525.6),)),
        assessment(
            "fraud-detection", "T2", Estimate(0.999, 0.999, 0.001, 0.001), contributors=(Contributor("fraud-detection", 525.6, 525.6),)
        ),
        assessment(
            "notifications", None, Estimate(0.995, 0.995, 0.005, 0.005), contributors=(Contributor("notifications", 2628.0, 2628.0),)
        ),
    )
    findings = (
        finding(
            "login -> user-profile",
            place=Place("truetier.yaml", 2, 32),
            path=("login", "user-profile"),
            minutes=parts[0].costs,
        ),
        finding(
            "login -> fraud-detection",
            place=Place("truetier.yaml", 2, 46),
            path=("login", "fraud-detection"),
            minutes=parts[1].costs,
        ),
    )
    return document(fleet, services, findings)._replace(
        assumptions=(
            Assumption("login", "availability", "99.99%", "not stated: taken from the promise"),
            Assumption("login -> notifications", "broker", "none", "async without a named broker counts nothing"),
        ),
    )


def rich_document() -> Document:
    """Everything a document can hold at once: journeys, endpoints, intervals, waivers, baseline, conflicts, doubts."""
    needs = (need("payments", 3, 16), need("rewards", 4, 16, fallback=True), need("mailer", 5, 16, mode=Mode.ASYNC))
    endpoints = (
        Endpoint("buy", evidence(8, 9), "T1", Share(Decimal("0.1")), (need("payments", 8, 30),)),
        Endpoint("browse", evidence(9, 9), None, Share(Decimal("0.9"))),
    )
    fleet = fleet_of(
        service("checkout", "T1", *needs, line=2),
        service("payments", "T2", line=6),
        service("catalog-pages", "T2", line=7)._replace(endpoints=endpoints),
        service("rewards", "T3", line=10),
        service("mailer", None, line=11),
        service("mystery", "T1", line=12),
    )
    fleet = fleet._replace(
        journeys={"buy": Journey("buy", evidence(20, 3), "T1", (Criterion(("checkout",)),), Share(Decimal("0.4")))},
        waivers=(Waiver("TT101", "catalog-pages -> payments", "shop", "migration ends in March", date(2027, 3, 31), evidence(25, 5)),),
    )
    services = (
        assessment("checkout", "T1", exactly(0.00111), ceiling=exactly(0.00101), verified=exactly(0.0119), claims=2, total=12),
        assessment("payments", "T2", exactly(0.001)),
        assessment("catalog-pages", "T2", exactly(0.00115), ceiling=exactly(0.0001)),
        assessment("rewards", "T3", exactly(0.01)),
        assessment("mailer", None, between(0.0, 1.0)),
        assessment("mystery", "T1", between(0.0, 0.5)),
    )
    findings = (
        finding(
            "checkout -> payments",
            place=Place("a dir/truetier.yaml", 3, 16),
            path=("checkout", "payments"),
            minutes=525.6,
        ),
        finding("catalog-pages -> payments", place=Place("truetier.yaml", 8, 30), is_waived=True),
        finding("rewards", severity=Severity.WARNING, message="promises more than its callers need", is_new=False),
        finding(
            "checkout",
            severity=Severity.NOTE,
            message="a path ends at a weak promise",
            path=("checkout", "payments", "mailer"),
        ),
    )
    journeys = (assessment("buy", "T1", exactly(0.00111), kind=SubjectKind.JOURNEY),)
    endpoint = (assessment("catalog-pages/buy", "T1", exactly(0.0021), kind=SubjectKind.ENDPOINT),)
    return document(fleet, services, findings, journeys, endpoint)._replace(
        skipped=(SkippedRule("capacity", "*", "no capacity is stated"), SkippedRule("capacity", "payments", "no copies are stated")),
        assumptions=(Assumption("checkout", "mttr", "1h", "not stated"),),
        conflicts=(
            Conflict("checkout", "tier", (Claim("T1", evidence(2, 10)), Claim("T2", evidence(1, 1, "team/truetier.yaml"))), used="T1"),
        ),
        unread=(SkippedInput("notes.txt", "not a format truetier reads"),),
        unmatched=(SkippedInput("shoppingassistantservice", "named by frontend.yaml, no service has this name"),),
    )


def hostile_document(name: str = HOSTILE) -> Document:
    """A fleet whose every text tries to leave its place."""
    other = name + "2"
    place = Place(f"dir/{name}.yaml", 1, 2)
    waiver = Waiver("inversion", name, name, name, AS_OF, evidence())
    fleet = fleet_of(service(name, "T1", need(other)), service(other, "T2"))._replace(waivers=(waiver,))
    services = (
        assessment(name, "T1", exactly(0.0011), contributors=(Contributor(name, 500.0, 500.0), Contributor(other, 78.0, 78.0)), claims=1),
        assessment(other, "T2", exactly(0.001)),
    )
    findings = (
        finding(f"{name} -> {other}", message=f"{name} needs {other}", place=place, path=(name, other, name)),
        finding(name, message=name, is_waived=True, place=place),
    )
    return document(fleet, services, findings)._replace(
        skipped=(SkippedRule(name, name, name),),
        assumptions=(Assumption(name, name, name, name),),
        conflicts=(Conflict(name, name, (Claim(name, Evidence(Kind.DECLARED, name, place)), Claim(other, evidence())), used=name),),
        unread=(SkippedInput(name, name),),
        unmatched=(SkippedInput(name, name),),
    )


def large_document(count: int, degree: int = 2) -> Document:
    """A layered fleet: service i needs later ones."""
    tiers = ("T0", "T1", "T2", "T3", "T4")
    services = []
    for index in range(count):
        callees = {min(count - 1, index + 1 + (index * 7 + step * 13) % max(1, count // 5)) for step in range(degree)} - {index}
        tier = tiers[min(4, 5 * index // count)]
        services.append(service(f"svc-{index}", tier, *(need(f"svc-{callee}", index + 1, 5) for callee in sorted(callees)), line=index + 1))
    fleet = fleet_of(*services)
    downs = (1e-5, 1e-4, 1e-3, 1e-2, 0.05)
    results = [
        assessment(
            item.name,
            item.tier,
            exactly(downs[tiers.index(item.tier or "T4")] * (1.5 if index % 7 == 0 else 0.9)),
            contributors=tuple(Contributor(f"svc-{index + step}", 10.0, 9.0) for step in range(10)),
            total=10,
        )
        for index, item in enumerate(services)
    ]
    findings = [
        finding(f"svc-{index} -> svc-{index + 1}", place=Place("truetier.yaml", index, 5), minutes=1.0) for index in range(0, count, 10)
    ]
    return document(fleet, results, findings)


DOCUMENTS = {"login": login_document, "rich": rich_document, "hostile": hostile_document, "empty": empty_document}
