"""Every block of runtime/README.md runs, pasted one after another; what it takes for granted is there."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from cryptography.hazmat.primitives import serialization
from openfeature import api

from runtime.tests.issued import LOGIN, listed, token
from runtime.tests.served import served
from runtime.tests.signed import KEY, signed
from runtime.tests.tuf_repository import TufRepository
from tests.docs.pages import blocks, run_python
from truetier_runtime.copies import Copies
from truetier_runtime.token_keys import Issuer, Keys

if TYPE_CHECKING:
    import pytest

README = Path(__file__).resolve().parents[1] / "README.md"


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "release.pub").write_bytes(public)
    (tmp_path / "root.json").write_bytes(TufRepository().trusted_root)
    keys = Keys(Issuer(LOGIN, audience="shop"), Copies(str(tmp_path / "shop" / "keys")))
    keys.offer(listed("a"))
    keys.check()
    names: dict[str, Any] = {
        "app": lambda scope, receive, send: None,  # noqa: ARG005 - of the protocol
        "pool": ThreadPoolExecutor(1),
        "channel": grpc.insecure_channel("127.0.0.1:1"),
        "DEFAULTS": {"new-cart": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}},
        "token": token(exp=int(time.time()) + 300, iat=int(time.time())),
        "handle": str,
        "request": "GET /",
    }
    with served() as server:
        server.document = signed(values={"limits": {"checkout": {"rps": 60}}}, not_after=int(time.time()) + 300)
        names["url"] = server.url
        text = README.read_text()
        for real, ours in (
            ("https://config.internal", server.url),
            ("https://login.example/jwks.json", f"{server.url}/jwks.json"),
            ("/var/lib/shop", str(tmp_path / "shop")),
        ):
            assert real in text
            text = text.replace(real, ours)
        found = [block for block in blocks(text) if block.language == "python"]
        assert len(found) > 8
        for block in found:
            run_python(block, names, str(README))
            if (stop := names.pop("stop", None)) is not None:
                stop()
    api.shutdown()
    names["channel"].close()
    names["server"].stop(None)
    names["client"].close()
    names["pool"].shutdown()
