"""Transports for httpx against a real server on loopback: headers, time-outs, what is left out."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from truetier_runtime.deadline import Deadline
from truetier_runtime.errors import DeadlineExceededError, ThrottledError
from truetier_runtime.shed import Priority
from truetier_runtime.testing import FakeClock
from truetier_runtime.throttle import Throttle

httpx = pytest.importorskip("httpx")

from truetier_runtime.adapters.httpx import AsyncThrottlingTransport, ThrottlingTransport, seconds_asked_for  # noqa: E402 - needs httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CRITICAL = {"truetier_priority": Priority.CRITICAL, "truetier_timeout": 0.2505}


class Callee:
    """A server that answers as it is told and remembers the heads of what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.seen: list[dict[str, str]] = []
        self.hold: threading.Event | None = None
        self.address = ""


@contextmanager
def served() -> Iterator[Callee]:
    callee = Callee()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            callee.seen.append({key.lower(): value for key, value in self.headers.items()})
            if callee.hold:
                callee.hold.wait(30)
            with suppress(OSError):
                self.send_response(callee.status)
                for key, value in {**callee.headers, "content-length": "2"}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    callee.address = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield callee
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def get_once(throttle: Throttle, address: str, *, timeout: float = 30.0, **arguments: Any) -> int:  # noqa: ANN401 - what httpx takes
    with httpx.Client(transport=ThrottlingTransport(throttle=throttle), timeout=timeout) as client:
        return int(client.get(address, **arguments).status_code)


def await_once(throttle: Throttle, address: str, *, timeout: float = 30.0, **arguments: Any) -> int:  # noqa: ANN401 - what httpx takes
    async def scenario() -> int:
        async with httpx.AsyncClient(transport=AsyncThrottlingTransport(throttle=throttle), timeout=timeout) as client:
            return int((await client.get(address, **arguments)).status_code)

    return asyncio.run(scenario())


both = pytest.mark.parametrize("call", [get_once, await_once])


def certain(clock: FakeClock | None = None) -> Throttle:
    """A throttle that leaves out whatever it may."""
    return Throttle(clock=clock or FakeClock(), chance=lambda: 0.0)


@both
def test_priority_and_the_time_that_is_left_are_sent_along(call: Callable[..., int]) -> None:
    with served() as callee:
        assert call(certain(), callee.address, extensions=CRITICAL) == 200
        assert call(certain(), callee.address) == 200
    first, second = callee.seen
    assert (first["x-truetier-priority"], first["x-request-timeout-ms"]) == ("critical", "250")
    assert second["x-truetier-priority"] == "default"
    assert "x-request-timeout-ms" not in second


@both
def test_no_time_left_is_no_call(call: Callable[..., int]) -> None:
    with served() as callee, pytest.raises(DeadlineExceededError):
        call(certain(), callee.address, extensions={"truetier_timeout": 0.0})
    assert callee.seen == []


@both
def test_no_time_out_is_longer_than_the_time_that_is_left(call: Callable[..., int]) -> None:
    throttle = certain()
    with served() as callee:
        callee.hold = threading.Event()
        with pytest.raises(httpx.ReadTimeout):
            call(throttle, callee.address, extensions={"truetier_timeout": 0.05})
        host = callee.address.removeprefix("http://").rstrip("/")
        assert throttle.probability(host) == 0.5
        callee.hold.set()


@both
def test_a_callee_that_refuses_is_left_alone_for_as_long_as_it_asked_and_other_classes_are_not(call: Callable[..., int]) -> None:
    clock = FakeClock()
    throttle = certain(clock)
    with served() as callee:
        callee.status, callee.headers = 503, {"retry-after": "7"}
        assert call(throttle, callee.address) == 503
        with pytest.raises(ThrottledError) as refused:
            call(throttle, callee.address)
        assert refused.value.retry_after == 7.0
        callee.status = 200
        assert call(throttle, callee.address, extensions=CRITICAL) == 200
        clock.advance(200.0)
        assert call(throttle, callee.address) == 200
    assert len(callee.seen) == 3


@both
def test_an_error_of_the_callee_is_no_refusal(call: Callable[..., int]) -> None:
    throttle = certain()
    with served() as callee:
        callee.status = 500
        for _ in range(5):
            assert call(throttle, callee.address) == 500


@both
def test_a_callee_that_is_not_there_counts_as_one_that_refuses(call: Callable[..., int]) -> None:
    throttle = certain()
    with served() as callee:
        pass
    with pytest.raises(httpx.ConnectError):
        call(throttle, callee.address)
    with pytest.raises(ThrottledError):
        call(throttle, callee.address)


def test_a_cancelled_call_is_neither_accepted_nor_refused() -> None:
    throttle = certain()

    async def scenario(callee: Callee) -> None:
        async with httpx.AsyncClient(transport=AsyncThrottlingTransport(throttle=throttle), timeout=30) as client:
            task = asyncio.create_task(client.get(callee.address))
            while not callee.seen:  # noqa: ASYNC110 - seen by another thread
                await asyncio.sleep(0.001)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    with served() as callee:
        callee.hold = threading.Event()
        asyncio.run(scenario(callee))
        callee.hold.set()
    assert [(line.window.requests, line.window.accepts) for line in throttle._lines.values()] == [(0, 0)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-3", 0.0),
        (formatdate(1090, usegmt=True), 90.0),
        (formatdate(10, usegmt=True), 0.0),
    ],
)
def test_seconds_and_dates_of_retry_after_are_read_and_nonsense_is_nothing(text: str, seconds: float) -> None:
    assert seconds_asked_for(text, 1000.0) == seconds


@both
def test_the_deadline_around_a_call_goes_along(call: Callable[..., int]) -> None:
    with served() as callee, Deadline(2.0):
        call(certain(), callee.address)
    assert 1_000 < int(callee.seen[0]["x-request-timeout-ms"]) <= 2_000


@pytest.mark.parametrize("seconds", [float("inf"), float("nan")])
def test_no_time_limit_is_sent_along_where_there_is_none_and_none_is_no_number(seconds: float) -> None:
    with served() as callee, httpx.Client(transport=ThrottlingTransport(throttle=Throttle())) as client:
        if seconds == seconds:  # noqa: PLR0124 - a number
            client.get(callee.address, extensions={"truetier_timeout": seconds})
            assert "x-request-timeout-ms" not in callee.seen[0]
        else:
            with pytest.raises(DeadlineExceededError):
                client.get(callee.address, extensions={"truetier_timeout": seconds})
