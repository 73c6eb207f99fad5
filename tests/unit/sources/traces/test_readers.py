from __future__ import annotations

import gzip
import io
import json
import struct
from base64 import b64encode
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf.json_format import Parse
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.unit.sources.traces.sinks import Kept, Row, kept
from truetier.errors import SourceError
from truetier.sources.traces import jaeger, nezha, otlp_json, otlp_protobuf, parquet, read_traces, skywalking, zipkin
from truetier.sources.traces.recognition import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from truetier.telemetry.spans import Sink

TRACE, SERVER, CLIENT = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7", "53995c3f42cd8ad8"
START = 1_790_000_000_000_000_000


def attribute(key: str, value: str | int) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}


def otlp(**client: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a span
    server = {
        "traceId": TRACE,
        "spanId": SERVER,
        "name": "GET /",
        "kind": 2,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 9000),
    }
    call = {"traceId": TRACE, "spanId": CLIENT, "parentSpanId": SERVER, "name": "GET /cart", "kind": "SPAN_KIND_CLIENT",
            "startTimeUnixNano": START + 1000, "endTimeUnixNano": str(START + 4000), **client}  # fmt: skip
    return {"resourceSpans": [{"resource": {"attributes": [attribute("service.name", "shop")]}, "scopeSpans": [{"spans": [server, call]}]}]}


EXPECTED = [
    Row(TRACE, SERVER, "", "shop", "GET /", "server", START, 9000, "", ""),
    Row(TRACE, CLIENT, SERVER, "shop", "GET /cart", "client", START + 1000, 3000, "error", "cart"),
]
FAILED = {"status": {"code": "STATUS_CODE_ERROR"}, "attributes": [attribute("peer.service", "cart")]}


@pytest.mark.parametrize("form", [otlp(**FAILED), {"batches": otlp(**FAILED)["resourceSpans"]}, {"trace": otlp(**FAILED)}])
def test_otlp_json_is_read_as_a_document_and_by_line(form: dict[str, Any]) -> None:
    assert kept(otlp_json.read, json.dumps(form).encode()).rows == EXPECTED
    assert kept(otlp_json.read, json.dumps(form, indent=1).encode()).rows == EXPECTED
    assert kept(otlp_json.read, (json.dumps(form) + "\n").encode() * 3).rows == EXPECTED * 3


def message() -> bytes:
    form = json.dumps(otlp(status={"code": 2}, attributes=FAILED["attributes"]))
    for identifier in (TRACE, SERVER, CLIENT):  # protobuf's own JSON wants base64
        form = form.replace(f'"{identifier}"', json.dumps(b64encode(bytes.fromhex(identifier)).decode()))
    found: bytes = Parse(form, ExportTraceServiceRequest()).SerializeToString()
    return found


def test_otlp_protobuf_is_read_as_a_request_and_behind_its_length() -> None:
    assert kept(otlp_protobuf.read, message()).rows == EXPECTED
    assert kept(otlp_protobuf.read, (struct.pack(">I", len(message())) + message()) * 2).rows == EXPECTED * 2


@pytest.mark.parametrize("left", [4, 5, 30])
def test_a_stream_of_messages_that_was_cut_off_says_so_once(left: int) -> None:
    whole = struct.pack(">I", len(message())) + message()
    found = kept(otlp_protobuf.read, whole + whole[:left])
    assert found.rows == EXPECTED
    assert found.skipped == {"end of a file that was cut off": 1}


@pytest.mark.parametrize(
    ("attributes", "outcome"),
    [
        ([attribute("http.response.status_code", 200)], ""),
        ([attribute("http.response.status_code", 404)], "error"),
        ([attribute("http.status_code", 503)], "error"),
        ([attribute("http.status_code", 504)], "timeout"),
        ([attribute("rpc.grpc.status_code", 4)], "timeout"),
        ([attribute("rpc.grpc.status_code", 14)], "unreachable"),
        ([attribute("error.type", "java.net.ConnectException")], "unreachable"),
        ([attribute("error.type", "ReadTimeout")], "timeout"),
        ([attribute("error", "false")], ""),
    ],
)
def test_how_a_call_failed_is_told_by_codes_and_errors(attributes: list[dict[str, Any]], outcome: str) -> None:
    assert kept(otlp_json.read, json.dumps(otlp(attributes=attributes)).encode()).rows[1].outcome == outcome


