"""A service with guards is traced by OpenTelemetry: what ``observe`` makes of its spans is what the guards know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, use_span

from truetier.cli.exits import Exit
from truetier.cli.main import run
from truetier_runtime import Guard, Value
from truetier_runtime.adapters.otel import Telemetry
from truetier_runtime.facts import Facts

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from truetier_runtime.hooks import Hook

START = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
COUNT, FAILED = 200, 40


def asked(number: int) -> None:
    if number % 5 == 0:
        raise ConnectionRefusedError("connection refused")


def served(path: Path, *hooks: Hook) -> Guard:
    """Requests to checkout, which falls back whenever prices is down: one in five times. Their spans, as a collector would store them."""
    provider, exporter = TracerProvider(resource=Resource({"service.name": "checkout"})), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    prices = Guard("prices", fallback=Value(0), hooks=hooks)

    def price(number: int) -> int:
        begin = START + number * 20 * SECOND
        attributes = {"service.peer.name": "prices"}
        span = tracer.start_span("price", kind=SpanKind.CLIENT, start_time=begin + 1, attributes=attributes)
        try:
            asked(number)
        except ConnectionRefusedError as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end(begin + 2_000_000)
        return number

    for number in range(1, COUNT + 1):
        begin = START + number * 20 * SECOND
        request = tracer.start_span("POST /order", kind=SpanKind.SERVER, start_time=begin)
        with use_span(request):
            assert prices.call(price, number) == (number if number % 5 else 0)
        request.end(begin + 3_000_000)
    events = [event.name for span in exporter.get_finished_spans() for event in span.events if event.name != "exception"]
    assert events == ["truetier.fell_back"] * (FAILED if len(hooks) > 1 else 0)
    path.write_bytes(encode_spans(exporter.get_finished_spans()).SerializeToString())
    return prices


def observed(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run(["observe", str(path), "--format", "json", "--evidence", str(path.with_suffix(".json"))]) == Exit.CLEAN
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_fallback_at_work_is_seen_in_the_spans_as_the_guard_saw_it_and_events_beside_change_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts, provider = Facts("checkout", clock=lambda: START / SECOND), MeterProvider()
    with_events, without = tmp_path / "with.pb", tmp_path / "without.pb"
    facts.watch(served(with_events, facts, Telemetry(provider)))
    served(without)
    provider.shutdown()
    assert b"truetier.fell_back" in with_events.read_bytes()
    assert b"truetier" not in without.read_bytes()
    document = observed(with_events, capsys)
    assert document["edges"] == observed(without, capsys)["edges"]
    (edge,), (by_guard,) = document["edges"], facts.document()["edges"]
    assert (edge["caller"], edge["callee"], edge["calls"], edge["errors"]) == ("checkout", "prices", COUNT, FAILED)
    for mode in ("unreachable", "timeout", "error"):
        assert edge["modes"][mode]["verdict"] == by_guard["modes"][mode]["verdict"], mode
    assert by_guard["modes"]["unreachable"]["verdict"] == "soft"
