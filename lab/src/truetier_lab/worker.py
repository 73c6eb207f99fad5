"""The worker that takes messages from the queue: `python -m truetier_lab.worker FOLDER NAME`."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from typing import TYPE_CHECKING

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, get_current_span
from redis.exceptions import RedisError

from truetier_lab.calls import QUEUE, redis_at
from truetier_lab.place import read_place
from truetier_lab.planted import OWN_FAILURES
from truetier_lab.tracing import provider_of

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from truetier_lab.place import Place

_WAITS = 1  # seconds for a message, then asks again
_AGAIN_AFTER = 0.2  # seconds, where the queue cannot be reached


async def work(place: Place, tracer: Tracer, own_failures: float) -> None:
    """Takes one message after another; each is worked on in a trace of its own, linked to where it was sent from."""
    chance = random.Random("worker")  # noqa: S311 - an experiment, no secret
    redis = redis_at(place.doors["redis"])
    while True:
        try:
            async with asyncio.timeout(_WAITS * 2):
                taken = await redis.brpop([QUEUE], _WAITS)
        except (RedisError, OSError, TimeoutError):
            await asyncio.sleep(_AGAIN_AFTER)
            continue
        if taken is None:
            continue
        sender = get_current_span(propagate.extract(json.loads(taken[1])["from"])).get_span_context()
        with tracer.start_as_current_span("process mail", Context(), SpanKind.CONSUMER, links=[Link(sender)]) as span:
            if chance.random() < own_failures:
                span.set_status(Status(StatusCode.ERROR))


async def _until_told(place: Place, tracer: Tracer, own_failures: float) -> None:
    working = asyncio.create_task(work(place, tracer, own_failures))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    await asyncio.wait([working])


def main(folder: str, name: str) -> None:
    """Works until it is told to stop."""
    place = read_place(folder)
    provider = provider_of(name, place)
    asyncio.run(_until_told(place, provider.get_tracer("truetier-lab"), OWN_FAILURES[name] / place.calm))
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
