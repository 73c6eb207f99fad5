"""Reads the items of ``needs``: one service, any of some, or k of n."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from truetier.catalog.listed import BARE, ListedNeeds, listed
from truetier.catalog.model import AT_SERVE, Fallback, FallbackKind, Hardness, Mode, Need, Phase, Target
from truetier.record import maker
from truetier.sources.yaml_catalog.schema import FALLBACK, MEMBER, NEED, NOT_IN_GROUPS
from truetier.sources.yaml_catalog.values import PHASE, BadValueError, read_name
from truetier.sources.yaml_catalog.values import STATIC as STATIC_FALLBACK
from truetier.sources.yaml_tree import PlainSeq
from truetier.units import CERTAIN, WHOLE, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.sources.yaml_catalog.reading import Reading
    from truetier.sources.yaml_tree import Node

_NEED, _TARGET = maker(Need), maker(Target)
_NO_TIME = timedelta()
_FORMS = ("service", "any_of", "of")
_STATIC = Fallback(FallbackKind.STATIC)


def read_needs(reading: Reading, node: Node | None, owner: str) -> Sequence[Need]:
    """The needs in file order; ``owner`` is the service that has them."""
    if node is None:
        return ()
    if isinstance(node, PlainSeq) and (known := _known_ones(reading, node, owner)) is not None:
        return known
    found, mistakes = [], len(reading.mistakes)
    for item in reading.items(node, "needs"):
        need = _plain(reading, item, owner) if item.kind == "scalar" else _map(reading, item, owner)
        if need is not None:
            found.append(need)
    needs = listed(found, reading.file, reading.wordings)
    if isinstance(node, PlainSeq) and isinstance(needs, ListedNeeds) and len(reading.mistakes) == mistakes:
        _learn(reading, node, needs)
    return needs


def _known_ones(reading: Reading, node: PlainSeq, owner: str) -> ListedNeeds | None:
    """The needs of a list in which nothing is new but whom they ask, all at once; None where one may be wrong."""
    if owner in node.texts:
        return None
    try:
        services = tuple(map(reading.names.__getitem__, node.texts))
        wordings = tuple(map(reading.framed.__getitem__, node.frames)) if node.frames else (BARE,) * len(services)
    except (BadValueError, KeyError):
        return None
    return ListedNeeds(services, wordings, reading.file, node.lines, node.columns)


def _learn(reading: Reading, node: PlainSeq, needs: ListedNeeds) -> None:
    """Remembers what is said around the names of services."""
    for frame, wording in zip(node.frames, needs.wordings, strict=False):
        if frame is not None and frame.name == "service":
            reading.framed[frame] = wording


def _plain(reading: Reading, item: Node, owner: str) -> Need | None:
    try:
        name = read_name(item)
    except BadValueError as error:
        reading.mistake(item, f"needs: {error}")
        return None
    if item.tag:
        reading.check_tag(item)
    _check_not_self(reading, item, name, owner)
    return Need((Target(name),), reading.evidence(item))


def _map(reading: Reading, item: Node, owner: str) -> Need | None:
    """A need with keys. Most of a large fleet's differ in nothing but whom they ask: what the others say is read once."""
    wording = _wording(item)
    if wording is None:
        return _read_map(reading, item, owner)
    callee, words = wording
    alike = reading.needs.get(words)
    if alike is not None:
        try:
            name = reading.names[callee]
        except BadValueError:
            name = owner  # wrong as well: to read it word by word tells why
        if name != owner:
            targets, _, *rest = alike
            return _NEED(((_TARGET((name, *targets[0][1:])),), reading.evidence(item), *rest))
    mistakes = len(reading.mistakes)
    need = _read_map(reading, item, owner)
    if need is not None and len(reading.mistakes) == mistakes:
        reading.needs[words] = need
    return need


def _wording(item: Node) -> tuple[str, tuple[str, ...]] | None:
    """Whom a need asks and, word for word, what else it says; None where it is not one service and plain words alone.

    A broker must not be the owner of the need, so with one every need is read by itself.
    """
    callee: str | None = None
    words: list[str] = []
    for key, value in item.pairs:
        name = key.text
        if not value.is_plain or value.tag or name == "broker":
            return None
        if name == "service":
            callee = value.text
        else:
            words.append(name)
            words.append(value.text)
    return None if callee is None or item.tag else (callee, tuple(words))


def _read_map(reading: Reading, item: Node, owner: str) -> Need | None:
    keys = reading.fields(item, NEED)
    if item.kind != "map":
        return None
    written = {key.text: value for key, value in item.pairs}
    forms = [form for form in _FORMS if form in written]
    if not forms and "k" not in written:
        reading.mistake(item, "need: expected service, any_of, or k and of")
        return None
    if len(forms) > 1:
        reading.mistake(item, f"need: {' and '.join(forms)} exclude each other; write one need for each")
    if forms != ["service"]:
        return _group(reading, item, keys, owner)
    if "k" in written:
        reading.mistake(written["k"], "need: k belongs to a list, k and of")
    return _single(reading, item, keys, written, owner) if "service" in keys else None


def _single(reading: Reading, item: Node, keys: dict[str, Any], written: dict[str, Node], owner: str) -> Need:
    given = keys.get
    name: str = keys["service"]
    _check_not_self(reading, written["service"], name, owner)
    need = Need(
        (Target(name, given("timeout"), given("attempts", 1), given("backoff", _NO_TIME)),),
        reading.evidence(item),
        hardness=given("hardness"),
        mode=given("mode", Mode.SYNC),
        phases=_phases(reading, given("phase")),
        share=given("share", WHOLE),
        condition=given("condition"),
        fallback=_fallback(reading, given("fallback"), name, owner),
        broker=given("broker"),
        verified=reading.verification(given("verified")),
    )
    if "fallback" in written or "broker" in written:
        _check_contradictions(reading, written, need, owner)
    return need


