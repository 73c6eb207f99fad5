"""One small file of each format, and what reads it."""

from __future__ import annotations

import io
import json
import struct
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pyarrow import parquet

from truetier.sources.traces import jaeger, nezha, otlp_json, otlp_protobuf, skywalking, zipkin
from truetier.sources.traces import parquet as parquet_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from truetier.telemetry.spans import Sink

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PARENT = "00f067aa0ba902b7"
START = 1_700_000_000_000_000_000


def text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def otlp_span(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    span = {"traceId": TRACE, "spanId": SPAN, "name": "pay", "kind": 3, "startTimeUnixNano": str(START), "endTimeUnixNano": str(START + 5)}
    return {**span, **fields}


def otlp(*spans: object, service: str = "checkout") -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {"attributes": [text("service.name", service)]}, "scopeSpans": [{"spans": list(spans)}]}]}


def otlp_message(*spans: dict[str, Any], service: str = "checkout") -> bytes:
    """The same as protobuf; identifiers are set behind the back of its JSON, which has them in base64."""
    ids = [(span["traceId"], span["spanId"], span.get("parentSpanId", "")) for span in spans]
    plain = [{key: value for key, value in span.items() if not key.endswith("Id")} for span in spans]
    request = Parse(json.dumps(otlp(*plain, service=service)), ExportTraceServiceRequest())
    for span, (trace_id, span_id, parent) in zip(request.resource_spans[0].scope_spans[0].spans, ids, strict=True):
        span.trace_id, span.span_id, span.parent_span_id = bytes.fromhex(trace_id), bytes.fromhex(span_id), bytes.fromhex(parent)
    content: bytes = request.SerializeToString()
    return content


def framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(message)) + message for message in messages)


def jaeger_span(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    span = {"traceID": TRACE, "spanID": SPAN, "operationName": "pay", "startTime": START // 1000, "duration": 5, "processID": "p1"}
    return {**span, **fields}


def jaeger_answer(*spans: object) -> dict[str, Any]:
    return {
        "data": [{"traceID": TRACE, "spans": list(spans), "processes": {"p1": {"serviceName": "checkout"}, "p2": {"serviceName": "pay"}}}]
    }


def zipkin_span(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    span = {"traceId": TRACE, "id": SPAN, "name": "pay", "timestamp": START // 1000, "duration": 5}
    return {**span, "localEndpoint": {"serviceName": "checkout"}, **fields}


SKYWALKING = (
    "StartTime,EndTime,URL,SpanType,Service,SpanId,TraceId,Peer,ParentSpan,Component,IsError\n"
    "1700000000000,1700000000250,/buy,Entry,shop,s.0,t.1,shop,-1,SpringMVC,True\n"
    "1700000000010,1700000000240,/pay,Exit,shop,s.1,t.1,payment,s.0,HttpClient,True\n"
    "1700000000020,1700000000030,render,Local,shop,s.2,t.1,,s.0,Local,False\n"
)
NEZHA = (
    "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"
    f"{TRACE},{PARENT},root,shop-web-6f6cfc45b-h5m2n,/buy,{START},{START + 9000},9\n"
    f"{TRACE},{SPAN},{PARENT},payment-5c66d57d58-6mp2b,pay,{START + 1000},{START + 4000},3\n"
)
NEZHA_LOG = (
    "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\n"
    f'x,1,n,p,c,{TRACE},{SPAN},"{{""log"":""ERROR servlet threw exception [No instances available for ledger] with root cause""}}"\n'
    f'x,1,n,p,c,{TRACE},{PARENT},"{{""log"":""INFO all is well""}}"\n'
)


def own_parquet(**columns: list[Any]) -> bytes:
    rows = {
        "trace_id": [TRACE],
        "span_id": [SPAN],
        "parent_id": [""],
        "service": ["checkout"],
        "name": ["pay"],
        "kind": ["client"],
        "start_ns": [START],
        "duration_ns": [5],
        "outcome": ["timeout"],
        "peer": ["payment"],
    }
    return to_parquet(pa.table({**rows, **columns}))


def to_parquet(table: pa.Table, *, use_dictionary: bool = True) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, use_dictionary=use_dictionary)
    return buffer.getvalue()


def as_json(document: object) -> bytes:
    return json.dumps(document).encode()


FILES: dict[str, tuple[Callable[[IO[bytes], Sink], None], bytes, int]] = {
    "otlp-json": (otlp_json.read, as_json(otlp(otlp_span(), otlp_span(spanId=PARENT))), 2),
    "otlp-json lines": (otlp_json.read, b"\n".join([as_json(otlp(otlp_span())), as_json(otlp(otlp_span(spanId=PARENT)))]), 2),
    "otlp-protobuf": (otlp_protobuf.read, otlp_message(otlp_span(), otlp_span(spanId=PARENT)), 2),
    "otlp-protobuf messages": (otlp_protobuf.read, framed(otlp_message(otlp_span()), otlp_message(otlp_span(spanId=PARENT))), 2),
    "jaeger": (jaeger.read, as_json(jaeger_answer(jaeger_span(), jaeger_span(spanID=PARENT))), 2),
    "zipkin": (zipkin.read, as_json([zipkin_span(), zipkin_span(id=PARENT)]), 2),
    "skywalking": (skywalking.read, SKYWALKING.encode(), 3),
    "nezha": (nezha.read_spans, NEZHA.encode(), 2),
    "nezha-log": (nezha.read_logs, NEZHA_LOG.encode(), 0),
    "parquet": (parquet_reader.read, own_parquet(), 1),
}
