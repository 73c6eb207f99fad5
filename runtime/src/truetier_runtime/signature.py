"""An envelope that says who vouches for a document, for whom it is meant, which version it is and until when it may be begun with.

One file, three lines and the body::

    truetier-snapshot 1
    {"body_bytes":17,"confirms_removal":false,"keys":["..."],"not_after":1790000000,"scope":"shop","sha256":"...","version":7}
    <key id>=<signature> <key id>=<signature>
    <the body, byte for byte>

What is signed (Ed25519) is the first two lines with the line feed between them; the header holds the length and the SHA-256 of the
body, so that to verify costs the same whatever the body. Of every header and every line of signatures there is one way to write it,
and only that one is read: no byte can change without the document being refused. A key is named by the hash of itself, so that no
name can lie. Signatures of keys that are not trusted are passed over: that is how keys are rotated, by signing with the old and the new.

Source: The Update Framework Specification 1.0, sections 1.5 and 5, for what a header has to say.
"""

from __future__ import annotations

import hashlib
import json
from operator import lt
from typing import TYPE_CHECKING, cast

from truetier_runtime.errors import DocumentRefusedError, Mistake, UsageError
from truetier_runtime.refusal import BAD_SIGNATURE, BELOW_THRESHOLD, DIGEST, LENGTH, MALFORMED, UNTRUSTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAGIC = b"truetier-snapshot 1"
MOST_SCOPE, MOST_KEYS = 200, 16  # characters, keys that sign one document
MOST_VERSION = MOST_TIME = 2**53 - 1  # what every reader of JSON holds exactly
_MOST_ENVELOPE = 8192  # bytes of all three lines
_KEY_ID, _SIGNATURE, _DIGEST = 32, 128, 64  # hexadecimal digits
_HEX = frozenset("0123456789abcdef")
_FIELDS = {"body_bytes", "confirms_removal", "keys", "not_after", "scope", "sha256", "version"}


class Terms:
    """What a publisher says about a document, see ``Header``."""

    __slots__ = ("confirms_removal", "not_after", "scope", "version")

    def __init__(self, scope: str, version: int, not_after: int, *, confirms_removal: bool = False) -> None:
        self.scope = scope
        self.version = version
        self.not_after = not_after
        self.confirms_removal = confirms_removal


class Header(Terms):
    """What is signed about a document.

    ``version`` counts up from 1. ``not_after`` is in whole seconds since 1970, UTC. ``keys`` are the names of those who were to sign.
    ``confirms_removal`` says that more keys may go than a reader would allow unasked.
    """

    __slots__ = ("body_bytes", "keys", "sha256")

    def __init__(self, terms: Terms, body_bytes: int, sha256: str, keys: tuple[str, ...]) -> None:
        super().__init__(terms.scope, terms.version, terms.not_after, confirms_removal=terms.confirms_removal)
        self.body_bytes = body_bytes
        self.sha256 = sha256
        self.keys = keys

    def fields(self) -> dict[str, object]:
        """What is written of it, by name."""
        return {name: getattr(self, name) for name in (*Terms.__slots__, *self.__slots__)} | {"keys": list(self.keys)}

    def encoded(self) -> bytes:
        """The only way to write it: one line of JSON, keys in order, no blanks, ASCII."""
        return json.dumps(self.fields(), sort_keys=True, separators=(",", ":")).encode()


class Envelope:
    """A document taken apart, not verified yet. ``signed`` is what signatures are of; ``signatures`` are by key."""

    __slots__ = ("body", "header", "signatures", "signed")

    def __init__(self, header: Header, signatures: dict[str, bytes], body: bytes) -> None:
        self.header = header
        self.signed = MAGIC + b"\n" + header.encoded()
        self.signatures = signatures
        self.body = body

    def encoded(self) -> bytes:
        """The document."""
        line = " ".join(f"{key}={signature.hex()}" for key, signature in sorted(self.signatures.items()))
        return b"\n".join((self.signed, line.encode(), self.body))


