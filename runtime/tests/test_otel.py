"""Facts as metrics and events, through the SDK of OpenTelemetry."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from runtime.tests.hurried import side_by_side
from truetier_runtime import breaker, hooks
from truetier_runtime import guard as guards
from truetier_runtime.breaker import Breaker
from truetier_runtime.cells import Quarantine
from truetier_runtime.errors import OverloadedError, RefusedError, ThrottledError
from truetier_runtime.fallback import Value
from truetier_runtime.guard import Guard
from truetier_runtime.hooks import Fact
from truetier_runtime.limiter import Limiter, Queue
from truetier_runtime.limits import Fixed
from truetier_runtime.shed import Priority
from truetier_runtime.testing import FakeClock
from truetier_runtime.throttle import Throttle

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from truetier_runtime.adapters.otel import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

Series = dict[tuple[tuple[str, Any], ...], int | float]
CALLEE = "service.peer.name"


class Collected:
    """What a process would export."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - of the hook
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])
        self.telemetry = Telemetry(self.provider, **settings)

    def metrics(self) -> dict[str, Any]:
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {metric.name: metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics}

    def series(self, name: str) -> Series:
        """The value of each combination of attributes; the attributes sorted."""
        metric = self.metrics().get(name)
        return {} if metric is None else {tuple(sorted(point.attributes.items())): point.value for point in metric.data.data_points}


@pytest.fixture
def collected() -> Iterator[Collected]:
    found = Collected()
    yield found
    found.provider.shutdown()


@pytest.fixture
def tracing() -> Iterator[tuple[Any, InMemorySpanExporter]]:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("test"), exporter
    provider.shutdown()


def fails(error: type[Exception] = ConnectionError) -> Any:  # noqa: ANN401 - never any
    raise error("at tcp://10.0.0.7:4711, request 12345")


def key(**attributes: str) -> tuple[tuple[str, str], ...]:
    names = {"fact": "truetier.fact", "callee": CALLEE, "error": "error.type", "outcome": "truetier.outcome"}
    names |= {"state": "truetier.breaker.state", "limiter": "truetier.limiter.name", "priority": "truetier.priority"}
    names |= {"scope": "truetier.snapshot.scope"}
    return tuple(sorted((names[name], value) for name, value in attributes.items()))


def test_a_fallback_an_opening_and_a_refusal_are_counted_by_callee_and_way_to_fail(collected: Collected) -> None:
    prices = Guard("prices", breaker=Breaker(minimum_calls=2, jitter=0), fallback=Value(0), hooks=(collected.telemetry,), clock=FakeClock())
    for error in (ConnectionError, TimeoutError, ConnectionError):
        assert prices.call(fails, error) == 0
    assert collected.series("truetier.facts") == {
        key(fact="fell back", callee="prices", error="unreachable"): 1,
        key(fact="timed out", callee="prices"): 1,
        key(fact="fell back", callee="prices", error="timeout"): 1,
        key(fact="breaker opened", callee="prices"): 1,
        key(fact="refused", callee="prices", error="CircuitOpenError"): 1,
        key(fact="fell back", callee="prices", error="error"): 1,
    }


def test_attempts_are_read_exactly_and_guards_of_one_callee_count_together(collected: Collected) -> None:
    first, second, other = Guard("prices"), Guard("prices", bulkhead=1), Guard("cart")
    collected.telemetry.watch(first, second, other)

    def refused() -> None:
        with pytest.raises(RefusedError):
            second.call(int)

    def work() -> None:
        for number in range(2_000):
            first.call(int)
            if number % 10 == 0:
                with pytest.raises(ConnectionError):
                    first.call(fails)

    side_by_side(work)
    second.call(refused)
    expected = {"good": 16_001, "failed": 1_600, "cancelled": 0, "refused": 1}
    for _ in range(2):  # to read changes nothing
        assert collected.series("truetier.guard.attempts") == {
            **{key(callee="prices", outcome=outcome): number for outcome, number in expected.items()},
            **{key(callee="cart", outcome=outcome): 0 for outcome in expected},
        }
    assert collected.metrics()["truetier.guard.attempts"].data.is_monotonic


