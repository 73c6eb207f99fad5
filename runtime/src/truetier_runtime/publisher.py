"""Signs documents and brings them to where readers look: to one place, or zone by zone with time to see what they do.

A publisher asks of a document all that a reader will ask, so that what is refused is refused before anything is changed. A version is
never taken back: a rollback is old content under a new, higher version, because readers take nothing else.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, Protocol

from truetier_runtime.copies import Files, write_whole
from truetier_runtime.errors import DocumentRefusedError, Mistake, SourceDownError, UsageError
from truetier_runtime.examine import Snapshot, examined, vouched_for
from truetier_runtime.signature import opened, sign, verify
from truetier_runtime.sources import CURRENT, WEB, BucketSource, Exchange, FileSource, HttpSource, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from truetier_runtime.examine import Rules
    from truetier_runtime.signature import Terms, TrustedKeys
    from truetier_runtime.sources import Fetched, Source

    Healthy = Callable[[str, int], bool]


# -- keys


def private_key(text: bytes) -> Ed25519PrivateKey:
    """The key in a PEM file that is not encrypted. Raises UsageError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"no private key in PEM: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"an Ed25519 key was expected, found {type(key).__name__}")
    return key


def public_key(text: bytes) -> bytes:
    """The 32 bytes of the key in a PEM file. Raises UsageError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"no public key in PEM: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"an Ed25519 key was expected, found {type(key).__name__}")
    return key.public_bytes_raw()


def new_key() -> tuple[bytes, bytes]:
    """A new private key and the public one that belongs to it, in PEM, as ``openssl genpkey -algorithm ed25519`` makes them."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


# -- places


class Target(Protocol):
    """Where readers look."""

    def fetch(self, tag: str, most_bytes: int) -> Fetched:
        """What is there now, as of a source."""
        ...

    def put(self, document: bytes) -> None:
        """Replaces what is there, at once. Raises SourceDownError."""
        ...

    def is_bare(self) -> bool:
        """Whether nothing is there yet. Raises SourceDownError where that cannot be told."""
        ...


class FileTarget(FileSource):
    """A file, or ``current.snapshot`` in a folder."""

    __slots__ = ()

    def __init__(self, path: str) -> None:
        super().__init__(os.path.join(path, CURRENT) if os.path.isdir(path) or path.endswith(os.sep) else path)

    def put(self, document: bytes) -> None:
        """Replaces the file. Raises SourceDownError."""
        try:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
            write_whole(Files(), self.path, document)
        except OSError as error:
            raise SourceDownError(f"cannot write {self.path}: {error.strerror or error}") from None

    def is_bare(self) -> bool:
        """Whether there is no such file. Raises SourceDownError."""
        try:
            os.lstat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:  # as without permission, or on a disk that fails: then there may be one
            raise SourceDownError(f"cannot read {self.path}: {error.strerror or error}") from None
        return False


class HttpTarget(HttpSource):
    """An address that takes PUT."""

    __slots__ = ()

    def put(self, document: bytes) -> None:
        """Sends the document. Raises SourceDownError."""
        headers = {"Content-Type": "application/octet-stream", **self.headers}
        with Exchange(self.url, patience=self.timeout, total=self.timeout, ssl_context=self.ssl_context) as exchange:
            status = exchange.send("PUT", headers, document).status
        if not 200 <= status < 300:
            raise SourceDownError(f"{self.url} answered with status {status} to PUT, 2xx was expected")

    def is_bare(self) -> bool:
        """Whether it answers with 404 or 410. Raises SourceDownError."""
        with Exchange(self.url, patience=self.timeout, total=self.timeout, ssl_context=self.ssl_context) as exchange:
            return exchange.send("GET", self.headers).status in (404, 410)


class BucketTarget(BucketSource):
    """An object that fsspec can write. It is one object, put whole: where that is one request, as in S3, readers see the old or the new."""

    __slots__ = ()

    def put(self, document: bytes) -> None:
        """Replaces the object. Raises SourceDownError."""
        try:
            files, path = self._opened()
            files.pipe_file(path, document)
        except Exception as error:  # noqa: BLE001 - every file system raises what it likes
            raise SourceDownError(f"cannot write {self.url}: {type(error).__name__}: {error}") from None

    def is_bare(self) -> bool:
        """Whether there is no such object. Raises SourceDownError."""
        try:
            files, path = self._opened()
            files.invalidate_cache()  # somebody else may have published since
            files.info(path)  # not by exists, which says of many file systems that are down that nothing is there
        except FileNotFoundError:
            return True
        except Exception as error:  # noqa: BLE001 - every file system raises what it likes
            raise SourceDownError(f"cannot read {self.url}: {type(error).__name__}: {error}") from None
        return False


def target_of(place: str, *, headers: Mapping[str, str] | None = None) -> FileTarget | HttpTarget | BucketTarget:
    """The target that a word on a command line stands for: an address, or a path. Raises UsageError."""
    path = path_of(place)
    if path is not None:
        return FileTarget(path)
    return HttpTarget(place, headers=headers) if place.startswith(WEB) else BucketTarget(place)


# -- what is done


def fetched(source: Source, most_bytes: int) -> bytes:
    """The whole document of a source. Raises SourceDownError, and DocumentRefusedError by way of whoever reads more than ``most_bytes``."""
    document = source.fetch("", most_bytes + 1).document
    assert document is not None  # without a tag there is nothing that it could be the same as
    return document


