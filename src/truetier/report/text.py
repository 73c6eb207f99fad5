"""Safe text that every report shares: hostile names neutralised, lines that fit, plain words for places and paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetier.errors import Place

LONGEST_NAME = 120  # a longer one is cut in reports for people; machine formats keep all of it
LONGEST_SENTENCE = 1_000
_ARROW = " -> "


def plain(text: str) -> str:
    r"""The text on one line, with everything a screen would obey and not show written as an escape.

    Control characters, line ends, direction overrides, zero-width characters and lone surrogates become ``\x1b``
    or ``\u202e``; what is left is printable, and legal in XML.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _escape(ord(sign)) for sign in text)


def _escape(number: int) -> str:
    if number in (9, 10, 13):
        return {9: "\\t", 10: "\\n", 13: "\\r"}[number]
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def clip(text: str, length: int = LONGEST_NAME) -> str:
    """The text made plain and at most that long, cut in the middle so that both ends stay readable."""
    safe = plain(text[: 2 * length] + text[-length:] if len(text) > 3 * length else text)
    if len(safe) <= length:
        return safe
    tail = (length - 3) // 3
    return f"{safe[: length - 3 - tail]}...{safe[-tail:] if tail else ''}"


def columns(text: str) -> int:
    """How many columns of a terminal plain text takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text filled with spaces to that many columns."""
    gap = " " * (width - columns(text))
    return gap + text if right else text + gap


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most that many columns, broken at spaces; a longer word stands alone on its line."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and columns(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    return lines


def plural(count: int, noun: str, many: str | None = None) -> str:
    """``1 service``, ``2 services``, ``3,000 services``."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def place_text(place: Place | None) -> str:
    """``file:line:column`` in plain text, nothing where no place is known."""
    return "" if place is None else f"{clip(place.file, LONGEST_SENTENCE)}:{place.line}:{place.column}"


def path_text(path: tuple[str, ...], length: int, shown: int = 12) -> str:
    """``a -> b -> c``; a long way is cut in the middle, and says how much is left out."""
    if not path:
        return ""
    names = [clip(name) for name in path]
    left_out = max(length, len(names)) - min(len(names), shown)
    if left_out <= 0:
        return _ARROW.join(names)
    head = shown - 2
    tail = names[-2:] if length <= len(names) else []  # the end is known only when nothing was cut before us
    skipped = max(length, len(names)) - head - len(tail)
    return _ARROW.join([*names[:head], f"({skipped:,} more)", *tail])
