"""Real manifests and compose files: exactly the edges that were worked out for them by other means."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from truetier.app.load import load_fleet
from truetier.catalog.model import Hardness, Phase
from truetier.errors import CatalogError, SourceError
from truetier.sources import kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from truetier.catalog.model import Fleet, Service

TOPOLOGIES = ["topology-backstage", "topology-c4-asyncapi", "topology-compose", "topology-kubernetes", "topology-terraform"]
# Connection strings without a port, which the rule of the recorded truth does not see.
BEYOND_THE_TRUTH = {"otel-demo/component.yaml.gz": {("accounting", "astronomy-db")}}


def truth(shared_data: Path, topology: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / topology / "truth.json").read_text(encoding="utf-8"))["files"]
    return found


def serve_edges(services: Iterable[Service]) -> set[tuple[str, str]]:
    return {(service.name, need.service) for service in services for need in service.needs if need.at_serve}


@pytest.mark.parametrize(("file", "edges"), [("online-boutique/kubernetes-manifests.yaml", 16), ("otel-demo/component.yaml.gz", 43)])
def test_the_edges_of_a_real_cluster_are_found_and_no_others(shared_data: Path, file: str, edges: int) -> None:
    known = truth(shared_data, "topology-kubernetes")[file]
    fleet = load_fleet([str(shared_data / "topology-kubernetes" / file)])
    expected = {(caller, callee) for caller, callee, _ in known["edges_from_env"]} | BEYOND_THE_TRUTH.get(file, set())
    assert sorted(fleet.services) == known["workloads"]
    assert serve_edges(fleet.services.values()) == expected
    assert len(expected) == edges
    assert all(need.hardness is Hardness.UNKNOWN for service in fleet.services.values() for need in service.needs)


def test_every_edge_says_the_variables_it_was_found_in(shared_data: Path) -> None:
    file = "otel-demo/component.yaml.gz"
    fleet = load_fleet([str(shared_data / "topology-kubernetes" / file)])
    found = {
        (service.name, need.service, reason.removeprefix("env "))
        for service in fleet.services.values()
        for need in service.needs
        for reason in need.evidence.detail.split(", ")
        if reason.startswith("env ")
    }
    expected = {tuple(edge) for edge in truth(shared_data, "topology-kubernetes")[file]["edges_from_env"]}
    assert found == expected | {("accounting", "astronomy-db", "DB_CONNECTION_STRING")}


def test_a_service_that_is_not_deployed_is_noted(shared_data: Path) -> None:
    fleet = load_fleet([str(shared_data / "topology-kubernetes" / "online-boutique")])
    assert any("shoppingassistantservice" in item.subject for item in fleet.unmatched)
    assert len(serve_edges(fleet.services.values())) == 16


def test_every_workload_and_kind_of_the_recorded_files_is_known(shared_data: Path) -> None:
    for file, known in truth(shared_data, "topology-kubernetes").items():
        content = (shared_data / "topology-kubernetes" / file).read_bytes()
        found = kubernetes.SOURCE.collect(gzip.decompress(content) if file.endswith(".gz") else content, file)
        if "null" in known["kinds"]:
            assert found is None
            continue
        assert found is not None
        names = {service.name for service in found.services}
        assert names.issuperset(known.get("workloads", ()))
        facts = {service.name: {fact.key: fact.value for fact in service.facts} for service in found.services if service.facts}
        for name in known.get("single_replica_or_unset", ()):
            assert facts[name]["replicas"] == "1"
        if known.get("no_anti_affinity") is False:
            assert any("pod-anti-affinity" in of_service for of_service in facts.values())


@pytest.mark.parametrize(
    "file", ["deathstarbench-hotelReservation.yml", "deathstarbench-socialNetwork.yml", "otel-demo-compose.yaml", "retail-store.yml"]
)
def test_the_services_and_dependencies_of_real_compose_files_are_found(shared_data: Path, file: str) -> None:
    known = truth(shared_data, "topology-compose")[file]
    fleet = load_fleet([str(shared_data / "topology-compose" / file)])
    assert sorted(fleet.services) == known["services"]
    found = {
        (service.name, need.service, need.evidence.detail.partition("condition ")[2] or None)
        for service in fleet.services.values()
        for need in service.needs
        if Phase.START in need.phases
    }
    assert found == {tuple(edge) for edge in known["depends_on"]}


def test_the_environment_of_a_real_compose_file_shows_who_is_called(shared_data: Path) -> None:
    fleet = load_fleet([str(shared_data / "topology-compose" / "otel-demo-compose.yaml")])
    edges = serve_edges(fleet.services.values())
    assert len(edges) == 53
    assert {("checkout", "payment"), ("shipping", "quote"), ("cart", "valkey-cart"), ("product-catalog", "astronomy-db")} < edges
    assert {item.subject.rpartition(" ")[2] for item in fleet.unmatched} >= {"grafana", "jaeger", "opamp-server", "firepit", "chatbot"}


def test_includes_that_are_not_there_are_named(shared_data: Path) -> None:
    fleet = load_fleet([str(shared_data / "topology-compose" / "retail-store.yml")])
    assert len([item for item in fleet.skipped if item.reason.startswith("included by ")]) == 5


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_file_of_a_topology_is_read_or_skipped_by_name(shared_data: Path, topology: str) -> None:
    folder = shared_data / topology
    beside: set[str] = set()  # what compose files refer to is read without being a source
    try:
        fleet = load_fleet([str(folder)])
    except SourceError as error:
        told = str(error)
    else:
        told = "\n".join([*(item.subject for item in fleet.skipped), *_files_read(fleet)])
        beside = {name for name, _ in fleet.inputs}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".yaml", ".yml"):
            assert str(path) in told or path.name.endswith(".yaml.gz") or path.name in beside


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_no_file_of_a_topology_is_a_crash_when_it_is_named(shared_data: Path, topology: str) -> None:
    for path in sorted((shared_data / topology).rglob("*")):
        if path.is_file():
            assert str(path) in _told(path)


def _told(path: Path) -> str:
    """What loading says of a file, or its name when it is read."""
    try:
        load_fleet([str(path)])
    except (CatalogError, SourceError) as error:
        return str(error)
    return str(path)


def _files_read(fleet: Fleet) -> set[str]:
    return {service.evidence.place.file for service in fleet.services.values() if service.evidence.place is not None}
