from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.telemetry.made import BEGIN, LATEST, Traces, spooled
from truetier.telemetry.spool import Spool, keys, span_keys

if TYPE_CHECKING:
    from pathlib import Path


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.sampled_from(("{:016x}", "{:032x}", "00ff{:028x}", "{:x}")))
def test_the_key_of_a_hexadecimal_identifier_is_its_last_64_bits(numbers: list[int], form: str) -> None:
    signed = [number - 2**64 if number >> 63 else number for number in numbers]
    assert keys([form.format(number) for number in numbers]).to_pylist() == signed


@given(st.lists(st.text(max_size=70), min_size=1))
def test_any_other_identifier_has_a_key_of_its_own(texts: list[str]) -> None:
    found = keys(texts).to_pylist()
    assert [key is None for key in found] == [text == "" for text in texts]
    assert found == keys(list(texts)).to_pylist()


def test_identifiers_that_end_alike_but_are_not_hexadecimal_differ() -> None:
    found = keys(["node-a.42.16283348922050077", "node-b.42.16283348922050077"]).to_pylist()
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trace_id": ""}, "no trace id"),
        ({"span_id": ""}, "no span id"),
        ({"service": ""}, "no service name"),
        ({"start_ns": 0}, "no start time"),
        ({"start_ns": LATEST + 1}, "starts in the future"),
        ({"duration_ns": -1}, "ends before it starts"),
        ({"parent_id": "r"}, "is its own parent"),
        ({"trace_id": "", "duration_ns": -1}, "no trace id"),
    ],
)
def test_what_makes_no_sense_is_counted_under_one_reason_and_the_rest_is_used(
    change: dict[str, object], reason: str, tmp_path: Path
) -> None:
    traces = Traces()
    traces.span("1", "r", "", "a", "server")
    traces.span("2", "r", "", "a", "server")
    for name, value in change.items():
        getattr(traces.columns, name)[0] = value
    counts = spooled(traces, tmp_path).counts
    assert (counts.read, counts.used, counts.skipped) == (2, 1, {reason: 1})


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=1), st.sampled_from(("{:016x}", "{:032x}", "span-{}")))
def test_a_span_has_the_same_key_only_in_the_same_trace(pairs: list[tuple[int, int]], form: str) -> None:
    traces, spans = ([form.format(number) for number in numbers] for numbers in zip(*pairs, strict=True))
    found = span_keys(keys(traces), spans).to_pylist()
    assert len(set(found)) == len(set(pairs))
    assert len(set(zip(pairs, found, strict=True))) == len(set(pairs))
    assert span_keys(keys(traces), [""] * len(pairs)).null_count == len(pairs)


def test_parts_in_which_a_span_came_twice_are_told(tmp_path: Path) -> None:
    traces = Traces()
    for number in range(4_000):
        traces.span(f"{number % 8:016x}", f"{number:016x}", "", "a", "server")
    traces.span(f"{3:016x}", f"{3_995:016x}", "", "a", "server")
    found = spooled(traces, tmp_path, parts=8)
    assert (found.parts, found.doubled) == (tuple(range(8)), (3,))


def test_a_part_holds_whole_traces(tmp_path: Path) -> None:
    traces = Traces()
    for number in range(64):
        for span in ("r", "s", "t"):
            traces.span(f"{number:032x}", span, "", f"service-{number % 3}", "server", at=number)
    found = spooled(traces, tmp_path, parts=8)
    assert found.parts == tuple(range(8))
    of_parts = [set(pq.read_table(found.spans(part))["trace_id"].to_pylist()) for part in found.parts]
    assert sum(map(len, of_parts)) == len(set.union(*of_parts)) == 64


def test_names_are_numbered_once_for_all_parts(tmp_path: Path) -> None:
    traces = Traces()
    traces.span("0", "r", "", "a", "server", name="get")
    traces.span("1", "c", "", "b", "client", peer="a", name="get")
    found = spooled(traces, tmp_path, parts=2)
    names = pq.read_table(found.table("names"))["name"].to_pylist()
    rows = [row for part in found.parts for row in pq.read_table(found.spans(part)).to_pylist()]
    for row in rows:
        assert (names[row["svc"]], names[row["label"]], names[row["whom"]]) == (row["service"], row["name"], row["peer"])
    assert sorted((row["k"], row["start_ns"]) for row in rows) == [(1, BEGIN), (3, BEGIN)]


def test_past_so_many_names_spans_stay_and_past_twice_as_many_services_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for most in ("_MOST_NAMES", "_MOST_LETTERS"):
        with monkeypatch.context() as patched:
            patched.setattr(f"truetier.telemetry.spool.{most}", 8)
            traces = Traces()
            found = Spool(str(tmp_path / most), 1, LATEST)
            for number in range(20):
                traces = Traces()
                traces.span(str(number), "r", "", f"{number % 5}", "server", name=f"get {number}")
                found.spans(traces.columns)
            for number in range(20):
                traces = Traces()
                traces.span(str(number), "s", "", f"more {number}", "server")
                found.spans(traces.columns)
        spooled = found.close()
        labels = pq.read_table(spooled.spans(0))["label"].to_pylist()
        assert 0 < labels.index(0) < 20
        assert spooled.counts.read == 40
        assert spooled.counts.skipped == {"one service too many": 40 - spooled.counts.used}
        assert 20 < spooled.counts.used < 40


def test_rows_wait_for_a_row_group_only_while_they_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier.telemetry.spool._WAITING", 2_000)
    traces = Traces()
    found = Spool(str(tmp_path), 2, LATEST)
    for number in range(8):
        traces = Traces()
        traces.span(str(number), "r", "", "a", "server", name="x" * 1_000)
        found.spans(traces.columns)
    spooled = found.close()
    assert sum(pq.read_metadata(spooled.spans(part)).num_row_groups for part in spooled.parts) > 2
    assert spooled.counts.used == 8
