"""Who a host name means inside the cluster, and what each object is called in the fleet.

A service of the fleet is a workload, called as the workload is; its name never changes because of a neighbour. A
Kubernetes Service is a way to call it:

- it selects one workload: the Service's name is an alias of that workload's;
- it selects several, one of them named as the Service is: that one is meant, the others (canaries) are facts of it;
- it selects several others (``reviews`` before reviews-v1, -v2, -v3): it is a service of its own that needs each of
  them, hardness unknown, because only people know whether one variant can stand in for another;
- it selects none in the input: it is a service of its own.

Two namespaces may hold the same name. Then each is called as DNS does, ``name.namespace``; else the name alone.
A manifest without a namespace belongs to whichever is chosen when it is applied: it is matched only when no other
object has that name. Nothing is matched by likeness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.record import NamedTuple
from truetier.sources.kubernetes.manifests import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truetier.sources.kubernetes.manifests import Manifest

# Where a Service states no namespace, cart.shop may be it in any; grafana.com is not, unless a manifest knows a namespace com.
_TOP_LEVEL_DOMAINS = frozenset(
    {"com", "org", "net", "io", "dev", "ai", "app", "co", "cloud", "sh", "me", "tv", "us", "uk", "de", "eu", "fr", "ch", "nl", "in"}
    | {"info", "biz", "xyz", "tech", "gov", "edu", "local", "internal", "lan", "test", "example"}
)
_HOST_VARIABLE = "_SERVICE_HOST"
MOST_VARIANTS = 100  # workloads one Service may select before its selector is taken for a catch-all


class Front(NamedTuple):
    """A Service, the fleet name it leads to, and the fleet names of all workloads it selects."""

    manifest: Manifest
    leads_to: str
    selected: tuple[str, ...]

    @property
    def is_own_service(self) -> bool:
        """Whether the Service itself is a service of the fleet."""
        return self.leads_to not in self.selected


class Names:
    """Resolves names of one set of manifests."""

    def __init__(self, manifests: Sequence[Manifest]) -> None:
        workloads = [m for m in manifests if m.is_workload and m.name]
        services = [m for m in manifests if m.is_service and m.name]
        self._shared = _names_in_two_namespaces(workloads, services)
        self._homes = _homes([*workloads, *services])
        self._stated = {m.namespace for m in manifests} | {m.name for m in manifests if m.kind == "Namespace"}
        self._workloads = {(m.namespace, m.name): m for m in workloads}
        self._by_fleet_name = {self.fleet_name(*key): manifest for key, manifest in self._workloads.items()}
        self._by_label = _by_label(workloads)
        self._label_homes: dict[tuple[str, str], dict[str, None]] = {}
        for namespace, key, value in self._by_label:
            self._label_homes.setdefault((key, value), {})[namespace] = None
        self._selected: dict[tuple[object, ...], tuple[str, ...]] = {}
        self.fronts = {(m.namespace, m.name): self._front(m) for m in services}
        self._namespaces: dict[str, list[str]] = {}
        self._by_variable: dict[str, dict[str, None]] = {}
        for namespace, name in self.fronts:
            self._namespaces.setdefault(name, []).append(namespace)
            self._by_variable.setdefault(name.upper().replace("-", "_"), {})[name] = None

    def fleet_name(self, namespace: str, name: str) -> str:
        """What the fleet calls the object of that name."""
        return f"{name}.{namespace}" if namespace and name in self._shared else name

    def selected_by(self, manifest: Manifest) -> tuple[str, ...]:
        """The fleet names of the workloads whose pods the object's selector matches, in file order."""
        labels = tuple(sorted(manifest.selector.items()))
        key = (manifest.namespace, labels)
        if key not in self._selected:
            self._selected[key] = self._select(manifest.namespace, labels)
        return self._selected[key]

    def workload_of(self, fleet_name: str) -> Manifest | None:
        """The workload that the fleet calls so; the last where two kinds share a name."""
        return self._by_fleet_name.get(fleet_name)

    def workload(self, namespace: str, name: str) -> str | None:
        """The fleet name of that workload; None when the input does not hold it."""
        return self.fleet_name(namespace, name) if (namespace, name) in self._workloads else None

    def resolve(self, host: str, namespace: str) -> Front | None:
        """The Service that a host means to a pod of that namespace; None when no Service of the input has it."""
        labels = _labels_in_cluster(host)
        found = None
        if len(labels) == 1:
            found = self._find(labels[0], namespace)
        elif len(labels) == 2:  # service.namespace, or pod.service
            found = self._find(labels[0], labels[1]) or self._find_of_pod(labels, namespace)
        elif len(labels) == 3:  # pod.service.namespace
            found = self._find_of_pod(labels, labels[2])
        return None if found is None else self.fronts[found]

    def of_variable(self, variable: str, namespace: str) -> str | None:
        """The Service whose address the cluster gives to pods of that namespace under that name: ``CART_SERVICE_HOST``."""
        if not variable.endswith(_HOST_VARIABLE):
            return None
        holders = self._by_variable.get(variable.removesuffix(_HOST_VARIABLE), {})
        return next((name for name in holders if self._find(name, namespace) is not None), None)

    def short(self, host: str, namespace: str) -> str:
        """The host as its neighbours write it: without the cluster's domain and, unless another has the name, their own namespace."""
        labels = _labels_in_cluster(host)
        if len(labels) == 2 and labels[1] == (namespace or DEFAULT_NAMESPACE):
            labels = labels[:1]
        is_elsewhere = len(labels) == 1 and namespace and self._homes.get(labels[0], {namespace}).isdisjoint({namespace, ""})
        return f"{labels[0]}.{namespace}" if is_elsewhere else ".".join(labels)

    def _find(self, name: str, namespace: str) -> tuple[str, str] | None:
        if (namespace, name) in self.fronts:
            return namespace, name
        if namespace == DEFAULT_NAMESPACE and ("", name) in self.fronts:
            return "", name
        holders = self._namespaces.get(name, [])
        if len(holders) != 1 or (namespace and holders[0]):
            return None
        if namespace in _TOP_LEVEL_DOMAINS and namespace not in self._stated:
            return None
        return holders[0], name

    def _find_of_pod(self, labels: list[str], namespace: str) -> tuple[str, str] | None:
        """The Service of ``kafka-0.kafka-headless``: only where the pod's name ends in its number."""
        pod, _, number = labels[0].rpartition("-")
        return self._find(labels[1], namespace) if pod and number.isdigit() else None

    def _front(self, manifest: Manifest) -> Front:
        own = self.fleet_name(manifest.namespace, manifest.name)
        selected = self.selected_by(manifest)
        if len(selected) == 1:
            return Front(manifest, selected[0], selected)
        return Front(manifest, own, selected)

    def _select(self, namespace: str, labels: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        """What the labels select in that namespace; where either side states none, in the only one that can be meant."""
        if not labels:
            return ()
        found = self._select_in(namespace, labels)
        if found or namespace:
            return found or self._select_in("", labels)
        others = [selected for other in self._label_homes.get(labels[0], ()) if (selected := self._select_in(other, labels))]
        return others[0] if len(others) == 1 else ()

    def _select_in(self, namespace: str, labels: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        candidates = min((self._by_label.get((namespace, *label), {}) for label in labels), key=len)
        found = {
            self.fleet_name(manifest.namespace, manifest.name): None
            for manifest, of_pod in candidates.values()
            if all(of_pod.get(key) == value for key, value in labels)
        }
        return tuple(found)


def _labels_in_cluster(host: str) -> list[str]:
    """The labels of a host without the cluster's domain, which begins at ``svc``: ``cart.shop.svc.cluster.local``."""
    labels = host.split(".")
    return labels[: labels.index("svc", 2)] if "svc" in labels[2:] else labels


def _homes(manifests: Iterable[Manifest]) -> dict[str, set[str]]:
    """The namespaces that objects of each name are in."""
    found: dict[str, set[str]] = {}
    for manifest in manifests:
        found.setdefault(manifest.name, set()).add(manifest.namespace)
    return found


def _names_in_two_namespaces(workloads: Iterable[Manifest], services: Iterable[Manifest]) -> frozenset[str]:
    """The names that two objects have; a Service and a workload of which one states no namespace are taken for one."""
    homes = [_homes(workloads), _homes(services)]
    every = {name: homes[0].get(name, set()) | homes[1].get(name, set()) for home in homes for name in home}
    return frozenset(name for name, found in every.items() if len(found - {""}) > 1 or any(len(home.get(name, ())) > 1 for home in homes))


def _by_label(workloads: Iterable[Manifest]) -> dict[tuple[str, str, str], dict[int, tuple[Manifest, dict[str, str]]]]:
    found: dict[tuple[str, str, str], dict[int, tuple[Manifest, dict[str, str]]]] = {}
    for index, manifest in enumerate(workloads):
        labels = manifest.pod_labels
        for key, value in labels.items():
            found.setdefault((manifest.namespace, key, value), {})[index] = (manifest, labels)
    return found
