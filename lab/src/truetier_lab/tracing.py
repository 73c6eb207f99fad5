"""Spans of one process of the lab, and where they go."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

    from truetier_lab.place import Place

_EXPORT_EVERY_MS = 1000


def provider_of(service: str, place: Place) -> TracerProvider:
    """What makes the spans of a service; shut it down when the service ends, so that none are lost."""
    provider = TracerProvider(resource=Resource({SERVICE_NAME: service}))
    provider.add_span_processor(BatchSpanProcessor(_exporter(service, place), schedule_delay_millis=_EXPORT_EVERY_MS))
    return provider


def _exporter(service: str, place: Place) -> SpanExporter:
    if place.endpoint is not None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=place.endpoint)
    from truetier_lab.span_file import SpanFile

    return SpanFile(os.path.join(place.traces, f"{service}.jsonl"))


@contextmanager
def asking(tracer: Tracer, name: str, attributes: Mapping[str, str | int]) -> Iterator[Span]:
    """A client span around a call. Whatever ends it early is its failure: the timeout of its guard, the deadline of the whole request."""
    with tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            # Nothing else cancels a call.
            told = "deadline exceeded" if isinstance(error, asyncio.CancelledError) else str(error)
            span.set_status(Status(StatusCode.ERROR, told))
            raise
