"""What is declared against what was observed: which calls only one of the two knows, and which both know differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.engine import run
from truetier.audit.facts import Facts
from truetier.audit.registry import all_rules
from truetier.availability.assess import assess
from truetier.catalog.evidence import Kind
from truetier.errors import NothingToReadError
from truetier.graph.build import build
from truetier.graph.hardness import Reading
from truetier.report.contradictions import RULES, Contradiction, Contradictions
from truetier.rules.dependency.never_observed import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from truetier.audit.finding import Finding
    from truetier.catalog.model import Fleet

_MOST_NAMED = 10


def contradictions(fleet: Fleet, *, as_of: date, trust: Reading = Reading.TRUSTING) -> Contradictions:
    """Where the catalog and the telemetry of a fleet differ. Raises SourceError when telemetry saw nothing of it."""
    if not fleet.observed.edges and not fleet.observed.services:
        raise NothingToReadError(
            f"no telemetry of these services: write some with truetier observe, or name it with --observed FILE{_but(fleet)}"
        )
    graph = build(fleet)
    facts = Facts(graph, assess(graph, as_of, reading=trust), as_of, trust=trust)
    found, skipped = run(facts, all_rules(), select=list(RULES))
    requests = {service.name: service.requests for service in fleet.observed.services}
    told = tuple(_contradiction(facts, finding, requests) for finding in found)
    declared, seen = set(_declared(facts)), set(facts.observed)
    differ = {(each.caller, each.callee) for each in told}
    heard = {name for name, count in requests.items() if count} | {name for edge in seen for name in edge}
    return Contradictions(
        declared=len(declared),
        seen=len(seen),
        alike=len(declared & seen - differ),
        enough=ENOUGH,
        found=told,
        undecided=skipped,
        unmatched=fleet.unmatched,
        unseen=tuple(name for name in fleet.services if name not in heard),
    )


def _but(fleet: Fleet) -> str:
    """What there is that matches nothing, where that may be the reason."""
    named = ", ".join(dict.fromkeys(item.subject for item in fleet.unmatched[:_MOST_NAMED]))
    return f"; names that match no service: {named}" if named else ""


def _declared(facts: Facts) -> Iterator[tuple[str, str]]:
    """Whom each service may call at any time, by catalog and manifests: stand-ins and brokers too."""
    for name, uses in facts.declared.uses.items():
        for use in uses:
            if use.need.evidence.kind is not Kind.OBSERVED:
                yield from ((name, callee) for callee in use.need.services)


def _contradiction(facts: Facts, finding: Finding, requests: Mapping[str, int]) -> Contradiction:
    caller, callee = finding.path
    stated = [use for use in facts.uses(caller, callee) if use.need.evidence.kind is not Kind.OBSERVED]
    return Contradiction(finding, caller, callee, tuple(stated), facts.observed.get((caller, callee)), requests.get(caller, 0))
