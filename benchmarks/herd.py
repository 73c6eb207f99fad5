"""A herd against one server, and a server that does not get up again: with the runtime's mechanisms and without.

Usage: .venv/bin/python benchmarks/herd.py [--seeds N] [--first SEED]

Real processes on loopback: a uvicorn server whose work is capped at 200 requests/s by a semaphore, and a load process on the other core.
Arrivals are a Poisson process of a seeded generator; which request is critical is drawn from it too. A call is a success when its 200
comes within a second of the arrival it belongs to, whatever was retried meanwhile.

Herd: 80 critical requests/s, 40 % of what the server can do, all the time; sheddable ones fill up to 2,400 requests/s during the spike.
Nobody retries. Counted are calls that arrived during the spike.

Metastability: 160 default requests/s, 80 % of what the server can do, each retried at once up to three times when it fails or takes
longer than a second; the trigger is 600 requests/s, which with their retries are 2,400. Back is the first second after the trigger from
which on two seconds in a row see 95 % of the arrivals succeed; it is watched for twice the trigger's length and a bit.
Source: Bronson and others, Metastable Failures in Distributed Systems, HotOS 2021.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from measure import machine

from truetier_runtime.adapters.asgi import REFUSAL, LoadShedding
from truetier_runtime.errors import ThrottledError
from truetier_runtime.shed import Priority
from truetier_runtime.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping

PLACES = 10
WORK = 0.05  # seconds; 10 places at 50 ms are 200 requests/s
SPIKE = 2400.0  # requests/s in all
CRITICAL = 80.0
STEADY = 160.0
WARM = 3.0  # seconds
TRIGGER = 6.0
CALM = 2.0  # after a herd, where nobody retries
WATCHED = 2 * TRIGGER + 4.0  # after a trigger that may be outlasted
PATIENCE = 1.0
ATTEMPTS = 4
RETRIED_SPIKE = SPIKE / ATTEMPTS  # requests/s, so that with retries they are as many
WINDOW = 2.0  # of the throttle, seconds: how fast a callee is trusted again
BACK = 0.95
BUCKET = 1.0
TICK = 0.002
CONNECTIONS = 400  # opened before it begins


class Case(NamedTuple):
    """One experiment. ``shedding`` is the middleware on the server, ``throttling`` the throttle at the client."""

    name: str
    retries: bool
    shedding: bool
    throttling: bool

    @property
    def length(self) -> float:
        """Seconds, of all of it."""
        return WARM + TRIGGER + (WATCHED if self.retries else CALM)


CASES = (
    Case("herd, nothing", retries=False, shedding=False, throttling=False),
    Case("herd, shedding", retries=False, shedding=True, throttling=False),
    Case("retries, nothing", retries=True, shedding=False, throttling=False),
    Case("retries, shedding", retries=True, shedding=True, throttling=False),
    Case("retries, shedding and throttling", retries=True, shedding=True, throttling=True),
)


class Result(NamedTuple):
    """``late`` is by how much the load process fell behind its plan, in seconds, at its worst."""

    critical: float  # share of calls of the spike that succeeded; NaN where there are none
    other: float
    recovered: float  # seconds after the trigger; infinite: not while it was watched
    goodput: float  # successes/s over the last five seconds
    late: float


def main() -> None:
    """Runs every case with every seed and prints a table, or serves when told so by itself."""
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), is_shedding=sys.argv[3] == "shed")
        return
    order = "ordinary priority"
    with contextlib.suppress(OSError):
        # What else the machine does is not the question. The server and the load have a core each, and leave time on both.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        order = "real-time priority"
    seeds, first = (int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else 1 for name in ("--seeds", "--first"))
    print(f"{machine()}; {order}; {seeds} seeds from {first}; trigger {TRIGGER:.0f} s\n")
    print("| Case | Critical answered | Others answered | Back after | Answers at end | Load late |\n|---|---:|---:|---:|---:|---:|")
    for case in CASES:
        print(row(case, [run(case, seed) for seed in range(first, first + seeds)]), flush=True)


def row(case: Case, results: list[Result]) -> str:
    """One line of the table."""
    critical = [result.critical for result in results]
    other = [result.other for result in results]
    recovered = [result.recovered for result in results]
    cells = [
        case.name,
        "" if case.retries else f"{statistics.median(critical):.2%} ({min(critical):.2%})",
        f"{statistics.median(other):.1%}",
        "" if not case.retries else f"{statistics.median(recovered):.0f} s ({max(recovered):.0f} s)",
        f"{statistics.median(result.goodput for result in results):.0f}/s",
        f"{max(result.late for result in results):.2f} s",
    ]
    return f"| {' | '.join(cells)} |"


def run(case: Case, seed: int) -> Result:
    """One experiment: the server in a process of its own on one core, the load here on the other."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cores = sorted(os.sched_getaffinity(0))
    mode = "shed" if case.shedding else "plain"
    command = [sys.executable, str(Path(__file__).resolve()), "--serve", str(port), mode]
    server = subprocess.Popen(command)  # noqa: S603 - this very file
    try:
        os.sched_setaffinity(server.pid, {cores[0]})
        os.sched_setaffinity(0, {cores[-1]})
        wait_until_served(port)
        return asyncio.run(load(case, seed, port))
    finally:
        os.sched_setaffinity(0, cores)
        server.kill()
        server.wait()


