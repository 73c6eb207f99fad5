"""Runs every case with every seed: two control planes, one after the other, on one core, all agents on the other."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from truetier.errors import SourceError
from truetier_lab.place import HOST
from truetier_lab.reconnect.agents import Load, Surroundings
from truetier_lab.reconnect.control_plane import COUNTS_BYTES, FULL, Settings, work_done
from truetier_lab.reconnect.mechanisms import Mechanism, cases
from truetier_lab.reconnect.outcome import Run
from truetier_runtime.copies import Copies
from truetier_runtime.examine import Rules
from truetier_runtime.publisher import new_key, private_key, public_key
from truetier_runtime.signature import Terms, TrustedKeys, sign
from truetier_runtime.snapshot import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from truetier_lab.reconnect.mechanisms import Case
    from truetier_lab.reconnect.plan import Plan

SCOPE = "reconnect"
ROUTES = 20
DAY = 86_400  # seconds
_REAL_TIME = 10  # a priority above all that is not real-time
ROBBED = 0.2  # of its time, that another process may have the core of the control plane


class Result(NamedTuple):
    """All runs, and how long they took."""

    plan: Plan
    runs: tuple[Run, ...]
    minutes: float

    def by_case(self) -> list[list[Run]]:
        """Runs of one case together, in the order in which cases were run."""
        found: dict[frozenset[Mechanism], list[Run]] = {}
        for run in self.runs:
            found.setdefault(run.case.mechanisms, []).append(run)
        return list(found.values())

    @property
    def tolerance(self) -> float:
        """By how many seconds an attempt may be late, a third of how long agents wait: later, and the herd is not the one described."""
        return self.plan.patience / 3

    @property
    def latest(self) -> float:
        """By how many seconds the latest attempt of all runs was late."""
        return max(run.late for run in self.runs)

    @property
    def invalid(self) -> list[Run]:
        """Runs in which attempts were too late, or whose control plane had to share its core: then it could do less than is said."""
        return [run for run in self.runs if run.late > self.tolerance or run.robbed > ROBBED]

    @property
    def holds(self) -> bool:
        """Whether no run without mechanisms comes back, and every run with all of them does without losing a request."""
        none = [run for run in self.runs if not run.case.mechanisms]
        whole = [run for run in self.runs if run.case.mechanisms == frozenset(Mechanism)]
        return all(run.recovered(0.95) == math.inf for run in none) and all(
            run.recovered(0.99) < math.inf and not run.lost for run in whole
        )


def experiment(folder: str, plan: Plan, seeds: Sequence[int], *, tried: Sequence[Case] | None = None, say: Callable[[str], None]) -> Result:
    """Runs it in an empty folder. Seeds are the outer loop: what the machine does meanwhile then falls on all cases alike."""
    begin = time.monotonic()
    tried = tried if tried is not None else cases()
    trusted = _publish(folder)
    runs = []
    for seed in seeds:
        for case in tried:
            one = run(folder, plan, case, seed, trusted)
            say(
                f"seed {seed}, {case.name}: 99 % back after {one.recovered(0.99):.1f} s, {one.lost} requests lost; "
                f"{one.late:.2f} s late, robbed of {one.robbed:.0%}"
            )
            runs.append(one)
    return Result(plan, tuple(runs), (time.monotonic() - begin) / 60)


def run(folder: str, plan: Plan, case: Case, seed: int, trusted: TrustedKeys) -> Run:
    """One run."""
    rules, copies = Rules(SCOPE, trusted), Copies(os.path.join(folder, "copies"))

    def reader() -> Reader:
        made = Reader(rules, {"routes": {"checkout": {"weight": 0}}}, copies)
        made.start()
        return made

    port = _free_port()
    cores, policy = sorted(os.sched_getaffinity(0)), (os.sched_getscheduler(0), os.sched_getparam(0))
    is_shedding = Mechanism.SHEDDING in case.mechanisms
    with (
        _control_plane(folder, plan, port, known=plan.agents, is_shedding=is_shedding) as first,
        _control_plane(folder, plan, port, known=0, is_shedding=is_shedding) as second,
    ):
        try:
            for server in (first, second):
                os.sched_setaffinity(server.process.pid, {cores[0]})
            os.sched_setaffinity(0, {cores[-1]})
            _go_before_others((0, first.process.pid, second.process.pid))
            _serve(first, port)
            load = Load(plan, case, seed, port, Surroundings(first.kill, second.go, reader))
            load.run()
        finally:
            os.sched_setscheduler(0, *policy)
            os.sched_setaffinity(0, cores)
        done, robbed = second.work(), second.robbed()
    seconds = {kind: plan.full if kind == FULL else plan.light for kind in done}
    return Run(
        plan,
        case,
        seed,
        tuple(load.samples),
        tuple(load.attempts),
        tuple(load.registrations),
        tuple(load.refusals),
        sum(done[kind] * seconds[kind] for kind in done),
        sum(max(0, done[kind] - load.useful[kind]) * seconds[kind] for kind in done),
        load.wires.peak,
        load.wires.made,
        load.late,
        robbed,
    )


def _go_before_others(processes: Sequence[int]) -> None:
    """Real-time priority, where that is allowed: what else the machine does is not the question. Both sides leave time on their core."""
    with suppress(PermissionError):
        for process in processes:
            os.sched_setscheduler(process, os.SCHED_FIFO, os.sched_param(_REAL_TIME))


class _ControlPlane:
    """A process that is ready to take connections, and does once it is told to."""

    def __init__(self, process: subprocess.Popen[bytes], counts: str) -> None:
        self.process = process
        self._counts = counts
        self._went = self._waited = 0.0

    def go(self) -> None:
        """Takes connections from now on."""
        assert self.process.stdin
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        self._went, self._waited = time.monotonic(), _waited(self.process.pid)

    def kill(self) -> None:
        """Ends it, and with it every connection."""
        self.process.kill()
        self.process.wait()

    def work(self) -> dict[str, int]:
        """What it has done so far."""
        return work_done(self._counts)

    def robbed(self) -> float:
        """The share of the time since it took connections in which it was ready to go on and another process had its core."""
        return (_waited(self.process.pid) - self._waited) / (time.monotonic() - self._went)


def _waited(process: int) -> float:
    """Seconds that a process was ready to run and another one had its core; the kernel counts them. Source: proc(5), schedstat."""
    with open(f"/proc/{process}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[1]) / 1e9


@contextmanager
def _control_plane(folder: str, plan: Plan, port: int, *, known: int, is_shedding: bool) -> Iterator[_ControlPlane]:
    counts = os.path.join(folder, f"counts-{known}")
    with open(counts, "wb") as file:
        file.write(bytes(COUNTS_BYTES))
    settings = Settings(port, plan.places, plan.full, plan.light, known, is_shedding, os.path.join(folder, "document"), counts)
    command = [sys.executable, "-m", "truetier_lab.reconnect.control_plane", json.dumps(settings._asdict())]
    with (
        open(os.path.join(folder, "log"), "w+b") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process,  # noqa: S603 - ourselves
    ):
        assert process.stdout
        try:
            if process.stdout.readline() != b"ready\n":
                log.seek(0)
                raise SourceError(f"the control plane of the experiment did not start: {log.read().decode(errors='replace')}")
            yield _ControlPlane(process, counts)
        finally:
            process.kill()


def _serve(server: _ControlPlane, port: int) -> None:
    """Returns once it takes connections."""
    server.go()
    for _ in range(1000):
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise SourceError("the control plane of the experiment does not take connections")


def _publish(folder: str) -> TrustedKeys:
    """Signs the document that everybody gets, and puts it where the control plane and the agents' copies have it."""
    private, public = new_key()
    weights = {name: {"weight": 1, "timeout_ms": 250} for name in ("checkout", *(f"route-{number}" for number in range(ROUTES)))}
    body = json.dumps({"routes": weights}).encode()
    document = sign(body, Terms(SCOPE, 1, int(time.time()) + DAY), [private_key(private)])
    with open(os.path.join(folder, "document"), "wb") as file:
        file.write(document)
    Copies(os.path.join(folder, "copies")).write(1, document)
    return TrustedKeys([public_key(public)])


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
    return port
