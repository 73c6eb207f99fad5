"""The machine's reading of a check: schema ``truetier/check/1``, one subject or finding a line, floats shortest exact.

Lines are put together by hand: a report of a large fleet has a hundred thousand of them and a million numbers, and to build an
object for each costs several times what its text does. Every text and every number still goes through one encoder.
"""

from __future__ import annotations

from itertools import islice
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

from truetier.audit.finding import LONGEST_PATH, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truetier.audit.finding import Finding
    from truetier.availability.estimate import Assessment, Confidence, Estimate, Further, Method, Verdict
    from truetier.catalog.evidence import Assumption, Claim, Conflict
    from truetier.catalog.model import SkippedInput
    from truetier.errors import Place
    from truetier.report.document import Document

SCHEMA = "truetier/check/1"
_BOOLEAN = ("false", "true")
_AT_A_TIME = 500  # lines in one piece


def render(document: Document) -> str:
    """The document as JSON in ASCII; the same document gives the same bytes."""
    return "".join(pieces(document))


def pieces(document: Document) -> Iterator[str]:
    """The same text piece by piece, so that all of it need not be held."""
    summary = document.summary
    encoder = _Encoder()
    yield "{\n"
    yield f'  "schema": {quoted(SCHEMA)},\n  "as_of": {quoted(document.as_of.isoformat())},\n  "trust": {quoted(document.trust.value)},\n'
    catalog = f'"services": {len(document.services)}, "edges": {document.edges}, "digest": {quoted(document.fleet.digest)}'
    yield f'  "catalog": {{{catalog}}},\n'
    yield from _list("services", map(encoder.assessment, document.services))
    yield from _list("journeys", map(encoder.assessment, document.journeys))
    yield from _list("endpoints", map(encoder.assessment, document.endpoints))
    yield from _list("findings", encoder.findings(document.findings))
    yield from _list("skipped", (_texts(rule=item.rule, subject=item.subject, reason=item.reason) for item in document.skipped))
    yield from _list("assumptions", map(_assumption, document.assumptions))
    yield from _list("conflicts", map(encoder.conflict, document.conflicts))
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


def _assumption(item: Assumption) -> str:
    return _texts(subject=item.subject, key=item.key, value=item.value, why=item.why)


def _input(item: SkippedInput) -> str:
    return _texts(subject=item.subject, reason=item.reason)


class _Numbers(dict[float, str]):
    """Numbers as JSON writes them. Most of a report's are there several times, and to find the shortest text takes a while."""

    def __missing__(self, number: float) -> str:
        if number - number != 0:
            raise ValueError(f"{number} is not JSON compliant")
        text = repr(number)
        if number and isinstance(number, float):  # 0 and -0.0 are equal, and so are 1 and 1.0
            self[number] = text
        return text


class _Quoted(dict[str, str]):
    """Names as JSON writes them, each made once."""

    def __missing__(self, text: str) -> str:
        found = self[text] = quoted(text)
        return found


