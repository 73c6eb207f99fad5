"""The configuration files that a service mounts, and whom they name.

``configs`` and bound files are read where they lie beside the compose file. Folders are not looked through, and a file of
the machine's own, ``/etc/hosts``, would say something else on each machine.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from truetier.catalog.model import SkippedInput
from truetier.record import NamedTuple
from truetier.sources.compose.interpolation import Variables
from truetier.sources.compose.project import beside
from truetier.sources.config_file import hosts_of_file
from truetier.sources.tree_path import at, items_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.errors import Place
    from truetier.sources.compose.project import Beside, Body
    from truetier.sources.yaml_tree import Node

_CONFIGURATION = (  # ends of names; other files hold programs, data, certificates
    *(".conf", ".config", ".cfg", ".cnf", ".ini", ".properties", ".toml", ".xml", ".json", ".yaml", ".yml", ".hcl", ".alloy", ".vcl"),
    *(".template", ".tmpl", ".sh", "Caddyfile", "Corefile"),
)


class File(NamedTuple):
    """A file in a container: whom it names, where the mount is written, and what it is called."""

    hosts: tuple[str, ...]
    place: Place
    origin: str


class Mounts:
    """The files of all services; each is read once, however many mount it."""

    __slots__ = ("_hosts", "_read", "skipped")

    def __init__(self, read: Beside) -> None:
        self._read = read
        self._hosts: dict[str, tuple[str, ...]] = {}
        self.skipped: list[SkippedInput] = []

    def files(self, bodies: Sequence[Body], variables: Variables) -> Iterator[File]:
        """What the service mounts, in the order it does; a variable without a value hides a path, never an address."""
        known = Variables(variables.values)
        for body in bodies:
            for item in items_at(body.stated("volumes")):
                path = _bound(item, known)
                if path.endswith(_CONFIGURATION) and "compose" not in posixpath.basename(path):  # that one names callers of its own
                    yield self._at(path, item, body)
            for item in items_at(body.stated("configs")):
                name = text_at(item, "source") or item.text
                stated = at(body.file.root, "configs", name)
                content, path = text_at(stated, "content"), known.fill(text_at(stated, "file"))
                if content:
                    yield File(hosts_of_file(name, known.fill(content)), item.place(body.file.file), f"config {name}")
                elif path and not posixpath.isabs(path):
                    yield self._at(path, item, body)

    def _at(self, written: str, item: Node, body: Body) -> File:
        path = beside(body.file.folder, written)
        if path not in self._hosts:
            content = self._read(path)
            if content is None:
                self.skipped.append(SkippedInput(path, f"mounted by {body.file.file}: cannot be read, addresses in it are not seen"))
            self._hosts[path] = () if content is None else hosts_of_file(path, content.decode("utf-8", "replace"))
        return File(self._hosts[path], item.place(body.file.file), f"file {posixpath.basename(path)}")


def _bound(item: Node, variables: Variables) -> str:
    """The path beside the compose file that a volume binds; empty for other volumes."""
    if item.kind == "scalar":
        source, _, target = variables.fill(item.text).partition(":")
        return source if target and source.startswith(("./", "../")) else ""
    source = variables.fill(text_at(item, "source"))
    return source if text_at(item, "type") == "bind" and not source.startswith(("/", "~", "$")) else ""
