"""The story of one subject: what it promises, what it delivers, how the number comes about, and who cares."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING

from truetier.audit.wording import shortage_text
from truetier.availability.estimate import Verdict
from truetier.catalog.model import FallbackKind, Mode, PlacementMode
from truetier.graph.hardness import Kind, Reading, Weakness
from truetier.record import NamedTuple
from truetier.report import text, wording
from truetier.units import WHOLE, downtime_text, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.finding import Finding
    from truetier.availability.estimate import Assessment, Estimate
    from truetier.catalog.model import Criterion, Fallback, Placement, Service
    from truetier.graph.blast import BlastRadius
    from truetier.graph.build import Edge
    from truetier.graph.hardness import Use
    from truetier.graph.reach import Claim
    from truetier.report.document import Document

SCHEMA = "truetier/explain/1"
_WIDTH = 100
_MOST = 20  # callers, findings: more do not make the story clearer
_WEAK = {
    Weakness.NO_FALLBACK: "declared soft, but without a fallback it counts as hard",
    Weakness.NO_TIMEOUT: "declared soft, but without a timeout it counts as hard",
    Weakness.SLOW: "declared soft, but its attempts do not end before the caller's own budget: it counts as hard",
    Weakness.MIXED: "a group of which only some members have a timeout: all of them count as needed",
    Weakness.UNKNOWN: "nobody knows whether the caller survives: it counts as hard",
}


class Term(NamedTuple):
    """One factor of the availability, seen alone: the own part, the site, or one need."""

    name: str
    value: Estimate
    note: str
    use: Use | None = None


class Story(NamedTuple):
    """All that ``explain`` shows. ``service`` is None for a journey; ``needed_by`` are the serve edges that reach it."""

    document: Document
    subject: Assessment
    service: Service | None
    terms: tuple[Term, ...]
    other_phases: tuple[Use, ...]
    needed_by: tuple[Edge, ...]
    needed: Claim | None  # the strictest promise that reaches it, its own included
    needed_tier: str | None  # the tier that keeps that promise
    radius: BlastRadius | None
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        return render(self)

    def __repr__(self) -> str:
        return f"<Story of {self.subject.name}: {self.subject.verdict.value}>"


def render(story: Story) -> str:
    """The story as plain text, one heading per question."""
    parts = [_opening(story), _maths(story), _costs(story), _limits(story), _others(story), _findings(story)]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def _opening(story: Story) -> Iterator[str]:
    subject, service = story.subject, story.service
    what = f"{subject.kind.value} {text.clip(subject.name)}"
    details = [what, f"promises {wording.promise_text(subject)}"]
    if service is not None and service.owner is not None:
        details.append(f"owned by {text.clip(service.owner)}")
    place = None if service is None else service.evidence.place
    yield ", ".join(details) + (f"  ({text.place_text(place)})" if place is not None else "")
    estimate, tier = wording.judged(subject, story.document.trust)
    word = {Verdict.MET: "kept", Verdict.MISSED: "missed", Verdict.UNKNOWN: "not enough data to decide", Verdict.NONE: "nothing promised"}
    figures = f"{wording.availability_of(estimate)} ({wording.method_text(estimate)}), {wording.downtime_of(estimate)} down"
    yield f"delivers {wording.tier_text(tier)} {figures}: {word[subject.verdict]}"
    seen = story.document.observed.get((subject.kind, subject.name))
    if seen is not None:
        yield f"observed {wording.observed_text(seen)}"
    if subject.confidence is not None:
        yield wording.confidence_text(subject)
    if subject.is_short_of_data:
        yield shortage_text(subject)
    if subject.nominal_tier not in (None, subject.delivered_tier):
        yield f"nominally {wording.tier_text(subject.nominal_tier)}: within 125 % of that tier's budget"


def _maths(story: Story) -> Iterator[str]:
    yield "How the number comes about"
    rows = [
        ("  x" if number else "   ", wording.availability_of(term.value), text.clip(term.name, 40), term.note)
        for number, term in enumerate(story.terms)
    ]
    result, _ = wording.judged(story.subject, story.document.trust)
    rows.append(("  =", wording.availability_of(result), "delivered", _sharing(story.terms, result)))
    wide = max(len(row[1]) for row in rows)
    long = max(text.columns(row[2]) for row in rows)
    for sign, number, name, note in rows:
        yield f"{sign} {text.pad(number, wide)}  {text.pad(name, long)}  {note}".rstrip()


def _sharing(terms: tuple[Term, ...], result: Estimate) -> str:
    """Whether the product of the factors is the result, and if not, why."""
    method = wording.method_text(result)
    up, down = 1.0, 0.0
    for term in terms:
        if term.value.up is None or term.value.down is None:
            return method
        down += up * term.value.down
        up *= term.value.up
    if result.up is None or result.down is None:
        return method
    if isclose(down, result.down, rel_tol=1e-9) and isclose(up, result.up, rel_tol=1e-9):
        return f"{method}; nothing is shared, so the product is right"
    return f"{method}; the factors share parts, which count once"


def _costs(story: Story) -> Iterator[str]:
    subject = story.subject
    if not subject.contributors:
        return
    believed = "" if story.document.trust is Reading.TRUSTING else ", every claim believed"
    yield f"What costs the downtime{believed} (and what a perfect one would give back)"
    long = max(text.columns(text.clip(part.component, 60)) for part in subject.contributors)
    for part in subject.contributors:
        name = text.pad(text.clip(part.component, 60), long)
        yield f"  {wording.share_text(part, subject):>6}  {name}  {downtime_text(part.costs)} ({downtime_text(part.gives_back)})"
    rest = subject.contributors_total - len(subject.contributors)
    if rest > 0:
        yield f"          and {rest:,} more"
    if subject.residue:
        yield f"  The parts were scaled by {subject.residue:.2g} to sum to the downtime."


def _limits(story: Story) -> Iterator[str]:
    subject = story.subject
    yield "Other readings"
    least, product = (_bound(up) for up in (subject.least_available, subject.product))
    exact = f"{wording.method_text(subject.delivered)} {wording.availability_of(subject.delivered)}"
    yield f"  bounds    least available {least}, as if independent {product}, {exact}"
    if story.service is not None:
        ceiling = f"{wording.availability_of(subject.ceiling)}, {wording.downtime_of(subject.ceiling)} down"
        yield f"  ceiling   {ceiling}, with all that is its own perfect"
    yield f"  full      {wording.availability_of(subject.full)}, {wording.downtime_of(subject.full)} without something soft"
    tail = "nothing rests on a claim that no test has shown to work"
    if subject.unverified_claims:
        tail = f"without the {text.plural(subject.unverified_claims, 'claim')} that no test has shown to work"
    yield f"  verified  {wording.availability_of(subject.verified)}, {wording.tier_text(subject.verified_tier)}: {tail}"


def _bound(up: float | None) -> str:
    return "unknown" if up is None else wording.percentage(up, 1 - up)


def _others(story: Story) -> Iterator[str]:
    if story.service is None:
        return
    yield "Who depends on it"
    yield from _callers(story)
    if story.needed is not None:
        path = story.needed.path
        way = (
            f"through {text.path_text(path, story.needed.distance + 1)}"
            if len(path) > 1
            else "its own promise is the strictest that reaches it"
        )
        yield f"  needed tier {wording.tier_text(story.needed_tier)}: {way}"
    for use in story.other_phases:
        phases = ", ".join(sorted(phase.value for phase in use.need.phases))
        yield f"  needs {text.clip(str(use.need))} to {phases}: not part of the number; see truetier boot-order"
    if story.radius is not None:
        yield _radius(story.radius)


def _callers(story: Story) -> Iterator[str]:
    if not story.needed_by:
        yield "  nobody in this catalog needs it: an entry point"
    for edge in story.needed_by[:_MOST]:
        hard = "fails with it" if edge.is_hard else "survives without it"
        yield f"  {text.clip(edge.caller)} {hard}" + (f"  ({text.place_text(edge.place)})" if edge.place else "")
    if len(story.needed_by) > _MOST:
        yield f"  and {len(story.needed_by) - _MOST:,} more"


def _radius(radius: BlastRadius) -> str:
    words = f"  when it is down: {text.plural(len(radius.services), 'service')} down, itself included"
    if radius.journeys:
        words += f"; journeys broken: {', '.join(text.clip(hit.name) for hit in radius.journeys[:_MOST])}"
    if radius.users is not None:
        low, high = (f"{share * 100:.3g}" for share in radius.users)
        words += f"; {low if low == high else f'{low} to {high}'} % of users"
    return words


def _findings(story: Story) -> Iterator[str]:
    if not story.findings:
        return
    yield "Findings"
    for finding in story.findings[:_MOST]:
        state = " (waived)" if finding.is_waived else ""
        yield f"  {finding.severity.value} {finding.code} {finding.slug}{state}"
        yield from (f"      {line}" for line in text.wrapped(text.plain(finding.message), _WIDTH - 6))
        yield from (f"      {line}" for line in text.wrapped(f"fix: {text.plain(finding.fix)}", _WIDTH - 6))
    if len(story.findings) > _MOST:
        yield f"  and {len(story.findings) - _MOST:,} more"


def criterion_text(criterion: Criterion) -> str:
    """A criterion in words: a service, or how many of which."""
    if not criterion.is_group:
        return criterion.services[0]
    names = ", ".join(criterion.services)
    return f"any of {names}" if criterion.required == 1 else f"{criterion.required} of {names}"


def own_note(service: Service, *, is_measured: bool) -> str:
    """Where the service's own number comes from."""
    placement = service.placement
    if placement is not None and placement.has_copies:
        return "what its copies have in common"
    if is_measured:
        return "itself, as measured"
    if service.availability is not None:
        return "itself, as stated"
    return "itself: not stated, taken from its promise" if service.tier or service.target else "itself: nobody knows"


