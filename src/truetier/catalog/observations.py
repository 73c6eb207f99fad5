"""What several files of evidence saw, under the names of the fleet: each service and edge once, and a conflict where two disagree."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from truetier.catalog.claims import settled
from truetier.catalog.measured import Measured
from truetier.catalog.names import AmbiguousNameError
from truetier.catalog.observed import NOTHING_OBSERVED, Observed, ObservedEndpoint, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truetier.catalog.evidence import Conflict
    from truetier.catalog.names import Names
    from truetier.catalog.observed import ObservedEdge, ObservedService

_FAR = 3.0  # standard deviations
_WORST_FIRST = (Verdict.HARD, Verdict.PARTIAL, Verdict.SOFT, Verdict.UNKNOWN)


def observations(of_files: Iterable[Observed], names: Names, conflicts: list[Conflict]) -> Observed:
    """What was seen of services of the fleet, by their own names. The worse of two words counts; the disagreement is a conflict."""
    services: dict[str, list[ObservedService]] = {}
    edges: dict[tuple[str, str, bool], list[ObservedEdge]] = {}
    for observed in of_files:
        for service in _under_own_names(observed.services, names):
            services.setdefault(service.name, []).append(service)
        for edge in observed.edges:
            caller, callee = _meant(names, edge.caller), _meant(names, edge.callee)
            if caller is not None and callee is not None and caller != callee:
                edges.setdefault((caller, callee, edge.is_async), []).append(edge._replace(caller=caller, callee=callee))
    if not services and not edges:
        return NOTHING_OBSERVED
    return Observed(
        tuple(_edge(same, conflicts) for same in edges.values()),
        tuple(_service(same, conflicts) for same in services.values()),
    )


def _meant(names: Names, name: str) -> str | None:
    try:
        return names.resolve(name)
    except AmbiguousNameError:
        return None


def _under_own_names(services: Iterable[ObservedService], names: Names) -> Iterable[ObservedService]:
    """Those of one file, of which several may be one service by its aliases: they saw different requests."""
    found: dict[str, ObservedService] = {}
    for service in services:
        name = _meant(names, service.name)
        if name is not None:
            found[name] = _sum(found[name], service) if name in found else service._replace(name=name)
    return found.values()


def _sum(first: ObservedService, second: ObservedService) -> ObservedService:
    endpoints: dict[str, ObservedEndpoint] = {}
    for each in (*first.endpoints, *second.endpoints):
        known = endpoints.get(each.name, ObservedEndpoint(each.name, 0, 0))
        endpoints[each.name] = ObservedEndpoint(each.name, known.requests + each.requests, known.failed + each.failed)
    wholes = [each.whole for each in (first, second) if each.whole is not None]
    whole = None
    if wholes:
        clustering = max(each.clustering for each in wholes)
        whole = Measured(sum(each.requests for each in wholes), sum(each.failed for each in wholes), clustering)
    return first._replace(requests=first.requests + second.requests, whole=whole, endpoints=tuple(endpoints.values()))


def _service(same: Sequence[ObservedService], conflicts: list[Conflict]) -> ObservedService:
    """Of what several files say the most requests, or, where they differ by more than chance, the least available.

    They may have seen the same requests, so nothing is summed.
    """
    known = {each.whole: each for each in same if each.whole is not None}
    if len(same) == 1 or not known:
        return max(same, key=lambda each: each.requests)
    used = max(known, key=lambda whole: whole.requests)
    if _differ(*(choose(known, key=lambda whole: whole.unavailability) for choose in (min, max))):
        claims = [(whole, each.evidence) for whole, each in known.items()]
        used, _ = settled(same[0].name, "observed", claims, conflicts, caution=lambda whole: -float(whole.unavailability))
    return known[used]._replace(requests=max(each.requests for each in same))


def _differ(one: Measured, other: Measured) -> bool:
    """Whether the second is so much less available that chance alone can hardly be why."""
    return float(other.unavailability - one.unavailability) > _FAR * sqrt(_variance(one) + _variance(other))


def _variance(measured: Measured) -> float:
    """Of the beta distribution of its unavailability."""
    both = measured.failures + measured.successes
    return measured.failures * measured.successes / (both * both * (both + 1))


def _edge(same: Sequence[ObservedEdge], conflicts: list[Conflict]) -> ObservedEdge:
    """Of what several files or aliases say of one edge: the worst verdict, and of those with it the most calls.

    Aliases in one file are different calls, those of two files may be the same.
    """
    decided = [(edge.verdict, edge.evidence) for edge in same if edge.verdict is not Verdict.UNKNOWN]
    if len(decided) > 1:
        settled(same[0].subject, "observed class", decided, conflicts, caution=_WORST_FIRST.index)
    used = min(same, key=lambda edge: (_WORST_FIRST.index(edge.verdict), edge.timeout is None, -edge.calls))
    beside = [edge for edge in same if edge.evidence == used.evidence]
    return used._replace(calls=sum(edge.calls for edge in beside), errors=sum(edge.errors for edge in beside))
