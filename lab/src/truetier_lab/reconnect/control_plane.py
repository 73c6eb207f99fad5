"""The control plane: one process behind uvicorn that knows its agents by their sessions, and forgets them when it dies.

Usage: python -m truetier_lab.reconnect.control_plane SETTINGS, a line of JSON as ``Settings`` has it. It gets ready, waits for a line on
its standard input, and takes connections from then on: so a blackout ends when it is to end, not when Python has started.

    GET /full/AGENT      the document and a session; holds one of the places for long
    GET /current/AGENT   a session for who has the version that is current; holds a place shortly
    GET /beat/AGENT      keeps a session, 410 where there is none; holds a place shortly

Work that nobody waits for any more is done all the same, as in most programs: a handler does not hear that its client has gone.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple

from truetier_runtime.adapters.asgi import LoadShedding

if TYPE_CHECKING:
    from truetier_runtime.adapters.asgi import Application, Message, Receive, Send

FULL, CURRENT, BEAT = "full", "current", "beat"
KINDS = (FULL, CURRENT, BEAT)
COUNTS_BYTES = 8 * len(KINDS)
GONE = 410


class Settings(NamedTuple):
    """What it is told. ``known`` agents have sessions from the start: it has been up for long. ``document`` and ``counts`` are files."""

    port: int
    places: int
    full: float
    light: float
    known: int
    is_shedding: bool
    document: str
    counts: str


class Work:
    """How many pieces of each kind were done. In a file that is mapped, so that who kills the process can read it."""

    def __init__(self, path: str) -> None:
        with open(path, "r+b") as file:
            self._mapped = mmap.mmap(file.fileno(), COUNTS_BYTES)
        self._counts = memoryview(self._mapped).cast("q")

    def done(self, kind: str) -> None:
        """One more."""
        self._counts[KINDS.index(kind)] += 1


def work_done(path: str) -> dict[str, int]:
    """What ``Work`` counted."""
    with open(path, "rb") as file:
        return dict(zip(KINDS, memoryview(file.read(COUNTS_BYTES)).cast("q"), strict=True))


def application(settings: Settings, document: bytes, work: Work) -> Application:
    """The control plane as an ASGI application, shedding or not."""
    places = asyncio.Semaphore(settings.places)
    sessions = set(range(settings.known))

    async def answer(scope: Message, _receive: Receive, send: Send) -> None:
        _, kind, name = scope["path"].split("/")
        agent = int(name)
        async with places:
            await asyncio.sleep(settings.full if kind == FULL else settings.light)
        work.done(kind)
        status, body = 200, b""
        if kind == FULL:
            body = document
            sessions.add(agent)
        elif kind == CURRENT:
            sessions.add(agent)
        elif agent not in sessions:
            status = GONE
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return LoadShedding(answer) if settings.is_shedding else answer


def main() -> None:
    """Serves until it is killed."""
    import uvicorn

    settings = Settings(**json.loads(sys.argv[1]))
    with open(settings.document, "rb") as file:
        document = file.read()
    served = application(settings, document, Work(settings.counts))
    config = uvicorn.Config(
        served,
        port=settings.port,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        http="httptools",
        backlog=4096,
        timeout_keep_alive=3600,
    )
    config.load()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if sys.stdin.readline():
        threading.Thread(target=_end_with_parent, daemon=True).start()
        uvicorn.Server(config).run()


def _end_with_parent() -> None:
    """Whoever started it may be killed: its end of the pipe is closed then."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
