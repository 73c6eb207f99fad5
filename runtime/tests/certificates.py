"""Certificates made for a test, by an authority made for a test."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_NO_USAGE = dict.fromkeys(
    (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
        "key_cert_sign",
        "crl_sign",
        "digital_signature",
    ),
    False,
)


class Authority:
    """Signs certificates of servers. ``file`` is its own, in PEM: what a client is to trust."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        usage = x509.KeyUsage(**{**_NO_USAGE, "key_cert_sign": True, "crl_sign": True})
        basic = x509.BasicConstraints(ca=True, path_length=0)
        made = self._begun(self.name, self.key, valid=timedelta(days=1)).add_extension(basic, critical=True)
        self.file.write_bytes(made.add_extension(usage, critical=True).sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def client(self) -> ssl.SSLContext:
        """Trusts this authority and no other."""
        return ssl.create_default_context(cafile=str(self.file))

    def server(self, host: str = "localhost", *, valid: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """Shows a certificate for ``host``; one that has expired where ``valid`` is negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        basic = x509.BasicConstraints(ca=False, path_length=None)
        made = self._begun(subject, key, valid=valid).add_extension(basic, critical=True)
        made = made.add_extension(x509.KeyUsage(**{**_NO_USAGE, "digital_signature": True}), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        file = self.folder / f"{host}.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, valid: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        own, signer = x509.SubjectKeyIdentifier.from_public_key(key.public_key()), self.key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + valid)
            .add_extension(own, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
        )
