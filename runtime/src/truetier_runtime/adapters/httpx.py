"""Transports for httpx that leave out calls the callee would refuse, and tell the callee what a call is worth and until when.

    client = httpx.Client(transport=ThrottlingTransport(throttle=Throttle()))
    client.get(url, extensions={"truetier_priority": Priority.CRITICAL, "truetier_timeout": 0.25})

``truetier_timeout`` is how many seconds are left for the call, those of the deadline around it where it is not given: they are sent
along, and no time-out of the client is longer. A callee is the host and port of a URL.

Raises, besides what httpx raises: ThrottledError and DeadlineExceededError, before anything is sent.
"""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from truetier_runtime.deadline import HEADER
from truetier_runtime.deadline import remaining as seconds_left
from truetier_runtime.errors import DeadlineExceededError
from truetier_runtime.shed import PRIORITY_HEADER, Priority

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from truetier_runtime.throttle import Throttle

REFUSED_STATUSES = frozenset({429, 503})
PRIORITY = "truetier_priority"
TIMEOUT = "truetier_timeout"


def seconds_asked_for(retry_after: str, now: float) -> float:
    """The seconds of a Retry-After header, 0 where it says nothing that can be read. ``now`` is Unix time: the header may hold a date.

    Source: RFC 9110, section 10.2.3.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


class _Call:
    """One call under way: what is the same whether somebody waits for it or awaits it."""

    __slots__ = ("_callee", "_priority", "_throttle", "_wall")

    def __init__(self, request: httpx.Request, throttle: Throttle, wall: Callable[[], float]) -> None:
        self._throttle = throttle
        self._wall = wall
        self._callee = request.url.netloc.decode("ascii")
        self._priority = Priority(request.extensions.get(PRIORITY, Priority.DEFAULT))
        remaining = request.extensions.get(TIMEOUT, seconds_left())
        if remaining == math.inf:
            remaining = None
        if remaining is not None and not remaining > 0.0:
            raise DeadlineExceededError(f"no time is left to call {self._callee}")
        throttle.check(self._callee, self._priority)
        request.headers[PRIORITY_HEADER] = self._priority.name.lower()
        if remaining is not None:
            # Rounded down, so that nobody believes in more; but 0 would say that it is too late.
            request.headers[HEADER] = str(max(1, int(remaining * 1000.0)))
            given = request.extensions.get("timeout", {})
            bounded = {kind: _shorter(given.get(kind), remaining) for kind in ("connect", "read", "write", "pool")}
            request.extensions = {**request.extensions, "timeout": bounded}

    def answered(self, response: httpx.Response) -> None:
        """The callee said something."""
        if response.status_code in REFUSED_STATUSES:
            asked = seconds_asked_for(response.headers.get("retry-after", ""), self._wall())
            self._throttle.refused(self._callee, self._priority, retry_after=asked)
        else:
            self._throttle.accepted(self._callee, self._priority)

    def __enter__(self) -> _Call:  # noqa: PYI034 - nothing derives from it
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # A cancelled call and a mistake of the caller say nothing of the callee; neither does waiting for a connection of our own pool.
        if isinstance(error, httpx.TransportError) and not isinstance(error, (httpx.PoolTimeout, httpx.UnsupportedProtocol)):
            self._throttle.refused(self._callee, self._priority)


class ThrottlingTransport(httpx.BaseTransport):
    """Around a transport of the ordinary kind. ``wall`` gives Unix time."""

    def __init__(self, transport: httpx.BaseTransport | None = None, *, throttle: Throttle, wall: Callable[[], float] = time.time) -> None:
        self._transport = transport or httpx.HTTPTransport()
        self._throttle = throttle
        self._wall = wall

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The callee's response."""
        with _Call(request, self._throttle, self._wall) as call:
            response = self._transport.handle_request(request)
            call.answered(response)
        return response

    def close(self) -> None:
        """Closes the transport within."""
        self._transport.close()


class AsyncThrottlingTransport(httpx.AsyncBaseTransport):
    """Around an asynchronous transport. ``wall`` gives Unix time."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None = None, *, throttle: Throttle, wall: Callable[[], float] = time.time
    ) -> None:
        self._transport = transport or httpx.AsyncHTTPTransport()
        self._throttle = throttle
        self._wall = wall

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The callee's response."""
        with _Call(request, self._throttle, self._wall) as call:
            response = await self._transport.handle_async_request(request)
            call.answered(response)
        return response

    async def aclose(self) -> None:
        """Closes the transport within."""
        await self._transport.aclose()


def _shorter(given: float | None, remaining: float) -> float:
    return remaining if given is None else min(given, remaining)
