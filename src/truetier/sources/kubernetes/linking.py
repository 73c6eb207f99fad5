"""From the manifests of one run to what each file says about the fleet."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Fact, Phase, Service, SkippedInput
from truetier.catalog.source import Contribution
from truetier.sources.addresses import addresses_in, host_of
from truetier.sources.command_line import hosts_of_command
from truetier.sources.kubernetes.environment import Values, environment_of, expanded_script
from truetier.sources.kubernetes.facts import policy_facts, workload_facts
from truetier.sources.kubernetes.manifests import containers
from truetier.sources.kubernetes.mounts import Mounts
from truetier.sources.kubernetes.names import MOST_VARIANTS, Names
from truetier.sources.need_list import NeedList
from truetier.sources.tree_path import items_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.catalog.model import Need
    from truetier.errors import Place
    from truetier.sources.addresses import Address
    from truetier.sources.kubernetes.manifests import Manifest
    from truetier.sources.kubernetes.mounts import File

SOURCE_NAME = "kubernetes"


def link(files: Sequence[tuple[str, Sequence[Manifest]]]) -> tuple[Contribution, ...]:
    """What each file says, with names resolved among all of them: a Deployment and its Service may be in two files."""
    everything = [manifest for _, manifests in files for manifest in manifests]
    cluster = _Cluster(everything)
    return tuple(cluster.contribution(file, manifests) for file, manifests in files)


class _Cluster:
    def __init__(self, manifests: Sequence[Manifest]) -> None:
        self._names = Names(manifests)
        self._values = Values(manifests)
        self._mounts = Mounts(self._values)
        self._external = _external_hosts(manifests)
        self._known: dict[tuple[Place, str], tuple[str, ...]] = {}
        self._addresses: dict[tuple[str, str], tuple[Address, ...]] = {}  # a ConfigMap may be in the environment of every workload

    def contribution(self, file: str, manifests: Sequence[Manifest]) -> Contribution:
        services: list[Service] = []
        skipped: dict[str, int] = {}
        unmatched: list[SkippedInput] = []
        for manifest in manifests:
            if manifest.is_service:
                services += self._of_service(manifest, unmatched)
            elif manifest.is_workload:
                services.append(self._of_workload(manifest))
            elif manifest.kind == "ServiceEntry":
                services += self._of_entry(manifest)
            elif not manifest.is_read:
                skipped[manifest.kind] = skipped.get(manifest.kind, 0) + 1
            else:
                services += self._of_policy(manifest, unmatched)
        unread = tuple(SkippedInput(f"{file}: {kind}", f"kind not read ({count} of them)") for kind, count in skipped.items())
        reason = "not in the input: addresses in it are not seen"
        missing = tuple(SkippedInput(f"{file}: {name}", reason) for name in self._values.missing(file))
        return Contribution(SOURCE_NAME, file, tuple(services), skipped=unread + missing, unmatched=tuple(unmatched))

    def _of_workload(self, manifest: Manifest) -> Service:
        name = self._names.fleet_name(manifest.namespace, manifest.name or text_at(manifest.node, "metadata", "generateName").rstrip("-"))
        evidence = _evidence(manifest)
        needs = self._needs(manifest, name)
        return Service(name, evidence, needs=needs, facts=tuple(workload_facts(manifest)), keys={"needs": evidence} if needs else {})

    def _of_service(self, manifest: Manifest, unmatched: list[SkippedInput]) -> Iterator[Service]:
        front = self._names.fronts[manifest.namespace, manifest.name]
        evidence = _evidence(manifest)
        if front.is_own_service:
            needs = NeedList(front.leads_to, SOURCE_NAME)
            if len(front.selected) > MOST_VARIANTS:
                reason = f"its selector matches {len(front.selected)} workloads: taken for a catch-all, no needs are read from it"
                unmatched.append(SkippedInput(f"Service {manifest.name}", reason))
            else:
                for variant in front.selected:
                    needs.add(variant, Phase.SERVE, f"selected by Service {manifest.name}", manifest.place)
            external = text_at(manifest.node, "spec", "externalName")
            inside = self._names.resolve(external.lower().rstrip("."), manifest.namespace) if external else None
            if inside is not None:
                needs.add(inside.leads_to, Phase.SERVE, "externalName", manifest.place)
                external = ""
            found = needs.needs()
            facts = [Fact("external-name", external, evidence)] if external else []
            keys = {key: evidence for key, is_stated in (("needs", found), ("external", external)) if is_stated}
            yield Service(front.leads_to, evidence, needs=found, external=bool(external), facts=tuple(facts), keys=keys)
            return
        own = self._names.fleet_name(manifest.namespace, manifest.name)
        if own != front.leads_to and self._names.workload(manifest.namespace, manifest.name) is None:
            yield Service(front.leads_to, self._evidence_of(front.leads_to, evidence), aliases=(own,), keys={"aliases": evidence})
        others = [name for name in front.selected if name != front.leads_to]
        if others:
            also = tuple(Fact("also-selected", name, evidence) for name in others[:MOST_VARIANTS])
            yield Service(front.leads_to, self._evidence_of(front.leads_to, evidence), facts=also)

    def _of_entry(self, manifest: Manifest) -> Iterator[Service]:
        evidence = _evidence(manifest)
        for host in _entry_hosts(manifest):
            yield Service(host, evidence, external=True, keys={"external": evidence})

    def _of_policy(self, manifest: Manifest, unmatched: list[SkippedInput]) -> Iterator[Service]:
        facts = tuple(policy_facts(manifest))
        if not facts:
            return
        subjects = self._subjects(manifest)
        if not subjects:
            unmatched.append(SkippedInput(f"{manifest.kind} {manifest.name}", f"is about nothing in the input ({manifest.place})"))
        for name in subjects[:MOST_VARIANTS]:
            yield Service(name, self._evidence_of(name, _evidence(manifest)), facts=facts)

    def _evidence_of(self, name: str, otherwise: Evidence) -> Evidence:
        """Where a service stands that another object only adds to: at its workload, if the input holds one."""
        workload = self._names.workload_of(name)
        return otherwise if workload is None else _evidence(workload)

    def _subjects(self, manifest: Manifest) -> tuple[str, ...]:
        """The fleet names of what a budget, an autoscaler or a mesh rule is about."""
        if manifest.kind == "PodDisruptionBudget":
            return self._names.selected_by(manifest)
        if manifest.kind == "HorizontalPodAutoscaler":
            found = self._names.workload(manifest.namespace, text_at(manifest.node, "spec", "scaleTargetRef", "name"))
            return () if found is None else (found,)
        hosts = [item.text for item in items_at(manifest.node, "spec", "hosts")] or [text_at(manifest.node, "spec", "host")]
        fronts = (self._names.resolve(host.lower(), manifest.namespace) for host in hosts)
        return tuple(dict.fromkeys(front.leads_to for front in fronts if front is not None))

    def _needs(self, manifest: Manifest, caller: str) -> tuple[Need, ...]:
        needs = NeedList(caller, SOURCE_NAME)
        injected = partial(self._names.of_variable, namespace=manifest.namespace)
        for container, is_init in containers(manifest.pod):
            phase = Phase.START if is_init else Phase.SERVE
            environment = environment_of(container, manifest, self._values, injected)
            for name, variable in environment.items():
                for address in self._addresses_in(name, variable.value):
                    callee = self._callee(address.host, manifest.namespace, caller, report=address.is_certain and address.is_local)
                    if callee is not None:
                        needs.add(callee, phase, variable.origin, variable.place)
            items = [*items_at(container, "command"), *items_at(container, "args")]
            for host, index in hosts_of_command([expanded_script(item.text, environment, manifest, injected) for item in items]):
                callee = self._callee(host, manifest.namespace, caller, report=False)
                if callee is not None:
                    needs.add(callee, phase, "init container" if is_init else "command line", items[index].place(manifest.file))
            for file in self._mounts.files(container, manifest):
                for host in self._known_in(file, manifest.namespace):
                    callee = self._callee(host, manifest.namespace, caller, report=False)
                    if callee is not None:
                        needs.add(callee, phase, file.origin, file.place)
        return needs.needs()

    def _addresses_in(self, name: str, value: str) -> tuple[Address, ...]:
        found = self._addresses.get((name, value))
        if found is None:
            found = self._addresses[name, value] = addresses_in(name, value)
        return found

    def _known_in(self, file: File, namespace: str) -> tuple[str, ...]:
        """The hosts of a mounted file that mean anybody to a pod of that namespace; one file may be in every container."""
        key = (file.place, namespace)
        if key not in self._known:
            self._known[key] = tuple(h for h in file.hosts if h in self._external or self._names.resolve(h, namespace) is not None)
        return self._known[key]

    def _callee(self, host: str, namespace: str, caller: str, *, report: bool) -> str | None:
        """Whom a host means; a local name that nothing in these files has is given as written, for other files to know."""
        front = self._names.resolve(host, namespace)
        if front is not None:
            return None if caller in front.selected else front.leads_to
        if host in self._external:
            return host
        return self._names.short(host, namespace) if report else None


def _evidence(manifest: Manifest) -> Evidence:
    return Evidence(Kind.DECLARED, SOURCE_NAME, manifest.place, f"{manifest.kind} {manifest.name}")


def _entry_hosts(manifest: Manifest) -> list[str]:
    """The hosts outside the cluster that a ServiceEntry lets the mesh know; wildcards name nobody."""
    if text_at(manifest.node, "spec", "location") == "MESH_INTERNAL":
        return []
    hosts = (host_of(item.text) for item in items_at(manifest.node, "spec", "hosts"))
    return [host for host in hosts if host is not None and not host.endswith((".svc.cluster.local", ".svc"))]


def _external_hosts(manifests: Sequence[Manifest]) -> frozenset[str]:
    return frozenset(host for manifest in manifests if manifest.kind == "ServiceEntry" for host in _entry_hosts(manifest))
