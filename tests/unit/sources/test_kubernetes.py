from __future__ import annotations

import base64

import pytest

from truetier.catalog.model import Phase
from truetier.errors import CatalogError
from truetier.sources.kubernetes import SOURCE

SERVICES = "".join(f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n---\n" for name in ("cart", "db"))


def needs(pod: str, more: str = "") -> list[tuple[str, str, str]]:
    text = f"{SERVICES}apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {{spec: {pod}}}}}\n{more}"
    found = SOURCE.collect(text.encode(), "k.yaml")
    assert found is not None
    return [
        (need.service, " ".join(phase.value for phase in Phase if phase in need.phases), need.evidence.detail)
        for service in found.services
        if service.name == "web"
        for need in service.needs
    ]


def facts(text: str) -> dict[str, list[str]]:
    found = SOURCE.collect(text.encode(), "k.yaml")
    assert found is not None
    collected: dict[str, list[str]] = {}
    for service in found.services:
        for fact in service.facts:
            collected.setdefault(fact.key, []).append(fact.value)
    return collected


def test_references_are_expanded_in_the_order_the_cluster_does() -> None:
    pod = (
        '{containers: [{env: [{name: A, value: "http://$(B):80"}, {name: B, '
        'value: cart}, {name: C, value: "http://$(B):80"}, {name: D, value: "$$(B):80"}]}]}'
    )
    assert needs(pod) == [("cart", "serve", "env C")]


@pytest.mark.parametrize(
    "pod",
    [
        '{containers: [{env: [{name: A, value: "http://$(CART_SERVICE_HOST):$(CART_SERVICE_PORT)"}]}]}',
        '{containers: [{args: ["--next=http://$(CART_SERVICE_HOST):80"]}]}',
        '{containers: [{args: ["--next=http://$(NEXT):80"], env: [{name: NEXT, value: cart}]}]}',
        '{containers: [{command: [sh, -c, "run $NEXT:80 || run ${NEXT}:80"], env: [{name: NEXT, value: cart}]}]}',
        '{containers: [{command: [sh, -c, "run --next=$CART_SERVICE_HOST:$CART_SERVICE_PORT"]}]}',
        '{containers: [{command: [sh, -c, "run --next=${NEXT:-cart}:80 ${OTHER-}"]}]}',
        '{containers: [{env: [{name: N, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}, {name: A, value: "cart.$(N).svc:80"}]}]}',
    ],
)
def test_what_the_cluster_knows_of_its_services_is_expanded(pod: str) -> None:
    assert [(callee, phase) for callee, phase, _ in needs(pod)] == [("cart", "serve")]


def test_the_namespace_of_the_pod_is_known_to_its_commands() -> None:
    script = "until nslookup db.$(cat /var/run/secrets/kubernetes.io/serviceaccount/namespace).svc.cluster.local; do sleep 2; done"
    assert needs(f'{{initContainers: [{{command: [sh, -c, "{script}"]}}]}}') == [("db", "start", "init container")]


def test_a_variable_nobody_sets_names_no_service() -> None:
    pod = (
        '{containers: [{args: ["--next=http://$(GONE_SERVICE_HOST):80", "http://$(cart):80"], env: [{name: A, value: "http://$(B):80"}]}]}'
    )
    assert needs(pod) == []


def test_the_variables_of_a_command_line_cannot_grow_without_end() -> None:
    pod = '{containers: [{env: [{name: A, value: "%s"}], args: ["%s"]}]}'
    assert needs(pod % ("cart:80 " * 30, "$A " * 20_000)) == [("cart", "serve", "env A")]
    assert needs(pod % ("x" * 301, "http://cart$A:80")) == [("cart", "serve", "command line")]


def test_references_cannot_grow_without_end() -> None:
    variables = ['{name: V0, value: "cart:80,cart:80,cart:80,cart:80"}']
    variables += [f'{{name: V{index}, value: "{f"$(V{index - 1})," * 20}"}}' for index in range(1, 30)]
    assert needs(f"{{containers: [{{env: [{', '.join(variables)}]}}]}}")[0][0] == "cart"


def test_values_come_from_config_maps_and_secrets_in_the_input() -> None:
    secret = base64.b64encode(b"postgres://u:p@db/x").decode()
    more = (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {CART: 'cart:80'}\n"
        f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\ndata: {{url: {secret}, broken: '***'}}\n"
    )
    pod = (
        "{containers: [{envFrom: [{prefix: MY_, configMapRef: {name: settings}}, {configMapRef: {name: gone}}],"
        " env: [{name: DATABASE_URL, valueFrom: {secretKeyRef: {name: keys, key: url}}},"
        " {name: E, valueFrom: {secretKeyRef: {name: keys, key: broken}}}]}]}"
    )
    assert needs(pod, more) == [("cart", "serve", "env MY_CART of ConfigMap settings"), ("db", "serve", "env DATABASE_URL of Secret keys")]


@pytest.mark.parametrize(
    ("mount", "volume", "found"),
    [
        ("{name: v}", "{name: v, configMap: {name: files}}", ["cart", "db"]),
        ("{name: v, subPath: a.conf}", "{name: v, configMap: {name: files}}", ["cart"]),
        ("{name: v}", "{name: v, configMap: {name: files, items: [{key: b.properties, path: x}]}}", ["db"]),
        ("{name: v}", "{name: v, projected: {sources: [{secret: {name: keys}}, {configMap: {name: gone}}]}}", ["db"]),
        ("{name: v}", "{name: v, secret: {secretName: keys}}", ["db"]),
        ("{name: w}", "{name: v, configMap: {name: files}}", []),
        ("{name: v}", "{name: v, secret: {secretName: gone}}", []),
        ("x", "y", []),
    ],
)
def test_files_that_a_container_mounts_show_whom_it_calls(mount: str, volume: str, found: list[str]) -> None:
    more = (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: files}\ndata:\n  a.conf: |\n    # http://db\n"
        "    proxy_pass http://cart/;\n  b.properties: redis.host=db\n"
        '---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {c.json: \'{"url": "http://db/"}\'}\n'
    )
    needed = needs(f"{{containers: [{{volumeMounts: [{mount}]}}], volumes: [{volume}]}}", more)
    assert [callee for callee, _, _ in needed] == found
    assert all(phase == "serve" and detail.startswith("file ") for _, phase, detail in needed)


