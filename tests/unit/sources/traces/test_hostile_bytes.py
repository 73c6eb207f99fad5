"""No bytes at all make a reader fail, and what was met was given or counted."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.traces.samples import FILES, as_json, jaeger_answer, jaeger_span, otlp, otlp_span, zipkin_span
from tests.unit.sources.traces.sinks import Kept, kept
from truetier.sources.traces import jaeger, otlp_json, zipkin
from truetier.sources.traces.recognition import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = [reader for reader, _, _ in FILES.values()]
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3), max_leaves=8
)


def check(sink: Kept) -> None:
    for row in sink.rows:
        assert row.trace_id
        assert row.span_id
        assert all(len(text) <= 1000 + len(row.service) + 1 for text in (row.span_id, row.service, row.name, row.peer))
        assert all(text.isprintable() for text in (row.trace_id, row.span_id, row.parent_id, row.service, row.name, row.peer))
        assert all(-(2**63) <= number < 2**63 for number in (row.start_ns, row.duration_ns))
        assert row.outcome in ("", "error", "timeout", "unreachable", "?")


@given(st.binary(max_size=300))
def test_bytes_that_are_anything_are_read_by_every_reader(content: bytes) -> None:
    reader_of(content)
    for reader in READERS:
        check(kept(reader, content))


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=150)
@given(st.data())
def test_a_file_with_bytes_changed_lost_or_added_is_read(name: str, data: st.DataObject) -> None:
    reader, content, _ = FILES[name]
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(changed) - 1))
        how = data.draw(st.sampled_from(["change", "cut", "add", "end"]))
        if how == "change":
            changed[place] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del changed[place : place + data.draw(st.integers(1, 9))]
        elif how == "add":
            changed[place:place] = data.draw(st.binary(min_size=1, max_size=9))
        else:
            del changed[place + 1 :]
        if not changed:
            break
    sink = Kept()
    reader(io.BytesIO(bytes(changed)), sink)
    check(sink)


def spans_of(make: Callable[..., dict[str, Any]]) -> st.SearchStrategy[list[object]]:
    """Spans whose fields hold anything, among things that are no spans at all."""
    fields = st.dictionaries(
        st.sampled_from([*make(), "tags", "attributes", "status", "kind", "references", "annotations", "binaryAnnotations"]),
        VALUES,
        max_size=3,
    )
    return st.lists(VALUES | fields.map(lambda changed: make(**changed)), max_size=6)


@given(spans_of(otlp_span))
def test_every_span_of_otlp_is_given_or_counted(spans: list[object]) -> None:
    sink = kept(otlp_json.read, as_json(otlp(*spans)))
    check(sink)
    assert sink.met == len(spans)


@given(spans_of(jaeger_span))
def test_every_span_of_jaeger_is_given_or_counted(spans: list[object]) -> None:
    sink = kept(jaeger.read, as_json(jaeger_answer(*spans)))
    check(sink)
    assert sink.met == len(spans)


@given(spans_of(zipkin_span))
def test_every_span_of_zipkin_is_given_or_counted(spans: list[object]) -> None:
    listed = [5 if isinstance(span, list) else span for span in spans]  # a list in the list holds spans of its own
    sink = kept(zipkin.read, json.dumps(listed))
    check(sink)
    assert sink.met >= len(listed)
