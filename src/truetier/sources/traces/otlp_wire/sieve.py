"""What is kept of an OTLP request: what mining looks at, and no payloads, addresses of users or texts of errors beside it.

An attribute is kept where its meaning is looked at for spans of that kind. Of a URL only scheme and host are kept, of what an error says
only the words that tell of a timeout or of somebody who could not be reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from truetier.errors import SourceError
from truetier.record import NamedTuple
from truetier.sources.traces import attributes
from truetier.sources.traces.error_text import words_of_failure
from truetier.sources.traces.otlp import KINDS, SERVICE_NAME
from truetier.sources.traces.otlp_wire.kernel import HOST_ALONE, NAMES_SERVICE, REASONS, REWRITTEN, MalformedError, Sieve
from truetier.telemetry.spans import SpanKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_HOW_IT_ENDED = frozenset({attributes.HTTP, attributes.GRPC, attributes.FLAGS, attributes.ERROR, attributes.ERROR_TYPE, attributes.MESSAGE})
_PARTLY_KEPT = {attributes.URL: HOST_ALONE, attributes.MESSAGE: REWRITTEN, attributes.ERROR: REWRITTEN}
_CALLERS = frozenset({SpanKind.CLIENT.value, SpanKind.PRODUCER.value})
_NUMBERS = range(6)
_EVERY_KIND = (1 << len(_NUMBERS)) - 1
_SHORT = 5  # characters of an error that is no text: true, false, 0


class Sifted(NamedTuple):
    """What is kept of a request, the spans in it, and those that were rejected by reason."""

    content: bytes
    accepted: int
    rejected: dict[str, int]


def sieve(more: Iterable[str] = ()) -> Callable[[bytes], Sifted]:
    """What sifts requests; ``more`` are attributes to be kept as they are, of spans, exceptions and resources.

    What it gives raises SourceError for bytes that are no request.
    """
    asked_for = {name.encode(): _EVERY_KIND for name in more}
    kept = {name.encode(): _kinds_of(meaning) for name, meaning in attributes.MEANINGS.items()} | asked_for
    of_resources = {SERVICE_NAME.encode(): NAMES_SERVICE} | {name: 1 for name in asked_for if name != SERVICE_NAME.encode()}
    ends = attributes.ends_of({**kept, **of_resources})

    def rewritten(raw: bytes) -> bytes:
        return _rewritten(raw, kept)

    def sift(content: bytes) -> Sifted:
        one = Sieve(content, kept=kept, of_resources=of_resources, ends=ends, rewritten=rewritten, words=_words)
        try:
            found, accepted, rejected = one.sifted()
        except MalformedError:
            raise SourceError("the body is no ExportTraceServiceRequest") from None
        return Sifted(found, accepted, {reason: count for reason, count in zip(REASONS, rejected, strict=True) if count})

    return sift


def _kinds_of(meaning: str) -> int:
    """The kinds of span of which the meaning is looked at, a bit each, and whether only part of the value is kept."""
    kinds = 0
    for number in _NUMBERS:
        kind = KINDS[number]
        if meaning in _HOW_IT_ENDED or kind in _CALLERS or (meaning == attributes.SERVICE and not kind):
            kinds |= 1 << number
    return kinds | _PARTLY_KEPT.get(meaning, 0)


def _rewritten(raw: bytes, kept: dict[bytes, int]) -> bytes:
    """What is kept of an attribute: nothing where it is empty then."""
    try:
        found = KeyValue.FromString(raw)
    except DecodeError:
        raise MalformedError from None
    if not kept.get(found.key.encode(), 0) & (REWRITTEN | HOST_ALONE) or found.value.WhichOneof("value") in (
        "int_value",
        "bool_value",
        "double_value",
    ):
        return bytes(found.SerializeToString())
    text = _part(attributes.MEANINGS[found.key], found.value.string_value)
    if text != found.value.string_value:
        if not text:
            return b""
        found.value.string_value = text
    return bytes(found.SerializeToString())


def _part(meaning: str, text: str) -> str:
    if meaning == attributes.URL:
        return attributes.without_path(text)
    words = words_of_failure(text)
    if words or meaning == attributes.MESSAGE:
        return words
    return text if len(text) <= _SHORT else "true"


def _words(message: bytes) -> bytes:
    return words_of_failure(message.decode()).encode()
