"""Where documents come from: a folder, a server that speaks HTTP, a bucket. None of them is trusted; signatures are looked at later.

A source is asked for the whole document each time, reads no more of it than it is told to, and raises SourceDownError for whatever keeps
it from answering. A ``tag`` is what a source gave along with a document that was good; handed back, it may save sending the same again.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from truetier_runtime.errors import SourceDownError, UsageError

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from http.client import HTTPResponse
    from typing import Self

CURRENT = "current.snapshot"  # what a publisher calls it in a folder or under a prefix
WEB = ("http://", "https://")
_CHUNK = 65536
_MOST_TAG = 1000  # characters
_LEAST_SHARE = 0.001  # seconds to connect; with none at all a socket would not wait


class Fetched:
    """An answer: ``document`` is None when it is the one that ``tag`` was given for."""

    __slots__ = ("document", "tag")

    def __init__(self, document: bytes | None, tag: str = "") -> None:
        self.document = document
        self.tag = tag


class Source(Protocol):
    """What a poller asks."""

    def fetch(self, tag: str, most_bytes: int) -> Fetched:
        """The document, cut after ``most_bytes``. Raises SourceDownError."""
        ...


class FileSource:
    """A file that something else, a mount or a daemon, keeps up to date. A folder stands for ``current.snapshot`` in it."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def fetch(self, tag: str, most_bytes: int) -> Fetched:  # noqa: ARG002 - a file is read each time: that costs the same on every day
        """The file. Raises SourceDownError."""
        path = os.path.join(self.path, CURRENT) if os.path.isdir(self.path) else self.path
        try:
            with open(path, "rb") as file:
                return Fetched(file.read(most_bytes))
        except OSError as error:
            raise SourceDownError(f"cannot read {path}: {error.strerror or error}") from None


