"""Variables in texts that others wrote: each replaced by its value, and never more text than an address may need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_IN_SCRIPT = re.compile(
    r"\$(?:\((?P<cluster>[A-Za-z_]\w{0,255})\)|(?P<bare>[A-Za-z_]\w{0,255})"
    r"|\{(?P<braced>[A-Za-z_]\w{0,255})(?::?[-=](?P<default>[^{}$]{0,256}))?\})"
)
_LONGEST_SCRIPT = 65_536  # characters of a part of a command line that is looked at, and that it may grow to
_LONGEST_VALUE = 300  # characters of a value that is put into a command line; a longer one is no host


def filled(text: str, pattern: re.Pattern[str], value: Callable[[re.Match[str]], str], longest: int) -> str:
    """The text with each match replaced by its value; as it is when it is too long, empty when it grows to be."""
    if "$" not in text or len(text) > longest:
        return text
    pieces: list[str] = []
    size = position = 0
    for found in pattern.finditer(text):
        pieces += [text[position : found.start()], value(found)]
        size += len(pieces[-2]) + len(pieces[-1])
        position = found.end()
        if size > longest:
            return ""
    return "".join(pieces) + text[position:]


def filled_script(text: str, value_of: Callable[[str], str | None]) -> str:
    """A part of a command line with ``$NAME``, ``${NAME:-default}`` and ``$(NAME)`` replaced where the name is known."""

    def value(found: re.Match[str]) -> str:
        known = value_of(found["cluster"] or found["bare"] or found["braced"])
        if known is None:
            return found["default"] or found.group()
        return known if len(known) <= _LONGEST_VALUE else ""

    return filled(text, _IN_SCRIPT, value, _LONGEST_SCRIPT)
