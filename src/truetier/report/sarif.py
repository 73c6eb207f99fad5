"""SARIF 2.1.0: findings for code-scanning screens, with regions, rules, stable fingerprints and suppressions.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0 with Errata 01.
"""

from __future__ import annotations

import json
from posixpath import normpath
from typing import TYPE_CHECKING
from urllib.parse import quote

from truetier.report import text, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truetier.audit.finding import Finding
    from truetier.audit.rule import Rule
    from truetier.errors import Place
    from truetier.report.document import Document

    _Places = dict[tuple[str, str], Place | None]

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "truetierFingerprint/v1"
_ROOT = "%SRCROOT%"
_ARROW = " -> "


def render(document: Document) -> str:
    """The document as a SARIF log of one run; a finding a line."""
    encode = json.JSONEncoder(allow_nan=False).encode
    ranks = {rule.code: index for index, rule in enumerate(document.rules)}
    places = _edge_places(document)
    results = ",\n        ".join(encode(_result(finding, document, ranks, places)) for finding in document.findings)
    driver = {"name": "truetier", "version": document.version, "rules": [_rule(rule) for rule in document.rules]}
    properties = {"asOf": document.as_of.isoformat(), "trust": document.trust.value, "catalogDigest": document.fleet.digest}
    return f"""{{
  "$schema": {encode(SCHEMA_URI)},
  "version": "2.1.0",
  "runs": [
    {{
      "tool": {encode({"driver": driver})},
      "columnKind": "unicodeCodePoints",
      "invocations": {encode([_invocation(document)])},
      "properties": {encode(properties)},
      "results": [
        {results}
      ]
    }}
  ]
}}
"""


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.slug.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.fix}\n\nSource: {rule.source}",
            "markdown": f"**Fix.** {rule.fix}\n\n**Why.** {rule.why}\n\n**Source.** {rule.source}",
        },
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": [rule.family, "reliability"], "slug": rule.slug},
    }


def _result(finding: Finding, document: Document, ranks: Mapping[str, int], places: _Places) -> dict[str, object]:
    result: dict[str, object] = {"ruleId": finding.code}
    if finding.code in ranks:
        result["ruleIndex"] = ranks[finding.code]
    result |= {
        "level": finding.severity.value,
        "message": {"text": _message(finding)},
        "locations": [_location(_place(finding, document), finding.subject)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "baselineState": "new" if finding.is_new else "unchanged",
    }
    steps = list(_steps(finding, places))
    if len(steps) > 1:
        result["codeFlows"] = [{"threadFlows": [{"locations": [{"location": step} for step in steps]}]}]
    if finding.is_waived:
        result["suppressions"] = [_suppression(finding, document)]
    result["properties"] = {
        "subject": text.plain(finding.subject),
        "path": [text.plain(name) for name in finding.path],
        "pathLength": finding.path_length,
        "minutesPerYear": finding.minutes_per_year,
    }
    return result


def _message(finding: Finding) -> str:
    words = text.plain(finding.message)
    subject = text.plain(finding.subject)
    if not words.startswith(subject):
        words = f"{subject}: {words}"
    words += wording.cost_text(finding)
    return _literal(f"{words}. Fix: {text.plain(finding.fix)}" if finding.fix else words)


def _literal(words: str) -> str:
    # "[shown](target)" is a link in a SARIF message: an escaped bracket is text
    return words.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]") if "](" in words else words


def _place(finding: Finding, document: Document) -> Place | None:
    """Where the finding is; where the rule named no place, where the subject is described."""
    if finding.place is not None:
        return finding.place
    fleet = document.fleet
    name = finding.subject.partition(_ARROW)[0]
    described = fleet.services.get(name) or fleet.journeys.get(name) or fleet.services.get(name.rpartition("/")[0])
    return None if described is None else described.evidence.place


def _location(place: Place | None, name: str, message: str | None = None) -> dict[str, object]:
    location: dict[str, object] = {}
    if place is not None:
        location["physicalLocation"] = {
            "artifactLocation": artifact(place.file),
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    location["logicalLocations"] = [{"fullyQualifiedName": text.plain(name), "kind": "service"}]
    if message is not None:
        location["message"] = {"text": _literal(message)}
    return location


def artifact(file: str) -> dict[str, str]:
    """The file as an artifact location: relative to the source root, percent-encoded; ``file:`` only for an absolute path."""
    path = quote(normpath(file), safe="/", errors="surrogatepass")
    return {"uri": f"file://{path}"} if path.startswith("/") else {"uri": path, "uriBaseId": _ROOT}


def _edge_places(document: Document) -> _Places:
    """Where each edge of a caller on some finding's path is written."""
    callers = {name for finding in document.findings for name in finding.path}
    callees = document.graph.callees
    return {(edge.caller, edge.callee): edge.place for caller in callers for edge in reversed(callees.get(caller, ()))}


def _steps(finding: Finding, places: _Places) -> Iterable[dict[str, object]]:
    for caller, callee in zip(finding.path, finding.path[1:], strict=False):
        step = f"{text.plain(caller)}{_ARROW}{text.plain(callee)}"
        yield _location(places.get((caller, callee)), step, step)


def _suppression(finding: Finding, document: Document) -> dict[str, object]:
    suppression: dict[str, object] = {"kind": "external", "status": "accepted"}
    for waiver in document.fleet.waivers:
        if waiver.subject == finding.subject and waiver.rule in (finding.code, finding.slug):
            owner, reason = text.plain(waiver.owner), text.plain(waiver.reason)
            suppression["justification"] = f"{reason} (owner {owner}, until {waiver.expires.isoformat()})"
            break
    return suppression


def _invocation(document: Document) -> dict[str, object]:
    notices = [_notification("note", f"{item.rule} did not judge {item.subject}: {item.reason}") for item in document.skipped]
    notices += [_notification("warning", f"not read: {item.subject}: {item.reason}") for item in document.unread]
    notices += [_notification("warning", f"matches no service: {item.subject}: {item.reason}") for item in document.unmatched]
    return {"executionSuccessful": True, "toolExecutionNotifications": notices}


def _notification(level: str, words: str) -> dict[str, object]:
    return {"level": level, "message": {"text": _literal(text.plain(words))}}