class HttpSource:
    """What a server answers at ``url``: status 200, or 304 for a tag. It is sent to no other place: redirects and proxies are not followed.

    ``timeout`` is how many seconds all of it may take, however slowly the server drips. ``headers`` go along with each request, for
    instance to say who asks. Raises UsageError for what is no address.
    """

    __slots__ = ("headers", "ssl_context", "timeout", "url")

    def __init__(
        self, url: str, *, timeout: float = 10.0, headers: Mapping[str, str] | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        address(url)
        self.url = url
        self.timeout = timeout
        self.headers = dict(headers or {})
        self.ssl_context = ssl_context

    def fetch(self, tag: str, most_bytes: int) -> Fetched:
        """The document. Raises SourceDownError."""
        headers = {"Accept-Encoding": "identity", **self.headers, **({"If-None-Match": tag} if tag else {})}
        with Exchange(self.url, patience=self.timeout, total=self.timeout, ssl_context=self.ssl_context) as exchange:
            response = exchange.send("GET", headers)
            if response.status == 304 and tag:
                return Fetched(None, tag)
            if response.status != 200:
                raise SourceDownError(f"{self.url} answered with status {response.status}, 200 was expected")
            document = b"".join(exchange.chunks(most_bytes))
            tag = response.getheader("ETag") or ""
            return Fetched(document, tag if len(tag) <= _MOST_TAG and tag.isprintable() else "")


class Exchange:
    """One request and its answer over HTTP. Everything raises SourceDownError.

    ``patience`` is how many seconds to wait for each piece, ``total`` for all of it; None is for a stream, which may last for days.
    """

    __slots__ = ("_address", "_connection", "_context", "_is_late", "_path", "_patience", "_response", "_socket", "_timer", "_url")

    def __init__(self, url: str, *, patience: float, total: float | None, ssl_context: ssl.SSLContext | None = None) -> None:
        from http.client import HTTPConnection, HTTPSConnection

        scheme, host, port, self._path = address(url)
        self._address = (host, port or (443 if scheme == "https" else 80))
        self._patience = patience
        self._url = url
        self._response: HTTPResponse | None = None
        self._socket: socket.socket | None = None
        self._context = (ssl_context or _usual_context()) if scheme == "https" else None
        self._connection = HTTPConnection(host, port) if self._context is None else HTTPSConnection(host, port, context=self._context)
        self._is_late = False
        # The timeout of a socket is for each piece that arrives; a server that sends a byte now and then never reaches it.
        self._timer = None if total is None else threading.Timer(total, self._end)

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._response is not None:
            self._response.close()
        self._connection.close()

    def send(self, method: str, headers: Mapping[str, str], body: bytes | None = None) -> HTTPResponse:
        """The status and the headers of the answer."""
        from http.client import HTTPException

        _check_headers(self._url, headers)
        try:
            self._connection.sock = self._socket = self._connected()  # the connection forgets it once nothing will follow the answer
            self._check_time()  # while it connected there was nothing yet that could be ended
            self._connection.request(method, self._path, body=body, headers={"Connection": "close", **headers})
            self._response = self._connection.getresponse()
        except (OSError, HTTPException, ValueError) as error:
            raise self._down(error) from None
        return self._response

    def chunks(self, most_bytes: int) -> Iterator[bytes]:
        """The body as it arrives, cut after ``most_bytes``."""
        from http.client import HTTPException, IncompleteRead

        assert self._response is not None
        expected = self._response.length  # None where the end of the connection is the end of the body
        left = most_bytes if expected is None else min(expected, most_bytes)
        try:
            while left > 0 and (chunk := self._response.read1(min(left, _CHUNK))):
                left -= len(chunk)
                yield chunk
            self._check_time()
            if left > 0 and expected is not None:
                raise IncompleteRead(b"", left)
        except (OSError, HTTPException, ValueError) as error:
            raise self._down(error) from None

    def lines(self) -> Iterator[bytes]:
        """The body line by line, for as long as it lasts. A line is cut after 64 kB."""
        from http.client import HTTPException

        assert self._response is not None
        try:
            while line := self._response.readline(_CHUNK):
                yield line
        except (OSError, HTTPException, ValueError) as error:
            raise self._down(error) from None

    def _connected(self) -> socket.socket:
        """A socket to one of the host's addresses. Each gets its share of the time, so that one which is silent hides no other."""
        import socket

        host, port = self._address
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        until = time.monotonic() + self._patience
        why = OSError(f"{host} has no address")
        for number, (family, kind, protocol, _, where) in enumerate(found):
            reached = socket.socket(family, kind, protocol)
            try:
                reached.settimeout(max(_LEAST_SHARE, (until - time.monotonic()) / (len(found) - number)))
                reached.connect(where)
                reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._context is not None:
                    reached = self._context.wrap_socket(reached, server_hostname=host)
                reached.settimeout(self._patience)
            except OSError as error:
                reached.close()
                why = error
            else:
                return reached
        raise why

    def _end(self) -> None:
        """Ends what another thread waits for."""
        import socket

        self._is_late = True
        if self._socket is not None:
            # Not the method of the TLS socket: that one makes a plain socket of it first, and until the connection has ended whoever
            # reads would be given what is encrypted, and whoever writes would write it in clear.
            with suppress(OSError):  # it may end by itself at the same moment
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _check_time(self) -> None:
        if self._is_late:
            raise TimeoutError("no end of the answer in time")

    def _down(self, error: Exception) -> SourceDownError:
        words = "no end of the answer in time" if self._is_late else f"{type(error).__name__}: {error}"
        return SourceDownError(f"{self._url} did not answer: {words}")


def _check_headers(url: str, headers: Mapping[str, str]) -> None:
    """What http.client refuses it repeats in its error; a header may be a secret, and errors are logged."""
    wrong = [name for name, value in headers.items() if not value.isprintable()]
    if wrong:
        raise SourceDownError(
            f"{url} was not asked: the header {', '.join(wrong)} has characters that no header may, as a line feed at its end"
        )


def _usual_context() -> ssl.SSLContext:
    """Servers whose authority the system trusts."""
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class BucketSource:
    """An object that fsspec can read, as ``s3://bucket/shop/current.snapshot``. ``options`` are those of its file system.

    How long to wait is among them. S3 is asked once a poll, unless ``config_kwargs`` say otherwise: s3fs by itself asks a bucket that is
    down up to 120 times, for a minute and a half.
    """

    __slots__ = ("options", "url")

    def __init__(self, url: str, **options: Any) -> None:  # noqa: ANN401 - each file system has its own
        self.url = url
        self.options = options

    def fetch(self, tag: str, most_bytes: int) -> Fetched:  # noqa: ARG002 - what a tag is differs from one file system to the next
        """The object. Raises SourceDownError."""
        try:
            files, path = self._opened()
            return Fetched(files.cat_file(path, start=0, end=most_bytes))
        except Exception as error:  # noqa: BLE001 - every file system raises what it likes
            raise SourceDownError(f"cannot read {self.url}: {type(error).__name__}: {error}") from None

    def _opened(self) -> tuple[Any, str]:
        """The file system and the path in it. Raises what it likes."""
        try:
            from fsspec import get_filesystem_class  # with what belongs to it, tens of milliseconds
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise ImportError(f"{error}: install truetier-runtime[config]") from None

        scheme = self.url.partition("://")[0]
        once: dict[str, Any] = {}
        if scheme in ("s3", "s3a") and get_filesystem_class(scheme).__module__.startswith("s3fs."):
            once = {"config_kwargs": {"retries": {"total_max_attempts": 1}}}  # a new one each time: it is written into
        files, path = url_to_fs(self.url, **{**once, **self.options})
        return files, path


def source_of(place: str) -> Source:
    """The source that a word on a command line or in a setting stands for: an address, or a path. Raises UsageError."""
    path = path_of(place)
    if path is not None:
        return FileSource(path)
    return HttpSource(place) if place.startswith(WEB) else BucketSource(place)


def path_of(place: str) -> str | None:
    """The path that such a word stands for, None where it is an address of another kind. Raises UsageError for half an address.

    Of ``file://`` too: fsspec would write a file in place, and leave half of it where it is interrupted.
    """
    scheme, is_address, path = place.partition("://")
    word, is_half, rest = place.partition(":/")
    if not is_address and is_half and word.isalnum() and len(word) > 1:  # one letter is a drive
        raise UsageError(f"{place!r} is half an address: {word}://{rest} was expected, or ./{place} for a path of that name")
    return place if not is_address else path if scheme in ("file", "local") else None


def hints(
    url: str, *, quiet: float = 60.0, headers: Mapping[str, str] | None = None, ssl_context: ssl.SSLContext | None = None
) -> Iterator[None]:
    """One None for each server-sent event that arrives at ``url``, until the connection ends; what it says does not matter.

    Raises SourceDownError, also when nothing at all arrives for ``quiet`` seconds: servers send a comment now and then.
    Source: HTML Living Standard, section 9.2, Server-sent events.
    """
    with Exchange(url, patience=quiet, total=None, ssl_context=ssl_context) as exchange:
        response = exchange.send("GET", {"Accept": "text/event-stream", "Cache-Control": "no-store", **(headers or {})})
        if response.status != 200 or "text/event-stream" not in (response.getheader("Content-Type") or ""):
            raise SourceDownError(f"{url} answered with status {response.status} and no stream of events")
        has_data = False
        for line in exchange.lines():
            if line in (b"\n", b"\r\n") and has_data:
                yield None
            has_data = line not in (b"\n", b"\r\n") and (has_data or line.startswith(b"data"))


def listen(
    url: str,
    hint: Callable[[], None],
    *,
    pause: Callable[[], float],
    headers: Mapping[str, str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> Callable[[], None]:
    """Calls ``hint`` for each event that arrives at ``url``, on a daemon thread of its own. What it gives ends that, at the next event.

    After each end of the connection, and before the first, it waits ``pause()`` seconds, which had better differ from one process to the
    next: a server that restarts is not met by everybody at once. Raises UsageError for what is no address.
    """
    address(url)
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(pause()):
            try:
                for _ in hints(url, headers=headers, ssl_context=ssl_context):
                    if stopped.is_set():
                        return
                    hint()
            except SourceDownError:
                pass  # that it is down the polls find out by themselves, and tell
            except Exception:
                logging.getLogger(__name__).exception("listening at %s begins anew", url)

    threading.Thread(target=run, name="truetier-hints", daemon=True).start()
    return stopped.set


def address(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port, and what comes after. Raises UsageError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is no address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise UsageError(f"{url!r} is no address of the form http://host/path or https://host/path")
    return parts.scheme, parts.hostname, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
