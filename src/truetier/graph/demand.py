"""What a service asks of others, as counts: so many of these must be up. Shared by cold start and blast radius.

Both ask with caches empty or too old, conditions holding and mechanisms working, so that each need becomes one count:
a static fallback asks for nothing, a stand-in is an alternative, a cache is no help, an async need asks for its broker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.catalog.model import FallbackKind
from truetier.graph.hardness import Kind
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truetier.graph.hardness import Use


class Demand(NamedTuple):
    """At least ``required`` of the services, all different, must be up."""

    use: Use
    services: tuple[str, ...]
    required: int


def serve_demands(uses: Iterable[Use]) -> Iterator[Demand]:
    """What the serve needs among the uses ask for; a need that asks for nothing is left out."""
    for use in uses:
        if use.need.at_serve and (asked := _demand(use)) is not None:
            yield asked


def firm_demand(use: Use) -> Demand:
    """What a hard need or a group asks for: the callee, or enough members."""
    names = [target.service for target in use.need.targets]
    if use.kind is Kind.GROUP:
        return Demand(use, tuple(names), use.required)
    if use.need.broker is not None:  # an async need that is not believed waits for both
        names.append(use.need.broker)
    distinct = tuple(dict.fromkeys(names))
    return Demand(use, distinct, len(distinct))


def _demand(use: Use) -> Demand | None:
    need = use.need
    if use.kind is Kind.ASYNC:
        return None if need.broker is None else Demand(use, (need.broker,), 1)
    if use.kind is not Kind.SOFT:
        return firm_demand(use)
    if need.fallback is None or need.fallback.kind is FallbackKind.STATIC:
        return None
    stand_ins = () if need.fallback.service is None else (need.fallback.service,)
    return Demand(use, tuple(dict.fromkeys((need.service, *stand_ins))), 1)
