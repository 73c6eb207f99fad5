"""How many spans a second the receiver takes without losing one, beside an nginx that only stores bodies.

Both get the same requests over the same number of connections, in turns. The receiver looks at every span, leaves out what nobody needs,
and answers when the disk has said that it holds the rest; nginx (its DAV module, one worker) writes each body to a file of its own and
answers when the system has taken it: no less can be done and still be called storing. Afterwards every span that was acknowledged
is looked for in what lies on disk.

Usage: .venv/bin/python benchmarks/receiver.py [SECONDS] [RUNS]
nginx is the yardstick alone, a package of Debian; without it the receiver runs by itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kept_spans import KeptSpans
from measure import machine, spread
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from truetier.sources.traces import read_traces

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTIONS = 8
SIZES = (512, 20)  # spans of a request: what the SDK's batches hold, and what a small service has to say
START = 1_790_000_000_000_000_000
CLIENT = {
    "http.request.method": "GET",
    "url.full": "http://cart:8080/cart/1234?locale=en",
    "http.response.status_code": 200,
    "server.address": "cart",
    "server.port": 8080,
    "network.protocol.version": "1.1",
    "user_agent.original": "python-httpx/0.28",
}
SERVER = {
    "http.request.method": "GET",
    "url.path": "/cart/1234",
    "http.route": "/cart/{id}",
    "http.response.status_code": 200,
    "client.address": "10.3.7.12",
    "network.protocol.version": "1.1",
    "user_agent.original": "python-httpx/0.28",
}
RESOURCE = {"service.name": "shop", "service.instance.id": "shop-76f9c-x2lb", "telemetry.sdk.language": "python", "host.name": "node-12"}
HEAD = "{} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n"
NGINX = """\
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/errors; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {folder}/arriving; client_max_body_size 64m; keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; location / {{ root {folder}/stored; dav_methods PUT; }} }}
}}
"""


class Load(NamedTuple):
    """What was acknowledged: requests, in how many seconds, and how long each took."""

    requests: int
    seconds: float
    waits: list[float]


def main() -> None:
    """Prints a line for each size of request."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    nginx = shutil.which("nginx")
    print(f"{machine()}; {CONNECTIONS} connections, {seconds:g} s each, medians of {runs} alternating runs, sender on the same cores")
    for size in SIZES:
        body = _body(size)
        ours: list[Load] = []
        theirs: list[Load] = []
        for _ in range(runs):
            ours.append(_through_the_receiver(size, seconds))
            if nginx is not None:
                theirs.append(_through_nginx(nginx, body, seconds))
        print(f"{size} spans a request, {len(body) / size:.0f} bytes a span")
        _print("receiver", size, ours)
        if theirs:
            _print("nginx", size, theirs)
            ratio = spread([_rate(mine) / _rate(other) for mine, other in zip(ours, theirs, strict=True)])
            print(
                f"  {ratio.median:.2f} times what nginx stores ({ratio.least:.2f} to {ratio.most:.2f}); every acknowledged span is on disk"
            )


def _print(name: str, size: int, loads: Sequence[Load]) -> None:
    rates = spread([_rate(load) * size for load in loads])
    waits = sorted(wait for load in loads for wait in load.waits)
    print(
        f"  {name:9} {rates.median:9,.0f} spans/s ({rates.least:,.0f} to {rates.most:,.0f});"
        f" an answer takes {waits[len(waits) // 2] * 1e3:.1f} ms, 99 % within {waits[len(waits) * 99 // 100] * 1e3:.1f} ms"
    )


def _rate(load: Load) -> float:
    return load.requests / load.seconds


def _body(size: int) -> bytes:
    """A request; its spans are given numbers of their own before it is sent."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.extend(_pairs(RESOURCE))
    scope = of_resource.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.asgi"
    for number in range(size):
        is_client = number % 2
        scope.spans.add(
            trace_id=number.to_bytes(16, "big", signed=False)[:-1] + b"\x01",
            span_id=_mark(0, number),
            parent_span_id=b"\x01" * 8,
            name="GET /cart/{id}",
            kind="SPAN_KIND_CLIENT" if is_client else "SPAN_KIND_SERVER",
            start_time_unix_nano=START + number,
            end_time_unix_nano=START + number + 2_000_000,
            attributes=_pairs(CLIENT if is_client else SERVER),
        )
    return bytes(request.SerializeToString())


def _pairs(given: dict[str, str | int]) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value))
        for key, value in given.items()
    ]


def _mark(request: int, number: int) -> bytes:
    """The identifier of a span: which request it is of, and which of its spans."""
    return b"\xa5" + request.to_bytes(4, "big") + number.to_bytes(3, "big")


def _load(port: int, body: bytes, seconds: float, line: str) -> Load:
    """Sends from all connections until the time is over; each request under a number of its own."""
    waits: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    refused: list[bytes] = []
    end = time.perf_counter() + seconds
    # Where the number stands in the body, in every span.
    places = [found.start() + 1 for found in re.finditer(rb"\xa5\x00\x00\x00\x00", body)]

    def send(connection: int) -> None:
        one = bytearray(body)
        with socket.create_connection(("127.0.0.1", port)) as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (start := time.perf_counter()) < end:
                number = len(waits[connection]) * CONNECTIONS + connection
                for place in places:
                    one[place : place + 4] = number.to_bytes(4, "big")
                head = HEAD.format(line.format(number), len(one))
                stream.sendall(head.encode() + one)
                answer = stream.recv(65_536)
                if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201", b"HTTP/1.1 204")):
                    refused.append(answer)
                    return
                waits[connection].append(time.perf_counter() - start)

    threads = [threading.Thread(target=send, args=(connection,)) for connection in range(CONNECTIONS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    if refused:
        raise SystemExit(f"answered {refused[0][:200]!r}")
    return Load(sum(map(len, waits)), took, [wait for each in waits for wait in each])


def _through_the_receiver(size: int, seconds: float) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "truetier", "receive", folder, "--listen", "127.0.0.1:0", "--max-disk", "1TB"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
            assert process.stderr is not None
            port = int(process.stderr.readline().partition("/v1/traces")[0].rpartition(":")[2])
            load = _load(port, _body(size), seconds, "POST /v1/traces")
            process.kill()  # not asked to end: what was acknowledged must be there all the same
        _hold_complete(folder, load.requests * size)
    return load


def _hold_complete(folder: str, count: int) -> None:
    kept = KeptSpans()
    read_traces([folder], kept)
    found = len({span_id for columns in kept.columns for span_id in columns.span_id})
    if found < count:
        raise SystemExit(f"{count:,} spans were acknowledged and {found:,} found")


def _through_nginx(nginx: str, body: bytes, seconds: float) -> Load:
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        folder = Path(name)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        (folder / "stored").mkdir()
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "conf").write_text(NGINX.format(folder=folder, port=port, user=user), encoding="utf-8")
        with subprocess.Popen([nginx, "-c", str(folder / "conf"), "-e", str(folder / "errors")]) as process:  # noqa: S603 - found on the path
            _wait_for(port)
            load = _load(port, body, seconds, "PUT /{}")
            process.terminate()
        stored = sum(1 for _ in (folder / "stored").iterdir())
        if stored < load.requests:
            raise SystemExit(f"nginx acknowledged {load.requests:,} bodies and stored {stored:,}")
    return load


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise SystemExit("nginx does not listen")


if __name__ == "__main__":
    main()
