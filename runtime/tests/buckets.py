"""A real server of the S3 interface on the loopback interface, that can be watched between any two requests."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Buckets:
    """With one bucket, ``config``. ``options`` are what fsspec's S3 has to be given.

    ``watch`` is called before and after each request but those that it makes itself.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.watch: Callable[[], None] | None = None
        self._inner = DomainDispatcherApplication(create_backend_app)

    @property
    def options(self) -> dict[str, Any]:
        return s3_at(self.url)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI's
        watch, self.watch = self.watch, None
        if watch is None:
            return list(self._inner(environ, start_response))
        self.asked.append(environ["REQUEST_METHOD"])
        watch()
        answer = list(self._inner(environ, start_response))
        watch()
        self.watch = watch
        return answer


def s3_at(url: str) -> dict[str, Any]:
    """What fsspec's S3 has to be given to ask a server there."""
    return {"endpoint_url": url, "key": "a", "secret": "b", "client_kwargs": {"region_name": "us-east-1"}}


@contextmanager
def buckets() -> Iterator[Buckets]:
    what = Buckets()

    class Silent(WSGIRequestHandler):
        def log(self, *_: object) -> None:
            return

    server = make_server("127.0.0.1", 0, what, threaded=True, request_handler=Silent)
    what.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        _asked("POST", f"{what.url}/moto-api/reset")  # what it holds belongs to the process, not to one server
        _asked("PUT", f"{what.url}/config")
        yield what
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _asked(method: str, url: str) -> None:
    with urlopen(Request(url, method=method)):
        return
