"""HTTP for the endpoint: uvicorn with its parser in C, and beside it limits that it has not."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from truetier.telemetry.receiver.endpoint import Endpoint

_LONGEST_HEAD = 64 * 1024  # bytes
_PATIENCE = 75.0  # seconds for a request to arrive, or a connection to be used again
_MOST_CONNECTIONS = 1_000
_GRACE = 10  # seconds for open requests at the end
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _Guarded(HttpToolsProtocol):
    """A connection whose requests arrive in time, and whose heads and trailers are not endless."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as uvicorn makes it
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._beside = 0  # bytes of this message that were no body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for a request; one connection too many is told to come again."""
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.write(_TOO_MANY)
            transport.close()
        else:
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hands bytes to the parser; breaks off a message that is more and more of what is no body."""
        self._beside += len(data)
        super().data_received(data)
        if self._beside > _LONGEST_HEAD:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._expect_request()

    def on_headers_complete(self) -> None:
        """Its head is over."""
        self._beside = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body; twice as much may stand between parts."""
        self._beside = max(self._beside - 2 * len(body), 0)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """It is there."""
        self._beside = 0
        self._stop_timer()
        super().on_message_complete()

    def _expect_request(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(_PATIENCE, self._lose_patience)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _lose_patience(self) -> None:
        self.transport.abort()


class _Quiet(Server):
    """A server that leaves signals to us: uvicorn would end the process by the signal it was stopped with."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Does nothing."""
        yield


async def serve(endpoint: Endpoint, listening: socket.socket, *, certificate: tuple[str, str] | None, ready: Callable[[], None]) -> None:
    """Serves until the process is told to end by SIGTERM or SIGINT; requests that have begun are finished.

    ``certificate`` names the files of a certificate chain and its key, for TLS. ``ready`` is called once requests are taken.
    """
    config = Config(
        endpoint,
        http=_Guarded,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(_PATIENCE),
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )
    server = _Quiet(config)

    def stop() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    listening.listen(config.backlog)
    ready()
    await server.serve(sockets=[listening])