def site_note(placement: Placement) -> str:
    """How many copies there are and how many must be up."""
    copies = f"{placement.required} of {text.plural(placement.total, 'copy', 'copies')} must be up"
    if placement.mode is PlacementMode.ACTIVE_PASSIVE:
        copies = "the active copy, or the standby after a failover"
    return f"{copies}, with the domains around them"


def need_note(use: Use) -> str:
    """What the need means for its caller, and why a mitigation does not count."""
    words = [_WEAK[use.weakness]] if use.weakness is not None else [_kind_note(use)]
    if use.share != WHOLE:
        words.append(f"for {use.share} of requests" + (f", when {text.clip(use.need.condition)}" if use.need.condition else ""))
    if use.endpoint is not None:
        words.append(f"endpoint {text.clip(use.endpoint)} only")
    return "; ".join(words)


def _kind_note(use: Use) -> str:
    need = use.need
    match use.kind:
        case Kind.HARD:
            return "hard: fails when it fails" if need.mode is Mode.SYNC else "hard: waits for it"
        case Kind.GROUP:
            return f"{use.required} of {len(need.targets)} must answer"
        case Kind.ASYNC:
            return "async: not waited for" + (f"; its broker {text.clip(need.broker)} is" if need.broker else ", and no broker named")
        case Kind.SOFT:
            return f"soft: {_fallback(need.fallback)}"


def _fallback(fallback: Fallback | None) -> str:
    if fallback is None:
        return "survives without it"
    if fallback.kind is FallbackKind.CACHED:
        age = "" if fallback.staleness is None else f" up to {duration_text(fallback.staleness)} old"
        words = f"a cached answer{age} instead"
    else:
        words = "a static answer instead" if fallback.service is None else f"{text.clip(fallback.service)} instead"
    return words if fallback.coverage == WHOLE else f"{words}, for {fallback.coverage} of requests"
