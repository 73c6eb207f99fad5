"""Kubernetes manifests: workloads and who they are told to call.

A manifest declares no dependency. What it shows is which addresses a container is given, in environment values,
ConfigMaps and command lines; an address that names a Service is an edge whose hardness nobody has stated. An address
given to an init container is needed at start. What replicas, budgets and probes say is kept as facts.

Manifests are linked across all files of a run (see ``linking``), since a Deployment, its Service and its ConfigMap are
often in three. Names: see ``names``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.sources.kubernetes.linking import SOURCE_NAME, link
from truetier.sources.kubernetes.manifests import read_manifests

if TYPE_CHECKING:
    from truetier.catalog.source import Contribution

__all__ = ["SOURCE", "link", "read_manifests"]


class _Kubernetes:
    """Reads one file on its own; ``link`` reads several together."""

    name = SOURCE_NAME

    def collect(self, content: bytes, file: str) -> Contribution | None:
        """What the file says; None when it holds no object of a cluster."""
        manifests = read_manifests(content, file)
        return None if manifests is None else link([(file, manifests)])[0]


SOURCE = _Kubernetes()
