"""Reads a truetier catalog: strict, every mistake at once, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetier.catalog.model import Criterion, Domain, Endpoint, Journey, Service, Waiver, kind_by_depth
from truetier.catalog.source import OWN_FORMAT, Contribution
from truetier.catalog.tier import Tier, TierTable
from truetier.record import maker
from truetier.sources.yaml_catalog.needs import read_needs
from truetier.sources.yaml_catalog.placements import read_placement
from truetier.sources.yaml_catalog.reading import Reading
from truetier.sources.yaml_catalog.schema import CATALOG, CRITERION, DOMAIN, ENDPOINT, JOURNEY, POLICY, SERVICE, TIER_ROW, WAIVER
from truetier.sources.yaml_catalog.stated import Stated
from truetier.sources.yaml_catalog.values import checked_path, described, read_name, tier_name
from truetier.units import percent_text, shown

if TYPE_CHECKING:
    from truetier.errors import Place
    from truetier.sources.yaml_tree import Node

_SERVICE = maker(Service)
_SAID_NOTHING: dict[str, Any] = {"name": None, "evidence": None} | Service._field_defaults  # in the order of the fields
_NUMBERS = ("availability", "measured")


class Reader:
    """Reads one document; the mistakes are in ``reading`` when it has."""

    def __init__(self, file: str) -> None:
        self.reading = Reading(file)
        self._file = file
        self._tiers_place: Place | None = None

    def contribution(self, node: Node) -> Contribution:
        """What the document says, as far as it could be read."""
        if node.kind != "map":
            self.reading.mistake(node, f"expected a catalog with keys such as services, found {described(node)}")
        keys = self.reading.fields(node, CATALOG) if node.kind == "map" else {}
        return Contribution(
            OWN_FORMAT,
            self._file,
            services=self._services(keys.get("services")),
            domains=self._domains(keys.get("domains")),
            journeys=self._journeys(keys.get("journeys")),
            waivers=self._waivers(keys.get("waivers")),
            tiers=self._policy(keys.get("policy")),
            tiers_place=self._tiers_place,
        )

    # services

    def _services(self, node: Node | None) -> tuple[Service, ...]:
        if node is None:
            return ()
        return tuple(self._service(name, key, value) for name, key, value in self.reading.named(node, "services"))

    def _service(self, name: str, key: Node, node: Node) -> Service:
        reading = self.reading
        keys = reading.fields(node, SERVICE)
        placement_node: Node | None = keys.get("placement")
        if placement_node is not None:
            self._check_level(node, placement_node)
        said: dict[str, Any] = _SAID_NOTHING | keys
        said["name"] = name
        said["evidence"] = reading.evidence(key)
        if "aliases" in keys:
            said["aliases"] = self._aliases(keys["aliases"], name)
        if "needs" in keys:
            said["needs"] = read_needs(reading, keys["needs"], name)
        if "endpoints" in keys:
            said["endpoints"] = self._endpoints(keys["endpoints"], name)
        if placement_node is not None:
            said["placement"] = read_placement(reading, placement_node)
        if "measured" in keys:
            said["measured"] = reading.measured(keys["measured"])
        said["keys"] = Stated(reading, node, keys)
        return _SERVICE(said.values())

    def _check_level(self, node: Node, placement: Node) -> None:
        """Numbers are of the service or of a copy."""
        own = next((key for key in _NUMBERS if node.get(key) is not None), None)
        of_copy = next((key for key in _NUMBERS if placement.get(key) is not None), None)
        if own is not None and of_copy is not None:
            message = f"service: {own} and placement.{of_copy} exclude each other; the one of a copy replaces the service's own"
            self.reading.mistake(node.get(own) or node, message)

    def _aliases(self, node: Node, name: str) -> tuple[str, ...]:
        found: list[str] = []
        for item in self.reading.items(node, "aliases"):
            alias = self.reading.value(item, read_name, "aliases")
            if alias == name:
                self.reading.mistake(item, f"aliases: {shown(name)} is the service's own name")
            elif alias is not None and not alias.strip("*"):
                self.reading.mistake(item, f"aliases: {shown(alias)} would match every service")
            elif alias in found:
                self.reading.mistake(item, f"aliases: {shown(alias)} is named twice")
            elif alias is not None:
                found.append(alias)
        return tuple(found)

    def _endpoints(self, node: Node, service: str) -> tuple[Endpoint, ...]:
        found = []
        are_sound = True
        for name, key, value in self.reading.named(node, "endpoints"):
            keys = self.reading.fields(value, ENDPOINT)
            needs = read_needs(self.reading, keys.get("needs"), service)
            found.append(Endpoint(name, self.reading.evidence(key), keys.get("tier"), keys.get("share"), needs))
            are_sound = are_sound and (value.get("share") is None or "share" in keys)
        if found and are_sound:
            self._check_shares(node, found)
        return tuple(found)

    def _check_shares(self, node: Node, endpoints: list[Endpoint]) -> None:
        shares = [endpoint.share.value for endpoint in endpoints if endpoint.share is not None]
        if shares and len(shares) < len(endpoints):
            without = next(endpoint.name for endpoint in endpoints if endpoint.share is None)
            self.reading.mistake(node, f"endpoints: all of them have a share or none has; {shown(without)} has none")
        elif shares and sum(shares) != 1:
            self.reading.mistake(node, f"endpoints: the shares add up to {percent_text(sum(shares, start=shares[0] * 0))}, not to 100%")

    # the rest

    def _domains(self, node: Node | None) -> tuple[Domain, ...]:
        if node is None:
            return ()
        found = []
        for path, key, value in self.reading.named(node, "domains", checked_path):
            keys = self.reading.fields(value, DOMAIN)
            kind = keys.get("kind") or kind_by_depth(path.count("/") + 1)
            found.append(Domain(path, kind, self.reading.evidence(key), keys.get("availability"), keys.get("mttr")))
        return tuple(found)

    def _journeys(self, node: Node | None) -> tuple[Journey, ...]:
        if node is None:
            return ()
        found = []
        for name, key, value in self.reading.named(node, "journeys"):
            keys = self.reading.fields(value, JOURNEY)
            succeeds = self._criteria(keys["succeeds"]) if "succeeds" in keys else ()
            found.append(Journey(name, self.reading.evidence(key), keys.get("tier"), succeeds, keys.get("users")))
        return tuple(found)

    def _criteria(self, node: Node) -> tuple[Criterion, ...]:
        items = self.reading.items(node, "succeeds", least=1)
        criteria = (self._plain_criterion(item) if item.kind == "scalar" else self._group_criterion(item) for item in items)
        return tuple(criterion for criterion in criteria if criterion is not None)

    def _plain_criterion(self, item: Node) -> Criterion | None:
        name = self.reading.value(item, read_name, "succeeds")
        return None if name is None else Criterion((name,))

    def _group_criterion(self, item: Node) -> Criterion | None:
        keys = self.reading.fields(item, CRITERION)
        if not keys and item.pairs:
            return None  # nothing in it is a key of ours, and has been reported
        is_any, is_some, has_number = (item.get(name) is not None for name in ("any_of", "of", "k"))
        if (is_any and (is_some or has_number)) or is_some != has_number or not (is_any or is_some):
            self.reading.mistake(item, "succeeds: expected a service, any_of, or k and of")
            return None
        members: Node = keys["any_of"] if is_any else keys["of"]
        names: list[str] = []
        for member in self.reading.items(members, "succeeds", least=1):
            name = self.reading.value(member, read_name, "succeeds")
            if name in names:
                self.reading.mistake(member, f"succeeds: {shown(name)} is in the group twice")
            elif name is not None:
                names.append(name)
        required: int = keys.get("k", 1)
        if "k" in keys and required > len(members.items) > 0:
            self.reading.mistake(item.get("k") or item, f"succeeds: k is {required}, but there are only {len(members.items)} services")
        return Criterion(tuple(names), min(required, len(names)), is_group=True) if names else None

    def _waivers(self, node: Node | None) -> tuple[Waiver, ...]:
        if node is None:
            return ()
        found = []
        for item in self.reading.items(node, "waivers"):
            keys = self.reading.fields(item, WAIVER)
            if all(name in keys for name in WAIVER.required):
                found.append(Waiver(**keys, evidence=self.reading.evidence(item)))
        return tuple(found)

    def _policy(self, node: Node | None) -> TierTable | None:
        keys = {} if node is None else self.reading.fields(node, POLICY)
        tiers: Node | None = keys.get("tiers")
        if tiers is None:
            return None
        self._tiers_place = tiers.place(self._file)
        rows: list[Tier] = []
        for name, key, value in self.reading.named(tiers, "tiers"):
            row = Tier(tier_name(name), self.reading.fields(value, TIER_ROW).get("target"))
            if any(known.name == row.name for known in rows):
                self.reading.mistake(key, f"tiers: {shown(row.name)} is there twice")
                continue
            if value.get("target") is None or row.target is not None:
                self._check_order(key, rows, row)
            rows.append(row)
        if tiers.kind == "map" and not tiers.pairs:
            self.reading.mistake(tiers, "tiers: expected at least one tier")
        return TierTable(tuple(rows)) if rows else None

    def _check_order(self, key: Node, rows: list[Tier], row: Tier) -> None:
        above = rows[-1] if rows else None
        if above is None:
            return
        if above.target is None:
            self.reading.mistake(key, f"tiers: only the last may have no target, {shown(above.name)} stands above {shown(row.name)}")
        elif row.target is not None and row.target >= above.target:
            order = f"{shown(above.name)} with {above.target} stands above {shown(row.name)} with {row.target}"
            self.reading.mistake(key, f"tiers: the strictest comes first and no two are equal; {order}")
