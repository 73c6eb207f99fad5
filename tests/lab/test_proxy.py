"""The proxy does to those who call what it is told, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from truetier_lab.place import HOST
from truetier_lab.proxy import Proxy
from truetier_lab.schedule import FaultMode

Body = Callable[[Proxy, list[bytes]], Awaitable[None]]


def through_a_proxy(body: Body) -> None:
    """Runs it with a proxy before a server that echoes, and what that server has read."""

    async def run() -> None:
        heard: list[bytes] = []

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(100):
                    heard.append(data)
                    writer.write(data)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

        server = await asyncio.start_server(echo, HOST, 0)
        proxy = Proxy(free_port(), server.sockets[0].getsockname()[1])
        await proxy.open()
        try:
            await body(proxy, heard)
        finally:
            await proxy.close()
            server.close()
            await asyncio.sleep(0.05)  # connections end

    asyncio.run(run())


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind((HOST, 0))
        port: int = trial.getsockname()[1]
    return port


async def echoed(proxy: Proxy, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        writer.write(text)
        return await reader.read(100)
    finally:
        writer.close()


def test_without_a_fault_bytes_pass_both_ways() -> None:
    async def body(proxy: Proxy, heard: list[bytes]) -> None:
        assert await echoed(proxy, b"hello") == b"hello"
        assert heard == [b"hello"]

    through_a_proxy(body)


def test_a_refusing_proxy_refuses_ends_what_is_open_and_comes_back() -> None:
    async def body(proxy: Proxy, _: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(b"first")
        assert await reader.read(100) == b"first"
        await proxy.fail(FaultMode.REFUSE)
        assert await reader.read(100) == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await echoed(proxy, b"hello")
        await proxy.fail(None)
        assert await echoed(proxy, b"again") == b"again"

    through_a_proxy(body)


def test_a_reset_is_no_ordinary_end() -> None:
    async def body(proxy: Proxy, heard: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(b"first")
        assert await reader.read(100) == b"first"
        await proxy.fail(FaultMode.RESET)
        with pytest.raises(ConnectionResetError):
            await reader.read(100)
        writer.close()
        with pytest.raises(ConnectionResetError):
            await echoed(proxy, b"hello")
        assert heard == [b"first"]

    through_a_proxy(body)


def test_what_a_black_hole_swallows_is_lost_for_ever() -> None:
    async def body(proxy: Proxy, heard: list[bytes]) -> None:
        await proxy.fail(FaultMode.BLACKHOLE)
        _, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(b"lost")
        await writer.drain()
        await proxy.fail(None)
        assert await echoed(proxy, b"after") == b"after"
        assert heard == [b"after"]
        writer.close()

    through_a_proxy(body)


def test_a_delayed_answer_comes_late_and_in_order() -> None:
    async def body(proxy: Proxy, _: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(b"warm")
        assert await reader.read(100) == b"warm"
        await proxy.fail(FaultMode.DELAY, 0.05)
        begin = asyncio.get_running_loop().time()
        writer.write(b"slow")
        first = await reader.readexactly(4)
        assert first == b"slow"
        assert asyncio.get_running_loop().time() - begin >= 0.05
        writer.close()

    through_a_proxy(body)
