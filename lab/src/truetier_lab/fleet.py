"""Starts and stops everything of a lab: stores, proxies, services, the worker. Each is a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from truetier.app.load import load_fleet
from truetier.errors import SourceError, UsageError
from truetier.report.guards import render
from truetier_lab.place import CATALOG, HOST, STORES, WORKERS, Place, new_place, read_place, services
from truetier_lab.planted import Manner
from truetier_lab.proxy import Proxy, serve
from truetier_lab.spawning import spawned
from truetier_lab.stores import start_postgres, start_redis, stop_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTS_WITHIN = 120  # seconds, all together
_ENDS_WITHIN = 10  # seconds


def up(folder: str, *, endpoint: str | None = None, calm: float = 1.0, manner: Manner = Manner.PLANTED) -> Place:
    """Starts a lab in that folder, which must not hold one yet, and waits until every service answers."""
    if os.path.exists(os.path.join(folder, "lab.json")):
        raise UsageError(f"{folder}: a lab is here already: stop it with truetier-lab down, or name another folder")
    folder = os.path.abspath(folder)
    place = new_place(folder, endpoint, calm, manner)
    for inside in (place.traces, place.facts):
        os.makedirs(inside, exist_ok=True)
    Path(place.settings).write_text(render(load_fleet((str(CATALOG),))), encoding="utf-8")
    place.write()
    try:
        for store, start in (("postgresql", start_postgres), ("redis", start_redis)):
            place.pids[store] = start(place)
        place.pids["proxies"] = _start("truetier_lab.fleet", folder)
        for name in services():
            place.pids[name] = _start("truetier_lab.service", folder, name)
        for name in WORKERS:
            place.pids[name] = _start("truetier_lab.worker", folder, name)
        place.write()
        _wait_for(place)
    except BaseException:
        down(place)
        raise
    return place


def down(place: Place) -> None:
    """Stops everything; spans and facts that are not written yet are written first."""
    programs = [pid for name, pid in place.pids.items() if name not in STORES and name != "proxies"]
    _end(programs)
    _end([place.pids[name] for name in ("proxies", "redis") if name in place.pids])
    if "postgresql" in place.pids:
        stop_postgres(place)
    os.remove(os.path.join(place.folder, "lab.json"))


@contextmanager
def running(folder: str, *, calm: float = 1.0, manner: Manner = Manner.PLANTED) -> Iterator[Place]:
    """A lab for as long as the block runs."""
    place = up(folder, calm=calm, manner=manner)
    try:
        yield place
    finally:
        down(place)


def _start(module: str, folder: str, *arguments: str) -> int:
    log = os.path.join(folder, f"{arguments[0] if arguments else 'proxies'}.log")
    return spawned([sys.executable, "-m", module, folder, *arguments], log)


def _wait_for(place: Place) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    for name in services():
        while not _answers(place.backs[name]):
            if time.monotonic() > until:
                raise SourceError(f"{name} did not start within {_STARTS_WITHIN} s: see {os.path.join(place.folder, name)}.log")
            time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/ready", timeout=1):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _end(pids: list[int]) -> None:
    """Asks them to end, and makes those who do not."""
    until = time.monotonic() + _ENDS_WITHIN
    for pid in pids:
        _signal(pid, signal.SIGTERM)
    while any(map(_lives, pids)):
        if time.monotonic() > until:
            for pid in pids:
                _signal(pid, signal.SIGKILL)
        time.sleep(0.05)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _lives(pid: int) -> bool:
    """Whether it runs; a child of ours that has ended is let go."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main(folder: str) -> None:
    """The process of the proxies."""
    place = read_place(folder)
    asyncio.run(serve({name: Proxy(door, place.backs[name]) for name, door in place.doors.items()}, place.control))


if __name__ == "__main__":
    main(*sys.argv[1:])
