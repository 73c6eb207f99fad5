"""A PostgreSQL and a Redis of the lab's own, in its folder and on its ports: started, filled and stopped."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from truetier.errors import UsageError
from truetier_lab.place import DATABASE, HOST
from truetier_lab.spawning import spawned

if TYPE_CHECKING:
    from truetier_lab.place import Place

_GOODS = "CREATE TABLE goods (id integer PRIMARY KEY, title text NOT NULL); INSERT INTO goods VALUES (1, 'lamp')"
_PATIENCE = 30  # seconds
# Nothing that is stored here matters after a crash.
_CONFIGURATION = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 300\nshared_buffers = 16MB\n"


def start_postgres(place: Place) -> int:
    """Makes a cluster, starts it and fills it. Gives the process. Raises UsageError where PostgreSQL is not installed."""
    data = place.database
    if _as_postgres():
        shutil.chown(data, "postgres")
    _quietly([*_as_postgres(), _program("initdb"), "--pgdata", data, "--username", "lab", "--auth", "trust", "--no-sync"])
    with Path(data, "postgresql.conf").open("a") as file:
        file.write(f"{_CONFIGURATION}port = {place.backs['postgresql']}\nlisten_addresses = '{HOST}'\nunix_socket_directories = '{data}'\n")
    _quietly([*_as_postgres(), _program("pg_ctl"), "start", "--wait", "--pgdata", data, "--log", os.path.join(data, "log")])
    psql = [_program("psql"), "--host", HOST, "--port", str(place.backs["postgresql"]), "--username", "lab", "--quiet"]
    _quietly([*psql, "--dbname", "postgres", "--command", f"CREATE DATABASE {DATABASE}"])
    _quietly([*psql, "--dbname", DATABASE, "--command", _GOODS])
    return int(Path(data, "postmaster.pid").read_text().split()[0])


def stop_postgres(place: Place) -> None:
    """Stops it without waiting for who is connected, and forgets what it stored."""
    _quietly([*_as_postgres(), _program("pg_ctl"), "stop", "--wait", "--mode", "immediate", "--pgdata", place.database])
    shutil.rmtree(place.database)


def start_redis(place: Place) -> int:
    """Starts it. Gives the process. Raises UsageError where Redis is not installed."""
    port = place.backs["redis"]
    command = [_program("redis-server"), "--port", str(port), "--bind", HOST, "--save", "", "--dir", place.folder]
    pid = spawned(command, os.path.join(place.folder, "redis.log"))
    _wait_for_redis(port)
    return pid


def _wait_for_redis(port: int) -> None:
    from redis import Redis
    from redis.exceptions import ConnectionError as RedisConnectionError

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with Redis(host=HOST, port=port) as client:
                client.ping()
        except RedisConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _program(name: str) -> str:
    """The program, where Debian keeps it if it is not on the path."""
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if found is None:
        raise UsageError(f"the lab needs the program {name}: on Debian, as root: make system-deps")
    return found


def _as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "--user", "postgres", "--"] if os.geteuid() == 0 else []


def _quietly(command: list[str]) -> None:
    """Runs it; what it says only where it fails."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - programs of the lab
    if finished.returncode:
        raise UsageError(f"{' '.join(command)}: {finished.stderr.strip() or finished.stdout.strip()}")