def test_a_client_error_is_no_failure_of_the_server() -> None:
    form = otlp()
    form["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] = [attribute("http.response.status_code", 404)]
    assert kept(otlp_json.read, json.dumps(form).encode()).rows[0].outcome == ""


def test_a_link_is_kept_with_the_service_that_links() -> None:
    links = [{"traceId": "1" * 32, "spanId": "2" * 16}]
    assert kept(otlp_json.read, json.dumps(otlp(links=links)).encode()).linked == [("1" * 32, "2" * 16, "shop")]


def test_malformed_spans_are_counted_and_the_rest_is_used() -> None:
    form = otlp()
    form["resourceSpans"][0]["scopeSpans"][0]["spans"] += [{"traceId": 5}, "what"]
    found = kept(otlp_json.read, json.dumps(form).encode())
    assert len(found.rows) == 2
    assert sum(found.skipped.values()) == 2


def test_half_a_last_line_loses_only_what_it_cut() -> None:
    line = json.dumps(otlp(**FAILED)).encode() + b"\n"
    found = kept(otlp_json.read, line + line[: len(line) - 30])
    assert found.rows[:2] == EXPECTED
    assert sum(found.skipped.values()) == 1


def test_jaeger_is_read_with_the_process_of_each_span() -> None:
    spans = [
        {"traceID": TRACE, "spanID": SERVER, "operationName": "GET /", "references": [], "processID": "p1",
         "startTime": START // 1000, "duration": 9, "tags": [{"key": "span.kind", "type": "string", "value": "server"}]},
        {"traceID": TRACE, "spanID": CLIENT, "operationName": "GET /cart", "startTime": START // 1000 + 1, "duration": 3, "processID": "p1",
         "references": [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": SERVER, "span": {"traceID": TRACE}}],
         "tags": [{"key": "span.kind", "value": "client"}, {"key": "error", "type": "bool", "value": True},
                  {"key": "peer.service", "value": "cart"}]},
    ]  # fmt: skip
    document = {"data": [{"traceID": TRACE, "spans": spans, "processes": {"p1": {"serviceName": "shop"}}}]}
    assert kept(jaeger.read, json.dumps(document).encode()).rows == EXPECTED


def zipkin_v2(**server: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - fields of a span
    return [
        {"traceId": "a1", "id": "b1", "kind": "CLIENT", "name": "get", "timestamp": 5, "duration": 9,
         "localEndpoint": {"serviceName": "shop"}},
        {"traceId": "a1", "id": "b1", "kind": "SERVER", "name": "get", "timestamp": 6, "duration": 7,
         "localEndpoint": {"serviceName": "cart"}, "shared": True, **server},
        {"traceId": "a1", "id": "b2", "parentId": "b1", "kind": "CLIENT", "name": "set", "timestamp": 7, "duration": 1,
         "localEndpoint": {"serviceName": "cart"}, "remoteEndpoint": {"serviceName": "redis"}},
    ]  # fmt: skip


def test_the_two_ends_that_share_an_identifier_in_zipkin_are_two_spans() -> None:
    rows = kept(zipkin.read, json.dumps(zipkin_v2(tags={"error": ""})).encode()).rows
    assert [(row.span_id, row.parent_id, row.service, row.kind, row.outcome, row.peer) for row in rows] == [
        ("b1", "", "shop", "client", "", ""),
        ("b1-server", "b1", "cart", "server", "error", ""),
        ("b2", "b1-server", "cart", "client", "", "redis"),
    ]


def test_one_object_of_zipkin_s_first_version_carries_both_ends() -> None:
    def end(value: str, service: str, at: int) -> dict[str, Any]:
        return {"timestamp": at, "value": value, "endpoint": {"serviceName": service}}

    annotations = [end("cs", "shop", 10), end("sr", "cart", 12), end("ss", "cart", 17), end("cr", "shop", 20)]
    span = {"traceId": "a1", "id": "b1", "name": "get", "annotations": annotations,
            "binaryAnnotations": [{"key": "http.status_code", "value": "500", "endpoint": {"serviceName": "cart"}}]}  # fmt: skip
    rows = kept(zipkin.read, json.dumps([[span]]).encode()).rows
    assert [(row.span_id, row.service, row.kind, row.start_ns, row.duration_ns, row.outcome) for row in rows] == [
        ("b1", "shop", "client", 10_000, 10_000, "error"),
        ("b1-server", "cart", "server", 12_000, 5_000, "error"),
    ]


def test_rows_of_skywalking_are_entries_and_exits() -> None:
    text = (
        "StartTime,EndTime,URL,SpanType,Service,SpanId,TraceId,Peer,ParentSpan,Component,IsError\n"
        "1000,1009,/,Entry,shop,s.0,t.1,shop,-1,Tomcat,False\n"
        "1001,1004,/cart,Exit,shop,s.1,t.1,cart,s.0,Http,True\n"
        "x,1004,/cart,Exit,shop,s.1,t.1,cart,s.0,Http,True\n"
        "short\n"
    )
    found = kept(skywalking.read, text.encode())
    assert found.rows == [
        Row("t.1", "s.0", "", "shop", "/", "server", 1_000_000_000, 9_000_000, "", ""),
        Row("t.1", "s.1", "s.0", "shop", "/cart", "client", 1_001_000_000, 3_000_000, "error", "cart"),
    ]
    assert sum(found.skipped.values()) == 2


def test_rows_of_nezha_have_no_outcome_but_what_logs_say() -> None:
    spans = (
        "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"
        f"{TRACE},{SERVER},root,shop-front-6f6cfc45b-h5m2n,GET,100,300,0\n"
    )
    assert kept(nezha.read_spans, spans.encode()).rows == [Row(TRACE, SERVER, "", "shop-front", "GET", "", 100, 200, "?", "")]
    words = "Servlet threw exception: IllegalStateException: No instances available for cart with root cause"
    head, start = "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log", f",,n,shop-1-2,c,{TRACE},{SERVER}"
    logs = f'{head}\n{start},"{words}"\n{start},fine\n'
    found = kept(nezha.read_logs, logs.encode())
    assert found.by_log == [(TRACE, SERVER)]
    assert found.said == [(TRACE, SERVER, "cart")]


def test_our_own_parquet_and_that_of_clickhouse_are_read() -> None:
    own = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row._asdict() for row in EXPECTED]), own)
    assert kept(parquet.read, own.getvalue()).rows == EXPECTED
    exported = io.BytesIO()
    rows = [
        {"TraceId": row.trace_id, "SpanId": row.span_id, "ParentSpanId": row.parent_id, "SpanName": row.name,
         "SpanKind": row.kind.capitalize(), "ServiceName": row.service, "Duration": row.duration_ns, "Timestamp": row.start_ns,
         "StatusCode": "Error" if row.outcome else "Unset", "SpanAttributes": [("peer.service", row.peer)] if row.peer else []}
        for row in EXPECTED
    ]  # fmt: skip
    schema = {"SpanAttributes": pa.map_(pa.string(), pa.string()), "Timestamp": pa.timestamp("ns"), "Duration": pa.int64()}
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema([(name, schema.get(name, pa.string())) for name in rows[0]])), exported)
    assert kept(parquet.read, exported.getvalue()).rows == EXPECTED


