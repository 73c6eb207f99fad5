"""Tells a truetier catalog from the many other files that are YAML maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.sources.yaml_catalog.schema import CATALOG, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.sources.yaml_tree import Node

_OURS = frozenset(key.name for key in CATALOG.keys)
_OF_SERVICE = frozenset(key.name for key in SERVICE.keys)
_ONLY_OF_OURS = frozenset(("tier", "target", "availability", "needs", "endpoints", "placement", "mttr", "cells"))
_OF_COMPOSE = frozenset(
    (
        "image",
        "build",
        "command",
        "container_name",
        "depends_on",
        "deploy",
        "entrypoint",
        "env_file",
        "environment",
        "expose",
        "extends",
        "healthcheck",
        "labels",
        "links",
        "logging",
        "network_mode",
        "networks",
        "ports",
        "privileged",
        "restart",
        "secrets",
        "stdin_open",
        "tty",
        "user",
        "volumes",
        "working_dir",
    )
)
_BESIDE_COMPOSE = frozenset(("networks", "volumes", "secrets", "configs", "include", "name"))


def is_named_ours(file: str) -> bool:
    """Whether the file's name alone says that it is a catalog."""
    base = file.replace("\\", "/").rpartition("/")[2]
    return base in ("truetier.yaml", "truetier.yml", "truetier.json") or base.endswith(
        (".truetier.yaml", ".truetier.yml", ".truetier.json")
    )


def is_catalog(node: Node) -> bool:
    """Whether the document is one of ours, right or wrong."""
    names = {key.text for key, _ in node.pairs}
    if not names & (_OURS - {"version"}) or {"apiVersion", "kind"} <= names:
        return False
    services = node.get("services")
    if any(keys & _ONLY_OF_OURS for keys in _entries(services)):
        return True
    entries = list(_entries(services))
    if names & _BESIDE_COMPOSE or any(keys & _OF_COMPOSE for keys in entries):
        return False
    if not names <= _OURS:
        return False
    if "services" in names:
        return "version" in names or any(keys & _OF_SERVICE for keys in entries) or not any(entries)
    return _is_about_something(node)


def _entries(services: Node | None) -> Iterator[set[str]]:
    """The keys of each entry under services."""
    return iter(()) if services is None else ({key.text for key, _ in value.pairs} for _, value in services.pairs)


def _is_about_something(node: Node) -> bool:
    """Whether a file without services has parts that look like ours."""
    journeys, waivers, domains, policy = (node.get(name) for name in ("journeys", "waivers", "domains", "policy"))
    return (
        (journeys is not None and any(value.get("succeeds") is not None for _, value in journeys.pairs))
        or (waivers is not None and any(item.get("rule") is not None for item in waivers.items))
        or (domains is not None and any(keys <= {"kind", "availability", "mttr"} for keys in _entries(domains)))
        or (policy is not None and policy.get("tiers") is not None)
    )
