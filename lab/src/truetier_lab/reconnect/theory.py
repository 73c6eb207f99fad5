"""What can be said beforehand: the least time that a return takes, and when there is none.

Let n agents ask for a full sync, and the control plane do C of them a second. Nothing brings all of them back in less than n / C.

An agent whose attempt came to nothing makes the next one a period later. While nobody gets anything, n / period attempts are offered each
second. A server that serves first come first served, and does not notice who has gone, has a line of them; once the line is longer than an
agent waits, all that is done is done for nobody. The line gets shorter, and the fleet comes back, only where

    n / period < C.

With more the outage outlives what caused it: it is metastable. Those who got through before the line was so long, C * patience of them,
lose their sessions again with the first heartbeat that has to wait in it. Periods here:

    fixed retries               patience + retry
    full-jitter backoff         patience + cap / 2, once pauses have grown to the cap
    retry budget                calls per round, a share more, and its floor for each host
    throttle                    its window: with no accepts in the window and r requests, one in r + 1 is sent, so about one a window
    fixed pace                  a round

Shedding takes away what the condition rests on: what is let in is answered while somebody waits, so that work is never for nobody,
however much is offered. But agents that lost their sessions in one instant and try again after the same time come in pulses, one a retry.
Of a pulse goes through what the limiter lets in and what is done while the rest may wait,

    room + C * wait,

and until the next one places are idle. Who keeps the last known good asks for so much less that the same attempts are
no overload.

Source: Bronson and others, Metastable Failures in Distributed Systems, HotOS 2021; Little, A Proof for the Queuing Formula L = λW, 1961;
Google, Site Reliability Engineering, equation 21-1; Brooker, Exponential Backoff And Jitter, 2015.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from truetier_lab.reconnect.mechanisms import AGENTS_OF_A_HOST, BUDGET_FLOOR, BUDGET_SHARE, Mechanism, throttle_window
from truetier_runtime.limiter import Queue
from truetier_runtime.limits import Gradient
from truetier_runtime.shed import Priority, Shares

if TYPE_CHECKING:
    from truetier_lab.reconnect.plan import Plan


def least_time(plan: Plan, mechanisms: frozenset[Mechanism]) -> float:
    """Seconds below which no fleet comes back: all that it asks for, over what the control plane can do. Processor time is not in it."""
    return plan.agents * _cost(plan, mechanisms) / plan.places


def offered(plan: Plan, mechanisms: frozenset[Mechanism]) -> float:
    """Attempts a second while nobody gets anything. Of several mechanisms at the client the one with the longest period counts."""
    rates = [plan.agents / (plan.patience + plan.retry)]
    if Mechanism.JITTER in mechanisms:
        rates.append(plan.agents / (plan.patience + plan.cap / 2))
    if Mechanism.BUDGET in mechanisms:
        rates.append((1 + BUDGET_SHARE) * plan.agents / plan.round + BUDGET_FLOOR * plan.agents / AGENTS_OF_A_HOST)
    if Mechanism.THROTTLE in mechanisms:
        rates.append(plan.agents / throttle_window(plan))
    if Mechanism.PACE in mechanisms:
        rates.append(plan.agents / plan.round)
    return min(rates)


def overload(plan: Plan, mechanisms: frozenset[Mechanism]) -> float:
    """Work offered over work that can be done, while nobody gets anything; above 1 it does not end by itself."""
    return offered(plan, mechanisms) * _cost(plan, mechanisms) / plan.places


def comes_back(plan: Plan, mechanisms: frozenset[Mechanism]) -> bool:
    """Whether the fleet is back at some time, says the condition above."""
    return Mechanism.SHEDDING in mechanisms or overload(plan, mechanisms) < 1


def in_pulses(plan: Plan, mechanisms: frozenset[Mechanism]) -> float:
    """Seconds until all are back, of a herd in step that is shed; infinite where nothing of it holds: no shedding, or agents are spread.

    The limit is taken as it is at first, as a server that has just started has it.
    """
    if mechanisms != {Mechanism.SHEDDING}:
        return math.inf
    through = Shares().room(Gradient().begin().limit, Priority.DEFAULT) + plan.capacity * Queue().longest
    return max(least_time(plan, mechanisms), plan.agents / through * plan.retry)


def _cost(plan: Plan, mechanisms: frozenset[Mechanism]) -> float:
    return plan.light if Mechanism.LAST_GOOD in mechanisms else plan.full
