"""What guards, limiters and configuration tell, as OpenTelemetry metrics and as events of the span that is current.

    telemetry = Telemetry()
    prices = Guard("prices", hooks=(telemetry,))
    telemetry.watch(prices)

Facts are counted as they come; how much ended how, the states of breakers and the limits are read from what is watched when metrics are
collected, and are exact. A callee is ``service.peer.name``, the way in which something failed ``error.type``: names of OpenTelemetry's
semantic conventions. What these have no name for begins with ``truetier.``.

The number of time series is bounded. Of a detail only values of a closed set become an attribute of a metric, of subjects only names that
come from the program or its settings, and of those no more than ``most``; what is beyond is ``_OTHER``. The text of a detail is for the
event alone. truetier's own reader of traces passes events over: that a fallback works it sees from the spans, a request that ends well
though its call failed; what guards know beyond that is for ``facts.Facts``.

Source: OpenTelemetry semantic conventions, Naming, Recording errors, service attributes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.metrics import Observation, get_meter

from truetier_runtime.breaker import CLOSED, HALF_OPEN, OPEN
from truetier_runtime.guard import (
    CLOSED_AGAIN,
    FELL_BACK,
    HEDGED,
    OPENED,
    OUT_OF_BUDGET,
    PROBED,
    REFUSED,
    RETRIED,
    TIMED_OUT,
    UNANSWERED,
    Guard,
)
from truetier_runtime.hooks import (
    ACTIVATED,
    COPY_REFUSED,
    DEFAULTS_USED,
    NOT_STORED,
    SHED,
    SNAPSHOT_AGE,
    SNAPSHOT_EXPIRED,
    SNAPSHOT_REFUSED,
    SOURCE_DOWN,
    SOURCE_UP,
    THROTTLED,
)
from truetier_runtime.shed import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, MeterProvider

    from truetier_runtime.hooks import Fact
    from truetier_runtime.limiter import Limiter

    Attributes = dict[str, str | float]
    Observe = Callable[[CallbackOptions], Iterable[Observation]]

SCOPE = "truetier_runtime"
OTHER = "_OTHER"
CALLEE, ERROR_TYPE = "service.peer.name", "error.type"
FACT, DETAIL, SUBJECT = "truetier.fact", "truetier.fact.detail", "truetier.fact.subject"
LIMITER, SNAPSHOT = "truetier.limiter.name", "truetier.snapshot.scope"
OUTCOME, STATE, PRIORITY = "truetier.outcome", "truetier.breaker.state", "truetier.priority"

# What the subject of each kind is. Of others, as of a request that was fenced, subjects may be any number: they are no attribute.
_SUBJECTS = {
    **dict.fromkeys(
        (OPENED, PROBED, CLOSED_AGAIN, REFUSED, TIMED_OUT, RETRIED, HEDGED, OUT_OF_BUDGET, FELL_BACK, UNANSWERED, THROTTLED), CALLEE
    ),
    SHED: LIMITER,
    **dict.fromkeys(
        (
            ACTIVATED,
            SNAPSHOT_AGE,
            SNAPSHOT_REFUSED,
            SNAPSHOT_EXPIRED,
            NOT_STORED,
            COPY_REFUSED,
            DEFAULTS_USED,
            SOURCE_DOWN,
            SOURCE_UP,
        ),
        SNAPSHOT,
    ),
}
_WAYS = frozenset({"error", "timeout", "unreachable", "refused"})
_REFUSALS = frozenset({"BulkheadFullError", "CircuitOpenError", "DeadlineExceededError"})
# Details that are one of a few words.
_DETAILS = {
    FELL_BACK: (ERROR_TYPE, _WAYS),
    UNANSWERED: (ERROR_TYPE, _WAYS),
    REFUSED: (ERROR_TYPE, _REFUSALS),
    SHED: (PRIORITY, frozenset(BY_NAME)),
}


class Telemetry:
    """A hook to give to whatever takes hooks. One object serves a process: two would say everything twice.

    ``meter_provider`` is the global one where it is not given. ``most`` subjects are told apart.
    """

    __slots__ = ("_age", "_facts", "_guards", "_limiters", "_most", "_names")

    def __init__(self, meter_provider: MeterProvider | None = None, *, most: int = 1_000) -> None:
        meter = get_meter(SCOPE, meter_provider=meter_provider)
        self._most = most
        self._names: set[str] = set()
        self._guards: list[Guard] = []
        self._limiters: dict[str, Limiter] = {}  # type: ignore[type-arg] # whatever their algorithm keeps
        self._facts = meter.create_counter("truetier.facts", "{fact}", "What guards, limiters and configuration told, by kind")
        self._age = meter.create_gauge("truetier.snapshot.age", "s", "Since the source last confirmed the configuration that runs")
        meter.create_observable_counter("truetier.guard.attempts", [self._attempts], "{attempt}", "Attempts, by how they ended")
        meter.create_observable_up_down_counter("truetier.guard.active", [self._active], "{attempt}", "Attempts under way in a bulkhead")
        meter.create_observable_up_down_counter("truetier.breaker.status", [self._status], "{breaker}", "Breakers in each state")
        for name, unit, words, read in (
            ("truetier.limiter.limit", "{request}", "What may be under way", lambda limiter: limiter.limit),
            ("truetier.limiter.active", "{request}", "What is under way", lambda limiter: limiter.in_flight),
            ("truetier.limiter.waiting", "{request}", "What waits for its turn", lambda limiter: limiter.waiting),
        ):
            meter.create_observable_up_down_counter(name, [self._of_limiters(read)], unit, words)

    def watch(self, *watched: Guard | Limiter) -> None:  # type: ignore[type-arg] # as above
        """Takes guards whose counts and states, and limiters whose limits, are to be read. Guards of one callee count together."""
        for each in watched:
            if isinstance(each, Guard):
                self._guards.append(each)
            else:
                self._limiters[each.name] = each

    def __call__(self, fact: Fact) -> None:
        """Takes one fact."""
        attributes: Attributes = {FACT: fact.kind}
        subject = _SUBJECTS.get(fact.kind)
        if subject:
            attributes[subject] = self._bounded(fact.subject)
        if fact.kind in _DETAILS:
            name, words = _DETAILS[fact.kind]
            attributes[name] = str(fact.detail) if fact.detail in words else OTHER
        self._facts.add(1, attributes)
        if fact.kind == SNAPSHOT_AGE and isinstance(fact.detail, (int, float)):
            self._age.set(fact.detail, {SNAPSHOT: attributes[SNAPSHOT]})
        span = trace.get_current_span()
        if span.is_recording():
            told: Attributes = {subject or SUBJECT: fact.subject, DETAIL: fact.detail}
            span.add_event(f"truetier.{fact.kind.replace(' ', '_').replace('-', '_')}", {**attributes, **told})

    def _bounded(self, name: str) -> str:
        """The name, or that of all others once there are too many. Threads that come at once may each add one more."""
        if name not in self._names:
            if len(self._names) >= self._most:
                return OTHER
            self._names.add(name)
        return name

    def _attempts(self, _: CallbackOptions) -> Iterable[Observation]:
        counts: Counter[tuple[str, str]] = Counter()
        for guard in self._guards:
            ended = guard.counts()
            for outcome in ended.__slots__:
                counts[guard.callee, outcome] += getattr(ended, outcome)
        return [Observation(number, {CALLEE: callee, OUTCOME: outcome}) for (callee, outcome), number in counts.items()]

    def _active(self, _: CallbackOptions) -> Iterable[Observation]:
        counts: Counter[str] = Counter()
        for guard in self._guards:
            if guard.under_way is not None:
                counts[guard.callee] += guard.under_way
        return [Observation(number, {CALLEE: callee}) for callee, number in counts.items()]

    def _status(self, _: CallbackOptions) -> Iterable[Observation]:
        states = Counter((guard.callee, guard.state) for guard in self._guards)
        callees = dict.fromkeys(guard.callee for guard in self._guards)
        return [
            Observation(states[callee, state], {CALLEE: callee, STATE: state}) for callee in callees for state in (CLOSED, OPEN, HALF_OPEN)
        ]

    def _of_limiters(self, read: Callable[[Limiter], int]) -> Observe:  # type: ignore[type-arg] # as above
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(read(limiter), {LIMITER: name}) for name, limiter in list(self._limiters.items())]

        return observe
