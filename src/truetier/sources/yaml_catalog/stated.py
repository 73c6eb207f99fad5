"""Who says each key of a service, and where: looked up when somebody asks, which of most keys nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from truetier.catalog.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.sources.yaml_catalog.reading import Reading
    from truetier.sources.yaml_tree import Node

_PLACEMENT = "placement"
_OF_PLACEMENT = ("copies", "availability", "measured", "common_cause", "need", "affinity", "mode", "failover")


class Stated(Mapping[str, Evidence]):
    """The evidence of each key that could be read, in file order; then those of the placement, as ``placement.copies``."""

    __slots__ = ("_node", "_read", "_reading")

    def __init__(self, reading: Reading, node: Node, read: Mapping[str, Any]) -> None:
        self._reading = reading
        self._node = node
        self._read = read

    def __getitem__(self, key: str) -> Evidence:
        node = self._at(key)
        if node is None:
            raise KeyError(key)
        return self._reading.evidence(node)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as any mapping does, without an exception for what is not there
        """The evidence, or the default."""
        node = self._at(key)
        return default if node is None else self._reading.evidence(node)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._at(key) is not None

    def __iter__(self) -> Iterator[str]:
        yield from (key.text for key, _ in self._node.pairs if key.text in self._read)
        if _PLACEMENT in self._read:
            yield from (f"{_PLACEMENT}.{key.text}" for key, _ in self._read[_PLACEMENT].pairs if key.text in _OF_PLACEMENT)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))

    def _at(self, key: str) -> Node | None:
        """What is written under the key, where it could be read."""
        if key in self._read:
            return self._node.get(key)
        of, _, inner = key.partition(".")
        if of != _PLACEMENT or inner not in _OF_PLACEMENT or _PLACEMENT not in self._read:
            return None
        placement: Node = self._read[_PLACEMENT]
        return placement.get(inner)
