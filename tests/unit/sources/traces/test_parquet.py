"""Spans in Parquet: our own columns, and those of ClickHouse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.sources.traces.samples import PARENT, SPAN, START, TRACE, own_parquet, to_parquet
from tests.unit.sources.traces.sinks import Row, kept
from truetier.sources.traces import parquet

ONE = Row(TRACE, SPAN, "", "checkout", "pay", "client", START, 5, "timeout", "payment")
OTHER_TRACE = "f" * 32


def clickhouse(*, use_dictionary: bool = True, **columns: Any) -> bytes:  # noqa: ANN401 - values or arrays
    rows = {
        "Timestamp": pa.array([START], pa.timestamp("ns")),
        "TraceId": [TRACE],
        "SpanId": [SPAN],
        "ParentSpanId": [PARENT],
        "SpanName": ["pay"],
        "SpanKind": ["Client"],
        "ServiceName": ["checkout"],
        "Duration": pa.array([5], pa.uint64()),
        "StatusCode": ["Error"],
        "StatusMessage": ["deadline exceeded"],
        "SpanAttributes": pa.array([[("server.address", "payment")]], pa.map_(pa.string(), pa.string())),
        "Links.TraceId": [[OTHER_TRACE]],
        "Links.SpanId": [[PARENT]],
        "ResourceAttributes": ["not looked at"],
    }
    table = pa.table({key: value for key, value in {**rows, **columns}.items() if value is not None})
    return to_parquet(table, use_dictionary=use_dictionary)


def test_our_own_columns_are_read() -> None:
    sink = kept(parquet.read, own_parquet())
    assert (sink.rows, sink.skipped) == ([ONE], {})


def test_the_table_of_clickhouse_is_read() -> None:
    sink = kept(parquet.read, clickhouse())
    assert (sink.rows, sink.skipped) == ([ONE._replace(parent_id=PARENT)], {})
    assert sink.linked == [(OTHER_TRACE, PARENT, "checkout")]


@pytest.mark.parametrize("kind", ["SPAN_KIND_CLIENT", "client", "Client"])
def test_a_kind_is_written_in_several_ways(kind: str) -> None:
    assert kept(parquet.read, clickhouse(SpanKind=[kind])).rows[0].kind == "client"


@pytest.mark.parametrize(
    ("code", "outcome"), [("STATUS_CODE_ERROR", "timeout"), ("STATUS_CODE_OK", ""), ("Ok", ""), ("Unset", ""), (None, "")]
)
def test_a_status_is_written_in_several_ways(code: str | None, outcome: str) -> None:
    assert kept(parquet.read, clickhouse(StatusCode=pa.array([code], pa.string()))).rows[0].outcome == outcome


@pytest.mark.parametrize(("unit", "count"), [("s", START // 10**9), ("ms", START // 10**6), ("us", START // 1000), ("ns", START)])
def test_moments_are_of_any_precision(unit: str, count: int) -> None:
    assert kept(parquet.read, clickhouse(Timestamp=pa.array([count], pa.timestamp(unit)))).rows[0].start_ns == START


def test_texts_may_be_bytes_and_columns_may_be_missing() -> None:
    content = clickhouse(
        TraceId=[TRACE.encode()], SpanName=[b"p\xffy"], SpanAttributes=None, StatusCode=None, StatusMessage=None, SpanKind=None
    )
    assert kept(parquet.read, content).rows == [ONE._replace(parent_id=PARENT, name="p\ufffdy", kind="", outcome="", peer="")]


def test_rows_that_are_malformed_are_counted_and_the_others_are_used() -> None:
    twice = {key: [value, value] for key, value in ONE._asdict().items()}
    for bad, reason in (
        ({"trace_id": [TRACE, "x" * 1001]}, "span without an identifier"),
        ({"span_id": [SPAN, "x" * 1001]}, "span without an identifier"),
    ):
        sink = kept(parquet.read, own_parquet(**{**twice, **bad}))
        assert (sink.rows, sink.skipped) == ([ONE], {reason: 1})
    assert kept(parquet.read, clickhouse(Timestamp=["now"])).skipped == {"malformed span": 1}


@pytest.mark.parametrize("is_kept_once", [True, False])
@pytest.mark.parametrize("long", ["x" * 5_000, b"x" * 5_000], ids=["text", "bytes"])
def test_texts_that_are_too_long_are_cut_however_the_file_keeps_them(*, long: str | bytes, is_kept_once: bool) -> None:
    told = pa.array([[("server.address", long)]], pa.map_(pa.string(), pa.array([long]).type))
    content = clickhouse(SpanName=[long], ServiceName=[long], SpanAttributes=told, use_dictionary=is_kept_once)
    cut = "x" * 1_000
    assert kept(parquet.read, content).rows == [ONE._replace(parent_id=PARENT, name=cut, service=cut, peer=cut)]
    sink = kept(parquet.read, clickhouse(TraceId=[long], use_dictionary=is_kept_once))
    assert (sink.rows, sink.skipped) == ([], {"span without an identifier": 1})


def test_columns_of_other_types_are_no_spans() -> None:
    content = own_parquet(start_ns=[datetime(2026, 1, 1, tzinfo=UTC)])
    assert kept(parquet.read, content).rows[0].start_ns == 1_767_225_600_000_000_000
    assert kept(parquet.read, own_parquet(service=[5])).rows == [ONE._replace(service="5")]
    assert kept(parquet.read, own_parquet(start_ns=["now"])).skipped == {"malformed span": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PAR1", "damaged Parquet file"),
        (own_parquet()[:-20], "damaged Parquet file"),
        (to_parquet(pa.table({"a": [1]})), "Parquet file without the columns of spans"),
    ],
)
def test_what_is_no_table_of_spans_is_counted(content: bytes, reason: str) -> None:
    sink = kept(parquet.read, content)
    assert (sink.rows, sink.skipped) == ([], {reason: 1})
