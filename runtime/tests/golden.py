"""The documents in contracts/snapshots, made anew: ``python -m runtime.tests.golden`` writes them. Ed25519 leaves nothing to chance."""

from __future__ import annotations

import json
from pathlib import Path

from runtime.tests.signed import KEY, NOW, OTHER_KEY, STRANGER, TRUSTED, VALUES, signed
from truetier_runtime import refusal
from truetier_runtime.signature import opened

FOLDER = Path(__file__).parents[2] / "contracts" / "snapshots"


def documents() -> dict[str, tuple[bytes, list[str]]]:
    """By name, and why a reader that runs version 5 refuses them; nothing if it takes them."""
    good = signed(7)
    forged = opened(good)
    forged.signatures = {name: STRANGER.sign(forged.signed) for name in forged.signatures}
    return {
        "good": (good, []),
        "good-two-signatures": (signed(7, keys=(KEY, OTHER_KEY)), []),
        "good-removal-confirmed": (signed(7, {"name": "shop"}, confirms_removal=True), []),
        "running": (signed(5), []),
        "another-of-the-running-version": (signed(5, {**VALUES, "more": 1}), [refusal.MIX_AND_MATCH]),
        "older": (signed(4), [refusal.ROLLBACK]),
        "expired": (signed(7, not_after=NOW - 1), [refusal.EXPIRED]),
        "of-another-scope": (signed(7, scope="bank"), [refusal.OTHER_SCOPE]),
        "of-another-scope-older-and-expired": (
            signed(4, scope="bank", not_after=NOW - 1),
            [refusal.OTHER_SCOPE, refusal.ROLLBACK, refusal.EXPIRED],
        ),
        "by-a-stranger": (signed(7, keys=(STRANGER,)), [refusal.UNTRUSTED]),
        "forged": (forged.encoded(), [refusal.BAD_SIGNATURE]),
        "body-cut": (good[:-1], [refusal.LENGTH]),
        "body-changed": (good.replace(b": true", b": fals"), [refusal.DIGEST]),
        "header-changed": (good.replace(b'"version":7', b'"version":8'), [refusal.BAD_SIGNATURE]),
        "header-cut": (good[:100], [refusal.MALFORMED]),
        "error-page": (b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>\n", [refusal.MALFORMED]),
        "no-json": (signed(7, b"rps: 100"), [refusal.NOT_JSON]),
        "key-twice": (signed(7, b'{"rps":100,"rps":1}'), [refusal.NOT_JSON]),
        "empty": (signed(7, {}), [refusal.EMPTY, refusal.KEYS_REMOVED]),
        "keys-removed": (signed(7, {"name": "shop"}), [refusal.KEYS_REMOVED]),
    }


def expected() -> str:
    """What a reader has to know to judge the documents, and what it has to say of each."""
    about = {
        "about": "Snapshots as truetier-config writes them, and why a reader refuses them. Keys for tests: trust them nowhere else.",
        "scope": "shop",
        "now": NOW,
        "running": "running",
        "trusted_keys_for_tests": {name: key.public_bytes_raw().hex() for name, key in TRUSTED.by_id.items()},
        "threshold": TRUSTED.threshold,
        "max_bytes": 10_000,
        "max_removed": 0.2,
        "refused": {name: reasons for name, (_, reasons) in documents().items()},
    }
    return json.dumps(about, indent=2) + "\n"


def write() -> None:
    """Writes them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, (document, _) in documents().items():
        (FOLDER / f"{name}.snapshot").write_bytes(document)
    (FOLDER / "expected.json").write_text(expected())


if __name__ == "__main__":
    write()
