from __future__ import annotations

from typing import TYPE_CHECKING

from truetier.sources.kubernetes import link, read_manifests

if TYPE_CHECKING:
    from truetier.catalog.source import Contribution


def service(name: str, selector: str = "", namespace: str = "", extra: str = "") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    labels = f"{{app: {selector}}}" if selector else "null"
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}{where}}}\nspec: {{selector: {labels}{extra}}}\n"


def workload(name: str, app: str, namespace: str = "", kind: str = "Deployment", **env: str) -> str:
    where = f", namespace: {namespace}" if namespace else ""
    variables = ", ".join(f'{{name: {key}, value: "{value}"}}' for key, value in env.items())
    return (
        f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}{where}}}\nspec:\n  template:\n"
        f"    metadata: {{labels: {{app: {app}, name: {name}}}}}\n    spec: {{containers: [{{name: c, image: i, env: [{variables}]}}]}}\n"
    )


def collect(*documents: str) -> Contribution:
    manifests = read_manifests("---\n".join(documents).encode(), "k.yaml")
    assert manifests is not None
    return link([("k.yaml", manifests)])[0]


def edges(contribution: Contribution) -> list[tuple[str, str]]:
    return [(caller.name, need.service) for caller in contribution.services for need in caller.needs]


def names(contribution: Contribution) -> list[str]:
    return sorted({found.name for found in contribution.services})


def aliases(contribution: Contribution) -> dict[str, tuple[str, ...]]:
    return {found.name: found.aliases for found in contribution.services if found.aliases}


def test_a_workload_gives_the_name_and_a_service_before_it_an_alias() -> None:
    found = collect(workload("details-v1", "details"), service("details", "details"), workload("page", "page", A="details:80"))
    assert names(found) == ["details-v1", "page"]
    assert aliases(found) == {"details-v1": ("details",)}
    assert edges(found) == [("page", "details-v1")]


def test_objects_with_and_without_a_namespace_belong_together_where_only_one_can_be_meant() -> None:
    caller = workload("web", "web", namespace="shop", A="cart:80")
    for found in (
        collect(workload("cart-v1", "cart", namespace="shop"), service("cart", "cart"), caller),
        collect(workload("cart-v1", "cart"), service("cart", "cart", namespace="shop"), caller),
    ):
        assert names(found) == ["cart-v1", "web"]
        assert edges(found) == [("web", "cart-v1")]
    same = collect(workload("cart", "cart", namespace="shop"), service("cart", "cart"), caller)
    assert names(same) == ["cart", "web"]
    assert edges(same) == [("web", "cart")]


def test_a_service_without_a_namespace_is_before_no_workload_when_two_namespaces_have_one() -> None:
    found = collect(workload("cart", "cart", namespace="a"), workload("cart", "cart", namespace="b"), service("cart", "cart"))
    assert names(found) == ["cart", "cart.a", "cart.b"]
    assert edges(found) == []


def test_a_domain_outside_the_cluster_is_no_service_even_if_a_label_is_svc() -> None:
    assert edges(collect(workload("cart", "cart"), service("cart", "cart"), workload("web", "web", A="http://cart.svc.example.com/"))) == []


def test_an_external_name_inside_the_cluster_leads_to_that_service() -> None:
    found = collect(
        workload("db", "db", namespace="data"),
        service("db", "db", namespace="data"),
        service("orders-db", namespace="shop", extra=", type: ExternalName, externalName: db.data.svc.cluster.local"),
        service("mail", namespace="shop", extra=", type: ExternalName, externalName: mail.example.com"),
        workload("web", "web", namespace="shop", DB_HOST="orders-db", MAIL_HOST="mail"),
    )
    assert edges(found) == [("orders-db", "db"), ("web", "orders-db"), ("web", "mail")]
    assert [part.name for part in found.services if part.external] == ["mail"]


def test_a_service_before_several_variants_needs_each_of_them() -> None:
    found = collect(service("reviews", "reviews"), workload("reviews-v1", "reviews"), workload("reviews-v2", "reviews", A="reviews:80"))
    assert names(found) == ["reviews", "reviews-v1", "reviews-v2"]
    assert edges(found) == [("reviews", "reviews-v1"), ("reviews", "reviews-v2")]


def test_a_workload_named_as_the_service_stands_for_its_canaries() -> None:
    found = collect(workload("cart", "cart"), workload("cart-canary", "cart"), service("cart", "cart"), workload("web", "web", A="cart:80"))
    assert edges(found) == [("web", "cart")]
    assert [(fact.key, fact.value) for part in found.services if part.name == "cart" for fact in part.facts][-1] == (
        "also-selected",
        "cart-canary",
    )


def test_a_service_without_workload_in_the_input_is_itself() -> None:
    found = collect(service("cart", "cart"), workload("web", "web", A="cart:80"))
    assert edges(found) == [("web", "cart")]
    assert names(found) == ["cart", "web"]


