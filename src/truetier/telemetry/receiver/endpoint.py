"""The receiver as an ASGI application: one path that takes spans, one that says how it is.

Memory is bounded: a body is at most so large, packed and unpacked, so are all that are being read or stored together, and what comes
beyond is told to come again. What takes long is done in few threads, so that few large bodies are worked on at a time. An answer of 200
means that every span that was not rejected is on disk.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from truetier.errors import SourceError
from truetier.telemetry.receiver.answers import JSON, PROTOBUF, Answer, RefusedError, refused, stored
from truetier.telemetry.receiver.segments import DiskFullError
from truetier.telemetry.receiver.unpacking import LARGEST, too_large, unpacked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from concurrent.futures import Executor

    from truetier.telemetry.receiver.journal import Journal

    Receive = Callable[[], Awaitable[Mapping[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

TRACES, HEALTH = "/v1/traces", "/healthz"
_MOST_AT_ONCE = 128 * 1024 * 1024  # bytes of all bodies
_SLOW = 256 * 1024  # bytes that are worth a thread, so that others need not wait
_PATIENCE = 60.0  # seconds for a body to arrive
_SOON, _LATER = 1, 30  # seconds after which to try again
_log = logging.getLogger(__name__)


class Sifted(Protocol):
    """What is kept of a request; see sources/traces/otlp_wire/sieve.py."""

    @property
    def content(self) -> bytes:
        """The request as it is stored."""
        ...

    @property
    def accepted(self) -> int:
        """Spans in it."""
        ...

    @property
    def rejected(self) -> dict[str, int]:
        """Spans that were left out, by reason."""
        ...


class Counts:
    """What became of the requests so far."""

    def __init__(self) -> None:
        self.requests = 0
        self.accepted = 0
        self.rejected: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()  # requests by status
        self.is_full = False


class Endpoint:
    """The application. ``sift`` takes a body and whether it is JSON, raising SourceError for what is no request.

    ``threads`` is where bodies are unpacked and sifted that are worth it: its number of threads bounds what that takes of memory.
    """

    def __init__(self, journal: Journal, sift: Callable[[bytes, bool], Sifted], threads: Executor, *, token: str | None = None) -> None:
        self.counts = Counts()
        self._journal = journal
        self._sift = sift
        self._threads = threads
        self._token = None if token is None else f"Bearer {token}".encode()
        self._held = 0  # bytes of all bodies that are being worked on

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        try:
            answer = await self._answer(scope, headers, content_type, receive)
        except RefusedError as error:
            answer = self._refused(content_type, error)
        except _GoneError:
            self.counts.refused[0] += 1
            return
        except Exception:  # noqa: BLE001 - whatever it is, the sender is told, and others are served
            _log.exception("a request could not be answered; please report this")
            answer = self._refused(content_type, RefusedError(500, "internal error"))
        fixed = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": [*fixed, *answer.headers]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    def _refused(self, content_type: str, error: RefusedError) -> Answer:
        self.counts.refused[error.status] += 1
        return refused(PROTOBUF if content_type == PROTOBUF else JSON, error)

    async def _answer(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], content_type: str, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        if path == HEALTH and method in ("GET", "HEAD"):
            return self._health()
        if path not in (TRACES, HEALTH):
            raise RefusedError(404, f"spans are taken at {TRACES}")
        if path == HEALTH or method != "POST":
            allowed = b"GET, HEAD" if path == HEALTH else b"POST"
            raise RefusedError(405, f"{path} takes {allowed.decode()}", headers=((b"allow", allowed),))
        if self._token is not None and not hmac.compare_digest(headers.get(b"authorization", b""), self._token):
            raise RefusedError(401, "the token is missing or wrong", headers=((b"www-authenticate", b"Bearer"),))
        if content_type not in (PROTOBUF, JSON):
            raise RefusedError(415, f"content-type is not {PROTOBUF} or {JSON}")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > LARGEST:
            raise too_large()
        encoding = headers.get(b"content-encoding", b"").strip().lower().decode("latin-1")
        with self._load() as load:
            body = await _read(receive, load)
            if encoding not in ("", "identity"):
                body = await asyncio.get_running_loop().run_in_executor(self._threads, unpacked, body, encoding)
                load.add(len(body))
            return await self._stored(body, content_type)

    async def _stored(self, body: bytes, content_type: str) -> Answer:
        is_json = content_type == JSON
        try:
            if len(body) > _SLOW:
                sifted = await asyncio.get_running_loop().run_in_executor(self._threads, self._sift, body, is_json)
            else:
                sifted = self._sift(body, is_json)
        except SourceError as error:
            raise RefusedError(400, str(error)) from None
        if sifted.accepted:
            await self._committed(sifted.content)
        self.counts.requests += 1
        self.counts.accepted += sifted.accepted
        self.counts.rejected.update(sifted.rejected)
        return stored(content_type, sifted.rejected)

    async def _committed(self, content: bytes) -> None:
        try:
            await self._journal.put(content)
        except DiskFullError:
            self.counts.is_full = True
            raise RefusedError(503, "the disk that spans may take is full", retry_after=_LATER) from None
        except OSError as error:
            raise RefusedError(503, f"spans cannot be stored: {error.strerror}", retry_after=_LATER) from None
        self.counts.is_full = False

    def _health(self) -> Answer:
        counts = self.counts
        told = {
            "status": "full" if counts.is_full else "ok",
            "requests": counts.requests,
            "spans": {"accepted": counts.accepted, "rejected": dict(counts.rejected)},
            "refused": {str(status): count for status, count in counts.refused.items()},
        }
        return Answer(503 if counts.is_full else 200, JSON, json.dumps(told).encode())

    @contextmanager
    def _load(self) -> Iterator[_Load]:
        """What one request holds, given back at its end."""
        load = _Load(self)
        try:
            yield load
        finally:
            self._held -= load.size

    def hold(self, size: int) -> None:
        """Counts bytes that are held. Raises RefusedError when that is too many; they count all the same, until they are given back."""
        self._held += size
        if self._held > _MOST_AT_ONCE:
            raise RefusedError(429, "too many spans at once", retry_after=_SOON)


class _GoneError(Exception):
    """Who sent the request does not wait for its answer."""


class _Load:
    """How many bytes the endpoint holds for one request."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.size = 0

    def add(self, size: int) -> None:
        """Holds more. Raises RefusedError when all requests together hold too many."""
        self.size += size
        self._endpoint.hold(size)


async def _read(receive: Receive, load: _Load) -> bytes:
    """All of a body. Raises RefusedError for one that is too large or takes too long."""
    parts: list[bytes] = []
    is_whole = False
    try:
        async with asyncio.timeout(_PATIENCE):
            while not is_whole:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _GoneError
                parts.append(message.get("body", b""))
                load.add(len(parts[-1]))
                if load.size > LARGEST:
                    raise too_large()
                is_whole = not message.get("more_body", False)
    except TimeoutError:
        raise RefusedError(408, f"the body took longer than {_PATIENCE:.0f} s", headers=((b"connection", b"close"),)) from None
    return parts[0] if len(parts) == 1 else b"".join(parts)
