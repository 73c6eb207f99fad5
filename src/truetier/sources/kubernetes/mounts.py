"""The ConfigMaps and Secrets of the input that a container sees as files, and whom they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.record import NamedTuple
from truetier.sources.config_file import hosts_of_file
from truetier.sources.tree_path import at, items_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.errors import Place
    from truetier.sources.kubernetes.environment import Values
    from truetier.sources.kubernetes.manifests import Manifest
    from truetier.sources.yaml_tree import Node


class File(NamedTuple):
    """A file in a container: whom it names, where it is written, and what it is called."""

    hosts: tuple[str, ...]
    place: Place
    origin: str


class Mounts:
    """The files of all containers; each is read once, however many mount it."""

    __slots__ = ("_hosts", "_values")

    def __init__(self, values: Values) -> None:
        self._values = values
        self._hosts: dict[Place, tuple[str, ...]] = {}

    def files(self, container: Node, manifest: Manifest) -> Iterator[File]:
        """What the container mounts, in the order it does."""
        volumes = {text_at(volume, "name"): volume for volume in items_at(manifest.pod, "spec", "volumes")}
        for mount in items_at(container, "volumeMounts"):
            volume = volumes.get(text_at(mount, "name"))
            for kind, name, source in _objects(volume):
                yield from self._files_of(kind, name, source, text_at(mount, "subPath"), manifest)

    def _files_of(self, kind: str, name: str, source: Node, only: str, manifest: Manifest) -> Iterator[File]:
        data, file = self._values.of(kind, name, manifest, is_listed=kind == "ConfigMap")
        paths = {text_at(item, "key"): text_at(item, "path") for item in items_at(source, "items")}
        for key, (text, node) in data.items():
            path = paths.get(key, "" if paths else key)
            if path and only in ("", path):
                place = node.place(file)
                if place not in self._hosts:
                    self._hosts[place] = hosts_of_file(path, text)
                yield File(self._hosts[place], place, f"file {key} of {kind} {name}")


def _objects(volume: Node | None) -> Iterator[tuple[str, str, Node]]:
    """The ConfigMaps and Secrets of a volume: kind, name and the node that says which keys."""
    for source in [volume, *items_at(volume, "projected", "sources")]:
        config_map, secret = at(source, "configMap"), at(source, "secret")
        if config_map is not None:
            yield "ConfigMap", text_at(config_map, "name"), config_map
        if secret is not None:
            yield "Secret", text_at(secret, "secretName") or text_at(secret, "name"), secret
