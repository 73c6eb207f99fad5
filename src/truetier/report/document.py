"""All that a report can show, as values; every renderer draws from this and computes nothing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Never

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from truetier.audit.finding import Finding, Severity, SkippedRule
    from truetier.audit.rule import Rule
    from truetier.availability.end_to_end import EndToEnd
    from truetier.availability.estimate import Assessment, SubjectKind
    from truetier.catalog.evidence import Assumption, Conflict
    from truetier.catalog.model import Fleet, SkippedInput
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Reading

_NOTHING: Mapping[tuple[SubjectKind, str], Never] = MappingProxyType({})


class Summary(NamedTuple):
    """Findings that count by severity, waived ones apart, and promises by verdict."""

    error: int
    warning: int
    note: int
    waived: int
    met: int
    missed: int
    unknown: int


class Document(NamedTuple):
    """The result of ``check``. Sequences are in the order they are to be shown."""

    version: str  # of truetier
    as_of: date
    trust: Reading
    fleet: Fleet
    graph: Graph
    services: tuple[Assessment, ...]
    journeys: tuple[Assessment, ...]
    endpoints: tuple[Assessment, ...]
    findings: Sequence[Finding]
    skipped: tuple[SkippedRule, ...]
    assumptions: tuple[Assumption, ...]
    conflicts: tuple[Conflict, ...]
    unread: tuple[SkippedInput, ...]  # files or parts that were not read
    unmatched: tuple[SkippedInput, ...]  # names that match no service
    rules: tuple[Rule, ...]  # the rules that ran, by code
    summary: Summary
    edges: int
    claims: int  # that no test has shown to work, each counted once however many services rest on it
    fail_on: Severity | None  # None: never
    observed: Mapping[tuple[SubjectKind, str], EndToEnd] = _NOTHING  # end to end, by telemetry; beside what is computed, never in it
    undecided: tuple[str, ...] = ()  # promises nobody can judge for want of data; known ones left out, as with findings

    def __repr__(self) -> str:
        count = self.summary
        return (
            f"<Document of {len(self.services)} services as of {self.as_of}: "
            f"promises {count.missed} missed, {count.met} met, {count.unknown} unknown; "
            f"findings {count.error} errors, {count.warning} warnings, {count.note} notes>"
        )
