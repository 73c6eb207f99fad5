"""TT301: services that need each other hard in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.advice import MAKE_SURVIVABLE, survive_text
from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import count_text, names_text
from truetier.graph.hard_cycles import hard_cycles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.audit.facts import Facts
    from truetier.graph import hard_cycles as found


class HardCycle(Rule):
    """Services that fall together, and that nobody can bring back alone."""

    code = "TT301"
    severity = Severity.ERROR
    title = "services need each other hard in a circle"
    why = (
        "Services in a hard circle fall together: the weakest of them sets the availability of all, a retry storm feeds itself, and "
        "none can be deployed, restored or understood alone. There is one finding for all services that reach each other, with a "
        "shortest circle as witness and the cheapest set of needs to cut: the fewest, and among those the ones at which a promise "
        "drops."
    )
    fix = "cut the named needs: turn them into events (mode: async), or make them soft with a timeout and a fallback"
    source = "Release It! (Nygard), stability antipatterns: cascading failures"
    examples = (
        Example(
            """
version: 1
services:
  orders:    {tier: T1, needs: [inventory]}
  inventory: {tier: T1, needs: [pricing]}
  pricing:   {tier: T1, needs: [orders]}
""",
            ("inventory",),
        ),
        Example(
            """
version: 1
services:
  orders:    {tier: T1, needs: [inventory]}
  inventory: {tier: T1, needs: [pricing]}
  pricing:   {tier: T1, needs: [{service: orders, mode: async}, {any_of: [orders, archive]}]}
  archive:   {tier: T1}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every strongly connected component of hard serve edges."""
        for cycle in hard_cycles(facts.graph):
            yield _violation(facts, cycle)


def _violation(facts: Facts, cycle: found.HardCycle) -> Violation:
    subject = min(cycle.members)
    circle = _from(cycle.path, subject)
    cuts = list(dict.fromkeys(edge.subject for edge in cycle.cuts))
    needs = len({(edge.caller, edge.use.number) for edge in cycle.cuts})
    shortest = "a shortest circle" if cycle.is_shortest else "one circle"
    fewest = "" if cycle.is_fewest else " (fewer may do)"
    assessment = facts.services.get(subject)
    return Violation(
        subject,
        f"{count_text(len(cycle.members), 'service')} fall together: {names_text(sorted(cycle.members))}; {shortest} has "
        f"{count_text(len(circle), 'need')}, cutting {count_text(needs, 'need')}{fewest} ends them all: {names_text(cuts)}",
        cycle.cuts[0].place,
        (*circle, circle[0]),
        None if assessment is None else facts.judged(assessment).minutes_per_year,
        fix=f"cut {names_text(cuts)}: {_cut_text(cycle)}",
    )


def _cut_text(cycle: found.HardCycle) -> str:
    """How to cut the needs; what some of them want besides is told of the first."""
    ways = list(dict.fromkeys(survive_text(edge) for edge in cycle.cuts))
    special = next((way for way in ways if way != MAKE_SURVIVABLE), None)
    if special is None:
        it = "it" if len(cycle.cuts) == 1 else "each"
        return f"turn {it} into events (mode: async), or make it soft with a timeout and a fallback"
    if len(ways) == 1:
        return special
    return f"turn them into events (mode: async), make them soft with a timeout and a fallback, or {special}"


def _from(path: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The circle told from that service on, where it lies on it; else from its first name in order."""
    start = path.index(name if name in path else min(path))
    return path[start:] + path[:start]
