"""TT104: dependencies that together may spend the whole budget of the service that needs them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Skipped, Violation
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import count_text, names_text, promise_text
from truetier.graph.hardness import asked_by
from truetier.record import NamedTuple
from truetier.units import WHOLE, percent_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from truetier.audit.facts import Facts
    from truetier.catalog.model import Endpoint, Service
    from truetier.errors import Place
    from truetier.graph.build import Edge
    from truetier.units import Availability, Share

_A_NINE = Decimal(10)


class _Spending(NamedTuple):
    """A promise, and what each distinct hard callee that promises at least as much may spend of the downtime it allows.

    ``endpoint`` is the one that makes the promise; None where the service does.
    """

    service: Service
    endpoint: Endpoint | None
    promise: Availability
    callees: Sequence[str]  # of the hard needs that the promise rests on, in order
    places: Callable[[int], Place | None]  # of the same, by number
    spent: Mapping[str, Decimal]

    @property
    def subject(self) -> str:
        """The service, or service/endpoint."""
        return self.service.name if self.endpoint is None else f"{self.service.name}/{self.endpoint.name}"


class ExtraNineMissing(Rule):
    """The promises of what a service hard needs use up its own."""

    code = "TT104"
    severity = Severity.NOTE
    title = "what a service hard needs may use up its whole budget"
    why = (
        "Not depending on a lower tier is not enough: a 99.99 % service with one 99.99 % dependency delivers 99.98 %. What a service "
        "hard needs should promise an extra nine, a tenth of its own allowed downtime, and ten such dependencies already use all of "
        "it. Each distinct callee counts once, with what it promises, for the share of requests that meet it; callees that promise "
        "less are inversions and left out. An endpoint with a tier has a budget of its own."
    )
    fix = "have what it hard needs promise an extra nine, or make some of the needs survivable"
    source = "The Calculus of Service Availability (Treynor, Dahlin, Rau, Beyer; ACM Queue 2017), the rule of the extra 9"
    examples = (
        Example(
            """
version: 1
services:
  login:   {tier: T1, needs: [profile]}
  profile: {tier: T1}
""",
            ("login",),
        ),
        Example(
            """
version: 1
services:
  login: {tier: T2, needs: [a, b, c, d, e, f, g, h, i, j, k]}
  a: {tier: T1}
  b: {tier: T1}
  c: {tier: T1}
  d: {tier: T1}
  e: {tier: T1}
  f: {tier: T1}
  g: {tier: T1}
  h: {tier: T1}
  i: {tier: T1}
  j: {tier: T1}
  k: {tier: T1}
""",
            ("login",),
        ),
        Example(
            """
version: 1
services:
  pages:    {tier: T2, endpoints: {buy: {tier: T1, needs: [payments]}, see: {tier: T2}}}
  payments: {tier: T1}
""",
            ("pages/buy",),
        ),
        Example(
            """
version: 1
services:
  login:    {tier: T2, needs: [profile, {service: avatar, timeout: 50ms, fallback: static}, {any_of: [near, far]}]}
  profile:  {tier: T1}
  avatar:   {tier: T2}
  near:     {tier: T2}
  far:      {tier: T2}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation | Skipped]:
        """Every promise with a hard callee that lacks the extra nine, or whose hard callees together exceed its budget."""
        for service in facts.fleet.services.values():
            for spending in _spendings(facts, service):
                budget = spending.promise.exact_unavailability
                short = [callee for callee, part in spending.spent.items() if part * _A_NINE > budget]
                total = sum(spending.spent.values(), Decimal())
                if short or total > budget:
                    yield _violation(facts, spending, short, total / budget)
                    continue
                untold = next((callee for callee in spending.callees if facts.promises.is_untold(callee)), None)
                if untold is not None:
                    yield Skipped(spending.subject, f"its callee {untold} has no tier, so nobody knows how much of the budget it may spend")


