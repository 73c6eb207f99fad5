"""Mining generated spans whose truth is known: how right, how fast and in how much memory.

Beside it, in the same run: a scan of the ten columns of the span table with the same threads, and for the edges alone a pandas and a
pure-Python script. What every edge is found to be is held against the truth, and the edges of all three against each other.

Usage: .venv/bin/python benchmarks/mining.py [TRACES] [RUNS]; 900,000 traces are 10 million spans.
pandas comes with the extra ``bench``.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from measure import machine, spread
from span_generator import KINDS, OUTCOMES, Fleet

from truetier.telemetry.engines import DuckDB
from truetier.telemetry.mining import mine
from truetier.telemetry.observation import observation
from truetier.telemetry.spool import Counts, Spool, Spooled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from span_generator import Edge, Spans

    from truetier.telemetry.observation import Observation

SERVICES, SEED = 300, 7
TRACES = 900_000
A_PART = 1_200_000  # spans
SPANS_OF_A_TRACE = 11
MEMORY = "1GB"
ALONE = "alone"
SPREAD = 0x9E37_79B9_7F4A_7C15  # odd: numbers that follow each other end up far apart, as random identifiers do
TEN = ("trace_id", "span_id", "parent_id", "service", "name", "kind", "start_ns", "duration_ns", "outcome", "peer")
BAR, BAR_PANDAS, BAR_PYTHON = 5.0, 2.5, 10.0


def main() -> None:
    """Prints what the page shows; with ALONE and a folder mines what lies there, in a process of its own."""
    if sys.argv[1:2] == [ALONE]:
        _mine_alone(sys.argv[2])
        return
    traces = int(sys.argv[1]) if len(sys.argv) > 1 else TRACES
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        spooled = _generated(traces, os.path.join(folder, "spans"))
        print(f"{machine()}, duckdb {duckdb.__version__}; one thread, CPU seconds, medians of {runs} alternating runs")
        print(f"{spooled.counts.used:,} spans, {SERVICES} services, seed {SEED}")
        _print_truth(_mined(spooled), Fleet(SERVICES, SEED).truth())
        _print_speed(spooled, runs)
        _print_memory(spooled)
        _print_peers(spooled, runs)


def _generated(traces: int, folder: str) -> Spooled:
    parts = 1
    while parts * A_PART < traces * SPANS_OF_A_TRACE:
        parts *= 2
    spool = Spool(folder, parts, 2**62)
    names = pa.array([*(f"service-{number}" for number in range(SERVICES)), ""])
    for spans in Fleet(SERVICES, SEED).traces(traces):
        spool.table(_table(spans, names))
    return spool.close()


def _table(spans: Spans, names: pa.Array) -> pa.Table:
    service = names.take(pa.array(spans.service))
    kinds, outcomes = (pa.array(words).take(pa.array(numbers)) for words, numbers in ((KINDS, spans.kind), (OUTCOMES, spans.outcome)))
    peer = names.take(pa.array(spans.peer % (SERVICES + 1)))
    columns = {
        "trace_id": pa.array([f"{trace * SPREAD % 2**64:032x}" for trace in spans.trace.tolist()]),
        "span_id": pa.array([f"{span:016x}" for span in spans.span]),
        "parent_id": pa.array(["" if parent < 0 else f"{parent:016x}" for parent in spans.parent]),
        "service": service,
        "name": service,
        "kind": kinds,
        "start_ns": pa.array(spans.start),
        "duration_ns": pa.array(spans.duration),
        "outcome": outcomes,
        "peer": peer,
    }
    return pa.table(columns)


def _mined(spooled: Spooled) -> Observation:
    """Everything, from the spans on disk to the verdicts; parts that were mined before are mined again."""
    for name in os.listdir(spooled.folder):
        if name.split("-")[0] not in {"spans", "names.parquet", "links.parquet", "said.parquet", "by_log.parquet"}:
            os.remove(os.path.join(spooled.folder, name))
    spill = os.path.join(spooled.folder, "spill")
    engine = DuckDB(memory=MEMORY, spill=spill, threads=1)
    try:
        return observation(mine(spooled, engine), spooled.counts)
    finally:
        engine.close()
        shutil.rmtree(spill, ignore_errors=True)


def _print_truth(found: Observation, truth: Mapping[tuple[int, int], Edge]) -> None:
    fallbacks = {(caller, edge.fallback) for (caller, _), edge in truth.items()}
    counts: Counter[str] = Counter()
    for edge in found.edges:
        pair = (_number(edge.caller), _number(edge.callee))
        if pair not in truth or pair in fallbacks:
            continue
        harm = truth[pair].harm
        really = "hard" if harm > 0.8 else "soft" if harm < 0.2 else "partial"
        for mode in edge.modes.values():
            verdict = mode.verdict.value
            counts["soft though it never failed"] += verdict == "soft" and not mode.failed_calls
            if mode.low is None or mode.high is None:
                continue
            counts["failed"] += 1
            counts["inside"] += mode.low <= harm <= mode.high
            counts["decided"] += verdict != "unknown"
            counts["right"] += verdict == really
            counts["often"] += mode.failed_calls >= 30
            counts["often decided"] += mode.failed_calls >= 30 and verdict != "unknown"
    print(f"edges by mode that ever failed: {counts['failed']}; decided {counts['decided']}, right {counts['right']} of them")
    print(f"with 30 failed calls or more: {counts['often']}, decided {counts['often decided']}")
    print(f"the truth lies in the 95 % interval: {counts['inside'] / counts['failed']:.1%}")
    print(f"never failed and called soft: {counts['soft though it never failed']}")


def _number(name: str) -> int:
    return int(name.removeprefix("service-"))


def _print_speed(spooled: Spooled, runs: int) -> None:
    ours, theirs = [], []
    for _ in range(runs):
        theirs.append(_cpu(lambda: _scan(spooled)))
        ours.append(_cpu(lambda: _mined(spooled)))
    ratio = spread([a / b for a, b in zip(ours, theirs, strict=True)])
    print(
        f"mining {spread(ours).median:.1f} / scan of ten columns {spread(theirs).median:.2f} = {ratio.median:.1f} "
        f"({ratio.least:.1f} to {ratio.most:.1f}), bar {BAR}"
    )


def _scan(spooled: Spooled) -> object:
    connection = duckdb.connect(config={"threads": 1})
    files = [spooled.spans(part) for part in spooled.parts]
    sums = ", ".join(f"sum(hash({column}))" for column in TEN)
    return connection.execute(f"SELECT {sums} FROM read_parquet({files})").fetchall()  # noqa: S608 - names of our own


def _cpu(task: Callable[[], object]) -> float:
    begin = time.process_time()
    task()
    return time.process_time() - begin


def _print_memory(spooled: Spooled) -> None:
    done = subprocess.run((sys.executable, __file__, ALONE, spooled.folder), stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    print(done.stdout, end="")


def _mine_alone(folder: str) -> None:
    parts = tuple(sorted(int(name[6:9]) for name in os.listdir(folder) if name.startswith("spans-")))
    _mined(Spooled(folder, parts, Counts(0, 0, {})))
    print(f"peak memory of the mining process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB, bar 1,536")


# -- the peers: edges alone


def _print_peers(spooled: Spooled, runs: int) -> None:
    """Over the first part, which holds whole traces."""
    one = Spooled(spooled.folder, spooled.parts[:1], spooled.counts)
    answers = [{(edge.caller, edge.callee): edge.calls for edge in _mined(one).edges}, _by_pandas(one), _by_hand(one)]
    if any(answer != answers[0] for answer in answers):
        print("wrong: the edges differ")
        return
    costs: list[list[float]] = [[], [], []]
    for _ in range(runs):
        for figures, task in zip(costs, (_mined, _by_pandas, _by_hand), strict=True):
            figures.append(_cpu(lambda task=task: task(one)))  # type: ignore[misc]
    rows = pq.read_metadata(one.spans(one.parts[0])).num_rows
    for name, figures, bar in (("pandas", costs[1], BAR_PANDAS), ("pure Python", costs[2], BAR_PYTHON)):
        ratio = spread([b / a for a, b in zip(costs[0], figures, strict=True)])
        print(f"{name}, edges alone, {rows:,} spans: {spread(figures).median:.1f} s, {ratio.median:.1f} times ours, bar {bar}")


def _by_pandas(spooled: Spooled) -> dict[tuple[str, str], int]:
    frame = pd.read_parquet(spooled.spans(spooled.parts[0]), columns=["trace_id", "span_id", "parent_id", "service", "kind", "peer"])
    calls = frame[frame.kind == "client"]
    entries = frame[frame.kind == "server"][["trace_id", "parent_id", "service"]]
    both = calls.merge(entries, how="left", left_on=["trace_id", "span_id"], right_on=["trace_id", "parent_id"], suffixes=("", "_callee"))
    callee = both.service_callee.fillna(both.peer)
    counted = both.assign(callee=callee).groupby(["service", "callee"]).size()
    bare = frame[frame.kind == "server"].merge(calls[["trace_id", "span_id"]], how="left", left_on=["trace_id", "parent_id"],
        right_on=["trace_id", "span_id"], suffixes=("", "_call"))  # fmt: skip
    loose = bare[bare.span_id_call.isna() & (bare.parent_id != "")]
    above = loose.merge(frame[["trace_id", "span_id", "service"]], left_on=["trace_id", "parent_id"], right_on=["trace_id", "span_id"],
        suffixes=("", "_above"))  # fmt: skip
    more = above[above.service != above.service_above].groupby(["service_above", "service"]).size()
    found = Counter({pair: int(n) for pair, n in counted.items()})
    found.update({pair: int(n) for pair, n in more.items()})
    return dict(found)


def _by_hand(spooled: Spooled) -> dict[tuple[str, str], int]:
    spans = pq.read_table(
        spooled.spans(spooled.parts[0]), columns=["trace_id", "span_id", "parent_id", "service", "kind", "peer"]
    ).to_pylist()
    by_id = {(span["trace_id"], span["span_id"]): span for span in spans}
    found: Counter[tuple[str, str]] = Counter()
    answered = set()
    for span in spans:
        above = by_id.get((span["trace_id"], span["parent_id"]))
        if span["kind"] == "server" and above is not None and (above["kind"] == "client" or above["service"] != span["service"]):
            found[above["service"], span["service"]] += 1
            answered.add((span["trace_id"], span["parent_id"]))
    for key, span in by_id.items():
        if span["kind"] == "client" and key not in answered:
            found[span["service"], span["peer"]] += 1
    return dict(found)


if __name__ == "__main__":
    main()
