"""The machine's reading of a check: schema ``truetier/check/1``, one subject or finding a line, floats shortest exact."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from truetier.audit.findings import Findings
from truetier.report.kernel import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from truetier.audit.finding import SkippedRule
    from truetier.availability.end_to_end import EndToEnd
    from truetier.catalog.evidence import Claim, Conflict
    from truetier.catalog.model import SkippedInput
    from truetier.report.document import Document

    _Item = TypeVar("_Item")

SCHEMA = "truetier/check/1"
_AT_A_TIME = 500  # lines in one piece


def render(document: Document) -> str:
    """The document as JSON in ASCII; the same document gives the same bytes."""
    return "".join(pieces(document))


def pieces(document: Document) -> Iterator[str]:
    """The same text piece by piece, so that all of it need not be held."""
    summary = document.summary
    encoder = Encoder()
    yield "{\n"
    yield f'  "schema": {quoted(SCHEMA)},\n  "as_of": {quoted(document.as_of.isoformat())},\n  "trust": {quoted(document.trust.value)},\n'
    catalog = f'"services": {len(document.services)}, "edges": {document.edges}, "digest": {quoted(document.fleet.digest)}'
    yield f'  "catalog": {{{catalog}}},\n'
    yield from _list("services", _lines(encoder.assessment, document.services))
    yield from _list("journeys", _lines(encoder.assessment, document.journeys))
    yield from _list("endpoints", _lines(encoder.assessment, document.endpoints))
    yield from _list("observed", _lines(_observed, tuple(document.observed.values())))
    yield from _list("findings", _findings(encoder, Findings.of(document.findings)))
    yield from _list("skipped", _lines(_skipped, document.skipped))
    yield from _list("assumptions", _lines(encoder.assumption, document.assumptions))
    yield from _list("conflicts", _lines(lambda item: _conflict(item, encoder), document.conflicts))
    yield from _list("unread", _lines(_input, document.unread))
    yield from _list("unmatched", _lines(_input, document.unmatched))
    yield f'  "summary": {{{", ".join(f"{quoted(key)}: {number}" for key, number in summary._asdict().items())}}}\n}}\n'


def _lines(line: Callable[[_Item], str], items: Sequence[_Item]) -> Iterator[list[str]]:
    """The lines of those items, some at a time."""
    for begin in range(0, len(items), _AT_A_TIME):
        yield list(map(line, items[begin : begin + _AT_A_TIME]))


def _findings(encoder: Encoder, findings: Findings) -> Iterator[list[str]]:
    """The same of findings, which are written without being made."""
    for of, severity, rows in findings.stretches:
        for begin in range(0, len(rows), _AT_A_TIME):
            yield encoder.findings(findings.found[of], severity, rows[begin : begin + _AT_A_TIME])


def _list(key: str, batches: Iterator[list[str]]) -> Iterator[str]:
    before = f'  "{key}": [\n    '
    for batch in batches:
        yield before + ",\n    ".join(batch)
        before = ",\n    "
    yield f'  "{key}": [],\n' if before[0] == " " else "\n  ],\n"


def _texts(**values: str) -> str:
    return f"{{{', '.join(f'{quoted(key)}: {quoted(value)}' for key, value in values.items())}}}"


def _skipped(item: SkippedRule) -> str:
    return _texts(rule=item.rule, subject=item.subject, reason=item.reason)


def _input(item: SkippedInput) -> str:
    return _texts(subject=item.subject, reason=item.reason)


def _observed(item: EndToEnd) -> str:
    """What was observed end to end, as availabilities."""
    figures = {"low": item.down_high, "value": item.down, "high": item.down_low}
    numbers = ", ".join(f'"{key}": {"null" if down is None else repr(1.0 - down)}' for key, down in figures.items())
    counts = f'"requests": {item.requests}, "failed": {item.failed}, "basis": {quoted(item.basis)}'
    return f'{{"kind": "{item.kind.value}", "name": {quoted(item.name)}, {numbers}, {counts}}}'


def _conflict(item: Conflict, encoder: Encoder) -> str:
    """What sources disagree on."""
    claims = ", ".join(_claim(claim, encoder) for claim in item.claims)
    return f'{{"subject": {quoted(item.subject)}, "key": {quoted(item.key)}, "claims": [{claims}], "used": {quoted(item.used)}}}'


def _claim(claim: Claim, encoder: Encoder) -> str:
    evidence = claim.evidence
    return (
        f'{{"value": {quoted(claim.value)}, "kind": "{evidence.kind.value}", "source": {quoted(evidence.source)}, '
        f'"location": {encoder.place(evidence.place)}}}'
    )
