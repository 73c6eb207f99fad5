"""What services are called, and who a host name means, within one project and across several.

Files of one folder are layers of one project, as are the files they include. Projects do not see one another: where
two have a service of one name, each is called with its project, ``db.shop`` and ``db.depot``; else by its name alone.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING

from truetier.sources.tree_path import items_at, pairs_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.sources.compose.project import ComposeFile
    from truetier.sources.yaml_tree import Node


class ProjectNames:
    """The names of all projects of one run."""

    def __init__(self, files: Sequence[ComposeFile]) -> None:
        self._labels = _labels(files)
        self._projects: dict[str, set[str]] = {}  # of each service name
        for file in files:
            for name in file.services:
                self._projects.setdefault(name, set()).add(file.project)
        self._hosts = self._by_host(files)

    def fleet_name(self, name: str, project: str) -> str:
        """What the fleet calls the service that a file of the project calls so; one the project does not have keeps its name."""
        holders = self._projects.get(name, ())
        return f"{name}.{self._labels[project]}" if len(holders) > 1 and project in holders else name

    def of_host(self, host: str, project: str) -> str | None:
        """The fleet name of the service that answers to a host name: its own, or one that only one of the project has."""
        name = self._hosts.get((project, host))
        return None if name is None else self.fleet_name(name, project)

    def _by_host(self, files: Sequence[ComposeFile]) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        claims: dict[tuple[str, str], set[str]] = {}
        for file in files:
            for name, (_, node) in file.services.items():
                found[file.project, name.lower()] = name
                for other in _other_names(node):
                    claims.setdefault((file.project, other.lower()), set()).add(name)
        for key, names in claims.items():
            if len(names) == 1:
                found.setdefault(key, *names)
        return found


def _other_names(node: Node) -> Iterator[str]:
    yield from filter(None, (text_at(node, "container_name"), text_at(node, "hostname")))
    for _, network in pairs_at(node, "networks"):
        yield from (alias.text for alias in items_at(network, "aliases"))


def _labels(files: Sequence[ComposeFile]) -> dict[str, str]:
    """A short name for each project: the one it states, else its folder's; the whole path where two would be the same."""
    short: dict[str, str] = {}
    for file in files:
        stated = text_at(file.root, "name") if posixpath.dirname(file.file) == file.project else ""
        short[file.project] = stated or short.get(file.project) or posixpath.basename(file.project) or "here"
    taken = Counter(short.values())
    return {project: label if taken[label] == 1 else project.replace("/", "-") or "here" for project, label in short.items()}
