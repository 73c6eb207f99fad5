"""Takes spans in over OTLP/HTTP and keeps what mining needs of them in a folder (docs/adr/0013)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from truetier.errors import UsageError
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truetier.sources.traces.otlp_wire.sieve import Sifted
    from truetier.telemetry.receiver.endpoint import Counts, Endpoint
    from truetier.telemetry.receiver.segments import Segments

_STATUS_SECONDS = 60.0
_THREADS = 2  # that unpack and sift; more would need more memory and be no faster
_MALFORMED = "malformed span"


class Storage(NamedTuple):
    """Where spans are kept, how many bytes that may take, and which attributes are kept beside those that observe looks at."""

    folder: str
    most: int
    kept_attributes: Sequence[str] = ()


class Listening(NamedTuple):
    """Where to listen, and what protects it: a token that senders show, a certificate chain and its key for TLS."""

    host: str
    port: int
    token: str | None = None
    certificate: tuple[str, str] | None = None


def receive(to: Storage, at: Listening, *, clock: Callable[[], float], say: Callable[[str], None]) -> None:
    """Serves until told to end by SIGTERM or SIGINT. ``clock`` gives seconds since 1970.

    Raises UsageError when it would listen to others unprotected, or cannot listen there; SourceError for a folder that cannot be used.
    """
    try:
        from truetier.telemetry.receiver.endpoint import Endpoint
        from truetier.telemetry.receiver.journal import Journal
        from truetier.telemetry.receiver.segments import Segments
        from truetier.telemetry.receiver.server import serve
    except ModuleNotFoundError as error:
        raise UsageError(f"receive needs {error.name}: install truetier[receiver]") from error

    _check_certificate(at.certificate)
    with closing(_socket(at)) as listening, closing(Segments(to.folder, to.most, clock)) as segments:
        if segments.recovered is not None:
            say(f"{segments.recovered.file}: {segments.recovered.words}")
        host, port = listening.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        where = f"http{'s' if at.certificate else ''}://{name}:{port}/v1/traces"

        async def run() -> None:
            with ThreadPoolExecutor(_THREADS, "sift") as threads:
                journal = Journal(segments)
                endpoint = Endpoint(journal, sift_with(to.kept_attributes), threads, token=at.token)
                status = asyncio.create_task(_tell(endpoint, segments, say))
                await serve(
                    endpoint,
                    listening,
                    certificate=at.certificate,
                    ready=lambda: say(f"receiving at {where}; {_disk(segments)} in {to.folder}"),
                )
                status.cancel()
                await journal.close()
            say(f"ended; {said(endpoint.counts)}; {_disk(segments)} in {to.folder}")

        asyncio.run(run())


def sift_with(kept_attributes: Sequence[str]) -> Callable[[bytes, bool], Sifted]:
    """What takes a body, and whether it is JSON, to what is kept of it."""
    from truetier.sources.traces.otlp_wire.sieve import sieve
    from truetier.sources.traces.otlp_wire.transcoding import to_protobuf

    sift = sieve(kept_attributes)

    def sifted(body: bytes, is_json: bool) -> Sifted:  # noqa: FBT001 - what the content type says
        if not is_json:
            return sift(body)
        request, malformed = to_protobuf(body)
        found = sift(request)
        if not malformed:
            return found
        return found._replace(rejected={**found.rejected, _MALFORMED: malformed + found.rejected.get(_MALFORMED, 0)})

    return sifted


def said(counts: Counts) -> str:
    """The counts in words."""
    parts = [f"{counts.accepted:,} spans accepted in {counts.requests:,} requests"]
    parts += [f"{count:,} rejected: {reason}" for reason, count in sorted(counts.rejected.items())]
    parts += [f"{count:,} requests {f'refused with {status}' if status else 'cut off'}" for status, count in sorted(counts.refused.items())]
    return "; ".join(parts)


async def _tell(endpoint: Endpoint, segments: Segments, say: Callable[[str], None]) -> None:
    """Says every minute what has come, if anything has, and at once when the disk is full."""
    last, was_full, waited = said(endpoint.counts), False, 0.0
    while True:
        await asyncio.sleep(1.0)
        waited += 1.0
        counts = endpoint.counts
        now = said(counts)
        if counts.is_full and not was_full:
            say(f"full: {_disk(segments)}; nothing is stored until files are taken away or --max-disk is raised")
        elif now != last and waited >= _STATUS_SECONDS:
            say(f"{now}; {_disk(segments)}")
            last, waited = now, 0.0
        was_full = counts.is_full


def _disk(segments: Segments) -> str:
    return f"{segments.used / 1e6:,.1f} of {segments.most / 1e6:,.1f} MB"


def _socket(at: Listening) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(at.host, at.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UsageError(f"cannot listen at {at.host}: {error.strerror or error}") from None
    if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback and at.token is None and at.certificate is None:
        raise UsageError(f"{at.host} can be reached by others: give --token-file, or --tls-cert and --tls-key, or listen on 127.0.0.1")
    found = socket.socket(family, kind)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise UsageError(f"cannot listen at {at.host}:{at.port}: {(error.strerror or str(error)).lower()}") from None
    return found


def _check_certificate(files: tuple[str, str] | None) -> None:
    if files is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files)
    except OSError as error:  # what ssl raises is one
        raise UsageError(f"cannot use {files[0]} with {files[1]}: {error.strerror or error}") from None
