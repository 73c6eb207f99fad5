"""The types of single values: how each is read from a node, and how an editor may check it.

A reader function gives the value or raises ``BadValueError`` with what was expected and what was found; the key it
belongs to, and the place, are added by whoever asked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from truetier.catalog.model import Affinity, FallbackKind, Hardness, Mode, Phase, PlacementMode, Plane
from truetier.record import NamedTuple
from truetier.sources.yaml_tree.node import NULLS
from truetier.units import Availability, Share, parse_day, parse_duration, parse_fraction, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, timedelta
    from decimal import Decimal
    from enum import Enum

    from truetier.sources.yaml_tree import Node

LONGEST_NAME = 200
MOST_COPIES = 1000  # in one domain
MOST_REQUESTS = 10**15
MOST_CLUSTERING = 10**9
DOMAIN_KINDS = ("region", "zone", "cell", "account", "cluster", "provider", "part")

_FRACTION_TEXT = r"^\s*[0-9.]+([eE][-+]?[0-9]+)?\s*%?\s*$"
_DURATION = r"^\s*(0|([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+)\s*$"
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))


class BadValueError(Exception):
    """A value is not what its key takes; the message says what was expected and found."""


class Type(NamedTuple):
    """A type of value: its name for people, how it is read, and its JSON Schema."""

    name: str
    read: Callable[[Node], object]
    schema: Mapping[str, Any]


def described(node: Node) -> str:
    """What stands there, for a message."""
    if node.kind != "scalar":
        return {"map": "a map", "seq": "a list"}[node.kind]
    return "nothing" if node.is_null else shown(node.text)


def _text(node: Node, expected: str) -> str:
    if node.kind != "scalar" or node.is_null:
        raise BadValueError(f"expected {expected}, found {described(node)}")
    return node.text


def read_name(node: Node) -> str:
    """A name: some text without control characters."""
    return checked_name(_text(node, "a name"))


def plain_name(text: str) -> str:
    """A name written without quotes; raises BadValueError."""
    if text in NULLS:
        raise BadValueError("expected a name, found nothing")
    return checked_name(text)


@lru_cache(maxsize=100_000)
def checked_name(text: str) -> str:
    """The text, when it can be a name; raises BadValueError."""
    if not text.isprintable() or len(text) > LONGEST_NAME or not text or text[0] == " " or text[-1] == " ":
        raise BadValueError(_why_no_name(text))
    return text


def _why_no_name(text: str) -> str:
    if not text.strip():
        return "a name must not be empty"
    if len(text) > LONGEST_NAME:
        return f"a name has at most {LONGEST_NAME} characters, this one has {len(text)}"
    if text != text.strip():
        return f"a name must not begin or end with a space, found {shown(text)}"
    return f"a name must not contain control or invisible characters, found {shown(text)}"


def read_free_text(node: Node) -> str:
    """A sentence for people: not empty; line breaks become spaces."""
    text = " ".join(_text(node, "some text").split())
    if not text:
        raise BadValueError("expected some text, found nothing")
    if not text.isprintable():
        raise BadValueError(f"must not contain control or invisible characters, found {shown(text)}")
    if len(text) > 10 * LONGEST_NAME:
        raise BadValueError(f"at most {10 * LONGEST_NAME} characters, found {len(text)}")
    return text


def read_tier(node: Node) -> str:
    """The name of a tier; a bare number N is TN."""
    return tier_name(read_name(node))


def tier_name(text: str) -> str:
    """How a tier is written: 1 is T1."""
    return f"T{text}" if text.isdecimal() and text.isascii() else text


def read_path(node: Node) -> str:
    """A failure domain: names joined by slashes, outermost first."""
    return checked_path(read_name(node))


def checked_path(text: str) -> str:
    """The text, when it can be the path of a failure domain; raises BadValueError."""
    if any(not part or part != part.strip() for part in checked_name(text).split("/")):
        raise BadValueError(f"expected a failure domain like us-east-1 or us-east-1/a, found {shown(text)}")
    return text


# A large fleet writes the same few numbers a hundred thousand times.
_parsed_fraction = lru_cache(maxsize=4096)(parse_fraction)
_parsed_duration = lru_cache(maxsize=4096)(parse_duration)


def _fraction(node: Node, expected: str) -> Decimal:
    text = _text(node, expected)
    try:
        return _parsed_fraction(text)
    except ValueError as error:
        raise BadValueError(str(error)) from None


def read_availability(node: Node) -> Availability:
    """An availability; 100 % is allowed."""
    return Availability(_fraction(node, "a percentage like 99.9%"))


def read_target(node: Node) -> Availability:
    """An availability that can be promised: less than 100 %."""
    target = read_availability(node)
    if target.value == 1:
        raise BadValueError("nothing is available 100% of the time; promise less, e.g. 99.999%")
    return target


def read_share(node: Node) -> Share:
    """A part of a whole."""
    return Share(_fraction(node, "a percentage like 20%"))


def read_duration(node: Node) -> timedelta:
    """A duration, 0 included."""
    text = _text(node, "a duration like 800ms, 90s, 30m, 2h or 1d")
    try:
        return _parsed_duration(text)
    except ValueError as error:
        raise BadValueError(str(error)) from None


def read_some_time(node: Node) -> timedelta:
    """A duration longer than 0."""
    duration = read_duration(node)
    if not duration:
        raise BadValueError(f"expected a duration longer than 0, found {described(node)}")
    return duration


def read_boolean(node: Node) -> bool:
    """True or false, without quotes."""
    if node.kind == "scalar" and node.is_plain and node.text in _TRUE:
        return True
    if node.kind == "scalar" and node.is_plain and node.text in _FALSE:
        return False
    raise BadValueError(f"expected true or false, found {described(node)}")


def _integer(node: Node, least: int, most: int, what: str) -> int:
    expected = f"expected {what} from {least} to {most}" if most < 10**6 else f"expected {what}, at least {least}"
    if node.kind != "scalar" or not node.is_plain or len(node.text) > 20:
        raise BadValueError(f"{expected}, found {described(node)}")
    digits = node.text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or not least <= int(node.text) <= most:
        raise BadValueError(f"{expected}, found {described(node)}")
    return int(node.text)


def integer(least: int, most: int = 10**6) -> Type:
    """The type of whole numbers in a range."""
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Type("whole number", lambda node: _integer(node, least, most, "a whole number"), schema)


def read_clustering(node: Node) -> Decimal:
    """How many failures come together: a number from 1."""
    from decimal import Decimal

    is_number = node.kind == "scalar" and node.is_plain and len(node.text) <= 20 and _DECIMAL.fullmatch(node.text)
    if not is_number or not 1 <= Decimal(node.text) <= MOST_CLUSTERING:
        raise BadValueError(f"expected a number, at least 1, found {described(node)}")
    return Decimal(node.text)


def read_date(node: Node) -> date:
    """A day of the calendar."""
    text = _text(node, "a date like 2027-03-31")
    day = parse_day(text)
    if day is None:
        raise BadValueError(f"expected a date like 2027-03-31, found {shown(text)}")
    return day


def choice(kind: type[Enum]) -> Type:
    """The type of an enumeration's values."""
    members = {str(member.value): member for member in kind}
    expected = _or(tuple(members))

    def read(node: Node) -> Enum:
        member = members.get(node.text) if node.kind == "scalar" else None
        if member is None:
            raise BadValueError(f"expected {expected}, found {described(node)}")
        return member

    return Type(expected, read, {"enum": list(members)})


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _read_domain_kind(node: Node) -> str:
    if node.kind != "scalar" or node.text not in DOMAIN_KINDS:
        raise BadValueError(f"expected {_or(DOMAIN_KINDS)}, found {described(node)}")
    return node.text


