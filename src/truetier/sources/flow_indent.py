"""Flow collections over several lines, written as our parser wants them.

Many people close a list at the indentation of its key, and every parser of Kubernetes and Compose takes it:

    command: [
      "start"
    ]

The YAML specification and rapidyaml want continuation lines deeper than the key. ``indented`` moves those lines, and
only those, to the right, and drops comments between them, some of which the parser stumbles over. Lines keep their
numbers. Block scalars are left alone.
"""

from __future__ import annotations

import re

_MOST_BYTES = 16 * 1024 * 1024
_LONGEST_OPENING = 2000  # bytes of a line that is looked at for an opening bracket
_OPENS = re.compile(
    rb"""(\ *(?:-\ +)*)                                  # where the line's own text begins
    (?:(?:"[^"\n]*"|'[^'\n]*'|[^\s#"'\[\]{},&*!|>%@`-][^#\n"']*?|-[^\s#][^#\n"']*?)\ *:\ +)?  # a key
    (?:[!&]\S+\ +)*([\[{])""",
    re.VERBOSE,
)
_BLOCK_SCALAR = re.compile(rb"(?:^|[:?-] +)(?:[!&]\S+ +)*[|>][-+0-9]{0,2}[ \t]*(?: #.*)?$")
_DASHES = re.compile(rb" *(?:- +)*")
_INTERESTING = re.compile(rb"""["'\[\]{}]|(?:^|(?<=\s))\#""", re.VERBOSE)
_QUOTE_ENDS = {b'"': re.compile(rb'\\.|"', re.DOTALL), b"'": re.compile(rb"''|'")}


def indented(content: bytes) -> bytes:
    """The text with the lines inside flow collections indented deeper than the line that opens them."""
    if len(content) > _MOST_BYTES:
        return content
    lines = content.split(b"\n")
    number = 0
    while number < len(lines):
        line = lines[number].rstrip(b"\r")
        if _BLOCK_SCALAR.search(line):
            number = _after_block(lines, number)
            continue
        opened = _OPENS.match(line) if len(line) <= _LONGEST_OPENING else None
        number = _after_flow(lines, number, opened.start(2), len(opened.group(1))) if opened else number + 1
    return b"\n".join(lines)


def _after_block(lines: list[bytes], number: int) -> int:
    """The line behind a block scalar that the line opens."""
    dashes = _DASHES.match(lines[number])
    base = dashes.end() if dashes else 0
    number += 1
    while number < len(lines) and (not lines[number].strip() or len(lines[number]) - len(lines[number].lstrip(b" ")) > base):
        number += 1
    return number


def _after_flow(lines: list[bytes], number: int, start: int, base: int) -> int:
    """Move what the flow collection that begins there holds; the line behind it. One that never closes stays as it is."""
    state = _Flow()
    moved: dict[int, bytes] = {}
    text = lines[number]
    kept = state.read(text, start)
    while state.depth:
        if kept < len(text):
            moved[number] = text[:kept].rstrip(b" \t")
        number += 1
        if number == len(lines):
            return number
        text = lines[number]
        inner = text.lstrip(b" \t")
        if inner.strip() and len(text) - len(inner) <= base:
            text = moved[number] = b" " * (base + 1) + inner
        kept = state.read(text, 0)
    for index, better in moved.items():
        lines[index] = better
    return number + 1


class _Flow:
    """How deep in brackets, and in which quotes, the reading stands."""

    __slots__ = ("_quote", "depth")

    def __init__(self) -> None:
        self.depth = 0
        self._quote = b""

    def read(self, line: bytes, position: int) -> int:
        """Read on to the end of the line or of the collection; where a comment begins, else the line's length."""
        while found := (_QUOTE_ENDS[self._quote] if self._quote else _INTERESTING).search(line, position):
            sign, position = found.group(), found.end()
            if self._quote:
                self._quote = b"" if sign == self._quote else self._quote
            elif sign == b"#":
                return found.start()
            elif sign in _QUOTE_ENDS:
                self._quote = sign if _begins_scalar(line, found.start()) else b""
            else:
                self.depth += 1 if sign in (b"[", b"{") else -1
                if self.depth == 0:
                    break
        return len(line)


def _begins_scalar(line: bytes, position: int) -> bool:
    """Whether a quote there opens a scalar; inside a plain one it is only a letter."""
    before = line[:position].rstrip(b" \t")
    return not before or before[-1:] in b",:[{" or before != line[:position]
