"""The gate: which promises break, and which rules."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from truetier.cli.exits import Exit
from truetier.cli.hints import hints
from truetier.cli.options import Names, as_of_option, evidence_option, or_here, output_option, paths_argument, trust_option
from truetier.cli.output import use_color, write, write_file
from truetier.cli.progress import Progress
from truetier.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from truetier.report.document import Document

_FORMATS = ("terminal", "json", "sarif", "junit", "github", "markdown", "html")
_EXAMPLES = """\b
Examples:
  truetier check                                    the catalog in this folder
  truetier check catalog/ k8s/ compose.yaml         several sources, merged
  truetier check --report report.html               the same, and a page to send round
  truetier check --against origin/main              fail only on what this change adds
  truetier check --write-baseline baseline.json     accept today's findings ...
  truetier check --baseline baseline.json           ... and fail only on new ones
  truetier check --format sarif -o truetier.sarif   for code scanning
"""


@click.command("check", short_help="The gate: which promises break, and which rules.", epilog=_EXAMPLES)
@paths_argument
@click.option("--format", "form", type=click.Choice(_FORMATS), default="terminal", show_default=True, help="How to print the result.")
@output_option
@click.option("--report", metavar="FILE", help="Write the HTML report here as well.")
@click.option(
    "--fail-on",
    type=click.Choice(("error", "warning", "note", "never")),
    default="error",
    show_default=True,
    help="The mildest finding that fails.",
)
@click.option("--baseline", metavar="FILE", help="Findings listed here are known and fail nothing until they get worse.")
@click.option("--write-baseline", metavar="FILE", help="List the findings of this run here; without --baseline they fail nothing.")
@click.option("--against", metavar="REF", help="Fail only on what is not there at this git revision.")
@evidence_option
@click.option("--select", type=Names(), multiple=True, metavar="RULES", help="Run only these rules: codes, names or families.")
@click.option("--ignore", type=Names(), multiple=True, metavar="RULES", help="Do not run these rules.")
@trust_option
@as_of_option
@click.option(
    "--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True, help="Colours in the terminal format."
)
@click.option("-v", "--verbose", is_flag=True, help="Leave nothing out: every service, finding and assumption.")
def command(
    *,
    paths: tuple[str, ...],
    form: str,
    output: str | None,
    report: str | None,
    fail_on: str,
    baseline: str | None,
    write_baseline: str | None,
    against: str | None,
    evidence: tuple[str, ...],
    select: tuple[tuple[str, ...], ...],
    ignore: tuple[tuple[str, ...], ...],
    trust: str,
    as_of: date,
    color: str,
    verbose: bool,
) -> Exit:
    """Which tier does each service really deliver, and which promises and rules break?

    PATH is a catalog, a manifest, or a folder of them; the default is this folder.
    """
    from truetier.app.baseline import NOTHING_KNOWN, read_baseline
    from truetier.app.check import Decision, accepted, check, decide
    from truetier.audit.finding import Severity
    from truetier.graph.hardness import Reading

    _check_outputs(paths, output, report, write_baseline)
    known = NOTHING_KNOWN if baseline is None else read_baseline(baseline)
    paths = or_here(paths)
    with hints(paths), Progress("computing", sys.stderr) as progress:
        document = check(
            paths,
            as_of=as_of,
            trust=Reading(trust),
            select=sum(select, ()),
            ignore=sum(ignore, ()),
            known=known,
            against=against,
            evidence=evidence,
            fail_on=None if fail_on == "never" else Severity(fail_on),
            progress=progress,
        )
    if write_baseline is not None:
        _write_baseline(document, write_baseline)
        document = document if baseline is not None else accepted(document)
    _print(document, form, output, color=color, verbose=verbose)
    if report is not None:
        _write_report(document, report)
    return {Decision.CLEAN: Exit.CLEAN, Decision.FINDINGS: Exit.FINDINGS, Decision.NOT_ENOUGH_DATA: Exit.NOT_ENOUGH_DATA}[decide(document)]


def _check_outputs(paths: tuple[str, ...], *outputs: str | None) -> None:
    """Refuses to write over what is read, and to write twice to one file: the loss would show too late."""
    taken = {os.path.realpath(path): "is read" for path in paths if os.path.isfile(path)}
    for file in outputs:
        real = os.path.realpath(file or "")
        if file is None or file == "-" or (os.path.exists(real) and not os.path.isfile(real)):
            continue
        if real in taken:
            raise UsageError(f"cannot write {file}: it {taken[real]} by the same command")
        taken[real] = "is written"


def _print(document: Document, form: str, output: str | None, *, color: str, verbose: bool) -> None:
    if form == "terminal":
        from truetier.report.terminal import render

        is_terminal = output is None and sys.stdout.isatty()
        text = render(document, color=use_color(color, os.environ, is_terminal=is_terminal), width=_width(is_terminal), verbose=verbose)
        write(text, output)
        return
    from truetier.app.render import pieces

    write(pieces(document, form), output, machine=True)


def _width(is_terminal: bool) -> int:
    """The terminal's width; elsewhere a fixed one, so that the same input gives the same bytes."""
    if not is_terminal:
        return 100
    from shutil import get_terminal_size

    return min(get_terminal_size((100, 24)).columns, 140)


def _write_report(document: Document, file: str) -> None:
    from truetier.report.html import render

    write_file(render(document), file)


def _write_baseline(document: Document, file: str) -> None:
    from truetier.app.baseline import baseline_text

    write_file(baseline_text(document.findings, document.undecided, document.as_of), file)
