"""What manifests say beyond edges: replicas, spread, probes, budgets, scaling, mesh policy. Kept as facts, never used as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Fact
from truetier.sources.kubernetes.manifests import containers
from truetier.sources.tree_path import at, brief, items_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.sources.kubernetes.manifests import Manifest
    from truetier.sources.yaml_tree import Node

_ONE_BY_DEFAULT = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout", "DeploymentConfig"})
_OF_WORKLOAD = (("strategy", ("spec", "strategy")), ("strategy", ("spec", "updateStrategy")), ("schedule", ("spec", "schedule")))
_OF_POD = (
    ("topology-spread", ("spec", "topologySpreadConstraints")),
    ("pod-anti-affinity", ("spec", "affinity", "podAntiAffinity")),
    ("pod-affinity", ("spec", "affinity", "podAffinity")),
    ("node-affinity", ("spec", "affinity", "nodeAffinity")),
    ("priority-class", ("spec", "priorityClassName")),
)
_OF_CONTAINER = (
    ("image", ("image",)),
    ("readiness-probe", ("readinessProbe",)),
    ("liveness-probe", ("livenessProbe",)),
    ("startup-probe", ("startupProbe",)),
)
_OF_ROUTE = (("mesh-timeout", "timeout"), ("mesh-retries", "retries"), ("mesh-fault", "fault"))
_OF_POLICY = (("outlier-detection", "outlierDetection"), ("connection-pool", "connectionPool"))
_OF_SCALER = (("scale-min", ("spec", "minReplicas")), ("scale-max", ("spec", "maxReplicas")))


def workload_facts(manifest: Manifest) -> Iterator[Fact]:
    """What a workload says of how it runs."""
    yield _fact("kind", manifest.kind, manifest.node, manifest)
    if manifest.namespace:
        yield _fact("namespace", manifest.namespace, at(manifest.node, "metadata", "namespace"), manifest)
    replicas = at(manifest.node, "spec", "replicas")
    if replicas is not None:
        yield _fact("replicas", brief(replicas), replicas, manifest)
    elif manifest.kind in _ONE_BY_DEFAULT:
        yield _fact("replicas", "1", manifest.node, manifest, detail="not stated, 1 by default")
    yield from _facts_at(manifest.node, _OF_WORKLOAD, manifest)
    yield from _facts_at(manifest.pod, _OF_POD, manifest)
    for container, is_init in containers(manifest.pod):
        if not is_init:
            name = text_at(container, "name")
            yield from _facts_at(container, _OF_CONTAINER, manifest, detail=f"container {name}" if name else "")


def policy_facts(manifest: Manifest) -> Iterator[Fact]:
    """What a budget, an autoscaler or a mesh rule says of the service it is about."""
    match manifest.kind:
        case "PodDisruptionBudget":
            for key in ("minAvailable", "maxUnavailable"):
                node = at(manifest.node, "spec", key)
                if node is not None:
                    yield _fact("disruption-budget", f"{key}: {brief(node)}", node, manifest, detail=_named(manifest))
        case "HorizontalPodAutoscaler":
            yield from _facts_at(manifest.node, _OF_SCALER, manifest, detail=_named(manifest))
        case "VirtualService":
            for route in items_at(manifest.node, "spec", "http"):
                yield from _facts_at(route, tuple((key, (field,)) for key, field in _OF_ROUTE), manifest, detail=_named(manifest))
        case "DestinationRule":
            yield from _rule_facts(manifest)
        case _:
            return


def _rule_facts(manifest: Manifest) -> Iterator[Fact]:
    fields = tuple((key, ("trafficPolicy", field)) for key, field in _OF_POLICY)
    yield from _facts_at(at(manifest.node, "spec"), fields, manifest, detail=_named(manifest))
    for subset in items_at(manifest.node, "spec", "subsets"):
        yield from _facts_at(subset, fields, manifest, detail=f"{_named(manifest)}, subset {text_at(subset, 'name')}")


def _named(manifest: Manifest) -> str:
    return f"{manifest.kind} {manifest.name}"


def _facts_at(
    node: Node | None, fields: tuple[tuple[str, tuple[str, ...]], ...], manifest: Manifest, *, detail: str = ""
) -> Iterator[Fact]:
    for key, path in fields:
        found = at(node, *path)
        if found is not None:
            yield _fact(key, brief(found), found, manifest, detail=detail)


def _fact(key: str, value: str, node: Node | None, manifest: Manifest, *, detail: str = "") -> Fact:
    place = manifest.place if node is None or node is manifest.node else node.place(manifest.file)
    return Fact(key, value, Evidence(Kind.DECLARED, "kubernetes", place, detail))
