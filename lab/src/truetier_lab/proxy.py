"""A TCP proxy before each service and store that delays, refuses, resets or swallows on command.

Each listens on a port of its own and passes bytes on to its upstream. A fault concerns connections that are open as well as new
ones. What a black hole has swallowed stays lost when the fault ends: a connection that lost bytes never answers.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING

from truetier_lab.schedule import FaultMode

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_HOST = "127.0.0.1"


class Proxy:
    """What stands before one upstream."""

    def __init__(self, port: int, upstream: int) -> None:
        self.port = port
        self.upstream = upstream
        self.mode: FaultMode | None = None
        self.delay = 0.0
        self._server: asyncio.Server | None = None
        self.connections: set[_Connection] = set()

    async def open(self) -> None:
        """Begins to listen."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Client(self), _HOST, self.port, reuse_address=True)

    async def close(self) -> None:
        """Listens no more, and ends what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self.connections):
            connection.abort()
        await asyncio.sleep(0)

    async def fail(self, mode: FaultMode | None, delay: float = 0.0) -> None:
        """Fails in that way from now on; None: works again."""
        self.mode, self.delay = mode, delay
        if mode is FaultMode.REFUSE:
            await self.close()
        elif self._server is None:
            await self.open()
        for connection in tuple(self.connections):
            if mode is FaultMode.RESET:
                connection.reset()
            elif mode is FaultMode.BLACKHOLE:
                connection.is_dead = True


class _Connection:
    """Both sides of one connection that is passed on."""

    def __init__(self, proxy: Proxy, client: asyncio.Transport) -> None:
        self.proxy = proxy
        self.client = client
        self.server: asyncio.Transport | None = None
        self.is_dead = proxy.mode is FaultMode.BLACKHOLE
        self._due = 0.0  # when the last delayed piece is passed on
        proxy.connections.add(self)

    def abort(self) -> None:
        for side in (self.client, self.server):
            if side is not None:
                side.abort()
        self.proxy.connections.discard(self)

    def reset(self) -> None:
        """Ends it in a way that the client cannot take for an ordinary end."""
        sock = self.client.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.abort()

    def to_server(self, data: bytes) -> None:
        if not self.is_dead and self.server is not None:
            self.server.write(data)

    def to_client(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        due = max(loop.time() + self.proxy.delay, self._due)
        if self.proxy.delay or due > loop.time():
            self._due = due
            loop.call_at(due, self._write, data)
        else:
            self._write(data)

    def end(self) -> None:
        """Ends it once all that is delayed is passed on."""
        asyncio.get_running_loop().call_at(self._due, self.client.close)

    def _write(self, data: bytes) -> None:
        if not self.is_dead and not self.client.is_closing():
            self.client.write(data)

    async def connect(self) -> None:
        """Finds the upstream; until then the client is not listened to."""
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: _Server(self), _HOST, self.proxy.upstream)
        except OSError:
            self.reset()
            return
        self.server = transport
        if self.client.is_closing():
            self.abort()
        else:
            self.client.resume_reading()


class _Client(asyncio.Protocol):
    """The side that asks."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._connection: _Connection | None = None
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._connection = connection = _Connection(self._proxy, transport)
        if self._proxy.mode is FaultMode.RESET:
            connection.reset()
        elif not connection.is_dead:
            transport.pause_reading()
            self._connecting = asyncio.get_running_loop().create_task(connection.connect())

    def data_received(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.to_server(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # whoever asks has gone, for whatever reason
        if self._connection is not None:
            self._connection.abort()


class _Server(asyncio.Protocol):
    """The side that answers."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def data_received(self, data: bytes) -> None:
        self._connection.to_client(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self._connection.is_dead:
            self._connection.end()


async def serve(proxies: Mapping[str, Proxy], control: int) -> None:
    """Opens all proxies and takes commands, a line of JSON each: the target, the mode or null, and the delay in seconds."""
    for proxy in proxies.values():
        await proxy.open()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            command = json.loads(line)
            mode = None if command["mode"] is None else FaultMode(command["mode"])
            await proxies[command["target"]].fail(mode, command.get("delay", 0.0))
            writer.write(b"done\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(obey, _HOST, control)
    async with server:
        await server.serve_forever()
