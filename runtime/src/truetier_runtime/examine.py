"""What a document has to stand before it may run. Pure but for what the program hands over to try it with.

A fixed order, from what costs nothing to what costs most, and nothing that a stranger wrote is parsed before he is known:
size, signatures, what the header says, JSON, the program's schema, limits of meaning, a trial. Steps that do not rest on one another are
all taken, so that all their mistakes are told at once.

Expiry is asked of documents that are new. What runs, and what ran and lies on disk, is never stopped by it: else whoever holds back
updates could switch the fleet off.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from truetier_runtime.errors import DocumentRefusedError, Mistake, UsageError
from truetier_runtime.refusal import (
    CANARY,
    EMPTY,
    EXPIRED,
    HELD,
    KEYS_REMOVED,
    MIX_AND_MATCH,
    NOT_JSON,
    OTHER_SCOPE,
    OTHER_VERSION,
    OUT_OF_RANGE,
    OVERSIZE,
    ROLLBACK,
    SCHEMA,
)
from truetier_runtime.signature import opened, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from truetier_runtime.signature import Envelope, Header, TrustedKeys

    Values = Mapping[str, Any]
    Validate = Callable[[dict[str, Any]], Iterable[str]]
    Canary = Callable[[Values], bool]

_MOST_DEPTH = 64  # of values in values; what is deeper is no configuration, and could exhaust a stack
_MOST_TOLD = 20  # mistakes of one kind
_SHORT_NUMBER = 300  # digits of a whole number that a float holds whatever they are, if not exactly


class Limits:
    """What no document may exceed, however well signed.

    ``max_bytes`` is of the whole document. ``max_removed`` is the share, from 0 to 1, of the keys of the running document that may be
    gone from the next unless its header confirms it. ``ranges`` are the least and the most of numbers by path: keys with dots between
    them, ``*`` for any key or place of a list, as in ``limits.*.timeout_s``; a path that a document does not have is no mistake.
    """

    __slots__ = ("max_bytes", "max_removed", "ranges")

    def __init__(
        self, *, max_bytes: int = 1_000_000, max_removed: float = 0.2, ranges: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        self.max_bytes = max_bytes
        self.max_removed = max_removed
        self.ranges = dict(ranges or {})
        wrong = [] if max_bytes >= 1 else [f"max_bytes is {max_bytes}, at least 1 was expected"]
        wrong += [] if 0 <= max_removed <= 1 else [f"max_removed is {max_removed}, a share from 0 to 1 was expected"]
        wrong += [f"range of {path}: {low} is not below {high}" for path, (low, high) in self.ranges.items() if not low <= high]
        if wrong:
            raise UsageError("; ".join(wrong))


class Rules:
    """What a reader demands of a document.

    ``validate`` is given the values as plain dictionaries and lists of its own, and gives what is wrong with them, a sentence each.
    ``canary`` is given them as they will be read, tries them, and says whether all is well. An exception of either refuses the document.
    """

    __slots__ = ("canary", "limits", "scope", "trusted", "validate")

    def __init__(
        self,
        scope: str,
        trusted: TrustedKeys,
        *,
        limits: Limits | None = None,
        validate: Validate | None = None,
        canary: Canary | None = None,
    ) -> None:
        self.scope = scope
        self.trusted = trusted
        self.limits = limits or Limits()
        self.validate = validate
        self.canary = canary


class Snapshot:
    """What runs, or ran: ``values`` that cannot be changed, and where they are from.

    ``header`` and ``document`` are None and empty of the defaults that are compiled in, whose ``version`` is 0.
    """

    __slots__ = ("document", "header", "values", "version")

    def __init__(self, values: Values, header: Header | None = None, document: bytes = b"") -> None:
        self.values = values
        self.header = header
        self.version = header.version if header else 0
        self.document = document

    def is_expired(self, now: float) -> bool:
        """Whether nobody should begin with it any more. ``now`` is in seconds since 1970."""
        return self.header is not None and now > self.header.not_after


def examined(document: bytes, rules: Rules, running: Snapshot, now: float, *, held: int = 0) -> Snapshot | None:
    """What to run from now on; None when the document is the one that runs. Raises DocumentRefusedError.

    ``now`` is in seconds since 1970. Versions up to ``held`` are not taken.
    """
    envelope = _verified(document, rules)
    header = envelope.header
    if running.header is not None and header.encoded() == running.header.encoded():
        return None
    _refuse(_misplaced(header, rules, running, held), _expired(header, now))
    return _tried(envelope, document, rules, running)


def recalled(document: bytes, rules: Rules, version: int) -> Snapshot:
    """A copy from disk that may run again: as ``examined``, but for what is asked of new documents only. Raises DocumentRefusedError."""
    return _tried(vouched_for(document, rules, version), document, rules, None)


def vouched_for(document: bytes, rules: Rules, version: int) -> Envelope:
    """A document that is signed, meant for this scope and of this version; what it says is not looked at. Raises DocumentRefusedError."""
    envelope = _verified(document, rules)
    found = envelope.header.version
    _refuse(_elsewhere(envelope.header, rules), [Mistake(OTHER_VERSION, f"{version} expected, found {found}")] if found != version else [])
    return envelope


def defaults_of(values: Values, rules: Rules) -> Snapshot:
    """What runs when there is nothing else. Raises UsageError where it breaks the rules that documents have to obey."""
    plain = json.loads(json.dumps(values))
    snapshot = Snapshot(_frozen(plain))
    beyond = _out_of_range(plain, rules.limits)
    wrong = [*_schema(plain, rules), *beyond]
    if wrong:
        raise UsageError("the defaults break the rules for documents: " + "; ".join(map(str, wrong)))
    return snapshot


def key_paths(values: Values) -> set[tuple[str, ...]]:
    """Where a document says something: the paths of all that is neither an object nor empty."""
    found = set()
    waiting: list[tuple[tuple[str, ...], Any]] = [((), values)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, (dict, MappingProxyType)):
            waiting += [((*path, key), inner) for key, inner in value.items()]
        elif value not in ([], ()):
            found.add(path)
    return found


# -- the steps


def _verified(document: bytes, rules: Rules) -> Envelope:
    if len(document) > rules.limits.max_bytes:
        raise DocumentRefusedError(Mistake(OVERSIZE, f"more than {rules.limits.max_bytes} bytes"))
    envelope = opened(document)
    verify(envelope, rules.trusted)
    return envelope


def _elsewhere(header: Header, rules: Rules) -> Iterator[Mistake]:
    if header.scope != rules.scope:
        yield Mistake(OTHER_SCOPE, f"meant for {header.scope!r}, this is {rules.scope!r}")


def _misplaced(header: Header, rules: Rules, running: Snapshot, held: int) -> Iterator[Mistake]:
    yield from _elsewhere(header, rules)
    if header.version < running.version:
        yield Mistake(ROLLBACK, f"version {header.version}, running is {running.version}; publish old content under a new version")
    elif header.version == running.version:
        yield Mistake(MIX_AND_MATCH, f"version {header.version} runs already, and is another document")
    elif header.version <= held:
        yield Mistake(HELD, f"version {header.version} was set aside at the start, the next to be taken is {held + 1}")


def _expired(header: Header, now: float) -> Iterator[Mistake]:
    if now > header.not_after:
        yield Mistake(EXPIRED, f"not to be begun with after {header.not_after}, it is {now:.0f} (seconds since 1970)")


def _tried(envelope: Envelope, document: bytes, rules: Rules, running: Snapshot | None) -> Snapshot:
    plain = parsed(envelope.body)
    # All else comes before the schema, which may change what it is given: what was signed is what is judged, and what runs.
    snapshot = Snapshot(_frozen(plain), envelope.header, document)
    beyond = [
        *_empty(plain),
        *(() if running is None or envelope.header.confirms_removal else _removed(plain, running, rules.limits)),
        *_out_of_range(plain, rules.limits),
    ]
    _refuse(_schema(plain, rules), beyond)
    _refuse(_unhealthy(snapshot.values, rules))
    return snapshot


def parsed(body: bytes) -> dict[str, Any]:
    """An object of JSON, where it means the same to everybody: keys once each, numbers that are numbers, whole characters, not too deep.

    Raises DocumentRefusedError.
    """
    try:
        text = body.decode()
        values = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number, parse_float=_finite, parse_int=_whole)
        if "\\u" in text:
            json.dumps(values, ensure_ascii=False).encode()  # half of a pair of surrogates is no character, and raises here
    except (ValueError, RecursionError) as error:
        raise DocumentRefusedError(Mistake(NOT_JSON, str(error))) from None
    if not isinstance(values, dict):
        raise DocumentRefusedError(Mistake(NOT_JSON, f"an object was expected at the top, found {type(values).__name__}"))
    if _is_deeper(values, _MOST_DEPTH):
        raise DocumentRefusedError(Mistake(NOT_JSON, f"values in values, more than {_MOST_DEPTH} deep"))
    return values


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{twice!r} is there twice in one object")
    return values


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a number of JSON")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word} is larger than any number that can be held")
    return number


def _whole(word: str) -> int:
    if len(word) > _SHORT_NUMBER:
        _finite(word)
    return int(word)


def _is_deeper(values: object, depth: int) -> bool:
    level = [values]
    for _ in range(depth):
        level = [inner for value in level for inner in _inside(value)]
    return bool(level)


def _inside(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _schema(plain: dict[str, Any], rules: Rules) -> list[Mistake]:
    if rules.validate is None:
        return []
    try:
        wrong = list(rules.validate(plain))
    except Exception as error:  # noqa: BLE001 - whatever it is, it does not like the document
        wrong = [_words(error)]
    return _few(SCHEMA, wrong)


def _empty(plain: dict[str, Any]) -> Iterator[Mistake]:
    if not key_paths(plain):
        yield Mistake(EMPTY, "nothing is set")


def _removed(plain: dict[str, Any], running: Snapshot, limits: Limits) -> Iterator[Mistake]:
    """Of the defaults anything may be gone: they are what the program knows, not what was published."""
    before = key_paths(running.values) if running.header is not None else set()
    gone = before - key_paths(plain)
    if len(gone) > limits.max_removed * len(before):
        named = ", ".join(".".join(path) for path in sorted(gone)[:5])
        yield Mistake(KEYS_REMOVED, f"{len(gone)} of {len(before)}, at most {limits.max_removed:.0%} may go unconfirmed: {named}")


def _out_of_range(plain: dict[str, Any], limits: Limits) -> list[Mistake]:
    wrong = []
    for path, (low, high) in limits.ranges.items():
        for place, value in _at(plain, path.split(".")):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                wrong.append(f"{place} is {value!r:.40}, a number from {low:g} to {high:g} was expected")
    return _few(OUT_OF_RANGE, wrong)


def _at(values: object, path: list[str]) -> Iterator[tuple[str, object]]:
    found: list[tuple[str, object]] = [("", values)]
    for step in path:
        found = [(f"{place}.{key}".lstrip("."), inner) for place, value in found for key, inner in _steps(value, step)]
    yield from found


def _steps(value: object, step: str) -> Iterator[tuple[str, object]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ((str(key), inner) for key, inner in pairs if step in ("*", str(key)))


def _unhealthy(values: Values, rules: Rules) -> Iterator[Mistake]:
    if rules.canary is None:
        return
    try:
        is_well = rules.canary(values)
    except Exception as error:  # noqa: BLE001 - that it raises is the answer
        yield Mistake(CANARY, _words(error))
    else:
        if is_well is not True:
            yield Mistake(CANARY, f"the trial gave {is_well!r:.40}, True was expected")


def _frozen(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(inner) for key, inner in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _few(reason: str, messages: list[str]) -> list[Mistake]:
    told = [Mistake(reason, message) for message in messages[:_MOST_TOLD]]
    return [*told, Mistake(reason, f"and {len(messages) - _MOST_TOLD} more")] if len(messages) > _MOST_TOLD else told


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _refuse(*steps: Iterable[Mistake]) -> None:
    wrong = [mistake for step in steps for mistake in step]
    if wrong:
        raise DocumentRefusedError(*wrong)