def current(target: Target, rules: Rules) -> Snapshot | None:
    """What readers of a place run; None where nothing is there yet. Raises SourceDownError, DocumentRefusedError."""
    if target.is_bare():
        return None
    document = fetched(target, rules.limits.max_bytes)
    envelope = opened(document)
    # What it says was judged when it was published. Whether it may be begun with today does not matter either.
    vouched_for(document, rules, envelope.header.version)
    return Snapshot(_plain(envelope.body), envelope.header, document)


def check(document: bytes, target: Target, rules: Rules, now: float, *, replaces_damaged: bool = False) -> Snapshot | None:
    """What would run where ``target`` is read; None if that runs there already. Raises DocumentRefusedError, SourceDownError.

    What lies there and cannot be verified says nothing about which version readers run: ``replaces_damaged`` is needed to go over it.
    """
    try:
        running = current(target, rules)
    except DocumentRefusedError as error:
        if not replaces_damaged:
            told = [Mistake(mistake.reason, f"what is there now: {mistake.message}") for mistake in error.mistakes]
            raise DocumentRefusedError(*told) from None
        running = None
    return examined(document, rules, running or Snapshot({}), now)


def publish(document: bytes, target: Target, rules: Rules, now: float, *, replaces_damaged: bool = False) -> bool:
    """Puts a document where readers look, if they will take it. Whether it was not there yet, or lacked signatures. Raises as ``check``."""
    is_there = check(document, target, rules, now, replaces_damaged=replaces_damaged) is None
    if is_there and opened(document).signatures.keys() <= opened(fetched(target, rules.limits.max_bytes)).signatures.keys():
        return False
    target.put(document)
    return True


def rolled_back(old: bytes, trusted: TrustedKeys, terms: Terms, keys: Iterable[Ed25519PrivateKey]) -> bytes:
    """The content of an old document under new terms. Raises DocumentRefusedError where the old one is not good, UsageError."""
    envelope = opened(old)
    verify(envelope, trusted)
    header = envelope.header
    if header.scope != terms.scope:
        raise UsageError(f"the old document is of scope {header.scope!r}, not of {terms.scope!r}")
    if header.version >= terms.version:
        raise UsageError(f"a rollback takes a new version: above {header.version}, not {terms.version}")
    return sign(envelope.body, terms, keys)


class Zone:
    """A part of the world that gets a document before the next one does."""

    __slots__ = ("name", "target")

    def __init__(self, name: str, target: Target) -> None:
        self.name = name
        self.target = target


class Watch:
    """How a zone is watched before the next one gets the document.

    ``is_healthy`` is given the name of the zone and the version, and has to give True, asked every ``every`` seconds for ``seconds``.
    ``tell`` is given a line for each thing that happens. Raises UsageError.
    """

    __slots__ = ("every", "is_healthy", "seconds", "sleep", "tell")

    def __init__(
        self,
        is_healthy: Healthy,
        *,
        seconds: float,
        every: float = 30.0,
        sleep: Callable[[float], object] = time.sleep,
        tell: Callable[[str], object] = str,
    ) -> None:
        self.is_healthy = is_healthy
        self.seconds = seconds
        self.every = every
        self.sleep = sleep
        self.tell = tell
        if seconds < 0 or every <= 0:
            raise UsageError(f"{seconds:g} seconds of baking, looked at every {every:g}, cannot be")


class Staged:
    """How far a document came: the zones that have it, and why it stopped, empty if it did not."""

    __slots__ = ("halted", "reached")

    def __init__(self, reached: tuple[str, ...], halted: str = "") -> None:
        self.reached = reached
        self.halted = halted


def stage(document: bytes, zones: list[Zone], rules: Rules, watch: Watch, *, clock: Callable[[], float] = time.time) -> Staged:
    """Publishes zone by zone, in order, and halts when one is not healthy: before it is touched, or while it bakes.

    No zone is touched unless each of them will take the document; what they refuse is told together, by DocumentRefusedError. A second
    run goes on where the first one ended: zones that have the document are not written again, but looked at for as long.
    """
    _check_zones(document, zones, rules, clock())
    version = opened(document).header.version
    reached: list[str] = []
    for zone in zones:
        why = _health(watch.is_healthy, zone.name, version)
        if why:
            return Staged(tuple(reached), f"{zone.name} was not healthy before it was touched: {why}")
        try:
            is_new = publish(document, zone.target, rules, clock())
        except (SourceDownError, DocumentRefusedError) as error:
            return Staged(tuple(reached), f"{zone.name} did not take it: {error}")
        reached.append(zone.name)
        watch.tell(f"{zone.name}: version {version} {'published' if is_new else 'is there already'}, baking for {watch.seconds:g} s")
        left = watch.seconds
        while not (why := _health(watch.is_healthy, zone.name, version)) and left > 0:
            watch.sleep(min(watch.every, left))
            left -= watch.every
        if why:
            return Staged(tuple(reached), f"{zone.name} is not healthy: {why}")
    return Staged(tuple(reached))


def _check_zones(document: bytes, zones: list[Zone], rules: Rules, now: float) -> None:
    names = [zone.name for zone in zones]
    if not names or len(set(names)) < len(names):
        raise UsageError("zones are needed, at least one, each with a name of its own")
    wrong = []
    for zone in zones:
        try:
            check(document, zone.target, rules, now)
        except DocumentRefusedError as error:
            wrong += [Mistake(mistake.reason, f"{zone.name}: {mistake.message}") for mistake in error.mistakes]
    if wrong:
        raise DocumentRefusedError(*wrong)


def _health(is_healthy: Healthy, zone: str, version: int) -> str:
    """Why it is not; empty if it is."""
    try:
        return "" if is_healthy(zone, version) is True else "the check says so"
    except Exception as error:  # noqa: BLE001 - a check that fails has not said that all is well
        return f"{type(error).__name__}: {error}"


def _plain(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
