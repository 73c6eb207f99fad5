"""The fleet as a fault tree in the Open-PSA Model Exchange Format, for fault-tree engines.

Every service is a top event, failing when ``up`` of the design does not hold; events are those of our own engine, by the
same names and numbers. A fault tree has no ages, no exclusive draws and no cycles: a fleet that uses them is refused with
the reasons, never approximated. Source: Epstein, Reay and Rauzy, Open-PSA Model Exchange Format 2.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.availability import events
from truetier.availability.structure import is_counted
from truetier.catalog.model import Affinity, FallbackKind, PlacementMode
from truetier.errors import UsageError
from truetier.graph.cycles import strongly_connected
from truetier.graph.hardness import Kind
from truetier.record import NamedTuple
from truetier.report import text
from truetier.report.markup import escaped
from truetier.units import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.availability.events import Event
    from truetier.catalog.model import Service
    from truetier.graph.build import Graph
    from truetier.graph.hardness import Use
    from truetier.report.document import Document

SHOWN_REASONS = 20


class _Down(NamedTuple):
    """A service is down: all of it, or as seen from one place (kind and path)."""

    service: str
    place: tuple[str, str] | None = None


class _Part(NamedTuple):
    """A basic event: what makes it one and the same, what people call it, and its probability."""

    key: str
    name: str
    probability: float


class _Gate(NamedTuple):
    """At least ``required`` of the items fail; without items it never fails."""

    required: int
    items: tuple[_Part | _Down | _Gate, ...]


_NEVER = _Gate(1, ())
_Formula = _Part | _Down | _Gate


def render(document: Document) -> str:
    """The document's graph as Open-PSA XML. Raises UsageError where a fault tree cannot say what the catalog does."""
    return fault_tree(document.graph)


def fault_tree(graph: Graph) -> str:
    """The graph as one fault tree, a top event for each service, declarations believed."""
    _refuse([reason for service in graph.fleet.services.values() for reason in _reasons(graph, service)])
    tree = _Tree(graph)
    roots = [_Down(name) for name in graph.fleet.services]
    gates = tree.gates(roots)
    inside = {down: list(dict.fromkeys(_mentioned(gate))) for down, gate in gates.items()}
    _refuse(
        [_cycle_reason(part) for part in strongly_connected(list(gates), inside.__getitem__) if len(part) > 1 or part[0] in inside[part[0]]]
    )
    return _Writer(gates).text(roots)


def _refuse(reasons: list[str]) -> None:
    if not reasons:
        return
    lines = reasons[:SHOWN_REASONS]
    if len(reasons) > SHOWN_REASONS:
        lines.append(f"and {len(reasons) - SHOWN_REASONS:,} more")
    raise UsageError("a fault tree cannot say everything in this catalog, and an approximation would mislead:\n  " + "\n  ".join(lines))


def _reasons(graph: Graph, service: Service) -> Iterator[str]:
    name = text.clip(service.name)
    placement = service.placement
    if placement is not None and placement.mode is PlacementMode.ACTIVE_PASSIVE:
        yield f"{name}: active-passive copies fail over after a time, and a fault tree knows no ages"
    if (placement is None or not placement.has_copies) and events.own_event(graph.fleet, service).down is None:
        yield f"{name}: its availability is unknown; state it"
    for use in graph.uses[service.name]:
        if not use.need.at_serve:
            continue
        fallback = use.need.fallback
        if use.kind is Kind.SOFT and fallback is not None and fallback.kind is FallbackKind.CACHED:
            yield f"{text.clip(use.subject)}: a cached fallback ends with the age of the data, and a fault tree knows no ages"
        if use.endpoint is not None and service.has_shares:
            drawn = f"{name}/{text.clip(use.endpoint)}"
            yield f"{drawn}: a request draws one endpoint, and a fault tree has no exclusive draws"


def _cycle_reason(part: list[_Down]) -> str:
    names = list(dict.fromkeys(text.clip(down.service) for down in part))
    return f"{text.path_text(tuple(names), len(names))}: these need each other, and a fault tree has no cycles"


