"""The public keys of an issuer of tokens, as good as they were ever known: needs the extra ``jwt``.

``Keys`` are offered JSON Web Key Sets, by a poller or by hand. A set that is empty, malformed or without a key of use changes nothing;
neither does an issuer that is down. What is known is kept on disk, with the moment the issuer last confirmed it, so that a start needs no
issuer. Whoever can write to that folder can add keys: it is as private as the program.

Theory: what is known is one tuple, replaced and never changed, so that a verification sees it as a whole, without a lock. A key that
an issuer lists is good while its confirmation is younger than ``max_key_age``; one that it lists no more, for ``overlap`` seconds from
the first answer without it. So no token is refused because its key was rotated, if the issuer lists a key for as long as it takes to
poll before it signs with it, and if tokens that an old key signed live no longer than ``overlap``. Under one name there may be two keys
then, since issuers have been seen to use names twice.

Source: RFC 7517 (JSON Web Key), RFC 7518 (JSON Web Algorithms), section 3.1, RFC 7638 (thumbprints), RFC 8725 (best current practices).
"""

from __future__ import annotations

import json
import math
import threading
from typing import TYPE_CHECKING, Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from truetier_runtime.errors import DocumentRefusedError, Mistake, UsageError
from truetier_runtime.examine import parsed
from truetier_runtime.hooks import (
    ISSUER_DOWN,
    ISSUER_UP,
    KEYS_AGE,
    KEYS_AGEING,
    KEYS_CHANGED,
    KEYS_COPY_REFUSED,
    KEYS_NOT_STORED,
    KEYS_REFUSED,
    KEYS_TOO_OLD,
    Fact,
    tell,
)
from truetier_runtime.poller import Pace, Poller
from truetier_runtime.refusal import EMPTY, MALFORMED, OVERSIZE
from truetier_runtime.snapshot import Clocks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truetier_runtime.copies import Copies
    from truetier_runtime.hooks import Hook
    from truetier_runtime.sources import Source

