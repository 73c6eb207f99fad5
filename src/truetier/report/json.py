"""The machine's reading of a check: schema ``truetier/check/1``, one subject or finding a line, floats shortest exact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truetier.audit.finding import Finding
    from truetier.availability.estimate import Assessment, Estimate
    from truetier.catalog.evidence import Assumption, Claim, Conflict
    from truetier.catalog.model import SkippedInput
    from truetier.errors import Place
    from truetier.report.document import Document

SCHEMA = "truetier/check/1"


def render(document: Document) -> str:
    """The document as JSON in ASCII; the same document gives the same bytes."""
    encode = json.JSONEncoder(separators=(", ", ": "), allow_nan=False).encode
    summary = document.summary
    parts = [
        _member("schema", encode(SCHEMA)),
        _member("as_of", encode(document.as_of.isoformat())),
        _member("trust", encode(document.trust.value)),
        _member("catalog", encode({"services": len(document.services), "edges": document.edges, "digest": document.fleet.digest})),
        _list("services", (encode(_assessment(item)) for item in document.services)),
        _list("journeys", (encode(_assessment(item)) for item in document.journeys)),
        _list("endpoints", (encode(_assessment(item)) for item in document.endpoints)),
        _list("findings", (encode(_finding(item)) for item in document.findings)),
        _list("skipped", (encode({"rule": item.rule, "subject": item.subject, "reason": item.reason}) for item in document.skipped)),
        _list("assumptions", (encode(_assumption(item)) for item in document.assumptions)),
        _list("conflicts", (encode(_conflict(item)) for item in document.conflicts)),
        _list("unread", (encode(_input(item)) for item in document.unread)),
        _list("unmatched", (encode(_input(item)) for item in document.unmatched)),
        _member(
            "summary",
            encode(
                {
                    "error": summary.error,
                    "warning": summary.warning,
                    "note": summary.note,
                    "waived": summary.waived,
                    "met": summary.met,
                    "missed": summary.missed,
                    "unknown": summary.unknown,
                }
            ),
        ),
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _member(key: str, value: str) -> str:
    return f'  "{key}": {value}'


def _list(key: str, items: Iterable[str]) -> str:
    lines = ",\n    ".join(items)
    return _member(key, f"[\n    {lines}\n  ]" if lines else "[]")


def _estimate(estimate: Estimate) -> dict[str, object]:
    return {
        "low": estimate.up_low,
        "value": estimate.up,
        "high": estimate.up_high,
        "unavailability": {"low": estimate.down_low, "value": estimate.down, "high": estimate.down_high},
        "method": estimate.method.value,
    }


def _assessment(subject: Assessment) -> dict[str, object]:
    return {
        "name": subject.name,
        "tier": subject.tier,
        "promise": None if subject.promise is None else float(subject.promise),
        "verdict": subject.verdict.value,
        "delivered": _estimate(subject.delivered),
        "delivered_tier": subject.delivered_tier,
        "nominal_tier": subject.nominal_tier,
        "full": _estimate(subject.full),
        "ceiling": _estimate(subject.ceiling),
        "verified": _estimate(subject.verified),
        "verified_tier": subject.verified_tier,
        "unverified_claims": subject.unverified_claims,
        "bounds": {"least_available": subject.least_available, "product": subject.product},
        "downtime_minutes_per_year": subject.delivered.minutes_per_year,
        "contributors": [
            {"component": part.component, "minutes_per_year": part.costs, "gives_back": part.gives_back} for part in subject.contributors
        ],
        "contributors_total": subject.contributors_total,
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "slug": finding.slug,
        "severity": finding.severity.value,
        "subject": finding.subject,
        "message": finding.message,
        "fix": finding.fix,
        "path": list(finding.path),
        "path_length": finding.path_length,
        "minutes_per_year": finding.minutes_per_year,
        "location": _place(finding.place),
        "fingerprint": finding.fingerprint,
        "new": finding.is_new,
        "waived": finding.is_waived,
    }


def _place(place: Place | None) -> Mapping[str, object] | None:
    return None if place is None else {"file": place.file, "line": place.line, "column": place.column}


def _assumption(item: Assumption) -> dict[str, str]:
    return {"subject": item.subject, "key": item.key, "value": item.value, "why": item.why}


def _conflict(item: Conflict) -> dict[str, object]:
    return {"subject": item.subject, "key": item.key, "claims": [_claim(claim) for claim in item.claims], "used": item.used}


def _claim(claim: Claim) -> dict[str, object]:
    evidence = claim.evidence
    return {"value": claim.value, "kind": evidence.kind.value, "source": evidence.source, "location": _place(evidence.place)}


def _input(item: SkippedInput) -> dict[str, str]:
    return {"subject": item.subject, "reason": item.reason}