def test_a_service_that_stands_for_an_outside_host_is_external() -> None:
    found = collect(service("pay", extra=", type: ExternalName, externalName: pay.example.com"), workload("web", "web", A="http://pay/"))
    assert [(part.name, part.external) for part in found.services] == [("pay", True), ("web", False)]
    assert edges(found) == [("web", "pay")]


def test_a_service_that_selects_far_too_many_is_a_catch_all() -> None:
    found = collect(service("all", "x"), *(workload(f"w{index}", "x") for index in range(101)))
    assert edges(found) == []
    assert "catch-all" in found.unmatched[0].reason


def test_one_name_in_two_namespaces_is_two_services() -> None:
    found = collect(
        workload("cart", "cart", "shop"),
        service("cart", "cart", "shop"),
        workload("cart", "cart", "depot"),
        service("cart", "cart", "depot"),
        workload("web", "web", "shop", A="cart:80", B="http://cart.depot/", C="cart.depot.svc.cluster.local:80"),
    )
    assert names(found) == ["cart.depot", "cart.shop", "web"]
    assert edges(found) == [("web", "cart.shop"), ("web", "cart.depot")]
    assert aliases(found) == {}


def test_an_object_without_a_namespace_is_in_the_default_one() -> None:
    found = collect(
        workload("cart", "cart"),
        service("cart", "cart"),
        workload("cart", "cart", "depot"),
        service("cart", "cart", "depot"),
        workload("web", "web", A="http://cart.default.svc:80", B="http://orders.default.svc:80"),
    )
    assert edges(found) == [("web", "cart"), ("web", "orders")]


def test_a_bare_name_never_leads_into_another_namespace() -> None:
    found = collect(
        workload("cart", "cart", "depot"), service("cart", "cart", "depot"), workload("web", "web", "shop", A="http://orders/", B="cart:80")
    )
    assert edges(found) == [("web", "orders"), ("web", "cart.shop")]


def test_a_manifest_without_namespace_matches_what_nobody_else_has() -> None:
    found = collect(workload("api-server", "api", "shop"), service("api", "api", "shop"), workload("web", "web", A="api:80"))
    assert edges(found) == [("web", "api-server")]


def test_the_name_of_a_pod_leads_to_its_service() -> None:
    found = collect(
        workload("kafka", "kafka", kind="StatefulSet"),
        service("kafka-headless", "kafka"),
        workload("web", "web", A="kafka-0.kafka-headless:9092,kafka-1.kafka-headless.default.svc.cluster.local:9092"),
    )
    assert edges(found) == [("web", "kafka")]


def test_a_public_host_is_no_neighbour() -> None:
    assert edges(collect(workload("web", "web", A="https://api.example.com/v1", B="10.0.0.7:80", C="example.com:80"))) == []


def test_a_public_host_is_no_service_without_namespace_that_is_called_like_its_first_label() -> None:
    grafana = (workload("grafana", "grafana"), service("grafana", "grafana"))
    assert edges(collect(*grafana, workload("web", "web", A="https://grafana.com/", B="https://grafana-0.grafana.io/"))) == []
    assert edges(collect(*grafana, workload("web", "web", A="http://grafana.monitoring:3000"))) == [("web", "grafana")]
    assert edges(collect(*grafana, workload("web", "web", "dev", A="http://grafana.dev:3000"))) == [("web", "grafana")]


def test_a_local_name_nobody_has_is_given_as_written() -> None:
    found = collect(workload("web", "web", A="gifts:80", B="gifts.depot.svc.cluster.local:80", GIFTS_HOST="presents"))
    assert edges(found) == [("web", "gifts"), ("web", "gifts.depot"), ("web", "presents")]


def test_a_word_that_happens_to_be_a_name_is_no_edge() -> None:
    assert edges(collect(workload("cart", "cart"), service("cart", "cart"), workload("web", "web", SECTION="cart", CART_NAME="cart"))) == []


def test_parts_of_one_system_may_stand_in_several_files() -> None:
    parts = {
        "deployment.yaml": workload("cart-deployment", "cart"),
        "service.yaml": service("cart", "cart"),
        "web.yaml": workload("web", "web", A="cart:80"),
    }
    files = []
    for file, text in parts.items():
        manifests = read_manifests(text.encode(), file)
        assert manifests is not None
        files.append((file, manifests))
    found = link(files)
    assert [edge for contribution in found for edge in edges(contribution)] == [("web", "cart-deployment")]
    assert [contribution.file for contribution in found] == list(parts)
    assert aliases(found[1]) == {"cart-deployment": ("cart",)}


def test_a_service_stands_where_its_workload_does_whatever_else_is_said_of_it() -> None:
    found = collect(service("cart", "cart"), workload("cart-deployment", "cart"))
    assert {part.evidence.detail for part in found.services} == {"Deployment cart-deployment"}
    assert found.services[0].keys["aliases"].detail == "Service cart"
