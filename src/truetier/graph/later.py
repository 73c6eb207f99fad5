"""Values that are made when they are first asked for: of a large fleet few are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Value = TypeVar("Value")


class Later(Mapping[str, Value]):
    """A value for each name, in the order of the names; one that is not ``known`` is made once, when somebody asks for it."""

    __slots__ = ("_known", "_make", "_names")

    def __init__(self, names: Mapping[str, object], make: Callable[[str], Value], known: dict[str, Value]) -> None:
        self._names, self._make, self._known = names, make, known

    def __getitem__(self, name: str) -> Value:
        found = self._known.get(name)
        if found is None:
            if name not in self._names:
                raise KeyError(name)
            found = self._known[name] = self._make(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
