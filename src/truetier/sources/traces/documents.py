"""The JSON documents of a file: one on each line, as exporters append them, or one in all, as people save them."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.telemetry.spans import Sink

LARGEST = 256 * 1024 * 1024  # bytes of one document
WRONG = (ValueError, RecursionError)
"""What a decoder raises for what is no JSON, of another shape, no UTF-8, or nested too deeply."""

NO_JSON = "piece that is no JSON"
_TOO_LARGE = "document past 256 MiB"
_TOO_MANY = "document of more pieces than spans could fill"
_CUT_OFF = "end of a file that was cut off"
_CHUNK = 1024 * 1024
_MOST_COMMAS = 16 * 1024 * 1024  # of one document; spans that fill the largest have some ten million
_DEEPEST = 500
_BLANK = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
_SPANS = re.compile(rb'"spans"\s{0,100}:\s{0,100}\Z')
_raw = msgspec.json.Decoder(msgspec.Raw).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


def documents(stream: IO[bytes], sink: Sink) -> Iterator[bytes]:
    """What should be a document each: ``mended`` is for those that are not. One that is too large is counted.

    So is one of many tiny pieces, each of which would take twenty times the memory that it takes in the file.
    """
    for document in _documents(stream, sink):
        if len(document) > _MOST_COMMAS and document.count(b",") > _MOST_COMMAS:
            sink.skip(_TOO_MANY)
        else:
            yield document


def _documents(stream: IO[bytes], sink: Sink) -> Iterator[bytes]:
    first = _next_line(stream, sink)
    while first == b"":
        first = _next_line(stream, sink)
    if first is None:
        return
    first, rest = first.removeprefix(_MARK), stream.read(1)
    if not rest or is_whole(first):
        yield first
        yield from _lines(stream, sink, rest)
        return
    second = _next_line(stream, sink, rest)
    third = _next_line(stream, sink) if _holds_spans(second) else b""
    if third is None or _holds_spans(third):  # two documents without a comma are in none: the first line is half a line
        yield from filter(None, (first, second, third))
        yield from _lines(stream, sink)
    else:
        yield from _in_one(b"\n".join(filter(None, (first, second, third))), stream, sink)


def pieces(stream: IO[bytes], sink: Sink) -> Iterator[msgspec.Raw | bytes]:
    """The documents of the file that are sound or can be mended; of one that is a list, its elements."""
    for document in documents(stream, sink):
        sound = document if is_whole(document) else mended(document, sink)
        if sound is not None:
            found = elements(sound)
            yield from (sound,) if found is None else found


def mended(content: bytes, sink: Sink) -> bytes | None:
    """A document that is no JSON, as far as it goes where it was cut off; counts what is lost. None for what is no document at all."""
    found = _closed(content)
    sink.skip(NO_JSON if found is None else _CUT_OFF)
    return found


def elements(raw: msgspec.Raw | bytes) -> list[msgspec.Raw] | None:
    """The elements of a list, each still to be read; None for what is no list."""
    try:
        return _elements(raw)
    except WRONG:
        return None


def is_absent(raw: msgspec.Raw) -> bool:
    """Whether a field was left out, or null."""
    return bytes(memoryview(raw)[:4]) in (b"", b"null")


def is_whole(content: bytes) -> bool:
    """Whether this is JSON, of whatever shape."""
    try:
        _raw(content)
    except WRONG:
        return False
    return True


def _holds_spans(line: bytes | None) -> bool:
    """Whether the line is a document with something in it."""
    return line is not None and line[:1] in (b"{", b"[") and is_whole(line)


def _lines(stream: IO[bytes], sink: Sink, start: bytes = b"") -> Iterator[bytes]:
    """The other lines, of which the first begins with what was read of it already."""
    line = _next_line(stream, sink, start)
    while line is not None:
        if line:
            yield line
        line = _next_line(stream, sink)


def _in_one(start: bytes, stream: IO[bytes], sink: Sink) -> Iterator[bytes]:
    """The whole file as one document."""
    parts, size = [start, b"\n"], len(start)
    while chunk := stream.read(_CHUNK):
        parts.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            sink.skip(_TOO_LARGE)
            return
    yield b"".join(parts)


def _next_line(stream: IO[bytes], sink: Sink, start: bytes = b"") -> bytes | None:
    """The next line without blanks around it; None at the end. One that is too large is counted and passed over."""
    line = start if start == b"\n" else start + stream.readline(LARGEST + 1)
    if not line:
        return None
    if len(line) <= LARGEST:
        return line.strip(_BLANK)
    while line and not line.endswith(b"\n"):
        line = stream.readline(_CHUNK)
    sink.skip(_TOO_LARGE)
    return b""


def _closed(content: bytes) -> bytes | None:
    """A document that was cut off, closed behind the last span it holds whole; None where there is none, or no such document.

    Lists of spans are those under a key ``spans``, and those that stand in lists alone.
    """
    if content[:1] not in (b"{", b"[") or b"}" not in content:  # so is most of what is no document at all
        return None
    open_brackets: list[bytes] = []
    of_spans: list[bool] = []
    cut, closing = 0, b""
    for token in _TOKEN.finditer(content):
        sign = token.group()[:1]
        if sign in b"[{":
            if len(open_brackets) == _DEEPEST:
                break
            open_brackets.append(b"]" if sign == b"[" else b"}")
            in_lists = all(bracket == b"]" for bracket in open_brackets[:3]) and len(open_brackets) <= 3
            of_spans.append(sign == b"[" and (in_lists or _SPANS.search(content, max(token.start() - 220, 0), token.start()) is not None))
        elif sign != b'"':
            if not open_brackets or open_brackets.pop() != sign:
                break
            of_spans.pop()
            if of_spans and of_spans[-1]:
                cut, closing = token.end(), b"".join(reversed(open_brackets))
    closed = content[:cut] + closing
    return closed if cut and is_whole(closed) else None
