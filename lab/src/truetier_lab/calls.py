"""How a service asks each of those it needs: over HTTP, in SQL, in Redis, or by leaving a message."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import asyncpg
import httpx
from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from truetier_lab.place import DATABASE, HOST
from truetier_lab.tracing import asking
from truetier_runtime.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Tracer

    from truetier_lab.place import Place
    from truetier_runtime.guard import Guard

QUEUE = "mails"
_FAILURES = (OSError, RefusedError, httpx.HTTPError, RedisError, asyncpg.PostgresError, asyncpg.InterfaceError)


class CallFailedError(Exception):
    """A callee did not do what it was asked, and nothing answered in its place."""


class Client(Protocol):
    """Asks one callee once, and waits for as long as it is let."""

    async def ask(self, item: str) -> None:
        """Raises one of the failures above; ConnectionError where the callee cannot be reached."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


class OverHttp:
    """Asks another service."""

    def __init__(self, service: str, place: Place, tracer: Tracer) -> None:
        self._service = service
        self._tracer = tracer
        limits = httpx.Limits(max_connections=None, keepalive_expiry=10)
        url = f"http://{HOST}:{place.doors[service]}"
        self._client = httpx.AsyncClient(base_url=url, timeout=None, limits=limits, trust_env=False)  # noqa: S113 - its guard ends it

    async def ask(self, item: str) -> None:
        """Once."""
        attributes = {"server.address": self._service, "http.request.method": "GET"}
        with _unreachable_as_python_says_it(), asking(self._tracer, "GET", attributes) as span:
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

    def __init__(self, place: Place, tracer: Tracer) -> None:
        self._port = place.doors["postgresql"]
        self._tracer = tracer
        self._idle: list[asyncpg.Connection] = []

    async def ask(self, item: str) -> None:
        """Once."""
        del item
        attributes = {"db.system.name": "postgresql", "db.namespace": DATABASE, "server.address": "postgresql"}
        with asking(self._tracer, "SELECT goods", attributes):
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

    def __init__(self, place: Place, tracer: Tracer) -> None:
        self._redis = redis_at(place.doors["redis"])
        self._tracer = tracer

    async def ask(self, item: str) -> None:
        """Once."""
        attributes = {"db.system.name": "redis", "server.address": "redis"}
        with _unreachable_as_python_says_it(), asking(self._tracer, "GET", attributes):
            await self._redis.get(item)

    async def close(self) -> None:
        """Lets go of connections."""
        await self._redis.aclose()


class ByMessage:
    """Leaves a message in the queue of the broker; who takes it works in a trace of its own, linked to this one."""

    def __init__(self, place: Place, tracer: Tracer) -> None:
        self._redis = redis_at(place.doors["redis"])
        self._tracer = tracer

    async def ask(self, item: str) -> None:
        """Once."""
        carrier: dict[str, str] = {}
        attributes = {"messaging.system": "redis", "messaging.destination.name": QUEUE}
        with self._tracer.start_as_current_span("create mail", kind=SpanKind.PRODUCER, attributes=attributes):
            propagate.inject(carrier)
        stores = {"db.system.name": "redis", "server.address": "redis"}
        with _unreachable_as_python_says_it(), asking(self._tracer, "LPUSH", stores):
            await self._redis.lpush(QUEUE, json.dumps({"item": item, "from": carrier}))

    async def close(self) -> None:
        """Lets go of connections."""
        await self._redis.aclose()


def redis_at(port: int) -> Redis:
    """A client that tries once: what it retries by itself would not show."""
    return Redis(host=HOST, port=port, retry=Retry(NoBackoff(), 0), retry_on_error=[])


@contextmanager
def _unreachable_as_python_says_it() -> Iterator[None]:
    """Each library has an error of its own for a callee that cannot be reached; guards know that of Python."""
    try:
        yield
    except (httpx.TransportError, RedisConnectionError) as error:
        raise ConnectionError(str(error)) from error


class Asker:
    """Meets one need: asks through the guard of it."""

    def __init__(self, guard: Guard, client: Client) -> None:
        self._guard = guard
        self._client = client

    async def meet(self, item: str) -> None:
        """Raises CallFailedError where nothing answers."""
        try:
            await self._guard.call_async(self._client.ask, item)
        except _FAILURES as error:
            raise CallFailedError(self._guard.callee) from error

    async def close(self) -> None:
        """Lets go of connections."""
        await self._client.close()
