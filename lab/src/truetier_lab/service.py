"""One service of the lab as a process of its own: `python -m truetier_lab.service FOLDER NAME`."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn
from opentelemetry import propagate
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from truetier.app.load import load_fleet
from truetier.catalog.model import Mode
from truetier_lab.calls import Asker, ByMessage, CallFailedError, InPostgres, InRedis, OverHttp
from truetier_lab.guarding import guards_of, written
from truetier_lab.place import CATALOG, HOST, read_place
from truetier_lab.planted import MASKED, OWN_FAILURES
from truetier_lab.tracing import provider_of
from truetier_runtime.facts import Facts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from opentelemetry.trace import Tracer
    from starlette.requests import Request

    from truetier.catalog.model import Need, Service
    from truetier_lab.calls import Client
    from truetier_lab.place import Place

_START_AGAIN_AFTER = 0.2  # seconds
_IDLE_CONNECTIONS_LAST = 60  # seconds: longer than those who ask keep theirs, so that none is closed as it is used again


class LabService:
    """A service that does what its catalog entry says, but for what was planted."""

    def __init__(self, service: Service, place: Place, tracer: Tracer) -> None:
        self._name = service.name
        self._place = place
        self._tracer = tracer
        self._deadline = None if service.budget is None else service.budget.total_seconds()
        self._own_failures = OWN_FAILURES.get(service.name, 0.0) / (1.0 if service.name in MASKED else place.calm)
        self._chance = random.Random(service.name)  # noqa: S311 - an experiment, no secret
        self._facts = Facts(service.name)
        guards = guards_of(service, place, (self._facts,))
        self._at_serve: list[Asker] = []
        self._at_start: list[Asker] = []
        for need in service.needs:
            guard = guards[need.broker or need.service]
            self._facts.watch(guard, outside_requests=not need.at_serve)
            (self._at_serve if need.at_serve else self._at_start).append(Asker(guard, _client(need, place, tracer)))

    @asynccontextmanager
    async def life(self, app: Starlette) -> AsyncIterator[None]:
        """Starts only once all that is needed to start has answered."""
        del app
        with self._tracer.start_as_current_span("start"):
            for asker in self._at_start:
                while not await _is_met(asker, "start"):  # noqa: ASYNC110 - there is no event: it is asked until it answers
                    await asyncio.sleep(_START_AGAIN_AFTER)
        async with written(self._facts, self._place):
            yield
        for asker in (*self._at_serve, *self._at_start):
            await asker.close()

    async def answer(self, request: Request) -> PlainTextResponse:
        """Serves one request within a span of it."""
        context = propagate.extract(request.headers)
        attributes = {"http.request.method": "GET", "http.route": "/"}
        with self._tracer.start_as_current_span("GET /", context, SpanKind.SERVER, attributes) as span:
            status = await self._status(request.query_params.get("item", ""))
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
        return PlainTextResponse(f"{self._name}\n", status)

    async def _status(self, item: str) -> int:
        try:
            async with asyncio.timeout(self._deadline):
                for asker in self._at_serve:
                    await asker.meet(item)
        except CallFailedError:
            return 502
        except TimeoutError:
            return 504
        return 500 if self._chance.random() < self._own_failures else 200


async def _is_met(asker: Asker, item: str) -> bool:
    try:
        await asker.meet(item)
    except CallFailedError:
        return False
    return True


def _client(need: Need, place: Place, tracer: Tracer) -> Client:
    if need.mode is Mode.ASYNC:
        return ByMessage(place, tracer)
    if need.service == "postgresql":
        return InPostgres(place, tracer)
    if need.service == "redis":
        return InRedis(place, tracer)
    return OverHttp(need.service, place, tracer)


async def _ready(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ready\n")


def main(folder: str, name: str) -> None:
    """Serves until it is told to stop; its last spans are written then."""
    place = read_place(folder)
    provider = provider_of(name, place)
    service = LabService(load_fleet((str(CATALOG),)).services[name], place, provider.get_tracer("truetier-lab"))
    app = Starlette(routes=[Route("/", service.answer), Route("/ready", _ready)], lifespan=service.life)
    uvicorn.run(app, host=HOST, port=place.backs[name], log_level="warning", access_log=False, timeout_keep_alive=_IDLE_CONNECTIONS_LAST)
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
