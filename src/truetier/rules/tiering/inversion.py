"""TT101: a service that fails whenever something less reliable does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.audit.advice import MAKE_SURVIVABLE, raise_text, survive_text
from truetier.audit.finding import Severity, Violation
from truetier.audit.loss import minutes_lost, share_met
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import promise_text
from truetier.graph.hardness import asked_by
from truetier.record import maker
from truetier.units import WHOLE, downtime_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from truetier.audit.facts import Facts
    from truetier.catalog.model import Service
    from truetier.errors import Place
    from truetier.graph.build import Edge
    from truetier.units import Availability

    # Whom a need asks, where it is written, and how its caller comes to survive.
    _Drop = tuple[str, Place | None, str]

_VIOLATION = maker(Violation)


class Inversion(Rule):
    """A hard need on a service that promises less than its caller."""

    code = "TT101"
    severity = Severity.ERROR
    title = "a service hard needs one that promises less"
    why = (
        "When the callee of a hard need is down, so is its caller. A caller that promises more than its callee has made a promise it "
        "cannot keep, whatever it does itself. A need that is hard only under a condition breaks the promise for that share of "
        "requests; a group that can lose a member is not hard, nor is a soft or async need."
    )
    fix = "raise the callee's tier, lower the caller's promise, or make the need survivable: async, soft with timeout and fallback, any_of"
    source = "The Calculus of Service Availability (Treynor, Dahlin, Rau, Beyer; ACM Queue 2017)"
    examples = (
        Example(
            """
version: 1
services:
  login:           {tier: 1, needs: [user-profile, fraud-detection, {service: notifications, mode: async}]}
  user-profile:    {tier: 2}
  fraud-detection: {tier: 2}
  notifications:   {availability: 99.5%}
""",
            ("login -> user-profile", "login -> fraud-detection"),
        ),
        Example(
            """
version: 1
services:
  checkout: {tier: T1, needs: [{service: kyc, share: 20%, condition: "amount >= 50"}, {k: 2, of: [near, far]}]}
  kyc:  {tier: T4}
  near: {tier: T2}
  far:  {tier: T2}
""",
            ("checkout -> kyc", "checkout -> near", "checkout -> far"),
        ),
        Example(
            """
version: 1
services:
  pages:
    tier: T2
    endpoints:
      buy:    {tier: T1, needs: [payments]}
      browse: {needs: [payments]}
  payments: {tier: T2}
""",
            ("pages -> payments",),
        ),
        Example(
            """
version: 1
services:
  checkout:
    tier: T1
    needs:
      - payments
      - {any_of: [near, far]}
      - {service: rewards, timeout: 200ms, fallback: static}
      - {service: mailer, mode: async}
  payments: {tier: T1}
  near:     {tier: T2}
  far:      {tier: T2}
  rewards:  {tier: T3}
  mailer:   {tier: T3}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every pair of services with a hard edge at which the promise drops."""
        number, hard = facts.graph.number, facts.graph.hard
        plain = _Plain(facts)
        for name, service in facts.fleet.services.items():
            places = facts.promises.dropping(name)
            if not places:
                continue
            reached = hard[number[name]]
            if name in facts.graph.bare and len({reached[place] for place in places}) == len(places):
                asked, place_of = asked_by(service), facts.graph.places(name)
                yield from plain.violations(service, [(asked[place], place_of(place), MAKE_SURVIVABLE) for place in places])
            else:
                edges = facts.graph.hard_callees(name)
                yield from _told(facts, service, [edges[place] for place in places], plain)


def _told(facts: Facts, service: Service, edges: Sequence[Edge], plain: _Plain) -> Iterator[Violation]:
    """The violations of a service whose needs may say more than whom they ask."""
    dropping: dict[str, list[Edge]] = {}
    for edge in edges:
        dropping.setdefault(edge.callee, []).append(edge)
    is_plain = not service.endpoints and not facts.promises.is_untold(service.name)
    drops: list[_Drop] = []
    for callee, to_one in dropping.items():
        edge = to_one[0]
        if is_plain and len(to_one) == 1 and edge.use.share is WHOLE:
            drops.append((callee, edge.place, survive_text(edge)))
        else:
            worst = max(to_one, key=lambda edge: _badness(facts, edge))
            yield _violation(facts, worst, len({edge.use.number for edge in to_one}))
    yield from plain.violations(service, drops)


def _badness(facts: Facts, edge: Edge) -> tuple[Decimal, float]:
    """Of several needs the one on which most is promised is told, since what keeps that promise keeps the others'; then the most used."""
    return -facts.promises.rank(facts.promises.on(edge)), share_met(facts, edge.use)


class _Plain:
    """Tells needs that every request meets and on which no more is promised than by their service: from parts made once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._ends: dict[str, tuple[str, float | None]] = {}  # of what is said of each callee, and what it costs
        self._fixes: dict[Availability | None, dict[tuple[str, str], str]] = {}  # by what is promised; by the callee and how to survive it

    def violations(self, service: Service, drops: Sequence[_Drop]) -> Iterator[Violation]:
        """The violations of one service."""
        if not drops:
            return
        ends, name = self._ends, service.name
        promise = self._facts.promises.of(name)
        fixes = self._fixes.setdefault(promise, {})
        start = f"{name} ({promise_text(self._facts.fleet, None, promise)}) hard needs "
        arrow = f"{name} -> "
        for callee, place, survive in drops:
            end, minutes = ends.get(callee) or self._end(callee)
            fix = fixes.get((callee, survive)) or self._fix(fixes, promise, callee, survive)
            yield _VIOLATION((arrow + callee, start + end, place, (name, callee), minutes, None, fix, "", None))

    def _end(self, callee: str) -> tuple[str, float | None]:
        minutes = self._facts.minutes(callee)
        lost = "" if minutes is None else f": {downtime_text(minutes)} lost"
        said = self._ends[callee] = f"{self._facts.title(callee)}{lost}", minutes
        return said

    def _fix(self, fixes: dict[tuple[str, str], str], promise: Availability | None, callee: str, survive: str) -> str:
        facts = self._facts
        fix = fixes[callee, survive] = f"{raise_text(facts.fleet, facts.fleet.services[callee], promise)}, or {survive}"
        return fix


def _violation(facts: Facts, edge: Edge, needs: int) -> Violation:
    minutes = minutes_lost(facts, edge.use, edge.callee)
    return Violation(
        edge.subject,
        lambda: _message(facts, edge, minutes),
        edge.place,
        (edge.caller, edge.callee),
        minutes,
        fix=lambda: _fix(facts, edge, needs),
    )


def _message(facts: Facts, edge: Edge, minutes: float | None) -> str:
    caller = f"{edge.caller} ({promise_text(facts.fleet, None, facts.promises.on(edge))})"
    use = edge.use
    where = "" if use.endpoint is None else f" in its endpoint {use.endpoint}"
    share = "" if use.share is WHOLE or use.share == WHOLE else f" for {use.share} of its requests"
    cost = "" if minutes is None else f": {downtime_text(minutes)} lost"
    return f"{caller} hard needs {facts.title(edge.callee)}{where}{share}{cost}"


def _fix(facts: Facts, edge: Edge, needs: int) -> str:
    promises = facts.promises
    survive = survive_text(edge) if needs == 1 else f"make each of the {needs} needs on it survivable"
    wanted = promises.through(edge) if promises.is_untold(edge.caller) else promises.on(edge)
    return f"{raise_text(facts.fleet, facts.fleet.services[edge.callee], wanted)}, or {survive}"
