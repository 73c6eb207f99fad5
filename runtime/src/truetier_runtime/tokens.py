"""Tokens (JSON Web Tokens, RFC 7519) verified here, with keys that are here already: needs the extra ``jwt``.

``Verifier.verify`` opens no socket and waits for nobody; ``token_keys`` keeps the keys up to date behind its back, so that a service goes
on letting its users in while whoever issues their tokens is down. What a token says is believed only where the program said it first:
which issuers there are, which algorithms each signs with, whom tokens are for. Of its header ``alg``, ``kid``, ``typ`` and ``crit`` are
looked at; where a header says keys are to be had (``jku``, ``x5u``, ``jwk``, ``x5c``) nobody looks.

Source: RFC 7515 (JSON Web Signature), RFC 7519 (JSON Web Token), RFC 8725 (JSON Web Token Best Current Practices), RFC 9068 (``at+jwt``).
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from truetier_runtime.errors import TokenRefusedError, UsageError
from truetier_runtime.examine import Limits, Rules
from truetier_runtime.refusal import (
    ALGORITHM,
    AUDIENCE,
    BAD_SIGNATURE,
    CLAIM,
    CRITICAL,
    EXPIRED,
    KEYS_TOO_OLD,
    MALFORMED,
    NO_KEYS,
    NOT_YET,
    OVERSIZE,
    REVOCATIONS_STALE,
    REVOKED,
    TYPE,
    UNKNOWN_ISSUER,
    UNKNOWN_KEY,
)
from truetier_runtime.token_keys import Issuer, Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from truetier_runtime.signature import TrustedKeys
    from truetier_runtime.snapshot import Reader
    from truetier_runtime.token_keys import Key

__all__ = ["NO_REVOCATIONS", "Issuer", "Keys", "Revocations", "Verified", "Verifier", "revocation_rules"]

_MOST_TIME = 2**53  # seconds since 1970: no moment that anybody means is later
_MOST_MOMENT = 10**11  # the same, of what was revoked before it: in the year 5138, or in 1973 if somebody wrote milliseconds
_FORMAT = "truetier/revocations/1"
NO_REVOCATIONS: dict[str, Any] = {"format": _FORMAT, "revoked": {}}
_jws = PyJWS()


class Verified:
    """A token that is accepted.

    ``claims`` is what it says. ``key_age`` is how many seconds ago its issuer last listed the key ``key_id``, ``revocations_age`` how
    many ago the publisher last confirmed the list of revocations, None where there is none. ``is_unsure`` says that the list is stale:
    the token was not revoked when last we knew.
    """

    __slots__ = ("claims", "is_unsure", "issuer", "key_age", "key_id", "revocations_age")

    def __init__(  # noqa: PLR0913 - what there is to know
        self, claims: dict[str, Any], issuer: str, key_id: str, *, key_age: float, revocations_age: float | None, is_unsure: bool
    ) -> None:
        self.claims = claims
        self.issuer = issuer
        self.key_id = key_id
        self.key_age = key_age
        self.revocations_age = revocations_age
        self.is_unsure = is_unsure


class Revocations:
    """What was revoked, as a snapshot that ``reader`` keeps: made with ``revocation_rules``, with ``NO_REVOCATIONS`` for defaults.

    The values, by issuer; every part may be missing, and what stands after a name in ``keys`` and ``tokens`` is for the publisher, such as
    when the entry may go::

        {"format": "truetier/revocations/1",
         "revoked": {"https://login.example": {
             "keys": {"<kid>": 1790000000},       keys that are in strange hands
             "tokens": {"<jti>": 1790000000},     single tokens
             "subjects": {"alice": 1790000000},   tokens of alice issued (``iat``) before that moment, in seconds since 1970
             "not_before": 1790000000}}}          tokens of anybody issued before that moment

    A token without ``iat`` is taken to be issued before any moment. The list is stale when the publisher has not confirmed it for
    ``max_age`` seconds, when it has expired, and while there are only the defaults. After a start from disk its age counts from the
    start, for nobody knows what was confirmed before: have lists expire soon, if starts must not make them look young. What then is for
    the caller to decide: with ``accept_stale`` what is not on the stale list is accepted, and ``Verified.is_unsure`` says so; without,
    everything is refused. Raises UsageError.
    """

    __slots__ = ("_wall", "accept_stale", "max_age", "reader")

    def __init__(self, reader: Reader, *, max_age: float, accept_stale: bool, wall: Callable[[], float] = time.time) -> None:
        self.reader = reader
        self.max_age = max_age
        self.accept_stale = accept_stale
        self._wall = wall
        wrong = [] if max_age > 0 else [f"max_age is {max_age}, more than 0 seconds were expected"]
        wrong += [] if reader.rules.validate is _mistakes else ["the reader was not made with revocation_rules"]
        if wrong:
            raise UsageError(f"revocations: {'; '.join(wrong)}")

    @property
    def is_stale(self) -> bool:
        """Whether what was revoked lately may be missing."""
        running = self.reader.running
        return running.header is None or self.reader.age > self.max_age or running.is_expired(self._wall())

    def check(self, claims: Mapping[str, Any], issuer: str, kid: str) -> bool:
        """Whether nobody can be sure, for a token that is not revoked. Raises TokenRefusedError."""
        revoked = self.reader.values["revoked"].get(issuer, {})  # read once: what is offered meanwhile is for the next token
        subject, issued = claims.get("sub"), claims.get("iat", -_MOST_TIME)
        if kid in revoked.get("keys", ()):
            raise TokenRefusedError(REVOKED, "its key was")
        if claims.get("jti") in revoked.get("tokens", ()):
            raise TokenRefusedError(REVOKED, "the token itself was")
        if issued < revoked.get("subjects", {}).get(subject, -_MOST_TIME) or issued < revoked.get("not_before", -_MOST_TIME):
            raise TokenRefusedError(REVOKED, "all that were issued as early were")
        is_stale = self.is_stale
        if is_stale and not self.accept_stale:
            raise TokenRefusedError(REVOCATIONS_STALE, f"not confirmed for {self.reader.age:.0f} seconds, or expired", is_ours=True)
        return is_stale


def revocation_rules(scope: str, trusted: TrustedKeys, *, max_bytes: int = 16_000_000) -> Rules:
    """The rules for a reader of revocations. Any share of them may go at once: revoked tokens expire in the end."""
    return Rules(scope, trusted, limits=Limits(max_bytes=max_bytes, max_removed=1.0), validate=_mistakes)


class Verifier:
    """Says whether tokens are good: of the issuers whose ``keys`` it has, no longer than ``max_bytes``. Serves all threads and tasks.

    ``wall`` gives seconds since 1970. Raises UsageError.
    """

    __slots__ = ("_by_issuer", "_max_bytes", "_revocations", "_wall")

    def __init__(
        self, *keys: Keys, revocations: Revocations | None = None, max_bytes: int = 16_384, wall: Callable[[], float] = time.time
    ) -> None:
        self._by_issuer = {each.issuer.name: each for each in keys}
        self._revocations = revocations
        self._max_bytes = max_bytes
        self._wall = wall
        if not keys or len(self._by_issuer) < len(keys):
            raise UsageError("keys of one issuer or more were expected, of each issuer once")

    def verify(self, token: str) -> Verified:
        """What a token says, if it is good. Raises TokenRefusedError; nothing else, whatever the token is."""
        if not isinstance(token, str):
            raise TokenRefusedError(MALFORMED, f"a text was expected, found {_short(token)}")
        if len(token) > self._max_bytes:  # before anything is read of it
            raise TokenRefusedError(OVERSIZE, f"more than {self._max_bytes} characters")
        header, claims, signature = _taken_apart(token)
        name = claims.get("iss")
        keys = self._by_issuer.get(name) if isinstance(name, str) else None
        if keys is None:
            raise TokenRefusedError(UNKNOWN_ISSUER, _short(name))
        issuer = keys.issuer
        algorithm = _algorithm(header, issuer)
        key = _signer(keys, header.get("kid"), algorithm, token.rpartition(".")[0].encode(), signature)
        _check_claims(claims, issuer, self._wall())
        revocations = self._revocations
        is_unsure = revocations is not None and revocations.check(claims, issuer.name, key.kid)
        age = None if revocations is None else revocations.reader.age
        return Verified(claims, issuer.name, key.kid, key_age=keys.age_of(key), revocations_age=age, is_unsure=is_unsure)


def _taken_apart(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header, claims and signature of a token. Nobody vouches for any of it yet."""
    try:
        parts = _jws.decode_complete(token, options={"verify_signature": False})
        claims = json.loads(parts["payload"])
    except (PyJWTError, ValueError, RecursionError) as error:
        # The library refuses extensions that it does not know, and has no error of its own for that.
        raise TokenRefusedError(CRITICAL if "crit" in str(error) else MALFORMED, type(error).__name__) from None
    if not isinstance(claims, dict):
        raise TokenRefusedError(MALFORMED, "its claims are no object")
    return parts["header"], claims, parts["signature"]


