"""What happens to good tokens while their issuer is not well: one row a probe, ours beside the client that PyJWT brings along.

Usage: .venv/bin/python benchmarks/token_probes.py
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from truetier_runtime.copies import Copies
from truetier_runtime.errors import TokenRefusedError
from truetier_runtime.sources import HttpSource
from truetier_runtime.token_keys import Keys
from truetier_runtime.tokens import Issuer, Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME, AUDIENCE = "https://login.example", "shop"
LIFESPAN, TIMEOUT = 0.2, 0.5  # seconds that PyJWKClient keeps keys and waits for them here; 300 and 30 unless given
KEYS = {kid: Ed25519PrivateKey.generate() for kid in ("old", "new", "stranger")}


def key_set(*kids: str) -> bytes:
    """What an issuer lists."""
    listed = [{**OKPAlgorithm.to_jwk(KEYS[kid].public_key(), as_dict=True), "kid": kid} for kid in kids]
    return json.dumps({"keys": listed}).encode()


def token(kid: str, named: str | None = None) -> str:
    """A token that is good for five minutes."""
    claims = {"iss": NAME, "aud": AUDIENCE, "exp": time.time() + 300}
    return jwt.encode(claims, KEYS[kid], "EdDSA", headers={"kid": named or kid})


class Server:
    """An issuer that lists its keys, fails, or never answers."""

    def __init__(self) -> None:
        self.document = key_set("old")
        self.status = 200
        self.asked = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.url = ""


@contextmanager
def issuer() -> Iterator[Server]:
    """One on the loopback interface."""
    what = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            what.asked += 1
            what.go_on.wait(30)
            self.send_response(what.status)
            self.send_header("Content-Length", str(len(what.document)))
            self.end_headers()
            self.wfile.write(what.document)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients that gave up are what is probed
    what.url = f"http://127.0.0.1:{server.server_port}/keys"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield what
    finally:
        what.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Ours:
    """Keys that a poller looks after, at its pace."""

    title = "truetier-runtime"

    def __init__(self, url: str, folder: str) -> None:
        self.keys = Keys(Issuer(NAME, audience=AUDIENCE), Copies(folder))
        self.keys.start()
        self.poller = self.keys.poller(HttpSource(url, timeout=TIMEOUT))
        self.poller.poll()
        self.verifier = Verifier(self.keys)
        self.stop = self.poller.start()

    def verify(self, text: str) -> str:
        """What becomes of a token."""
        try:
            self.verifier.verify(text)
        except TokenRefusedError as error:
            return f"refused: {error.reason}"
        return "accepted"


class Theirs:
    """PyJWKClient as its manual shows it; only its times are shorter."""

    title = f"PyJWKClient {version('pyjwt')}"

    def __init__(self, url: str, folder: str) -> None:  # noqa: ARG002 - it keeps nothing on disk
        self.client = jwt.PyJWKClient(url, lifespan=LIFESPAN, timeout=TIMEOUT)

    def verify(self, text: str) -> str:
        """What becomes of a token."""
        try:
            key = self.client.get_signing_key_from_jwt(text)
            jwt.decode(text, key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=NAME)
        except jwt.PyJWTError as error:
            return f"refused: {type(error).__name__}"
        return "accepted"

    def stop(self) -> None:
        """Nothing runs."""


LIBRARIES: tuple[type[Any], ...] = (Ours, Theirs)


@contextmanager
def running(library: type[Any]) -> Iterator[tuple[Any, Server]]:
    """One that has verified a token, and whose keys are older than PyJWKClient keeps them."""
    with issuer() as server, tempfile.TemporaryDirectory() as folder:
        made = library(server.url, folder)
        if made.verify(token("old")) != "accepted":
            raise AssertionError(library.title)
        time.sleep(LIFESPAN + 0.05)
        server.asked = 0
        try:
            yield made, server
        finally:
            made.stop()


def down(library: type[Any]) -> str:
    """The issuer answers 503"""
    with running(library) as (made, server):
        server.status = 503
        return str(made.verify(token("old")))


def restarted(library: type[Any]) -> str:
    """The issuer answers 503, and the service starts anew"""
    with issuer() as server, tempfile.TemporaryDirectory() as folder:
        library(server.url, folder).stop()
        server.status = 503
        made = library(server.url, folder)
        told = str(made.verify(token("old")))
        made.stop()
        return told


def empty(library: type[Any]) -> str:
    """The issuer answers with an empty list"""
    with running(library) as (made, server):
        server.document = b'{"keys": []}'
        return str(made.verify(token("old")))


def hanging(library: type[Any]) -> str:
    """The issuer never answers, eight threads verify a good token each"""
    with running(library) as (made, server):
        server.go_on.clear()
        good = token("old")
        ends: list[str] = []
        threads = [threading.Thread(target=lambda: ends.append(made.verify(good))) for _ in range(8)]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return f"{', '.join(f'{count} {end}' for end, count in Counter(ends).items())}, after {time.perf_counter() - begin:.1f} s"


def storm(library: type[Any]) -> str:
    """A thousand tokens name keys that are not there: requests that the issuer gets"""
    with running(library) as (made, server):
        for number in range(1000):
            made.verify(token("stranger", f"key {number}"))
        return str(server.asked)


def storm_while_down(library: type[Any]) -> str:
    """The same while it answers 503"""
    with running(library) as (made, server):
        server.status = 503
        for number in range(1000):
            made.verify(token("stranger", f"key {number}"))
        return str(server.asked)


def rotated(library: type[Any]) -> str:
    """The issuer lists a new key alone; a token that the one before signed a second ago"""
    with running(library) as (made, server):
        good = token("old")
        server.document = key_set("new")
        if library is Ours:
            made.poller.poll()
        return str(made.verify(good))


PROBES = (down, restarted, empty, hanging, storm, storm_while_down, rotated)


def main() -> None:
    """Prints the table in Markdown."""
    print(f"| Probe | {' | '.join(library.title for library in LIBRARIES)} |")
    print(f"|---|{'---|' * len(LIBRARIES)}")
    for probe in PROBES:
        told = " | ".join(probe(library) for library in LIBRARIES)
        print(f"| {probe.__doc__} | {told} |")


if __name__ == "__main__":
    main()
