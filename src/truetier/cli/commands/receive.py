"""Takes in the spans that services send."""

from __future__ import annotations

import os
import re
from typing import Any

import click

from truetier.cli.exits import Exit

_TOKEN = "TRUETIER_RECEIVER_TOKEN"  # noqa: S105 - the name of a variable
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_EXAMPLES = """\b
Examples:
  truetier receive spans/
  truetier receive spans/ --max-disk 50GB --keep-attribute http.route
  truetier receive spans/ --listen 0.0.0.0:4318 --token-file token --tls-cert chain.pem --tls-key key.pem
"""


class Size(click.ParamType[int]):
    """A number of bytes as 500MB or 2GiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - click's signature
        """The number the text says; fails with the form it must have."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,15}) ?([kmgt]?i?)b?", value.strip(), re.IGNORECASE)
        if found is None or found[2].lower() not in _UNITS:
            self.fail(f"expected a size like 500MB or 2GiB, found {value!r}", param, ctx)
        return int(found[1]) * _UNITS[found[2].lower()]


class Address(click.ParamType[tuple[str, int]]):
    """A host and a port as 127.0.0.1:4318."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:  # noqa: ANN401 - click's signature
        """Host and port; fails with the form they must have."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\[[0-9A-Fa-f:.%a-z]+\]|[^:\s]+):([0-9]{1,5})", value)
        if found is None or int(found[2]) > 65_535:
            self.fail(f"expected a host and a port like 127.0.0.1:4318, found {value!r}", param, ctx)
        return found[1].strip("[]"), int(found[2])


@click.command("receive", short_help="Take in spans over OTLP/HTTP, for observe.", epilog=_EXAMPLES)
@click.argument("folder", metavar="FOLDER")
@click.option("--listen", type=Address(), default="127.0.0.1:4318", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option("--max-disk", type=Size(), default="10GB", show_default=True, metavar="SIZE", help="How much FOLDER may hold.")
@click.option("--keep-attribute", "kept", multiple=True, metavar="NAME", help="Keep this attribute too, as it is sent.")
@click.option("--token-file", metavar="FILE", help=f"Senders must show the token in it; else the one in {_TOKEN}, if there is one.")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain in PEM: listen with TLS.")
@click.option("--tls-key", metavar="FILE", help="Its key in PEM.")
def command(
    *,
    folder: str,
    listen: tuple[str, int],
    max_disk: int,
    kept: tuple[str, ...],
    token_file: str | None,
    tls_cert: str | None,
    tls_key: str | None,
) -> Exit:
    """Take in spans that services send over OTLP/HTTP, and store in FOLDER what observe needs of them.

    An answer of 200 means that the spans are on disk. Attributes that observe does not look at, texts of errors and paths of URLs
    are not kept. When FOLDER is full, senders are told to try again later; nothing is deleted. SIGTERM ends it.
    """
    from time import time

    from truetier.app.receive import Listening, Storage, receive

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    certificate = None if tls_cert is None or tls_key is None else (tls_cert, tls_key)
    at = Listening(*listen, token=_token(token_file), certificate=certificate)
    receive(Storage(folder, max_disk, kept), at, clock=time, say=lambda words: click.echo(f"truetier: {words}", err=True))
    return Exit.CLEAN


def _token(file: str | None) -> str | None:
    if file is None:
        return os.environ.get(_TOKEN) or None
    try:
        with open(file, encoding="utf-8") as stream:
            found = stream.read(10_000).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot read the token in {file}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    if not found:
        raise click.UsageError(f"{file} holds no token")
    return found
