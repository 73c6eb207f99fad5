"""Variables of compose files: ``.env`` files, and ``${NAME:-default}`` in values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:=|:\s)\s*(.*)")
_COMMENT = re.compile(r"\s#")
_DEEPEST = 20  # defaults inside defaults
_LONGEST = 4096  # characters a value with variables may have or grow to; longer is no address
_LONGEST_IN_ALL = 4_194_304  # characters the values of one file may take together


class Variables:
    """Values by name. Remembers each name that was asked for, had no value and no default: what depends on it is not seen."""

    __slots__ = ("missing", "values")

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.missing: dict[str, None] = {}

    def get(self, name: str) -> str | None:
        """The value of that variable."""
        return self.values.get(name)

    def fill(self, text: str) -> str:
        """The text with its variables replaced; one without a value stays as written."""
        if "$" not in text or len(text) > _LONGEST:
            return text
        return self._fill(text, 0)[:_LONGEST]

    def _fill(self, text: str, depth: int) -> str:
        pieces: list[str] = []
        size = position = 0
        while size <= _LONGEST and (start := text.find("$", position)) >= 0:
            replacement, end = self._at(text, start, depth)
            pieces += [text[position:start], replacement]
            size += start - position + len(replacement)
            position = end
        return "".join(pieces) + text[position:]

    def _at(self, text: str, start: int, depth: int) -> tuple[str, int]:
        """What stands for the variable that begins at ``start``, and where the text goes on."""
        if text.startswith("$$", start):
            return "$", start + 2
        is_braced = text.startswith("{", start + 1)
        name = _NAME.match(text, start + 1 + is_braced)
        if name is None or depth > _DEEPEST:
            return "$", start + 1
        if not is_braced:
            return self._value(name.group(), text[start : name.end()]), name.end()
        end = _closing(text, name.end())
        if end < 0:
            return text[start:], len(text)
        return self._braced(name.group(), text[name.end() : end], text[start : end + 1], depth), end + 1

    def _braced(self, name: str, modifier: str, written: str, depth: int) -> str:
        value = self.values.get(name)
        is_set = value is not None and (value != "" or not modifier.startswith(":"))
        operator, operand = modifier.removeprefix(":")[:1], modifier.removeprefix(":")[1:]
        if operator == "+":
            return self._fill(operand, depth + 1) if is_set else ""
        if is_set and value is not None:
            return value
        if operator == "-":
            return self._fill(operand, depth + 1)
        return self._value(name, written)

    def _value(self, name: str, written: str) -> str:
        value = self.values.get(name)
        if value is None:
            self.missing[name] = None
            return written
        return value


def _closing(text: str, position: int) -> int:
    """Where the brace that is open at ``position`` closes; -1 when it does not."""
    depth = 0
    for index in range(position, min(len(text), position + _LONGEST)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            if not depth:
                return index
            depth -= 1
    return -1


class Assignment(NamedTuple):
    """A value and the line it is written on, from 1."""

    value: str
    line: int


def read_env_file(content: bytes, known: Mapping[str, str]) -> dict[str, Assignment]:
    """The assignments of an ``.env`` file; each may use the ones before it and the known ones. Other lines are passed over."""
    found: dict[str, Assignment] = {}
    values = dict(known)
    variables = Variables(values)
    size = 0
    for number, line in enumerate(content.decode("utf-8", "replace").lstrip("\ufeff").splitlines(), 1):
        match = _LINE.fullmatch(line) if len(line) <= _LONGEST and not line.lstrip().startswith("#") else None
        if match is None:
            continue
        name, text = match.groups()
        value = _unquoted(text, variables)
        size += len(value)
        if size > _LONGEST_IN_ALL:
            break
        values[name] = value
        found[name] = Assignment(value, number)
    return found


def _unquoted(text: str, variables: Variables) -> str:
    if text.startswith("'"):
        return text[1:].partition("'")[0]
    if text.startswith('"'):
        return variables.fill(text[1:].partition('"')[0])
    return variables.fill(_COMMENT.split(" " + text, maxsplit=1)[0].strip())
