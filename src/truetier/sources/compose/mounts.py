"""The configuration files that a service mounts, and whom they name.

``configs`` and bound files are read where they lie beside the compose file, and so is what lies in a folder that becomes a
part of ``/etc``; a folder of programs names whom they are tested with. A file of the machine's own, ``/etc/hosts``, would
say something else on each machine. Where several services mount a file that names several, it does not say who of them
calls whom.
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
    from truetier.sources.compose.project import Beside, Body, Inside
    from truetier.sources.yaml_tree import Node

_CONFIGURATION = (  # ends of names; other files hold programs, data, certificates
    *(".conf", ".config", ".cfg", ".cnf", ".ini", ".properties", ".toml", ".xml", ".json", ".yaml", ".yml", ".hcl", ".alloy", ".vcl"),
    *(".template", ".tmpl", ".sh", "Caddyfile", "Corefile"),
)
_FOR_CONFIGURATION = ("/etc/", "/usr/local/etc/")
_ABOUT_OTHERS = ("compose", "dashboard")  # in names: files that describe other services, not whom their reader calls
_MOST_IN_FOLDER = 100  # files that are read


class File(NamedTuple):
    """A file in a container: whom it names, where the mount is written, what it is called, and which file of how many users it is."""

    hosts: tuple[str, ...]
    place: Place
    origin: str
    path: str
    users: int


class Mounts:
    """The files of all services; each is read once, however many mount it."""

    __slots__ = ("_hosts", "_inside", "_paths", "_read", "_users", "skipped")

    def __init__(self, read: Beside, inside: Inside) -> None:
        self._read = read
        self._inside = inside
        self._hosts: dict[str, tuple[str, ...]] = {}
        self._paths: dict[str, tuple[str, ...]] = {}
        self._users: dict[str, set[str]] = {}
        self.skipped: dict[SkippedInput, None] = {}

    def add_user(self, name: str, bodies: Sequence[Body], variables: Variables) -> None:
        """Note what the service of that name mounts, before anyone asks for files."""
        for file in self.files(bodies, variables):
            self._users.setdefault(file.path, set()).add(name)

    def leave_out(self, file: File) -> None:
        """List a file that says too little."""
        reason = f"mounted by {file.users} services, and names several: who of them calls whom is not known"
        self.skipped[SkippedInput(file.path, reason)] = None

    def files(self, bodies: Sequence[Body], variables: Variables) -> Iterator[File]:
        """What the service mounts, in the order it does; a variable without a value hides a path, never an address."""
        known = Variables(variables.values)
        for body in bodies:
            for item in items_at(body.stated("volumes")):
                source, target = _bound(item, known)
                if source and (source.endswith(_CONFIGURATION) or target.startswith(_FOR_CONFIGURATION)):
                    yield from self._at(source, item, body)
            for item in items_at(body.stated("configs")):
                name = text_at(item, "source") or item.text
                stated = at(body.file.root, "configs", name)
                content, path = text_at(stated, "content"), known.fill(text_at(stated, "file"))
                if content:
                    yield self._file(hosts_of_file(name, known.fill(content)), item, body, f"config {name}", f"{body.file.file}: {name}")
                elif path and not posixpath.isabs(path):
                    yield from self._at(path, item, body)

    def _at(self, written: str, item: Node, body: Body) -> Iterator[File]:
        path = beside(body.file.folder, written)
        if path not in self._paths:
            inner = self._inside(path)
            found = [path] if inner is None else [name for name in inner if name.endswith(_CONFIGURATION)][:_MOST_IN_FOLDER]
            self._paths[path] = tuple(name for name in found if not any(word in posixpath.basename(name) for word in _ABOUT_OTHERS))
        for name in self._paths[path]:
            yield self._file(self._hosts_of(name, body.file.file), item, body, f"file {posixpath.basename(name)}", name)

    def _file(self, hosts: tuple[str, ...], item: Node, body: Body, origin: str, path: str) -> File:
        return File(hosts, item.place(body.file.file), origin, path, len(self._users.get(path, ())))

    def _hosts_of(self, path: str, user: str) -> tuple[str, ...]:
        if path not in self._hosts:
            content = self._read(path)
            if content is None:
                self.skipped[SkippedInput(path, f"mounted by {user}: cannot be read, addresses in it are not seen")] = None
            self._hosts[path] = () if content is None else hosts_of_file(path, content.decode("utf-8", "replace"))
        return self._hosts[path]


def _bound(item: Node, variables: Variables) -> tuple[str, str]:
    """The path beside the compose file that a volume binds, and where; empty for other volumes."""
    if item.kind == "scalar":
        source, _, rest = variables.fill(item.text).partition(":")
        return (source, rest.partition(":")[0]) if rest and source.startswith(("./", "../")) else ("", "")
    source = variables.fill(text_at(item, "source"))
    is_beside = text_at(item, "type") == "bind" and not source.startswith(("/", "~", "$"))
    return (source, text_at(item, "target")) if is_beside else ("", "")
