"""The guards of one service, made of what its catalog says, but for what was planted; and the facts they leave."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from truetier.catalog.model import FallbackKind
from truetier_lab.calls import CallFailedError
from truetier_lab.planted import FALLS_BACK_IN_NAME_ONLY, WAITS, Manner
from truetier_runtime.breaker import Breaker
from truetier_runtime.fallback import Instead, Value
from truetier_runtime.guard import Guard
from truetier_runtime.settings import guards

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from truetier.catalog.model import Service
    from truetier_lab.place import Place
    from truetier_runtime.facts import Facts
    from truetier_runtime.fallback import Fallback
    from truetier_runtime.hooks import Hook

BREAKER = Breaker(0.5, minimum_calls=5, window=2.0, open_for=1.0)
"""Quick enough to open within the lab's faults: at 9 requests/s half of a window has failed after a second."""

_ENQUEUES_WITHIN = 0.25  # seconds; the catalog says whom a message is for, and not how long to wait for the broker
_FACTS_EVERY = 5.0  # seconds


def guards_of(service: Service, place: Place, hooks: tuple[Hook, ...] = ()) -> dict[str, Guard]:
    """A guard for each callee and each broker. Raises StartRefusedError where the service would break its promise by the way it calls."""
    breaker = BREAKER if place.manner is Manner.BREAKERS else None
    brokers = [need.broker for need in service.needs if need.broker is not None]
    made = {broker: Guard(broker, timeout=_ENQUEUES_WITHIN, breaker=breaker, hooks=hooks) for broker in brokers}
    document = json.loads(Path(place.settings).read_text(encoding="utf-8"))
    if service.name in document["services"]:
        if place.manner is Manner.PLANTED:
            _plant_waits(document["services"][service.name]["edges"], service.name)
        made |= guards(document, service.name, fallbacks=_fallbacks(service, place), breaker=breaker, hooks=hooks)
    return made


@asynccontextmanager
async def written(facts: Facts, place: Place) -> AsyncIterator[None]:
    """While the block runs, the facts are in their file: written now and then, and at the end."""
    is_over = asyncio.Event()
    writing = asyncio.create_task(_write(facts, os.path.join(place.facts, f"{facts.service}.json"), is_over))
    try:
        yield
    finally:
        is_over.set()
        await writing


async def _write(facts: Facts, path: str, is_over: asyncio.Event) -> None:
    is_last = False
    while not is_last:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FACTS_EVERY):
                is_last = await is_over.wait()
        await asyncio.to_thread(facts.write, path)


def _plant_waits(edges: list[dict[str, Any]], caller: str) -> None:
    for edge in edges:
        if (caller, edge["callee"]) in WAITS:
            seconds = WAITS[caller, edge["callee"]]
            edge["timeout_ms"] = None if seconds is None else seconds * 1000


def _fallbacks(service: Service, place: Place) -> dict[str, Fallback]:
    """What the code answers with where a callee cannot: nothing is as good as any other text here. Caches are the guards' own."""
    static = [need.service for need in service.needs if need.fallback is not None and need.fallback.kind is FallbackKind.STATIC]
    in_name_only = FALLS_BACK_IN_NAME_ONLY if place.manner is Manner.PLANTED else ()
    return {callee: Instead(_is_missing) if (service.name, callee) in in_name_only else Value(None) for callee in static}


def _is_missing(item: str) -> NoReturn:
    """Code that runs only in an outage, and that nobody has ever run."""
    raise CallFailedError(f"no answer for {item}")
