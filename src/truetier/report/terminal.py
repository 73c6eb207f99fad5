"""What a person sees in a terminal: missed promises and why, findings, a table of services, what was assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.findings import Findings
from truetier.audit.wording import shortage_text
from truetier.availability.estimate import SubjectKind, Verdict
from truetier.graph.hardness import Reading
from truetier.report import text, wording
from truetier.units import downtime_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.audit.finding import Finding
    from truetier.availability.estimate import Assessment, Contributor
    from truetier.report.document import Document

SHOWN_MISSES = 5
SHOWN_CONTRIBUTORS = 5
SHOWN_FINDINGS = 10  # of one rule
SHOWN_SERVICES = 20
SHOWN_ASSUMPTIONS = 5
NARROWEST = 40

_CODES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
_SEVERITY_INK = {"error": "red", "warning": "yellow", "note": "cyan"}
_VERDICT_INK = {Verdict.MISSED: "red", Verdict.MET: "green", Verdict.UNKNOWN: "yellow", Verdict.NONE: "dim"}


class _Page:
    """Lines that are being written, in colour or not."""

    __slots__ = ("color", "document", "limit", "lines", "verbose", "width")

    def __init__(self, document: Document, width: int, *, color: bool, verbose: bool) -> None:
        self.document = document
        self.width = max(width, NARROWEST)
        self.color = color
        self.verbose = verbose
        self.lines: list[str] = []

    def ink(self, words: str, *names: str) -> str:
        """The words in those colours, if this page has any."""
        if not self.color or not names:
            return words
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{words}\x1b[0m"

    def put(self, line: str = "") -> None:
        """Adds a line."""
        self.lines.append(line.rstrip())

    def gap(self) -> None:
        """Adds an empty line unless the page is empty or has one."""
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def prose(self, words: str, indent: int, *inks: str, first: str = "") -> None:
        """Adds wrapped words; ``first`` stands in the indent of the first line."""
        for number, line in enumerate(text.wrapped(words, self.width - indent)):
            self.put((first if number == 0 else " " * indent) + self.ink(line, *inks))

    def most(self, number: int) -> int:
        """That many, or all when everything is asked for."""
        return 10**9 if self.verbose else number


def render(document: Document, *, color: bool = False, width: int = 100, verbose: bool = False) -> str:
    """The report as lines of plain text, with ANSI colours if asked; ``verbose`` leaves nothing out."""
    page = _Page(document, width, color=color, verbose=verbose)
    _heading(page)
    _missed(page)
    _undecided(page)
    _findings(page)
    _table(page)
    _doubts(page)
    _closing(page)
    return "\n".join(page.lines) + "\n"


def _heading(page: _Page) -> None:
    document = page.document
    counts = f"{text.plural(len(document.services), 'service')}, {text.plural(document.edges, 'edge')}"
    if document.journeys:
        counts += f", {text.plural(len(document.journeys), 'journey')}"
    page.put(f"{page.ink('truetier', 'bold')}  {counts}, as of {document.as_of.isoformat()}")
    if document.trust is Reading.VERIFIED:
        page.prose("Judged by verified claims alone: mitigations that nobody has tested do not count.", 0)


def _missed(page: _Page) -> None:
    document = page.document
    subjects = (*document.journeys, *document.services, *document.endpoints)
    missed = wording.missed_first(tuple(subject for subject in subjects if subject.verdict is Verdict.MISSED))
    shown = page.most(SHOWN_MISSES)
    for subject in missed[:shown]:
        page.gap()
        _miss(page, subject)
    if len(missed) > shown:
        page.gap()
        page.put(f"... and {text.plural(len(missed) - shown, 'more missed promise')}, below")


def _miss(page: _Page, subject: Assessment) -> None:
    kind = "" if subject.kind is SubjectKind.SERVICE else f" ({subject.kind.value})"
    page.put(f"{page.ink('MISSED', 'red', 'bold')}  {page.ink(text.clip(subject.name), 'bold')}{kind}")
    rows = wording.readings(subject, page.document)
    for (name, _, _), line in zip(rows, _aligned([[name, *figures, remark] for name, figures, remark in rows]), strict=True):
        page.put("        " + page.ink(line.rstrip(), *(["red"] if name == wording.DELIVERS else [])))
    _contributors(page, subject)


def _undecided(page: _Page) -> None:
    """Promises that what was measured says too little about, and how much is missing."""
    document = page.document
    short = [subject for subject in (*document.journeys, *document.services, *document.endpoints) if subject.is_short_of_data]
    shown = page.most(SHOWN_MISSES)
    for subject in short[:shown]:
        page.gap()
        kind = "" if subject.kind is SubjectKind.SERVICE else f" ({subject.kind.value})"
        page.put(f"{page.ink('NOT ENOUGH DATA', 'yellow', 'bold')}  {page.ink(text.clip(subject.name), 'bold')}{kind}")
        page.prose(f"promises {wording.promise_text(subject)}, {wording.confidence_text(subject)}", 8, first=" " * 8)
        page.prose(text.clip(shortage_text(subject), text.LONGEST_SENTENCE), 8, first=" " * 8)
    if len(short) > shown:
        page.gap()
        page.put(f"... and {text.plural(len(short) - shown, 'more promise')} without enough data, below")


def _contributors(page: _Page, subject: Assessment) -> None:
    shown = subject.contributors[: page.most(SHOWN_CONTRIBUTORS)]
    if not shown:
        return
    names = [text.clip(contributor.component, 60) for contributor in shown]
    wide = max(text.columns(name) for name in names)
    for number, (name, contributor) in enumerate(zip(names, shown, strict=True)):
        label = "caused by" if number == 0 else "         "
        page.put(f"        {label} {_share(page, contributor, subject)}  {text.pad(name, wide)}  {downtime_text(contributor.costs)}")
    rest = subject.contributors_total - len(shown)
    if rest > 0:
        page.put(f"{' ' * 26}and {rest:,} more")


def _share(page: _Page, contributor: Contributor, subject: Assessment) -> str:
    return page.ink(f"{wording.share_text(contributor, subject):>6}", "bold")


def _findings(page: _Page) -> None:
    findings = Findings.of(page.document.findings)
    counting, waived = findings.counting, len(findings.waived)
    for group in counting.groups:
        _rule(page, f"{group[0].code} {group[0].slug}", group[0].severity.value, group)
    known = len(findings) - len(counting) - waived
    parts = [f"{waived:,} waived"] if waived else []
    if known:
        parts.append(f"{known:,} in the baseline")
    if parts:
        page.gap()
        page.put(f"Not shown: {text.plural(waived + known, 'finding')} ({', '.join(parts)})")


def _rule(page: _Page, name: str, severity: str, findings: Sequence[Finding]) -> None:
    page.gap()
    many = f" ({len(findings):,})" if len(findings) > 1 else ""
    page.put(f"{page.ink(severity, _SEVERITY_INK[severity], 'bold')}  {page.ink(name, 'bold')}{many}")
    shown = findings[: page.most(SHOWN_FINDINGS)]
    fixes = [finding.fix for finding in shown]
    for finding, fix, next_fix in zip(shown, fixes, (*fixes[1:], None), strict=True):
        _finding(page, finding)
        if fix and fix != next_fix:
            page.prose(text.clip(fix, text.LONGEST_SENTENCE), 7, first="  fix: ")
    if len(findings) > len(shown):
        page.put(f"  ... and {len(findings) - len(shown):,} more")


def _finding(page: _Page, finding: Finding) -> None:
    subject = text.clip(finding.subject)
    message = text.clip(finding.message, text.LONGEST_SENTENCE)
    words = message if message.startswith(subject) else f"{subject}: {message}"
    words += wording.cost_text(finding)
    if finding.path_length > 2 and finding.path:
        words += f" via {text.path_text(finding.path, finding.path_length)}"
    place = text.place_text(finding.place)
    page.prose(f"{place}: {words}" if place else words, 4, first="  ")


def _table(page: _Page) -> None:
    document = page.document
    subjects = wording.missed_first((*document.journeys, *document.services, *document.endpoints))
    if not subjects:
        return
    shown = subjects[: page.most(SHOWN_SERVICES)]
    page.gap()
    rows = [_row(subject, document.trust) for subject in shown]
    header, *lines = _aligned([["", "promises", "", "delivers", "", "down"], *rows])
    page.put(page.ink(header.rstrip(), "dim"))
    for line, subject in zip(lines, shown, strict=True):
        word = _verdict_word(subject)
        page.put(f"{line}  {page.ink(word, _VERDICT_INK[subject.verdict])}" if word else line)
    if len(subjects) > len(shown):
        page.put(f"... and {len(subjects) - len(shown):,} more")


def _row(subject: Assessment, trust: Reading) -> list[str]:
    estimate, tier = wording.judged(subject, trust)
    kind = " (journey)" if subject.kind is SubjectKind.JOURNEY else ""  # it may be called like a service
    return [
        f"{text.clip(subject.name, 40)}{kind}",
        subject.tier or "-",
        "-" if subject.promise is None else str(subject.promise),
        tier or "-",
        wording.availability_of(estimate),
        wording.downtime_of(estimate),
    ]


def _verdict_word(subject: Assessment) -> str:
    if subject.verdict is Verdict.NONE:
        return ""
    word: str = subject.verdict.value + wording.chance_word(subject)
    if subject.verdict is Verdict.MET and subject.unverified_claims and subject.verified_tier != subject.delivered_tier:
        word += f", {wording.tier_text(subject.verified_tier)} when verified"
    return word


def _aligned(rows: list[list[str]]) -> list[str]:
    cells = [[text.plain(cell) for cell in row] for row in rows]
    widths = [max(map(text.columns, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(text.pad(cell, width) for cell, width in zip(row, widths, strict=True) if width) for row in cells]


def _doubts(page: _Page) -> None:
    document = page.document
    page.gap()
    if document.conflicts:
        page.put(f"{page.ink('conflicts', 'yellow')}: sources disagree on {text.plural(len(document.conflicts), 'value')}")
        for conflict in document.conflicts[: page.most(SHOWN_ASSUMPTIONS)]:
            claims = " against ".join(
                f"{text.clip(claim.value, 40)} ({text.place_text(claim.evidence.place) or text.clip(claim.evidence.source, 40)})"
                for claim in conflict.claims
            )
            page.prose(
                f"{text.clip(conflict.subject)} {text.clip(conflict.key, 40)}: {claims}; {text.clip(conflict.used, 40)} is used",
                4,
                first="  - ",
            )
    _list(page, "not read", [(item.subject, item.reason) for item in document.unread])
    _list(page, "matches no service", [(item.subject, item.reason) for item in document.unmatched])
    _list(
        page,
        "not judged",
        [(f"{item.rule} {item.subject}" if item.subject != "*" else item.rule, item.reason) for item in document.skipped],
    )
    _assumptions(page)
    silence = wording.silence_text(document)
    if silence:
        page.prose(silence, 0)


def _list(page: _Page, title: str, items: list[tuple[str, str]]) -> None:
    if not items:
        return
    if not page.verbose and len(items) > 1:
        names = ", ".join(text.clip(name, 50) for name, _ in items[:3])
        page.prose(f"{title}: {len(items):,} ({names}{', ...' if len(items) > 3 else ''})", 0)
        return
    for name, reason in items:
        page.prose(f"{title}: {text.clip(name)}: {text.clip(reason, text.LONGEST_SENTENCE)}", 0)


def _assumptions(page: _Page) -> None:
    document = page.document
    if document.assumptions and page.verbose:
        page.put(f"assumed: {text.plural(len(document.assumptions), 'value')}")
        for item in document.assumptions:
            stated = f"{text.clip(item.subject)} {text.clip(item.key, 40)} = {text.clip(item.value, 60)}"
            page.prose(f"{stated}: {text.clip(item.why, text.LONGEST_SENTENCE)}", 4, first="  - ")
    elif document.assumptions:
        keys = ", ".join(text.clip(key, 40) for key in sorted({item.key for item in document.assumptions})[:SHOWN_ASSUMPTIONS])
        page.prose(f"assumed: {text.plural(len(document.assumptions), 'value')} nobody stated ({keys})", 0)
    if document.claims:
        words = "fallbacks, groups, copies and the like that no test has shown to work"
        page.prose(f"unverified: {text.plural(document.claims, 'claim')} ({words})", 0)


def _closing(page: _Page) -> None:
    summary = page.document.summary
    page.gap()
    promises = [f"{summary.missed:,} missed", f"{summary.met:,} met"]
    if summary.unknown:
        promises.append(f"{summary.unknown:,} unknown")
    counts = [text.plural(summary.error, "error"), text.plural(summary.warning, "warning"), text.plural(summary.note, "note")]
    if summary.waived:
        counts.append(f"{summary.waived:,} waived")
    ink = ("red", "bold") if summary.error or summary.missed else ("green", "bold")
    page.prose(f"Promises: {', '.join(promises)}. Findings: {', '.join(counts)}.", 0, *ink)
