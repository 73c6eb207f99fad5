"""What each mechanism changes in how an agent asks for its session back. Decisions alone: nothing here sends or waits.

Without any of them an agent does what is written first: it reconnects at once, and tries again after the same short time for as long as
it takes. The decisions themselves are the runtime's: ``retry.pause``, ``RetryBudget``, ``Throttle``, ``Pace``; shedding is in the control
plane, and ``snapshot.Reader`` in the agent.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from truetier_runtime.errors import ThrottledError
from truetier_runtime.poller import Pace
from truetier_runtime.retry import Retry, RetryBudget, pause
from truetier_runtime.throttle import Throttle
from truetier_runtime.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from truetier_lab.reconnect.plan import Plan
    from truetier_runtime.shed import Priority

CALLEE = "control plane"
BUDGET_SECONDS = 10.0  # the window of it
BUDGET_SHARE = 0.1  # of the calls
BUDGET_FLOOR = 1.0  # retries a second of one host
AGENTS_OF_A_HOST = 100  # that share a retry budget


class Mechanism(Enum):
    """The mechanisms, by the words that tables and pictures use."""

    JITTER = "jittered backoff"
    BUDGET = "retry budget"
    SHEDDING = "load shedding"
    THROTTLE = "Retry-After and throttle"
    LAST_GOOD = "last known good"
    PACE = "fixed pace"


class Case(NamedTuple):
    """A set of mechanisms that is tried."""

    name: str
    mechanisms: frozenset[Mechanism]


def cases() -> list[Case]:
    """None, each alone, all but each, all."""
    whole = frozenset(Mechanism)
    return [
        Case("none", frozenset()),
        *(Case(f"{one.value} alone", frozenset({one})) for one in Mechanism),
        *(Case(f"all but {one.value}", whole - {one}) for one in Mechanism),
        Case("all", whole),
    ]


def throttle_window(plan: Plan) -> float:
    """Seconds over which an agent's throttle counts: the shortest round. Were it longer, one failed poll would keep back the next."""
    return plan.round * (1 - plan.jitter)


class HostBudget:
    """A retry budget that the agents of one host share. One agent makes so few calls that a share of them is none."""

    __slots__ = ("_budget", "_window")

    def __init__(self) -> None:
        self._window = Window(BUDGET_SECONDS)
        self._budget = RetryBudget(BUDGET_SHARE, floor=BUDGET_FLOOR, window=BUDGET_SECONDS)
        self._budget.count(lambda now: sum(self._window.recent(now)))

    def attempted(self, now: float) -> None:
        """Somebody makes a call."""
        if now >= self._window.edge:
            self._window.roll(now)
        self._window.tick()

    def pays(self, now: float) -> bool:
        """Whether one more retry may be made; if so it is paid."""
        return self._budget.spend(now)


class Manners:
    """When one agent asks next. Times are seconds of one clock; ``chance`` gives draws from [0, 1)."""

    __slots__ = ("_budget", "_chance", "_made", "_mechanisms", "_pace", "_plan", "_retry", "_throttle")

    def __init__(
        self,
        plan: Plan,
        mechanisms: frozenset[Mechanism],
        budget: HostBudget,
        *,
        chance: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._plan = plan
        self._mechanisms = mechanisms
        self._chance = chance
        self._made = 0  # attempts since it was last answered well
        self._pace = Pace(plan.round, jitter=plan.jitter)
        self._retry = Retry(base=plan.base, cap=plan.cap)
        self._budget = budget
        self._throttle: Throttle | None = None
        if Mechanism.THROTTLE in mechanisms:
            self._throttle = Throttle(window=throttle_window(plan), periods=10, clock=clock, chance=chance)

    def round(self) -> float:
        """Seconds from one regular call, a heartbeat or a poll, to the next."""
        return self._pace.after(self._chance()) if Mechanism.PACE in self._mechanisms else self._plan.round

    def begun(self, *, has_document: bool) -> float:
        """Seconds to the first attempt after the agent's process has started."""
        self._made = 0
        if Mechanism.PACE in self._mechanisms:
            return self._pace.first(self._chance(), has_document=has_document)
        return self._at_once()

    def lost(self, until_round: float) -> float:
        """Seconds to the first attempt after a session was lost, where the next regular call is due in ``until_round``."""
        self._made = 0
        return until_round if Mechanism.PACE in self._mechanisms else self._at_once()

    def attempted(self, now: float) -> None:
        """A call is being made."""
        self._made += 1
        self._budget.attempted(now)

    def holds_back(self, priority: Priority) -> bool:
        """Whether the throttle leaves this call out."""
        if self._throttle is None:
            return False
        try:
            self._throttle.check(CALLEE, priority)
        except ThrottledError:
            return True
        return False

    def answered(self, priority: Priority) -> None:
        """A call went well."""
        self._made = 0
        if self._throttle:
            self._throttle.accepted(CALLEE, priority)

    def refused(self, priority: Priority, retry_after: float) -> None:
        """A call was refused, or not answered in time."""
        if self._throttle:
            self._throttle.refused(CALLEE, priority, retry_after=retry_after)

    def failed(self, now: float, until_round: float, retry_after: float) -> float:
        """Seconds to the next attempt after one that failed, or that the throttle left out."""
        if Mechanism.PACE in self._mechanisms or (Mechanism.BUDGET in self._mechanisms and not self._budget.pays(now)):
            wait = until_round
        elif Mechanism.JITTER in self._mechanisms:
            wait = pause(self._retry, max(1, self._made), self._chance())
        else:
            wait = self._plan.retry
        if Mechanism.THROTTLE in self._mechanisms:
            wait = max(wait, retry_after * (1 + self._chance() / 10))
        return wait

    def _at_once(self) -> float:
        return pause(self._retry, 1, self._chance()) if Mechanism.JITTER in self._mechanisms else 0.0
