"""Engines: the same steps have to find the same rows wherever they run."""

from __future__ import annotations

import gc
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pyspark
import pytest

from tests.unit.telemetry.made import Traces, spooled
from truetier.errors import UsageError
from truetier.telemetry.engines import DuckDB, Spark, engine_called, is_cluster
from truetier.telemetry.mining import Mined, calls, mine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truetier.telemetry.engines import Engine

SERVICES = "abcdefgh"
KINDS = ("server", "client", "client", "internal", "consumer", "producer", "")
OUTCOMES = ("", "", "", "error", "timeout", "unreachable", "?")


@pytest.fixture(scope="session")
def java() -> str:
    found = shutil.which("java")
    if found is None:
        pytest.skip("needs the program java")
    return found


def tangle(seed: int, traces: int) -> Traces:
    """Traces in which everything happens that the plan knows: retries, spans twice, without a kind or a parent, links, words of logs."""
    chance = random.Random(seed)
    made = Traces()
    for number in range(traces):
        trace = f"{chance.getrandbits(64):016x}"
        made.now = number * 4_000.0
        known = [("r", chance.choice(SERVICES))]
        made.span(trace, "r", "", known[0][1], "server", lasts=900, outcome=chance.choice(OUTCOMES))
        for place in range(chance.randrange(1, 14)):
            parent, service = chance.choice(known)
            kind = chance.choice(KINDS)
            stays = kind in {"client", "internal", "producer"} or chance.random() < 0.2
            span = (f"s{place}", service if stays else chance.choice(SERVICES))
            known.append(span)
            at, lasts = chance.randrange(500), chance.choice((2, 5, 30, 700))
            outcome, peer, name = chance.choice(OUTCOMES), chance.choice(("", *SERVICES)), chance.choice(("get", "put"))
            above = parent if chance.random() < 0.95 else "lost"
            for _ in range(2 if chance.random() < 0.1 else 1):
                made.span(trace, span[0], above, span[1], kind, at=at, lasts=lasts, outcome=outcome, peer=peer, name=name)
            if chance.random() < 0.1:
                made.links.append((trace, span[0], chance.choice(SERVICES)))
            if chance.random() < 0.05:
                made.missing.append((trace, span[0], chance.choice(SERVICES)))
                made.failed.append((trace, span[0]))
    return made


def tables(traces: Traces, folder: Path, engine: Engine) -> dict[str, list[str]]:
    """Every table of the plan, its rows in order."""
    try:
        found: Mined = mine(spooled(traces, folder), engine)
    finally:
        engine.close()
        gc.collect()  # py4j leaves its sockets to it
    rows = {name: getattr(found, name).to_pylist() for name in Mined._fields[1:]}
    return {name: sorted(str(sorted(row.items())) for row in of_table) for name, of_table in rows.items()}


def assert_equal(engine: Engine, folder: Path) -> None:
    traces = tangle(1, 400)
    ours = tables(traces, folder / "ours", DuckDB(memory="500MB", spill=str(folder), threads=1))
    assert {name for name, rows in ours.items() if not rows} <= {"limits"}  # otherwise nothing would be compared
    assert tables(traces, folder / "theirs", engine) == ours


@pytest.mark.parametrize("parts", [1, 4])
def test_edges_alone_are_those_of_the_whole_plan(parts: int, tmp_path: Path) -> None:
    given = spooled(tangle(2, 400), tmp_path / "spans", parts)
    engine = DuckDB(memory="500MB", spill=str(tmp_path), threads=1)
    try:
        alone, whole = calls(given, engine), mine(given, engine).edges
    finally:
        engine.close()
    columns = ["caller", "callee", "is_async", "calls", "errors"]
    assert alone.num_rows > 20
    assert sorted(alone.select(columns).to_pylist(), key=str) == sorted(whole.select(columns).to_pylist(), key=str)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning")
def test_a_session_of_spark_on_this_machine_finds_the_same_rows(java: str, tmp_path: Path) -> None:
    assert java
    assert_equal(engine_called("spark-local", memory="1GB", spill=str(tmp_path / "spill")), tmp_path)


@pytest.fixture
def spark_connect(java: str, tmp_path: Path) -> Iterator[str]:
    """A server of Spark Connect, as a cluster has one."""
    assert java
    home = os.path.dirname(pyspark.__file__)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [os.path.join(home, "bin", "spark-submit"), "--master", "local[1]", "--driver-memory", "1g"]
    command += ["--conf", f"spark.connect.grpc.binding.port={port}", "--conf", "spark.connect.grpc.binding.address=127.0.0.1"]
    command += ["--conf", "spark.ui.enabled=false", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    environment = {**os.environ, "SPARK_HOME": home, "PYSPARK_PYTHON": sys.executable}
    with (tmp_path / "server.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, env=environment) as server:
        try:
            _wait(port, server)
            yield f"sc://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("the server of Spark Connect ended")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning")
def test_a_cluster_behind_spark_connect_finds_the_same_rows(spark_connect: str, tmp_path: Path) -> None:
    assert_equal(engine_called(spark_connect, memory="1GB", spill=str(tmp_path / "spill")), tmp_path)


def test_an_engine_nobody_knows_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no engine is called presto: duckdb, spark-local, spark://HOST:PORT or sc://HOST:PORT"):
        engine_called("presto", memory="1GB", spill="")


def test_what_is_missing_for_spark_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(UsageError, match=r"spark-local needs pyspark.sql: install truetier\[spark\]"):
        Spark("spark-local", memory="1GB", spill="")


@pytest.mark.parametrize("memory", ["", "1", "-1GB", "much", "1.5GB", "0GB"])
def test_a_size_is_a_number_and_a_unit(memory: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="write a size like 500MB or 4GB"):
        DuckDB(memory=memory, spill=str(tmp_path))


def test_clusters_are_told_from_what_runs_here() -> None:
    assert [is_cluster(name) for name in ("duckdb", "spark-local", "spark://a:7077", "sc://a")] == [False, False, True, True]