def _spendings(facts: Facts, service: Service) -> Iterator[_Spending]:
    """That of the service, and that of each endpoint with a tier; without shares all that promise the same are one."""
    own = facts.promises.of(service.name)
    if service.name in facts.graph.bare:
        if own is not None:
            yield _bare_spending(facts, service, own)
        return
    edges = facts.graph.hard_callees(service.name)
    apart = {each.name: each for each in service.endpoints if each.tier is not None}
    if not service.has_shares:
        apart = {name: each for name, each in apart.items() if facts.fleet.tier_promise(each.tier) != own}
    if own is not None:
        yield _spending(facts, service, None, own, [edge for edge in edges if edge.use.endpoint not in apart])
    for name, endpoint in apart.items():
        promise = facts.fleet.tier_promise(endpoint.tier)
        if promise is not None:
            yield _spending(facts, service, endpoint, promise, [edge for edge in edges if edge.use.endpoint in (None, name)])


def _spending(facts: Facts, service: Service, endpoint: Endpoint | None, promise: Availability, edges: Sequence[Edge]) -> _Spending:
    most = promise.exact_unavailability
    parts = {edge.callee: facts.promises.allowed(edge.callee) for edge in edges}
    spent = {callee: part for callee, part in parts.items() if part <= most}
    draws = {each.name: each.share for each in service.endpoints if each.share is not None} if endpoint is None else {}
    if draws or any(edge.use.share is not WHOLE for edge in edges):
        for callee, share in _shares(edges, draws).items():
            if callee in spent:
                spent[callee] *= share
    return _Spending(service, endpoint, promise, [edge.callee for edge in edges], lambda number: edges[number].place, spent)


def _bare_spending(facts: Facts, service: Service, promise: Availability) -> _Spending:
    """The same of a service whose needs say nothing but whom they ask: its edges are not looked at."""
    most, graph = promise.exact_unavailability, facts.graph
    callees = asked_by(service)
    parts = map(facts.promises.all_allowed.__getitem__, graph.hard[graph.number[service.name]])
    spent = {callee: part for callee, part in zip(callees, parts, strict=True) if part <= most}
    return _Spending(service, None, promise, callees, graph.places(service.name), spent)


def _shares(edges: Sequence[Edge], draws: Mapping[str, Share]) -> dict[str, Decimal]:
    """The share of requests that meet each callee: of several needs in one draw the largest counts, of several draws their sum."""
    largest: dict[str, dict[str | None, Decimal]] = {}
    for edge in edges:
        drawn = edge.use.endpoint if edge.use.endpoint in draws else None
        share = edge.use.share.value * (WHOLE if drawn is None else draws[drawn]).value
        known = largest.setdefault(edge.callee, {})
        known[drawn] = max(share, known.get(drawn, share))
    return {callee: min(Decimal(1), sum(by_draw.values(), Decimal())) for callee, by_draw in largest.items()}


def _violation(facts: Facts, spending: _Spending, short: list[str], part: Decimal) -> Violation:
    first = short[0] if short else next(iter(spending.spent))
    return Violation(
        spending.subject,
        lambda: _message(facts, spending, short, part),
        spending.places(spending.callees.index(first)),
        (spending.service.name, first),
        fix=lambda: _fix(spending, short),
        discriminator="" if spending.endpoint is None else "endpoint",
    )


def _message(facts: Facts, spending: _Spending, short: list[str], part: Decimal) -> str:
    if spending.endpoint is None:
        said = facts.title(spending.service.name)
    else:
        said = f"endpoint {spending.subject} ({promise_text(facts.fleet, spending.endpoint.tier, spending.promise)})"
    if short:
        verdict = f"{names_text(short)} {'lacks' if len(short) == 1 else 'lack'} the extra nine"
    else:
        verdict = "each has the extra nine, but together they are too many"
    allowed = percent_text(round(part, 3))
    return f"{said} hard needs {count_text(len(spending.spent), 'service')} whose promises allow {allowed} of its downtime: {verdict}"


def _fix(spending: _Spending, short: list[str]) -> str:
    if short:
        return f"have {names_text(short)} promise an extra nine, or make some of the needs survivable"
    return f"make some of the needs survivable, or have some of {names_text(list(spending.spent))} promise still more"
