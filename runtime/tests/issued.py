"""Tokens for tests, signed with keys that are made for tests."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from truetier_runtime.hooks import KEYS_AGE
from truetier_runtime.snapshot import Clocks
from truetier_runtime.testing import FakeClock
from truetier_runtime.token_keys import Issuer, Keys
from truetier_runtime.tokens import Verifier

if TYPE_CHECKING:
    from truetier_runtime.copies import Copies
    from truetier_runtime.hooks import Fact
    from truetier_runtime.tokens import Revocations

NOW = 1_790_000_000
LOGIN = "https://login.example"
DAY = 86_400


def private(kid: str, algorithm: str = "EdDSA", bits: int = 2048) -> Any:  # noqa: ANN401 - one of three kinds
    """The private key of that name."""
    return _made(kid, algorithm, bits)


@cache
def _made(kid: str, algorithm: str, bits: int) -> Any:  # noqa: ANN401 - as above
    if algorithm[:2] in {"RS", "PS"}:
        return rsa.generate_private_key(65537, bits)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.from_private_bytes(f"a key for tests: never trust it {kid}".encode()[-32:])
    return ec.generate_private_key({"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[algorithm])


def public(kid: str, algorithm: str = "EdDSA", *, bits: int = 2048, **more: object) -> dict[str, Any]:
    """The public key as a JSON Web Key."""
    key = private(kid, algorithm, bits).public_key()
    return {**get_default_algorithms()[algorithm].to_jwk(key, as_dict=True), "kid": kid, "use": "sig", **more}


def listed(*jwks: str | dict[str, Any]) -> bytes:
    """A JSON Web Key Set."""
    return json.dumps({"keys": [public(jwk) if isinstance(jwk, str) else jwk for jwk in jwks]}).encode()


def token(kid: str = "a", algorithm: str = "EdDSA", *, head: dict[str, Any] | None = None, key: Any = None, **claims: object) -> str:  # noqa: ANN401 - any key
    """A good token but for what is given; a claim that is None is left out."""
    whole = {"iss": LOGIN, "aud": "shop", "sub": "alice", "exp": NOW + 300, "iat": NOW, "jti": "1", **claims}
    content = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(content, private(kid, algorithm) if key is None else key, algorithm, headers={"kid": kid, **(head or {})})


class Made:
    """Keys of one issuer with clocks that stand still, a verifier, and what was told."""

    def __init__(self, copies: Copies | None = None, *, now: float = NOW, revocations: Revocations | None = None, **expected: Any) -> None:  # noqa: ANN401 - what Issuer takes
        self.facts: list[Fact] = []
        self.wall, self.monotonic = FakeClock(now), FakeClock(50)
        clocks = Clocks(wall=self.wall, monotonic=self.monotonic)
        self.keys = Keys(Issuer(LOGIN, audience="shop", **expected), copies, hooks=(self.facts.append,), clocks=clocks)
        self.verifier = Verifier(self.keys, revocations=revocations, wall=self.wall)

    def passes(self, seconds: float) -> None:
        """Lets time pass, on both clocks."""
        self.wall.advance(seconds)
        self.monotonic.advance(seconds)

    def told(self) -> list[str]:
        """What happened; the age, which is told at every turn, left out."""
        return [fact.kind for fact in self.facts if fact.kind != KEYS_AGE]
