"""Documents that are targets of a repository of The Update Framework, for fleets that have one. Needs ``truetier-runtime[config,tuf]``.

Who vouches for what: TUF says that these bytes are the target of that name in what the repository says now, by keys that its root names
and that may change; it refuses metadata that is older, stale, mixed or signed by too few. What comes of it is a document like any other:
the reader verifies the envelope, whether the document is meant for its scope and is newer than what runs, and may be begun with. Both
have to agree, so neither set of keys is enough to have a document run. That is also why a start needs no repository: the copies that a
reader keeps are verified by their envelope, while TUF can verify nothing without its server.

What TUF refuses is told as a source that is down, with its reason: nothing new arrives, and what ran goes on.

Source: The Update Framework Specification 1.0, section 5, Detailed client workflow.
"""

from __future__ import annotations

import json
import os
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

from truetier_runtime.errors import SourceDownError, UsageError
from truetier_runtime.sources import Exchange, Fetched, address

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from tuf.ngclient import FetcherInterface


class Repository:
    """Where metadata and targets are served, and the ``root`` that is trusted to begin with: the content of a ``root.json``.

    The root comes with the program, never over the network. Later ones are followed from it, each signed by those of the one before; it
    may have expired. ``headers`` go along with each request. Raises UsageError.
    """

    __slots__ = ("headers", "metadata_url", "root", "ssl_context", "targets_url")

    def __init__(
        self,
        metadata_url: str,
        targets_url: str,
        root: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if find_spec("tuf") is None:
            raise UsageError("a repository of TUF cannot be read without truetier-runtime[tuf]")
        for url in (metadata_url, targets_url):
            address(url)
        _check_root(root)
        self.metadata_url = metadata_url
        self.targets_url = targets_url
        self.root = root
        self.headers = dict(headers or {})
        self.ssl_context = ssl_context


class TufSource:
    """The target of that name, as the repository has it now.

    ``folder`` is where TUF keeps what it saw last, without which it could not tell what is older: it has to last, and each process needs
    one of its own. A disk that is full keeps anything new away. ``timeout`` is how many seconds all requests of a poll may take together.
    """

    __slots__ = ("folder", "repository", "target", "timeout")

    def __init__(self, repository: Repository, target: str, folder: str, *, timeout: float = 10.0) -> None:
        self.repository = repository
        self.target = target
        self.folder = folder
        self.timeout = timeout

    def fetch(self, tag: str, most_bytes: int) -> Fetched:  # noqa: ARG002 - that nothing is new TUF finds out by itself
        """The target, verified by TUF; nothing of one that is longer than ``most_bytes``. Raises SourceDownError."""
        # Half a second, and nothing that a program should wait for when it starts.
        from tuf.api.exceptions import DownloadError, RepositoryError

        try:
            return Fetched(self._verified(most_bytes))
        except (RepositoryError, DownloadError) as error:
            raise SourceDownError(f"TUF does not vouch for {self.target}: {type(error).__name__}: {error}") from None
        except OSError as error:
            raise SourceDownError(f"TUF cannot keep what it needs in {self.folder}: {error}") from None

    def _verified(self, most_bytes: int) -> bytes:
        from tuf.ngclient import Updater

        targets = os.path.join(self.folder, "targets")
        # A new one each time: an updater looks for news once.
        updater = Updater(
            os.path.join(self.folder, "metadata"),
            self.repository.metadata_url,
            targets,
            self.repository.targets_url,
            _fetcher(self.repository, time.monotonic() + self.timeout),
            bootstrap=self.repository.root,
        )
        target = updater.get_targetinfo(self.target)
        if target is None:
            raise SourceDownError(f"{self.repository.metadata_url} names no target {self.target}")
        if target.length > most_bytes:
            raise SourceDownError(f"{self.target} has {target.length} bytes, more than are read of any document")
        with open(updater.find_cached_target(target) or updater.download_target(target), "rb") as file:
            return file.read()


def _fetcher(repository: Repository, until: float) -> FetcherInterface:
    """What fetches for TUF until that time, as other sources do: no redirects, no proxies, no second tries.

    TUF's own follows redirects, tries three times, and waits for each piece for as long as the server cares to drip.
    """
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient import FetcherInterface

    class Fetcher(FetcherInterface):
        def _fetch(self, url: str) -> Iterator[bytes]:
            left = until - time.monotonic()
            if left <= 0:
                raise SourceDownError(f"{url} was not asked: the time for all requests together is over")
            with Exchange(url, patience=left, total=left, ssl_context=repository.ssl_context) as exchange:
                response = exchange.send("GET", {"Accept-Encoding": "identity", **repository.headers})
                if response.status != 200:
                    raise DownloadHTTPError(f"{url} answered with status {response.status}, 200 was expected", response.status)
                yield from exchange.chunks(_MOST_BYTES)

    return Fetcher()


_MOST_BYTES = 2**62  # TUF stops by itself at the length that it knows, or at its limit for metadata


def _check_root(root: bytes) -> None:
    try:
        kind = json.loads(root)["signed"]["_type"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise UsageError(f"the root of a TUF repository was expected, found what is none: {type(error).__name__}: {error}") from None
    if kind != "root":
        raise UsageError(f"the root of a TUF repository was expected, found its {kind!r:.40}")
