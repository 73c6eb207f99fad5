"""The machine's reading of a check: schema ``truetier/check/1``, one subject or finding a line, floats shortest exact."""

from __future__ import annotations

from itertools import islice
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from truetier.report.kernel import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.catalog.evidence import Claim, Conflict
    from truetier.catalog.model import SkippedInput
    from truetier.report.document import Document

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
    yield from _list("services", map(encoder.assessment, document.services))
    yield from _list("journeys", map(encoder.assessment, document.journeys))
    yield from _list("endpoints", map(encoder.assessment, document.endpoints))
    yield from _list("findings", map(encoder.finding, document.findings))
    yield from _list("skipped", (_texts(rule=item.rule, subject=item.subject, reason=item.reason) for item in document.skipped))
    yield from _list("assumptions", map(encoder.assumption, document.assumptions))
    yield from _list("conflicts", (_conflict(item, encoder) for item in document.conflicts))
    yield from _list("unread", map(_input, document.unread))
    yield from _list("unmatched", map(_input, document.unmatched))
    yield f'  "summary": {{{", ".join(f"{quoted(key)}: {number}" for key, number in summary._asdict().items())}}}\n}}\n'


def _list(key: str, items: Iterator[str]) -> Iterator[str]:
    before = f'  "{key}": [\n    '
    while batch := list(islice(items, _AT_A_TIME)):
        yield before + ",\n    ".join(batch)
        before = ",\n    "
    yield f'  "{key}": [],\n' if before[0] == " " else "\n  ],\n"


def _texts(**values: str) -> str:
    return f"{{{', '.join(f'{quoted(key)}: {quoted(value)}' for key, value in values.items())}}}"


def _input(item: SkippedInput) -> str:
    return _texts(subject=item.subject, reason=item.reason)


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