# By algorithm: the kind of key and its curve. All are asymmetric; an issuer's public key is no secret to make a MAC with.
ALGORITHMS: dict[str, tuple[str, str | None]] = {
    **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_LEAST_RSA = 2048  # bits; RFC 7518, section 3.3
_MOST_BYTES, _MOST_KEYS = 262_144, 100
_FINEST = 100  # a copy on disk is written anew when its age is wrong by one in so many parts of the age allowed
PACE = Pace(60.0, least_gap=10.0, spread=5.0)


class Issuer:
    """Who signs tokens, and what is expected of them.

    ``name`` is what tokens have in ``iss``. ``audience``: names that stand for this service; a token needs one of them in ``aud``.
    ``algorithms`` are the only ones accepted; of asymmetric ones. ``types`` may stand in the header ``typ``, whatever their case; "" lets
    pass what has none. ``required`` claims, besides ``iss``, ``aud`` and ``exp``, which always are. ``leeway``: seconds that clocks may
    differ. ``overlap``: seconds that a key stays good after the issuer stopped listing it. ``max_key_age``: seconds that keys are trusted
    while the issuer confirms none; as long as the longest outage of the issuer that is to be survived, a week unless given.
    Raises UsageError with everything that is wrong.
    """

    __slots__ = ("algorithms", "audience", "leeway", "max_key_age", "name", "overlap", "required", "types")

    def __init__(  # noqa: PLR0913 - an expectation each
        self,
        name: str,
        *,
        audience: str | Iterable[str],
        algorithms: Iterable[str] = ("RS256", "ES256", "EdDSA"),
        types: Iterable[str] = ("JWT", "at+jwt"),
        required: Iterable[str] = (),
        leeway: float = 30.0,
        overlap: float = 3600.0,
        max_key_age: float = 7 * 86400.0,
    ) -> None:
        self.name = name
        self.audience = frozenset([audience] if isinstance(audience, str) else audience)
        self.algorithms = frozenset(algorithms)
        self.types = frozenset(map(str.lower, types))
        self.required = tuple(required)
        self.leeway = leeway
        self.overlap = overlap
        self.max_key_age = max_key_age
        wrong = [] if name else ["it has no name"]
        wrong += [] if self.audience and all(self.audience) else ["audience is empty: a token for anybody would be accepted"]
        wrong += [] if self.algorithms else ["algorithms are empty"]
        known = ", ".join(ALGORITHMS)
        wrong += [f"algorithm {one!r} is none of {known}" for one in sorted(self.algorithms - set(ALGORITHMS))]
        wrong += [] if 0 <= leeway < math.inf else [f"leeway is {leeway}, zero or more seconds were expected"]
        wrong += [] if 0 <= overlap < math.inf else [f"overlap is {overlap}, zero or more seconds were expected"]
        wrong += [] if 0 < max_key_age < math.inf else [f"max_key_age is {max_key_age}, more than 0 seconds were expected"]
        if wrong:
            raise UsageError(f"issuer {name!r}: {'; '.join(wrong)}")


class Key:
    """A public key under the name ``kid``. ``until``: seconds of the monotonic clock; infinite while its issuer lists it.

    ``by_algorithm`` has a verifier for each algorithm that both the key and its issuer allow.
    """

    __slots__ = ("by_algorithm", "jwk", "kid", "until")

    def __init__(self, jwk: dict[str, Any], by_algorithm: dict[str, PyJWK], until: float = math.inf) -> None:
        self.kid: str = jwk["kid"]
        self.jwk = jwk
        self.by_algorithm = by_algorithm
        self.until = until

    def good_until(self, moment: float) -> Key:
        """The same key with another end."""
        return Key(self.jwk, self.by_algorithm, moment)

    def same(self) -> tuple[str, ...]:
        """What tells it from others: its name, and what RFC 7638 hashes."""
        kind = self.jwk["kty"]
        return (self.kid, kind, *(self.jwk[part] for part in _PARTS[kind]))


def rotated(before: tuple[Key, ...], listed: tuple[Key, ...], now: float, overlap: float) -> tuple[Key, ...]:
    """What is known once an issuer lists these keys: those, and what it no longer lists while that stays good."""
    still = {key.same() for key in listed}
    removed = [key.good_until(min(key.until, now + overlap)) for key in before if key.same() not in still]
    return (*listed, *(key for key in removed if key.until > now))


def listed_in(document: bytes, issuer: Issuer) -> tuple[Key, ...]:
    """The keys of a JSON Web Key Set that this issuer may sign with; others are passed over. Raises DocumentRefusedError."""
    if len(document) > _MOST_BYTES:
        raise DocumentRefusedError(Mistake(OVERSIZE, f"more than {_MOST_BYTES} bytes"))
    jwks = parsed(document).get("keys")
    if not isinstance(jwks, list) or len(jwks) > _MOST_KEYS:
        raise DocumentRefusedError(Mistake(MALFORMED, f"a list of up to {_MOST_KEYS} keys was expected under 'keys'"))
    keys = {key.same(): key for jwk in jwks if (key := _usable(jwk, issuer)) is not None}
    if not keys:
        allowed = ", ".join(sorted(issuer.algorithms))
        raise DocumentRefusedError(Mistake(EMPTY, f"of {len(jwks)} keys none has a name and is a public key to verify {allowed} with"))
    return tuple(keys.values())


def _usable(jwk: object, issuer: Issuer) -> Key | None:
    """A key to verify with, or None. One that comes with its private part is everybody's, and signs nothing."""
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or "d" in jwk or jwk.get("use", "sig") != "sig":
        return None
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    kind = (jwk.get("kty"), jwk.get("crv"))
    fitting = [one for one in issuer.algorithms if ALGORITHMS[one] == kind and jwk.get("alg", one) == one]
    public = {name: jwk[name] for name in ("kid", "kty", *_PARTS.get(str(kind[0]), ()), "alg") if name in jwk}
    try:
        made = {one: PyJWK(public, one) for one in fitting}
    except (PyJWTError, TypeError, ValueError):
        return None
    strong = {one: key for one, key in made.items() if getattr(key.key, "key_size", _LEAST_RSA) >= _LEAST_RSA or kind[0] != "RSA"}
    return Key(public, strong) if strong else None


class _Stored:
    """What the newest copy on disk says."""

    __slots__ = ("_keys", "confirmed_at", "document")

    def __init__(self, document: bytes, known: tuple[Key, ...], confirmed_at: float) -> None:
        self.document = document
        self._keys = self._named(known)
        self.confirmed_at = confirmed_at

    def says(self, known: tuple[Key, ...]) -> bool:
        """Whether these are its keys, listed or not. When an overlap ends differs by a poll between processes, and by that alone."""
        return self._keys == self._named(known)

    @staticmethod
    def _named(known: tuple[Key, ...]) -> set[tuple[tuple[str, ...], bool]]:
        return {(key.same(), key.until == math.inf) for key in known}


class Keys:
    """The keys of one issuer. ``copies`` are None where nothing is to be written to disk; their folder is for this issuer alone."""

    __slots__ = ("_clocks", "_confirmed_at", "_copies", "_hint", "_hooks", "_is_down", "_known", "_lock", "_stored", "issuer", "version")

    def __init__(self, issuer: Issuer, copies: Copies | None = None, *, hooks: tuple[Hook, ...] = (), clocks: Clocks | None = None) -> None:
        self.issuer = issuer
        self.version = 0  # how often the keys changed; 0 while none were seen
        self._copies = copies
        self._hooks = hooks
        self._clocks = clocks or Clocks()
        self._lock = threading.Lock()  # held for assignments only
        self._known: tuple[Key, ...] = ()
        self._confirmed_at = -math.inf
        self._stored = _Stored(b"", (), -math.inf)
        self._is_down = False
        self._hint: Poller | None = None

    @property
    def scope(self) -> str:
        """The issuer's name, as pollers want it."""
        return self.issuer.name

    @property
    def max_bytes(self) -> int:
        """The longest key set that is taken."""
        return _MOST_BYTES

    @property
    def is_down(self) -> bool:
        """Whether the issuer failed when it was last asked."""
        return self._is_down

    @property
    def age(self) -> float:
        """Seconds since the issuer last confirmed its keys, over restarts too; infinite while it never did."""
        return self._clocks.monotonic() - self._confirmed_at

    def poller(self, source: Source, pace: Pace = PACE) -> Poller:
        """What keeps the keys up to date: start it. The name of a key that is not known asks it to poll early.

        That is at most once each ``pace.least_gap`` seconds, however many ask, and not while the issuer is down.
        """
        self._hint = Poller(self, source, pace, clock=self._clocks.monotonic)
        return self._hint

    def start(self) -> None:
        """Takes the newest keys on disk that can be read. Never raises for what is on disk."""
        for version in self._versions():
            try:
                assert self._copies is not None
                document = self._copies.read(version, 2 * _MOST_BYTES)
                known, confirmed_at = self._recalled(document)
            except (OSError, DocumentRefusedError) as error:
                self._tell(KEYS_COPY_REFUSED, f"version {version}: {error}")
                continue
            with self._lock:
                if confirmed_at <= self._confirmed_at:  # started again, or late: what is known is as new
                    break
                self._known, self._confirmed_at, self.version = known, confirmed_at, self.version + 1
            self._stored = _Stored(document, known, confirmed_at)
            self._tell(KEYS_CHANGED, f"from disk: {_names(known)}")
            break
        self.check()

    def offer(self, document: bytes) -> tuple[Mistake, ...]:
        """Takes a JSON Web Key Set. What is wrong with it; nothing if its keys are in use now."""
        try:
            listed = listed_in(document, self.issuer)
        except DocumentRefusedError as error:
            self._tell(KEYS_REFUSED, str(error))
            return error.mistakes
        with self._lock:
            now = self._clocks.monotonic()
            before = self._known
            after = rotated(before, listed, now, self.issuer.overlap)
            changes = _changes(before, after)
            self._known, self._confirmed_at = after, now
            self.version += bool(changes)
        if changes:
            self._tell(KEYS_CHANGED, changes)
        return ()

    def confirm(self) -> None:
        """Says that the issuer still lists what it listed last."""
        self._confirmed_at = self._clocks.monotonic()

    def answered(self) -> None:
        """Says that the issuer answered, whatever it said."""
        if self._is_down:
            self._is_down = False
            self._tell(ISSUER_UP)

    def unanswered(self, why: str) -> None:
        """Says that the issuer did not answer. Told each time."""
        self._is_down = True
        self._tell(ISSUER_DOWN, why)

    def check(self) -> None:
        """Does what time asks for, at each poll: tells the age, alarms before keys are too old and after, keeps the copy on disk."""
        if not self._known:
            return
        age, most = self.age, self.issuer.max_key_age
        self._tell(KEYS_AGE, age)
        if age > most:
            self._tell(KEYS_TOO_OLD, age)
        elif age > most / 2:
            self._tell(KEYS_AGEING, most - age)
        self._store()

    def found(self, kid: str) -> tuple[Key, ...]:
        """The keys of that name that are good now; if there are none, the poller is asked to look early."""
        now = self._clocks.monotonic()
        keys = tuple(key for key in self._known if key.kid == kid and key.until > now)
        if not keys and self._hint is not None:
            self._hint.hint()
        return keys

    def age_of(self, key: Key) -> float:
        """Seconds since the issuer last listed this key, as far as polls can tell."""
        return self.age if key.until == math.inf else self._clocks.monotonic() - key.until + self.issuer.overlap

    def _store(self) -> None:
        """Keeps a copy on disk that says what is known, unless the newest one does. What fails is tried again at the next check."""
        copies, confirmed_at = self._copies, self._confirmed_at
        if copies is None:
            return
        known = self._known
        try:
            newest = max([0, *copies.versions()])
            if self._is_said(_read(copies, newest), known, confirmed_at):
                return
            document = self._document(known, confirmed_at)
            copies.write(newest + 1, document)
        except OSError as error:
            self._tell(KEYS_NOT_STORED, str(error))
        else:
            self._stored = _Stored(document, known, confirmed_at)

    def _is_said(self, document: bytes, known: tuple[Key, ...], confirmed_at: float) -> bool:
        """Whether the newest copy says this, or what the issuer told another process later: a start takes the newest."""
        if document != self._stored.document:
            try:
                self._stored = _Stored(document, *self._recalled(document))
            except DocumentRefusedError:
                return False
        stored = self._stored
        is_fresh = confirmed_at - stored.confirmed_at <= self.issuer.max_key_age / _FINEST
        return stored.confirmed_at > confirmed_at or (is_fresh and stored.says(known))

    def _document(self, known: tuple[Key, ...], confirmed_at: float) -> bytes:
        """What a copy holds: times in seconds since 1970, since a monotonic clock says nothing to the next process."""
        to_wall = self._clocks.wall() - self._clocks.monotonic()
        keys = [key.jwk if key.until == math.inf else {**key.jwk, "until": math.floor(key.until + to_wall)} for key in known]
        whole = {"confirmed_at": math.floor(confirmed_at + to_wall), "issuer": self.issuer.name, "keys": keys}
        return json.dumps(whole, sort_keys=True).encode()

    def _recalled(self, document: bytes) -> tuple[tuple[Key, ...], float]:
        """The keys of a copy, and when they were confirmed, by the monotonic clock. Raises DocumentRefusedError."""
        content = parsed(document)
        confirmed_at, jwks = content.get("confirmed_at"), content.get("keys")
        if content.get("issuer") != self.issuer.name or type(confirmed_at) is not int or not isinstance(jwks, list):
            raise DocumentRefusedError(Mistake(MALFORMED, f"no copy of the keys of {self.issuer.name}"))
        wall, now = self._clocks.wall(), self._clocks.monotonic()
        keys = []
        for jwk in jwks:
            key = _usable(jwk, self.issuer)
            until = jwk.get("until") if key is not None else 0
            if key is not None and until is None:
                keys.append(key)
            elif key is not None and type(until) is int and until > wall:
                keys.append(key.good_until(now + min(until - wall, self.issuer.overlap)))
        if not keys:
            raise DocumentRefusedError(Mistake(EMPTY, "no key of use is in it"))
        return tuple(keys), now - max(0.0, wall - confirmed_at)  # a clock that was set back makes nothing younger than new

    def _versions(self) -> list[int]:
        if self._copies is None:
            return []
        try:
            return self._copies.versions()
        except OSError as error:
            self._tell(KEYS_COPY_REFUSED, f"the folder cannot be read: {error}")
            return []

    def _tell(self, kind: str, detail: str | float = "") -> None:
        tell(self._hooks, Fact(kind, self.issuer.name, self._clocks.monotonic(), detail))


def _changes(before: tuple[Key, ...], after: tuple[Key, ...]) -> str:
    """What is different, in words; empty where nothing is."""
    was, now = {key.same(): key for key in before}, {key.same(): key for key in after}
    parts = {
        "new": [key for same, key in now.items() if same not in was],
        "gone": [key for same, key in now.items() if key.until < math.inf and same in was and was[same].until == math.inf],
        "back": [key for same, key in now.items() if key.until == math.inf and same in was and was[same].until < math.inf],
        "good no longer": [key for same, key in was.items() if same not in now],
    }
    return "; ".join(f"{word}: {_names(keys)}" for word, keys in parts.items() if keys)


def _names(keys: Iterable[Key]) -> str:
    return ", ".join(repr(key.kid[:64]) for key in keys)


def _read(copies: Copies, version: int) -> bytes:
    """A copy; empty where there is none: somebody may have tidied up."""
    try:
        return copies.read(version, 2 * _MOST_BYTES)
    except OSError:
        return b""
