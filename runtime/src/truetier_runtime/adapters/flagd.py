"""Flags in the format that flagd publishes: what is wrong with them, and what evaluates them. Needs the extra ``openfeature``.

A document of configuration holds them as a file of flagd does, under the key ``flags``, with ``$evaluators`` and ``metadata`` beside it;
any other keys are the program's own. So ``truetier-config sign flags.json`` signs a file that is there already.

``flag_mistakes`` is for ``Rules(validate=...)``: what could not be decided later is refused before it runs. Errors that only the context
of a request can bring about, as a text where a number is compared, cannot be found here; they give the caller's default.

Source: flagd, Flag Definitions and the schemas https://flagd.dev/schema/v0/flags.json and targeting.json; jsonlogic.com, Operations.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.contrib.tools.flagd.core.targeting.custom_ops import MAX_WEIGHT_SUM, normalize_version
from openfeature.contrib.tools.flagd.core.targeting.targeting import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FLAGS, EVALUATORS, METADATA = "flags", "$evaluators", "metadata"
_KEYS = {"state", "variants", "defaultVariant", "targeting", "metadata", "source", "selector"}
_STATES = ("ENABLED", "DISABLED")
# What the interpreter evaluates itself, because it does not evaluate all their arguments.
_LAZY = {"if", "?:", "and", "or", "filter", "reduce", "map", "all", "some", "none"}
_OBJECTS = (dict, MappingProxyType)  # as they are written, and as they are read
_MOST_ADDED = 1_000_000  # values that evaluators may add to the flags; the core puts them in as text, wherever they are referred to
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "^", "~")


def flag_mistakes(values: Mapping[str, Any], *, like: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with the flags in the values of a document, a sentence each, with the place; nothing if all is well.

    ``like`` are values whose flags the program knows, as the defaults it is compiled with: a flag of theirs has to keep its type.
    """
    flags = values.get(FLAGS)
    if not isinstance(flags, dict) or not flags:
        return [f"{FLAGS}: an object with at least one flag was expected, found {_shown(flags)}"]
    evaluators = values.get(EVALUATORS, {})
    wrong = [] if isinstance(evaluators, dict) else [f"{EVALUATORS}: an object was expected, found {_shown(evaluators)}"]
    rules = dict(evaluators) if not wrong else {}
    if _added(flags, rules) > _MOST_ADDED:  # each may refer to the next one twice: a page of them would fill any memory
        return [f"{EVALUATORS}: wherever they are referred to they add more than {_MOST_ADDED} values to the flags"]
    wrong += _wrong_metadata(values.get(METADATA, {}), METADATA)
    types = {name: _type_of(flag) for name, flag in (like or {}).get(FLAGS, {}).items()}
    for name, flag in flags.items():
        wrong += _wrong_flag(flag, f"{FLAGS}.{name}" if name else f"{FLAGS}: a flag without a name", rules)
        found, known = _type_of(flag), types.get(name)
        if found and known and found != known:
            wrong.append(f"{FLAGS}.{name}.variants: the program reads a {known}, found a {found}")
    if not wrong:
        try:
            compiled(json.dumps(_own(values)))
        except Exception as error:  # noqa: BLE001 - whatever it is, this cannot be evaluated
            wrong.append(
                f"{FLAGS}: flagd's core cannot take them in: {type(error).__name__}: {getattr(error, 'error_message', None) or error}"
            )
    return wrong


def flags_of(values: Mapping[str, Any]) -> str:
    """The flags among values that may be frozen, as JSON of flagd's format."""
    return json.dumps(_own(values), default=dict)


def compiled(flags: str, before: str | None = None) -> tuple[FlagdCore, list[str]]:
    """What evaluates the flags, and which of them are others than ``before``, or gone, or new. Raises what flagd's core raises."""
    core = FlagdCore()
    if before is not None:
        core.set_flags(before)
    return core, sorted(core.set_flags_and_get_changed_keys(flags))


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in (FLAGS, EVALUATORS, METADATA) if key in values}


def _added(flags: dict[str, Any], evaluators: dict[str, Any]) -> int:
    """How many values there are more once evaluators are put in: one after the other, so each can refer to those after it alone."""
    sizes: dict[str, int] = {}
    for name, rule in reversed(evaluators.items()):
        sizes[name] = _size(rule, sizes)
    return _size(flags, sizes) - _size(flags, {})


