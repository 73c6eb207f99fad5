"""Manifests as they are written: which objects a file holds, and the few parts of them that we read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.errors import CatalogError, Mistake
from truetier.sources.tree_path import at, items_at, pairs_at, parse_foreign, text_at, texts_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.errors import Place
    from truetier.sources.yaml_tree import Node

_POD_TEMPLATE = ("spec", "template")
_POD_TEMPLATES: dict[str, tuple[str, ...]] = {  # where each kind of workload describes its pods
    "Deployment": _POD_TEMPLATE,
    "StatefulSet": _POD_TEMPLATE,
    "DaemonSet": _POD_TEMPLATE,
    "ReplicaSet": _POD_TEMPLATE,
    "ReplicationController": _POD_TEMPLATE,
    "Job": _POD_TEMPLATE,
    "Rollout": _POD_TEMPLATE,
    "DeploymentConfig": _POD_TEMPLATE,
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
_FACT_KINDS = frozenset({"PodDisruptionBudget", "HorizontalPodAutoscaler", "VirtualService", "DestinationRule", "ServiceEntry"})
_VALUE_KINDS = frozenset({"ConfigMap", "Secret"})
_OWN_GROUPS = frozenset({"", "apps", "batch", "policy", "autoscaling", "extensions"})
DEFAULT_NAMESPACE = "default"  # where an object without a namespace goes, unless whoever applies it says otherwise
_READ_GROUPS = ("k8s.io", "istio.io", "argoproj.io", "knative.dev", "openshift.io")


class Manifest:
    """One object: its kind, name and namespace (empty where the manifest leaves it to whoever applies it)."""

    __slots__ = ("file", "group", "kind", "name", "namespace", "node")

    def __init__(self, node: Node, file: str) -> None:
        self.node = node
        self.file = file
        self.group = text_at(node, "apiVersion").rpartition("/")[0]
        self.kind = text_at(node, "kind")
        self.name = text_at(node, "metadata", "name")
        self.namespace = text_at(node, "metadata", "namespace")

    @property
    def is_service(self) -> bool:
        """Whether it is a Service of the cluster itself; Knative has a workload of that name."""
        return self.kind == "Service" and not self.group

    @property
    def is_workload(self) -> bool:
        """Whether pods run because of it, and nothing else in charge already says so."""
        return (self.kind in _POD_TEMPLATES or self._is_knative) and not items_at(self.node, "metadata", "ownerReferences")

    @property
    def is_read(self) -> bool:
        """Whether anything of it is used."""
        return self.is_service or self.kind in _POD_TEMPLATES or self._is_knative or self.kind in _FACT_KINDS or self.kind in _VALUE_KINDS

    @property
    def _is_knative(self) -> bool:
        return self.kind == "Service" and self.group == "serving.knative.dev"

    @property
    def is_of_cluster(self) -> bool:
        """Whether its group is one that Kubernetes or a tool we read defines."""
        return self.group in _OWN_GROUPS or self.group.endswith(_READ_GROUPS)

    @property
    def place(self) -> Place:
        """Where its name is written, else where it begins."""
        return (at(self.node, "metadata", "name") or self.node).place(self.file)

    @property
    def pod(self) -> Node | None:
        """The map that holds the pod's ``metadata`` and ``spec``."""
        return at(self.node, *_POD_TEMPLATES.get(self.kind, _POD_TEMPLATE))

    @property
    def pod_labels(self) -> dict[str, str]:
        """The labels Services select by."""
        return texts_at(self.pod, "metadata", "labels")

    @property
    def selector(self) -> dict[str, str]:
        """The labels a Service or a budget asks for."""
        return texts_at(self.node, "spec", "selector", "matchLabels") or texts_at(self.node, "spec", "selector")


def read_manifests(content: bytes, file: str) -> tuple[Manifest, ...] | None:
    """The objects of the file, lists opened; None when none of them belongs to a cluster.

    Raises CatalogError when the file is not YAML or a workload or Service has no name, or one still to be filled in.
    """
    if b"apiVersion" not in content or b"kind" not in content:
        return None
    manifests = tuple(Manifest(node, file) for node in _objects(parse_foreign(content, file)))
    if not any(manifest.is_of_cluster for manifest in manifests):
        return None
    mistakes = tuple(_mistakes(manifests))
    if mistakes:
        raise CatalogError(mistakes)
    return manifests


def _objects(documents: tuple[Node, ...]) -> Iterator[Node]:
    stack = list(reversed(documents))
    while stack:
        node = stack.pop()
        kind = text_at(node, "kind")
        if not kind or not text_at(node, "apiVersion"):
            continue
        if kind.endswith("List") and at(node, "items") is not None:
            stack += reversed(items_at(node, "items"))
        else:
            yield node


def _mistakes(manifests: tuple[Manifest, ...]) -> Iterator[Mistake]:
    for manifest in manifests:
        if not manifest.is_service and not manifest.is_workload:
            continue
        if not manifest.name and not text_at(manifest.node, "metadata", "generateName"):
            yield Mistake(f"{manifest.kind} without metadata.name", manifest.node.place(manifest.file))
        if "{{" in manifest.name:  # a template that happens to be YAML
            yield Mistake(f"{manifest.kind} {manifest.name} has no name yet: its template is to be rendered first", manifest.place)


def containers(pod: Node | None) -> Iterator[tuple[Node, bool]]:
    """The containers of a pod, and whether each must end before the pod serves; those that serve come first."""
    for node in items_at(pod, "spec", "containers"):
        yield node, False
    for node in items_at(pod, "spec", "initContainers"):
        yield node, text_at(node, "restartPolicy") != "Always"  # Always makes a sidecar of it


def data_of(manifest: Manifest) -> dict[str, tuple[str, Node]]:
    """The values of a ConfigMap or Secret as text, and where each is written."""
    pairs = [*pairs_at(manifest.node, "data"), *pairs_at(manifest.node, "stringData")]
    found = {name.text: (value.text, value) for name, value in pairs if value.kind == "scalar"}
    if manifest.kind == "Secret":
        written = texts_at(manifest.node, "stringData")
        found = {name: (text if name in written else _decoded(text), node) for name, (text, node) in found.items()}
    return found


def _decoded(text: str) -> str:
    from base64 import b64decode

    try:
        return b64decode("".join(text.split()).encode(), validate=True).decode()
    except ValueError:  # not base64, or not text inside
        return ""
