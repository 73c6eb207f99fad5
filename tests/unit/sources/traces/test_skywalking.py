"""Spans of SkyWalking in rows."""

from __future__ import annotations

from tests.unit.sources.traces.samples import SKYWALKING
from tests.unit.sources.traces.sinks import Row, kept
from truetier.sources.traces import skywalking

HEAD, ENTRY, EXIT, LOCAL = SKYWALKING.splitlines()
START = 1_700_000_000_000_000_000


def test_entries_exits_and_local_spans_are_read() -> None:
    assert kept(skywalking.read, SKYWALKING).rows == [
        Row("t.1", "s.0", "", "shop", "/buy", "server", START, 250_000_000, "error", ""),
        Row("t.1", "s.1", "s.0", "shop", "/pay", "client", START + 10_000_000, 230_000_000, "error", "payment"),
        Row("t.1", "s.2", "s.0", "shop", "render", "internal", START + 20_000_000, 10_000_000, "", ""),
    ]


def test_what_goes_through_a_queue_is_produced_and_consumed() -> None:
    rows = [HEAD, EXIT.replace("HttpClient", "kafka-producer"), ENTRY.replace("SpringMVC", "kafka-consumer"), ENTRY.replace("Entry", "Odd")]
    assert [row.kind for row in kept(skywalking.read, "\n".join(rows)).rows] == ["producer", "consumer", ""]


def test_columns_may_stand_in_another_order_and_among_others() -> None:
    reordered = ["\ufeffX," + ",".join(reversed(HEAD.split(","))), "9," + ",".join(reversed(ENTRY.split(",")))]
    assert kept(skywalking.read, "\r\n".join(reordered)).rows == kept(skywalking.read, f"{HEAD}\n{ENTRY}").rows


def test_what_is_malformed_is_counted_and_the_rest_is_used() -> None:
    bad = [
        ENTRY.replace("1700000000000", "now"),
        ENTRY[:-9],
        ENTRY.replace("s.0", ""),
        ENTRY.replace("1700000000000", "9" * 30),
        "",
        ENTRY + ",more",
    ]
    sink = kept(skywalking.read, "\n".join([HEAD, *bad, LOCAL]))
    assert [row.span_id for row in sink.rows] == ["s.2"]
    assert sink.skipped == {
        "malformed span": 1,
        "row of another length than the first line": 2,
        "span without an identifier": 1,
        "span with a time out of range": 1,
    }


def test_a_quote_that_is_never_closed_is_counted_and_what_is_behind_it_is_used() -> None:
    sink = kept(skywalking.read, f'{HEAD}\n"{"x" * 140_000}\n{ENTRY}\n')
    assert sink.skipped.total() >= 1


def test_a_file_with_other_columns_is_counted() -> None:
    assert kept(skywalking.read, "a,b\n1,2\n").skipped == {"file without the columns it should have": 1}