SAMPLES: dict[str, tuple[bytes, Callable[[IO[bytes], Sink], None]]] = {
    "otlp": (json.dumps(otlp()).encode(), otlp_json.read),
    "protobuf": (message(), otlp_protobuf.read),
    "messages": (struct.pack(">I", len(message())) + message(), otlp_protobuf.read),
    "zipkin": (json.dumps(zipkin_v2()).encode(), zipkin.read),
    "jaeger": (json.dumps({"data": [{"traceID": "1", "spans": [], "processes": {}}]}).encode(), jaeger.read),
    "skywalking": (b"StartTime,EndTime,URL,SpanType,Service,SpanId,TraceId,Peer,ParentSpan,Component,IsError\n", skywalking.read),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_recognised_by_what_is_in_it(name: str) -> None:
    content, reader = SAMPLES[name]
    assert reader_of(content) is reader


@pytest.mark.parametrize("content", [b"", b"# notes\n", b"{}", b"services: {}\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"a,b\n1,2\n"])
def test_what_holds_no_spans_is_nobody_s(content: bytes) -> None:
    assert reader_of(content) is None


@given(st.sampled_from(sorted(SAMPLES)), st.data())
@settings(deadline=None)
def test_no_damage_to_a_file_stops_a_reader(name: str, data: st.DataObject) -> None:
    content, reader = SAMPLES[name]
    at = data.draw(st.integers(0, len(content)))
    damaged = content[:at] + data.draw(st.binary(max_size=20)) + content[at + data.draw(st.integers(0, 20)) :]
    found = kept(reader, damaged)
    assert len(found.rows) <= 3


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_bytes_stop_any_reader(content: bytes) -> None:
    for reader in (
        otlp_json.read,
        otlp_protobuf.read,
        zipkin.read,
        jaeger.read,
        skywalking.read,
        nezha.read_spans,
        nezha.read_logs,
        parquet.read,
    ):
        kept(reader, content)


def test_a_folder_is_walked_in_order_and_what_is_no_trace_is_listed(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "spans.json.gz").write_bytes(gzip.compress(json.dumps(otlp(**FAILED)).encode()))
    (tmp_path / "a.md").write_text("# notes")
    sink = Kept()
    unread = read_traces([str(tmp_path)], sink)
    assert sink.rows == EXPECTED
    assert [(item.subject, item.reason) for item in unread] == [(str(tmp_path / "a.md"), "no spans of a format that is known")]


def test_a_packed_file_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    packed = gzip.compress((json.dumps(otlp(**FAILED)) + "\n").encode() * 2000, compresslevel=0)
    (tmp_path / "spans.gz").write_bytes(packed[: len(packed) // 2])
    sink = Kept()
    assert read_traces([str(tmp_path)], sink) == ()
    assert len(sink.rows) > 1000
    assert sink.skipped["end of a packed file that was cut off or damaged"] == 1


@pytest.mark.parametrize("name", ["missing.json", "notes.md"])
def test_a_file_that_is_named_must_be_there_and_hold_spans(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# notes")
    with pytest.raises(SourceError, match=name):
        read_traces([str(tmp_path / name)], Kept())
