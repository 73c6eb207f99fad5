"""What a service asks of others, as counts: so many of these must be up. Shared by cold start and blast radius.

Both ask with caches empty or too old, conditions holding and mechanisms working, so that each need becomes one count:
a static fallback asks for nothing, a stand-in is an alternative, a cache is no help, an async need asks for its broker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truetier.catalog.model import FallbackKind
from truetier.graph.hardness import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truetier.graph.hardness import Use


class Demand(NamedTuple):
    """At least ``required`` of the services, all different, must be up."""

    use: Use
    services: tuple[str, ...]
    required: int


def demand(use: Use) -> Demand | None:
    """What the need asks for while a cached answer does not count; None where it asks for nothing."""
    need = use.need
    callees = [target.service for target in need.targets]
    brokers = [] if need.broker is None else [need.broker]
    match use.kind:
        case Kind.HARD:  # an async need that is not trusted waits for the callee and the broker
            return _all_of(use, callees + brokers)
        case Kind.GROUP:
            return Demand(use, tuple(callees), use.required)
        case Kind.ASYNC:
            return _all_of(use, brokers) if brokers else None
        case Kind.SOFT:
            if need.fallback is None or need.fallback.kind is FallbackKind.STATIC:
                return None
            stand_in = need.fallback.service
            return Demand(use, tuple(dict.fromkeys(callees if stand_in is None else [*callees, stand_in])), 1)


def _all_of(use: Use, names: list[str]) -> Demand:
    distinct = tuple(dict.fromkeys(names))
    return Demand(use, distinct, len(distinct))


def serve_demands(uses: Iterable[Use]) -> Iterator[Demand]:
    """Every demand of the serve needs among the uses."""
    for use in uses:
        if use.need.at_serve and (asked := demand(use)) is not None:
            yield asked
