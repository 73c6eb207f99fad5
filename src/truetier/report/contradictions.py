"""What is declared against what was observed, for a person and for a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.record import NamedTuple
from truetier.report import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from truetier.audit.finding import Finding, SkippedRule
    from truetier.catalog.model import SkippedInput
    from truetier.catalog.observed import ObservedEdge
    from truetier.graph.hardness import Use

SCHEMA = "truetier/diff-observed/1"
# The rules that compare an edge as declared with the same one as observed, in the order in which they are told, and what each finds.
RULES = {"TT205": "undeclared", "TT206": "never observed", "TT207": "class contradicted", "TT211": "timeout contradicted"}
_SHOWN = 40  # of a kind; JSON has all


class Contradiction(NamedTuple):
    """One edge that differs. ``declared`` are the needs stated on it, ``requests`` those that the caller was seen to get."""

    finding: Finding
    caller: str
    callee: str
    declared: tuple[Use, ...]
    observed: ObservedEdge | None
    requests: int


class Contradictions(NamedTuple):
    """Where catalog and telemetry differ.

    ``declared`` and ``seen`` count pairs of caller and callee, ``alike`` those that are both and differ in nothing that was seen.
    ``enough`` requests must have met a need before it counts as never observed; ``undecided`` are those with fewer. ``unmatched``
    are names that mean no service, ``unseen`` services of which there is no telemetry.
    """

    declared: int
    seen: int
    alike: int
    enough: int
    found: tuple[Contradiction, ...]
    undecided: tuple[SkippedRule, ...]
    unmatched: tuple[SkippedInput, ...]
    unseen: tuple[str, ...]

    @property
    def differ(self) -> bool:
        """Whether anything does that no waiver accepts."""
        return any(not each.finding.is_waived for each in self.found)


def render(difference: Contradictions) -> str:
    """What differs by kind, then what cannot be told."""
    return "".join(f"{line}\n" for line in _lines(difference))


def render_json(difference: Contradictions) -> str:
    """The same as JSON, schema ``truetier/diff-observed/1``."""
    import json

    document = {
        "schema": SCHEMA,
        "declared": difference.declared,
        "observed": difference.seen,
        "alike": difference.alike,
        "requests_needed": difference.enough,
        "differences": [_json(each) for each in difference.found],
        "undecided": [{"subject": item.subject, "reason": item.reason} for item in difference.undecided],
        "unmatched": [{"subject": item.subject, "reason": item.reason} for item in difference.unmatched],
        "unseen": list(difference.unseen),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _lines(difference: Contradictions) -> Iterator[str]:
    yield (
        f"{text.plural(difference.declared, 'call')} declared, {text.plural(difference.seen, 'call')} observed, "
        f"{difference.alike:,} of both alike"
    )
    for code, kind in RULES.items():
        found = [each for each in difference.found if each.finding.code == code]
        volume = f", where at least {difference.enough:,} requests should have made the call" if code == "TT206" else ""
        yield from _part(f"{kind}{volume}", [_line(each.finding) for each in found])
    yield from _part("cannot be told", [f"{text.clip(item.subject)}: {text.plain(item.reason)}" for item in difference.undecided])
    yield from _part(
        "names that match no service", [f"{text.clip(item.subject)}: {text.plain(item.reason)}" for item in difference.unmatched]
    )
    yield from _part("services of which nothing was seen", [text.clip(name) for name in difference.unseen])


def _part(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield f"{title}: {len(lines):,}"
    yield from (f"  {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN:,} more (--format json has all)"


def _line(finding: Finding) -> str:
    where = f"  ({text.place_text(finding.place)})" if finding.place is not None else ""
    waived = ", waived" if finding.is_waived else ""
    return f"{finding.severity.value} {finding.code}{waived}: {text.plain(finding.message)}{where}"


def _json(each: Contradiction) -> Mapping[str, object]:
    finding, place = each.finding, each.finding.place
    return {
        "kind": RULES[finding.code],
        "code": finding.code,
        "severity": finding.severity.value,
        "caller": each.caller,
        "callee": each.callee,
        "message": finding.message,
        "fix": finding.fix,
        "requests": each.requests,
        "declared": [_declared(use) for use in each.declared],
        "observed": None if each.observed is None else _observed(each.observed),
        "minutes_per_year": finding.minutes_per_year,
        "location": None if place is None else {"file": place.file, "line": place.line, "column": place.column},
        "waived": finding.is_waived,
    }


def _declared(use: Use) -> Mapping[str, object]:
    return {"endpoint": use.endpoint, "class": use.kind.value, "timeout_ms": _milliseconds(use.need.targets[0].timeout)}


def _observed(edge: ObservedEdge) -> Mapping[str, object]:
    return {
        "kind": "async" if edge.is_async else "sync",
        "class": edge.verdict.value,
        "calls": edge.calls,
        "errors": edge.errors,
        "timeout_ms": _milliseconds(edge.timeout),
    }


def _milliseconds(time: timedelta | None) -> float | None:
    return None if time is None else round(time.total_seconds() * 1000, 3)
