"""Which service a name means: exact equality first, then aliases, never a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, KeysView


class AmbiguousNameError(Exception):
    """A name that the aliases of several services match; ``services`` are they."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self.services = services
        super().__init__(f"aliases of {' and '.join(services)} match it")


class Names:
    """The services of a fleet by name and alias; ``*`` in an alias stands for any text, letter case counts."""

    def __init__(self, services: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        self._known: dict[str, int] = {}  # with their order
        self._exact: dict[str, list[str]] = {}
        self._patterns: dict[str, list[tuple[tuple[str, ...], str]]] = {}  # by the text before the first star
        self._prefix_lengths: list[int] = []
        self._resolved: dict[str, str | None] = {}
        for name, aliases in services:
            self._known.setdefault(name, len(self._known))
            for alias in aliases:
                self._add(alias, name)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._patterns})

    @property
    def known(self) -> KeysView[str]:
        """The services by their own names."""
        return self._known.keys()

    def resolve(self, name: str) -> str | None:
        """The service that the name means; None when there is none. Raises AmbiguousNameError."""
        if name in self._known:
            return name
        if name not in self._resolved:
            owners = dict.fromkeys(self._exact.get(name) or self._matching(name))
            if len(owners) > 1:
                raise AmbiguousNameError(tuple(sorted(owners, key=self._known.__getitem__)))
            self._resolved[name] = next(iter(owners), None)
        return self._resolved[name]

    def _add(self, alias: str, name: str) -> None:
        if "*" in alias:
            prefix, *parts = alias.split("*")
            self._patterns.setdefault(prefix, []).append((tuple(parts), name))
        else:
            owners = self._exact.setdefault(alias, [])
            if name not in owners:
                owners.append(name)

    def _matching(self, name: str) -> Iterator[str]:
        for length in self._prefix_lengths:
            for parts, owner in self._patterns.get(name[:length], ()):
                if _matches(name[length:], parts):
                    yield owner


def _matches(rest: str, parts: tuple[str, ...]) -> bool:
    """Whether the rest of a name holds the texts between stars in order, and ends with the last."""
    *middle, last = parts
    for part in middle:  # the earliest occurrence leaves the most room: no search back is needed
        position = rest.find(part)
        if position < 0:
            return False
        rest = rest[position + len(part) :]
    return rest.endswith(last)
