"""Dependencies that play a script: answers, errors, delays and silence, in order or by chance, called directly or over HTTP."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from truetier_runtime.deadline import HEADER, from_header, remaining
from truetier_runtime.errors import UsageError
from truetier_runtime.shed import PRIORITY_HEADER, priority_named
from truetier_runtime.testing.clock import FakeClock
from truetier_runtime.testing.order import next_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from http.server import BaseHTTPRequestHandler

    from truetier_runtime.shed import Priority


class Fails:
    """It raises the error, an exception or a kind of one. Over HTTP the connection ends without an answer."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException | type[BaseException] = ConnectionError) -> None:
        self.error = error


class Slow:
    """It takes so many seconds, whatever the caller's deadline, and then does what ``then`` says: a step like any other."""

    __slots__ = ("seconds", "then")

    def __init__(self, seconds: float, then: object = None) -> None:
        self.seconds = seconds
        self.then = then


class Hangs:
    """It never answers: until the caller's deadline, as a client waits that knows of it; else until ``Scripted.release``."""

    __slots__ = ()


class Http:
    """An answer over HTTP: status, body (text, bytes, or what JSON can hold) and headers. Called directly it is given as it is."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int = 200, body: object = "", headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}


class Call:
    """One call: ``at`` seconds of the clock, with what it was ``given``, how many seconds were ``left`` and of what ``priority`` it was.

    Given are the arguments, or over HTTP the method, the path and the body. ``left`` is None where there was no deadline, ``priority``
    where nobody said; only a call over HTTP says. ``number`` orders it among facts that ``Recorded`` has seen.
    """

    __slots__ = ("at", "given", "left", "named", "number", "priority", "step")

    def __init__(  # noqa: PLR0913 - what there is to know
        self,
        at: float,
        step: object,
        given: tuple[Any, ...],
        *,
        named: dict[str, Any] | None = None,
        left: float | None = None,
        priority: Priority | None = None,
    ) -> None:
        self.at = at
        self.step = step
        self.given = given
        self.named = named or {}
        self.left = left
        self.priority = priority
        self.number = next_number()

    def __repr__(self) -> str:
        left = "no deadline" if self.left is None else f"{self.left:g} s left"
        return f"Call(at {self.at:g}, {', '.join(map(repr, self.given))}; {left})"


class Scripted:
    """A dependency that plays a script, ``Scripted("ok", Fails(TimeoutError), Slow(0.5), Hangs())``, one step a call; the last goes on.

    A step is Fails, Slow, Hangs, or the answer itself. Call it as ``dependency(...)`` or ``await dependency.awaited(...)``, or over HTTP
    at the address that ``with dependency.served() as url`` gives. ``calls`` are all there were. With a ``FakeClock`` for a clock, time
    passes on it alone; asynchronous calls wait in their event loop, see ``FakeClock.run``; over HTTP time is real. Serves all threads
    and tasks. Raises UsageError for a script without a step.
    """

    def __init__(self, *steps: object, clock: Callable[[], float] = time.monotonic) -> None:
        if not steps:
            raise UsageError("a script without a step says nothing")
        self.calls: list[Call] = []
        self._clock = clock
        self._sleep: Callable[[float], object] = clock.sleep if isinstance(clock, FakeClock) else time.sleep
        self._lock = threading.Lock()
        self._next = _in_order(steps)
        self._released = threading.Event()
        self._has_ended = False

    @classmethod
    def by_chance(cls, *shares: tuple[float, object], seed: int, clock: Callable[[], float] = time.monotonic) -> Scripted:
        """One that draws each step: pairs of a share and a step; shares need not add up to one. The same seed gives the same draws."""
        if not shares or not all(share >= 0 for share, _ in shares) or not any(share for share, _ in shares):
            raise UsageError("shares that are not negative, and not all nothing, were expected")
        made = cls(None, clock=clock)
        made._next = _drawn(shares, random.Random(seed))  # noqa: S311 - a script, no secret
        return made

    def __call__(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever a dependency takes and gives
        """Plays the next step. Raises what it says; TimeoutError where it hangs and there is a deadline."""
        step = self._begin(given, named).step
        while isinstance(step, Slow):
            self._sleep(step.seconds)
            step = step.then
        if isinstance(step, Hangs):
            self._hang()
            return None
        return _ended(step)

    async def awaited(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        """Plays the next step, for asynchronous callers; where it hangs, until it is cancelled."""
        step = self._begin(given, named).step
        while isinstance(step, Slow):
            await asyncio.sleep(step.seconds)
            step = step.then
        if isinstance(step, Hangs):
            await asyncio.get_running_loop().create_future()
        return _ended(step)

    @contextmanager
    def served(self) -> Iterator[str]:
        """A real server on the loopback interface that plays the script, a step a request; its address, ``http://127.0.0.1:...``."""
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        play = self._play
        if self._has_ended:  # with the last server, and not because somebody said so
            self._released = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                return

            def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method of the protocol is answered whatever it is
                if name.startswith("do_"):
                    return lambda: play(self)
                raise AttributeError(name)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up is no mistake of a test
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            self._has_ended = not self._released.is_set()
            self.release()
            server.shutdown()
            server.server_close()
            thread.join()

    def release(self) -> None:
        """Ends what hangs, now and later, without an answer: direct calls raise ConnectionAbortedError, connections are closed."""
        self._released.set()

    def _begin(self, given: tuple[Any, ...], named: dict[str, Any]) -> Call:
        now = self._clock()
        with self._lock:
            call = Call(now, next(self._next), given, named=named, left=remaining(now))
            self.calls.append(call)
        return call

    def _hang(self) -> None:
        left = remaining(self._clock())
        if isinstance(self._clock, FakeClock):
            if left is None:
                raise AssertionError("the dependency hangs and the caller has no deadline: on a fake clock it would wait for ever")
            self._clock.advance(left)
        elif self._released.wait(left):
            raise ConnectionAbortedError("released")
        raise TimeoutError(f"no answer in {left:.3g} seconds")

    def _play(self, request: BaseHTTPRequestHandler) -> None:
        """Answers a request."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        priority = request.headers.get(PRIORITY_HEADER)
        request.close_connection = True
        with self._lock:
            call = Call(
                self._clock(),
                next(self._next),
                (request.command, request.path, body),
                named=dict(request.headers),
                left=from_header(request.headers.get(HEADER)),
                priority=None if priority is None else priority_named(priority),
            )
            self.calls.append(call)
        step = call.step
        while isinstance(step, Slow) and not self._released.wait(step.seconds):
            step = step.then
        if isinstance(step, Hangs):
            self._released.wait()
        if isinstance(step, (Fails, Hangs, Slow)):
            return
        answer = step if isinstance(step, Http) else Http(body=step)
        content = _content(answer.body)
        request.send_response(answer.status)
        for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)


def _ended(step: object) -> object:
    if isinstance(step, Fails):
        raise step.error
    return step


def _content(body: object) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()


def _in_order(steps: tuple[object, ...]) -> Iterator[object]:
    yield from steps
    while True:
        yield steps[-1]


def _drawn(shares: Iterable[tuple[float, object]], chance: random.Random) -> Iterator[object]:
    weights, steps = zip(*shares, strict=True)
    while True:
        yield chance.choices(steps, weights)[0]
