"""One page that stands alone: no foreign host, no script, light and dark, on screen and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity
from truetier.audit.findings import Findings
from truetier.availability.estimate import SubjectKind, Verdict
from truetier.graph.hardness import Reading
from truetier.report import svg, text, wording
from truetier.units import downtime_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.audit.finding import Finding
    from truetier.availability.estimate import Assessment
    from truetier.report.document import Document

SHOWN_MISSES = 50
SHOWN_ROWS = 2_000
SHOWN_FINDINGS = 2_000
SHOWN_LINES = 500

_WORDS = {Verdict.MET: "✓ met", Verdict.MISSED: "✕ missed", Verdict.UNKNOWN: "? unknown", Verdict.NONE: "no promise"}
_Row = dict[str, object]


def render(document: Document) -> str:
    """The document as an HTML page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("truetier.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    subjects = wording.missed_first((*document.journeys, *document.services, *document.endpoints))
    missed = [subject for subject in subjects if subject.verdict is Verdict.MISSED]
    return environment.get_template(
        "report.html"
    ).render(
        heading=_heading(document),
        tiles=_tiles(document),
        as_of=document.as_of.isoformat(),
        version=text.plain(document.version),
        digest=text.plain(document.fleet.digest[:12]),
        counts=_counts(document),
        reading=_reading(document),
        silence=wording.silence_text(document),
        picture=svg.render(document),  # escaped where it is drawn
        missed=[_card(subject, document) for subject in missed[:SHOWN_MISSES]],
        more_missed=max(0, len(missed) - SHOWN_MISSES),
        groups=_groups(document),
        subjects=[_row(subject, document) for subject in subjects[:SHOWN_ROWS]],
        more_subjects=max(0, len(subjects) - SHOWN_ROWS),
        doubts=_doubts(document),
    )


def _heading(document: Document) -> str:
    summary = document.summary
    if summary.missed:
        return f"{text.plural(summary.missed, 'promise')} missed"
    if summary.unknown:
        return f"{text.plural(summary.unknown, 'promise')} cannot be judged"
    words = "Every promise is kept" if summary.met else "Nothing is promised"
    return f"{words}, but {text.plural(summary.error, 'error')} found" if summary.error else words


def _tiles(document: Document) -> list[_Row]:
    """The totals, each with its look; nothing to worry about has none."""
    summary = document.summary
    totals = (
        ("missed", summary.missed, "missed"),
        ("met", summary.met, "met"),
        ("unknown", summary.unknown, "unknown"),
        ("error", summary.error, "error" if summary.error == 1 else "errors"),
        ("warning", summary.warning, "warning" if summary.warning == 1 else "warnings"),
        ("", summary.note, "note" if summary.note == 1 else "notes"),
        ("", summary.waived, "waived"),
        ("", document.claims, "unverified claim" if document.claims == 1 else "unverified claims"),
    )
    return [{"look": look if count else "none", "count": f"{count:,}", "words": words} for look, count, words in totals]


def _counts(document: Document) -> str:
    counts = [text.plural(len(document.services), "service"), text.plural(document.edges, "edge")]
    if document.journeys:
        counts.append(text.plural(len(document.journeys), "journey"))
    return ", ".join(counts)


def _reading(document: Document) -> str:
    if document.trust is Reading.VERIFIED:
        return "Judged by verified claims alone: mitigations that nobody has tested do not count."
    return "Judged by declarations as they are."


def _card(subject: Assessment, document: Document) -> _Row:
    return {
        "name": text.clip(subject.name),
        "kind": "" if subject.kind is SubjectKind.SERVICE else subject.kind.value,
        "promise": wording.promise_text(subject),
        "ranges": not subject.delivered.is_known,  # two numbers each leave no room for a remark beside them
        "readings": [
            {
                "name": name,
                "tier": figures[0],
                "availability": figures[1],
                "down": figures[2],
                "remark": remark,
                "decides": name == wording.DELIVERS,
            }
            for name, figures, remark in wording.readings(subject, document)
        ],
        "contributors": [
            {
                "name": text.clip(part.component),
                "share": wording.share_text(part, subject),
                "width": round(100 * min(1.0, max(0.0, wording.share_of(part, subject))), 1),
                "down": downtime_text(part.costs),
            }
            for part in subject.contributors
        ],
        "more": subject.contributors_total - len(subject.contributors),
    }


def _row(subject: Assessment, document: Document) -> _Row:
    estimate, tier = wording.judged(subject, document.trust)
    return {
        "name": text.clip(subject.name),
        "kind": subject.kind.value,
        "tier": wording.tier_word(subject.tier),
        "promise": "–" if subject.promise is None else str(subject.promise),  # noqa: RUF001 - a dash for nothing
        "delivered_tier": wording.tier_word(tier),
        "delivered": wording.availability_of(estimate),
        "method": wording.method_text(estimate),
        "down": wording.downtime_of(estimate),
        "full": wording.availability_of(subject.full),
        "verified": wording.availability_of(subject.verified) if subject.unverified_claims else "",
        "verdict": subject.verdict.value,
        "word": _WORDS[subject.verdict] + wording.chance_word(subject),
    }


def _groups(document: Document) -> list[_Row]:
    """Findings by severity, then what is known already and what is waived."""
    findings = Findings.of(document.findings)
    counting = findings.counting
    groups = [
        (severity.value, text.plural(len(found), severity.value), found, severity is not Severity.NOTE)
        for severity in Severity
        if (found := counting.as_bad_as(severity))
    ]
    known, waived = findings.known, findings.waived
    groups += [("known", f"{len(known):,} in the baseline", known, False)] if known else []
    groups += [("waived", f"{len(waived):,} waived", waived, False)] if waived else []
    return [
        {
            "look": look,
            "title": title,
            "open": is_open,
            "findings": [_finding(finding) for finding in found[:SHOWN_FINDINGS]],
            "more": max(0, len(found) - SHOWN_FINDINGS),
        }
        for look, title, found, is_open in groups
    ]


def _finding(finding: Finding) -> _Row:
    return {
        "code": text.plain(finding.code),
        "slug": text.plain(finding.slug),
        "severity": finding.severity.value,
        "subject": text.clip(finding.subject, 200),
        "message": text.clip(finding.message, 1000),
        "fix": text.clip(finding.fix, 1000),
        "path": text.path_text(finding.path, finding.path_length) if finding.path_length > 2 else "",
        "cost": wording.cost_text(finding),
        "place": text.place_text(finding.place),
    }


def _doubts(document: Document) -> list[_Row]:
    """Everything the numbers rest on that somebody should look at: a title, what it means, and lines of name and words."""
    conflicts = [
        (
            f"{text.clip(item.subject)} {text.plain(item.key)}",
            " against ".join(
                f"{text.clip(claim.value, 60)} ({_said_by(claim.evidence.place, claim.evidence.source)})" for claim in item.claims
            )
            + f"; {text.clip(item.used, 60)} is used",
        )
        for item in document.conflicts
    ]
    assumed = [
        (f"{text.clip(item.subject)} {text.plain(item.key)} = {text.clip(item.value, 60)}", text.clip(item.why, 300))
        for item in document.assumptions
    ]
    unread = [(text.clip(item.subject), text.clip(item.reason, 300)) for item in document.unread]
    unmatched = [(text.clip(item.subject), text.clip(item.reason, 300)) for item in document.unmatched]
    skipped = [(f"{text.plain(item.rule)} {text.clip(item.subject)}", text.clip(item.reason, 300)) for item in document.skipped]
    return [
        *_doubt("Sources disagree", "One value is used until people settle which is right.", conflicts),
        *_doubt("Not read", "What these say is not in the numbers.", unread),
        *_doubt("Matches no service", "Names that some source uses and no service has.", unmatched),
        *_doubt("Not judged", "Rules that lack a fact: neither kept nor broken.", skipped),
        *_doubt("Assumed", "Values nobody stated; state them and the numbers change.", assumed),
    ]


def _said_by(place: object, source: str) -> str:
    return text.plain(str(place)) if place is not None else text.plain(source)


def _doubt(title: str, meaning: str, lines: Sequence[tuple[str, str]]) -> list[_Row]:
    if not lines:
        return []
    return [
        {"title": title, "count": len(lines), "meaning": meaning, "lines": lines[:SHOWN_LINES], "more": max(0, len(lines) - SHOWN_LINES)}
    ]
