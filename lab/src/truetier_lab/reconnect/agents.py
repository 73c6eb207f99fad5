"""Thousands of agents in one process: what each of them does, and the loop that all of them live in.

An agent keeps one connection to the control plane and a session over it. It sends a heartbeat each round. When the connection breaks, when
a heartbeat is not answered in time, or when the answer says that there is no such session, it asks for a new one, in the way its mechanisms
say. It serves one request of the data plane whenever it is looked at, if it has a configuration to serve by: its reader's, where the last
known good is kept; otherwise the one from its last full sync, as long as its lease lasts and its process lives.
"""

from __future__ import annotations

import gc
import heapq
import random
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from truetier_lab.reconnect.control_plane import BEAT, CURRENT, FULL, GONE
from truetier_lab.reconnect.mechanisms import AGENTS_OF_A_HOST, HostBudget, Manners, Mechanism
from truetier_lab.reconnect.outcome import Sample
from truetier_lab.reconnect.wires import Wires
from truetier_runtime.shed import PRIORITY_HEADER, Priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from truetier_lab.reconnect.mechanisms import Case
    from truetier_lab.reconnect.plan import Plan
    from truetier_lab.reconnect.wires import Answer, Connection
    from truetier_runtime.snapshot import Reader

PRIORITIES = {CURRENT: Priority.RECOVERY, BEAT: Priority.CRITICAL, FULL: Priority.DEFAULT}
LOOK = 0.2  # seconds between looks at all agents
_AT_ONCE = 100  # attempts before answers are read again
_LONGEST_POLL = 0.02


class Agent:
    """One agent. ``due`` is when it acts next, ``kind`` what it waits to be answered, ``reader`` its last known good where it keeps one."""

    __slots__ = ("connection", "due", "is_registered", "kind", "load", "manners", "number", "reader", "round_due", "sent", "serves_until")

    def __init__(self, load: Load, number: int, manners: Manners, round_due: float) -> None:
        self.load = load
        self.number = number
        self.manners = manners
        self.connection: Connection | None = None
        self.kind = ""
        self.sent = 0.0
        self.is_registered = True  # the control plane has known it for long
        self.serves_until = 0.0
        self.reader: Reader | None = None
        self.due = self.round_due = round_due

    def connect(self) -> None:
        """Opens the connection that it has had for long."""
        self.connection = self.load.wires.opened(self)

    def restart(self, now: float) -> None:
        """Its process dies and starts: what was in memory is gone."""
        if self.connection:
            self.load.wires.close(self.connection)
        self.connection, self.kind, self.is_registered, self.serves_until = None, "", False, 0.0
        if self.reader:
            self.reader = self.load.started_reader()
        self.schedule(now, self.manners.begun(has_document=self.reader is not None))

    def serves(self, now: float) -> bool:
        """Answers one request of the data plane, if it can."""
        if self.reader:
            return bool(self.reader.values["routes"]["checkout"]["weight"])
        return now < self.serves_until

    def act(self, now: float) -> None:
        """Makes the call that is due."""
        while self.round_due <= now:
            self.round_due += self.manners.round()
        kind = BEAT if self.is_registered else CURRENT if self.reader and self.reader.version else FULL
        if self.manners.holds_back(PRIORITIES[kind]):
            self.schedule(now, self.until_round(now) if self.is_registered else self.manners.failed(now, self.until_round(now), 0.0))
            return
        self.manners.attempted(now)
        self.load.attempted(now)
        if self.connection is None:
            self.connection = self.load.wires.opened(self)
        if self.connection is None:
            self.failed(now, PRIORITIES[kind])
            return
        self.kind, self.sent = kind, now
        self.load.wires.send(self.connection, b"GET /%s/%d HTTP/1.1\r\n%s" % (kind.encode(), self.number, _HEADERS[kind]))
        self.load.under_way.append((now + self.load.plan.patience, self, now))

    def answered(self, answer: Answer) -> None:
        """The control plane said something, in time."""
        now = self.load.clock()
        kind, self.kind = self.kind, ""
        if answer.status == 200:
            self.manners.answered(PRIORITIES[kind])
            self.load.useful[kind] += now >= self.load.back_at
            self.load.registered(now, is_new=not self.is_registered)
            self.is_registered = True
            self.serves_until = now + self.load.plan.lease
            if kind == FULL and self.reader:
                self.reader.offer(answer.body)
            self.schedule(now, self.until_round(now))
        elif answer.status == GONE:
            self.manners.answered(PRIORITIES[kind])
            self.gone(now)
        else:
            self.load.refused(now)
            self.failed(now, PRIORITIES[kind], float(answer.retry_after))

    def lost(self) -> None:
        """The connection broke."""
        now = self.load.clock()
        kind, self.kind, self.connection = self.kind, "", None
        if self.is_registered:
            self.gone(now)
        elif kind:
            self.failed(now, PRIORITIES[kind])

    def expire(self, sent: float) -> None:
        """Gives up a call that was sent then, if it still is under way."""
        if not self.kind or self.sent != sent:
            return
        now = self.load.clock()
        kind, self.kind = self.kind, ""
        if self.connection:
            self.load.wires.close(self.connection)
            self.connection = None
        if self.is_registered:
            self.manners.refused(PRIORITIES[kind], 0.0)
            self.gone(now)
        else:
            self.failed(now, PRIORITIES[kind])

    def gone(self, now: float) -> None:
        """It has no session any more."""
        self.is_registered = False
        self.schedule(now, self.manners.lost(self.until_round(now)))

    def failed(self, now: float, priority: Priority, retry_after: float = 0.0) -> None:
        """A call came to nothing. A heartbeat that was refused is no lost session: the next one is due when it is."""
        self.manners.refused(priority, retry_after)
        until_round = self.until_round(now)
        self.schedule(now, until_round if self.is_registered else self.manners.failed(now, until_round, retry_after))

    def until_round(self, now: float) -> float:
        """Seconds to the next regular call."""
        return max(0.0, self.round_due - now)

    def schedule(self, now: float, wait: float) -> None:
        """Acts after so many seconds, and not before."""
        self.due = now + wait
        heapq.heappush(self.load.to_act, (self.due, self.number))