def _read_version(node: Node) -> int:
    if (
        node.kind != "scalar"
        or not node.is_plain
        or not node.text.isdecimal()
        or not node.text.isascii()
        or len(node.text) > 9
        or int(node.text) < 1
    ):
        raise BadValueError(f"expected 1, found {described(node)}")
    if int(node.text) > 1:
        raise BadValueError(f"this catalog is of version {node.text}, this truetier reads version 1; try: pip install --upgrade truetier")
    return 1


def _read_static(node: Node) -> FallbackKind:
    if node.kind != "scalar" or node.text != FallbackKind.STATIC.value:
        hint = {
            "cached": "; write {kind: cached, staleness: 30m}",
            "stand-in": "; write {kind: stand-in, service: NAME}",
        }.get(node.text, "")
        raise BadValueError(f"expected static, or a map with kind, found {described(node)}{hint}")
    return FallbackKind.STATIC


_NAME_SCHEMA = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
_FRACTION_SCHEMA = {"anyOf": [{"type": "string", "pattern": _FRACTION_TEXT}, {"type": "number", "minimum": 0, "maximum": 1}]}
_DURATION_SCHEMA = {"anyOf": [{"type": "string", "pattern": _DURATION}, {"const": 0}]}

NAME = Type("name", read_name, _NAME_SCHEMA)
SERVICE = Type("service", read_name, _NAME_SCHEMA)
FREE_TEXT = Type("text", read_free_text, {"type": "string", "minLength": 1, "maxLength": 10 * LONGEST_NAME})
TIER = Type("tier", read_tier, {"anyOf": [_NAME_SCHEMA, {"type": "integer", "minimum": 0}]})
PATH = Type("failure domain", read_path, _NAME_SCHEMA)
AVAILABILITY = Type("percentage", read_availability, _FRACTION_SCHEMA)
TARGET = Type(
    "percentage below 100%",
    read_target,
    {"anyOf": [{"type": "string", "pattern": _FRACTION_TEXT}, {"type": "number", "minimum": 0, "exclusiveMaximum": 1}]},
)
SHARE = Type("percentage", read_share, _FRACTION_SCHEMA)
DURATION = Type("duration", read_duration, _DURATION_SCHEMA)
SOME_TIME = Type("duration", read_some_time, {"type": "string", "pattern": _DURATION})
BOOLEAN = Type("true or false", read_boolean, {"type": "boolean"})
CLUSTERING = Type("number", read_clustering, {"type": "number", "minimum": 1, "maximum": MOST_CLUSTERING})
DATE = Type("date", read_date, {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
VERSION = Type("whole number", _read_version, {"const": 1})
DOMAIN_KIND = Type(_or(DOMAIN_KINDS), _read_domain_kind, {"enum": list(DOMAIN_KINDS)})
STATIC = Type("`static`", _read_static, {"const": "static"})
PLANE = choice(Plane)
HARDNESS = choice(Hardness)
MODE = choice(Mode)
PHASE = choice(Phase)
FALLBACK_KIND = choice(FallbackKind)
AFFINITY = choice(Affinity)
PLACEMENT_MODE = choice(PlacementMode)
