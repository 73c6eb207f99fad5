"""Compose files as they are written, and the files that belong to them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from truetier.catalog.model import SkippedInput
from truetier.errors import CatalogError, Mistake
from truetier.record import NamedTuple
from truetier.sources.compose.interpolation import Variables, read_env_file
from truetier.sources.tree_path import at, items_at, pairs_at, parse_foreign, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from truetier.sources.compose.interpolation import Assignment
    from truetier.sources.yaml_tree import Node

    Beside = Callable[[str], bytes | None]
    Inside = Callable[[str], Sequence[str] | None]  # the files in a folder and its folders; None where there is none

_TOP_KEYS = frozenset({"version", "name", "services", "networks", "volumes", "configs", "secrets", "include", "models"})
_SERVICE_KEYS = frozenset(
    {"image", "build", "command", "entrypoint", "environment", "env_file", "depends_on", "ports", "expose", "volumes", "networks"}
    | {"deploy", "restart", "healthcheck", "extends", "links", "container_name", "hostname", "profiles", "logging", "network_mode"}
    | {"labels", "configs", "secrets", "develop"}
)
_REPLACING_TAGS = frozenset({"!reset", "!override"})
_REPLACED_KEYS = frozenset({"command", "entrypoint", "network_mode", "pid", "ipc"})  # the others of an override file are added
_REMOTE = ("https://", "http://", "git@", "oci://", "ssh://", "git://")
_MOST_FILES = 1000  # that one run follows through include and extends
_DEEPEST_INCLUDES = 20  # files whose variables a file sees because they include it
_DEEPEST_EXTENDS = 50  # services one description builds on


class ComposeFile:
    """One file: its services by name as they are written."""

    __slots__ = ("env_files", "file", "folder", "included_by", "project", "root", "services")

    def __init__(self, root: Node, file: str) -> None:
        self.root = root
        self.file = file
        self.project = posixpath.dirname(file)  # the folder; what is included belongs to the project that does so first
        self.folder = posixpath.dirname(file)  # that paths in the file start from
        self.env_files: tuple[str, ...] = ()  # instead of .env
        self.included_by: ComposeFile | None = None
        self.services = {name.text: (name, value) for name, value in pairs_at(root, "services")}

    @property
    def is_override(self) -> bool:
        """Whether it is laid over the other files of its project: ``compose.override.yaml``."""
        return ".override." in posixpath.basename(self.file)

    def includes(self, variables: Variables) -> list[Inclusion]:
        """The files it includes, with paths as compose finds them."""
        found: list[Inclusion] = []
        for item in items_at(self.root, "include"):
            paths = [item] if item.kind == "scalar" else texts_of(at(item, "path"))
            folder = text_at(item, "project_directory")
            inclusion = Inclusion(
                "",
                beside(self.folder, variables.fill(folder)) if folder else None,
                tuple(beside(self.folder, variables.fill(path.text)) for path in texts_of(at(item, "env_file"))),
            )
            found += [inclusion._replace(path=beside(self.folder, variables.fill(path.text))) for path in paths]
        return found

    def is_included(self, by: ComposeFile, inclusion: Inclusion) -> None:
        """Note who includes it: it belongs to that project and sees the variables of that file."""
        self.project = by.project
        self.included_by = by
        self.env_files = inclusion.env_files
        if inclusion.folder is not None:
            self.folder = "" if inclusion.folder == "." else inclusion.folder


class Inclusion(NamedTuple):
    """A file to include, the folder that its paths start from if it is another than its own, and what stands in for its ``.env``."""

    path: str
    folder: str | None
    env_files: tuple[str, ...]


class Replaced(NamedTuple):
    """What an override file states anew of a service: other files of its project say it in vain."""

    keys: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()


class Body(NamedTuple):
    """One description of a service; what it extends stands before it."""

    node: Node
    file: ComposeFile
    replaced: Replaced = Replaced()

    def stated(self, key: str) -> Node | None:
        """What it says under that key; None where that is taken back, here or by an override file."""
        found = at(self.node, key)
        return None if found is None or found.tag == "!reset" or key in self.replaced.keys else found

    def assignments(self) -> Iterator[tuple[str, str | None, Node]]:
        """The variables under ``environment``, a map or a list; None where the value is passed on from outside."""
        environment = self.stated("environment")
        for key, value in pairs_at(environment):
            if value.kind == "scalar":
                yield key.text, None if value.is_null else value.text, value
        for item in items_at(environment):
            name, equals, text = item.text.partition("=")
            yield name.strip(), text if equals else None, item


def texts_of(node: Node | None) -> list[Node]:
    """One text or a list of texts, as compose takes both."""
    found = [] if node is None else node.items if node.kind == "seq" else [node]
    return [item for item in found if item.kind == "scalar"]


def beside(folder: str, path: str) -> str:
    """A path written in a file of that folder, from where the user stands; a remote one stays as it is."""
    return path if path.startswith(_REMOTE) else posixpath.normpath(posixpath.join(folder, path))


def read_compose(content: bytes, file: str) -> ComposeFile | None:
    """The file as compose reads it; None when it is no compose file. Raises CatalogError when it is not YAML or malformed."""
    if b"services" not in content and b"include" not in content:
        return None
    documents = parse_foreign(content, file)
    root = documents[0] if len(documents) == 1 else None
    if root is None or root.kind != "map" or not all(name.text in _TOP_KEYS or name.text.startswith("x-") for name, _ in root.pairs):
        return None
    described = [value for _, value in pairs_at(root, "services")]
    if not any(name.text in _SERVICE_KEYS for value in described for name, _ in value.pairs) and not items_at(root, "include"):
        return None
    mistakes = tuple(
        Mistake(f"service {name.text!r} is not described by a map", value.place(file))
        for name, value in pairs_at(root, "services")
        if value.kind != "map" and not value.is_null
    )
    if mistakes:
        raise CatalogError(mistakes)
    return ComposeFile(root, file)


class Files:
    """The compose files of one run and what they refer to, each read once."""

    def __init__(self, files: Iterable[ComposeFile], read: Beside) -> None:
        self._read = read
        self._known: dict[str, ComposeFile | None] = {posixpath.normpath(file.file): file for file in files}
        self._variables: dict[str, dict[str, str]] = {}
        self._overrides: dict[str, list[ComposeFile]] = {}  # of each project
        self.skipped: list[SkippedInput] = []

    def include_all(self) -> list[ComposeFile]:
        """Every file, those that are included behind the ones named."""
        queue = [file for file in self._known.values() if file is not None]
        named = {file.file for file in queue}
        for file in queue:
            for inclusion in file.includes(Variables(self.variables_of(file))):
                known = self._known.get(inclusion.path)
                if known is not None and known.file in named:
                    known.is_included(file, inclusion)
                elif inclusion.path not in self._known:
                    found = self.file(inclusion.path, f"included by {file.file}")
                    if found is not None:
                        found.is_included(file, inclusion)
                        queue.append(found)
        for file in queue:
            if file.is_override:
                self._overrides.setdefault(file.project, []).append(file)
        return queue

    def file(self, path: str, why: str) -> ComposeFile | None:
        """The compose file of that path; None, and a note, when it cannot be had."""
        if path not in self._known:
            self._known[path] = None
            found, reason = self._open(path)
            self._known[path] = found
            if found is None:
                self.skipped.append(SkippedInput(path, f"{why}: {reason}"))
        return self._known[path]

    def _open(self, path: str) -> tuple[ComposeFile | None, str]:
        if path.startswith(_REMOTE):
            return None, "not on this machine"
        content = self._read(path) if len(self._known) <= _MOST_FILES else None
        if content is None:
            return None, "cannot be read" if len(self._known) <= _MOST_FILES else f"more than {_MOST_FILES} files"
        try:
            found = read_compose(content, path)
        except CatalogError as error:
            return None, str(error.mistakes[0])
        return found, "no compose file"

    def variables_of(self, file: ComposeFile) -> dict[str, str]:
        """What its own ``.env`` files give, and over them those of the files that include it."""
        found = self._own_variables(file)
        for _ in range(_DEEPEST_INCLUDES):
            if file.included_by is None:
                break
            file = file.included_by
            found = {**found, **self._own_variables(file)}
        return found

    def _own_variables(self, file: ComposeFile) -> dict[str, str]:
        """What ``.env`` beside the file gives; else ``NAME.env`` beside a file called NAME, NAME-compose or compose.NAME."""
        if file.env_files:
            return {name: value for path in file.env_files for name, value in self._variables_in(path).items()}
        for name in _env_names(file.file):
            found = self._variables_in(posixpath.join(file.folder, name))
            if found:
                return found
        return {}

    def _variables_in(self, path: str) -> dict[str, str]:
        if path not in self._variables:
            content = self._read(path)
            self._variables[path] = {} if content is None else {key: found.value for key, found in read_env_file(content, {}).items()}
        return self._variables[path]

    def env_file(self, path: str, known: dict[str, str], why: str) -> dict[str, Assignment]:
        """The assignments of a file that ``env_file`` names."""
        content = self._read(path)
        if content is None:
            self.skipped.append(SkippedInput(path, f"{why}: cannot be read, addresses in it are not seen"))
            return {}
        return read_env_file(content, known)

    def bodies(self, name: str, file: ComposeFile) -> list[Body]:
        """How the service is described: what it extends first, itself last."""
        found: list[Body] = []
        replaced = Replaced() if file.is_override else self._replaced(name, file.project)
        seen: set[tuple[str, str]] = set()
        while name in file.services and (file.file, name) not in seen and len(seen) < _DEEPEST_EXTENDS:
            seen.add((file.file, name))
            node = file.services[name][1]
            found.append(Body(node, file, replaced))
            base = at(node, "extends")
            if base is None:
                break
            path = text_at(base, "file")
            name = text_at(base, "service") if base.kind == "map" else base.text
            if path:
                other = self.file(beside(file.folder, path), f"extended by {file.file}")
                if other is None:
                    break
                file = other
        found.reverse()
        return found

    def _replaced(self, name: str, project: str) -> Replaced:
        bodies = [Body(file.services[name][1], file) for file in self._overrides.get(project, ()) if name in file.services]
        pairs = [pair for body in bodies for pair in body.node.pairs]
        keys = frozenset(key.text for key, value in pairs if value.tag in _REPLACING_TAGS or key.text in _REPLACED_KEYS)
        return Replaced(keys, frozenset(variable for body in bodies for variable, _, _ in body.assignments()))


def _env_names(file: str) -> list[str]:
    stem = posixpath.basename(file).rpartition(".")[0]
    words = [word for word in stem.replace("docker-compose", "compose").replace("_", "-").replace(".", "-").split("-") if word != "compose"]
    return [".env", f"{'-'.join(words)}.env"] if words else [".env"]
