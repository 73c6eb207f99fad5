"""Spans of a made-up fleet whose truth is known: seeded, the same spans every time.

Requests enter at a few services and go down a graph without cycles. What happens to them is drawn for all requests of one path at
once: services fail by themselves, more often during incidents, some of them in groups and in bursts; callers retry, fall back,
give up at a limit, survive or fail with a probability that is the truth of the edge. Clocks are off by service, and spans get lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

DAY = 86_400_000_000_000  # nanoseconds, as all times here
START = 1_790_000_000_000_000_000
MILLISECOND = 1_000_000
KINDS = ("server", "client")
OUTCOMES = ("", "error", "timeout")


class Edge(NamedTuple):
    """A need and its truth: ``harm`` is the probability that the caller fails when the call does."""

    callee: int
    harm: float
    share: float  # of the caller's requests that make the call
    attempts: int
    limit: int  # nanoseconds the caller waits; 0: for ever
    fallback: int  # the service asked instead; -1: none
    says_timeout: bool  # whether the caller's span names a timeout as one


class Service(NamedTuple):
    """One service: how often it fails by itself, in and out of incidents, and whom it needs."""

    background: float
    incidents: tuple[tuple[int, int, float, bool, int], ...]  # from, until, share of requests, whether it hangs, length of a burst
    skew: int
    edges: tuple[Edge, ...]


class Spans(NamedTuple):
    """Columns of equal length; parents are -1 for roots, services and outcomes are numbers."""

    trace: Numbers
    span: Numbers
    parent: Numbers
    service: Numbers
    peer: Numbers  # -1: none
    kind: Numbers
    start: Numbers
    duration: Numbers
    outcome: Numbers


class Fleet:
    """A made-up fleet of some services, drawn from a seed."""

    def __init__(self, services: int, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        self._entries = max(2, services // 30)
        incidents = self._incidents(services)
        self.services = [self._service(number, services, incidents[number]) for number in range(services)]

    def truth(self) -> dict[tuple[int, int], Edge]:
        """The edge of each caller and callee."""
        return {(caller, edge.callee): edge for caller, service in enumerate(self.services) for edge in service.edges}

    def _incidents(self, services: int) -> list[list[tuple[int, int, float, bool, int]]]:
        chance = self._chance
        found: list[list[tuple[int, int, float, bool, int]]] = [[] for _ in range(services)]
        for _ in range(services * 2):
            begin = int(chance.integers(0, DAY))
            length = int(chance.integers(2, 25)) * 60_000_000_000
            share, hangs = float(chance.uniform(0.05, 0.9)), bool(chance.random() < 0.3)
            burst = int(chance.choice((1, 200, 3000))) * MILLISECOND
            members = [int(chance.integers(0, services))]
            if chance.random() < 0.1:  # a group that fails together
                members = [int(each) for each in chance.integers(0, services, max(2, services // 20))]
            for member in members:
                found[member].append((START + begin, START + begin + length, share, hangs, burst))
        return found

    def _service(self, number: int, services: int, incidents: list[tuple[int, int, float, bool, int]]) -> Service:
        chance = self._chance
        depth = number * 5 // services
        edges: list[Edge] = []
        if depth < 4:
            first = max(self._entries, (depth + 1) * services // 5)
            many = min(int(chance.integers(1, 4)) + (2 if depth == 0 else 0), services - first)
            callees = chance.choice(np.arange(first, services), size=many, replace=False)
            edges = [self._edge(int(callee), first, services) for callee in callees]
        skew = int(chance.normal(0, 30)) * MILLISECOND
        return Service(float(10 ** chance.uniform(-4.5, -3)), tuple(incidents), skew, tuple(edges))

    def _edge(self, callee: int, first: int, services: int) -> Edge:
        chance = self._chance
        drawn = chance.random()
        harm = chance.uniform(0.96, 1.0) if drawn < 0.45 else chance.uniform(0.0, 0.015) if drawn < 0.9 else chance.uniform(0.35, 0.65)
        attempts = int(chance.choice((1, 1, 1, 2, 3)))
        limit = int(chance.choice((0, 300, 500, 1000, 2000, 3000, 5000))) * MILLISECOND
        fallback = int(chance.integers(first, services)) if 0.45 <= drawn < 0.9 and chance.random() < 0.3 else -1
        fallback = -1 if fallback == callee else fallback
        share = float(chance.choice((1.0, 1.0, 0.6, 0.3, 0.1)))
        return Edge(callee, float(harm), share, attempts, limit, fallback, bool(chance.random() < 0.5))

    # -- requests

    def traces(self, count: int, *, lost: float = 0.001, batch: int = 20_000) -> Iterator[Spans]:
        """The spans of so many requests, in batches that hold whole traces."""
        for begin in range(0, count, batch):
            many = min(batch, count - begin)
            run = _Run(self.services, self._chance)
            entries = self._chance.integers(0, self._entries, many)
            starts = START + self._chance.integers(0, DAY, many)
            for entry in range(self._entries):
                chosen = np.flatnonzero(entries == entry)
                run.serve(entry, begin + chosen, np.full(len(chosen), -1, dtype=np.int64), starts[chosen])
            yield run.spans(lost)


class _Run:
    """The requests of one batch."""

    def __init__(self, services: list[Service], chance: np.random.Generator) -> None:
        self._services = services
        self._chance = chance
        self._parts: list[Spans] = []

    def serve(self, number: int, trace: Numbers, parent: Numbers, start: Numbers) -> tuple[Flags, Numbers]:
        """Which requests to a service fail, and how long each takes."""
        many = len(trace)
        service = self._services[number]
        span = self._new(many)
        failed, hangs = self._fails(service, start)
        clock = start + self._chance.exponential(2 * MILLISECOND, many).astype(np.int64) + 50_000
        for edge in service.edges:
            asks = np.flatnonzero((self._chance.random(many) < edge.share) & ~failed)  # who fails by itself does so first
            if len(asks) == 0:
                continue
            wrong, clock[asks] = self._call(number, edge, trace[asks], span[asks], clock[asks])
            harmed = wrong & (self._chance.random(len(asks)) < edge.harm)
            saved = np.flatnonzero(wrong & ~harmed)
            if edge.fallback >= 0 and len(saved):
                to = Edge(edge.fallback, 0.0, 1.0, 1, 0, -1, says_timeout=False)
                _, clock[asks[saved]] = self._call(number, to, trace[asks[saved]], span[asks[saved]], clock[asks[saved]])
            failed[asks[harmed]] = True
        duration = clock - start + self._chance.exponential(MILLISECOND, many).astype(np.int64)
        duration[hangs] += 30_000 * MILLISECOND
        self._add((trace, span, parent), (number, -1, 0), start + service.skew, duration, failed.astype(np.int64))
        return failed, duration

    def _fails(self, service: Service, start: Numbers) -> tuple[Flags, Flags]:
        failed = self._chance.random(len(start)) < service.background
        hangs = np.zeros(len(start), dtype=np.bool_)
        for begin, end, share, does_hang, burst in service.incidents:
            inside = (start >= begin) & (start < end)
            # Within a burst all fail alike: mix the number of the burst into one draw.
            drawn = ((start // burst * 2_654_435_761 + begin) % 1_000_003) / 1_000_003
            hit = inside & (drawn < share)
            failed |= hit
            if does_hang:
                hangs |= hit
        return failed, hangs

    def _call(self, caller: int, edge: Edge, trace: Numbers, parent: Numbers, start: Numbers) -> tuple[Flags, Numbers]:
        """Which calls fail in the end, and when each is done."""
        many = len(trace)
        wrong = np.ones(many, dtype=np.bool_)
        done = start.copy()
        todo = np.arange(many)
        for attempt in range(edge.attempts):
            if attempt:
                done[todo] += 20 * MILLISECOND
            span = self._new(len(todo))
            begin = done[todo]
            network = self._chance.exponential(300_000, len(todo)).astype(np.int64) + 100_000
            bad, took = self.serve(edge.callee, trace[todo], span, begin + network)
            took = took + 2 * network
            outcome = bad.astype(np.int64)
            if edge.limit:
                late = took > edge.limit
                took[late] = edge.limit + self._chance.integers(0, 3 * MILLISECOND, int(late.sum()))
                outcome[late] = 2 if edge.says_timeout else 1
                bad = bad | late
            begins = begin + self._services[caller].skew
            self._add((trace[todo], span, parent[todo]), (caller, edge.callee, 1), begins, took, outcome)
            done[todo] = begin + took
            wrong[todo] = bad
            todo = todo[bad]
            if len(todo) == 0:
                break
        return wrong, done

    def _new(self, many: int) -> Numbers:
        """Random identifiers: spans of all batches are told apart."""
        return self._chance.integers(1, 1 << 62, many, dtype=np.int64)

    def _add(self, ids: tuple[Numbers, Numbers, Numbers], alike: tuple[int, int, int], *rest: Numbers) -> None:
        """Trace, span and parent; service, peer and kind, which all of them have alike; start, duration and outcome."""
        same = (np.full(len(ids[0]), value, dtype=np.int64) for value in alike)
        self._parts.append(Spans(*ids, *same, *rest))

    def spans(self, lost: float) -> Spans:
        """All spans so far but for those that get lost."""
        whole = Spans(*(np.concatenate(column) for column in zip(*self._parts, strict=True)))
        kept = np.flatnonzero(self._chance.random(len(whole.trace)) >= lost)
        return Spans(*(column[kept] for column in whole))
