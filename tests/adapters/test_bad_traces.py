"""Traces as nobody should send them: each malformed span is counted, named and skipped, and what is sound is used."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.traces.samples import FILES, PARENT, SPAN, START, as_json, otlp, otlp_span, text
from truetier.app.observe import observe
from truetier.cli.exits import Exit
from truetier.cli.main import run
from truetier.errors import NothingToReadError, SourceError
from truetier.sources.traces import read_traces
from truetier.telemetry.spool import Counts, Spool

LATEST = START + 10**12
SOUND = otlp_span(spanId="a" * 16)


def counts_of(*files: bytes) -> Counts:
    """What observe counts of a folder with those files."""
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files):
            Path(folder, f"file-{number}").write_bytes(content)
        return observe([folder], latest_ns=LATEST).counts


def spooled(*files: bytes) -> Counts:
    """The same without what is worked out afterwards, which takes longer than the reading."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "traces").mkdir()
        for number, content in enumerate(files):
            Path(folder, "traces", f"file-{number}").write_bytes(content)
        spool = Spool(str(Path(folder, "spool")), 1, LATEST)
        read_traces([str(Path(folder, "traces"))], spool)
        return spool.close().counts


def holds(counts: Counts) -> bool:
    return counts.read == counts.used + sum(counts.skipped.values()) and all(count > 0 for count in counts.skipped.values())


HOSTILE_NAMES = [
    "\0",
    "a\nb\r\n",
    "\ud800",
    "x" * 1_000_000,
    "'; DROP TABLE spans; --",
    '"',
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp",
    "{",
    "%s",
    "",
]
WRONG_TEXTS: list[Any] = [5, True, [], {}]
WRONG_LISTS: list[Any] = [5, "x", True, [5]]
WRONG_KINDS: list[Any] = [[], {}, 1.5]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"startTimeUnixNano": str(LATEST + 1), "endTimeUnixNano": str(LATEST + 2)}, "starts in the future"),
    ({"endTimeUnixNano": str(START - 1)}, "ends before it starts"),
    ({"startTimeUnixNano": "0"}, "no start time"),
    ({"startTimeUnixNano": "-5"}, "no start time"),
    ({"startTimeUnixNano": None}, "no start time"),
    ({"startTimeUnixNano": str(2**63)}, "span with a time out of range"),
    ({"endTimeUnixNano": 2**64}, "span with a time out of range"),
    ({"endTimeUnixNano": -(2**63)}, "span with a time out of range"),
    ({"startTimeUnixNano": "1e400"}, "malformed span"),
    ({"startTimeUnixNano": "NaN"}, "malformed span"),
    ({"startTimeUnixNano": 1.5}, "malformed span"),
    ({"traceId": "0" * 32}, "span without an identifier"),
    ({"spanId": "0" * 16}, "span without an identifier"),
    ({"spanId": "0"}, "span without an identifier"),
    ({"traceId": ""}, "span without an identifier"),
    ({"parentSpanId": SPAN}, "is its own parent"),
    ({"parentSpanId": "x" * 2000}, "span without an identifier"),
    *(({field: wrong}, "malformed span") for field in ("traceId", "spanId", "parentSpanId", "name") for wrong in WRONG_TEXTS),
    *(({field: wrong}, "malformed span") for field in ("attributes", "links", "status") for wrong in WRONG_LISTS),
    *(({"kind": wrong}, "malformed span") for wrong in WRONG_KINDS),
]


@pytest.mark.parametrize(("fields", "reason"), BAD)
def test_a_malformed_span_is_counted_under_its_reason_and_the_others_are_used(fields: dict[str, Any], reason: str) -> None:
    assert spooled(as_json(otlp(SOUND, otlp_span(**fields)))) == Counts(2, 1, {reason: 1})


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "-1e999", "0x10", "1" * 5000])
def test_a_number_that_json_does_not_know_spoils_its_span_alone(number: str) -> None:
    content = as_json(otlp(SOUND, otlp_span(endTimeUnixNano="@"))).replace(b'"@"', number.encode())
    counts = spooled(content + b"\n" + as_json(otlp(SOUND)))
    assert holds(counts)
    assert (counts.used, sum(counts.skipped.values())) in ((2, 1), (1, 1))


def test_every_malformed_span_in_one_file_is_counted_once() -> None:
    counts = counts_of(as_json(otlp(SOUND, *(otlp_span(**fields) for fields, _ in BAD))))
    assert (counts.read, counts.used) == (len(BAD) + 1, 1)
    assert holds(counts)


@pytest.mark.parametrize("length", [1, 7, 15, 17, 31, 33, 64, 999])
def test_identifiers_of_odd_lengths_join_all_the_same(length: int, tmp_path: Path) -> None:
    above, below = "1" + "a" * (length - 1), "2" + "b" * (length - 1)
    spans = [otlp_span(spanId=above, kind=2), otlp_span(spanId=below, parentSpanId=above, kind=3, attributes=[text("peer.service", "db")])]
    (tmp_path / "spans.json").write_bytes(as_json(otlp(*spans)))
    (edge,) = observe([str(tmp_path)], latest_ns=LATEST).edges
    assert (edge.caller, edge.callee, edge.calls, edge.requests) == ("checkout", "db", 1, 1)