class TrustedKeys:
    """Public keys, 32 bytes each, of which ``threshold`` have to have signed a document. Two of them while keys are rotated.

    Raises UsageError, also where cryptography is not installed: better when a program starts than when it is to take its first document.
    """

    __slots__ = ("by_id", "threshold")

    def __init__(self, keys: Iterable[bytes], *, threshold: int = 1) -> None:
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError as error:
            raise UsageError(f"signatures cannot be verified without truetier-runtime[config]: {error}") from None
        self.by_id = {key_id(key): Ed25519PublicKey.from_public_bytes(key) for key in keys}
        self.threshold = threshold
        if not 1 <= threshold <= len(self.by_id):
            raise UsageError(f"{threshold} of {len(self.by_id)} trusted keys can never sign: the threshold is from 1 to the number of keys")


def key_id(public: bytes) -> str:
    """The name of a public key: the first 128 bits of its SHA-256, in hexadecimal."""
    if len(public) != 32:
        raise UsageError(f"an Ed25519 public key has 32 bytes, this one has {len(public)}")
    return hashlib.sha256(public).hexdigest()[:_KEY_ID]


def public_bytes(private: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public key that belongs to a private one."""
    return private.public_key().public_bytes_raw()


def sign(body: bytes, terms: Terms, keys: Iterable[Ed25519PrivateKey], *, also: Iterable[bytes] = ()) -> bytes:
    """A document, signed by ``keys``. ``also`` are the public keys of those who will ``cosign`` it. Raises UsageError."""
    signers = {key_id(public_bytes(key)): key for key in keys}
    names = tuple(sorted({*signers, *map(key_id, also)}))
    header = Header(terms, len(body), hashlib.sha256(body).hexdigest(), names)
    wrong = _header_mistakes(header.fields())
    wrong += [] if signers else ["no key to sign with"]
    if wrong:
        raise UsageError("cannot sign: " + "; ".join(wrong))
    envelope = Envelope(header, {}, body)
    envelope.signatures = {name: key.sign(envelope.signed) for name, key in signers.items()}
    return envelope.encoded()


def cosign(document: bytes, key: Ed25519PrivateKey) -> bytes:
    """The document with one more signature. Raises DocumentRefusedError, and UsageError where the key was not named when it was signed.

    The body has to be the one that the header speaks of: else whoever looked at it would sign another one.
    """
    envelope = opened(document)
    _check_body(envelope)
    name = key_id(public_bytes(key))
    if name not in envelope.header.keys:
        raise UsageError(f"key {name} was not named when the document was signed; named were {', '.join(envelope.header.keys)}")
    envelope.signatures[name] = key.sign(envelope.signed)
    return envelope.encoded()


def opened(document: bytes) -> Envelope:
    """A document taken apart. Nothing in it is to be believed before ``verify``. Raises DocumentRefusedError."""
    lines = document[:_MOST_ENVELOPE].split(b"\n", 3)
    if lines[0] != MAGIC:
        raise _malformed(f"begins with {document[: len(MAGIC)]!r}, where {MAGIC!r} was expected")
    if len(lines) < 4:
        raise _malformed(f"ends within its first three lines, or they are longer than {_MOST_ENVELOPE} bytes")
    header = _header(lines[1])
    signatures = _signatures(lines[2])
    strangers = [name for name in signatures if name not in header.keys]
    if strangers:
        raise _malformed(f"signed by {', '.join(strangers)}, which the header does not name")
    return Envelope(header, signatures, document[len(lines[0]) + len(lines[1]) + len(lines[2]) + 3 :])


def verify(envelope: Envelope, trusted: TrustedKeys) -> None:
    """Raises DocumentRefusedError unless enough trusted keys signed the header and the body is the one that the header speaks of."""
    names = [name for name in envelope.signatures if name in trusted.by_id]
    if not names:
        given = ", ".join(envelope.signatures)
        raise DocumentRefusedError(Mistake(UNTRUSTED, f"signed by {given}; trusted are {', '.join(trusted.by_id)}"))
    wrong = [name for name in names if not _is_signed(trusted.by_id[name], envelope.signatures[name], envelope.signed)]
    if wrong:
        raise DocumentRefusedError(Mistake(BAD_SIGNATURE, f"not what {', '.join(wrong)} signed"))
    if len(names) < trusted.threshold:
        raise DocumentRefusedError(Mistake(BELOW_THRESHOLD, f"signed by {len(names)} of the trusted keys, {trusted.threshold} must"))
    _check_body(envelope)


def _check_body(envelope: Envelope) -> None:
    if len(envelope.body) != envelope.header.body_bytes:
        raise DocumentRefusedError(Mistake(LENGTH, f"the body has {len(envelope.body)} bytes, signed were {envelope.header.body_bytes}"))
    digest = hashlib.sha256(envelope.body).hexdigest()
    if digest != envelope.header.sha256:
        raise DocumentRefusedError(Mistake(DIGEST, f"the body has SHA-256 {digest}, signed was {envelope.header.sha256}"))


def _is_signed(public: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        public.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _header(line: bytes) -> Header:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"the header is not JSON: {error}") from None
    wrong = _header_mistakes(fields)
    if wrong:
        raise _malformed("; ".join(wrong))
    terms = Terms(fields["scope"], fields["version"], fields["not_after"], confirms_removal=fields["confirms_removal"])
    header = Header(terms, fields["body_bytes"], fields["sha256"], tuple(fields["keys"]))
    if header.encoded() != line:
        raise _malformed("the header is not written the one way it can be: keys in order and once each, no blanks, ASCII")
    return header


def _header_mistakes(fields: object) -> list[str]:
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        return [f"the header has to have exactly {', '.join(sorted(_FIELDS))}"]
    scope, keys = fields["scope"], fields["keys"]
    checks = {
        f"scope: 1 to {MOST_SCOPE} printable characters": isinstance(scope, str) and 1 <= len(scope) <= MOST_SCOPE and scope.isprintable(),
        f"version: a whole number from 1 to {MOST_VERSION}": _is_whole(fields["version"], 1, MOST_VERSION),
        f"not_after: whole seconds since 1970, to {MOST_TIME}": _is_whole(fields["not_after"], 0, MOST_TIME),
        "body_bytes: a whole number from 0": _is_whole(fields["body_bytes"], 0, MOST_VERSION),
        f"sha256: {_DIGEST} hexadecimal digits": _is_hex(fields["sha256"], _DIGEST),
        f"keys: 1 to {MOST_KEYS} names in order": _are_keys(keys),
        "confirms_removal: true or false": isinstance(fields["confirms_removal"], bool),
    }
    return [f"{what} expected, found {_short(fields[what.partition(':')[0]])}" for what, is_right in checks.items() if not is_right]


def _signatures(line: bytes) -> dict[str, bytes]:
    pairs = [pair.partition("=") for pair in line.decode("ascii", "replace").split(" ")]
    names = [name for name, _, _ in pairs]
    if not _are_keys(names) or not all(_is_hex(signature, _SIGNATURE) for _, _, signature in pairs):
        raise _malformed(f"the third line has to be 1 to {MOST_KEYS} times <key>=<signature>, in order and with one blank between")
    return {name: bytes.fromhex(signature) for name, _, signature in pairs}


def _are_keys(names: object) -> bool:
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_KEYS or not all(_is_hex(name, _KEY_ID) for name in names):
        return False
    words = cast("list[str]", names)
    return all(map(lt, words, words[1:]))


def _is_hex(word: object, digits: int) -> bool:
    return isinstance(word, str) and len(word) == digits and _HEX.issuperset(word)


def _is_whole(number: object, least: int, most: int) -> bool:
    return type(number) is int and least <= number <= most


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _malformed(message: str) -> DocumentRefusedError:
    return DocumentRefusedError(Mistake(MALFORMED, message))
