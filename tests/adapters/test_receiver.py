"""The receiver as people run it: a process, real senders, a disk that fills up, and kill -9."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.unit.sources.traces.otlp_wire.requests import content
from tests.unit.sources.traces.sinks import kept_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PROTOBUF = "application/x-protobuf"
TOKEN = "s3cret"
READY = re.compile(r"receiving at (https?)://(?:\[(.+)\]|([^:]+)):([0-9]+)/v1/traces")
PATIENCE = 30.0


class Receiver(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    port: int
    said: list[str]  # lines on stderr so far

    def send(self, body: bytes, **headers: str) -> int:
        """Status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST", "/v1/traces", body, {"content-type": PROTOBUF} | given)
            return connection.getresponse().status

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def receiving(folder: Path, *options: str, before: Sequence[str] = ()) -> Iterator[Receiver]:
    """``before`` is what starts the process, as ``prlimit`` would."""
    command = [*before, sys.executable, "-m", "truetier", "receive", str(folder), "--listen", "127.0.0.1:0", *options]
    environment = {name: value for name, value in os.environ.items() if name != "TRUETIER_RECEIVER_TOKEN"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stderr is not None
            said: list[str] = []
            found = None
            while found is None:
                line = process.stderr.readline()
                assert line, f"ended with {process.wait()}: {said}"
                said.append(line)
                found = READY.search(line)
            reader = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
            reader.start()
            yield Receiver(process, found.group().removeprefix("receiving at "), int(found[4]), said)
        finally:
            process.kill()
            process.wait()
            reader.join(PATIENCE)


def posted(number: int) -> bytes:
    """A whole request, as it is on the wire."""
    body = content(number)
    return f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def numbers(folder: Path) -> set[int]:
    return {int(row.span_id, 16) for row in kept_in(folder).rows}


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_what_the_sdk_of_opentelemetry_exports_is_stored_when_it_is_told_so(tmp_path: Path, compression: Compression) -> None:
    with receiving(tmp_path / "spans") as receiver:
        provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
        exporter = OTLPSpanExporter(receiver.url, compression=compression)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        with tracer.start_as_current_span("GET /cart") as parent:
            parent.set_attribute("user.email", "alice@example.com")
            with tracer.start_as_current_span("query"):
                pass
        rows = kept_in(tmp_path / "spans").rows
        provider.shutdown()
        assert receiver.stop() == 0
    assert {(row.service, row.name) for row in rows} == {("shop", "GET /cart"), ("shop", "query")}
    assert b"alice" not in b"".join(file.read_bytes() for file in (tmp_path / "spans").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_and_it_says_what_it_took(tmp_path: Path, number: int) -> None:
    with receiving(tmp_path / "spans") as receiver:
        assert receiver.send(content(1, 2)) == 200
        assert receiver.send(b"\xff") == 400
        assert receiver.stop(number) == 0
    assert "ended; 2 spans accepted in 1 requests; 1 requests refused with 400" in receiver.said[-1]


def test_a_request_that_has_begun_is_finished_at_the_end(tmp_path: Path) -> None:
    head = posted(1).removesuffix(content(1)).replace(b"host: x", b"host: x\r\nexpect: 100-continue")
    with receiving(tmp_path / "spans") as receiver, socket.create_connection(("127.0.0.1", receiver.port), PATIENCE) as connection:
        connection.sendall(head)
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        receiver.process.terminate()
        time.sleep(0.3)
        connection.sendall(content(1))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert receiver.process.wait(PATIENCE) == 0
    assert numbers(tmp_path / "spans") == {1}


class Sender(threading.Thread):
    """Sends one span after the other, each with a number of its own, until it is told to stop; keeps which were acknowledged."""

    def __init__(self, first: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged: set[int] = set()
        self.port = 0
        self.is_over = False
        self._next = first

    def run(self) -> None:
        while not self.is_over:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                with contextlib.closing(connection):
                    while not self.is_over:
                        self._next += 1
                        connection.request("POST", "/v1/traces", content(self._next), {"content-type": PROTOBUF})
                        answer = connection.getresponse()
                        answer.read()
                        if answer.status == 200:
                            self.acknowledged.add(self._next)
            time.sleep(0.01)


@pytest.mark.parametrize(("deaths", "seed"), [(3, 1), pytest.param(25, 2, marks=pytest.mark.slow)])
def test_kill_9_at_any_moment_loses_nothing_acknowledged(tmp_path: Path, deaths: int, seed: int) -> None:
    folder, chance = tmp_path / "spans", random.Random(seed)
    senders = [Sender(number * 10**9) for number in range(1, 5)]
    for life in range(deaths):
        with receiving(folder) as receiver:
            for sender in senders:
                sender.port = receiver.port
                if not life:
                    sender.start()
            before = sum(len(sender.acknowledged) for sender in senders)
            time.sleep(chance.uniform(0.2, 0.6))
            receiver.process.kill()
            receiver.process.wait()
            assert sum(len(sender.acknowledged) for sender in senders) > before
    for sender in senders:
        sender.is_over = True
    for sender in senders:
        sender.join(PATIENCE)
    with receiving(folder) as receiver:  # what the last death tore is set aside
        assert receiver.stop() == 0
    kept = kept_in(folder)
    assert kept.skipped.total() == 0
    acknowledged = set[int]().union(*(sender.acknowledged for sender in senders))
    assert acknowledged <= {int(row.span_id, 16) for row in kept.rows}


def test_a_full_folder_is_told_to_senders_and_on_stderr_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "spans"
    with receiving(folder, "--max-disk", "2kB") as receiver:
        statuses = [receiver.send(content(number)) for number in range(1, 41)]
        deadline = time.monotonic() + PATIENCE
        while not any("full:" in line for line in receiver.said) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert receiver.stop() == 0
    assert set(statuses) == {200, 503}
    assert numbers(folder) == {number for number, status in enumerate(statuses, start=1) if status == 200}
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 2_000
    assert any("full: 0.0 of 0.0 MB; nothing is stored until" in line for line in receiver.said)


def test_a_disk_that_takes_no_more_is_a_503_and_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("needs the program prlimit")
    folder = tmp_path / "spans"
    with receiving(folder, before=(prlimit, "--fsize=1000")) as receiver:  # no file may be larger
        statuses = [receiver.send(content(number)) for number in range(1, 41)]
        assert receiver.stop() == 0
    assert set(statuses) == {200, 503}
    kept = kept_in(folder)
    assert {int(row.span_id, 16) for row in kept.rows} == {number for number, status in enumerate(statuses, start=1) if status == 200}
    assert kept.skipped.total() == 0


def test_a_token_keeps_others_out(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with receiving(tmp_path / "spans", "--token-file", str(tmp_path / "token")) as receiver:
        assert receiver.send(content(1)) == 401
        assert receiver.send(content(2), authorization=f"Bearer {TOKEN}") == 200
        assert TOKEN not in "".join(receiver.said)
    assert numbers(tmp_path / "spans") == {2}


def test_tls_with_a_certificate_of_our_own(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the program openssl")
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    making = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run([openssl, *making, "-keyout", key, "-out", chain], check=True, capture_output=True)
    with receiving(tmp_path / "spans", "--tls-cert", str(chain), "--tls-key", str(key)) as receiver:
        assert receiver.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(chain))
        connection = http.client.HTTPSConnection("127.0.0.1", receiver.port, timeout=PATIENCE, context=context)
        with contextlib.closing(connection):
            connection.request("POST", "/v1/traces", content(1), {"content-type": PROTOBUF})
            assert connection.getresponse().status == 200
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            receiver.send(content(2))
        with socket.create_connection(("127.0.0.1", receiver.port), PATIENCE) as plain:
            plain.sendall(b"\x16\x03\x01\x00\x05hello")
        assert receiver.stop() == 0
    assert numbers(tmp_path / "spans") == {1}


HOSTILE = [
    b"\x00" * 200_000,
    b"GET",
    b"\r\n\r\n",
    b"POST /v1/traces HTTP/9.9\r\n\r\n",
    b"POST /v1/traces HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
    b"POST /v1/traces HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    b"POST /v1/traces HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/traces HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
    b"POST /v1/traces HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + b"x-trailer: y\r\n" * 20_000,
    b"POST /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
    b"POST /v1/traces HTTP/1.1\r\n" + b"x-header: y\r\n" * 20_000,
    b"POST \xff\xfe HTTP/1.1\r\nhost: \xff\r\n\r\n",
    b"CONNECT example.com:443 HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n\r\n" * 2_000,
]


def test_whatever_comes_over_a_connection_others_are_served(tmp_path: Path) -> None:
    with receiving(tmp_path / "spans") as receiver:
        for given in HOSTILE:
            with socket.create_connection(("127.0.0.1", receiver.port), PATIENCE) as connection, contextlib.suppress(OSError):
                connection.sendall(given)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(1.0)
                while connection.recv(65_536):
                    pass
        chance = random.Random(3)
        whole = (
            f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {len(content(1))}\r\n\r\n".encode()
            + content(1)
        )
        for _ in range(200):
            damaged = bytearray(whole)
            for _ in range(chance.randint(1, 5)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            with socket.create_connection(("127.0.0.1", receiver.port), PATIENCE) as connection, contextlib.suppress(OSError):
                connection.sendall(damaged[: chance.randint(1, len(damaged))])
        assert receiver.send(content(77)) == 200
        assert receiver.stop() == 0
    assert 77 in numbers(tmp_path / "spans")
    assert not any("Traceback" in line for line in receiver.said), "".join(receiver.said)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--listen", "0.0.0.0:0"), "can be reached by others: give --token-file"),
        (("--listen", "nowhere.invalid:1"), "cannot listen at nowhere.invalid"),
        (("--listen", "127.0.0.1"), "expected a host and a port like 127.0.0.1:4318"),
        (("--listen", "127.0.0.1:70000"), "expected a host and a port"),
        (("--max-disk", "much"), "expected a size like 500MB or 2GiB"),
        (("--tls-cert", "chain.pem"), "--tls-cert and --tls-key go together"),
        (("--tls-cert", "none.pem", "--tls-key", "none.pem"), "cannot use none.pem"),
        (("--token-file", "none"), "cannot read the token in none"),
        (("--token-file", os.devnull), "holds no token"),
    ],
)
def test_what_cannot_be_is_a_usage_error(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    command = [sys.executable, "-m", "truetier", "receive", str(tmp_path / "spans"), "--listen", "127.0.0.1:0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_and_a_folder_that_is_taken(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "truetier", "receive"]
    with receiving(tmp_path / "spans") as receiver:
        for folder, port, code, words in (("others", receiver.port, 2, "address already in use"), ("spans", 0, 3, "another receiver")):
            arguments = [*command, str(tmp_path / folder), "--listen", f"127.0.0.1:{port}"]
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False)
            assert (done.returncode, words in done.stderr) == (code, True), done.stderr
