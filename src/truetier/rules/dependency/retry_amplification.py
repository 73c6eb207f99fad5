"""TT208: retries that multiply along a path."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.audit.finding import Severity, Violation
from truetier.audit.rule import Example, Rule
from truetier.audit.wording import names_text
from truetier.catalog.model import Mode
from truetier.graph.cycles import strongly_connected
from truetier.record import NamedTuple
from truetier.units import Availability

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from truetier.audit.facts import Facts
    from truetier.catalog.observed import ObservedEdge
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Use

_LIMIT = 2  # times the load that one request may become below a critical service
_CRITICAL = Availability(Decimal("0.9999"))  # T1 of the built-in table
_COUNTED = 1_000_000  # beyond it the exact factor tells nobody anything
_RETRIED = 1.5  # attempts seen on average, from which on some request did
_SHOWN = 50


class _Call(NamedTuple):
    """``declared`` attempts where more were seen, else None."""

    callee: str
    attempts: float
    use: Use
    declared: int | None = None


class _Worst(NamedTuple):
    """What one request may become below a service, and the call that begins the path on which it does."""

    factor: float
    call: _Call
    length: int  # services on the path


class RetryAmplification(Rule):
    """A request of a critical service can become more than twice the load further down."""

    code = "TT208"
    severity = Severity.WARNING
    title = "retries multiply along a path below a critical service"
    why = (
        "Every caller on a path retries for itself, so attempts multiply: three calls deep with three attempts each, the last callee "
        "gets 27 requests for one, exactly when it is failing. That turns a short outage into one that keeps itself alive. Below a "
        "service or journey that promises 99.99 % or more the product along a path of sync calls may be at most 2. Where telemetry saw "
        "more attempts on a callee that failed than are declared, those count: a library or a proxy may retry that the catalog knows "
        "nothing of. Of a path only its beginning is reported, and in a loop one call is followed, so the factor is a lower bound there."
    )
    fix = (
        "retry in one place only, next to the callee or at the edge, with at most 2 attempts, and share a retry budget (a tenth of the "
        "traffic) there"
    )
    source = (
        "Site Reliability Engineering (Beyer et al.), addressing cascading failures; Metastable Failures in Distributed Systems "
        "(HotOS 2021)"
    )
    examples = (
        Example(
            """
version: 1
services:
  front:   {tier: T3, needs: [{service: shop, timeout: 2s, attempts: 1}]}
  shop:    {tier: T1, needs: [{service: prices, timeout: 400ms, attempts: 2}]}
  prices:  {tier: T1, needs: [{service: stock, timeout: 100ms, attempts: 1}]}
  stock:   {tier: T1, needs: [{service: storage, timeout: 40ms, attempts: 2}]}
  storage: {tier: T0}
""",
            ("shop",),
        ),
        Example(
            """
version: 1
services:
  shop:    {tier: T1, needs: [{service: prices, timeout: 400ms, attempts: 2}, {service: queue, mode: async, attempts: 9, timeout: 1s}]}
  prices:  {tier: T1, needs: [{service: storage, timeout: 100ms}]}
  storage: {tier: T0}
  queue:   {tier: T1}
  reports: {tier: T3, needs: [{service: archive, timeout: 1s, attempts: 5}]}
  archive: {tier: T2}
""",
        ),
        Example(
            """
version: 1
services:
  shop:    {tier: T1, needs: [{service: prices, timeout: 400ms, attempts: 2}]}
  prices:  {tier: T1, needs: [{service: storage, timeout: 100ms}]}
  storage: {tier: T0}
