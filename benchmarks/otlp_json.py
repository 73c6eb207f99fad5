"""What it costs to bring OTLP to columns, beside a plain script with orjson; protobuf beside a plain script with the same library.

Usage: .venv/bin/python benchmarks/otlp_json.py [RUNS]
orjson is the yardstick alone; it comes with the extra called bench. The scripts run without the collector of garbage, which helps them.
"""

from __future__ import annotations

import gc
import io
import platform
import random
import struct
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf.json_format import Parse
from kept_spans import KeptSpans
from measure import spread
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from truetier.sources.traces import otlp_json, otlp_protobuf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


SPANS, SPANS_EACH = 60_000, 512
BAR = 2.5  # times as fast as the script
KINDS = ("", "internal", "server", "client", "producer", "consumer")
HTTP_STATUS = ("http.response.status_code", "http.status_code")
COLUMNS = ("trace_id", "span_id", "parent_id", "service", "name", "kind", "start_ns", "duration_ns", "outcome", "peer")
PEERS = ("peer.service", "server.address", "net.peer.name")


def main() -> None:
    """Prints one line for each encoding."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    lines = b"".join(orjson.dumps(request) + b"\n" for request in _requests())
    messages = [Parse(line, ExportTraceServiceRequest()).SerializeToString() for line in _with_base64(lines)]
    stream = b"".join(struct.pack(">I", len(message)) + message for message in messages)
    print(f"Python {platform.python_version()}, {platform.machine()}, msgspec {version('msgspec')}, orjson {version('orjson')},")
    print(f"protobuf {version('protobuf')}; {SPANS:,} spans, {runs} alternating runs, CPU, medians")
    _hold_equal(lines, stream)
    _compare("OTLP JSON", lines, runs, lambda: _ours(otlp_json.read, lines), lambda: _by_orjson(lines), BAR)
    _compare("OTLP protobuf", stream, runs, lambda: _ours(otlp_protobuf.read, stream), lambda: _by_protobuf(messages), 1.0)


def _hold_equal(lines: bytes, stream: bytes) -> None:
    """All three say the same of every span; the script knows one way to fail, where we know several."""
    read = [KeptSpans(), KeptSpans()]
    otlp_json.read(io.BytesIO(lines), read[0])
    otlp_protobuf.read(io.BytesIO(stream), read[1])
    expected = [list(column) for column in zip(*_rows_by_orjson(lines), strict=True)]
    for sink in read:
        found = [[value for columns in sink.columns for value in getattr(columns, name)] for name in COLUMNS]
        found[COLUMNS.index("outcome")] = ["error" if outcome else "" for outcome in found[COLUMNS.index("outcome")]]
        if found != expected:
            raise SystemExit("the columns differ from those of the script")


def _compare(name: str, content: bytes, runs: int, ours: Callable[[], int], theirs: Callable[[], int], bar: float) -> None:  # noqa: PLR0913, PLR0917
    mine, other = [], []
    for _ in range(runs):
        mine.append(_cpu(ours))
        gc.disable()
        other.append(_cpu(theirs))
        gc.enable()
    ratio = spread([second / first for first, second in zip(mine, other, strict=True)])
    speeds = [SPANS / spread(costs).median / 1000 for costs in (mine, other)]
    print(
        f"{name:14} {len(content) / SPANS:.0f} bytes a span: {speeds[0]:.0f} k spans/s, the script {speeds[1]:.0f} k:"
        f" {ratio.median:.2f} times as fast ({ratio.least:.2f} to {ratio.most:.2f}), bar {bar}"
    )


def _cpu(task: Callable[[], int]) -> float:
    gc.collect()
    start = time.process_time()
    given = task()
    used = time.process_time() - start
    if given != SPANS:
        raise SystemExit(f"{given} spans were read, {SPANS} written")
    return used


def _ours(read: Callable[[io.BytesIO, KeptSpans], None], content: bytes) -> int:
    sink = KeptSpans()
    read(io.BytesIO(content), sink)
    return sum(map(len, sink.columns))


def _by_orjson(lines: bytes) -> int:
    columns = list(zip(*_rows_by_orjson(lines), strict=True))
    return len(columns[0])


def _rows_by_orjson(lines: bytes) -> list[tuple[object, ...]]:
    """Straight through the dictionaries, with no care for what is malformed."""
    rows: list[tuple[object, ...]] = []
    for line in io.BytesIO(lines):
        for resource in orjson.loads(line)["resourceSpans"]:
            service = next(_value(each) for each in resource["resource"]["attributes"] if each["key"] == "service.name")
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    found = {each["key"]: _value(each) for each in span.get("attributes", ())}
                    kind = KINDS[span.get("kind", 0)]
                    code = int(next((found[key] for key in HTTP_STATUS if key in found), 0))
                    is_error = span.get("status", {}).get("code") == 2 or code >= (400 if kind == "client" else 500)
                    peer = next((found[key] for key in PEERS if key in found), "") if kind in ("client", "producer") else ""
                    start = int(span["startTimeUnixNano"])
                    rows.append(
                        (span["traceId"], span["spanId"], span.get("parentSpanId", ""), service, span["name"], kind)  # noqa: RUF005 - a row on two lines
                        + (start, int(span["endTimeUnixNano"]) - start, "error" if is_error else "", peer)
                    )
    return rows


def _value(attribute: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever it holds
    return next(iter(attribute["value"].values()))


def _by_protobuf(messages: Sequence[bytes]) -> int:
    """The same with the generated classes."""
    rows: list[tuple[object, ...]] = []
    for message in messages:
        for resource in ExportTraceServiceRequest.FromString(message).resource_spans:
            service = next(each.value.string_value for each in resource.resource.attributes if each.key == "service.name")
            for scope in resource.scope_spans:
                for span in scope.spans:
                    found = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
                    kind = KINDS[span.kind]
                    code = int(next((found[key] for key in HTTP_STATUS if key in found), 0))
                    is_error = span.status.code == 2 or code >= (400 if kind == "client" else 500)
                    peer = next((found[key] for key in PEERS if key in found), "") if kind in ("client", "producer") else ""
                    start, end = span.start_time_unix_nano, span.end_time_unix_nano
                    rows.append(
                        (
                            *(span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), service, span.name, kind),
                            *(start, end - start, "error" if is_error else "", peer),
                        )
                    )
    columns = list(zip(*rows, strict=True))
    return len(columns[0])


def _requests() -> list[dict[str, Any]]:
    """What instrumented services send: seeded, the same every time."""
    chance = random.Random(5)  # noqa: S311 - spans, not secrets
    requests = []
    for first in range(0, SPANS, SPANS_EACH):
        count = min(SPANS_EACH, SPANS - first)
        service = f"service-{chance.randrange(300)}"
        spans = [_span_of(chance) for _ in range(count)]
        resource = {"attributes": [_text("service.name", service), _text("telemetry.sdk.language", "java"), _text("host.name", "node-17")]}
        requests.append(
            {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "http", "version": "2.1"}, "spans": spans}]}]}
        )
    return requests


def _span_of(chance: random.Random) -> dict[str, Any]:
    kind = chance.choices((1, 2, 3), (20, 35, 45))[0]
    start = 1_764_000_000_000_000_000 + chance.randrange(10**15)
    found = {
        "traceId": f"{chance.getrandbits(128):032x}",
        "spanId": f"{chance.getrandbits(64):016x}",
        "parentSpanId": f"{chance.getrandbits(64):016x}",
        "flags": 257,
        "name": f"GET /orders/{chance.randrange(60)}",
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + chance.randrange(10**8)),
        "attributes": [_text("thread.name", "http-nio-8080-exec-4"), _number("thread.id", chance.randrange(90))],
        "status": {"code": 2, "message": "connection refused"} if chance.random() < 0.01 else {},
    }
    found["attributes"] += _of_call(kind, chance)
    return found


def _of_call(kind: int, chance: random.Random) -> list[dict[str, Any]]:
    if kind == 1:
        return [
            _text("code.function.name", "com.shop.Orders.find"),
            _text("shop.basket", "b-42"),
            _number("shop.items", 3),
            _text("user", "u-1"),
        ]
    code = _number("http.response.status_code", chance.choices((200, 404, 503), (97, 2, 1))[0])
    method, path = _text("http.request.method", "GET"), _text("url.path", "/orders/17")
    if kind == 2:
        return [code, method, path, _text("http.route", "/orders/{id}"), _text("url.scheme", "https"), _text("client.address", "10.1.2.3")]
    return [
        code,
        method,
        _text("url.full", "https://orders:8443/orders/17"),
        _text("server.address", "orders"),
        _number("server.port", 8443),
    ]


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _number(key: str, value: int) -> dict[str, Any]:
    return {"key": key, "value": {"intValue": str(value)}}


def _with_base64(lines: bytes) -> list[bytes]:
    """The same requests as the JSON of protobuf has them: bytes in base64."""
    from base64 import b64encode

    found = []
    for line in lines.splitlines():
        request = orjson.loads(line)
        for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            for key in ("traceId", "spanId", "parentSpanId"):
                span[key] = b64encode(bytes.fromhex(span[key])).decode()
        found.append(orjson.dumps(request))
    return found


if __name__ == "__main__":
    main()
