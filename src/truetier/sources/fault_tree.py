"""Fault trees in the Open-PSA Model Exchange Format: one model a file. What is not understood is refused, never skipped.

Read are gates with Boolean formulas, house events with a constant, basic events with a plain probability, labels and attributes.
Refused are other expressions, components and private names (both open scopes), groups of common cause failures, parameters,
event trees. Source: Epstein, Reay and Rauzy, Open-PSA Model Exchange Format 2.0, fault tree layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

from truetier.catalog.fault_tree import Chance, FaultTree, Formula, Operator
from truetier.errors import CatalogError, Mistake, Place
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truetier.catalog.fault_tree import Item

_OPERATORS = {operator.value: operator for operator in Operator if operator is not Operator.SAME}
_REFERENCES = frozenset(("gate", "basic-event", "house-event", "event"))
_DEFINITIONS = {"define-gate": "formula", "define-basic-event": "float", "define-house-event": "constant"}  # and what each holds
_WORDS = frozenset(("label", "attributes"))  # for people; what is inside them is not looked at
_INSIDE = {  # what may stand inside each element; at the outside, for None
    None: frozenset(("opsa-mef",)),
    "opsa-mef": frozenset(("define-fault-tree", "model-data")),
    "define-fault-tree": frozenset(_DEFINITIONS),
    "model-data": frozenset(_DEFINITIONS) - {"define-gate"},
    "define-basic-event": frozenset(("float",)),
    "define-house-event": frozenset(("constant",)),
    **dict.fromkeys(("define-gate", *_OPERATORS), _REFERENCES | {"constant", *_OPERATORS}),
    **dict.fromkeys((*_REFERENCES, "float", "constant"), frozenset[str]()),
}
_EXACTLY = {Operator.NOT: 1, Operator.XOR: 2, Operator.IFF: 2, Operator.IMPLY: 2}
_DEEPEST = 500  # formulas inside formulas
_MOST_MISTAKES = 1000


def read_fault_tree(content: bytes, file: str) -> FaultTree:
    """The model in a file. Raises CatalogError with all that is wrong, or that we cannot read, and where."""
    reader = _Reader(file)
    tree = reader.read(content)
    if reader.mistakes:
        raise CatalogError(tuple(sorted(reader.mistakes, key=lambda mistake: mistake.place or Place(file, 0, 0))))
    return tree


class _Element:
    """An element that is open, and what its children came to."""

    __slots__ = ("attributes", "items", "place", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str], place: Place) -> None:
        self.tag = tag
        self.attributes = attributes
        self.place = place
        self.items: list[Item | Chance] = []


class _Named(NamedTuple):
    """A name that something mentions, and where."""

    name: str
    place: Place


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self.mistakes: list[Mistake] = []
        self._open: list[_Element] = []
        self._unread = 0  # elements open inside one that is not read
        self._gates: dict[str, Formula] = {}
        self._events: dict[str, Chance] = {}
        self._houses: dict[str, bool] = {}
        self._places: dict[str, Place] = {}  # of definitions
        self._mentioned: list[_Named] = []
        self._name = ""

    def read(self, content: bytes) -> FaultTree:
        parser = self._parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(content, True)  # noqa: FBT003 - expat's signature
        except expat.ExpatError as error:
            place = Place(self._file, error.lineno, error.offset + 1)
            self._wrong(f"not well-formed XML: {expat.errors.messages[error.code]}", place)
        if self.mistakes:
            return FaultTree(self._name, {}, {}, ())
        return self._tree()

    # -- elements

    def _doctype(self, *_: object) -> None:
        self._wrong("a document type declaration is not read: leave it out")

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._unread:
            self._unread += 1
            return
        parent = self._open[-1].tag if self._open else None
        if tag not in _INSIDE[parent]:
            self._unread = 1
            if tag not in _WORDS:
                self._wrong(self._unexpected(tag, parent))
            return
        if attributes.get("role") == "private":
            self._wrong(f"{tag} {attributes.get('name', '')}: private names are not read")
        if len(self._open) > _DEEPEST:
            self._unread = 1
            self._wrong(f"formulas stand more than {_DEEPEST} deep inside one another")
            return
        self._open.append(_Element(tag, attributes, self._here()))

    def _unexpected(self, tag: str, parent: str | None) -> str:
        if parent is None:
            return f"the outermost element is {tag}, expected opsa-mef: not an Open-PSA model"
        if parent == "define-basic-event":
            return f"the probability of a basic event is read from a float alone, found {tag}"
        return f"{tag} inside {parent} is not read"

    def _end(self, tag: str) -> None:
        if self._unread:
            self._unread -= 1
            return
        element = self._open.pop()
        if tag in _REFERENCES:
            self._refer(element)
        elif tag in _OPERATORS:
            self._open[-1].items.append(self._formula(element))
        elif tag == "define-fault-tree":
            self._name = self._name or element.attributes.get("name", "")
        elif tag in _DEFINITIONS:
            self._define(element)
        elif tag == "float":
            self._open[-1].items.append(self._chance(element))
        elif tag == "constant":
            self._open[-1].items.append(self._constant(element))

    # -- definitions

    def _define(self, element: _Element) -> None:
        name = self._new_name(element)
        value = self._only(element, _DEFINITIONS[element.tag])
        if name is None or value is None:
            return
        match value:
            case Chance():
                self._events[name] = value
            case bool() if element.tag == "define-house-event":
                self._houses[name] = value
            case Formula():
                self._gates[name] = value
            case str() | bool():
                self._gates[name] = Formula(Operator.SAME, (value,))

    def _only(self, element: _Element, what: str) -> Item | Chance | None:
        if len(element.items) != 1:
            found = "none" if not element.items else f"{len(element.items)}"
            self._wrong(f"{element.tag} {element.attributes.get('name', '')}: expected one {what}, found {found}", element.place)
            return None
        return element.items[0]

    def _new_name(self, element: _Element) -> str | None:
        name = self._attribute(element, "name")
        if name is None:
            return None
        before = self._places.setdefault(name, element.place)
        if before is not element.place:
            self._wrong(f"{name} is defined twice, first in line {before.line}", element.place)
            return None
        return name

    # -- formulas

    def _refer(self, element: _Element) -> None:
        name = self._attribute(element, "name")
        if name is not None:
            self._mentioned.append(_Named(name, element.place))
            self._open[-1].items.append(name)

    def _formula(self, element: _Element) -> Formula:
        operator = _OPERATORS[element.tag]
        items = tuple(item for item in element.items if not isinstance(item, Chance))
        required = 0
        exactly = _EXACTLY.get(operator)
        if exactly is not None and len(items) != exactly:
            self._wrong(f"{element.tag} takes {exactly} argument{'s' * (exactly > 1)}, found {len(items)}", element.place)
        elif not items:
            self._wrong(f"{element.tag} without arguments", element.place)
        if operator is Operator.AT_LEAST:
            required = self._required(element, len(items))
        return Formula(operator, items, required)

    def _required(self, element: _Element, count: int) -> int:
        text = self._attribute(element, "min")
        if text is None:
            return 0
        if not text.isdecimal() or not 1 <= int(text) <= count:
            self._wrong(f"atleast: min is {text!r}, expected a whole number from 1 to {count}, of how many there are", element.place)
            return 0
        return int(text)

    def _constant(self, element: _Element) -> bool:
        value = self._attribute(element, "value")
        if value not in {"true", "false", None}:
            self._wrong(f"a constant is true or false, found {value!r}", element.place)
        return value == "true"

    def _chance(self, element: _Element) -> Chance:
        from decimal import Decimal, InvalidOperation

        text = self._attribute(element, "value") or "0"
        try:
            happens = float(text)
        except ValueError:
            happens = -1.0
        if not 0 <= happens <= 1:
            self._wrong(f"a probability lies between 0 and 1, found {text!r}", element.place)
            return Chance(0.0, 1.0)
        try:
            return Chance(happens, float(1 - Decimal(text)) if happens > _NEAR_ONE else 1 - happens)
        except InvalidOperation:  # float takes forms that Decimal does not
            return Chance(happens, 1 - happens)

    # -- the whole

    def _tree(self) -> FaultTree:
        for name, place in self._mentioned:
            if name not in self._places:
                self._wrong(f"{name} is not defined", place)
        if not self._gates and not self.mistakes:
            self._wrong("no gate is defined: there is nothing to evaluate", Place(self._file, 1, 1))
        gates = {name: self._without_houses(formula) for name, formula in self._gates.items()} if self._houses else self._gates
        inner = {name: dict.fromkeys(_names(formula)) for name, formula in gates.items()}
        used = {name for names in inner.values() for name in names}
        tops = tuple(name for name in gates if name not in used)
        self._refuse_cycles(inner)
        return FaultTree(self._name, gates, self._events, tops)

    def _without_houses(self, formula: Formula) -> Formula:
        return formula._replace(items=tuple(self._resolved(item) for item in formula.items))

    def _resolved(self, item: Item) -> Item:
        if isinstance(item, Formula):
            return self._without_houses(item)
        return self._houses.get(item, item) if isinstance(item, str) else item

    def _refuse_cycles(self, inner: Mapping[str, Mapping[str, None]]) -> None:
        done: set[str] = set()
        for start in inner:
            path: dict[str, Iterator[str]] = {}
            if start not in done:
                path[start] = iter(inner[start])
            while path:
                name, rest = next(reversed(path.items()))
                below = next((each for each in rest if each in inner and each not in done), None)
                if below is None:
                    done.add(name)
                    del path[name]
                elif below in path:
                    names = [*path]
                    circle = [*names[names.index(below) :], below]
                    self._wrong(f"a gate stands below itself: {_shortened(circle)}", self._places[below])
                    return
                else:
                    path[below] = iter(inner[below])

    def _attribute(self, element: _Element, name: str) -> str | None:
        value = element.attributes.get(name, "").strip()
        if not value:
            self._wrong(f"{element.tag} without {name}", element.place)
            return None
        return value

    def _here(self) -> Place:
        return Place(self._file, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)

    def _wrong(self, message: str, place: Place | None = None) -> None:
        if len(self.mistakes) < _MOST_MISTAKES:
            self.mistakes.append(Mistake(message, place or self._here()))


_NEAR_ONE = 0.5  # beyond it the contrary is formed in decimal, so that it keeps its digits


def _names(formula: Formula) -> Iterator[str]:
    for item in formula.items:
        if isinstance(item, str):
            yield item
        elif isinstance(item, Formula):
            yield from _names(item)


def _shortened(names: Sequence[str]) -> str:
    shown = [*names[:4], "...", names[-1]] if len(names) > 8 else names
    return " -> ".join(shown)
