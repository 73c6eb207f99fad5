"""What OTLP/HTTP answers, in the encoding of the request.

Source: OpenTelemetry Protocol Specification 1.9, OTLP/HTTP Response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToJson
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # generated, without types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_LONGEST_MESSAGE = 300  # characters
_GRPC_CODES = {400: 3, 401: 16, 404: 5, 405: 12, 408: 4, 413: 3, 415: 3, 429: 8, 500: 13, 503: 14}


class Answer(NamedTuple):
    """Status, body and headers beside those of every answer."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class RefusedError(Exception):
    """A request is not taken; says with which status and why, and after how many seconds to try again."""

    def __init__(self, status: int, words: str, *, retry_after: int | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(words)
        self.status = status
        self.headers = headers if retry_after is None else ((b"retry-after", b"%d" % retry_after), *headers)


def stored(content_type: str, rejected: Mapping[str, int]) -> Answer:
    """Everything that was not rejected is on disk."""
    response = ExportTraceServiceResponse()
    if rejected:
        response.partial_success.rejected_spans = sum(rejected.values())
        response.partial_success.error_message = "; ".join(f"{reason}: {count:,}" for reason, count in rejected.items())
    return Answer(200, content_type, _encoded(response, content_type))


def refused(content_type: str, error: RefusedError) -> Answer:
    """Nothing of the request is stored."""
    status = Status(code=_GRPC_CODES[error.status], message=str(error)[:_LONGEST_MESSAGE])
    return Answer(error.status, content_type, _encoded(status, content_type), error.headers)


def _encoded(message: Message, content_type: str) -> bytes:
    return MessageToJson(message, indent=None).encode() if content_type == JSON else bytes(message.SerializeToString())