class _Tree:
    """Failure formulas of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._fleet = graph.fleet

    def gates(self, roots: list[_Down]) -> dict[_Down, _Gate]:
        """The formula of each root and of everything it mentions."""
        found: dict[_Down, _Gate] = {}
        waiting = list(reversed(roots))
        while waiting:
            down = waiting.pop()
            if down not in found:
                found[down] = self._service(down)
                waiting.extend(reversed(list(_mentioned(found[down]))))
        return found

    def _service(self, down: _Down) -> _Gate:
        service = self._fleet.services[down.service]
        uses = [use for use in self._graph.uses[service.name] if use.need.at_serve]
        placement = service.placement
        if placement is None:
            return _any([_part(events.own_event(self._fleet, service)), *(self._unmet(use, None) for use in uses)])
        own = events.common_event(service, placement) if placement.has_copies else events.own_event(self._fleet, service)
        if placement.affinity is Affinity.ANY:
            return _any([_part(own), self._copies(service, down.place, []), *(self._unmet(use, None) for use in uses)])
        return _any([_part(own), self._copies(service, down.place, uses)])

    def _copies(self, service: Service, place: tuple[str, str] | None, uses: list[Use]) -> _Formula:
        """Too few copies here work; ``uses`` are those a copy asks from its own place."""
        placement = service.placement
        assert placement is not None, "a service without copies has no site"
        here: list[_Formula] = []
        for domain, count in placement.copies:
            if place is not None and not _is_inside(domain, place):
                continue
            around = [item for item in self._fleet.domains_around(domain) if is_counted(item.kind) and item.availability is not None]
            shared = [_part(events.domain_event(item)) for item in around]
            shared += [self._unmet(use, self._place_of(domain, placement.affinity)) for use in uses]
            for number in range(1, count + 1):
                alone = [_part(events.copy_event(service, placement, domain, number))] if placement.has_copies else []
                here.append(_any([*alone, *shared]))
        kept = -(-placement.required * len(here) // placement.total)
        return _at_least(len(here) - kept + 1, here)

    def _unmet(self, use: Use, beside: tuple[str, str] | None) -> _Formula:
        need = use.need
        lost: list[_Formula] = []
        if use.kind is Kind.GROUP:
            lost.append(_at_least(len(need.targets) - use.required + 1, [self._seen(target.service, beside) for target in need.targets]))
        elif use.kind is Kind.HARD:
            lost.append(self._seen(need.service, beside))
        elif use.kind is Kind.SOFT and need.fallback is not None:
            broken: list[_Formula] = [_part(events.fallback_event(use, self._graph.uses[use.caller]), f"{use.number} of {use.caller}")]
            if need.fallback.service is not None:
                broken.append(self._seen(need.fallback.service, beside))
            lost.append(_at_least(2, [self._seen(need.service, beside), _any(broken)]))
        if need.broker is not None:
            lost.append(self._seen(need.broker, beside))
        if use.share == WHOLE or not lost:
            return _any(lost)
        draw = f"condition {need.condition}" if need.condition is not None else f"need {use.number} of {use.caller}"
        asked = _any([_Part(draw, f"{draw} (asked)", float(use.share))] if use.share.value else [])
        return _at_least(2, [asked, _any(lost)])

    def _seen(self, callee: str, beside: tuple[str, str] | None) -> _Down:
        """The callee's copies beside the caller's; one with none there is asked whole."""
        placement = self._fleet.services[callee].placement
        if beside is None or placement is None or not any(_is_inside(domain, beside) for domain, _ in placement.copies):
            return _Down(callee)
        return _Down(callee, beside)

    def _place_of(self, domain: str, affinity: Affinity) -> tuple[str, str] | None:
        kinds = (around for around in self._fleet.domains_around(domain) if around.kind == affinity.value)
        return next(((affinity.value, around.path) for around in kinds), None)


def _is_inside(domain: str, place: tuple[str, str]) -> bool:
    return domain == place[1] or domain.startswith(place[1] + "/")


def _part(event: Event, which: str = "") -> _Formula:
    """The event failing; ``which`` tells apart mechanisms of one name: two needs on one service have one each."""
    return _Part(f"{event.kind.value} {which or event.name}", event.name, event.down) if event.down else _NEVER


def _any(items: list[_Formula]) -> _Gate:
    kept = [item for item in items if item != _NEVER]
    if len(kept) == 1 and isinstance(kept[0], _Gate):
        return kept[0]
    return _Gate(1, tuple(kept))


def _at_least(required: int, items: list[_Formula]) -> _Formula:
    """At least that many fail; items that never fail cannot count towards it."""
    kept = tuple(item for item in items if item != _NEVER)
    if len(kept) < required:
        return _NEVER
    return kept[0] if len(kept) == 1 else _Gate(required, kept)


def _mentioned(gate: _Gate) -> Iterator[_Down]:
    for item in gate.items:
        if isinstance(item, _Down):
            yield item
        elif isinstance(item, _Gate):
            yield from _mentioned(item)


class _Writer:
    """Gates as XML; names become identifiers, each once, and stay readable as labels."""

    def __init__(self, gates: dict[_Down, _Gate]) -> None:
        self._gates = gates
        self._taken: set[str] = set()
        self._tops: dict[str, str] = {}
        self._downs: dict[_Down, str] = {}
        self._parts: dict[str, tuple[str, _Part]] = {}

    def text(self, roots: list[_Down]) -> str:
        """The whole model: gates first, then the numbers of the basic events."""
        self._tops = {root.service: self._identifier(root.service) for root in roots}
        self._downs = {down: self._identifier(_describe(down)) for down in self._gates}
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<opsa-mef>", '  <define-fault-tree name="fleet">']
        lines += [
            f'    <define-gate name="{self._tops[root.service]}">{_label(root.service)}<gate name="{self._downs[root]}"/></define-gate>'
            for root in roots
        ]
        for down, gate in self._gates.items():
            lines.append(f'    <define-gate name="{self._downs[down]}">{_label(_describe(down))}{self._formula(gate)}</define-gate>')
        lines += ["  </define-fault-tree>", "  <model-data>"]
        for identifier, part in self._parts.values():
            lines.append(
                f'    <define-basic-event name="{identifier}">{_label(part.name)}<float value="{part.probability!r}"/></define-basic-event>'
            )
        return "\n".join([*lines, "  </model-data>", "</opsa-mef>"]) + "\n"

    def _formula(self, item: _Formula) -> str:
        if isinstance(item, _Down):
            return f'<gate name="{self._downs[item]}"/>'
        if isinstance(item, _Part):
            known = self._parts.get(item.key)
            if known is None:
                known = self._parts[item.key] = (self._identifier(f"{item.name} fails"), item)
            return f'<basic-event name="{known[0]}"/>'
        inside = "".join(map(self._formula, item.items))
        if not item.items:
            return '<constant value="false"/>'
        if len(item.items) == 1:
            return inside
        if item.required == 1:
            return f"<or>{inside}</or>"
        if item.required == len(item.items):
            return f"<and>{inside}</and>"
        return f'<atleast min="{item.required}">{inside}</atleast>'

    def _identifier(self, name: str) -> str:
        """A name the format allows (letters, digits, single inner dashes), never twice, whatever the letters' case."""
        safe = re.sub(r"[^A-Za-z0-9]+", "_", name.replace("-", " - ")) if "--" in name else re.sub(r"[^A-Za-z0-9-]+", "_", name)
        safe = re.sub(r"_*-_*", "-", safe).strip("-_")[:80].rstrip("-_") or "part"
        if not safe[0].isalpha():
            safe = f"n{safe}"
        unique, number = safe, 2
        while unique.lower() in self._taken:
            unique = f"{safe}_{number}"
            number += 1
        self._taken.add(unique.lower())
        return unique


def _describe(down: _Down) -> str:
    return f"{down.service} down" if down.place is None else f"{down.service} down in {down.place[1]}"


def _label(name: str) -> str:
    words = text.clip(name)
    return f"<label>{escaped(words)}</label>" if words.strip() else ""
