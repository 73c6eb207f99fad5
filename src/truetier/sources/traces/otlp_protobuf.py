"""OTLP as protobuf: one ExportTraceServiceRequest, or many, each behind its length, as the collector's file exporter writes them.

A request is taken apart by hand into what one resource sent, so that a large file needs little memory and one that was cut off is
used as far as it goes. What one resource sent is read from its bytes; where that fails, what is malformed is looked for down to single
spans, with protobuf itself.
"""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from truetier.record import NamedTuple
from truetier.sources.traces import attributes
from truetier.sources.traces.batch import FULL, Batch
from truetier.sources.traces.documents import LARGEST
from truetier.sources.traces.otlp import KINDS, SERVICE_NAME, STATUSES
from truetier.sources.traces.otlp_wire.kernel import MalformedError, Spans
from truetier.telemetry.spans import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue

    from truetier.telemetry.spans import Sink

_OK = Outcome.OK.value
_CUT_OFF = "end of a file that was cut off"
_NO_REQUEST = "message that is no OTLP request"
_TOO_LARGE = "message past 256 MiB"
_MALFORMED = "malformed span"
_SPAN_TOO_LARGE = "span past 8 MiB"
_LARGE = 8 * 1024 * 1024  # bytes of what is decoded at once: two of them can be a message inside, which takes a hundred
_RESOURCE, _SCOPE_SPANS, _SPANS = 1, 2, 2  # numbers of fields
_RESOURCE_SPANS = 1
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5  # types on the wire
_CHUNK = 1024 * 1024
_MEANINGS = {name.encode(): meaning for name, meaning in attributes.MEANINGS.items()}
_ENDS = attributes.ends_of(_MEANINGS)


class _Found(NamedTuple):
    """What one resource sent, as the kernel gives it."""

    resource: bytes
    trace_id: list[str]
    span_id: list[str]
    parent_id: list[str]
    name: list[str]
    kind: list[int]
    start_ns: list[int]
    duration_ns: list[int]
    status: list[int]
    told: list[attributes.Told | None]
    wordy: dict[int, tuple[int, int]]
    linked: list[tuple[int, int]]


class _CutOffError(Exception):
    """A message ends before it should, or is none."""


def read(stream: IO[bytes], sink: Sink) -> None:
    """Gives every span of the file to the sink."""
    batch = Batch(sink, is_hexadecimal=True)
    start = stream.read(1)
    if start == b"\n":  # the first field of a request; no length of a message in a file is as large as that
        _read_request(_Behind(start, stream), batch, sink)
    else:
        _read_messages(_Behind(start, stream), batch, sink)
    batch.flush()


class _Behind:
    """What was read already, then the rest of the stream."""

    def __init__(self, start: bytes, stream: IO[bytes]) -> None:
        self._start = start
        self._stream = stream

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        if not self._start:
            return self._stream.read(size)
        found, self._start = self._start[:size], self._start[size:]
        return found + self._stream.read(size - len(found)) if size > len(found) else found


def _read_messages(stream: _Behind, batch: Batch, sink: Sink) -> None:
    while head := stream.read(4):
        size = int.from_bytes(head, "big")
        if len(head) < 4:
            sink.skip(_CUT_OFF)
        elif size > LARGEST:
            sink.skip(_TOO_LARGE)
            _pass_over(stream, size)
        else:
            message = stream.read(size)
            is_whole = _read_request(_Behind(b"", io.BytesIO(message)), batch, sink)
            if len(message) < size:
                if is_whole:  # it ends where a field could begin, so that only its length tells
                    sink.skip(_CUT_OFF)
                return


def _read_request(stream: _Behind, batch: Batch, sink: Sink) -> bool:
    """Whether the request ends where it may; else that is counted."""
    try:
        for number, content in _fields(stream, sink):
            if number == _RESOURCE_SPANS:
                _read_resource_spans(content, batch, sink)
    except _CutOffError:
        sink.skip(_CUT_OFF)
        return False
    return True


def _pass_over(stream: _Behind, size: int) -> None:
    while size > 0 and (passed := len(stream.read(min(size, _CHUNK)))):
        size -= passed