def test_the_states_of_breakers_are_a_one_and_noughts(collected: Collected) -> None:
    clock = FakeClock()
    policy = Breaker(minimum_calls=1, open_for=5.0, jitter=0)
    prices = Guard("prices", breaker=policy, clock=clock)
    collected.telemetry.watch(prices, Guard("cart", breaker=policy))

    def states() -> dict[str, int | float]:
        series = collected.series("truetier.breaker.status")
        assert [series[key(callee="cart", state=state)] for state in ("closed", "open", "half-open")] == [1, 0, 0]
        return {state: series[key(callee="prices", state=state)] for state in ("closed", "open", "half-open")}

    assert states() == {"closed": 1, "open": 0, "half-open": 0}
    with pytest.raises(ConnectionError):
        prices.call(fails)
    assert states() == {"closed": 0, "open": 1, "half-open": 0}
    clock.advance(6.0)
    with prices.section():
        assert states() == {"closed": 0, "open": 0, "half-open": 1}
    assert states() == {"closed": 1, "open": 0, "half-open": 0}


def test_what_is_under_way_is_read_where_a_bulkhead_counts_it(collected: Collected) -> None:
    prices = Guard("prices", bulkhead=3)
    collected.telemetry.watch(prices, Guard("cart"))
    assert collected.series("truetier.guard.active") == {key(callee="prices"): 0}
    with prices.section(), prices.section():
        assert collected.series("truetier.guard.active") == {key(callee="prices"): 2}
    assert collected.series("truetier.guard.active") == {key(callee="prices"): 0}


def test_limits_and_what_is_under_way_and_waits_are_read_by_limiter_and_refusals_counted_by_class(collected: Collected) -> None:
    http = Limiter(Fixed(2), name="http", queue=Queue(longest=0, longest_standing=0), hooks=(collected.telemetry,))
    grpc = Limiter(Fixed(1), name="grpc", queue=Queue(longest=30, longest_standing=30))
    collected.telemetry.watch(http, grpc)
    held = [http.acquire(), http.acquire(Priority.CRITICAL), grpc.acquire()]
    for priority in (Priority.SHEDDABLE, Priority.SHEDDABLE, Priority.CRITICAL):
        with pytest.raises(OverloadedError):
            http.acquire(priority)
    waiting = threading.Thread(target=lambda: grpc.acquire().release())
    waiting.start()
    while not grpc.waiting:
        pass
    both = (key(limiter="http"), key(limiter="grpc"))
    assert [collected.series("truetier.limiter.limit")[name] for name in both] == [2, 1]
    assert [collected.series("truetier.limiter.active")[name] for name in both] == [2, 1]
    assert [collected.series("truetier.limiter.waiting")[name] for name in both] == [0, 1]
    assert collected.series("truetier.facts") == {
        key(fact="shed", limiter="http", priority="sheddable"): 2,
        key(fact="shed", limiter="http", priority="critical"): 1,
    }
    for permit in held:
        permit.release()
    waiting.join()
    assert set(collected.series("truetier.limiter.active").values()) == {0}


def test_the_age_of_configuration_is_a_gauge_and_what_befalls_it_is_counted_by_scope(collected: Collected) -> None:
    for kind, detail in ((hooks.SNAPSHOT_AGE, 3.5), (hooks.SNAPSHOT_AGE, 61.0), (hooks.SNAPSHOT_REFUSED, "expired: since yesterday")):
        collected.telemetry(Fact(kind, "shop", 0.0, detail))
    assert collected.series("truetier.snapshot.age") == {key(scope="shop"): 61.0}
    assert collected.metrics()["truetier.snapshot.age"].unit == "s"
    assert collected.series("truetier.facts") == {
        key(fact="snapshot age", scope="shop"): 2,
        key(fact="snapshot refused", scope="shop"): 1,
    }


def every_kind() -> list[str]:
    named = [getattr(module, name) for module in (hooks, guards) for name in dir(module) if name.isupper() and not name.startswith("_")]
    others = {breaker.GOOD, breaker.FAILED, breaker.CANCELLED, breaker.CLOSED}
    return sorted({kind for kind in named if isinstance(kind, str)} - others)


