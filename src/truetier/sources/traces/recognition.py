"""Whose a file of spans is, by its first bytes: names and endings say little."""

from __future__ import annotations

import csv
import re
from typing import IO, TYPE_CHECKING

from truetier.sources.traces import jaeger, nezha, otlp_json, otlp_protobuf, parquet, skywalking, zipkin

if TYPE_CHECKING:
    from collections.abc import Callable

    from truetier.telemetry.spans import Sink

    Reader = Callable[[IO[bytes], Sink], None]

HEAD = 65_536  # bytes that are looked at
_OTLP = re.compile(rb'"(?:resourceSpans|batches|scopeSpans|instrumentationLibrarySpans)"')
_JAEGER = re.compile(rb'"(?:traceID|processID|operationName)"')
_ZIPKIN = re.compile(rb'"traceId"')
_OF_OTHERS = ((re.compile(rb'"resourceLogs"'), "logs, no traces"), (re.compile(rb'"resourceMetrics"'), "metrics, no traces"))
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_BOM = b"\xef\xbb\xbf"
_LONGEST_HEADER = 4_096


def reader_of(head: bytes) -> Reader | None:
    """What reads a file that begins so; None for what holds no spans, nor logs about them."""
    if head.startswith(b"PAR1"):
        return parquet.read
    text = head.removeprefix(_BOM).lstrip()
    if text[:1] in (b"{", b"["):
        return _of_json(text)
    if _is_protobuf(head):
        return otlp_protobuf.read
    return _of_rows(text)


def why_none(head: bytes) -> str:
    """What is said of a file that nothing reads."""
    if not head:
        return "empty"
    text = head.removeprefix(_BOM).lstrip()
    if text[:1] in (b"{", b"["):
        return next((said for sign, said in _OF_OTHERS if sign.search(text)), "JSON, but no spans of a format that is known")
    return "no spans of a format that is known"


def _of_json(text: bytes) -> Reader | None:
    for sign, reader in ((_OTLP, otlp_json.read), (_JAEGER, jaeger.read), (_ZIPKIN, zipkin.read)):
        if sign.search(text):
            return reader
    return None


def _is_protobuf(head: bytes) -> bool:
    """The first field of a request, or its length and then that."""
    begins = head[:1] == b"\n" or (len(head) > 4 and head[4:5] == b"\n" and int.from_bytes(head[:4], "big") > 0)
    return begins and _BINARY.search(head) is not None


def _of_rows(text: bytes) -> Reader | None:
    line = text[:_LONGEST_HEADER].partition(b"\n")[0].decode("utf-8", "replace")
    try:
        names = {name.strip() for row in csv.reader([line]) for name in row}
    except csv.Error:
        return None
    for columns, reader in ((skywalking.COLUMNS, skywalking.read), (nezha.SPANS, nezha.read_spans), (nezha.LOGS, nezha.read_logs)):
        if columns <= names:
            return reader
    return None
