"""Load shedding in front of an ASGI application. Only the protocol is used, so any server and any framework will do.

What is refused costs two messages: its body is not read and the application not called. What is let in holds its place until the
application returns, but its time is taken up to the head of the response: what follows goes at the client's pace, which tells nothing of
load.

A handshake of a websocket is let in or refused like a request; once it is answered, the connection holds no place, for it may last for
days, and its deadline was that of the handshake. Lifespan passes through.

The deadline that a request names is taken at its word, as its class is: an edge that faces strangers has to strip or set both headers,
since requests that run out of time lower the limit.

Source: ASGI specification, HTTP and WebSocket message formats 2.5; RFC 9110, sections 10.2.3 and 15.6.4.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from truetier_runtime.deadline import HEADER, Deadline, from_header
from truetier_runtime.errors import DeadlineExceededError, RefusedError
from truetier_runtime.limiter import Limiter, Outcome
from truetier_runtime.limits import Gradient
from truetier_runtime.shed import PRIORITY_HEADER, Priority, Refusals, priority_named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from truetier_runtime.limiter import Permit

    # Any: the protocol's messages are dictionaries of whatever each kind holds.
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Message, Receive, Send], Awaitable[None]]

# What an application answers when something behind it is overloaded or too late; that too is a reason to let in less.
DROPPED_STATUSES = frozenset({503, 504})
# One client asks too much, which says nothing of the service (RFC 6585): else whoever oversteps a limit of its own would lower that of all.
ITS_OWN_LIMIT = 429
TRY_AGAIN_LATER = 1013
REFUSAL = b"Overloaded. Please come back later.\n"


def priority_by_header(scope: Message) -> Priority:
    """The class that the header names. It is taken at its word: an edge that faces strangers has to strip or set it."""
    return priority_named(_header(scope, PRIORITY_HEADER.encode()))


class LoadShedding:
    """An application around an application.

    ``priority_of`` gives a request's class from its scope. ``refusals`` says when who is refused may come back; give one with a seeded
    chance for tests.
    """

    __slots__ = ("_application", "_limiter", "_priority_of", "_refusals")

    def __init__(
        self,
        application: Application,
        # Any: it is nobody's business here which algorithm's state the limiter keeps.
        limiter: Limiter[Any] | None = None,
        *,
        priority_of: Callable[[Message], Priority] = priority_by_header,
        refusals: Refusals | None = None,
    ) -> None:
        self._application = application
        self._limiter = limiter or Limiter(Gradient())
        self._priority_of = priority_of
        self._refusals = refusals or Refusals(clock=self._limiter.clock, chance=random.random)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection of the protocol."""
        kind = scope["type"]
        if kind not in {"http", "websocket"}:
            await self._application(scope, receive, send)
            return
        left = from_header(_header(scope, HEADER.encode()))
        deadline = math.inf if left is None else self._limiter.clock() + left
        try:
            permit = await self._limiter.acquire_async(self._priority_of(scope), deadline=deadline)
        except RefusedError as error:
            # Who was refused for being late need not stay away: nothing is known of load.
            seconds = 0.0 if isinstance(error, DeadlineExceededError) else self._refusals.refused()
            await (_refuse(send, seconds) if kind == "http" else _refuse_websocket(scope, receive, send, seconds))
            return
        self._refusals.admitted()
        exchange = _Exchange(permit, receive, send)
        try:
            if left is None or kind == "websocket":  # whose handshake has a time limit, but not the connection
                await self._application(scope, exchange.receive, exchange.send)
            else:
                with Deadline(max(0.0, deadline - self._limiter.clock())):  # what the application calls in turn has no longer
                    await self._application(scope, exchange.receive, exchange.send)
        except BaseException as error:
            permit.release(Outcome.DROPPED if isinstance(error, (TimeoutError, RefusedError)) else Outcome.IGNORED)
            raise
        permit.release(exchange.outcome)


class _Exchange:
    """Watches what passes between the application and the server."""

    __slots__ = ("_is_alone", "_permit", "_receive", "_send", "outcome")

    def __init__(self, permit: Permit, receive: Receive, send: Send) -> None:
        self._permit = permit
        self._receive = receive
        self._send = send
        self._is_alone = False
        # Until something is sent: an application that returns without an answer says nothing of load.
        self.outcome = Outcome.IGNORED

    async def receive(self) -> Message:
        message = await self._receive()
        kind = message["type"]
        if kind == "http.disconnect":
            self._is_alone = True
        elif kind == "websocket.disconnect":
            self._permit.release(Outcome.IGNORED)
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._permit.answered()
            # What an application does once it knows that nobody listens is no work as others are: ignored.
            if not self._is_alone:
                self.outcome = _outcome_of(message["status"])
        elif kind in {"websocket.accept", "websocket.close", "websocket.http.response.start"}:
            self._permit.release(Outcome.IGNORED)
        await self._send(message)


def _outcome_of(status: int) -> Outcome:
    if status in DROPPED_STATUSES:
        return Outcome.DROPPED
    # Failures are quick or slow for reasons of their own.
    return Outcome.IGNORED if status >= 500 or status == ITS_OWN_LIMIT else Outcome.SUCCESS


def _header(scope: Message, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


def _head(seconds: float) -> list[tuple[bytes, bytes]]:
    head = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(REFUSAL)).encode())]
    # Whole seconds, says the RFC; rounded up, so that nobody is invited for now.
    return [*head, (b"retry-after", str(math.ceil(seconds)).encode())] if seconds else head


async def _refuse(send: Send, seconds: float) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": _head(seconds)})
    await send({"type": "http.response.body", "body": REFUSAL})


async def _refuse_websocket(scope: Message, receive: Receive, send: Send, seconds: float) -> None:
    await receive()  # the handshake itself
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})  # the server answers 403
        return
    await send({"type": "websocket.http.response.start", "status": 503, "headers": _head(seconds)})
    await send({"type": "websocket.http.response.body", "body": REFUSAL})
