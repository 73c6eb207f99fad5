"""Requests that arrive together are committed together: while the disk works on some, the next ones gather."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetier.telemetry.receiver.segments import Segments


class Journal:
    """Commits to the segments in a thread of its own, one commit at a time."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._thread = ThreadPoolExecutor(1, "commit")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, request: bytes) -> None:
        """Returns when the request is on disk. Raises DiskFullError or OSError when it is not."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((request, done))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        await asyncio.shield(done)

    async def close(self) -> None:
        """Commits what waits, then ends."""
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _work(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                await self._commit(taken)
        finally:
            self._task = None

    async def _commit(self, taken: list[tuple[bytes, asyncio.Future[None]]]) -> None:
        failure: Exception | None = None
        try:
            requests = [request for request, _ in taken]
            await asyncio.get_running_loop().run_in_executor(self._thread, self._segments.commit, requests)
        except Exception as error:  # noqa: BLE001 - each of those who wait is told
            failure = error
        for _, done in taken:
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)
                done.exception()  # one who has gone does not ask
