"""A real server on the loopback interface that answers what a test tells it to."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


class Served:
    """What is answered: ``answer`` writes it to the connection; ``etag`` and ``document`` are what the usual answer is made of."""

    def __init__(self) -> None:
        self.document = b""
        self.etag = ""
        self.status = 200
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.put: dict[str, bytes] = {}
        self.answer: Callable[[BaseHTTPRequestHandler], None] = self.usual
        self.ended = threading.Event()
        self.url = ""

    def usual(self, request: BaseHTTPRequestHandler) -> None:
        known = request.headers.get("If-None-Match")
        is_known = self.status == 200 and self.etag != "" and known == self.etag
        document = b"" if is_known else self.document
        request.send_response(304 if is_known else self.status)
        if self.etag:
            request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(document)))
        request.end_headers()
        request.wfile.write(document)


@contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """The server; with a context of its own it speaks TLS."""
    what = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            what.asked.append((self.command, self.path, dict(self.headers)))
            what.answer(self)

        def do_PUT(self) -> None:
            what.put[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(what.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up is part of the test
    what.url = f"http://127.0.0.1:{server.server_port}"
    if tls is not None:
        # The handshake is left to the thread of each connection: a client that refuses does not hold up the others.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        what.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield what
    finally:
        what.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
