"""Over TLS: who the server is, and that time and size are bounded as they are without it."""

from __future__ import annotations

import queue
import select
import socket
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("cryptography")

from runtime.tests.certificates import Authority
from runtime.tests.served import Served, served
from runtime.tests.signed import NOW, Made, rules, signed
from truetier_runtime import hooks
from truetier_runtime.config_command import DONE, UNREADABLE, main
from truetier_runtime.errors import SourceDownError
from truetier_runtime.poller import Pace, Poller
from truetier_runtime.publisher import HttpTarget, publish
from truetier_runtime.sources import Exchange, HttpSource, hints, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Iterator[Served]:
    with served(authority.server()) as what:
        yield what


def source(server: Served, authority: Authority, timeout: float = 10.0) -> HttpSource:
    return HttpSource(server.url, timeout=timeout, ssl_context=authority.client())


def test_a_document_comes_from_a_server_whose_authority_is_trusted(server: Served, authority: Authority) -> None:
    made = Made()
    server.document = signed(1)
    Poller(made.reader, source(server, authority)).poll()
    assert (made.reader.version, made.told()) == (1, [hooks.ACTIVATED])


def test_a_document_is_put_over_tls_too(server: Served, authority: Authority) -> None:
    server.document = signed(1)
    assert publish(signed(2), HttpTarget(server.url + "/a", ssl_context=authority.client()), rules(), NOW)
    assert server.put == {"/a": signed(2)}


def test_the_command_trusts_the_authorities_that_the_system_is_told_to_trust(
    server: Served, authority: Authority, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.document = signed(1)
    assert main(["show", server.url]) == UNREADABLE
    assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
    assert server.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert main(["show", server.url]) == DONE


@pytest.mark.parametrize(
    ("host", "valid", "signer", "words"),
    [
        ("localhost", 1, "stranger", "CERTIFICATE_VERIFY_FAILED"),
        ("config.internal", 1, "authority", "Hostname mismatch"),
        ("localhost", -1, "authority", "certificate has expired"),
    ],
)
def test_a_server_that_does_not_prove_who_it_is_gets_no_request_and_what_ran_goes_on(  # noqa: PLR0917
    host: str, valid: int, signer: str, words: str, authority: Authority, tmp_path: Path
) -> None:
    made = Made()
    made.offer(signed(1))
    made.facts.clear()
    signers = {"authority": authority, "stranger": Authority(tmp_path, "stranger")}
    with served(signers[signer].server(host, valid=timedelta(days=valid))) as server:
        server.document = signed(2)
        Poller(made.reader, source(server, authority)).poll()
        assert server.asked == []
    assert (made.reader.version, made.told()) == (1, [hooks.SOURCE_DOWN])
    assert words in str(made.facts[0].detail)


def test_a_server_that_speaks_plainly_where_tls_is_expected_is_a_source_that_is_down_and_the_other_way_round(
    server: Served, authority: Authority
) -> None:
    with served() as plain, pytest.raises(SourceDownError, match="SSLError"):
        HttpSource(plain.url.replace("http://127.0.0.1", "https://localhost"), ssl_context=authority.client()).fetch("", 100)
    with pytest.raises(SourceDownError, match="did not answer"):
        HttpSource(server.url.replace("https", "http")).fetch("", 100)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_neither_to_plain_http_nor_to_another_host(status: int, server: Served, authority: Authority) -> None:
    with served() as other:
        other.document = signed(1)

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.wfile.write(b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, other.url.encode()))

        server.answer = answer
        with pytest.raises(SourceDownError, match=f"answered with status {status}"):
            source(server, authority).fetch("", 10_000)
        assert other.asked == []


# -- time and size


