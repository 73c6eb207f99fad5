"""Markdown for a pull request: the verdict first, what the change adds, everything else folded away.

Names stand in code spans, where nothing is a link, a mention or markup; sentences are escaped. A comment holds at most
65,536 characters, so long lists are cut and say so.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from truetier.audit.finding import Severity
from truetier.audit.findings import Findings
from truetier.availability.estimate import Verdict
from truetier.graph.hardness import Reading
from truetier.report import text, wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from truetier.audit.finding import Finding
    from truetier.availability.estimate import Assessment
    from truetier.report.document import Document

_Item = TypeVar("_Item")

LONGEST = 60_000
SHOWN_NAME = 60
SHOWN_SENTENCE = 400
SHOWN_FINDINGS = 30
SHOWN_ROWS = 30
SHOWN_LINES = 10

_BADGES = {Severity.ERROR: "❌ error", Severity.WARNING: "⚠️ warning", Severity.NOTE: "ℹ️ note"}  # noqa: RUF001 - a picture, beside the word
_VERDICTS = {Verdict.MET: "✅ met", Verdict.MISSED: "❌ missed", Verdict.UNKNOWN: "❔ unknown", Verdict.NONE: "no promise"}
# a character written as a number is shown and never read as markup, a table's border or the end of a code span
_LITERAL = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]|~<>&"}
_LITERAL |= {ord("@"): "@<!-- -->", ord("#"): "#<!-- -->"}  # a mention or an issue's number is looked for after markup
_LINK = re.compile(r"(:(?=//)|w(?=ww\.)|m(?=ailto:)|x(?=mpp:))", re.IGNORECASE)


def code(name: str) -> str:
    """The name as code that it cannot leave, in a table or out of it."""
    safe = text.clip(name, SHOWN_NAME) or "(no name)"
    if safe == safe.strip() and not any(sign in safe for sign in "`|\\"):
        return f"`{safe}`"
    return f"<code>{sentence(safe)}</code>"


def sentence(words: str) -> str:
    """The words as text in which nothing is markup, a link, a mention or an issue."""
    return _LINK.sub(r"\1<!-- -->", text.clip(words, SHOWN_SENTENCE).translate(_LITERAL))


def render(document: Document) -> str:
    """The document as GitHub-flavoured Markdown, short enough for one comment."""
    blocks = [
        _heading(document),
        _table("Promises missed", [item for item in _subjects(document) if item.verdict is Verdict.MISSED], document),
        *_new_findings(document),
        *_details(document),
        _footer(document),
    ]
    return _fitting([block for block in blocks if block])


def _fitting(blocks: list[str]) -> str:
    kept: list[str] = []
    room = LONGEST
    for block in blocks:
        room -= len(block) + 2
        if room < 0:
            kept.append("*The rest is left out: it does not fit into one comment.*")
            break
        kept.append(block)
    return "\n\n".join(kept) + "\n"


def _subjects(document: Document) -> list[Assessment]:
    return wording.missed_first((*document.journeys, *document.services, *document.endpoints))


def _heading(document: Document) -> str:
    summary = document.summary
    blocking = len(Findings.of(document.findings).blocking(document.fail_on))
    if blocking:
        title = f"❌ {text.plural(blocking, 'new finding')} to fix"
    elif summary.missed:
        title = f"⚠️ {text.plural(summary.missed, 'promise')} missed, nothing new that blocks"
    elif summary.unknown:
        title = f"❔ {text.plural(summary.unknown, 'promise')} cannot be judged"
    else:
        title = "✅ every promise is kept"
    return f"### truetier: {title}"


def _table(title: str, subjects: list[Assessment], document: Document) -> str:
    if not subjects:
        return ""
    lines = [f"**{title}**", "", "| | promises | delivers | down | of it | verdict |", "|---|---|---|---|---|---|"]
    lines += [_row(subject, document) for subject in subjects[:SHOWN_ROWS]]
    if len(subjects) > SHOWN_ROWS:
        lines += ["", f"*and {len(subjects) - SHOWN_ROWS:,} more*"]
    return "\n".join(lines)


def _row(subject: Assessment, document: Document) -> str:
    estimate, tier = wording.judged(subject, document.trust)
    causes = ", ".join(f"{code(part.component)} {wording.share_text(part, subject)}" for part in subject.contributors[:3])
    if subject.contributors_total > 3 and subject.contributors:
        causes += f", {subject.contributors_total - min(3, len(subject.contributors)):,} more"
    delivered = f"{sentence(wording.tier_word(tier))} {sentence(wording.availability_of(estimate))}"
    if wording.method_text(estimate) != "exact":
        delivered += f" ({wording.method_text(estimate)})"
    cells = [
        code(subject.name),
        sentence(wording.promise_text(subject)),
        delivered,
        sentence(wording.downtime_of(estimate)),
        causes,
        _VERDICTS[subject.verdict] + sentence(wording.chance_word(subject)),
    ]
    return f"| {' | '.join(cells)} |"


def _new_findings(document: Document) -> Iterator[str]:
    new = Findings.of(document.findings).counting
    for severity in Severity:
        of_severity = new.as_bad_as(severity)
        if not of_severity:
            continue
        listed = _cut((_finding(finding) for finding in of_severity), len(of_severity), SHOWN_FINDINGS)
        title = f"{_BADGES[severity]}: {text.plural(len(of_severity), 'finding')}"
        yield f"**{title}**\n\n{listed}" if severity is Severity.ERROR else _folded(title, listed)


def _finding(finding: Finding) -> str:
    line = f"- **{sentence(finding.code)} {sentence(finding.slug)}** {code(finding.subject)} {sentence(finding.message)}"
    line += sentence(wording.cost_text(finding))
    if finding.place is not None:
        line += f" at {code(text.place_text(finding.place))}"
    if finding.path_length > 2 and finding.path:
        line += f"<br>via {code(text.path_text(finding.path, finding.path_length, 6))}"
    return f"{line}<br>*Fix:* {sentence(finding.fix)}" if finding.fix else line


def _cut(lines: Iterable[str], count: int, limit: int) -> str:
    kept = list(islice(lines, limit))
    if count > limit:
        kept.append(f"- *and {count - limit:,} more*")
    return "\n".join(kept)


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _details(document: Document) -> Iterator[str]:
    subjects = _subjects(document)
    if subjects:
        yield _folded(f"All {text.plural(len(subjects), 'verdict')}", _table("Every service", subjects, document))
    findings = Findings.of(document.findings)
    yield _list("In the baseline", "finding", findings.known, _finding)
    yield _list("Waived", "finding", findings.waived, _finding)
    yield _list("Sources disagree", "value", document.conflicts, lambda item: _line(item.subject, f"{item.key}: {item.used} is used"))
    yield _list("Not read", "input", document.unread, lambda item: _line(item.subject, item.reason))
    yield _list("Matches no service", "name", document.unmatched, lambda item: _line(item.subject, item.reason))
    yield _list("Not judged", "case", document.skipped, lambda item: _line(f"{item.rule} {item.subject}", item.reason))
    yield _list("Assumed", "value", document.assumptions, lambda item: _line(item.subject, f"{item.key} = {item.value}: {item.why}"))


def _list(title: str, noun: str, items: Sequence[_Item], line: Callable[[_Item], str]) -> str:
    if not items:
        return ""
    return _folded(f"{title}: {text.plural(len(items), noun)}", _cut(map(line, items), len(items), SHOWN_LINES))


def _line(subject: str, words: str) -> str:
    return f"- {code(subject)} {sentence(words)}"


def _footer(document: Document) -> str:
    summary = document.summary
    reading = "verified claims alone" if document.trust is Reading.VERIFIED else "declarations as they are"
    words = (
        f"{text.plural(len(document.services), 'service')}, {text.plural(document.edges, 'edge')}; promises: {summary.missed:,} missed, "
        f"{summary.met:,} met, {summary.unknown:,} unknown; findings: {text.plural(summary.error, 'error')}, "
        f"{text.plural(summary.warning, 'warning')}, {text.plural(summary.note, 'note')}, {summary.waived:,} waived. "
        f"Judged by {reading}, {text.plural(document.claims, 'unverified claim')}. Numbers are exact unless an interval is shown. "
        f"As of {document.as_of.isoformat()}, truetier {sentence(document.version)}."
    )
    silence = wording.silence_text(document)
    return f"<sub>{words}{' ' + silence if silence else ''}</sub>"
