"""The story of one service, journey or endpoint: its numbers, each factor of them seen alone, and who cares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.app.unknown_name import unknown_name
from truetier.audit.findings import Findings
from truetier.availability.assess import unverified_redundancy
from truetier.availability.estimate import Estimate, Method, SubjectKind
from truetier.availability.exact import Engine
from truetier.availability.factors import Factors
from truetier.availability.structure import Bounds, Structure
from truetier.errors import UsageError
from truetier.graph.blast import Blasts
from truetier.graph.hardness import Reading
from truetier.graph.reach import claims, tier_keeping
from truetier.report.story import Story, Term, criterion_text, need_note, own_note, site_note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.audit.findings import RuleFindings
    from truetier.availability.estimate import Assessment
    from truetier.report.document import Document


def story_of(document: Document, name: str, *, also: Sequence[str] = ()) -> Story:
    """The story of the subject of that name. ``also`` are further names a misspelt one may have meant. Raises UsageError."""
    subject = _subject(document, name)
    if subject is None:
        names = [subject.name for subjects in (document.services, document.journeys, document.endpoints) for subject in subjects]
        raise UsageError(unknown_name(name, names, also))
    service = None if subject.kind is SubjectKind.JOURNEY else document.fleet.services[_service_name(document, subject)]
    needed = None if service is None else claims(document.graph).needed(service.name)
    return Story(
        document=document,
        subject=subject,
        service=service,
        terms=tuple(_terms(document, subject)),
        other_phases=() if service is None else tuple(use for use in document.graph.uses[service.name] if not use.need.at_serve),
        needed_by=() if service is None else document.graph.callers[service.name],
        needed=needed,
        needed_tier=None if needed is None else tier_keeping(document.fleet.tiers, needed.promise),
        radius=None if service is None else Blasts(document.graph).of(service.name),
        findings=tuple(_findings(document, name)),
    )


def _subject(document: Document, name: str) -> Assessment | None:
    for subjects in (document.services, document.journeys, document.endpoints):
        for subject in subjects:
            if subject.name == name:
                return subject
    return None


def _service_name(document: Document, subject: Assessment) -> str:
    """The service itself, or the one an endpoint belongs to; both names may hold slashes."""
    if subject.kind is SubjectKind.SERVICE:
        return subject.name
    return next(
        service.name
        for service in document.fleet.services.values()
        for endpoint in service.endpoints
        if f"{service.name}/{endpoint.name}" == subject.name
    )


def _findings(document: Document, name: str) -> Findings:
    """The findings on the subject, on one of its needs, or on one of its endpoints."""
    starts = f"{name} -> ", f"{name}/"

    def is_meant(found: RuleFindings, row: int) -> bool:
        subject = found.said.subjects[row]
        return subject == name or subject.startswith(starts)

    return Findings.of(document.findings).where(is_meant)


def _terms(document: Document, subject: Assessment) -> Iterator[Term]:
    """The factors of the subject's availability, each seen alone: own, where it runs, and its needs; of a journey, its criteria."""
    fleet, uses, alone = document.fleet, document.graph.uses, frozenset[str]()
    if document.trust is Reading.VERIFIED:
        uses, alone = uses.verified(document.as_of), unverified_redundancy(fleet, document.as_of)
    factors, near = Factors(), dict[int, int]()
    structure = Structure(fleet, uses, factors, near, alone=alone, as_measured=document.trust is Reading.VERIFIED)
    engine = Engine(factors, near)
    if subject.kind is SubjectKind.JOURNEY:
        criteria = fleet.journeys[subject.name].succeeds
        _approach(document, structure, engine, [name for criterion in criteria for name in criterion.services])
        for criterion in criteria:
            yield Term(criterion_text(criterion), _estimate(engine, structure.met(criterion)), "must be up")
        return
    service = fleet.services[_service_name(document, subject)]
    _approach(document, structure, engine, [service.name])
    own = structure.own(service.name)
    yield Term("own", _estimate(engine, Bounds(own, own)), own_note(service, is_measured=bool(own & factors.measured)))
    if service.placement is not None:
        site = structure.site(service.name)
        yield Term("where it runs", _estimate(engine, Bounds(site, site)), site_note(service.placement))
    endpoint = subject.name[len(service.name) + 1 :] if subject.kind is SubjectKind.ENDPOINT else None
    for use in structure.needs_of(service.name):
        if endpoint is None or use.endpoint in (None, endpoint):
            yield Term(str(use.need), _estimate(engine, structure.need(use, drawn=endpoint)), need_note(use))


def _approach(document: Document, structure: Structure, engine: Engine, names: Sequence[str]) -> None:
    """Evaluates what the services rest on from below: the engine builds each set on one it has met, and a leap would be deep."""
    below = set(names)
    waiting = list(below)
    for at in waiting:
        found = [edge.callee for edge in document.graph.callees[at] if edge.callee not in below]
        below.update(found)
        waiting.extend(found)
    for other in structure.order:
        if other in below:
            engine.value(structure.up(other).low)


def _estimate(engine: Engine, bounds: Bounds) -> Estimate:
    low, high = engine.value(bounds.low), engine.value(bounds.high)
    method = Method.EXACT if low.is_exact and bounds.low == bounds.high else Method.INTERVAL
    return Estimate(low.up_low, high.up_high, high.down_low, low.down_high, method)
