"""The gate: reads the fleet, computes what it delivers, runs the rules, and decides."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truetier import __version__
from truetier.app.baseline import NOTHING_KNOWN, baseline_of
from truetier.audit.engine import mark_new, run
from truetier.audit.facts import Facts
from truetier.audit.finding import Severity
from truetier.audit.findings import Findings
from truetier.audit.registry import all_rules, chosen
from truetier.availability.assess import assess
from truetier.availability.assumptions import assumptions
from truetier.availability.estimate import Verdict
from truetier.graph.build import build
from truetier.graph.hardness import Reading
from truetier.report.document import Document, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from truetier.app.baseline import Baseline
    from truetier.availability.estimate import Assessment
    from truetier.catalog.model import Fleet, Service


class Decision(Enum):
    """What the gate says."""

    CLEAN = "clean"
    FINDINGS = "findings"
    NOT_ENOUGH_DATA = "not enough data to decide"


def check(  # noqa: PLR0913 - one parameter per question the command line asks
    paths: Sequence[str],
    *,
    as_of: date,
    trust: Reading = Reading.TRUSTING,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    known: Baseline = NOTHING_KNOWN,
    against: str | None = None,
    fail_on: Severity | None = Severity.ERROR,
    evidence: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Document:
    """Everything there is to say about the fleet those paths describe, with what telemetry showed of it.

    ``known`` and what the git revision ``against`` shows are not new. Raises CatalogError, SourceError and UsageError.
    """
    from truetier.app.from_sources import ABSENT
    from truetier.app.load import load_fleet, load_fleet_at

    chosen(all_rules(), select, ignore)  # a misspelt rule must not cost the time of a whole audit
    fleet = load_fleet(paths, evidence=evidence)
    if against is not None:
        earlier = load_fleet_at(paths, against, evidence=evidence)
        absent = [item._replace(subject=f"{against}:{item.subject}") for item in earlier.skipped if item.reason == ABSENT]
        fleet = fleet._replace(skipped=(*fleet.skipped, *absent))
        before = audit(earlier, as_of=as_of, trust=trust, select=select, ignore=ignore)
        known |= baseline_of(before.findings, before.undecided)
    return audit(fleet, as_of=as_of, trust=trust, select=select, ignore=ignore, known=known, fail_on=fail_on, progress=progress)


def audit(  # noqa: PLR0913
    fleet: Fleet,
    *,
    as_of: date,
    trust: Reading = Reading.TRUSTING,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    known: Baseline = NOTHING_KNOWN,
    fail_on: Severity | None = Severity.ERROR,
    progress: Callable[[int, int], None] | None = None,
) -> Document:
    """The same for a fleet that is already read."""
    graph = build(fleet)
    computed = assess(graph, as_of, reading=trust, progress=progress)
    facts = Facts(graph, computed, as_of, trust=trust)
    rules = all_rules()
    found, skipped = run(facts, rules, select=select, ignore=ignore)
    findings = mark_new(found, known.known)
    judged = (*computed.services.values(), *computed.journeys.values(), *computed.endpoints.values())
    return Document(
        version=__version__,
        as_of=as_of,
        trust=trust,
        fleet=fleet,
        graph=graph,
        services=tuple(computed.services.values()),
        journeys=tuple(computed.journeys.values()),
        endpoints=tuple(computed.endpoints.values()),
        findings=findings,
        skipped=skipped,
        assumptions=assumptions(graph),
        conflicts=fleet.conflicts,
        unread=fleet.skipped,
        unmatched=fleet.unmatched,
        rules=chosen(rules, select, ignore),
        summary=_summary(findings, judged),
        edges=sum(len(service.needs) if name in graph.uses.columns else _named(service) for name, service in fleet.services.items()),
        claims=computed.claims,
        fail_on=fail_on,
        observed=facts.end_to_end,
        undecided=tuple(subject.name for subject in judged if subject.verdict is Verdict.UNKNOWN and subject.name not in known.undecided),
    )


def _named(service: Service) -> int:
    """How many services its needs name, members of groups included."""
    return sum(len(need.targets) for need in service.all_needs)


def decide(document: Document) -> Decision:
    """What the gate says: a new finding that is bad enough fails, then a promise nobody can judge."""
    if document.fail_on is None:
        return Decision.CLEAN
    if Findings.of(document.findings).blocking(document.fail_on):
        return Decision.FINDINGS
    return Decision.NOT_ENOUGH_DATA if document.undecided else Decision.CLEAN


def accepted(document: Document) -> Document:
    """The same document with nothing new in it: what it shows has just been written to a baseline."""
    old = Findings.of(document.findings).changed(lambda found: found._replace(is_new=bytes(len(found.is_new))))
    return document._replace(findings=old, undecided=())


def _summary(findings: Findings, judged: Sequence[Assessment]) -> Summary:
    waived = findings.waived
    counts = {severity: len(findings.as_bad_as(severity)) - len(waived.as_bad_as(severity)) for severity in Severity}
    verdicts = [subject.verdict for subject in judged]
    return Summary(
        error=counts[Severity.ERROR],
        warning=counts[Severity.WARNING],
        note=counts[Severity.NOTE],
        waived=len(waived),
        met=verdicts.count(Verdict.MET),
        missed=verdicts.count(Verdict.MISSED),
        unknown=verdicts.count(Verdict.UNKNOWN),
    )
