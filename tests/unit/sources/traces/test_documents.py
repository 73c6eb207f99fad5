"""Files of JSON documents: what counts as a piece, and what is said of one that is none."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.sources.traces.samples import as_json, jaeger_answer, jaeger_span, otlp, otlp_span, zipkin_span
from tests.unit.sources.traces.sinks import Kept, kept
from truetier.sources.traces import jaeger, otlp_json, zipkin
from truetier.sources.traces.documents import documents

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from truetier.telemetry.spans import Sink

    Read = Callable[[IO[bytes], Sink], None]

FORMS: list[tuple[Read, object]] = [
    (otlp_json.read, otlp(otlp_span())),
    (jaeger.read, jaeger_answer(jaeger_span())),
    (zipkin.read, [zipkin_span()]),
]


def pieces(content: bytes) -> tuple[list[bytes], dict[str, int]]:
    sink = Kept()
    return list(documents(io.BytesIO(content), sink)), dict(sink.skipped)


@pytest.mark.parametrize("line", ["second", "third"])
def test_an_over_long_line_is_one_piece_and_leaves_nothing_of_itself(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier.sources.traces.documents.LARGEST", 20)
    long = b"[" + b" " * 30 + b"]"
    lines = [b"[1]", long, b"[2]"] if line == "second" else [b"[1]", b"[2]", long]
    assert pieces(b"\n".join(lines)) == ([b"[1]", b"[2]"], {"document past 256 MiB": 1})


def test_a_document_of_too_many_pieces_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier.sources.traces.documents._MOST_COMMAS", 5)
    lines = [b"[1]", b"[{},{},{},{},{},{}]", b"[{},{},{},{},{},{},{}]"]
    assert pieces(b"\n".join(lines)) == (lines[:2], {"document of more pieces than spans could fill": 1})


def test_half_a_first_line_is_one_piece_and_the_lines_behind_it_are_others() -> None:
    for whole in ([b"[2]"], [b"[2]", b"[3]"], [b"[2]", b"[3]", b"[4]"]):
        assert pieces(b"\n".join([b'{"a": [1', *whole])) == ([b'{"a": [1', *whole], {})


@pytest.mark.parametrize("content", [b"[\n[1],\n[2]\n]", b"[\n[1]\n]", b'{"a":\n{}\n}', b"[\n\n1]", b'{\n"a":\n[1]\n\n}'])
def test_a_document_on_many_lines_is_one_piece(content: bytes) -> None:
    found, skipped = pieces(content)
    assert (len(found), skipped) == (1, {})
    assert json.loads(found[0]) == json.loads(content)


@pytest.mark.parametrize(("read", "document"), FORMS)
def test_half_a_first_line_loses_no_other(read: Read, document: object) -> None:
    line = as_json(document)
    sink = kept(read, b"\n".join([line[:40], line, line, line]))
    assert (len(sink.rows), sink.skipped.total()) == (3, 1)


@pytest.mark.parametrize("read", [otlp_json.read, jaeger.read, zipkin.read])
@pytest.mark.parametrize("content", [b'"x"', b"5", b"[5]", b"[[5]]", b"true", b'{"data": 5, "resourceSpans": 5, "traceId": 5}'])
def test_json_of_another_shape_is_not_said_to_be_none(read: Read, content: bytes) -> None:
    sink = kept(read, content)
    assert sink.skipped.total() == 1
    assert set(sink.skipped) <= {"document that is no OTLP request", "document that is no Jaeger trace", "malformed span"}


@pytest.mark.parametrize("read", [otlp_json.read, jaeger.read, zipkin.read])
@pytest.mark.parametrize("content", [b"{", b"[[", b"{]", b"nonsense", b'{"a": 1', b"\xff\xfe"])
def test_what_is_no_json_is_said_to_be_none(read: Read, content: bytes) -> None:
    assert kept(read, content).skipped == {"piece that is no JSON": 1}
