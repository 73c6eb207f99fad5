"""Spans as the collector's file exporter writes them: a line of OTLP JSON for each batch, identifiers in hexadecimal."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

_IDENTIFIERS = frozenset({"traceId", "spanId", "parentSpanId"})


class SpanFile(SpanExporter):
    """Appends to one file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Writes one line."""
        line = json.dumps(_in_hexadecimal(MessageToDict(encode_spans(spans), use_integers_for_enums=True)), separators=(",", ":"))
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
        return SpanExportResult.SUCCESS


def _in_hexadecimal(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same with identifiers as OTLP's JSON has them; the mapping of protobuf writes bytes in base64."""
    if isinstance(value, list):
        return [_in_hexadecimal(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: base64.b64decode(each).hex() if key in _IDENTIFIERS else _in_hexadecimal(each) for key, each in value.items()}