""",
            ("shop",),
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "prices", "callee": "storage", "kind": "sync", "calls": 9000, "errors": 120, "attempts": 2.96}]}
""",
        ),
        Example(
            """
version: 1
services:
  shop:    {tier: T1, needs: [{service: prices, timeout: 400ms, attempts: 2}]}
  prices:  {tier: T1, needs: [{service: storage, timeout: 100ms}]}
  storage: {tier: T0}
""",
            observed="""
{"schema": "truetier/observe/1", "services": [], "edges": [
  {"caller": "prices", "callee": "storage", "kind": "sync", "calls": 9000, "errors": 40, "attempts": 1.04}]}
""",
        ),
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Every service at which a path with too many retries begins."""
        seen = dict(_retried(facts.observed))
        if not seen and all(target.attempts == 1 for use in facts.graph.uses.said for target in use.need.targets):
            return
        calls = {name: list(_calls(uses, seen)) for name, uses in facts.graph.uses.items()}
        components = strongly_connected(list(calls), lambda name: [call.callee for call in calls[name]])
        worst = _worst_paths(components, calls)
        critical = _below_critical(facts.graph, calls)
        told: set[str] = set()  # lies on a path that is reported
        for component in reversed(components):
            for name in component:
                found = worst.get(name)
                if found is None:
                    continue
                begins = name not in told and name in critical and found.call.attempts > 1 and found.factor > _LIMIT
                if begins:
                    yield _violation(name, found, worst)
                if begins or name in told:
                    told.add(found.call.callee)


def _retried(observed: Mapping[tuple[str, str], ObservedEdge]) -> Iterator[tuple[tuple[str, str], float]]:
    """Attempts that were seen, on edges with more than one."""
    for between, edge in observed.items():
        if edge.attempts is not None and edge.attempts >= _RETRIED:
            yield between, round(edge.attempts, 1)


def _calls(uses: Iterable[Use], seen: Mapping[tuple[str, str], float]) -> Iterator[_Call]:
    for use in uses:
        if use.need.at_serve and use.need.mode is not Mode.ASYNC:
            for target in use.need.targets:
                attempts = seen.get((use.caller, target.service), 1)
                if attempts > target.attempts:
                    yield _Call(target.service, attempts, use, target.attempts)
                else:
                    yield _Call(target.service, target.attempts, use)


def _worst_paths(components: list[list[str]], calls: dict[str, list[_Call]]) -> dict[str, _Worst]:
    """For every service that calls: its worst path. Components come callees first, so what is below is known."""
    worst: dict[str, _Worst] = {}
    number = {name: index for index, component in enumerate(components) for name in component}
    for component in components:
        found: dict[str, _Worst] = {}
        for name in component:
            for call in calls[name]:
                below = worst.get(call.callee) if number[call.callee] != number[name] else None
                factor = min(_COUNTED, call.attempts * (1 if below is None else below.factor))
                known = found.get(name)
                if known is None or factor > known.factor:
                    found[name] = _Worst(factor, call, 2 if below is None else below.length + 1)
        worst.update(found)
    return worst


def _below_critical(graph: Graph, calls: dict[str, list[_Call]]) -> set[str]:
    """Critical services, those critical journeys name, and everything they call."""
    fleet = graph.fleet
    found = {
        name: None
        for journey in fleet.journeys.values()
        if _is_critical(fleet.tier_promise(journey.tier))
        for criterion in journey.succeeds
        for name in criterion.services
    }
    for name, service in fleet.services.items():
        tiers = (fleet.tier_promise(endpoint.tier) for endpoint in service.endpoints)
        if _is_critical(fleet.promise(service)) or any(_is_critical(promise) for promise in tiers):
            found[name] = None
    todo = list(found)
    reached = set(todo)
    for name in todo:  # grows while it is walked
        for call in calls[name]:
            if call.callee not in reached:
                reached.add(call.callee)
                todo.append(call.callee)
    return reached


def _is_critical(promise: Availability | None) -> bool:
    return promise is not None and promise >= _CRITICAL


def _violation(name: str, found: _Worst, worst: dict[str, _Worst]) -> Violation:
    path = [name]
    more = []  # attempts seen than declared
    step: _Worst | None = found
    while step is not None and len(path) < min(found.length, _SHOWN):
        if step.call.declared is not None:
            more.append(f"{step.call.attempts:g} attempts at {path[-1]} -> {step.call.callee} where {_are(step.call.declared)} declared")
        path.append(step.call.callee)
        step = worst.get(step.call.callee)
    last = path[-1] if found.length <= _SHOWN else "the last service"
    factor = f"{found.factor:g}" if found.factor < _COUNTED else f"more than {_COUNTED:,}"
    if found.factor == found.call.attempts:  # nobody further down retries
        reason, fix = f"{found.call.callee} is tried so often", f"make at most {_LIMIT} attempts on {found.call.callee}"
    else:
        reason = "the attempts on the way multiply"
        fix = f"retry in one place only on the way from {name} to {last}, with at most {_LIMIT} attempts"
    if more:
        reason = f"{reason}; telemetry saw {names_text(more)}"
    return Violation(
        name,
        f"one request of {name} can become {factor} requests to {last}: {reason}",
        found.call.use.need.evidence.place,
        tuple(path),
        fix=f"{fix}, and share a retry budget there",
        path_length=found.length,
    )


def _are(count: int) -> str:
    return "1 is" if count == 1 else f"{count} are"
