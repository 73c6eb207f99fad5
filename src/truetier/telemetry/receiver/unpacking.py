"""Bodies as they were before they were packed, never more than is allowed."""

from __future__ import annotations

import gzip
import io
import zlib

import pyarrow as pa

from truetier.telemetry.receiver.answers import RefusedError

LARGEST = 32 * 1024 * 1024  # bytes of a body, as it is sent and unpacked
ENCODINGS = ("gzip", "zstd")


def too_large() -> RefusedError:
    """What a body past the limit is told."""
    return RefusedError(413, f"the body is larger than {LARGEST // 1024**2} MiB: send fewer spans at a time")


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its packing. Raises RefusedError for one that is too large, damaged, or packed in a way not known here."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ENCODINGS:
        raise RefusedError(
            415, f"content-encoding {encoding!r} is not gzip, zstd or identity", headers=((b"accept-encoding", b"gzip, zstd"),)
        )
    try:
        if encoding == "gzip":
            found = gzip.GzipFile(fileobj=io.BytesIO(body)).read(LARGEST + 1)
        else:
            found = pa.CompressedInputStream(pa.BufferReader(body), "zstd").read(LARGEST + 1)
    except (EOFError, OSError, zlib.error, pa.ArrowException):
        raise RefusedError(400, f"the body is not {encoding}, or was cut off") from None
    if len(found) > LARGEST:
        raise too_large()
    return found