def _check_contradictions(reading: Reading, written: dict[str, Node], need: Need, owner: str) -> None:
    if "fallback" in written:
        if need.hardness is Hardness.HARD:
            reading.mistake(written["fallback"], "need: hardness hard and a fallback contradict each other; leave one out")
        if need.mode is Mode.ASYNC:
            reading.mistake(written["fallback"], "need: an async need waits for no answer, so it has no fallback; leave one out")
    if "broker" in written:
        if need.mode is not Mode.ASYNC:
            reading.mistake(written["broker"], "need: a broker belongs to an async need; add mode: async")
        if need.broker == owner:
            reading.mistake(written["broker"], f"need: {shown(owner)} cannot be its own broker")


def _group(reading: Reading, item: Node, keys: dict[str, Any], owner: str) -> Need | None:
    for name in NOT_IN_GROUPS:
        refused = item.get(name)
        if refused is not None:
            where = "; write it at a member" if name in ("timeout", "attempts", "backoff") else ""
            reading.mistake(refused, f"need: a group takes no {name}{where}")
    members: Node | None = keys.get("any_of", keys.get("of"))
    if members is None:
        reading.mistake(item, "need: k needs the key of, a list of services")
        return None
    targets = _members(reading, members, owner)
    required = keys.get("k", 1)
    if item.get("of") is not None and item.get("k") is None:
        reading.mistake(item, "need: of needs the key k, how many of them must answer; or write any_of")
    if item.get("any_of") is not None and item.get("k") is not None:
        reading.mistake(item.get("k") or item, "need: any_of means one of them; for k of them write k and of")
    if "k" in keys and required > len(members.items) > 0:
        reading.mistake(item.get("k") or item, f"need: k is {required}, but there are only {len(members.items)} services")
    if not targets:
        return None
    return Need(
        targets,
        reading.evidence(item),
        required=min(required, len(targets)),
        is_group=True,
        phases=_phases(reading, keys.get("phase")),
        share=keys.get("share", WHOLE),
        condition=keys.get("condition"),
        verified=reading.verification(keys.get("verified")),
    )


def _members(reading: Reading, node: Node, owner: str) -> tuple[Target, ...]:
    targets: dict[str, Target] = {}
    for member in reading.items(node, "need", least=1):
        if member.kind == "map" and any(member.get(form) is not None for form in ("any_of", "of", "k")):
            reading.mistake(member, "need: groups do not nest; a member is a service, or a map with service, timeout, attempts, backoff")
            continue
        target = _member(reading, member)
        if target is None:
            continue
        _check_not_self(reading, member, target.service, owner)
        if target.service in targets:
            reading.mistake(member, f"need: {shown(target.service)} is in the group twice")
        targets.setdefault(target.service, target)
    return tuple(targets.values())


def _member(reading: Reading, member: Node) -> Target | None:
    if member.kind == "scalar":
        name = reading.value(member, read_name, "need")
        return None if name is None else Target(name)
    keys = reading.fields(member, MEMBER)
    if "service" not in keys:
        return None
    return Target(keys["service"], keys.get("timeout"), keys.get("attempts", 1), keys.get("backoff", _NO_TIME))


def _phases(reading: Reading, node: Node | None) -> frozenset[Phase]:
    if node is None:
        return AT_SERVE
    items = [node] if node.kind == "scalar" else reading.items(node, "phase", least=1)
    found: list[Phase] = []
    for item in items:
        phase = reading.value(item, PHASE.read, "phase")
        if phase in found:
            reading.mistake(item, f"phase: {phase.value} is named twice")
        elif phase is not None:
            found.append(phase)
    return frozenset(found) or AT_SERVE


def _fallback(reading: Reading, node: Node | None, callee: str, owner: str) -> Fallback | None:
    if node is None:
        return None
    if node.kind == "scalar":
        return _STATIC if reading.value(node, STATIC_FALLBACK.read, "fallback") is not None else None
    keys = reading.fields(node, FALLBACK)
    kind = keys.get("kind")
    if kind is None:
        return None
    staleness, stand_in = keys.get("staleness"), keys.get("service")
    for name, owning_kind in (("staleness", FallbackKind.CACHED), ("service", FallbackKind.STAND_IN)):
        stated = node.get(name)
        if kind is owning_kind and stated is None:
            reading.mistake(node, f"fallback: {owning_kind.value} needs the key {name}")
        elif kind is not owning_kind and stated is not None:
            reading.mistake(stated, f"fallback: {name} belongs to {owning_kind.value}, this one is {kind.value}")
    if kind is FallbackKind.STAND_IN and stand_in in (callee, owner):
        whom = "the service it replaces" if stand_in == callee else "the caller itself"
        reading.mistake(node.get("service") or node, f"fallback: the stand-in is {whom}")
    if (kind is FallbackKind.CACHED and staleness is None) or (kind is FallbackKind.STAND_IN and stand_in is None):
        return None
    return Fallback(
        kind,
        staleness if kind is FallbackKind.CACHED else None,
        stand_in if kind is FallbackKind.STAND_IN else None,
        keys.get("availability", CERTAIN),
        keys.get("coverage", WHOLE),
    )


def _check_not_self(reading: Reading, node: Node, name: str, owner: str) -> None:
    if name == owner:
        reading.mistake(node, f"needs: {shown(owner)} needs itself")
