"""How a service asks each of those it needs: over HTTP, in SQL, in Redis, or by leaving a message."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Protocol

import asyncpg
import httpx
from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from truetier_lab.place import DATABASE, HOST
from truetier_lab.tracing import asking

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from truetier.catalog.model import Need
    from truetier_lab.place import Place

QUEUE = "mails"
_FAILURES = (OSError, TimeoutError, httpx.HTTPError, RedisError, asyncpg.PostgresError, asyncpg.InterfaceError)


class CallFailedError(Exception):
    """A callee did not do what it was asked, after all attempts."""


class Client(Protocol):
    """Asks one callee once."""

    async def ask(self, item: str) -> None:
        """Raises one of the failures below, or TimeoutError after the timeout."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


class OverHttp:
    """Asks another service."""

    def __init__(self, service: str, place: Place, tracer: Tracer, timeout: float | None) -> None:
        self._service = service
        self._tracer = tracer
        limits = httpx.Limits(max_connections=None, keepalive_expiry=10)
        self._client = httpx.AsyncClient(base_url=f"http://{HOST}:{place.doors[service]}", timeout=timeout, limits=limits, trust_env=False)

    async def ask(self, item: str) -> None:
        """Once."""
        attributes = {"server.address": self._service, "http.request.method": "GET"}
        with asking(self._tracer, "GET", attributes) as span:
            headers: dict[str, str] = {}
            propagate.inject(headers)
            answer = await self._client.get("/", params={"item": item}, headers=headers)
            span.set_attribute("http.response.status_code", answer.status_code)
            answer.raise_for_status()

    async def close(self) -> None:
        """Lets go of connections."""
        await self._client.aclose()


class InPostgres:
    """Reads a row; a connection that failed or was left in the middle of a query is not used again."""

    def __init__(self, place: Place, tracer: Tracer, timeout: float | None) -> None:
        self._port = place.doors["postgresql"]
        self._tracer = tracer
        self._timeout = timeout
        self._idle: list[asyncpg.Connection] = []

    async def ask(self, item: str) -> None:
        """Once."""
        del item
        attributes = {"db.system.name": "postgresql", "db.namespace": DATABASE, "server.address": "postgresql"}
        with asking(self._tracer, "SELECT goods", attributes):
            async with asyncio.timeout(self._timeout):
                await self._read()

    async def _read(self) -> None:
        connection = await self._connection()
        try:
            await connection.fetchval("SELECT title FROM goods WHERE id = 1")
        except BaseException as error:
            connection.terminate()
            if isinstance(error, asyncpg.PostgresConnectionError):
                raise ConnectionError(str(error)) from error
            raise
        self._idle.append(connection)

    async def _connection(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(host=HOST, port=self._port, user="lab", database=DATABASE, ssl=False)

    async def close(self) -> None:
        """Lets go of connections."""
        for connection in self._idle:
            connection.terminate()


class InRedis:
    """Reads a key."""

    def __init__(self, place: Place, tracer: Tracer, timeout: float | None) -> None:
        self._redis = redis_at(place.doors["redis"])
        self._tracer = tracer
        self._timeout = timeout

    async def ask(self, item: str) -> None:
        """Once."""
        with asking(self._tracer, "GET", {"db.system.name": "redis", "server.address": "redis"}):
            async with asyncio.timeout(self._timeout):
                await self._redis.get(item)

    async def close(self) -> None:
        """Lets go of connections."""
        await self._redis.aclose()


class ByMessage:
    """Leaves a message in the queue of the broker; who takes it works in a trace of its own, linked to this one."""

    def __init__(self, place: Place, tracer: Tracer, timeout: float | None) -> None:
        self._redis = redis_at(place.doors["redis"])
        self._tracer = tracer
        self._timeout = timeout

    async def ask(self, item: str) -> None:
        """Once."""
        carrier: dict[str, str] = {}
        attributes = {"messaging.system": "redis", "messaging.destination.name": QUEUE}
        with self._tracer.start_as_current_span("create mail", kind=SpanKind.PRODUCER, attributes=attributes):
            propagate.inject(carrier)
        with asking(self._tracer, "LPUSH", {"db.system.name": "redis", "server.address": "redis"}):
            async with asyncio.timeout(self._timeout):
                await self._redis.lpush(QUEUE, json.dumps({"item": item, "from": carrier}))

    async def close(self) -> None:
        """Lets go of connections."""
        await self._redis.aclose()


def redis_at(port: int) -> Redis:
    """A client that tries once: what it retries by itself would not show."""
    return Redis(host=HOST, port=port, retry=Retry(NoBackoff(), 0), retry_on_error=[])


class Asker:
    """Meets one need as the catalog declares it, or as it was planted: attempts, then the fallback."""

    def __init__(self, need: Need, client: Client, *, falls_back: bool) -> None:
        self._need = need
        self._client = client
        self._falls_back = falls_back and need.fallback is not None
        self._seen: set[str] | None = set() if need.fallback is not None and need.fallback.kind.value == "cached" else None

    async def meet(self, item: str) -> None:
        """Raises CallFailedError where nothing answers."""
        target = self._need.targets[0]
        for attempt in range(target.attempts):
            if attempt:
                await asyncio.sleep(target.backoff.total_seconds())
            try:
                await self._client.ask(item)
            except _FAILURES:
                continue
            if self._seen is not None:
                self._seen.add(item)
            return
        if not self._falls_back or (self._seen is not None and item not in self._seen):
            raise CallFailedError(target.service)

    async def close(self) -> None:
        """Lets go of connections."""
        await self._client.close()
