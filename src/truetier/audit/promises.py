"""Which promise each need breaks: what services have promised, and what rests on those of which nobody said it.

Order is by promise, no promise weakest. A service of which nobody said what it promises takes its needed promise for blame, so that
the blamed edge is the one where the promise drops. An endpoint with a tier promises that on its own needs; the common needs of a
service are every endpoint's, so the strictest counts there. Source: design section 5.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from truetier.graph.reach import claims

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.catalog.model import Fleet, Service
    from truetier.graph.build import Edge, Graph
    from truetier.graph.reach import Claim, Claims
    from truetier.units import Availability

_ALL = Decimal(1)


class Promises:
    """For every service what it promises and what its callers and journeys ask of it."""

    __slots__ = (
        *("_blamed", "_by_endpoint", "_claims", "_fleet", "_graph", "_hidden", "_order", "_own", "_pressing", "_ranks"),
        "standings",
    )

    def __init__(self, graph: Graph) -> None:
        self._fleet = graph.fleet
        self._claims = claims(graph)
        self._graph = graph
        self._hidden: Claims | None = None  # computed when first asked for: most fleets have few services without a tier
        self._own = {name: graph.fleet.promise(service) for name, service in graph.fleet.services.items()}
        rank = graph.fleet.tiers.rank
        self._ranks = [rank(promise) for promise in self._own.values()]
        blamed = [rank(self.for_blame(name)) for name in self._own]
        self._order = sorted({*self._ranks, *blamed})
        place = {each: number for number, each in enumerate(self._order)}
        self.standings = [place[each] for each in self._ranks]
        self._blamed = [place[each] for each in blamed]
        self._pressing: list[int] = []
        self._by_endpoint = {
            name: _by_endpoint(graph.fleet, service, self._own[name]) for name, service in graph.fleet.services.items() if service.endpoints
        }

    def of(self, name: str) -> Availability | None:
        """What the service itself promises."""
        return self._own[name]

    def asked(self, name: str) -> Claim | None:
        """The strictest promise that everything above puts on the service, journeys included; None when nothing does."""
        return self._claims.asked(name)

    def hidden(self, name: str, *, beside: str) -> Claim | None:
        """The strictest promise that reaches the service through services of which nobody said what they promise, and no others.

        ``beside`` is a service whose promise does not count: a callee in a circle does not need itself.
        """
        return self._through_untold.asked(name, beside=beside)

    def has_hidden(self, name: str) -> bool:
        """Whether such a promise reaches the service at all, be it its own."""
        return self._through_untold.has_asked(name)

    @property
    def _through_untold(self) -> Claims:
        if self._hidden is None:
            self._hidden = claims(self._graph, through=self.is_untold)
        return self._hidden

    def on(self, edge: Edge) -> Availability | None:
        """What the caller has promised on the requests that meet this need."""
        by_endpoint = self._by_endpoint.get(edge.caller)
        return self._own[edge.caller] if by_endpoint is None else by_endpoint[edge.use.endpoint]

    def through(self, edge: Edge) -> Availability | None:
        """The strictest promise that this edge puts on its callee: its caller's, or what others than the callee ask of the caller."""
        on, asked = self.on(edge), self._claims.asked(edge.caller, beside=edge.callee)
        return on if asked is None or self.rank(on) <= self.rank(asked.promise) else asked.promise

    def is_untold(self, name: str) -> bool:
        """Whether nobody said what the service promises as a whole: neither tier nor target."""
        service = self._fleet.services[name]
        return service.tier is None and service.target is None

    def for_blame(self, name: str) -> Availability | None:
        """What the service has to keep: its promise, or where nobody said one, what is asked of it."""
        asked = self._claims.asked(name) if self.is_untold(name) else None
        return self._own[name] if asked is None else asked.promise

    def dropping(self, name: str) -> list[int]:
        """The hard needs of a service, by place, whose callee has to keep less than the service promised on the need."""
        blamed, number = self._blamed, self._graph.number[name]
        reached = self._graph.hard[number]
        if name not in self._by_endpoint:
            own = self.standings[number]
            return [place for place, callee in enumerate(reached) if own < blamed[callee]]
        edges, order = self._graph.hard_callees(name), self._order
        return [place for place, callee in enumerate(reached) if self.rank(self.on(edges[place])) < order[blamed[callee]]]

    def pressing(self, name: str) -> int:
        """How many hard callers put a stricter promise on the service than it makes."""
        if not self._pressing:
            self._pressing = [0] * len(self._ranks)
            for number, caller in enumerate(self._own):
                self._press(number, caller)
        return self._pressing[self._graph.number[name]]

    def _press(self, number: int, caller: str) -> None:
        """Counts the caller at each callee that it puts a stricter promise on than the callee makes."""
        ranks, pressing = self._ranks, self._pressing
        reached = self._graph.hard[number]
        asked = self._claims.strictest(number)
        if caller in self._by_endpoint or (asked >= 0 and self._claims.origin[asked] in reached):
            # What a callee asks of itself does not press it, so each edge is looked at.
            edges = self._graph.hard_callees(caller)
            pressed = {callee for callee, edge in zip(reached, edges, strict=True) if self.rank(self.through(edge)) < ranks[callee]}
        else:
            rank = ranks[number] if asked < 0 else min(ranks[number], self.rank(self._claims.promise[asked]))
            pressed = {callee for callee in reached if rank < ranks[callee]}
        for callee in pressed:
            pressing[callee] += 1

    def rank_of(self, name: str) -> Decimal:
        """Where what the service itself promises stands."""
        return self._ranks[self._graph.number[name]]

    def allowed(self, name: str) -> Decimal:
        """The part of its time that the service may be down by what it promises: more than all of it where it promises nothing."""
        return _ALL + self.rank_of(name)

    @property
    def standing_allows(self) -> Sequence[Decimal]:
        """What each standing allows, strictest first; ``standings`` holds those of all services, by number."""
        return [_ALL + rank for rank in self._order]  # the rank of a promise is the negative of what it promises

    def rank(self, promise: Availability | None) -> Decimal:
        """Where a promise stands: the smaller, the stricter."""
        return self._fleet.tiers.rank(promise)


def origin_text(claim: Claim) -> str:
    """Who makes the promise: a service, or a journey that says so."""
    return f"journey {claim.origin}" if claim.is_journey else claim.origin


def _by_endpoint(fleet: Fleet, service: Service, own: Availability | None) -> dict[str | None, Availability | None]:
    """What is promised on the needs of each endpoint; under None, on the needs they have in common."""
    found: dict[str | None, Availability | None] = {
        endpoint.name: own if endpoint.tier is None else fleet.tier_promise(endpoint.tier) for endpoint in service.endpoints
    }
    found[None] = min([own, *found.values()], key=fleet.tiers.rank)
    return found