def _algorithm(header: dict[str, Any], issuer: Issuer) -> str:
    """The algorithm that a header asks for, if it asks for nothing that is not to be had."""
    algorithm, kind = header.get("alg"), header.get("typ", "")
    if "crit" in header:
        raise TokenRefusedError(CRITICAL, "no extension is understood here")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise TokenRefusedError(ALGORITHM, f"{_short(algorithm)} is none of {', '.join(sorted(issuer.algorithms))}")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in issuer.types:
        raise TokenRefusedError(TYPE, f"{_short(kind)} is none of {', '.join(sorted(issuer.types))}")
    return algorithm


def _signer(keys: Keys, kid: object, algorithm: str, signed: bytes, signature: bytes) -> Key:
    """The key that made the signature."""
    if keys.version == 0:
        raise TokenRefusedError(NO_KEYS, f"none were ever seen of {keys.issuer.name}", is_ours=True)
    if keys.age > keys.issuer.max_key_age:
        raise TokenRefusedError(KEYS_TOO_OLD, f"{keys.issuer.name} has not confirmed them for {keys.age:.0f} seconds", is_ours=True)
    found = keys.found(kid) if isinstance(kid, str) else ()
    if not found:
        raise TokenRefusedError(UNKNOWN_KEY, _short(kid))
    fitting = [(key, key.by_algorithm[algorithm]) for key in found if algorithm in key.by_algorithm]
    if not fitting:
        raise TokenRefusedError(ALGORITHM, f"{algorithm} is not what the key {_short(kid)} is for")
    for key, verifier in fitting:
        if verifier.Algorithm.verify(signed, verifier.key, signature):
            return key
    raise TokenRefusedError(BAD_SIGNATURE, f"the key {_short(kid)} did not sign this")