def test_a_config_map_without_a_namespace_is_found_from_any() -> None:
    more = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {NAMED}\ndata: {CART: 'cart:80'}\n"
    web = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {WEB}\n"
        "spec: {template: {spec: {containers: [{envFrom: [{configMapRef: {name: settings}}]}]}}}\n"
    )
    for named, caller, expected in (
        ("name: settings", "name: web, namespace: shop", ["cart"]),
        ("name: settings, namespace: shop", "name: web", ["cart"]),
        ("name: settings, namespace: shop", "name: web, namespace: depot", []),
    ):
        text = SERVICES + web.replace("WEB", caller) + more.replace("NAMED", named)
        found = SOURCE.collect(text.encode(), "k.yaml")
        assert found is not None
        assert [need.service for service in found.services for need in service.needs] == expected
        assert bool(found.skipped) == (not expected)


def test_a_secret_may_be_wrapped_over_lines() -> None:
    encoded = base64.encodebytes(b"postgres://somebody:a-long-password-that-takes-two-lines-of-base64@db:5432/orders").decode()
    lines = "".join(f"    {line}\n" for line in encoded.splitlines())
    assert len(encoded.splitlines()) == 2
    more = f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\ndata:\n  url: |\n{lines}"
    pod = "{containers: [{env: [{name: DATABASE_URL, valueFrom: {secretKeyRef: {name: keys, key: url}}}]}]}"
    assert needs(pod, more) == [("db", "serve", "env DATABASE_URL of Secret keys")]


