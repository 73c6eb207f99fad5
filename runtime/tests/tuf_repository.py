"""A repository of The Update Framework, made with python-tuf's own metadata, and served by a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

NAME = "shop.snapshot"
ROLES = ("root", "timestamp", "snapshot", "targets")


class TufRepository:
    """What is served, by path, in ``files``. ``signers`` are by role; a test changes them, or what is signed, before it publishes."""

    def __init__(self, **thresholds: int) -> None:
        self.files: dict[str, bytes] = {}
        self.signers = {role: [CryptoSigner.generate_ed25519() for _ in range(thresholds.get(role, 1))] for role in ROLES}
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        self.root = Root(expires=until, consistent_snapshot=True)
        for role in ROLES:
            self.root.roles[role].threshold = thresholds.get(role, 1)
            for signer in self.signers[role]:
                self.root.add_key(signer.public_key, role)
        self.timestamp, self.snapshot, self.targets = Timestamp(expires=until), Snapshot(expires=until), Targets(expires=until)
        self.timestamp.version = self.snapshot.version = self.targets.version = 0
        self.write(self.root)
        self.trusted_root = self.files["/metadata/1.root.json"]

    def publish(self, document: bytes, name: str = NAME) -> None:
        """The next version of everything but the root; what everybody asks for first is written last."""
        target = TargetFile.from_data(name, document)
        self.targets.targets[name] = target
        self.files[f"/targets/{target.get_prefixed_paths()[0]}"] = document
        for signed in (self.targets, self.snapshot, self.timestamp):
            signed.version += 1
        self.snapshot.meta["targets.json"] = MetaFile(self.targets.version)
        self.timestamp.snapshot_meta = MetaFile(self.snapshot.version)
        for signed in (self.targets, self.snapshot, self.timestamp):
            self.write(signed)

    def rotate(self, *roles: str) -> None:
        """The next root, in which these roles have another key, and which is signed by those of the root before and by its own."""
        overlap = list(self.signers["root"])
        for role in roles:
            for signer in self.signers[role]:
                self.root.revoke_key(signer.public_key.keyid, role)
            self.signers[role] = [CryptoSigner.generate_ed25519() for _ in self.signers[role]]
            for signer in self.signers[role]:
                self.root.add_key(signer.public_key, role)
        self.root.version += 1
        self.write(self.root, *overlap)

    def write(self, signed: Root | Timestamp | Snapshot | Targets, *more: CryptoSigner) -> None:
        metadata: Metadata[Any] = Metadata(cast("Any", signed))
        for signer in (*self.signers[signed.type], *more):
            metadata.sign(signer, append=True)
        name = signed.type if signed.type == "timestamp" else f"{signed.version}.{signed.type}"
        self.files[f"/metadata/{name}.json"] = metadata.to_bytes()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        found = self.files.get(request.path)
        content = b"" if found is None else found
        request.wfile.write(b"HTTP/1.1 %d .\r\nContent-Length: %d\r\n\r\n" % (404 if found is None else 200, len(content)) + content)