@pytest.mark.parametrize("kind", every_kind())
def test_no_text_of_a_detail_becomes_an_attribute_of_a_metric(kind: str) -> None:
    collected = Collected()
    for number in range(500):
        collected.telemetry(Fact(kind, "someone", 0.0, f"request {number} at 10.0.0.7"))
        collected.telemetry(Fact(kind, "someone", 0.0, float(number)))
    assert sum(collected.series("truetier.facts").values()) == 1_000
    for metric in collected.metrics().values():
        assert len(metric.data.data_points) <= 1
        for point in metric.data.data_points:
            assert not [value for value in point.attributes.values() if "request" in str(value) or value not in {kind, "someone", "_OTHER"}]


def test_subjects_are_told_apart_up_to_a_number_and_those_from_outside_not_at_all() -> None:
    collected = Collected(most=3)
    for number in range(100):
        collected.telemetry(Fact(hooks.THROTTLED, f"host{number}", 0.0, 0.5))
        collected.telemetry(Fact(hooks.FENCED, f"GET /report/{number}", 0.0, "a"))
        collected.telemetry(Fact("something of a later version", f"subject {number}", 0.0))
    assert collected.series("truetier.facts") == {
        **{key(fact="throttled", callee=f"host{number}"): 1 for number in range(3)},
        key(fact="throttled", callee="_OTHER"): 97,
        key(fact="fenced"): 100,
        key(fact="something of a later version"): 100,
    }


def test_what_a_throttle_and_a_quarantine_tell_is_counted(collected: Collected) -> None:
    throttle = Throttle(clock=FakeClock(), chance=lambda: 0.0, hooks=(collected.telemetry,))
    throttle.refused("prices")
    with pytest.raises(ThrottledError):
        throttle.check("prices")
    quarantine = Quarantine(crashes=1, hooks=(collected.telemetry,))
    quarantine.begin("GET /report/9", "a", "worker")
    quarantine.crashed("a", "worker")
    assert collected.series("truetier.facts") == {key(fact="throttled", callee="prices"): 1, key(fact="fenced"): 1}


def test_a_fact_is_an_event_of_the_current_span_with_all_that_it_says(
    collected: Collected, tracing: tuple[Any, InMemorySpanExporter]
) -> None:
    tracer, exporter = tracing
    prices = Guard("prices", fallback=Value(0), hooks=(collected.telemetry,))
    with tracer.start_as_current_span("checkout"):
        assert prices.call(fails) == 0
        collected.telemetry(Fact(hooks.FENCED, "GET /report/9", 0.0, "a"))
        collected.telemetry(Fact(guards.PROBED, "prices", 0.0))
    (span,) = exporter.get_finished_spans()
    told = [(event.name, dict(event.attributes or {})) for event in span.events]
    assert told == [
        (
            "truetier.fell_back",
            {"truetier.fact": "fell back", CALLEE: "prices", "error.type": "unreachable", "truetier.fact.detail": "unreachable"},
        ),
        ("truetier.fenced", {"truetier.fact": "fenced", "truetier.fact.subject": "GET /report/9", "truetier.fact.detail": "a"}),
        ("truetier.breaker_half_open", {"truetier.fact": "breaker half-open", CALLEE: "prices", "truetier.fact.detail": ""}),
    ]
    assert span.status.is_unset, "a fallback that answered is no failure of the request"


def test_without_an_sdk_and_without_a_span_facts_are_taken_and_go_nowhere() -> None:
    telemetry = Telemetry()
    telemetry.watch(Guard("prices"), Limiter(Fixed(1)))
    telemetry(Fact(guards.FELL_BACK, "prices", 0.0, "error"))


def test_threads_count_exactly(collected: Collected) -> None:
    def work() -> None:
        for _ in range(1_000):
            collected.telemetry(Fact(guards.RETRIED, "prices", 0.0, 1))

    side_by_side(work)
    assert collected.series("truetier.facts") == {key(fact="retried", callee="prices"): 8_000}