def test_parents_in_a_circle_end(tmp_path: Path) -> None:
    ids = [f"{number:016x}" for number in range(1, 400)]
    spans = [otlp_span(spanId=own, parentSpanId=above, kind=1) for own, above in zip(ids, [*ids[1:], ids[0]], strict=True)]
    spans.append(otlp_span(spanId="f" * 16, parentSpanId=ids[7], kind=3, attributes=[text("peer.service", "db")]))
    (tmp_path / "spans.json").write_bytes(as_json(otlp(*spans)))
    found = observe([str(tmp_path)], latest_ns=LATEST)
    assert [(edge.callee, edge.calls, edge.requests) for edge in found.edges] == [("db", 1, 0)]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_a_hostile_name_reaches_neither_screen_nor_engine(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = otlp_span(name=name, kind=2)
    call = otlp_span(spanId=PARENT, parentSpanId=SPAN, name=name, attributes=[text("peer.service", name or "x"), text(name, name)])
    (tmp_path / "spans.json").write_bytes(as_json(otlp(server, call, otlp_span(spanId=name), service=name or "x")))
    for form in ([], ["--format", "json"]):
        code = run(["observe", str(tmp_path), *form])
        assert code == (Exit.UNUSABLE_INPUT if name == "\ud800" else Exit.CLEAN)  # half a sign is no JSON: no span is sound
        printed = capsys.readouterr()
        assert all(sign.isprintable() or sign == "\n" for sign in printed.out + printed.err)
        assert len(printed.out) < 20_000
        if form and code == Exit.CLEAN:
            counts = json.loads(printed.out)["counts"]
            assert counts["read"] == 3 == counts["used"] + sum(counts["skipped"].values())


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"resourceSpans":' + b"[" * 200_000,
        b'{"resourceSpans":' * 100_000,
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b'{"attributes":[' * 50_000,
        as_json(otlp(otlp_span(attributes=[{"key": "error", "value": "@"}]))).replace(b'"@"', b'{"a":' * 9_000 + b"1" + b"}" * 9_000),
        b'{"traceID":' + b'{"spans":' * 9_000,
        b'[{"traceId":"1","id":' + b"[" * 90_000 + b"]" * 90_000 + b"}]",
    ],
    ids=range(7),
)
def test_deep_nesting_is_counted(content: bytes) -> None:
    counts = spooled(as_json(otlp(SOUND)), content)
    assert holds(counts)
    assert counts.used >= 1


def test_a_key_that_stands_twice_is_the_last_one() -> None:
    content = as_json(otlp(SOUND)).replace(b'"name": "pay"', b'"name": "pay", "kind": 5, "name": "sell"')
    assert spooled(content) == Counts(1, 1, {})


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, random.Random(5).randbytes(70_000), b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PAR1", b"\n", b"\n\n\n\x05x"]
)
def test_a_file_of_something_else_is_listed_or_counted(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "spans.json").write_bytes(content)
    (tmp_path / "sound.json").write_bytes(as_json(otlp(SOUND)))
    found = observe([str(tmp_path)], latest_ns=LATEST)
    assert holds(found.counts)
    assert found.counts.used == 1
    assert found.unread or found.counts.skipped  # both, where nothing came out of a packed file


def test_nothing_sound_at_all_is_an_error_that_says_what_there_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spans.json").write_bytes(as_json(otlp(otlp_span(traceId=""), otlp_span(name=5))))
    assert run(["observe", str(tmp_path)]) == Exit.UNUSABLE_INPUT
    said = capsys.readouterr().err
    assert "span without an identifier: 1" in said
    assert "malformed span: 1" in said
    assert "Traceback" not in said


def damaged(content: bytes, data: st.DataObject) -> bytes:
    """The bytes with some changed, lost, added, or all behind some place gone."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(len(changed) - 1, 0)))
        how = data.draw(st.sampled_from(["flip", "lose", "add", "end"]))
        if how == "flip" and changed:
            changed[place] ^= 1 << data.draw(st.integers(0, 7))
        elif how == "lose":
            del changed[place : place + data.draw(st.integers(1, 40))]
        elif how == "add":
            changed[place:place] = data.draw(
                st.binary(min_size=1, max_size=9) | st.sampled_from([b"\n", b'"', b"}", b"[", b"\xff", b"9" * 30])
            )
        else:
            del changed[place:]
    return bytes(changed)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_is_read_is_what_is_used_and_what_is_skipped(name: str, data: st.DataObject) -> None:
    counts = spooled(damaged(FILES[name][1], data), as_json(otlp(SOUND)))
    assert holds(counts)
    assert counts.used >= 1


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_files_are_observed_or_refused(name: str, data: st.DataObject) -> None:
    try:
        counts = counts_of(*(damaged(FILES[name][1], data) for _ in range(3)))
    except (SourceError, NothingToReadError):
        return
    assert holds(counts)
