"""Guards made from what the catalog says of a service's edges: the document that ``truetier export --format guards`` writes.

A service that would break its promise by the way it calls refuses to start, and says why: that is found out at deployment, not in the
outage. Everything that is wrong is said at once.
"""

from __future__ import annotations

from time import monotonic

from truetier_runtime.errors import RuntimeGuardError
from truetier_runtime.fallback import LastGood
from truetier_runtime.guard import Guard
from truetier_runtime.retry import Retry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from truetier_runtime.breaker import Breaker
    from truetier_runtime.fallback import Fallback
    from truetier_runtime.hooks import Hook

SCHEMA = "truetier/guards/1"
_MANY = 2.0  # seconds: the longest pause where the catalog says how long the first is


class StartRefusedError(RuntimeGuardError):
    """The service must not start: ``mistakes`` says what is wrong, an item each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes

    def __reduce__(self) -> tuple[type[StartRefusedError], tuple[list[str]]]:
        return type(self), (self.mistakes,)


def guards(  # noqa: PLR0913 - what a catalog does not say
    document: Mapping[str, Any],
    service: str,
    *,
    fallbacks: Mapping[str, Fallback] | None = None,
    bulkhead: int | None = None,
    breaker: Breaker | None = None,
    mistakes: tuple[type[Exception], ...] = (),
    hooks: tuple[Hook, ...] = (),
    clock: Callable[[], float] = monotonic,
) -> dict[str, Guard]:
    """A guard for each edge of the service: by callee, and by endpoint/callee for what one endpoint alone calls.

    ``fallbacks`` by the same names: what answers when a callee cannot. The catalog says that there is one, the code has to be it; for a
    cached one that is not given the last good answers serve as long as the catalog allows. ``breaker`` and the others hold for all.
    Raises StartRefusedError where the document is none, does not know the service, or where an edge breaks the service's promise:

    - it calls what promises less than itself without timeout and fallback (design: the inversion rule);
    - the catalog claims a fallback that the code does not have, or the code names an edge that the catalog does not.
    """
    given = dict(fallbacks or {})
    promise, edges = _edges(document, service)
    wrong: list[str] = []
    found: dict[str, Guard] = {}
    for edge in edges:
        name = edge["callee"] if edge["endpoint"] is None else f"{edge['endpoint']}/{edge['callee']}"
        if name in found:
            wrong.append(f"{service} -> {name}: the catalog has two needs of it, and a guard is for one; name them by endpoints")
            continue
        fallback = given.pop(name) if name in given else _cached(edge)
        wrong += _mistakes_of(service, name, promise, edge, fallback)
        try:
            found[name] = Guard(
                edge["callee"],
                timeout=_seconds(edge["timeout_ms"]),
                bulkhead=bulkhead,
                breaker=breaker,
                retry=_retry(edge),
                fallback=fallback,
                mistakes=mistakes,
                hooks=hooks,
                clock=clock,
            )
        except ValueError as error:
            wrong.append(f"{service} -> {name}: {error}")
    wrong += [f"{service} -> {name}: there is a fallback for it, but the catalog has no such edge" for name in sorted(given)]
    if wrong:
        raise StartRefusedError(wrong)
    return found


def _edges(document: Mapping[str, Any], service: str) -> tuple[float | None, list[Mapping[str, Any]]]:
    """What the service promises, and its edges."""
    try:
        if document["schema"] != SCHEMA:
            raise StartRefusedError([f"the document is {document['schema']!r}, not {SCHEMA!r}"])
        known = document["services"]
        if service not in known:
            raise StartRefusedError(
                [f"the document knows no service {service} that calls anybody; it knows {', '.join(sorted(known)) or 'none'}"]
            )
        edges: list[Mapping[str, Any]] = [{key: edge[key] for key in _KEYS} for edge in known[service]["edges"]]
        return known[service]["promise"], edges
    except (KeyError, TypeError, AttributeError) as error:
        raise StartRefusedError([f"the document is no {SCHEMA}: {type(error).__name__}: {error}"]) from error


_KEYS = ("callee", "endpoint", "promise", "timeout_ms", "attempts", "backoff_ms", "fallback")


def _mistakes_of(service: str, name: str, promise: float | None, edge: Mapping[str, Any], fallback: Fallback | None) -> list[str]:
    wrong = []
    if edge["fallback"] is not None and fallback is None:
        wrong.append(f"{service} -> {name}: the catalog says a {edge['fallback']['kind']} fallback answers, the code has none")
    if promise is not None and (edge["promise"] is None or edge["promise"] < promise):
        missing = [word for word, is_missing in (("timeout", edge["timeout_ms"] is None), ("fallback", fallback is None)) if is_missing]
        if missing:
            theirs = "nothing" if edge["promise"] is None else f"{edge['promise']:.6g}"
            wrong.append(
                f"{service} -> {name}: {service} promises {promise:.6g}, {edge['callee']} {theirs}; without {' and '.join(missing)} "
                f"every outage of {edge['callee']} is one of {service}"
            )
    return wrong


def _cached(edge: Mapping[str, Any]) -> Fallback | None:
    declared = edge["fallback"]
    if declared is None or declared["kind"] != "cached" or not declared["staleness_ms"]:
        return None
    return LastGood(declared["staleness_ms"] / 1000)


def _retry(edge: Mapping[str, Any]) -> Retry | None:
    if edge["attempts"] < 2:
        return None
    base = _seconds(edge["backoff_ms"])
    return Retry(edge["attempts"]) if not base else Retry(edge["attempts"], base=base, cap=max(base, _MANY))


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
