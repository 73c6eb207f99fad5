"""A baseline: the findings a team has accepted for now, kept in a file beside the catalog.

What is listed fails no build until it gets worse; what is not listed is new. The file holds fingerprints, so that moving
a line or changing a number elsewhere does not make an old finding new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.findings import Findings
from truetier.errors import SourceError
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from truetier.audit.finding import Finding

SCHEMA = "truetier/baseline/1"


class Baseline(NamedTuple):
    """What is known: minutes a year by fingerprint (None where no number is), and the subjects nobody could judge."""

    known: Mapping[str, float | None]
    undecided: frozenset[str] = frozenset()

    def __or__(self, other: Baseline) -> Baseline:
        """Known to one of the two; known to both, the larger number counts."""
        known = dict(self.known)
        for fingerprint, minutes in other.known.items():
            mine = known.get(fingerprint, 0.0)
            known[fingerprint] = None if mine is None or minutes is None else max(mine, minutes)
        return Baseline(known, self.undecided | other.undecided)


NOTHING_KNOWN = Baseline({})


def baseline_of(findings: Iterable[Finding], undecided: Iterable[str]) -> Baseline:
    """What these findings make known. Waived ones stay out: a waiver ends, and then its finding is new."""
    told = Findings.of(findings).rows()
    known = {found.fingerprint(row): found.said.minutes(row) for found, row in told if not found.is_waived[row]}
    return Baseline(known, frozenset(undecided))


def baseline_text(findings: Iterable[Finding], undecided: Iterable[str], as_of: date) -> str:
    """The baseline file: one finding a line, in order of code and subject, so that a review shows what was accepted."""
    import json

    accepted = [finding for finding in findings if not finding.is_waived]
    accepted.sort(key=lambda finding: finding.identity)
    lines = [
        json.dumps(
            {
                "fingerprint": finding.fingerprint,
                "rule": f"{finding.code} {finding.slug}",
                "subject": finding.subject,
                "minutes_per_year": finding.minutes_per_year,
            },
            ensure_ascii=False,
        )
        for finding in accepted
    ]
    listed = ",\n    ".join(lines)
    names = json.dumps(sorted(undecided), ensure_ascii=False)
    body = f"\n    {listed}\n  " if lines else ""
    return f'{{\n  "schema": "{SCHEMA}",\n  "as_of": "{as_of}",\n  "undecided": {names},\n  "findings": [{body}]\n}}\n'


def read_baseline(file: str) -> Baseline:
    """The baseline in a file. Raises SourceError when it cannot be read or is none."""
    import json

    from truetier.app.input_tree import Disk, UnreadableError

    try:
        content = Disk().read(file)
    except UnreadableError as error:
        raise SourceError(f"the baseline {file} {error}") from None
    try:
        return _parsed(json.loads(content))
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        raise SourceError(f"{file} is not a baseline; write one with: truetier check --write-baseline {file}") from None


def _parsed(document: object) -> Baseline:
    if not isinstance(document, dict) or document["schema"] != SCHEMA:
        raise ValueError(SCHEMA)
    known: dict[str, float | None] = {}
    for entry in document["findings"]:
        minutes = entry["minutes_per_year"]
        known[str(entry["fingerprint"])] = None if minutes is None else float(minutes)
    return Baseline(known, frozenset(str(name) for name in document.get("undecided", ())))