def _check_claims(claims: dict[str, Any], issuer: Issuer, now: float) -> None:
    _check_form(claims, issuer)
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if issuer.audience.isdisjoint(audience):
        raise TokenRefusedError(AUDIENCE, f"for {_short(audience)}")
    if now >= claims["exp"] + issuer.leeway:
        raise TokenRefusedError(EXPIRED, f"{now - claims['exp']:.0f} seconds ago")
    for name in ("nbf", "iat"):
        if now + issuer.leeway < claims.get(name, now):
            raise TokenRefusedError(NOT_YET, f"{name} is {claims[name] - now:.0f} seconds ahead")


def _check_form(claims: dict[str, Any], issuer: Issuer) -> None:
    missing = [name for name in ("exp", "aud", *issuer.required) if claims.get(name) is None]
    if missing:
        raise TokenRefusedError(CLAIM, f"without {', '.join(missing)}")
    for name in ("exp", "nbf", "iat"):
        moment = claims.get(name, 0)
        if type(moment) not in {int, float} or not -_MOST_TIME < moment < _MOST_TIME:
            raise TokenRefusedError(CLAIM, f"{name} is no number of seconds")
    for name in ("sub", "jti"):
        if not isinstance(claims.get(name, ""), str):
            raise TokenRefusedError(CLAIM, f"{name} is no text")
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not all(isinstance(one, str) for one in audience):
        raise TokenRefusedError(CLAIM, "aud is no text and no list of texts")


def _mistakes(values: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a document of revocations."""
    if values.get("format") != _FORMAT:
        yield f"format: {_FORMAT!r} was expected"
    revoked = values.get("revoked")
    if not isinstance(revoked, dict):
        yield "revoked: an object by issuer was expected"
        return
    for issuer, parts in revoked.items():
        if not isinstance(parts, dict):
            yield f"revoked.{issuer}: an object was expected"
            continue
        for name, part in parts.items():
            moments = {"not_before": part} if name == "not_before" else part
            if name not in {"keys", "tokens", "subjects", "not_before"}:
                yield f"revoked.{issuer}.{name}: keys, tokens, subjects and not_before are known"
            elif not isinstance(moments, dict) or not all(type(each) in {int, float} for each in moments.values()):
                yield f"revoked.{issuer}.{name}: numbers of seconds since 1970{', by name' * (name != 'not_before')}, were expected"
            elif name in {"subjects", "not_before"} and (late := [each for each in moments.values() if each > _MOST_MOMENT]):
                yield f"revoked.{issuer}.{name}: {late[0]} would revoke all that will ever be issued; seconds since 1970 were expected"


def _short(value: object) -> str:
    """What a stranger wrote, in few characters and none that could end a line."""
    text = repr(value) if isinstance(value, (str, list)) else type(value).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."
