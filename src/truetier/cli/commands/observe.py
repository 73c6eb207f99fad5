"""What the fleet does, learned from its traces."""

from __future__ import annotations

import os
import sys

import click

from truetier.cli.exits import Exit
from truetier.cli.options import output_option, text_or_json
from truetier.cli.output import write, write_file
from truetier.cli.progress import Progress

_EVIDENCE_FILE = "observed.json"
_EXAMPLES = """\b
Examples:
  truetier observe traces/
  truetier observe spans.jsonl.gz --format json -o observed.json
  truetier observe traces/ --engine spark://cluster:7077 --work /lake/truetier
"""


@click.command("observe", short_help="Learn from traces who needs whom, hard or soft.", epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
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
@click.option(
    "--evidence",
    metavar="FILE",
    help="Write what was learned here for check to read; by default to .truetier/evidence/observed.json beside a catalog in this folder.",
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
    evidence: str | None,
    form: str,
    output: str | None,
) -> Exit:
    """Learn from traces: who calls whom, what fails with what, and how often services fail by themselves.

    PATH is a file or a folder of traces: OTLP (JSON or protobuf), Jaeger, Zipkin, SkyWalking, Nezha, Parquet; gzip is opened. A
    dependency is hard where the caller's requests fail when the callee does, soft where they do not, judged for each way to fail;
    what never failed is unknown.
    """
    from time import time_ns

    from truetier.app.observe import observe
    from truetier.report.observation import render, render_json

    with Progress("observing", sys.stderr) as progress:
        found = observe(
            paths,
            latest_ns=time_ns(),
            memory=memory,
            engine=engine,
            work=work,
            is_sampled_by_outcome=sampled_by_outcome,
            progress=progress,
        )
    text = render_json(found)
    file = evidence or _beside_catalog()
    if file is not None:
        os.makedirs(os.path.dirname(file) or ".", exist_ok=True)
        write_file(text, file, replace=True)
        click.echo(f"wrote {file}", err=True)
    write(text if form == "json" else render(found), output, machine=form == "json")
    return Exit.CLEAN


def _beside_catalog() -> str | None:
    """Where check looks for evidence; nowhere when there is no catalog in this folder."""
    from truetier.app.load import EVIDENCE, OUR_NAMES

    return os.path.join(EVIDENCE, _EVIDENCE_FILE) if any(map(os.path.exists, OUR_NAMES)) else None
