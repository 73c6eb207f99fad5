"""A real Prometheus, filled from a file of samples, asked for what its metrics show."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from truetier.catalog.observed import Verdict
from truetier.cli.exits import Exit
from truetier.cli.main import run
from truetier.errors import NothingToReadError, SourceError
from truetier.sources.prometheus import Indicator, read_prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truetier.telemetry.observation import EdgeEvidence, Observation

BEGIN = 1_790_000_100  # a multiple of five minutes
HOURS = 2
END = BEGIN + HOURS * 3600
SCRAPE = 60
ISTIO = (
    'reporter="{}",source_canonical_service="{}",source_workload="{}-v1",destination_canonical_service="{}",destination_workload="{}-v1"'
)
# Series, and by how much each grows a minute; some only in the second hour.
STEADY = {
    'traces_service_graph_request_total{client="shop",server="cart",connection_type=""}': 60,
    'traces_service_graph_request_failed_total{client="shop",server="cart",connection_type=""}': 3,
    'traces_service_graph_request_total{client="shop",server="mail",connection_type="messaging_system"}': 6,
    'traces_service_graph_request_total{client="user",server="shop",connection_type="virtual_node"}': 120,
    f'istio_requests_total{{{ISTIO.format("source", "web", "web", "api", "api")},response_code="200",response_flags="-"}}': 30,
    f'istio_requests_total{{{ISTIO.format("destination", "web", "web", "api", "api")},response_code="200",response_flags="-"}}': 29,
    f'istio_requests_total{{{ISTIO.format("source", "unknown", "gateway", "web", "web")},response_code="200",response_flags="-"}}': 30,
    'requests_total{code="200"}': 600,
}
FAILS = f"istio_requests_total{{{ISTIO.format('source', 'web', 'web', 'api', 'api')},response_"
LATER = {
    f'{FAILS}code="504",response_flags="UT"}}': 2,
    f'{FAILS}code="503",response_flags="UH"}}': 1,
    f'{FAILS}code="200",response_flags="-",grpc_response_status="14"}}': 4,
    'requests_total{code="500"}': 6,
}


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs the program {name}")
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    families: dict[str, list[str]] = {}
    for series, growth in (STEADY | LATER).items():
        for minute in range(-1, HOURS * 60 + 1):
            grown = growth * (max(0, minute - HOURS * 30) if series in LATER else minute + 1)
            families.setdefault(series.partition("{")[0], []).append(f"{series} {grown} {BEGIN + minute * SCRAPE}")
    lines = [line for name, samples in families.items() for line in (f"# TYPE {name.removesuffix('_total')} counter", *samples)]
    (folder / "samples.txt").write_text("\n".join([*lines, "# EOF", ""]))
    (folder / "prometheus.yml").write_text("{}\n")
    backfill = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(folder / "samples.txt"), str(folder / "data")]
    subprocess.run(backfill, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/-/ready", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait(ready: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(ready, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("Prometheus ended")


@pytest.fixture(scope="module")
def found(address: str) -> Observation:
    indicator = Indicator("front", "sum(increase(requests_total[$window]))", 'sum(increase(requests_total{code="500"}[$window]))')
    return read_prometheus(address, begin=BEGIN, end=END, indicators=[indicator])


def edge(found: Observation, caller: str, callee: str) -> EdgeEvidence:
    (only,) = [each for each in found.edges if (each.caller, each.callee) == (caller, callee)]
    return only


def test_the_edges_are_those_of_the_service_graph_and_of_the_mesh(found: Observation) -> None:
    assert [(each.caller, each.callee, each.is_async) for each in found.edges] == [
        ("gateway-v1", "web", False),
        ("shop", "cart", False),
        ("shop", "mail", True),
        ("web", "api", False),
    ]


def test_calls_and_failures_are_what_the_counters_grew_by(found: Observation) -> None:
    cart = edge(found, "shop", "cart")
    assert (cart.calls, cart.errors) == (60 * 60 * HOURS, 3 * 60 * HOURS)
    assert cart.modes["error"][4:6] == (3 * 60 * HOURS, HOURS * 12)
    assert (cart.first_ns, cart.last_ns) == (BEGIN * 10**9, END * 10**9)


def test_the_caller_tells_how_calls_of_the_mesh_failed(found: Observation) -> None:
    api = edge(found, "web", "api")
    assert {mode: item.failed_calls for mode, item in api.modes.items()} == {"error": 240, "timeout": 120, "unreachable": 60}
    assert {item.windows for item in api.modes.values()} == {12}
    assert {item.verdict for item in api.modes.values()} == {Verdict.UNKNOWN}
    assert api.calls == (30 * 2 + 2 + 1 + 4) * 60


def test_a_service_is_as_available_as_its_callers_see_it(found: Observation) -> None:
    seen = {service.name: service.observed for service in found.services}
    assert {name: (whole.requests, whole.failed) for name, whole in seen.items() if whole is not None} == {
        "api": (29 * 120, 0),  # by what the callee itself tells
        "cart": (7_200, 360),
        "front": (600 * 120 + 6 * 60, 360),
        "shop": (14_400, 0),
        "web": (3_600, 0),
    }
    assert seen["front"] is not None
    assert seen["front"].clustering > 2  # all failures lie in one hour of two
    assert {service.name for service in found.services if service.own is not None} == set()


def test_every_sample_is_counted(found: Observation) -> None:
    assert found.counts.read == found.counts.used > 0
    assert found.counts.skipped == {}


def test_days_are_asked_for_one_by_one_and_add_up(address: str, monkeypatch: pytest.MonkeyPatch, found: Observation) -> None:
    monkeypatch.setattr("truetier.sources.prometheus.server._AT_A_TIME", 1_800)
    again = read_prometheus(address, begin=BEGIN, end=END)
    assert [each[:6] for each in again.edges] == [each[:6] for each in found.edges]


def test_check_reads_what_was_learned(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "truetier.yaml").write_text("services:\n  shop: {tier: T2, needs: [cart]}\n  cart: {tier: T1}\n  mail: {tier: T2}\n")
    assert run(["observe", address, "--window", "2h", "--until", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(END))]) == Exit.CLEAN
    assert capsys.readouterr().err == "wrote .truetier/evidence/prometheus.json\n"
    run(["check", "--format", "json"])
    findings = {(each["code"], each["subject"]) for each in json.loads(capsys.readouterr().out)["findings"]}
    assert ("TT205", "shop -> mail") in findings
    assert ("TT109", "cart") in findings


def test_a_server_without_the_metrics_is_told(address: str) -> None:
    with pytest.raises(
        NothingToReadError, match="nothing was counted in that time by traces_service_graph_request_total, istio_requests_total"
    ):
        read_prometheus(address, begin=BEGIN - 86_400, end=BEGIN - 7_200)


@pytest.mark.parametrize(("query", "complaint"), [("sum(", "refuses the query: .*parse error"), ('"text"', "refuses the query: ")])
def test_a_query_that_is_none_is_told(address: str, query: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        read_prometheus(address, begin=BEGIN - 86_400, end=BEGIN - 7_200, indicators=[Indicator("a", query, query)])


def test_nobody_there(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert run(["observe", f"http://127.0.0.1:{free.getsockname()[1]}"]) == Exit.UNUSABLE_INPUT
    assert "cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b'{"data": 1}', b'{"data": {"resultType": "vector", "result": []}}'])
def test_what_is_no_prometheus_is_told(body: bytes) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(SourceError, match=r"not as Prometheus does|no series over time"):
            read_prometheus(f"http://127.0.0.1:{server.server_port}", begin=BEGIN, end=END)
        server.shutdown()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["http://a", "traces"], "one Prometheus at a time"),
        (["http://a", "--window", "soon"], "--window: expected a duration"),
        (["http://a", "--window", "1m"], "--window: expected at least 10m"),
        (["http://a", "--until", "noon"], "--until: expected a time like 2026-09-21T12:00:00Z, found noon"),
    ],
)
def test_what_is_asked_wrongly_is_told(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["observe", *arguments]) == Exit.USAGE
    assert complaint in capsys.readouterr().err
