"""Finds every rule by looking into the folders under rules/; nothing is registered by hand."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING

from truetier.audit.rule import Rule
from truetier.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

# The hundreds digit of a rule's code, counted from 1. A new family goes to the end: codes are never reused.
FAMILIES = ("tiering", "dependency", "cycles", "isolation", "control_plane", "architecture", "operations")
_CODE = re.compile(r"TT[1-9][0-9]{2}")
_PREFIX = re.compile(r"TT[0-9]{0,3}")


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by code. Raises ModelError when two share a code or a name, or one is not where its code says."""
    return in_order(rule_in(module) for family in FAMILIES for module in _modules(family))


def find_rule(name: str) -> Rule | None:
    """The rule of that code or slug; None when there is none."""
    return next((rule for rule in all_rules() if name in (rule.code, rule.slug)), None)


def chosen(rules: Sequence[Rule], select: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Rule, ...]:
    """The rules that ``select`` names (all when it is empty) without those ``ignore`` names.

    A name is a code (TT101), the beginning of one (TT1), a slug or a family. Raises UsageError with every name that fits no rule.
    """
    strangers = [name for name in (*select, *ignore) if not any(is_named(rule, name) for rule in rules)]
    if strangers:
        raise UsageError(_strangers_text(rules, strangers))
    return tuple(
        rule
        for rule in rules
        if (not select or any(is_named(rule, name) for name in select)) and not any(is_named(rule, name) for name in ignore)
    )


def is_named(rule: Rule, name: str) -> bool:
    """Whether a person who writes that name means this rule, perhaps among others."""
    if _PREFIX.fullmatch(name.upper()):
        return rule.code.startswith(name.upper())
    plain = name.lower().replace("_", "-")
    return plain in (rule.slug, rule.family.replace("_", "-"))


def rule_in(module: ModuleType) -> Rule:
    """The one rule a module defines, named after its file and numbered after its folder. Raises ModelError otherwise."""
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise ModelError(f"{module.__name__}: expected exactly one rule, found {len(found)}")
    rule = found[0]()
    expected = "".join(word.capitalize() for word in rule.slug.split("-"))
    if found[0].__name__ != expected:
        raise ModelError(f"{module.__name__}: expected the class to be named {expected} after its file, found {found[0].__name__}")
    if not _CODE.fullmatch(rule.code) or FAMILIES[int(rule.code[2]) - 1 : int(rule.code[2])] != (rule.family,):
        raise ModelError(f"{module.__name__}: the code {rule.code} does not belong to the family {rule.family}")
    return rule


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules by code. Raises ModelError when two share a code or a slug."""
    taken: dict[str, Rule] = {}
    for rule in rules:
        for name in (rule.code, rule.slug):
            other = taken.setdefault(name, rule)
            if other is not rule:
                raise ModelError(f"the rules {other.family}/{other.slug} and {rule.family}/{rule.slug} share the name {name}")
    return tuple(sorted({rule.code: rule for rule in taken.values()}.values(), key=lambda rule: rule.code))


def _modules(family: str) -> Iterator[ModuleType]:
    try:
        folder = importlib.import_module(f"truetier.rules.{family}")
    except ModuleNotFoundError:  # a family that has no rule yet
        return
    for found in pkgutil.iter_modules(folder.__path__):
        yield importlib.import_module(f"{folder.__name__}.{found.name}")


def _strangers_text(rules: Sequence[Rule], strangers: Sequence[str]) -> str:
    from difflib import get_close_matches

    known = [name for rule in rules for name in (rule.code, rule.slug, rule.family.replace("_", "-"))]
    hints = []
    for name in strangers:
        close = get_close_matches(name, known, n=1)
        hints.append(f"{name!r}" + (f" (did you mean {close[0]}?)" if close else ""))
    families = ", ".join(dict.fromkeys(rule.family.replace("_", "-") for rule in rules))
    return f"no rule is named {', '.join(hints)}; name a code such as TT101, the beginning of one, a rule's name, or a family: {families}"
