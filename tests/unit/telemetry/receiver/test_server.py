"""Connections that would take the server from others."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from truetier.app.receive import Listening, Storage, receive
from truetier.telemetry.receiver import server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 10.0


def while_receiving(folder: Path, act: Callable[[int], None]) -> None:
    """Receives in this thread, as signals want it, while another acts on the port."""
    said: list[str] = []
    is_ready = threading.Event()
    failed: list[BaseException] = []

    def say(words: str) -> None:
        said.append(words)
        is_ready.set()

    def run() -> None:
        try:
            assert is_ready.wait(PATIENCE)
            act(int(said[0].partition("/v1/traces")[0].rpartition(":")[2]))
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the test
            failed.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    actor = threading.Thread(target=run)
    actor.start()
    receive(Storage(str(folder), 10**6), Listening("127.0.0.1", 0), clock=time.time, say=say)
    actor.join()
    if failed:
        raise failed[0]


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


@pytest.mark.parametrize("sent", [b"", b"POST /v1/traces HTTP/1.1\r\nx: ", b"POST /v1/traces HTTP/1.1\r\ncontent-length: 9\r\n\r\nx"])
def test_a_request_that_does_not_arrive_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(server, "_PATIENCE", 0.2)

    def act(port: int) -> None:
        with connected(port) as connection:
            connection.sendall(sent)
            try:
                while connection.recv(1000):
                    pass
            except ConnectionError:
                pass

    while_receiving(tmp_path, act)


def test_one_connection_too_many_is_told_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 2)

    def act(port: int) -> None:
        with ExitStack() as others:
            for _ in range(2):
                connection = others.enter_context(connected(port))
                connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
                assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            with connected(port) as third:
                answer = third.recv(1000)
                assert answer.startswith(b"HTTP/1.1 503")
                assert b"retry-after: 1" in answer
                assert third.recv(1000) == b""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with connected(port) as again:
                again.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
                if again.recv(1000).startswith(b"HTTP/1.1 200"):
                    return
        pytest.fail("room is not given back")

    while_receiving(tmp_path, act)


def test_a_head_that_has_no_end_is_broken_off(tmp_path: Path) -> None:
    def act(port: int) -> None:
        with connected(port) as connection:
            connection.sendall(b"POST /v1/traces HTTP/1.1\r\n")
            with pytest.raises(ConnectionError):
                connection.sendall(b"x-header: y\r\n" * 1_000_000)

    while_receiving(tmp_path, act)
