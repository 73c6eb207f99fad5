"""Spans on their way from a reader to a sink: some thousands at a time, checked together, since to check each alone costs more."""

from __future__ import annotations

import re
from base64 import b64decode
from itertools import compress
from typing import TYPE_CHECKING

from truetier.telemetry.spans import Columns

if TYPE_CHECKING:
    from truetier.telemetry.spans import Sink

FULL = 20_000  # spans
LONGEST_TEXT = 1_000  # characters; a longer name is cut, a longer identifier is none
_LEAST, _MOST = -(2**63), 2**63 - 1
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_USUAL_LENGTHS = frozenset({0, 16, 32})
_NO_SPAN = "0" * 16
_BASE64_LENGTHS = frozenset({12, 24})  # of 8 and of 16 bytes, filled up with "="


class Batch:
    """Columns that a reader fills, and the links beside them; both go to the ``sink`` when there are enough, and at the end.

    ``is_hexadecimal`` says that identifiers are numbers, however they are written: one in capitals or base64 is the same one.
    """

    __slots__ = ("_is_hexadecimal", "_links", "columns", "sink")

    def __init__(self, sink: Sink, *, is_hexadecimal: bool = False) -> None:
        self.columns = Columns()
        self.sink = sink
        self._links: list[tuple[str, str, str]] = []
        self._is_hexadecimal = is_hexadecimal

    def add(  # noqa: PLR0913 - a column each
        self,
        identity: tuple[str, str, str],
        *,
        service: str,
        name: str,
        kind: str,
        times: tuple[int, int],
        outcome: str,
        peer: str = "",
    ) -> None:
        """Takes one span; identity: trace, span, parent; times: start and duration. Hurried readers fill the columns themselves."""
        columns = self.columns
        columns.trace_id.append(identity[0])
        columns.span_id.append(identity[1])
        columns.parent_id.append(identity[2])
        columns.service.append(service)
        columns.name.append(name)
        columns.kind.append(kind)
        columns.start_ns.append(times[0])
        columns.duration_ns.append(times[1])
        columns.outcome.append(outcome)
        columns.peer.append(peer)
        self.flush_if_full()

    def link(self, service: str, trace: str | None, span: str | None) -> None:
        """Takes a link of a span of that service to another span; one that leads nowhere is none."""
        trace, span = trace or "", span or ""
        if self._is_hexadecimal:
            trace, span = identifier(trace), identifier(span)
        if service and 0 < len(trace) <= LONGEST_TEXT and 0 < len(span) <= LONGEST_TEXT:
            self._links.append((clean(trace), clean(span), clean(service)))
        if len(self._links) >= FULL:
            self._flush_links()

    def flush_if_full(self) -> None:
        """Gives everything to the sink where that is enough."""
        if len(self.columns.trace_id) >= FULL:
            self.flush()

    def flush(self) -> None:
        """Gives everything to the sink."""
        columns, self.columns = self.columns, Columns()
        if columns.trace_id:
            wrong: set[int] = set()
            for ids, least in ((columns.trace_id, 1), (columns.span_id, 1), (columns.parent_id, 0)):
                wrong |= _normalise(ids, least, is_hexadecimal=self._is_hexadecimal)
            _drop(columns, wrong, "span without an identifier", self.sink)
            _drop(columns, _out_of_range(columns), "span with a time out of range", self.sink)
            for texts in (columns.service, columns.name, columns.peer):
                _clean(texts)
        if columns.trace_id:
            self.sink.spans(columns)
        self._flush_links()

    def _flush_links(self) -> None:
        if self._links:
            links, self._links = self._links, []
            self.sink.links(links)


def identifier(text: str) -> str:
    """The number that the text writes, hexadecimal in lower case; empty for zero. A text that is no number stays as it is."""
    if len(text) in _BASE64_LENGTHS and text.endswith("="):
        try:
            text = b64decode(text, validate=True).hex()
        except ValueError:
            return text
    if not text.strip("0"):
        return ""
    return text.lower() if _HEXADECIMAL.fullmatch(text) else text


def clean(text: str) -> str:
    """The text, at most so long, without what no table or screen takes: control characters and halves of characters."""
    text = text[:LONGEST_TEXT]
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def _normalise(ids: list[str], least: int, *, is_hexadecimal: bool) -> set[int]:
    """The same as ``identifier`` and ``clean`` for each of many; nearly always there is nothing to do. Gives where those of no span are."""
    joined, lengths = " ".join(ids), set(map(len, ids))
    if is_hexadecimal and (not lengths <= _USUAL_LENGTHS or _NO_SPAN in joined or joined != joined.lower()):
        ids[:] = map(identifier, ids)
        joined, lengths = " ".join(ids), set(map(len, ids))
    wrong: set[int] = set()
    if min(lengths) < least or max(lengths) > LONGEST_TEXT:
        wrong.update(place for place, text in enumerate(ids) if not least <= len(text) <= LONGEST_TEXT)
    if not joined.isprintable():
        ids[:] = map(clean, ids)
    return wrong


def _out_of_range(columns: Columns) -> set[int]:
    wrong: set[int] = set()
    for numbers in (columns.start_ns, columns.duration_ns):
        if numbers and not (min(numbers) >= _LEAST and max(numbers) <= _MOST):
            wrong.update(place for place, number in enumerate(numbers) if not _LEAST <= number <= _MOST)
    return wrong


def _drop(columns: Columns, places: set[int], reason: str, sink: Sink) -> None:
    if not places:
        return
    sink.skip(reason, len(places))
    kept = [place not in places for place in range(len(columns))]
    for name in Columns.__slots__:
        setattr(columns, name, list(compress(getattr(columns, name), kept)))


def _clean(texts: list[str]) -> None:
    if not "".join(texts).isprintable() or max(map(len, texts), default=0) > LONGEST_TEXT:
        texts[:] = map(clean, texts)
