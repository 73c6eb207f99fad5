"""Open-loop load: requests of each journey at a fixed rate, whatever became of those before, while a schedule of faults runs."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, NamedTuple

import httpx

from truetier_lab.place import HOST
from truetier_lab.planted import JOURNEYS, NEW_ITEMS, PATIENCE

if TYPE_CHECKING:
    from truetier_lab.place import Place
    from truetier_lab.schedule import Schedule

RATE = 9.0  # requests of each journey in a second
_OLD_ITEMS = 8


class Request(NamedTuple):
    """One request: when it was due, how late it was sent and how long it took (seconds), and whether it was answered well in time."""

    due: float
    late: float
    took: float
    is_good: bool


def due_times(seconds: float, rate: float, number: int) -> list[float]:
    """When requests of the journey of that number are due: evenly, those of different journeys between one another."""
    return [(each + number / len(JOURNEYS)) / rate for each in range(int(seconds * rate))]


async def run(place: Place, schedule: Schedule, *, rate: float = RATE, seed: int = 0) -> dict[str, list[Request]]:
    """The requests of each journey while the schedule runs."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=10)
    chance = random.Random(seed)  # noqa: S311 - an experiment, no secret
    loop = asyncio.get_running_loop()
    begin = loop.time() + 0.2
    async with httpx.AsyncClient(timeout=PATIENCE, limits=limits, trust_env=False) as client:
        failing = asyncio.create_task(_fail(place, schedule, begin))
        sent: dict[str, list[asyncio.Task[Request]]] = {journey: [] for journey in JOURNEYS}
        plan = [(due, journey) for number, journey in enumerate(JOURNEYS) for due in due_times(schedule.seconds, rate, number)]
        for due, journey in sorted(plan):
            url = f"http://{HOST}:{place.doors[JOURNEYS[journey]]}/"
            item = f"new-{chance.random()}" if chance.random() < NEW_ITEMS / place.calm else f"old-{chance.randrange(_OLD_ITEMS)}"
            await asyncio.sleep(begin + due - loop.time())
            sent[journey].append(loop.create_task(_request(client, url, item, begin + due)))
        await failing
        return {
            journey: [request._replace(due=request.due - begin) for request in await asyncio.gather(*tasks)]
            for journey, tasks in sent.items()
        }


async def _request(client: httpx.AsyncClient, url: str, item: str, due: float) -> Request:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    try:
        async with asyncio.timeout(PATIENCE):
            is_good = (await client.get(url, params={"item": item})).is_success
    except (httpx.HTTPError, TimeoutError):
        is_good = False
    return Request(due, begin - due, loop.time() - begin, is_good)


async def _fail(place: Place, schedule: Schedule, begin: float) -> None:
    """Tells the proxies what to do, at the time the schedule says."""
    changes: list[tuple[float, str, str | None, float]] = [
        (fault.start, fault.target, fault.mode, fault.delay) for fault in schedule.faults
    ]
    changes += [(fault.end, fault.target, None, 0.0) for fault in schedule.faults]
    reader, writer = await asyncio.open_connection(HOST, place.control)
    for at, target, mode, delay in sorted(changes, key=lambda change: change[0]):
        await asyncio.sleep(begin + at - asyncio.get_running_loop().time())
        writer.write(json.dumps({"target": target, "mode": mode, "delay": delay}).encode() + b"\n")
        await writer.drain()
        await reader.readline()
    writer.close()
    await writer.wait_closed()