class _Encoder:
    """Writes subjects and findings, and remembers numbers and names."""

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self._names = _Quoted()
        self._values: dict[int, str] = {}  # by identity: members live as long as the program

    def _number(self, number: float | None) -> str:
        return "null" if number is None else self._numbers[number]

    def _text(self, text: str | None) -> str:
        return "null" if text is None else self._names[text]

    def assessment(self, subject: Assessment) -> str:
        """One subject and what it delivers."""
        number, text, numbers, names = self._number, self._text, self._numbers, self._names
        name, _, tier, promised, delivered, verdict, claims, tiers, details, confidence = subject
        # Worked out when first asked for, and in the last digit by way of what is known by then: hence always in this order.
        full, ceiling, verified, (least, product), costs = (
            details.full,
            details.ceiling,
            details.verified,
            details.bounds,
            details.costs,
        )
        delivered_text, delivered_tier = self._estimate(delivered), text(subject.delivered_tier)
        full_text = delivered_text if full == delivered else self._estimate(full)
        if verified == delivered:
            verified_text, verified_tier = delivered_text, delivered_tier
        else:
            verified_text, verified_tier = self._estimate(verified), text(tiers.best_met(verified.down_high))
        contributors = ", ".join(
            [
                f'{{"component": {names[component]}, "minutes_per_year": {numbers[minutes]}, "gives_back": {numbers[given]}}}'
                for component, minutes, given, _ in costs.contributors
            ]
        )
        return (
            f'{{"name": {names[name]}, "tier": {text(tier)}, "promise": {"null" if promised is None else number(float(promised))}, '
            f'"verdict": {self._value(verdict)}, "delivered": {delivered_text}, "delivered_tier": {delivered_tier}, '
            f'"nominal_tier": {text(subject.nominal_tier)}, "full": {full_text}, '
            f'"ceiling": {self._estimate(ceiling)}, "verified": {verified_text}, '
            f'"verified_tier": {verified_tier}, "unverified_claims": {claims}, '
            f'"bounds": {{"least_available": {number(least)}, "product": {number(product)}}}, '
            f'"downtime_minutes_per_year": {number(delivered.minutes_per_year)}, "contributors": [{contributors}], '
            f'"contributors_total": {costs.total}{self._confidence(confidence, details.further) if confidence is not None else ""}}}'
        )

    def _confidence(self, confidence: Confidence, further: Further | None) -> str:
        number = self._number
        wanted = ""
        if further is not None:
            requests = "null" if further.requests is None else further.requests
            wanted = f', "requests_needed": {requests}, "parameter": {self._text(further.service)}'
        return (
            f', "confidence": {{"met": {number(confidence.met)}, "standard_error": {number(confidence.standard_error)}, '
            f'"low": {number(confidence.low)}, "high": {number(confidence.high)}, "draws": {confidence.draws}{wanted}}}'
        )

    def _estimate(self, estimate: Estimate) -> str:
        numbers = self._numbers
        up_low, up_high, down_low, down_high, method = estimate
        low, down = numbers[up_low], numbers[down_low]
        value, value_down = (low, down) if down_low == down_high else ("null", "null")
        return (
            f'{{"low": {low}, "value": {value}, "high": {numbers[up_high]}, '
            f'"unavailability": {{"low": {down}, "value": {value_down}, "high": {numbers[down_high]}}}, "method": {self._value(method)}}}'
        )

    def _value(self, member: Verdict | Method) -> str:
        """The value of a member of an enumeration, which is slow to ask for."""
        known = self._values.get(id(member))
        if known is None:
            known = self._values[id(member)] = quoted(member.value)
        return known

    def findings(self, findings: Iterable[Finding]) -> Iterator[str]:
        """One line for each; those of one rule and severity stand together and begin alike."""
        names, numbers = self._names, self._numbers
        code = severity = head = None
        for finding in findings:
            its_code, slug, its_severity, said, identity, _, is_new, is_waived = finding
            subject, message, place, path, minutes, _, fix, _, length = said
            if its_code is not code or its_severity is not severity:
                code, severity = its_code, its_severity
                head = f'{{"code": {quoted(code)}, "slug": {quoted(slug)}, "severity": "{severity.value}", "subject": '
            if not isinstance(message, str):
                message = finding.message
            if not isinstance(fix, str):
                fix = finding.fix
            if not isinstance(path, tuple):
                path = finding.whole_path
            if length is None:
                length = len(path)
            yield (
                f'{head}{quoted(subject)}, "message": {quoted(message)}, "fix": {names[fix]}, '
                f'"path": [{", ".join([names[name] for name in path[:LONGEST_PATH]])}], "path_length": {length}, '
                f'"minutes_per_year": {"null" if minutes is None else numbers[minutes]}, '
                f'"location": {self._place(place)}, "fingerprint": "{fingerprint(identity)}", '
                f'"new": {_BOOLEAN[is_new]}, "waived": {_BOOLEAN[is_waived]}}}'
            )

    def _place(self, place: Place | None) -> str:
        if place is None:
            return "null"
        file, line, column = place
        return f'{{"file": {self._names[file]}, "line": {line}, "column": {column}}}'

    def conflict(self, item: Conflict) -> str:
        """What sources disagree on."""
        claims = ", ".join(map(self._claim, item.claims))
        return f'{{"subject": {quoted(item.subject)}, "key": {quoted(item.key)}, "claims": [{claims}], "used": {quoted(item.used)}}}'

    def _claim(self, claim: Claim) -> str:
        evidence = claim.evidence
        return (
            f'{{"value": {quoted(claim.value)}, "kind": "{evidence.kind.value}", "source": {quoted(evidence.source)}, '
            f'"location": {self._place(evidence.place)}}}'
        )
