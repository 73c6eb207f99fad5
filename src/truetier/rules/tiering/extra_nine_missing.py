"""TT104: dependencies that together may spend the whole budget of the service that needs them."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Skipped
from truetier.audit.rule import Example, Rule
from truetier.audit.violations import Violations
from truetier.audit.wording import count_text, names_text, promise_text
from truetier.record import NamedTuple
from truetier.units import WHOLE, percent_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from truetier.audit.facts import Facts
    from truetier.catalog.model import Endpoint, Service
    from truetier.errors import Place
    from truetier.graph.build import Edge
    from truetier.units import Availability, Share

    # A service, and what it spends where that was worked out.
    _Spender = tuple[Service, "_Spending | None"]

_A_NINE = Decimal(10)


class _Spending(NamedTuple):
    """A promise, and which distinct hard callees that promise at least as much may spend of the downtime it allows.

    ``endpoint`` is the one that makes the promise; None where the service does. ``short`` are those of them that lack the extra nine.
    """

    service: Service
    endpoint: Endpoint | None
    promise: Availability
    callees: Sequence[str]  # of the hard needs that the promise rests on, in order
    places: Callable[[int], Place | None]  # of the same, by number
    spenders: Sequence[str]
    short: Sequence[str]
    total: Decimal  # what they may spend together

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

    def check(self, facts: Facts) -> Iterator[Violations | Skipped]:
        """Every promise with a hard callee that lacks the extra nine, or whose hard callees together exceed its budget."""
        found: list[_Spender] = []
        whole = _Whole(facts)
        for service in facts.fleet.services.values():
            if whole.is_short(service):
                found.append((service, None))
                continue
            for spending in _spendings(facts, service, whole):
                if spending.short or spending.total > spending.promise.exact_unavailability:
                    found.append((service, spending))
                    continue
                untold = next((callee for callee in spending.callees if facts.promises.is_untold(callee)), None)
                if untold is not None:
                    yield Skipped(spending.subject, f"its callee {untold} has no tier, so nobody knows how much of the budget it may spend")
        yield _violations(facts, found, whole)


class _Whole:
    """Spendings of services whose hard needs every request meets, as most: no edge is looked at, and promises are compared by standing."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._names = list(facts.graph.number)
        self._standings = facts.promises.standings
        self._allowed = facts.promises.standing_allows
        tenfold = [part * _A_NINE for part in self._allowed]
        self._lacking = [bisect_right(tenfold, budget) for budget in self._allowed]  # for each standing, the first that is too much for it

    def has(self, service: Service) -> bool:
        """Whether it is one of them."""
        return self._facts.graph.is_whole(service.name)

    def is_short(self, service: Service) -> bool:
        """Whether it is one of them and some of its callees lack the extra nine."""
        facts, standings = self._facts, self._standings
        if facts.promises.of(service.name) is None or not self.has(service):
            return False
        number = facts.graph.number[service.name]
        own, reached = standings[number], facts.graph.hard[number]
        lacking = self._lacking[own]
        return any(lacking <= standings[callee] <= own for callee in reached)

    def spending(self, service: Service, promise: Availability) -> _Spending:
        """All that they spend."""
        graph, standings, allowed = self._facts.graph, self._standings, self._allowed
        number = graph.number[service.name]
        own = standings[number]
        lacking, callees = self._lacking[own], [self._names[callee] for callee in graph.hard[number]]
        reached = map(standings.__getitem__, graph.hard[number])
        spent = {callee: standing for callee, standing in zip(callees, reached, strict=True) if standing <= own}
        short = [callee for callee, standing in spent.items() if standing >= lacking]
        total = sum(map(allowed.__getitem__, spent.values()), Decimal())
        return _Spending(service, None, promise, callees, graph.places(service.name), list(spent), short, total)


def _spendings(facts: Facts, service: Service, whole: _Whole) -> Iterator[_Spending]:
    """That of the service, and that of each endpoint with a tier; without shares all that promise the same are one."""
    own = facts.promises.of(service.name)
    if whole.has(service):
        if own is not None:
            yield whole.spending(service, own)
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
    short = [callee for callee, part in spent.items() if part * _A_NINE > most]
    callees = [edge.callee for edge in edges]
    total = sum(spent.values(), Decimal())
    return _Spending(service, endpoint, promise, callees, lambda number: edges[number].place, list(spent), short, total)


def _shares(edges: Sequence[Edge], draws: Mapping[str, Share]) -> dict[str, Decimal]:
    """The share of requests that meet each callee: of several needs in one draw the largest counts, of several draws their sum."""
    largest: dict[str, dict[str | None, Decimal]] = {}
    for edge in edges:
        drawn = edge.use.endpoint if edge.use.endpoint in draws else None
        share = edge.use.share.value * (WHOLE if drawn is None else draws[drawn]).value
        known = largest.setdefault(edge.callee, {})
        known[drawn] = max(share, known.get(drawn, share))
    return {callee: min(Decimal(1), sum(by_draw.values(), Decimal())) for callee, by_draw in largest.items()}


def _violations(facts: Facts, found: Sequence[_Spender], whole: _Whole) -> Violations:
    words = _Words(facts, found, whole)
    return Violations(
        [service.name if spending is None else spending.subject for service, spending in found],
        lambda row: words.at(row).message(),
        lambda row: words.at(row).place(),
        lambda row: (found[row][0].name, words.at(row).first),
        fix=lambda row: words.at(row).fix(),
        discriminator=lambda row: "" if (spending := found[row][1]) is None or spending.endpoint is None else "endpoint",
    )


class _Words:
    """What is said of each, worked out when a report asks."""

    def __init__(self, facts: Facts, found: Sequence[_Spender], whole: _Whole) -> None:
        self._facts = facts
        self._found = found
        self._whole = whole
        self._row = -1

    def at(self, row: int) -> _Words:
        """The same, about that row; what it takes is kept until another is asked for."""
        if row != self._row:
            self._row = row
            service, spending = self._found[row]
            self._spending = spending or next(_spendings(self._facts, service, self._whole))
            self.first = next(iter(self._spending.short or self._spending.spenders))  # the callee to begin with
        return self

    def place(self) -> Place | None:
        """Where the need on the first is written."""
        return self._spending.places(self._spending.callees.index(self.first))

    def message(self) -> str:
        """How much of which budget, and what is wrong with that."""
        facts, spending, short = self._facts, self._spending, self._spending.short
        if spending.endpoint is None:
            said = facts.title(spending.service.name)
        else:
            said = f"endpoint {spending.subject} ({promise_text(facts.fleet, spending.endpoint.tier, spending.promise)})"
        if short:
            verdict = f"{names_text(short)} {'lacks' if len(short) == 1 else 'lack'} the extra nine"
        else:
            verdict = "each has the extra nine, but together they are too many"
        allowed = percent_text(round(spending.total / spending.promise.exact_unavailability, 3))
        many = count_text(len(spending.spenders), "service")
        return f"{said} hard needs {many} whose promises allow {allowed} of its downtime: {verdict}"

    def fix(self) -> str:
        """Whose promise would help."""
        spending = self._spending
        if spending.short:
            return f"have {names_text(spending.short)} promise an extra nine, or make some of the needs survivable"
        return f"make some of the needs survivable, or have some of {names_text(spending.spenders)} promise still more"
