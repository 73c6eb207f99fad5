"""The canonical span table: what every trace format is brought to before anything is worked out.

Readers fill lists, one for each column, since to make an object for each span costs more than to read it. Identifiers stay text
as the format writes them, hexadecimal in lower case where they are that; joins go by the 64-bit keys made from them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa


class SpanKind(StrEnum):
    """What a span stands for, as OpenTelemetry has it; UNKNOWN where the format does not say."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"
    UNKNOWN = ""


class Outcome(StrEnum):
    """How the work of a span ended. UNRECORDED: the format has no status, so that it did not fail is not known either.

    TIMEOUT and UNREACHABLE only where the span itself says so; what its duration or a missing callee tells is worked out later.
    """

    OK = ""
    ERROR = "error"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    UNRECORDED = "?"


class Columns:
    """Spans as lists of equal length.

    ``parent_id`` is empty for a root, ``service`` the name the format gives, ``peer`` whom a client or producer span says it calls
    (a service name where there is one, else a host), empty where it does not say. ``start_ns`` counts from 1970, ``duration_ns`` is
    what the caller of the span waited; both may be wrong, which is looked at afterwards. ``kind`` and ``outcome`` hold the values of
    SpanKind and Outcome.
    """

    __slots__ = ("duration_ns", "kind", "name", "outcome", "parent_id", "peer", "service", "span_id", "start_ns", "trace_id")

    def __init__(self) -> None:
        self.trace_id: list[str] = []
        self.span_id: list[str] = []
        self.parent_id: list[str] = []
        self.service: list[str] = []
        self.name: list[str] = []
        self.kind: list[str] = []
        self.start_ns: list[int] = []
        self.duration_ns: list[int] = []
        self.outcome: list[str] = []
        self.peer: list[str] = []

    def __len__(self) -> int:
        return len(self.trace_id)


class Sink(Protocol):
    """Where readers put what they read. A reader calls ``spans`` every few thousand spans, so that memory stays bounded."""

    def spans(self, columns: Columns) -> None:
        """Takes spans; the reader starts new columns after it."""
        ...

    def table(self, given: pa.Table) -> None:
        """Takes spans that are Arrow columns already, of the same names, none of them null."""
        ...

    def links(self, links: Sequence[tuple[str, str, str]]) -> None:
        """Takes what spans are linked to, in their own or another trace: linked trace, linked span, and the service that links to it."""
        ...

    def missing(self, found: Sequence[tuple[str, str, str]]) -> None:
        """Takes what logs say: in that trace and span, the work failed because that service could not be reached."""
        ...

    def failed(self, found: Sequence[tuple[str, str]]) -> None:
        """Takes what logs say: the work of that span (trace, span) failed."""
        ...

    def skip(self, reason: str, count: int = 1) -> None:
        """Counts spans, or pieces of input that may have held some, that could not be read, under a reason in a few words."""
        ...
