"""One service, domain or journey as several files describe it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from truetier.catalog.claims import settled
from truetier.catalog.evidence import Claim, Conflict
from truetier.catalog.model import ANY_PHASE, AT_SERVE, Domain, Endpoint, Hardness, Journey, Placement, kind_by_depth
from truetier.catalog.source import OWN_FORMAT, TELEMETRY

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from truetier.catalog.evidence import Evidence
    from truetier.catalog.model import Need, Service
    from truetier.catalog.tier import TierTable

_NUMBERS = ("target", "availability", "measured", "observed")
_SINGLE_VALUES = ("tier", *_NUMBERS, "owner", "plane", "layer", "budget", "mttr", "cells", "external")


class Joiner:
    """Puts together what several files say of one thing; ``conflicts`` are their disagreements."""

    def __init__(self, tiers: TierTable) -> None:
        self.conflicts: list[Conflict] = []
        self._strictness = {row.name: position for position, row in enumerate(tiers)}

    def service(self, name: str, parts: Sequence[Service]) -> Service:
        """The service; our own files come first among the parts."""
        first = parts[0]
        keys = {key: evidence for part in reversed(parts) for key, evidence in part.keys.items()}
        values: dict[str, Any] = {}
        for key in _SINGLE_VALUES:
            claims = [(getattr(part, key), part.keys[key]) for part in parts if key in part.keys]
            if claims:
                values[key], keys[key] = settled(name, key, claims, self.conflicts, caution=self._caution(key))
        placement = self._placement(name, parts)
        joined = first._replace(
            name=name,
            **values,
            aliases=tuple(dict.fromkeys(alias for part in parts for alias in part.aliases if alias != name)),
            needs=_joined_needs(parts),
            endpoints=self._endpoints(name, parts),
            placement=placement,
            facts=tuple(dict.fromkeys(fact for part in parts for fact in part.facts)),
            keys=keys,
        )
        self._compare_replicas(joined)
        return joined

    def domain(self, path: str, parts: Sequence[Domain]) -> Domain:
        """The failure domain."""
        default = kind_by_depth(path.count("/") + 1)
        kind = self._of(path, "kind", ((part.kind if part.kind != default else None, part.evidence) for part in parts))
        availability = self._of(
            path, "availability", ((part.availability, part.evidence) for part in parts), caution=lambda value: float(value.value)
        )
        mttr = self._of(path, "mttr", ((part.mttr, part.evidence) for part in parts))
        return Domain(path, kind or default, parts[0].evidence, availability, mttr)

    def journey(self, name: str, parts: Sequence[Journey]) -> Journey:
        """The journey."""
        tier = self._of(name, "tier", ((part.tier, part.evidence) for part in parts), caution=self._caution("tier"))
        users = self._of(name, "users", ((part.users, part.evidence) for part in parts))
        succeeds = self._of(name, "succeeds", ((part.succeeds or None, part.evidence) for part in parts))
        return Journey(name, parts[0].evidence, tier, succeeds or (), users)

    def _of(
        self,
        subject: str,
        key: str,
        stated: Iterable[tuple[Any, Evidence | None]],
        *,
        caution: Callable[[Any], float] | None = None,
    ) -> Any:  # noqa: ANN401 - the type of the key's values
        claims = [(value, evidence) for value, evidence in stated if value is not None and evidence is not None]
        return settled(subject, key, claims, self.conflicts, caution=caution)[0] if claims else None

    def _caution(self, key: str) -> Callable[[Any], float] | None:
        """What makes one claim more cautious than another: the smaller the value, the more."""
        match key:
            case "tier":
                return lambda tier: self._strictness.get(tier, len(self._strictness))
            case "target":
                return lambda target: -float(target.value)
            case "measured":
                return lambda measured: -float(measured.unavailability)
            case "availability" | "observed":
                return lambda availability: float(availability.value)
            case _:
                return None

    def _placement(self, name: str, parts: Sequence[Service]) -> Placement | None:
        stated = [part.placement for part in parts if part.placement is not None]
        if not stated:
            return None
        anonymous = stated[0]._replace(evidence=_NOBODY, measured=None)
        if any(placement._replace(evidence=_NOBODY, measured=None) != anonymous for placement in stated):
            claims = tuple(Claim(_placement_text(placement), placement.evidence) for placement in stated)
            self.conflicts.append(Conflict(name, "placement", claims, claims[0].value))
        measured = self._of(
            name,
            "placement.measured",
            ((part.placement.measured, part.keys.get("placement.measured")) for part in parts if part.placement is not None),
            caution=self._caution("measured"),
        )
        return stated[0]._replace(measured=measured)

    def _endpoints(self, name: str, parts: Sequence[Service]) -> tuple[Endpoint, ...]:
        by_name: dict[str, list[Endpoint]] = {}
        for part in parts:
            for endpoint in part.endpoints:
                by_name.setdefault(endpoint.name, []).append(endpoint)
        return tuple(self._endpoint(f"{name}/{of}", same) if len(same) > 1 else same[0] for of, same in by_name.items())

    def _endpoint(self, subject: str, parts: Sequence[Endpoint]) -> Endpoint:
        tier = self._of(subject, "tier", ((part.tier, part.evidence) for part in parts), caution=self._caution("tier"))
        share = self._of(subject, "share", ((part.share, part.evidence) for part in parts))
        needs = _without_repetition([part.needs for part in parts])
        return Endpoint(parts[0].name, parts[0].evidence, tier, share, needs)

    def _compare_replicas(self, service: Service) -> None:
        """A manifest that runs another number of copies than the catalog says; where a scaler decides, nothing can be said."""
        if service.placement is None or any(fact.key.startswith("scale-") for fact in service.facts):
            return
        stated = str(service.placement.total)
        other = [fact for fact in service.facts if fact.key == "replicas" and fact.value.isdecimal() and fact.value != stated]
        if other:
            evidence = service.keys.get("placement.copies", service.placement.evidence)
            claims = (Claim(stated, evidence), *(Claim(fact.value, fact.evidence) for fact in other))
            self.conflicts.append(Conflict(service.name, "placement.copies", claims, stated))


_NOBODY: Any = None
_WORST_FIRST = (None, Hardness.HARD, Hardness.SOFT, Hardness.UNKNOWN)


def _placement_text(placement: Placement) -> str:
    copies = ", ".join(f"{domain}: {count}" for domain, count in placement.copies)
    return f"{{{copies}}} {placement.mode.value}"


def _joined_needs(parts: Sequence[Service]) -> tuple[Need, ...]:
    """Needs of our own files, each once; what other formats add unless one of ours names that callee in that phase.

    A call that was seen without any request behind it may be one of a start or of a background job: where one of ours names the callee
    at all, it is that need; otherwise it counts while serving.
    """
    own = [part for part in parts if part.evidence.source == OWN_FORMAT]
    needs = list(_without_repetition([part.needs for part in own]))
    covered = {(callee, phase) for part in own for need in part.all_needs for callee in need.services for phase in need.phases}
    named = {callee for callee, _ in covered}
    for need in _of_others(parts):
        might_be = need.phases
        if need.evidence.source == TELEMETRY and might_be == ANY_PHASE:
            might_be = frozenset() if need.service in named else AT_SERVE
        phases = frozenset(phase for phase in might_be if (need.service, phase) not in covered)
        if phases:
            kept = might_be if phases == might_be else phases
            needs.append(need if kept is need.phases else need._replace(phases=kept))
            covered.update((need.service, phase) for phase in phases)
    return tuple(needs)


def _of_others(parts: Sequence[Service]) -> Sequence[Need]:
    """Needs that other formats add; where several files of telemetry saw one, what is known to be hard before what is known to be soft."""
    needs = [need for part in parts if part.evidence.source != OWN_FORMAT for need in part.needs]
    if sum(part.evidence.source == TELEMETRY for part in parts) > 1:
        needs.sort(key=lambda need: _WORST_FIRST.index(need.hardness) if need.evidence.source == TELEMETRY else -1)
    return needs


def _without_repetition(of_files: Sequence[Sequence[Need]]) -> tuple[Need, ...]:
    """All needs, but one that an earlier file has alike only once; the same twice in one file are two mechanisms."""
    found: list[Need] = []
    for needs in of_files:
        known = Counter(_meaning(need) for need in found)
        for need in needs:
            meaning = _meaning(need)
            if known[meaning] == 0:
                found.append(need)
                continue
            known[meaning] -= 1
            if need.verified is not None:
                position = next(index for index, other in enumerate(found) if _meaning(other) == meaning)
                if found[position].verified is None:
                    found[position] = found[position]._replace(verified=need.verified)
    return tuple(found)


def _meaning(need: Need) -> Hashable:
    """What the need says, without who says it and who has shown it."""
    return (
        need.targets,
        need.required,
        need.is_group,
        need.hardness,
        need.mode,
        need.phases,
        need.share,
        need.condition,
        need.fallback,
        need.broker,
    )
