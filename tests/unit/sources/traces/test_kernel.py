"""What the compiled walk over attributes finds is what the parser finds, or it leaves them to the parser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.sources.traces import otlp_json
from truetier.sources.traces.documents import WRONG
from truetier.sources.traces.kernel import Finder

if TYPE_CHECKING:
    from truetier.sources.traces.attributes import Value

MEANINGS = {"http.status_code": "http", "error": "error", "e": "short", "server.address": "host"}
TEXTS = st.text(max_size=8) | st.sampled_from(["http.status_code", '"]}', "a\\b", '{"key":', "\u20ac"])
VALUES = st.one_of(
    TEXTS.map(lambda text: {"stringValue": text}),
    st.integers(-(2**70), 2**70).map(lambda number: {"intValue": number}),
    st.integers(-5, 10**19).map(lambda number: {"intValue": str(number)}),
    st.sampled_from(
        [{"boolValue": True}, {}, {"intValue": "007"}, {"intValue": ""}, {"intValue": "5 "}, {"arrayValue": {"values": [{"x": "}"}]}}]
    ),
    st.just({"stringValue": "a", "intValue": 5}),
)
ATTRIBUTES = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from([*MEANINGS, "other", "r.address"]) | TEXTS, "value": VALUES}), max_size=6
)


def decoded(content: bytes) -> str:
    """Stands for the parser: one that says of a value what was written."""
    return json.dumps(json.loads(content))


def said(content: bytes) -> Value:
    """The value as the reader's own parser has it."""
    try:
        return otlp_json.plain(content)
    except WRONG:
        return "malformed"


def test_plain_values_are_read_without_the_parser() -> None:
    def refuse(content: bytes) -> str:
        raise AssertionError(content)

    content = (
        b'[ {"key": "http.status_code", "value": {"intValue": "503"}}, {"key":"error","value":{"stringValue":"\xe2\x82\xac"}},'
        b'\n{"key":"x","value":{"a":["]}",{}]}},{"key":"e","value":{"intValue":0}} ]'
    )
    assert Finder(MEANINGS, refuse).told(content) == {"http": 503, "error": "\u20ac", "short": 0}
    assert Finder(MEANINGS, refuse).told(b" [ ] ") == {}


@given(ATTRIBUTES, st.sampled_from([None, 1, 9]), st.booleans())
def test_what_is_found_is_what_the_parser_finds(attributes: list[dict[str, Any]], indent: int | None, ascii_alone: bool) -> None:  # noqa: FBT001
    content = json.dumps(attributes, indent=indent, ensure_ascii=ascii_alone).encode()
    found = Finder(MEANINGS, said).told(content)
    known = ((MEANINGS.get(attribute["key"]), attribute["value"]) for attribute in attributes)
    assert found in (None, {meaning: said(json.dumps(value).encode()) for meaning, value in known if meaning is not None})


@given(ATTRIBUTES, st.data())
def test_no_bytes_lead_it_astray(attributes: list[dict[str, Any]], data: st.DataObject) -> None:
    content = bytearray(json.dumps(attributes).encode())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]
    try:
        found = Finder(MEANINGS, lambda _: "").told(bytes(content))
    except UnicodeDecodeError:
        return
    assert found is None or set(found) <= set(MEANINGS.values())


@pytest.mark.parametrize(
    "content",
    [
        b"", b"null", b"{}", b"[", b"[5]", b'[{"value":{},"key":"e"}]', b'[{"key":"e"}]', b'[{"key":null,"value":{}}]',
        b'[{"key":"\\u0065","value":{}}]', b'[{"key":"e","value":5}]', b'[{"key":"e","value":{},"x":1}]', b'[{"key":"e","value":{}}',
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_parser(content: bytes) -> None:
    assert Finder(MEANINGS, decoded).told(content) is None


def test_what_the_parser_refuses_goes_through() -> None:
    def refuse(content: bytes) -> str:
        raise ValueError(content)

    with pytest.raises(ValueError, match="intValue"):
        Finder(MEANINGS, refuse).told(b'[{"key":"e","value":{"intValue":"x"}}]')
