"""Mining generated spans whose truth is known: how right, how fast and in how much memory.

Beside it, in the same run: a scan of the ten columns of the span table with the same threads, and for the edges alone (who calls whom,
how often, how often in vain) a pandas and a pure-Python script, which read the same files: the span table as text, as anybody has it,
or the numbers that truetier works with. What every edge is found to be is held against the truth, and the edges of all against each other.

Usage: .venv/bin/python benchmarks/mining.py [TRACES] [RUNS]; 900,000 traces are 10 million spans
       .venv/bin/python benchmarks/mining.py large; 50 million spans, and what mining them takes
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
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from measure import machine, spread
from span_generator import KINDS, OUTCOMES, Fleet

from truetier.telemetry.engines import DuckDB
from truetier.telemetry.mining import calls, mine
from truetier.telemetry.observation import observation
from truetier.telemetry.spool import Counts, Spool, Spooled, may_be_doubled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from span_generator import Edge, Spans

    from truetier.telemetry.observation import Observation

    Pair = tuple[str, str, bool]  # caller, callee, whether the call is one of messages
    Counted = tuple[int, int]  # calls, and how many of them failed

SERVICES, SEED = 300, 7
TRACES = 900_000
A_PART = 1_500_000  # spans
PEER_PARTS = 4  # what the peers work through
SPANS_OF_A_TRACE = 11
MEMORY = "1GB"
ALONE, LARGE = "alone", "large"
MANY_TRACES = 4_450_000
MOST, MOST_OF_MANY = 1_536, 4_096  # MiB
SPREAD = 0x9E37_79B9_7F4A_7C15  # odd: numbers that follow each other end up far apart, as random identifiers do
TEN = ("trace_id", "span_id", "parent_id", "service", "name", "kind", "start_ns", "duration_ns", "outcome", "peer")
BAR, BAR_PANDAS, BAR_PYTHON = 5.0, 2.5, 10.0


def main() -> None:
    """Prints what the page shows; with ALONE and a folder mines what lies there, in a process of its own."""
    if sys.argv[1:2] == [ALONE]:
        _mine_alone(sys.argv[2])
        return
    if sys.argv[1:2] == [LARGE]:
        with tempfile.TemporaryDirectory() as folder:
            spooled = _generated(MANY_TRACES, os.path.join(folder, "spans"))
            print(f"{spooled.counts.used:,} spans, {SERVICES} services, seed {SEED}; one thread, CPU seconds")
            _print_memory(spooled, MOST_OF_MANY)
        return
    traces = int(sys.argv[1]) if len(sys.argv) > 1 else TRACES
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        spooled = _generated(traces, os.path.join(folder, "spans"))
        print(f"{machine()}, duckdb {duckdb.__version__}; one thread, CPU seconds, medians of {runs} alternating runs")
        print(f"{spooled.counts.used:,} spans, {SERVICES} services, seed {SEED}")
        _print_truth(_mined(spooled), Fleet(SERVICES, SEED).truth())
        _print_speed(spooled, runs)
        _print_memory(spooled, MOST)
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


def _print_memory(spooled: Spooled, bar: int) -> None:
    done = subprocess.run((sys.executable, __file__, ALONE, spooled.folder), stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    print(f"{done.stdout.rstrip()}, bar {bar:,}")


def _mine_alone(folder: str) -> None:
    parts = tuple(sorted(int(name[6:9]) for name in os.listdir(folder) if name.startswith("spans-")))
    _mined(Spooled(folder, parts, Counts(0, 0, {}), ()))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"mining in a process of its own: {used.ru_utime + used.ru_stime:.0f} s, peak memory {used.ru_maxrss / 1024:,.0f} MiB")


# -- the peers: edges alone


class Form(NamedTuple):
    """How the peers find the columns they read: as the text of the span table, or as the numbers that truetier has written beside it."""

    title: str
    columns: tuple[str, ...]  # trace, span, parent, service, peer, kind, outcome
    kinds: tuple[object, object, object, object]  # server, consumer, client, producer
    failures: frozenset[object]


FORMS = (
    Form(
        "text",
        ("trace_id", "span_id", "parent_id", "service", "peer", "kind", "outcome"),
        ("server", "consumer", "client", "producer"),
        frozenset({"error", "timeout", "unreachable"}),
    ),
    Form("numbers", ("tkey", "skey", "pkey", "svc", "whom", "k", "f"), (1, 2, 3, 4), frozenset({1, 2, 3})),
)


def _print_peers(spooled: Spooled, runs: int) -> None:
    """Over the first parts; the peers too work through one at a time, which spares them memory and costs them nothing."""
    some = spooled._replace(parts=spooled.parts[:PEER_PARTS])
    tasks: dict[str, Callable[[], dict[Pair, Counted]]] = {"ours": lambda: _by_truetier(some)}
    for form in FORMS:
        tasks[f"pandas, {form.title}"] = lambda form=form: _by_pandas(some, form)  # type: ignore[misc]
        tasks[f"pure Python, {form.title}"] = lambda form=form: _by_hand(some, form)  # type: ignore[misc]
    answers = [task() for task in tasks.values()]
    if any(answer != answers[0] for answer in answers):
        print("wrong: the edges differ")
        return
    costs: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(runs):
        for name, task in tasks.items():
            costs[name].append(_cpu(task))
    rows = sum(pq.read_metadata(some.spans(part)).num_rows for part in some.parts)
    ours = costs.pop("ours")
    print(f"edges alone, {rows:,} spans: {len(answers[0])} edges, the same by all; truetier {spread(ours).median:.2f}")
    for name, figures in costs.items():
        ratio = spread([b / a for a, b in zip(ours, figures, strict=True)])
        bar = BAR_PANDAS if name.startswith("pandas") else BAR_PYTHON
        print(f"{name} {spread(figures).median:.2f}: {ratio.median:.1f} times ours ({ratio.least:.1f} to {ratio.most:.1f}), bar {bar}")


def _by_truetier(spooled: Spooled) -> dict[Pair, Counted]:
    """Copies are looked for while spans are read, before the plan; since the scripts do it too, here it counts."""
    spooled = spooled._replace(doubled=tuple(part for part in spooled.parts if may_be_doubled(spooled.spans(part))))
    engine = DuckDB(memory=MEMORY, spill=os.path.join(spooled.folder, "spill"), threads=1)
    try:
        found = calls(spooled, engine).to_pylist()
    finally:
        engine.close()
    names = pq.read_table(spooled.table("names"))["name"].to_pylist()
    return {
        (names[row["caller"]], names[row["callee"]], bool(row["is_async"])): (row["calls"], row["errors"])
        for row in found
        if names[row["callee"]]
    }


def _by_pandas(spooled: Spooled, form: Form) -> dict[Pair, Counted]:
    parts = [_of_a_part_by_pandas(spooled.spans(part), form) for part in spooled.parts]
    summed = pd.concat(parts).groupby(["caller", "callee", "is_async"])[["calls", "errors"]].sum()
    named = _names(spooled, form)
    return {
        (named(caller), named(callee), bool(is_async)): (int(row.calls), int(row.errors))
        for (caller, callee, is_async), row in zip(summed.index, summed.itertuples(), strict=True)
        if named(callee)
    }


def _of_a_part_by_pandas(file: str, form: Form) -> pd.DataFrame:
    frame = pd.read_parquet(file, columns=list(form.columns))
    frame.columns = pd.Index(["trace", "span", "parent", "service", "peer", "kind", "outcome"])
    frame = frame.drop_duplicates(["trace", "span"])
    frame["failed"] = frame.outcome.isin(form.failures)
    server, consumer, client, producer = form.kinds
    arrivals = frame[frame.kind.isin((server, consumer))]
    clients = frame[frame.kind.isin((client, producer))]

    # What stands above each call: a client of the same service is the same call; a span of another one, that is no client, called us.
    above = frame[["trace", "span", "service", "kind"]]
    higher = clients.merge(above, left_on=["trace", "parent"], right_on=["trace", "span"], suffixes=("", "_above"))
    is_client = higher.kind_above.isin((client, producer))
    is_ours = higher.service == higher.service_above
    same = higher[is_client & is_ours][["trace", "parent", "service"]].drop_duplicates()
    stray = higher[~is_client & ~is_ours]

    made = clients.merge(arrivals[["trace", "parent", "service", "kind"]], how="left", left_on=["trace", "span"],
        right_on=["trace", "parent"], suffixes=("", "_answer"))  # fmt: skip
    if len(same):
        marked = made.merge(same, how="left", left_on=["trace", "span", "service"], right_on=["trace", "parent", "service"],
            suffixes=("", "_same"), indicator=True)  # fmt: skip
        made = marked[marked["_merge"] == "left_only"]
    callee = made.service_answer.fillna(made.peer)
    is_async = (made.kind == producer) | (made.kind_answer == consumer)

    # Arrivals under no client: calls by whatever other service stands above them.
    beside = arrivals.merge(clients[["trace", "span"]], how="left", left_on=["trace", "parent"], right_on=["trace", "span"],
        suffixes=("", "_call"), indicator=True)  # fmt: skip
    alone = beside[beside["_merge"] == "left_only"].drop(columns="_merge")
    loose = alone.merge(above, left_on=["trace", "parent"], right_on=["trace", "span"], suffixes=("", "_above"))
    loose = loose[loose.service != loose.service_above]

    found = pd.concat(
        [
            pd.DataFrame({"caller": made.service, "callee": callee, "is_async": is_async, "failed": made.failed}),
            pd.DataFrame(
                {"caller": loose.service_above, "callee": loose.service, "is_async": loose.kind == consumer, "failed": loose.failed}
            ),
            pd.DataFrame({"caller": stray.service_above, "callee": stray.service, "is_async": False, "failed": False}),
        ]
    )
    return found.groupby(["caller", "callee", "is_async"]).failed.agg(calls="size", errors="sum").reset_index()


def _by_hand(spooled: Spooled, form: Form) -> dict[Pair, Counted]:
    found: Counter[tuple[object, object, bool]] = Counter()
    failed: Counter[tuple[object, object, bool]] = Counter()
    for part in spooled.parts:
        _of_a_part_by_hand(spooled.spans(part), form, found, failed)
    named = _names(spooled, form)
    return {(named(a), named(b), is_async): (n, failed[a, b, is_async]) for (a, b, is_async), n in found.items() if named(b)}


def _of_a_part_by_hand(  # noqa: C901, PLR0912 - a script, as people write it
    file: str, form: Form, found: Counter[tuple[object, object, bool]], failed: Counter[tuple[object, object, bool]]
) -> None:
    server, consumer, client, producer = form.kinds
    failures = form.failures
    columns = [column.to_pylist() for column in pq.read_table(file, columns=list(form.columns)).columns]
    spans = {(trace, span): rest for trace, span, *rest in zip(*columns, strict=True)}  # a copy takes the place of the first
    answered: set[tuple[object, object]] = set()
    doubled: set[tuple[object, object]] = set()  # clients around clients
    arrivals, clients = [], []
    for key, (parent, service, peer, kind, outcome) in spans.items():
        above = (key[0], parent)
        if kind in (server, consumer):
            arrivals.append((above, service, kind, outcome))
        elif kind in (client, producer):
            clients.append((key, service, peer, kind, outcome))
            higher = spans.get(above)
            if higher is None:
                continue
            if higher[3] in (client, producer):
                if higher[1] == service:
                    doubled.add(above)
            elif higher[1] != service:
                found[higher[1], service, False] += 1
    for above, service, kind, outcome in arrivals:
        higher = spans.get(above)
        if higher is None:
            continue
        if higher[3] in (client, producer):
            answered.add(above)
            if above in doubled:
                continue
            edge = (higher[1], service, higher[3] == producer or kind == consumer)
            outcome = higher[4]  # noqa: PLW2901 - the caller's view of it
        elif higher[1] != service:
            edge = (higher[1], service, kind == consumer)
        else:
            continue
        found[edge] += 1
        failed[edge] += outcome in failures
    for key, service, peer, kind, outcome in clients:
        if key not in answered and key not in doubled:
            edge = (service, peer, kind == producer)
            found[edge] += 1
            failed[edge] += outcome in failures


def _names(spooled: Spooled, form: Form) -> Callable[[object], str]:
    if form.title == "text":
        return str
    names = pq.read_table(spooled.table("names"))["name"].to_pylist()
    return lambda number: names[int(number)]  # type: ignore[call-overload]


if __name__ == "__main__":
    main()