async def load(case: Case, seed: int, port: int) -> Result:
    """What callers see."""
    return await Load(case, seed, port).run()


def wait_until_served(port: int) -> None:
    """Returns once the server takes connections."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("the server did not start")


def serve(port: int, *, is_shedding: bool) -> None:
    """The server: every request waits for one of ten places and holds it for 50 ms."""
    import uvicorn

    places = asyncio.Semaphore(PLACES)

    async def application(
        _scope: MutableMapping[str, Any],
        _receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        async with places:
            await asyncio.sleep(WORK)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    served = LoadShedding(application) if is_shedding else application
    uvicorn.run(served, port=port, log_level="critical", access_log=False, lifespan="off", ws="none", http="httptools", backlog=8192)


def arrivals(case: Case, seed: int) -> Iterator[tuple[float, Priority]]:
    """When each call arrives, in seconds, and its class."""
    draws = random.Random(seed)  # noqa: S311 - the same arrivals for the same seed
    now, end = 0.0, case.length
    spike = RETRIED_SPIKE if case.retries else SPIKE
    base, usual = (STEADY, Priority.DEFAULT) if case.retries else (CRITICAL, Priority.CRITICAL)
    while True:
        # Thinned: drawn at the highest rate, and left out where the rate is lower.
        now += draws.expovariate(spike)
        if now >= end:
            return
        drawn = draws.random() * spike
        if drawn < base:
            yield now, usual
        elif WARM <= now < WARM + TRIGGER:
            yield now, Priority.DEFAULT if case.retries else Priority.SHEDDABLE


class Call:
    """Somebody who wants an answer. ``place`` is the class and the second of the arrival, under which it is counted."""

    __slots__ = ("arrived", "attempts", "place", "priority")

    def __init__(self, arrived: float, place: tuple[Priority, int]) -> None:
        self.arrived = arrived
        self.place = place
        self.priority = place[0]
        self.attempts = 0


class Connection(asyncio.Protocol):
    """One connection that is kept and carries one request at a time. Without tasks or futures: 2,400 calls/s have to fit in one core."""

    def __init__(self, load: Load, call: Call | None) -> None:
        self.load = load
        self.call = call
        self.transport: asyncio.Transport | None = None
        self.is_expired = False
        self.status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the request it was opened for, if it still is wanted."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.is_expired:
            transport.abort()
        elif self.call:
            transport.write(REQUESTS[self.call.priority])
        else:
            self.load.idle.append(self)

    def data_received(self, data: bytes) -> None:
        """Ends the request once all of its answer is there; its head may come before, and says what it is."""
        if data.startswith(b"HTTP/1.1 "):
            self.status = int(data[9:12])
        if data.endswith(ENDS) and self.call:
            call, self.call = self.call, None
            self.load.idle.append(self)
            self.load.ended(call, self.status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        """Ends the request without an answer."""
        self.transport = None
        call, self.call = self.call, None
        if call:
            self.load.ended(call, 0)

    def expire(self, call: Call) -> None:
        """Gives up a request that has had its second."""
        if self.call is call:
            self.call = None
            self.is_expired = True
            if self.transport:
                self.transport.abort()
            self.load.ended(call, 0)


class Load:
    """Everybody who calls. Arrivals do not wait for answers."""

    def __init__(self, case: Case, seed: int, port: int) -> None:
        self.case = case
        self.seed = seed
        self.port = port
        self.loop = asyncio.get_running_loop()
        self.idle: list[Connection] = []
        self.is_over = False
        self.opening: set[asyncio.Task[None]] = set()
        self.under_way: deque[tuple[float, Connection, Call]] = deque()
        self.calls: Counter[tuple[Priority, int]] = Counter()
        self.successes: Counter[tuple[Priority, int]] = Counter()
        draws = random.Random(seed + 1_000_000)  # noqa: S311 - the same draws for the same seed
        self.throttle = Throttle(window=WINDOW, chance=draws.random) if case.throttling else None

    async def run(self) -> Result:
        """All calls from first to last, counted."""
        for _ in range(CONNECTIONS):
            self.open(None)
        await asyncio.gather(*self.opening)
        began = self.loop.time() + 0.1
        late = 0.0
        for at, priority in arrivals(self.case, self.seed):
            while (wait := began + at - self.loop.time()) > 0.0:
                await asyncio.sleep(min(wait, TICK))
                self.expire()
            late = max(late, -wait)
            if -wait > TICK:
                # Behind: answers have to be read all the same.
                await asyncio.sleep(0.0)
                self.expire()
            place = (priority, int(at / BUCKET))
            self.calls[place] += 1
            self.send(Call(began + at, place))
        end = self.loop.time() + PATIENCE
        while self.loop.time() < end:
            await asyncio.sleep(TICK)
            self.expire()
        self.is_over = True
        return self.result(late)

    def send(self, call: Call) -> None:
        """One attempt, unless the throttle leaves it out: then the caller is told so, and gives up."""
        call.attempts += 1
        if self.throttle:
            try:
                self.throttle.check("server", call.priority)
            except ThrottledError:
                return
        connection = self.idle.pop() if self.idle else self.open(call)
        while not connection.transport and connection.call is not call:
            connection = self.idle.pop() if self.idle else self.open(call)
        if connection.transport:
            connection.call = call
            connection.transport.write(REQUESTS[call.priority])
        self.under_way.append((self.loop.time() + PATIENCE, connection, call))

    def open(self, call: Call | None) -> Connection:
        """A new connection, for a call or to lie idle."""
        connection = Connection(self, call)
        task = self.loop.create_task(self.connect(connection))
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)
        return connection

    async def connect(self, connection: Connection) -> None:
        """Opens it; one that is refused is lost."""
        try:
            await self.loop.create_connection(lambda: connection, "127.0.0.1", self.port)
        except OSError as error:
            connection.connection_lost(error)

    def expire(self) -> None:
        """Gives up what had its second: all have the same, so the first that was sent is the first to go."""
        now = self.loop.time()
        while self.under_way and self.under_way[0][0] <= now:
            _, connection, call = self.under_way.popleft()
            connection.expire(call)

    def ended(self, call: Call, status: int) -> None:
        """An attempt came to its end; 0 is no answer. Who retries at once does not ask how long ago it began."""
        if self.is_over:
            return
        if self.throttle:
            (self.throttle.accepted if status == 200 else self.throttle.refused)("server", call.priority)
        if status == 200:
            self.successes[call.place] += self.loop.time() - call.arrived <= PATIENCE
        elif self.case.retries and call.attempts < ATTEMPTS:
            # Not from here: refusals that come at once would call one another without end.
            self.loop.call_soon(self.send, call)

    def result(self, late: float) -> Result:
        """What the counts say."""
        spike = range(int(WARM / BUCKET), int((WARM + TRIGGER) / BUCKET))
        shares: dict[bool, list[int]] = defaultdict(lambda: [0, 0])
        for (priority, bucket), count in self.calls.items():
            if bucket in spike:
                shares[priority is Priority.CRITICAL][0] += self.successes[priority, bucket]
                shares[priority is Priority.CRITICAL][1] += count
        critical, other = (shares[key][0] / shares[key][1] if shares[key][1] else float("nan") for key in (True, False))
        last = int(self.case.length / BUCKET)
        by_bucket = {
            bucket: [sum(counts[one, bucket] for one in Priority) for counts in (self.successes, self.calls)] for bucket in range(last)
        }
        well = {bucket: successes >= BACK * calls for bucket, (successes, calls) in by_bucket.items()}
        back = next((bucket for bucket in range(spike.stop, last - 1) if well[bucket] and well[bucket + 1]), None)
        recovered = float("inf") if back is None else (back - spike.stop) * BUCKET
        return Result(critical, other, recovered, sum(by_bucket[bucket][0] for bucket in range(last - 5, last)) / 5, late)


REQUESTS = {one: b"GET / HTTP/1.1\r\nhost: a\r\nx-truetier-priority: %s\r\n\r\n" % one.name.lower().encode() for one in Priority}
ENDS = (b"ok", REFUSAL)

if __name__ == "__main__":
    main()