def test_what_an_init_container_waits_for_is_needed_at_start() -> None:
    pod = (
        "{initContainers: [{command: [sh, -c, 'until nc -z db 5432; do sleep 1; done']}, "
        "{args: [nc, cart, '80']}], containers: [{env: []}]}"
    )
    assert needs(pod) == [("db", "start", "init container"), ("cart", "start", "init container")]


def test_a_command_that_waits_is_no_call_to_what_is_named_like_it() -> None:
    sleep = "---\napiVersion: v1\nkind: Service\nmetadata: {name: sleep}\n"
    assert needs("{initContainers: [{command: [sh, -c, 'until nslookup db; do sleep 30; done']}]}", sleep) == [
        ("db", "start", "init container")
    ]


def test_a_sidecar_among_the_init_containers_serves() -> None:
    assert needs("{initContainers: [{restartPolicy: Always, env: [{name: A, value: 'cart:80'}]}]}") == [("cart", "serve", "env A")]


def test_a_command_line_names_services_by_address_only() -> None:
    pod = "{containers: [{command: [run, cart, '--db=db:5432'], args: ['--next=gone:80']}]}"
    assert needs(pod) == [("db", "serve", "command line")]


@pytest.mark.parametrize(
    ("kind", "version", "spec"),
    [
        ("CronJob", "batch/v1", "{jobTemplate: {spec: {template: {spec: POD}}}}"),
        ("Job", "batch/v1", "{template: {spec: POD}}"),
        ("DaemonSet", "apps/v1", "{template: {spec: POD}}"),
        ("Rollout", "argoproj.io/v1alpha1", "{template: {spec: POD}}"),
        ("Service", "serving.knative.dev/v1", "{template: {spec: POD}}"),
        ("Pod", "v1", "POD"),
    ],
)
def test_every_kind_of_workload_is_read(kind: str, version: str, spec: str) -> None:
    pod = "{containers: [{env: [{name: A, value: 'cart:80'}]}]}"
    text = f"{SERVICES}apiVersion: {version}\nkind: {kind}\nmetadata: {{name: w}}\nspec: {spec.replace('POD', pod)}\n"
    found = SOURCE.collect(text.encode(), "k.yaml")
    assert found is not None
    assert [need.service for service in found.services if service.name == "w" for need in service.needs] == ["cart"]


def test_pods_that_a_workload_owns_are_not_counted_again() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: web-1, ownerReferences: [{kind: ReplicaSet, name: web}]}\nspec: {containers: []}\n"
    found = SOURCE.collect(text.encode(), "k.yaml")
    assert found is not None
    assert found.services == ()


def test_how_a_workload_runs_is_kept_as_facts() -> None:
    found = facts(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
        "spec:\n  replicas: 3\n  strategy: {type: Recreate}\n"
        "  template:\n    metadata: {labels: {app: web}}\n    spec:\n"
        "      topologySpreadConstraints: [{maxSkew: 1}]\n      affinity: {podAntiAffinity: {a: b}}\n"
        "      containers: [{name: c, image: 'i:1', readinessProbe: {httpGet: {path: /}}, livenessProbe: {exec: {command: [x]}}}]\n"
        "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: p, namespace: shop}\n"
        "spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}\n"
        "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: shop}\n"
        "spec: {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {name: web}}\n"
    )
    assert found == {
        "kind": ["Deployment"],
        "namespace": ["shop"],
        "replicas": ["3"],
        "strategy": ["type: Recreate"],
        "topology-spread": ["[{maxSkew: 1}]"],
        "pod-anti-affinity": ["a: b"],
        "image": ["i:1"],
        "readiness-probe": ["httpGet: {path: /}"],
        "liveness-probe": ["exec: {command: [x]}"],
        "disruption-budget": ["maxUnavailable: 1"],
        "scale-min": ["2"],
        "scale-max": ["9"],
    }


