"""One strict reading of one file: takes maps apart by their table and collects every mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetier.catalog.evidence import Evidence, Kind, Verification
from truetier.catalog.listed import BARE, Wordings
from truetier.catalog.measured import Measured
from truetier.catalog.source import OWN_FORMAT
from truetier.errors import Mistake
from truetier.record import maker
from truetier.sources.yaml_catalog.schema import MEASURED, VERIFIED
from truetier.sources.yaml_catalog.values import BadValueError, checked_name, described, plain_name
from truetier.units import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from truetier.catalog.listed import Wording
    from truetier.catalog.model import Need
    from truetier.sources.yaml_catalog.schema import Table
    from truetier.sources.yaml_tree import Frame, Node

_EVIDENCE = maker(Evidence)
_KNOWN_TAGS = frozenset(("", "!", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq"))
_MOST_SUGGESTIONS = 50  # comparing words is slow; after so many mistakes nobody reads them


class _PlainNames(dict[str, str]):
    """Names written without quotes, each looked at once; raises BadValueError for what is no name."""

    def __missing__(self, text: str) -> str:
        found = self[text] = plain_name(text)
        return found


class Reading:
    """The state of reading one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.names = _PlainNames()
        self.needs: dict[tuple[str, ...], Need] = {}  # one for each choice of words, whomever it asks
        self.wordings = Wordings()
        self.framed: dict[Frame | None, Wording] = {None: BARE}  # what needs say that have been read without a mistake, by their frame
        self._read: dict[tuple[str, str, str], Any] = {}  # by table, key and text without quotes: a large fleet repeats itself
        self._suggestions_left = _MOST_SUGGESTIONS

    def mistake(self, node: Node, message: str) -> None:
        """Note a mistake at the node's place."""
        self.mistakes.append(Mistake(message, node.place(self.file)))

    def evidence(self, node: Node) -> Evidence:
        """This file says it, there."""
        return _EVIDENCE((Kind.DECLARED, OWN_FORMAT, node.place(self.file), ""))

    def fields(self, node: Node, table: Table) -> dict[str, Any]:
        """The values under the keys of the table; under a key with an inner structure, its node, still unread.

        What is wrong is noted and left out.
        """
        found: dict[str, Any] = {}
        if node.kind != "map":
            if not (table.is_nothing_allowed and node.is_null):
                self.mistake(node, f"{table.name}: expected a map, found {described(node)}")
            return found
        if node.tag:
            self.check_tag(node)
        readers, known, of = table.readers, self._read, table.name
        for key, value in node.pairs:
            name = key.text
            if value.is_plain and not value.tag and (of, name, value.text) in known:
                found[name] = known[of, name, value.text]
            elif name in readers:
                self._field(table, name, value, found)
            else:
                self._unknown_key(key, table)
        if table.required:
            self._check_required(node, table)
        return found

    def _field(self, table: Table, name: str, value: Node, found: dict[str, Any]) -> None:
        """Reads one value of a known key into what was found."""
        if value.tag:
            self.check_tag(value)
        reader = table.readers[name]
        try:
            found[name] = value if reader is None else reader(value)
        except BadValueError as error:
            self.mistake(value, f"{name}: {error}")
            return
        if reader is not None and value.is_plain and not value.tag:
            self._read[table.name, name, value.text] = found[name]

    def _check_required(self, node: Node, table: Table) -> None:
        names = {key.text for key, _ in node.pairs}
        for name in table.required:
            if name not in names:
                self.mistake(node, f"{table.name}: the key {name} is missing")

    def named(self, node: Node, what: str, check: Callable[[str], str] = checked_name) -> Iterator[tuple[str, Node, Node]]:
        """Name, key and value of each pair of a map whose keys people choose; nothing is an empty map."""
        if node.kind != "map":
            if not node.is_null:
                self.mistake(node, f"{what}: expected a map with a name for each, found {described(node)}")
            return
        self.check_tag(node)
        for key, value in node.pairs:
            try:
                yield check(key.text), key, value
            except BadValueError as error:
                self.mistake(key, f"{what}: {error}")

    def items(self, node: Node, what: str, *, least: int = 0) -> list[Node]:
        """The items of a list."""
        if node.kind != "seq":
            if node.is_null and not least:
                return []
            self.mistake(node, f"{what}: expected a list, found {described(node)}")
            return []
        self.check_tag(node)
        if len(node.items) < least:
            self.mistake(node, f"{what}: the list is empty")
        return node.items

    def value(self, node: Node, read: Callable[[Node], Any], what: str) -> Any:  # noqa: ANN401 - whatever the reader gives
        """What the reader gives; None, and a mistake noted, when it refuses."""
        self.check_tag(node)
        try:
            return read(node)
        except BadValueError as error:
            self.mistake(node, f"{what}: {error}")
            return None

    def verification(self, node: Node | None) -> Verification | None:
        """The evidence of a test; None without it."""
        if node is None:
            return None
        found = self.fields(node, VERIFIED)
        on, until = found.get("on"), found.get("until")
        if on is not None and until is not None and until < on:
            self.mistake(node.get("until") or node, f"verified: it ends on {until}, before the test on {on}")
        if "by" not in found or on is None or (until is None and node.get("until") is not None):
            return None
        return Verification(found["by"], on, until)

    def measured(self, node: Node | None) -> Measured | None:
        """What was counted; None without it."""
        if node is None:
            return None
        found = self.fields(node, MEASURED)
        if "requests" in found and found.get("failed", 0) > found["requests"]:
            message = f"measured: {found['failed']} requests failed, but there were only {found['requests']}"
            self.mistake(node.get("failed") or node, message)
            return None
        return Measured(**found) if "requests" in found else None

    def check_tag(self, node: Node) -> None:
        """Refuse tags that mean something to other programs."""
        if node.tag not in _KNOWN_TAGS:
            self.mistake(node, f"the tag {shown(node.tag)} means nothing here")

    def suggestion(self, word: str, known: Iterable[str]) -> str:
        """``; did you mean ...?`` when a known word is close, else nothing."""
        if self._suggestions_left == 0:
            return ""
        self._suggestions_left -= 1
        from difflib import get_close_matches

        close = get_close_matches(word[:200], known, n=1, cutoff=0.6)
        return f"; did you mean {close[0]}?" if close else ""

    def _unknown_key(self, key: Node, table: Table) -> None:
        known = [known_key.name for known_key in table.keys]
        hint = self.suggestion(key.text, known) or f"; the keys are {', '.join(known)}"
        self.mistake(key, f"{table.name}: unknown key {shown(key.text)}{hint}")