def _fields(stream: _Behind, sink: Sink | None) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field that holds bytes. Raises _CutOffError; counts what is too large, but for the second time."""
    while (key := _varint(stream, is_first=True)) is not None:
        kind = key & 7
        if kind == _BYTES:
            size = _varint(stream) or 0
            if size > LARGEST:
                if sink is not None:
                    sink.skip(_TOO_LARGE)
                _pass_over(stream, size)
                continue
            content = stream.read(size)
            if len(content) < size:
                raise _CutOffError
            yield key >> 3, content
        elif kind == _VARINT:
            _varint(stream)
        elif kind in (_FIXED_64, _FIXED_32):
            stream.read(8 if kind == _FIXED_64 else 4)
        else:
            raise _CutOffError


def _varint(stream: _Behind, *, is_first: bool = False) -> int | None:
    """A number of up to ten bytes; None at the end of a stream, where a field may begin."""
    number = shift = 0
    while shift < 70:
        byte = stream.read(1)
        if not byte:
            if is_first and not shift:
                return None
            raise _CutOffError
        number |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return number
        shift += 7
    raise _CutOffError


def _read_resource_spans(content: bytes, batch: Batch, sink: Sink) -> None:
    if len(content) > _LARGE:
        _take_apart(content, batch, sink)
        return
    try:
        found = _Found(*Spans(content, _MEANINGS, _ENDS, _decoded).columns())
        service = _service(Resource.FromString(found.resource))
    except (MalformedError, DecodeError):
        _take_apart(content, batch, sink)
        return
    for first in range(0, len(found.name), FULL):
        _add_columns(found, slice(first, first + FULL), service, content, batch)
        batch.flush_if_full()
    for begin, end in found.linked:
        _add_links(_span(content[begin:end]).links, service, batch)


def _add_columns(found: _Found, some: slice, service: str, content: bytes, batch: Batch) -> None:
    columns = batch.columns
    columns.trace_id += found.trace_id[some]
    columns.span_id += found.span_id[some]
    columns.parent_id += found.parent_id[some]
    columns.name += found.name[some]
    columns.start_ns += found.start_ns[some]
    columns.duration_ns += found.duration_ns[some]
    kinds = [KINDS.get(kind, "") for kind in found.kind[some]]
    columns.kind += kinds
    columns.service += [service] * len(kinds)
    columns.peer += [attributes.peer(kind, told) if told else "" for kind, told in zip(kinds, found.told[some], strict=True)]
    columns.outcome += _outcomes(found, some, kinds, content)


def _outcomes(found: _Found, some: slice, kinds: Sequence[str], content: bytes) -> Iterator[str]:
    """How the work of each span ended."""
    for place, (kind, status, told) in enumerate(zip(kinds, found.status[some], found.told[some], strict=True), some.start):
        is_error = STATUSES.get(status)
        if is_error or (told and attributes.is_failed(kind, is_error, told)):
            begin, end = found.wordy.get(place, (0, 0))
            yield attributes.failure(told or {}, _complaints(_span(content[begin:end])))
        else:
            yield _OK


def _span(content: bytes) -> Span:
    """The span; an empty one for what is none, of which the columns know all there is to know."""
    found = Span()
    try:
        found.ParseFromString(content)
    except DecodeError:
        return Span()
    return found


def _decoded(attribute: bytes) -> attributes.Value:
    """The value of an attribute. Raises DecodeError."""
    return _plain(KeyValue.FromString(attribute).value)


def _take_apart(content: bytes, batch: Batch, sink: Sink) -> None:
    """What one resource sent, span by span."""
    try:
        service = _service_of(content, sink)
    except _CutOffError:
        sink.skip(_NO_REQUEST)
        return
    for number, field in _fields(_Behind(b"", io.BytesIO(content)), None):
        if number == _SCOPE_SPANS:
            _take_scope_apart(field, service, batch, sink)


def _service_of(content: bytes, sink: Sink) -> str:
    """The name of the service, which may stand behind its spans. Raises _CutOffError."""
    service = ""
    for number, field in _fields(_Behind(b"", io.BytesIO(content)), sink):
        if number == _RESOURCE and len(field) <= _LARGE:
            try:
                service = _service(Resource.FromString(field))
            except DecodeError:
                continue
    return service


def _take_scope_apart(content: bytes, service: str, batch: Batch, sink: Sink) -> None:
    try:
        for number, field in _fields(_Behind(b"", io.BytesIO(content)), sink):
            if number == _SPANS and len(field) > _LARGE:
                sink.skip(_SPAN_TOO_LARGE)
            elif number == _SPANS:
                try:
                    _add((Span.FromString(field),), service, batch)
                except DecodeError:
                    sink.skip(_MALFORMED)
    except _CutOffError:
        sink.skip(_NO_REQUEST)


def _service(resource: Resource) -> str:
    return next((str(_plain(each.value)) for each in resource.attributes if each.key == SERVICE_NAME), "")


def _add(spans: Iterable[Span], service: str, batch: Batch) -> None:
    for span in spans:
        kind = KINDS.get(span.kind, "")
        told = _told(span.attributes)
        is_error = STATUSES.get(span.status.code)
        has_failed = is_error or (told and attributes.is_failed(kind, is_error, told))
        start = span.start_time_unix_nano
        identity = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        batch.add(
            identity,
            service=service,
            name=span.name,
            kind=kind,
            times=(start, (span.end_time_unix_nano or start) - start),
            outcome=attributes.failure(told, _complaints(span)) if has_failed else _OK,
            peer=attributes.peer(kind, told) if told else "",
        )
        _add_links(span.links, service, batch)


def _add_links(links: Iterable[Span.Link], service: str, batch: Batch) -> None:
    for link in links:
        batch.link(service, link.trace_id.hex(), link.span_id.hex())


def _told(found: Iterable[KeyValue]) -> attributes.Told:
    told: attributes.Told = {}
    for attribute in found:
        meaning = attributes.MEANINGS.get(attribute.key)
        if meaning is not None:
            told[meaning] = _plain(attribute.value)
    return told


def _plain(value: AnyValue) -> attributes.Value:
    which = value.WhichOneof("value")
    if which == "string_value":
        return value.string_value
    if which == "int_value":
        return value.int_value
    if which == "bool_value":
        return value.bool_value
    return value.double_value if which == "double_value" else ""


def _complaints(span: Span) -> str:
    """What a failed span and the exceptions recorded in it say."""
    found = [span.status.message]
    for event in span.events:
        if event.name == "exception":
            found += (str(_plain(each.value)) for each in event.attributes if each.key in attributes.COMPLAINTS)
    return "\n".join(found)
