"""Words and numbers of OTLP, whichever way they are encoded."""

from __future__ import annotations

from truetier.telemetry.spans import SpanKind

SERVICE_NAME = "service.name"
_IN_ORDER = (SpanKind.UNKNOWN, SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER)

KINDS: dict[int | str | None, str] = {number: kind.value for number, kind in enumerate(_IN_ORDER)}
"""What a span's kind is, by number or name; UNSPECIFIED says nothing."""

KINDS |= {str(number): kind for number, kind in KINDS.items()}
KINDS |= {f"SPAN_KIND_{kind.name}": kind.value for kind in _IN_ORDER[1:]}

STATUSES: dict[int | str | None, bool] = {2: True, "2": True, "STATUS_CODE_ERROR": True, 1: False, "1": False, "STATUS_CODE_OK": False}
"""Whether a status is an error, by number or name; UNSET says neither."""
