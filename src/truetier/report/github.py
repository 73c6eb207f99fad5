"""Annotations that GitHub shows beside the changed lines: one workflow command a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.finding import Severity
from truetier.audit.findings import Findings
from truetier.report import text, wording

if TYPE_CHECKING:
    from truetier.audit.finding import Finding
    from truetier.report.document import Document

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(document: Document) -> str:
    """One line for each finding that is new and not waived, worst first, then a summary that is no command."""
    counting = Findings.of(document.findings).counting
    worst_first = (finding for severity in Severity for finding in counting.as_bad_as(severity))
    summary = document.summary
    closing = (
        f"truetier, as of {document.as_of.isoformat()}: {text.plural(summary.missed, 'promise')} missed, {summary.met:,} met, "
        f"{summary.unknown:,} unknown; {text.plural(summary.error, 'error')}, {text.plural(summary.warning, 'warning')}, "
        f"{text.plural(summary.note, 'note')}, {summary.waived:,} waived"
    )
    return "".join(f"{line}\n" for line in (*map(_annotation, worst_first), closing))


def _annotation(finding: Finding) -> str:
    properties = []
    if finding.place is not None:
        place = finding.place
        properties += [f"file={_property(place.file)}", f"line={place.line}", f"col={place.column}"]
    properties.append(f"title={_property(f'{finding.code} {finding.slug}: {text.clip(finding.subject)}')}")
    return f"::{_LEVELS[finding.severity]} {','.join(properties)}::{_message(finding)}"


def _message(finding: Finding) -> str:
    lines = [text.plain(finding.message) + wording.cost_text(finding)]
    if finding.path_length > 2 and finding.path:
        lines.append(f"via {text.path_text(finding.path, finding.path_length)}")
    if finding.fix:
        lines.append(f"fix: {text.plain(finding.fix)}")
    return "%0A".join(line.replace("%", "%25") for line in lines)


def _property(words: str) -> str:
    return text.plain(words).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