def no_end(server: Served, head: bytes, piece: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        while not server.ended.wait(0.01):
            request.wfile.write(piece)

    return answer


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
@pytest.mark.parametrize("piece", [b"", b"1", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_server_that_drips_or_hangs_after_anything_is_given_up(head: bytes, piece: bytes, server: Served, authority: Authority) -> None:
    server.answer = no_end(server, head, piece)
    with pytest.raises(SourceDownError, match="did not answer: "):
        source(server, authority, timeout=0.2).fetch("", 100_000)


def test_a_server_that_never_stops_sending_is_read_no_further_than_allowed(server: Served, authority: Authority) -> None:
    server.answer = no_end(server, b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 100_000)
    assert len(source(server, authority).fetch("", 150_001).document or b"") == 150_001


@pytest.mark.parametrize("piece", [b"", b"\x16\x03\x03\x40\x00", b"x"])
def test_a_server_that_never_ends_its_handshake_is_given_up(piece: bytes, authority: Authority) -> None:
    ended = threading.Event()

    def drip() -> None:
        connection = listening.accept()[0]
        with connection:
            connection.sendall(piece)
            while not ended.wait(0.01) and piece:
                try:
                    connection.sendall(b"\0")
                except OSError:
                    return
            ended.wait()

    with socket.create_server(("localhost", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(SourceDownError, match="did not answer: "):
                HttpSource(f"https://localhost:{listening.getsockname()[1]}", timeout=0.2, ssl_context=authority.client()).fetch("", 100)
        finally:
            ended.set()
            thread.join()


def test_a_connection_that_is_cut_gives_no_document_that_anybody_takes(server: Served, authority: Authority) -> None:
    made = Made()
    whole = signed(1)
    heads = [b"Content-Length: %d\r\n" % len(whole), b"", b"Transfer-Encoding: chunked\r\n"]
    left = iter(heads)

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n%s\r\n" % next(left) + whole[:-5])
        # Without the goodbye of TLS: whoever stands between cut it.
        socket.socket.shutdown(request.connection, socket.SHUT_RDWR)

    server.answer = answer
    for _ in heads:
        Poller(made.reader, source(server, authority)).poll()
    assert made.reader.version == 0
    assert made.told() == [hooks.SOURCE_DOWN, hooks.SOURCE_UP, hooks.SNAPSHOT_REFUSED, hooks.SOURCE_DOWN]


def test_what_arrives_when_time_is_up_is_never_handed_on_as_it_was_encrypted(server: Served, authority: Authority) -> None:
    answered = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(3):
            request.wfile.write(b"a" * 1000)
        answered.set()
        server.ended.wait()

    server.answer = answer
    pieces: list[bytes] = []
    with Exchange(server.url, patience=60, total=None, ssl_context=authority.client()) as exchange:
        exchange.send("GET", {})
        answered.wait()
        assert exchange._socket is not None
        select.select([exchange._socket], [], [])
        exchange._end()
        with pytest.raises(SourceDownError, match="no end of the answer in time"):
            pieces.extend(exchange.chunks(10_000))
    assert set(b"".join(pieces)) <= set(b"a")


# -- hints


def test_an_event_over_tls_brings_a_document_long_before_it_would_have_been_asked_for(server: Served, authority: Authority) -> None:
    is_new = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/events":
            is_new.wait(60)
            request.wfile.write(EVENTS + b"data: new\n\n")
        else:
            server.usual(request)

    server.answer, server.document = answer, signed(1)
    made = Made()
    activated: queue.Queue[float | str] = queue.Queue()
    made.reader._hooks = (lambda fact: activated.put(fact.detail) if fact.kind == hooks.ACTIVATED else None,)
    poller = Poller(made.reader, source(server, authority), Pace(1e6, least_gap=0, spread=0), draw=lambda: 0.0)
    stops = [poller.start(), listen(server.url + "/events", poller.hint, pause=lambda: 0.01, ssl_context=authority.client())]
    assert activated.get(timeout=60) == 1
    server.document = signed(2)
    is_new.set()
    assert activated.get(timeout=60) == 2
    for stop in stops:
        stop()


def test_events_of_a_server_that_does_not_prove_who_it_is_are_none(server: Served, authority: Authority, tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(EVENTS + b"data: 1\n\n")

    server.answer = answer
    assert list(hints(server.url, ssl_context=authority.client())) == [None]
    with pytest.raises(SourceDownError, match="CERTIFICATE_VERIFY_FAILED"):
        list(hints(server.url, ssl_context=Authority(tmp_path, "stranger").client()))
