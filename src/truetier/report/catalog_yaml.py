"""A fleet as a truetier catalog, for people to go on from: what is known as keys, where it comes from as comments.

Nothing is invented: a tier nobody has stated is not there, and a need of unknown hardness says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.catalog.model import Affinity, FallbackKind, Hardness, Mode, Phase, PlacementMode, Plane
from truetier.units import CERTAIN, WHOLE, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from truetier.catalog.evidence import Evidence, Verification
    from truetier.catalog.measured import Measured
    from truetier.catalog.model import Criterion, Endpoint, Failover, Fallback, Fleet, Need, Placement, Service, SkippedInput, Target
    from truetier.catalog.tier import TierTable

    _Pairs = list[tuple[str, str]]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\uffff]')
_COMMENT_WIDTH = 160
_MOST_NOTES = 200  # lines in one list of comments


def render(fleet: Fleet) -> str:
    """The catalog text; reading it back gives the same services, needs, domains, journeys and waivers."""
    return "\n".join(_lines(fleet)) + "\n"


def _lines(fleet: Fleet) -> Iterator[str]:
    yield "# Written by truetier import. Each need says where it was found."
    yield "# What such files cannot know is for people to add:"
    yield "#   tier          the promise of each service: T0 to T4"
    yield "#   hardness      unknown counts as hard; say hard, or give timeout and fallback where the caller survives"
    yield "#   availability  of what is not yours (external: true)"
    yield "# A dependency that no file shows is not in here: no edge does not mean no dependency."
    yield ""
    yield "version: 1"
    yield "services:" if fleet.services else "services: {}"
    for service in fleet.services.values():
        yield from _service(service)
    if fleet.domains:
        yield "domains:"
        for domain in fleet.domains.values():
            values = [("kind", _text(domain.kind))]
            values += _optional(("availability", domain.availability), ("mttr", domain.mttr and duration_text(domain.mttr)))
            yield f"  {_text(domain.path)}: {_map(values)}"
    if fleet.journeys:
        yield "journeys:"
        for journey in fleet.journeys.values():
            values = _optional(("tier", journey.tier and _text(journey.tier)), ("users", journey.users))
            values.append(("succeeds", _list(_criterion(criterion) for criterion in journey.succeeds)))
            yield f"  {_text(journey.name)}: {_map(values)}"
    if fleet.waivers:
        yield "waivers:"
        for waiver in fleet.waivers:
            texts = (("rule", waiver.rule), ("subject", waiver.subject), ("owner", waiver.owner), ("reason", waiver.reason))
            yield f"  - {_map([*((key, _text(value)) for key, value in texts), ('expires', waiver.expires.isoformat())])}"
    yield from _policy(fleet.tiers)
    yield from _notes("Names that match no service here; name what they mean, or list them as aliases:", fleet.unmatched)
    yield from _notes("Not read:", fleet.skipped)


def _service(service: Service) -> Iterator[str]:
    body = [*_stated(service), *_needs("    needs:", "      ", service.needs), *_endpoints(service.endpoints)]
    yield f"  {_text(service.name)}:" + ("" if any(not line.lstrip().startswith("#") for line in body) else " {}")
    if service.evidence.source != "truetier":
        yield f"    # {_where(service.evidence)}"
    for fact in service.facts:
        detail = f", {fact.evidence.detail}" if fact.evidence.detail else ""
        yield _comment(f"    # {fact.key}: {fact.value}  ({fact.evidence.source}{detail})")
    yield from body


def _stated(service: Service) -> Iterator[str]:
    values = _optional(
        ("tier", service.tier and _text(service.tier)),
        ("target", service.target),
        ("availability", service.availability),
        ("measured", service.measured and _measured(service.measured)),
        ("observed", service.observed),
        ("owner", service.owner and _text(service.owner)),
        ("plane", service.plane.value if service.plane is not Plane.DATA else None),
        ("layer", service.layer),
        ("budget", service.budget is not None and duration_text(service.budget)),
        ("mttr", service.mttr is not None and duration_text(service.mttr)),
        ("cells", service.cells if service.cells != 1 else None),
        ("external", "true" if service.external else None),
        ("aliases", _list(map(_text, service.aliases)) if service.aliases else None),
        ("placement", service.placement and _placement(service.placement)),
    )
    for key, value in values:
        yield f"    {key}: {value}"


def _needs(head: str, indent: str, needs: Sequence[Need]) -> Iterator[str]:
    if needs:
        yield head
    for need in needs:
        if need.evidence.source != "truetier":
            yield f"{indent}# {_where(need.evidence)}"
        yield f"{indent}- {_need(need)}"


def _endpoints(endpoints: Sequence[Endpoint]) -> Iterator[str]:
    if endpoints:
        yield "    endpoints:"
    for endpoint in endpoints:
        values = _optional(("tier", endpoint.tier and _text(endpoint.tier)), ("share", endpoint.share))
        needs = [*_needs("        needs:", "          ", endpoint.needs)]
        yield f"      {_text(endpoint.name)}:" + ("" if values or needs else " {}")
        for key, value in values:
            yield f"        {key}: {value}"
        yield from needs


def _need(need: Need) -> str:
    if need.is_group:
        members = _list(_target(target) for target in need.targets)
        values = [("any_of", members)] if need.required == 1 else [("k", str(need.required)), ("of", members)]
    else:
        values = _target_values(need.targets[0])
    phases = [phase.value for phase in Phase if phase in need.phases]
    values += _optional(
        ("hardness", need.hardness.value if need.hardness is not None and not _follows(need) else None),
        ("mode", need.mode.value if need.mode is not Mode.SYNC else None),
        ("phase", None if phases == [Phase.SERVE.value] else phases[0] if len(phases) == 1 else _list(phases)),
        ("share", need.share if need.share != WHOLE else None),
        ("condition", need.condition and _text(need.condition)),
        ("fallback", need.fallback and _fallback(need.fallback)),
        ("broker", need.broker and _text(need.broker)),
        ("verified", need.verified and _verified(need.verified)),
    )
    return values[0][1] if len(values) == 1 and not need.is_group else _map(values)


def _follows(need: Need) -> bool:
    """Whether the hardness is what the rest of the need says anyway."""
    return need.hardness is (Hardness.SOFT if need.fallback is not None else Hardness.HARD)


def _target(target: Target) -> str:
    values = _target_values(target)
    return values[0][1] if len(values) == 1 else _map(values)


def _target_values(target: Target) -> _Pairs:
    values = _optional(
        ("timeout", target.timeout is not None and duration_text(target.timeout)),
        ("attempts", target.attempts if target.attempts != 1 else None),
        ("backoff", duration_text(target.backoff) if target.backoff else None),
    )
    return [("service", _text(target.service)), *values]


def _fallback(fallback: Fallback) -> str:
    values = _optional(
        ("staleness", fallback.staleness is not None and duration_text(fallback.staleness)),
        ("service", fallback.service and _text(fallback.service)),
        ("availability", fallback.availability if fallback.availability != CERTAIN else None),
        ("coverage", fallback.coverage if fallback.coverage != WHOLE else None),
    )
    if fallback.kind is FallbackKind.STATIC and not values:
        return "static"
    return _map([("kind", fallback.kind.value), *values])


def _placement(placement: Placement) -> str:
    copies = _map((_text(domain), str(number)) for domain, number in placement.copies)
    values = _optional(
        ("availability", placement.availability),
        ("measured", placement.measured and _measured(placement.measured)),
        ("common_cause", placement.common_cause),
        ("need", placement.need),
        ("affinity", placement.affinity.value if placement.affinity is not Affinity.ANY else None),
        ("mode", placement.mode.value if placement.mode is not PlacementMode.ACTIVE_ACTIVE else None),
        ("failover", placement.failover and _failover(placement.failover)),
        ("verified", placement.verified and _verified(placement.verified)),
    )
    return _map([("copies", copies), *values])


def _measured(measured: Measured) -> str:
    values = _optional(
        ("failed", measured.failed or None), ("clustering", f"{measured.clustering:f}" if measured.clustering != 1 else None)
    )
    return _map([("requests", str(measured.requests)), *values])


def _failover(failover: Failover) -> str:
    values = _optional(
        ("coverage", failover.coverage if failover.coverage != WHOLE else None),
        ("verified", failover.verified and _verified(failover.verified)),
    )
    return _map([("time", duration_text(failover.time)), *values])


def _verified(verified: Verification) -> str:
    until = _optional(("until", verified.until and verified.until.isoformat()))
    return _map([("by", _text(verified.by)), ("on", verified.on.isoformat()), *until])


def _criterion(criterion: Criterion) -> str:
    names = [_text(name) for name in criterion.services]
    if not criterion.is_group:
        return names[0]
    return _map([("any_of", _list(names))] if criterion.required == 1 else [("k", str(criterion.required)), ("of", _list(names))])


def _policy(tiers: TierTable) -> Iterator[str]:
    from truetier.catalog.tier import BUILT_IN

    if tiers == BUILT_IN:
        return
    yield "policy:"
    yield "  tiers:"
    for row in tiers:
        yield f"    {_text(row.name)}: " + ("{}" if row.target is None else f"{{target: {row.target}}}")


def _notes(head: str, items: Sequence[SkippedInput]) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield f"# {head}"
    for item in items[:_MOST_NOTES]:
        yield _comment(f"#   {item.subject}: {item.reason}")
    if len(items) > _MOST_NOTES:
        yield f"#   and {len(items) - _MOST_NOTES} more"


def _where(evidence: Evidence) -> str:
    place = f"{evidence.place}: " if evidence.place is not None else ""
    return _comment(f"{place}{evidence.detail or evidence.source}")


def _comment(text: str) -> str:
    """The text on one line, control characters made visible."""
    safe = _UNSAFE.sub(lambda found: found.group() if found.group() in '"\\' else _escape(found), text)
    return safe if len(safe) <= _COMMENT_WIDTH else safe[: _COMMENT_WIDTH - 3] + "..."


def _optional(*pairs: tuple[str, object]) -> _Pairs:
    """The pairs that have a value; None, False and an empty text are none."""
    return [(key, str(value)) for key, value in pairs if value is not None and value is not False and value != ""]


def _map(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(items) + "]"


def _text(text: str) -> str:
    """The text as a YAML scalar that is read back as this text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return '"' + _UNSAFE.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    sign = found.group()
    return f"\\{sign}" if sign in '"\\' else f"\\u{ord(sign):04x}"