def test_replicas_nobody_states_are_one_and_say_so() -> None:
    found = SOURCE.collect(b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {}\n", "k.yaml")
    assert found is not None
    assert [(fact.value, fact.evidence.detail) for fact in found.services[0].facts if fact.key == "replicas"] == [
        ("1", "not stated, 1 by default")
    ]


def test_mesh_rules_are_facts_of_the_service_they_are_about() -> None:
    rules = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\n"
        "spec: {hosts: [cart], http: [{timeout: 2s, retries: {attempts: 3}, fault: {abort: {httpStatus: 500}}}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\n"
        "spec: {host: cart, trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}, "
        "subsets: [{name: v1, trafficPolicy: {outlierDetection: {interval: 1s}}}]}\n"
    )
    found = facts(SERVICES + rules)
    assert found["mesh-timeout"] == ["2s"]
    assert found["mesh-retries"] == ["attempts: 3"]
    assert found["mesh-fault"] == ["abort: {httpStatus: 500}"]
    assert found["connection-pool"] == ["tcp: {maxConnections: 9}"]
    assert found["outlier-detection"] == ["interval: 1s"]


def test_rules_about_nothing_in_the_input_are_listed() -> None:
    found = SOURCE.collect(
        b"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: p}\n"
        b"spec: {minAvailable: 1, selector: {matchLabels: {app: x}}}",
        "k.yaml",
    )
    assert found is not None
    assert found.services == ()
    assert found.unmatched[0].subject == "PodDisruptionBudget p"


def test_kinds_that_are_not_read_are_listed_and_counted() -> None:
    found = SOURCE.collect(
        b"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: b}\n",
        "k.yaml",
    )
    assert found is not None
    assert [(item.subject, item.reason) for item in found.skipped] == [("k.yaml: ServiceAccount", "kind not read (2 of them)")]


def test_objects_of_no_cluster_are_left_to_others() -> None:
    assert SOURCE.collect(b"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\n", "k.yaml") is None


def test_a_template_that_happens_to_be_yaml_gives_no_service() -> None:
    with pytest.raises(CatalogError, match="rendered first") as caught:
        SOURCE.collect(b'apiVersion: v1\nkind: Pod\nmetadata: {name: "cart-{{id}}"}\nspec: {}\n', "k.yaml")
    assert str(caught.value.mistakes[0]).startswith("k.yaml:3:18: Pod cart-{{id}} ")


def test_every_workload_and_service_without_a_name_is_a_mistake() -> None:
    with pytest.raises(CatalogError) as caught:
        SOURCE.collect(b"apiVersion: v1\nkind: Service\nmetadata: {}\n---\napiVersion: apps/v1\nkind: Deployment\nspec: {}\n", "k.yaml")
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        "k.yaml:1:1: Service without metadata.name",
        "k.yaml:5:1: Deployment without metadata.name",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "[]",
        "x",
        "null",
        "{a: []}",
        "{template: x}",
        "{template: {spec: {containers: x}}}",
        "{template: {spec: {containers: [x, [], {env: {a: b}}]}}}",
    ],
)
def test_parts_of_the_wrong_shape_say_nothing(wrong: str) -> None:
    found = SOURCE.collect(f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {wrong}\n".encode(), "k.yaml")
    assert found is not None
    assert found.services[0].needs == ()


def test_thousands_of_workloads_are_linked_in_one_pass() -> None:
    documents = []
    for index in range(2000):
        documents.append(f"apiVersion: v1\nkind: Service\nmetadata: {{name: s{index}}}\nspec: {{selector: {{tier: x, app: s{index}}}}}\n")
        documents.append(
            f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: s{index}}}\n"
            f"spec: {{template: {{metadata: {{labels: {{tier: x, app: s{index}}}}},"
            f" spec: {{containers: [{{env: [{{name: NEXT_ADDR, value: 's{index + 1}:80'}}]}}]}}}}}}\n"
        )
    found = SOURCE.collect("---\n".join(documents).encode(), "k.yaml")
    assert found is not None
    assert sum(len(service.needs) for service in found.services) == 2000
