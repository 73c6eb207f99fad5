# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Finds among the attributes of a span, written as OTLP has them in JSON, those that are looked at.

Most of what a span says is attributes, of which one or two matter: to make an object for each costs more than all else that is done
with the span. The text is JSON already, which its parser has seen to. What is written as exporters write it is read here; at
anything else (a name with an escape in it, another order, a field more) this gives up and has said nothing, and the parser reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetier import typed as cython
else:
    try:
        import cython  # the compiler wants to see this line
    except ModuleNotFoundError:
        from truetier import typed as cython

if cython.compiled:
    from cython.cimports.truetier.pointers import characters, memory, size_of
else:
    from truetier.pointers import characters, memory, size_of

from truetier.sources.traces.attributes import ends_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

    Value = str | int | float | bool

IS_COMPILED = cython.compiled

_KEY, _VALUE, _STRING, _INT = b'"key"', b'"value"', b'"stringValue"', b'"intValue"'
_MOST_DIGITS = 18
_LENGTHS = 64


@cython.final
@cython.cclass
class Finder:
    """Knows the names of the attributes that are looked at, and what each means.

    ``decode`` reads the value of an attribute that is not plain, and what it raises goes through.
    """

    _meanings: dict[bytes, str]
    _decode: Callable[[bytes], Value]
    _signs: bytes  # whether a name of some length that ends in some sign is among them: few others need be looked up

    def __init__(self, meanings: dict[str, str], decode: Callable[[bytes], Value]) -> None:
        self._meanings = {name.encode("ascii"): meaning for name, meaning in meanings.items()}
        self._decode = decode
        self._signs = ends_of(self._meanings)

    def told(self, content: ReadableBuffer) -> dict[str, Value] | None:
        """What a list of attributes says, by meaning; None where the parser must read it. ``content`` is JSON."""
        text: cython.p_uchar = memory(content)
        signs: cython.p_uchar = characters(self._signs)
        end: cython.longlong = size_of(content)
        found: dict[str, Value] = {}
        at: cython.longlong = _blanks(text, _sign(text, 0, end, 91), end)
        if at >= 0 and at < end and text[at] == 93:
            return found
        while at >= 0:
            begin: cython.longlong = _sign(text, _name(text, _sign(text, at, end, 123), end, _KEY), end, 34)
            stop: cython.longlong = _closing(text, begin, end)
            at = _blanks(text, _name(text, _sign(text, stop + 1 if stop >= 0 else -1, end, 44), end, _VALUE), end)
            behind: cython.longlong = _behind(text, at, end)
            if behind < 0:
                return None
            if stop > begin and signs[((stop - begin) % _LENGTHS) * 256 + text[stop - 1]]:
                meaning: str | None = self._meanings.get(text[begin:stop])
                if meaning is not None:
                    found[meaning] = self._plain(text, at, behind)
            at = _blanks(text, _sign(text, behind, end, 125), end)
            if at < 0 or at >= end:
                return None
            if text[at] == 93:
                return found
            at = _sign(text, at, end, 44)
        return None

    @cython.cfunc
    def _plain(self, text: cython.p_uchar, at: cython.longlong, behind: cython.longlong) -> Value:
        """The value of an attribute: a text without escapes, a whole number, or whatever the parser makes of it."""
        inner: cython.longlong = _sign(text, at, behind, 123)
        begin: cython.longlong = _sign(text, _name(text, inner, behind, _STRING), behind, 34)
        stop: cython.longlong = _closing(text, begin, behind)
        if stop >= 0 and _sign(text, stop + 1, behind, 125) == behind:
            return text[begin:stop].decode("utf-8")
        begin = _blanks(text, _name(text, inner, behind, _INT), behind)
        if begin >= 0 and begin < behind:
            quote: cython.int = 1 if text[begin] == 34 else 0
            begin += quote
            stop = begin
            while stop < behind and text[stop] >= 48 and text[stop] <= 57:
                stop += 1
            is_number: cython.bint = begin < stop and stop - begin <= _MOST_DIGITS and (text[begin] != 48 or stop == begin + 1)
            last: cython.longlong = stop + quote if not quote or (stop < behind and text[stop] == 34) else -1
            if is_number and _sign(text, last, behind, 125) == behind:
                return int(text[begin:stop])
        return self._decode(text[at:behind])


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _blanks(text: cython.p_uchar, at: cython.longlong, end: cython.longlong) -> cython.longlong:
    """Behind blanks; -1 for -1, as below."""
    if at < 0:
        return -1
    while at < end and (text[at] == 32 or text[at] == 10 or text[at] == 13 or text[at] == 9):
        at += 1
    return at


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _sign(text: cython.p_uchar, at: cython.longlong, end: cython.longlong, sign: cython.int) -> cython.longlong:
    """Behind blanks and that sign; -1 where it does not stand there."""
    at = _blanks(text, at, end)
    return at + 1 if at >= 0 and at < end and text[at] == sign else -1


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _name(text: cython.p_uchar, at: cython.longlong, end: cython.longlong, name: bytes) -> cython.longlong:
    """Behind that name, in its quotes, and a colon; -1 where they do not stand there."""
    wanted: cython.p_uchar = characters(name)
    length: cython.int = len(name)
    place: cython.int
    at = _blanks(text, at, end)
    if at < 0 or end - at < length:
        return -1
    for place in range(length):
        if text[at + place] != wanted[place]:
            return -1
    return _sign(text, at + length, end, 58)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _closing(text: cython.p_uchar, at: cython.longlong, end: cython.longlong) -> cython.longlong:
    """Where the quote is that closes a text which begins there; -1 for -1, and for a text with anything but plain signs in it."""
    if at < 0:
        return -1
    while at < end and text[at] != 34:
        if text[at] == 92 or text[at] < 32:
            return -1
        at += 1
    return at if at < end else -1


@cython.cfunc
@cython.exceptval(check=False)
def _behind(text: cython.p_uchar, at: cython.longlong, end: cython.longlong) -> cython.longlong:
    """Behind the map that begins there; -1 where there is none."""
    if at < 0 or at >= end or text[at] != 123:
        return -1
    depth: cython.int = 0
    while at < end:
        sign: cython.int = text[at]
        at += 1
        if sign == 34:
            while at < end and text[at] != 34:
                at += 2 if text[at] == 92 else 1
            at += 1
        elif sign == 123 or sign == 91:  # noqa: PLR1714 - a comparison each, where compiled
            depth += 1
        elif sign == 125 or sign == 93:  # noqa: PLR1714
            depth -= 1
            if depth == 0:
                return at
    return -1
