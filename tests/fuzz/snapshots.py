"""One document of configuration through the whole runtime: offered to a reader, found on disk by one that starts, given to a publisher."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from runtime.tests import golden
from runtime.tests.signed import KEY, NOW, OTHER_KEY, TRUSTED, VALUES, Made, rules, signed
from tests.fuzz.entry import LARGEST
from truetier_runtime.copies import Copies
from truetier_runtime.errors import DocumentRefusedError, UsageError
from truetier_runtime.examine import recalled
from truetier_runtime.publisher import rolled_back
from truetier_runtime.signature import MAGIC, MOST_VERSION, Terms, cosign, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_RUNNING = recalled(signed(5), rules(), 5)
_BODY = b'{"rps":1}'
_BODIES = (json.dumps(VALUES).encode(), _BODY, b'{"a":[{},[1e5,"\\u00e4"]],"b":{"c":null}}', b'{"a":1,"a":2}')
_FORGED = ("by-a-stranger", "forged", "body-", "header-", "error-page")
# All that a key which is trusted ever signed, but for what is signed below.
_GENUINE = {document for name, (document, _) in golden.documents().items() if not name.startswith(_FORGED)}
_HEADER = opened(signed(6, _BODY, confirms_removal=True)).header.fields()
_ODD: tuple[object, ...] = (None, True, -1, 0, 1.5, 1e400, 2**64, "", "\n", "0" * 64, [], ["x"], [[]], ["0" * 32] * 2, {})
SEEDS = [
    *(b"0" + document for document, _ in golden.documents().values()),
    *(b"1" + body for body in _BODIES),
    *(b"2" + opened(signed(version, _BODY, confirms_removal=True)).header.encoded() for version in (1, 4, 5, 6, MOST_VERSION)),
    *(b"2" + json.dumps({**_HEADER, name: value}, sort_keys=True, separators=(",", ":")).encode() for name in _HEADER for value in _ODD),
]


def feed_snapshots(content: bytes, folder: Path) -> bool:
    """Whether a reader takes it: then a trusted key signed it, and what is read is what it says. Whatever it is, nothing is raised.

    The first byte says what the others are: 0 a document from anywhere, 1 the body of one that is signed, 2 the header of one that is.
    """
    if content[:1] not in _KINDS or len(content) > LARGEST:
        return False
    document = _KINDS[content[:1]](content[1:])
    is_genuine = content[:1] != b"0" or document in _GENUINE
    _handled(document)
    found = _started(document, folder)
    assert found == 1 or (is_genuine and found == opened(document).header.version)
    made = Made()
    assert made.reader._swap(made.reader.running, _RUNNING)
    if made.offer(document):
        assert made.reader.running is _RUNNING
        return False
    header, body = opened(document).header, opened(document).body
    assert is_genuine
    assert (header.scope, header.version >= 5, header.not_after >= NOW) == ("shop", True, True)
    assert (header.body_bytes, header.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert made.reader.version == header.version
    assert json.loads(json.dumps(made.reader.values, default=dict, allow_nan=False)) == json.loads(body, object_pairs_hook=_once_each)
    return True


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def _with_body(body: bytes) -> bytes:
    return signed(6, body, confirms_removal=True)


def _with_header(header: bytes) -> bytes:
    told = MAGIC + b"\n" + header
    name = next(name for name in TRUSTED.by_id if TRUSTED.by_id[name].public_bytes_raw() == KEY.public_key().public_bytes_raw())
    return b"\n".join((told, f"{name}={KEY.sign(told).hex()}".encode(), _BODY))


_KINDS: dict[bytes, Callable[[bytes], bytes]] = {b"0": bytes, b"1": _with_body, b"2": _with_header}


def _handled(document: bytes) -> None:
    """What a publisher does with a document that somebody gave him."""
    with suppress(DocumentRefusedError, UsageError):
        cosign(document, OTHER_KEY)
    with suppress(DocumentRefusedError, UsageError):
        rolled_back(document, TRUSTED, Terms("shop", MOST_VERSION, NOW), [KEY])


def _started(document: bytes, folder: Path) -> int:
    """The version with which a service starts that finds the document on disk, beside a good one of version 1."""
    version = 2
    with suppress(DocumentRefusedError):
        version = max(version, opened(document).header.version)
    good, file = folder / f"{1:016d}.snapshot", folder / f"{version:016d}.snapshot"
    if not good.exists():
        good.write_bytes(signed(1))
    file.write_bytes(document)
    made = Made(copies=Copies(str(folder)))
    made.reader.start()
    file.unlink()
    return made.reader.version