def _size(value: object, sizes: Mapping[str, int]) -> int:
    """How many values there are in a value, with it."""
    if isinstance(value, dict) and value.keys() == {"$ref"} and isinstance(value["$ref"], str):
        return sizes.get(value["$ref"], 1)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(_size(each, sizes) for each in inner)


# -- a flag


def _wrong_flag(flag: object, place: str, evaluators: dict[str, Any]) -> Iterator[str]:
    if not isinstance(flag, dict):
        yield f"{place}: an object was expected, found {_shown(flag)}"
        return
    for key in sorted(flag.keys() - _KEYS):
        yield f"{place}.{key}: no such key; there are {', '.join(sorted(_KEYS))}"
    if flag.get("state") not in _STATES:
        yield f"{place}.state: ENABLED or DISABLED was expected, found {_shown(flag.get('state'))}"
    variants = flag.get("variants")
    if not isinstance(variants, dict) or not variants:
        yield f"{place}.variants: an object with at least one variant was expected, found {_shown(variants)}"
        variants = {}
    elif _type_of(flag) is None:
        kinds = sorted({_kind(value) or "null" for value in variants.values()})
        yield f"{place}.variants: values of one type, boolean, string, number or object, were expected, found {' and '.join(kinds)}"
    if variants:
        yield from _unknown_variant(flag.get("defaultVariant") or None, variants, f"{place}.defaultVariant")
    yield from _wrong_metadata(flag.get("metadata") or {}, f"{place}.metadata")
    targeting = flag.get("targeting")
    if targeting is not None and not isinstance(targeting, dict):
        yield f"{place}.targeting: a rule was expected, found {_shown(targeting)}"
    elif targeting:
        yield from _Rules(variants, evaluators).wrong_result(targeting, f"{place}.targeting", set(evaluators))


def _wrong_metadata(metadata: object, place: str) -> Iterator[str]:
    if not isinstance(metadata, dict):
        yield f"{place}: an object was expected, found {_shown(metadata)}"
        return
    for key, value in metadata.items():
        if not key or not isinstance(value, (str, int, float)):
            yield f"{place}.{key}: a name and a text, number, true or false were expected, found {_shown(value)}"


def _type_of(flag: object) -> str | None:
    """Boolean, string, number or object; None where it is not one of them."""
    variants = flag.get("variants") if isinstance(flag, _OBJECTS) else None
    kinds = {_kind(value) for value in variants.values()} if isinstance(variants, _OBJECTS) else set()
    return kinds.pop() if len(kinds) == 1 else None


def _kind(value: object) -> str | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return "number"
    return None if value is None else "object"


def _unknown_variant(name: object, variants: Mapping[str, object], place: str) -> Iterator[str]:
    """A name that is not among the variants. None stands for what the caller gives; true and false are names, too."""
    word = str(name).lower() if isinstance(name, bool) else name
    if word is not None and str(word) not in variants:
        yield f"{place}: {_shown(name)} is none of the variants {', '.join(map(_shown, variants))}"


def _shown(value: object) -> str:
    return "nothing" if value is None else f"{json.dumps(value, default=str):.60}"


# -- targeting