_HEADERS = {
    kind: b"host: a\r\n%s: %s\r\n\r\n" % (PRIORITY_HEADER.encode(), priority.name.lower().encode()) for kind, priority in PRIORITIES.items()
}


class Surroundings(NamedTuple):
    """What a run needs from outside: ends the control plane, lets its successor take connections, starts a reader from disk."""

    kill: Callable[[], None]
    revive: Callable[[], None]
    reader: Callable[[], Reader]


class Load:
    """All agents of one run."""

    def __init__(self, plan: Plan, case: Case, seed: int, port: int, surroundings: Surroundings) -> None:
        self.plan = plan
        self.clock = time.monotonic
        self.wires = Wires(port)
        self.kill, self.revive, self.started_reader = surroundings
        self.chance = random.Random(seed).random  # noqa: S311 - the same draws for the same seed
        self.to_act: list[tuple[float, int]] = []
        self.under_way: deque[tuple[float, Agent, float]] = deque()
        self.samples: list[Sample] = []
        seconds = int(plan.back + plan.watched) + 2
        self.attempts, self.registrations, self.refusals = [0] * seconds, [0] * seconds, [0] * seconds
        self.useful = {FULL: 0, CURRENT: 0, BEAT: 0}  # answers in time, after the blackout
        self.late = 0.0
        self.began = self.back_at = self.clock()
        budgets = [HostBudget() for _ in range(0, plan.agents, AGENTS_OF_A_HOST)]
        self.agents = []
        for number in range(plan.agents):
            manners = Manners(plan, case.mechanisms, budgets[number // AGENTS_OF_A_HOST], chance=self.chance, clock=self.clock)
            agent = Agent(self, number, manners, 0.0)
            if Mechanism.LAST_GOOD in case.mechanisms:
                agent.reader = self.started_reader()
            self.agents.append(agent)

    def run(self) -> None:
        """Lives from the calm before the blackout until sessions are back, or until nobody wants to watch any longer."""
        for agent in self.agents:
            agent.connect()
            self.wires.poll(0.0)
        self.began = self.clock()
        self.back_at = self.began + self.plan.back
        for agent in self.agents:
            heard = self.chance() * self.plan.round  # how long ago it last was
            agent.round_due = self.began + self.plan.round - heard
            agent.serves_until = self.began - heard + self.plan.lease
            agent.schedule(self.began, self.plan.round - heard)
        gc.collect()
        gc.disable()  # a collection of so many objects would make everybody late
        try:
            self._live()
        finally:
            gc.enable()
            self.wires.close_all()

    def attempted(self, now: float) -> None:
        """Somebody makes a call."""
        self.attempts[int(now - self.began)] += 1

    def registered(self, now: float, *, is_new: bool) -> None:
        """Somebody got a session, or kept the one it had."""
        self.registrations[int(now - self.began)] += is_new

    def refused(self, now: float) -> None:
        """Somebody was told to come back later."""
        self.refusals[int(now - self.began)] += 1

    def _live(self) -> None:
        events = self._events()
        next_look = self.began
        while not self._is_over():
            now = self.clock()
            while events and events[0][0] <= now:
                events.popleft()[1](now)
            if next_look <= now:
                self._look(now)
                next_look += LOOK
            self._act(now)
            wake = min(self.to_act[0][0] if self.to_act else now + 1.0, next_look, now + _LONGEST_POLL)
            read = self.clock()
            self.wires.poll(wake - read)
            self._expire(read)

    def _events(self) -> deque[tuple[float, Callable[[float], None]]]:
        """What happens when: the end of the control plane and its return, and restarts in between."""
        plan = self.plan
        events: list[tuple[float, Callable[[float], None]]] = [
            (self.began + plan.calm, lambda _now: self.kill()),
            (self.back_at, self._revive),
        ]
        restarted = self.agents[: int(plan.restarts * plan.agents)]
        events += [(self.began + plan.calm + self.chance() * plan.blackout, agent.restart) for agent in restarted]
        return deque(sorted(events, key=lambda event: event[0]))

    def _revive(self, _now: float) -> None:
        self.wires.count_anew()
        self.revive()

    def _act(self, now: float) -> None:
        for _ in range(_AT_ONCE):
            if not self.to_act or self.to_act[0][0] > now:
                return
            due, number = heapq.heappop(self.to_act)
            agent = self.agents[number]
            if agent.due == due and not agent.kind:
                self.late = max(self.late, now - due)
                agent.act(self.clock())

    def _expire(self, now: float) -> None:
        """Gives up what had its time; all have the same, so the first that was sent is the first to go. What has come was read before."""
        while self.under_way and self.under_way[0][0] <= now:
            _, agent, sent = self.under_way.popleft()
            agent.expire(sent)

    def _look(self, now: float) -> None:
        registered = sum(agent.is_registered for agent in self.agents)
        served = sum(agent.serves(now) for agent in self.agents)
        self.samples.append(Sample(now - self.began, registered, served))

    def _is_over(self) -> bool:
        if not self.samples or self.samples[-1].at < self.plan.back + self.plan.hold:
            return False
        last = self.samples[-1].at
        lookback = self.samples[-int(self.plan.hold / LOOK) :]
        return last >= self.plan.back + self.plan.watched or all(sample.registered >= 0.99 * self.plan.agents for sample in lookback)
