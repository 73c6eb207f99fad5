"""What the fleet does, learned from its traces or its metrics."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from truetier.cli.exits import Exit
from truetier.cli.options import output_option, text_or_json
from truetier.cli.output import write, write_file
from truetier.cli.progress import Progress
from truetier.errors import UsageError

if TYPE_CHECKING:
    from truetier.telemetry.observation import Observation

_EVIDENCE_FILE, _METRICS_FILE = "observed.json", "prometheus.json"
_SHORTEST = 600  # seconds: whole five minutes are counted, and one may be lost to rounding
_TOKEN = "TRUETIER_PROMETHEUS_TOKEN"  # noqa: S105 - the name of a variable
_EXAMPLES = """\b
Examples:
  truetier observe traces/
  truetier observe spans.jsonl.gz --format json -o observed.json
  truetier observe traces/ --engine spark://cluster:7077 --work /lake/truetier
  truetier observe http://prometheus:9090 --window 30d
  truetier observe http://prometheus:9090 --indicator shop 'sum(increase(requests_total{job="shop"}[$window]))'
      'sum(increase(requests_total{job="shop",code=~"5.."}[$window]))'
"""


@click.command("observe", short_help="Learn from traces who needs whom, hard or soft.", epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...|URL")
@click.option("--memory", default="1GB", show_default=True, metavar="SIZE", help="How much the engine may take before it spills to disk.")
@click.option(
    "--engine",
    default="duckdb",
    show_default=True,
    metavar="ENGINE",
    help="What joins and counts: duckdb, spark-local, spark://HOST:PORT or sc://HOST:PORT (Spark Connect). All find the same.",
)
@click.option(
    "--work",
    metavar="FOLDER",
    help="Keep there what was read and counted, so that a run that was interrupted goes on; a cluster sees it under the same path.",
)
@click.option(
    "--sampled-by-outcome",
    is_flag=True,
    help="The traces were kept for how they ended (tail sampling): how often anything fails is then not told.",
)
@click.option("--window", default="7d", show_default=True, metavar="DURATION", help="Of a Prometheus: how far back to look.")
@click.option("--until", metavar="TIME", help="Of a Prometheus: look back from this time (2026-09-21T12:00:00Z); by default from now.")
@click.option(
    "--indicator",
    "indicators",
    nargs=3,
    multiple=True,
    metavar="SERVICE ALL FAILED",
    help="Of a Prometheus: how well a service serves, by two queries; $window in them stands for five minutes. May be given several times.",
)
@click.option(
    "--evidence",
    metavar="FILE",
    help="Write what was learned here for check to read; by default into .truetier/evidence beside a catalog in this folder.",
)
@text_or_json
@output_option
def command(
    *,
    paths: tuple[str, ...],
    memory: str,
    engine: str,
    work: str | None,
    sampled_by_outcome: bool,
    window: str,
    until: str | None,
    indicators: tuple[tuple[str, str, str], ...],
    evidence: str | None,
    form: str,
    output: str | None,
) -> Exit:
    """Learn from traces: who calls whom, what fails with what, and how often services fail by themselves.

    PATH is a file or a folder of traces: OTLP (JSON or protobuf), Jaeger, Zipkin, SkyWalking, Nezha, Parquet; gzip is opened. A
    dependency is hard where the caller's requests fail when the callee does, soft where they do not, judged for each way to fail;
    what never failed is unknown.

    URL is a Prometheus: its metrics of service graphs (traces_service_graph_request_total) and of Istio (istio_requests_total) show
    who calls whom and how often services fail end to end, but not what is hard. The variable TRUETIER_PROMETHEUS_TOKEN is shown to it.
    """
    from truetier.report.observation import render, render_json

    is_server = any(path.startswith(("http://", "https://")) for path in paths)
    with Progress("observing", sys.stderr) as progress:
        if is_server:
            found = _metrics(paths, window, until, indicators, progress)
        else:
            found = _traces(paths, memory, engine, work, progress, sampled_by_outcome=sampled_by_outcome)
    text = render_json(found)
    file = evidence or _beside_catalog(_METRICS_FILE if is_server else _EVIDENCE_FILE)
    if file is not None:
        os.makedirs(os.path.dirname(file) or ".", exist_ok=True)
        write_file(text, file, replace=True)
        click.echo(f"wrote {file}", err=True)
    write(text if form == "json" else render(found), output, machine=form == "json")
    return Exit.CLEAN


def _traces(
    paths: tuple[str, ...], memory: str, engine: str, work: str | None, progress: Progress, *, sampled_by_outcome: bool
) -> Observation:
    from time import time_ns

    from truetier.app.observe import observe

    return observe(
        paths,
        latest_ns=time_ns(),
        memory=memory,
        engine=engine,
        work=work,
        is_sampled_by_outcome=sampled_by_outcome,
        progress=progress,
    )


def _metrics(
    paths: tuple[str, ...], window: str, until: str | None, indicators: tuple[tuple[str, str, str], ...], progress: Progress
) -> Observation:
    from truetier.app.observe import observe_metrics
    from truetier.units import parse_duration

    if len(paths) != 1:
        raise UsageError("one Prometheus at a time, and no traces beside it: each has a file of evidence of its own")
    try:
        length = parse_duration(window).total_seconds()
    except ValueError as error:
        raise UsageError(f"--window: {error}") from error
    try:
        last = datetime.now(UTC) if until is None else datetime.fromisoformat(until)
    except ValueError as error:
        raise UsageError(f"--until: expected a time like 2026-09-21T12:00:00Z, found {until}") from error
    end = int((last if last.tzinfo else last.replace(tzinfo=UTC)).timestamp())
    if length < _SHORTEST:
        raise UsageError("--window: expected at least 10m: five minutes are counted at a time")
    return observe_metrics(
        paths[0], begin=end - int(length), end=end, indicators=indicators, token=os.environ.get(_TOKEN), progress=progress
    )


def _beside_catalog(name: str) -> str | None:
    """Where check looks for evidence; nowhere when there is no catalog in this folder."""
    from truetier.app.from_sources import EVIDENCE, OUR_NAMES

    return os.path.join(EVIDENCE, name) if any(map(os.path.exists, OUR_NAMES)) else None
