"""The ``truetier`` command: finds its subcommands by file name, and turns every error into a message and an exit code."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from pkgutil import iter_modules
from typing import TYPE_CHECKING, NoReturn

import click

from truetier import __version__
from truetier.cli import commands
from truetier.cli.exits import Exit
from truetier.cli.output import plain, said
from truetier.errors import CatalogError, ModelError, SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_REPORT_AT = "please report it with the command and, if you can, the catalog"
_START = """\b
Start here:
  truetier init           write a commented truetier.yaml
  truetier check          check the catalog in this folder
  truetier explain NAME   tell the story of one service, or of one rule
"""


class LazyGroup(click.Group):
    """Commands are the files of ``commands/``; each is imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command by name."""
        return sorted(_command_name(module.name) for module in iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, None when there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        from importlib import import_module

        module = cmd_name.replace("-", "_")
        try:
            loaded = import_module(f"truetier.cli.commands.{module}")
        except ModuleNotFoundError:  # a command whose name is a keyword lives in a file with a trailing underscore
            loaded = import_module(f"truetier.cli.commands.{module}_")
        command: click.Command = loaded.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command the arguments name; an unknown one fails with the nearest names, a path with the command to use."""
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"no such command {name!r}{self._hint(ctx, name)}", ctx)

    def _hint(self, ctx: click.Context, name: str) -> str:
        from pathlib import Path

        if Path(name).exists():
            return f"; to check that path: truetier check {name}"
        from difflib import get_close_matches

        names = self.list_commands(ctx)
        close = [known for known in names if known.startswith(name)] or get_close_matches(name, names)
        return f"; did you mean {' or '.join(close)}?" if close else f"; there are {', '.join(names)}"


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_START,
)
@click.version_option(__version__, prog_name="truetier")
def truetier() -> None:
    """Which tier does each service really deliver, and which promises break?

    Reads catalogs, Kubernetes manifests and compose files. Exit codes: 0 clean, 1 findings, 2 usage,
    3 input unusable, 4 internal error, 5 not enough data to decide.
    """


def main() -> NoReturn:
    """The process: runs the arguments it was started with and exits."""
    import gc

    gc.disable()  # short-lived: what little garbage has cycles goes with the process
    _make_streams_forgiving()
    code = run(sys.argv[1:])
    _mention_uncompiled_kernels()
    _leave(code)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and gives its exit code. No exception leaves but SystemExit."""
    try:
        return int(truetier.main(list(arguments), prog_name="truetier", standalone_mode=False) or Exit.CLEAN)
    except SystemExit:  # how click leaves when a pipe closes early
        return Exit.CLEAN
    except (KeyboardInterrupt, click.Abort):
        return _failed("interrupted", Exit.INTERRUPTED)
    except click.ClickException as error:
        return _misused(error)
    except CatalogError as error:
        return _failed(_mistakes(error), Exit.UNUSABLE_INPUT)
    except SourceError as error:
        return _failed(str(error), Exit.UNUSABLE_INPUT)
    except UsageError as error:
        return _failed(str(error), Exit.USAGE)
    except OSError as error:
        return _failed(f"cannot write: {said(error)}", Exit.USAGE) if error.errno == errno.ENOSPC else _crashed(error)
    except ModelError as error:
        return _failed(f"internal error, two methods disagree: {error}; {_REPORT_AT}", Exit.INTERNAL)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a traceback is for us, not for the user
        return _crashed(error)


def _command_name(file: str) -> str:
    return file.rstrip("_").replace("_", "-")


def _make_streams_forgiving() -> None:
    """Lets a terminal that knows few characters show escapes for the others, and a closed stream swallow what comes."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open until the process ends
        elif isinstance(stream, io.TextIOWrapper):  # else it is somebody else's
            stream.reconfigure(errors="backslashreplace")


def _mention_uncompiled_kernels() -> None:
    """Says once that a kernel ran as plain Python, where one did."""
    if any(name.endswith(".kernel") and not module.IS_COMPILED for name, module in sys.modules.items() if name.startswith("truetier.")):
        _tell("truetier: the kernels are not compiled here: slower, same answers; with a C compiler, install truetier again")


def _leave(code: int) -> NoReturn:
    """Ends the process at once: to free a fleet object by object would cost a tenth of a run."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass
    except OSError as error:
        code = _failed(f"cannot write to standard output: {said(error)}", Exit.USAGE)
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def _failed(message: str, code: Exit) -> Exit:
    _tell(f"truetier: {message}")
    return code


def _misused(error: click.ClickException) -> Exit:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _tell(error.format_message())
        return Exit.USAGE
    if isinstance(error, click.UsageError) and error.ctx is not None:
        _tell(f"{error.ctx.get_usage()}\nTry: {error.ctx.command_path} --help\n")
    message = error.format_message()
    return _failed(message[:1].lower() + message[1:], Exit.USAGE)


def _mistakes(error: CatalogError) -> str:
    """All mistakes, each on a line that starts with its place, so that an editor can jump there."""
    count = len(error.mistakes)
    title = f"{count:,} mistake{'' if count == 1 else 's'} in the input; nothing was checked"
    return "\n".join([title, *(f"  {mistake}" for mistake in error.mistakes)])


def _crashed(error: Exception) -> Exit:
    if os.environ.get("TRUETIER_DEBUG"):
        import traceback

        _tell("".join(traceback.format_exception(error)))
    text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return _failed(f"internal error: {text}; {_REPORT_AT} (TRUETIER_DEBUG=1 shows where)", Exit.INTERNAL)


def _tell(message: str) -> None:
    """Prints on standard error; when even that is gone there is nobody to tell."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(plain(message), err=True)
