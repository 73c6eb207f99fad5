"""Where a running lab is: its folder, with the ports and processes of everything in it."""

from __future__ import annotations

import json
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import NamedTuple

from truetier.app.load import load_fleet
from truetier.errors import SourceError
from truetier_lab.planted import Manner

CATALOG = Path(__file__).with_name("truetier.yaml")
HOST = "127.0.0.1"
DATABASE = "shop"
STORES = ("postgresql", "redis")
WORKERS = ("mailer",)
_FILE = "lab.json"
_PORTS = range(20_000, 30_000)  # below those that outgoing connections are given


class Place(NamedTuple):
    """A lab in a folder: ``doors`` are the ports of the proxies, ``backs`` those behind them, ``pids`` who runs.

    ``endpoint`` is an OTLP/HTTP receiver for the spans; None: they go to files in ``traces``.
    """

    folder: str
    doors: dict[str, int]
    backs: dict[str, int]
    control: int
    endpoint: str | None
    pids: dict[str, int]
    calm: float  # own failures and new items come this much less often than planted
    manner: Manner
    database: str  # the folder of PostgreSQL, apart, since its user may not be let into the other one

    @property
    def traces(self) -> str:
        """Where spans are written."""
        return os.path.join(self.folder, "traces")

    @property
    def settings(self) -> str:
        """The file with the settings of all guards, as the catalog has them."""
        return os.path.join(self.folder, "guards.json")

    @property
    def facts(self) -> str:
        """Where each service writes what its guards saw."""
        return os.path.join(self.folder, "facts")

    def write(self) -> None:
        """Writes it into its folder."""
        file = Path(self.folder, _FILE)
        file.write_text(json.dumps(self._asdict(), indent=2) + "\n")


def services() -> tuple[str, ...]:
    """All services that answer requests, as the catalog has them: without stores and workers."""
    return tuple(name for name in load_fleet((str(CATALOG),)).services if name not in (*STORES, *WORKERS))


def targets() -> tuple[str, ...]:
    """What can fail on command."""
    return (*services(), *STORES)


def new_place(folder: str, endpoint: str | None, calm: float, manner: Manner) -> Place:
    """A place with ports for everything, nothing of it running yet."""
    names = targets()
    ports = _free_ports(2 * len(names) + 1)
    doors, backs = dict(zip(names, ports, strict=False)), dict(zip(names, ports[len(names) :], strict=False))
    return Place(folder, doors, backs, ports[-1], endpoint, {}, calm, manner, tempfile.mkdtemp(prefix="truetier-lab-"))


def read_place(folder: str) -> Place:
    """The lab of that folder. Raises SourceError where there is none."""
    try:
        place = Place(**json.loads(Path(folder, _FILE).read_text()))
        return place._replace(manner=Manner(place.manner))
    except FileNotFoundError as error:
        raise SourceError(f"{folder}: no lab is here: start one with truetier-lab up") from error
    except (ValueError, TypeError) as error:
        raise SourceError(f"{os.path.join(folder, _FILE)}: not written by truetier-lab up: {error}") from error


def _free_ports(count: int) -> list[int]:
    chosen: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as trial:
            try:
                trial.bind((HOST, port))
            except OSError:
                continue
        chosen.append(port)
        if len(chosen) == count:
            return chosen
    raise SourceError(f"no {count} free ports from {_PORTS.start} to {_PORTS.stop}")
