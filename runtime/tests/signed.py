"""Documents for tests, signed with keys that are made for tests and known to everybody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from truetier_runtime.examine import Limits, Rules
from truetier_runtime.hooks import SNAPSHOT_AGE
from truetier_runtime.signature import Terms, TrustedKeys, public_bytes, sign
from truetier_runtime.snapshot import Clocks, Reader
from truetier_runtime.testing import FakeClock

if TYPE_CHECKING:
    from truetier_runtime.copies import Copies
    from truetier_runtime.hooks import Fact

NOW = 1_790_000_000
KEY, OTHER_KEY, STRANGER = (Ed25519PrivateKey.from_private_bytes(f"a key for tests: never trust it {n}".encode()[-32:]) for n in (1, 2, 3))
TRUSTED = TrustedKeys([public_bytes(KEY), public_bytes(OTHER_KEY)])
VALUES: dict[str, Any] = {"limits": {"rps": 100}, "flags": {"checkout": True, "search": ["a", "b"]}, "name": "käse"}


def signed(version: int = 1, values: object = VALUES, *, keys: tuple[Ed25519PrivateKey, ...] = (KEY,), **terms: Any) -> bytes:  # noqa: ANN401 - what Terms takes
    body = values if isinstance(values, bytes) else json.dumps(values).encode()
    return sign(body, Terms(terms.pop("scope", "shop"), version, terms.pop("not_after", NOW + 1000), **terms), keys)


def rules(**given: Any) -> Rules:  # noqa: ANN401 - what Rules takes
    return Rules(given.pop("scope", "shop"), given.pop("trusted", TRUSTED), limits=Limits(max_bytes=10_000), **given)


class Made:
    """A reader with clocks that stand still, and what it told."""

    def __init__(self, demands: Rules | None = None, copies: Copies | None = None) -> None:
        self.facts: list[Fact] = []
        self.wall, self.monotonic = FakeClock(NOW), FakeClock(50)
        clocks = Clocks(wall=self.wall, monotonic=self.monotonic)
        self.reader = Reader(demands or rules(), {"limits": {"rps": 1}}, copies, hooks=(self.facts.append,), clocks=clocks)

    def offer(self, document: bytes) -> list[str]:
        return [mistake.reason for mistake in self.reader.offer(document)]

    def told(self) -> list[str]:
        """What happened; the age, which is told at every turn, left out."""
        return [fact.kind for fact in self.facts if fact.kind != SNAPSHOT_AGE]