class _Rules:
    """Walks a rule. ``known`` are the names of the evaluators that can be referred to where it walks: flagd puts them in one after the
    other, so that each can refer only to those that come after it.
    """

    __slots__ = ("evaluators", "variants")

    def __init__(self, variants: Mapping[str, object], evaluators: Mapping[str, Any]) -> None:
        self.variants = variants
        self.evaluators = evaluators

    def wrong_result(self, rule: object, place: str, known: set[str]) -> Iterator[str]:
        """Of a rule whose result is the name of a variant: what is wrong with it, and names that are none."""
        if not isinstance(rule, dict):
            if isinstance(rule, list):
                yield f"{place}: the name of a variant was expected, found {_shown(rule)}"
            elif self.variants:
                yield from _unknown_variant(rule, self.variants, place)
            return
        yield from self.wrong(rule, place, known, is_result=True)

    def wrong(self, rule: object, place: str, known: set[str], *, is_result: bool = False) -> Iterator[str]:
        """Of any rule."""
        if isinstance(rule, list):
            for number, inner in enumerate(rule):
                yield from self.wrong(inner, f"{place}[{number}]", known)
        if not isinstance(rule, dict):
            return
        if len(rule) != 1:
            yield f"{place}: one operator was expected, found {', '.join(rule) or 'none'}"
            return
        ((operator, given),) = rule.items()
        at = f"{place}.{operator}"
        arguments = given if isinstance(given, list) else [given]
        if operator == "$ref":
            yield from self._wrong_reference(given, at, known, is_result=is_result)
        elif operator == "fractional":
            yield from self._wrong_fractional(arguments, at, known)
        elif operator in ("if", "?:"):
            yield from self._wrong_choice(arguments, at, known, is_result=is_result)
        elif operator not in OPERATORS and operator not in _LAZY:
            yield f"{place}: there is no operator {operator!r}"
        else:
            yield from _wrong_arguments(operator, arguments, at)
            for number, inner in enumerate(arguments):
                yield from self.wrong(inner, f"{at}[{number}]", known)

    def _wrong_reference(self, name: object, at: str, known: set[str], *, is_result: bool) -> Iterator[str]:
        if not isinstance(name, str) or name not in known:
            why = "has to come after the one that refers to it" if name in self.evaluators else "is not there"
            yield f"{at}: the evaluator {_shown(name)} {why}"
            return
        names = list(self.evaluators)
        after = set(names[names.index(name) + 1 :])
        step = self.wrong_result if is_result else self.wrong
        yield from step(self.evaluators[name], f"{at} {EVALUATORS}.{name}", after)

    def _wrong_choice(self, arguments: list[Any], at: str, known: set[str], *, is_result: bool) -> Iterator[str]:
        """Conditions and results in turn, and what is left when none holds."""
        if not arguments:
            yield f"{at}: conditions and results were expected, found nothing"
        for number, inner in enumerate(arguments):
            is_answer = number % 2 == 1 or number == len(arguments) - 1
            step = self.wrong_result if is_result and is_answer else self.wrong
            yield from step(inner, f"{at}[{number}]", known)

    def _wrong_fractional(self, arguments: list[Any], at: str, known: set[str]) -> Iterator[str]:
        """What to hash, unless it is the name of the flag and the targeting key; then pairs of a variant and its weight."""
        total, is_sure = 0, True
        has_pairs = bool(arguments) and isinstance(arguments[0], list)
        if not has_pairs and arguments:
            yield from self.wrong(arguments[0], f"{at}[0]", known)
        pairs = list(enumerate(arguments))[0 if has_pairs else 1 :]
        if not pairs:
            yield f"{at}: pairs of a variant and its weight were expected, found none"
        for number, pair in pairs:
            where = f"{at}[{number}]"
            if isinstance(pair, dict):
                is_sure = False
                yield from self.wrong(pair, where, known)
            elif not isinstance(pair, list) or not 1 <= len(pair) <= 2:
                is_sure = False
                yield f"{where}: a variant and its weight were expected, found {_shown(pair)}"
            else:
                yield from self.wrong_result(pair[0], f"{where}[0]", known)
                weight = pair[1] if len(pair) == 2 else 1
                if isinstance(weight, dict):
                    is_sure = False
                    yield from self.wrong(weight, f"{where}[1]", known)
                elif isinstance(weight, bool) or not isinstance(weight, int) or weight < 0:
                    is_sure = False
                    yield f"{where}[1]: a whole number from 0 was expected, found {_shown(weight)}"
                else:
                    total += weight
        if pairs and is_sure and not 0 < total <= MAX_WEIGHT_SUM:
            yield f"{at}: weights add up to {total}, from 1 to {MAX_WEIGHT_SUM} were expected"


def _wrong_arguments(operator: str, arguments: list[Any], at: str) -> Iterator[str]:
    """Of flagd's own operators: what they would pass over without a word."""
    if operator in ("starts_with", "ends_with"):
        if len(arguments) != 2:
            yield f"{at}: two texts were expected, found {len(arguments)} arguments"
        yield from (f"{at}: a text was expected, found {_shown(one)}" for one in arguments if not isinstance(one, (str, dict)))
    elif operator == "sem_ver":
        if len(arguments) != 3:
            yield f"{at}: a version, a comparison and a version were expected, found {len(arguments)} arguments"
            return
        if not isinstance(arguments[1], dict) and arguments[1] not in _COMPARISONS:
            yield f"{at}[1]: one of {' '.join(_COMPARISONS)} was expected, found {_shown(arguments[1])}"
        for number in (0, 2):
            if not isinstance(arguments[number], dict):
                try:
                    normalize_version(arguments[number])
                except ValueError:
                    yield f"{at}[{number}]: a version was expected, found {_shown(arguments[number])}"
