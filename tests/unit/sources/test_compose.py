from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truetier.catalog.model import Hardness, Phase
from truetier.errors import CatalogError
from truetier.sources.compose import SOURCE, link, read_compose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.catalog.source import Contribution


def collect(files: dict[str, str], *roots: str) -> Sequence[Contribution]:
    """The contributions of a project; the first file is the root unless others are named."""
    read = []
    for name in roots or (next(iter(files)),):
        found = read_compose(files[name].encode(), name)
        assert found is not None
        read.append(found)

    def inside(folder: str) -> list[str] | None:
        return [name for name in files if name.startswith(f"{folder}/")] or None

    return link(read, lambda path: files[path].encode() if path in files else None, inside)


def needs(contributions: Sequence[Contribution]) -> list[tuple[str, str, str]]:
    return [
        (service.name, need.service, " ".join(phase.value for phase in Phase if phase in need.phases))
        for contribution in contributions
        for service in contribution.services
        for need in service.needs
    ]


def test_depends_on_is_hard_and_only_at_start() -> None:
    (found,) = collect({"c.yaml": "services:\n  a: {image: i, depends_on: [b]}\n  b: {image: i}\n"})
    (need,) = found.services[0].needs
    assert need.phases == {Phase.START}
    assert need.hardness is None
    assert need.evidence.detail == "depends_on"
    assert str(need.evidence.place) == "c.yaml:2:30"


def test_a_dependency_that_may_be_missing_is_of_unknown_hardness() -> None:
    (found,) = collect(
        {"c.yaml": "services:\n  a: {image: i, depends_on: {b: {condition: service_healthy, required: false}}}\n  b: {image: i}\n"}
    )
    (need,) = found.services[0].needs
    assert need.hardness is Hardness.UNKNOWN
    assert need.evidence.detail == "depends_on, condition service_healthy"


@pytest.mark.parametrize(
    ("part", "need"),
    [
        ("environment: {B_URL: 'http://b:80'}", ("a", "b", "serve")),
        ("environment: ['B_HOST=b']", ("a", "b", "serve")),
        ("links: ['b:other']", ("a", "b", "serve")),
        ("links: ['b:other'], environment: {X: 'http://other/'}", ("a", "b", "serve")),
        ("external_links: [container-of-b]", ("a", "b", "serve")),
        ("external_links: ['container-of-b:other'], command: run http://other/", ("a", "b", "serve")),
        ("command: run --b=b:80", ("a", "b", "serve")),
        ("entrypoint: [run, 'http://b/']", ("a", "b", "serve")),
        ("command: [run, --redis-host, b]", ("a", "b", "serve")),
        ("command: sh -c 'until nc -z b 5432; do sleep 1; done; run'", ("a", "b", "serve")),
        ("network_mode: service:b", ("a", "b", "start")),
        ("volumes_from: ['b:ro']", ("a", "b", "start")),
        ("environment: {X: 'http://container-of-b/'}", ("a", "b", "serve")),
        ("environment: {X: 'http://alias-of-b/'}", ("a", "b", "serve")),
        ("environment: {X: 'http://B:80/'}", ("a", "b", "serve")),
    ],
)
def test_every_way_to_name_a_service_is_read(part: str, need: tuple[str, str, str]) -> None:
    other = "{image: i, container_name: container-of-b, networks: {default: {aliases: [alias-of-b]}}}"
    assert needs(collect({"c.yaml": f"services:\n  a: {{image: i, {part}}}\n  b: {other}\n"})) == [need]


def test_a_host_name_two_services_share_names_neither() -> None:
    text = "services:\n  a: {image: i, environment: {DB: 'db:80'}}\n  b: {image: i, hostname: db}\n  c: {image: i, hostname: db}\n"
    assert needs(collect({"c.yaml": text})) == [("a", "db", "serve")]


def test_variables_come_from_the_env_file_beside() -> None:
    files = {
        "p/compose.yaml": (
            "services:\n  a:\n    image: i\n    environment: [B_URL, 'C=http://${C_HOST:-c}:$PORT', 'D=${D-}', 'E=${UNSET+http://b/}']\n"
            "  b: {image: i}\n  c: {image: i}\n"
        ),
        "p/.env": "# addresses\nexport HOST=b\nB_URL=\"http://${HOST}:80\" # why\nPORT='80'\nC_HOST=\n",
    }
    (found,) = collect(files)
    assert needs([found]) == [("a", "b", "serve"), ("a", "c", "serve")]
    assert found.skipped == ()


def test_an_env_file_of_the_same_name_stands_in_for_dot_env() -> None:
    files = {"shop-compose.yaml": "services:\n  a: {image: i, environment: [B_ADDR]}\n  b: {image: i}\n", "shop.env": "B_ADDR=b:80\n"}
    assert needs(collect(files)) == [("a", "b", "serve")]


def test_addresses_without_a_value_are_listed() -> None:
    (found,) = collect({"c.yaml": "services:\n  a: {image: i, environment: [B_ADDR, LOG_LEVEL, 'X=http://${C_HOST}/']}\n"})
    assert [(item.subject, item.reason) for item in found.skipped] == [
        ("c.yaml: variables", "no value for B_ADDR, C_HOST in .env: what they name is not seen")
    ]


def test_env_file_is_read_and_environment_wins() -> None:
    files = {
        "p/c.yaml": (
            "services:\n  a: {image: i, env_file: [{path: a.env}, gone.env], environment: {C_URL: 'http://b/'}}\n"
            "  b: {image: i}\n  c: {image: i}\n"
        ),
        "p/a.env": "\nB_URL=http://c:80\nC_URL=http://c:80\n",
    }
    (found,) = collect(files)
    (first, second) = found.services[0].needs
    assert (first.service, str(first.evidence.place)) == ("c", "p/a.env:2:1")
    assert second.service == "b"
    assert found.skipped[0].subject == "p/gone.env"


def test_an_env_file_may_use_the_variables_of_the_project() -> None:
    files = {
        "c.yaml": "services:\n  a: {image: i, env_file: a.env}\n  b: {image: i}\n",
        "a.env": "B_URL=http://${B_HOST}:80\n",
        ".env": "B_HOST=b\n",
    }
    assert needs(collect(files)) == [("a", "b", "serve")]


def test_a_container_that_is_not_described_is_named_as_it_is_written() -> None:
    files = {"c.yaml": "services:\n  a: {image: i, external_links: ['shop_db_1:db'], environment: {DB_HOST: db}}\n"}
    assert needs(collect(files)) == [("a", "shop_db_1", "serve")]


def test_a_command_is_inherited_unless_it_is_stated_anew() -> None:
    base = "  base: {image: i, command: run http://b/, entrypoint: run http://c/}\n"
    files = {"c.yaml": "services:\n  a: {extends: base, command: run}\n  b: {image: i}\n  c: {image: i}\n" + base}
    assert needs(collect(files))[:1] == [("a", "c", "serve")]


def test_the_shell_of_a_command_knows_the_environment() -> None:
    text = (
        "services:\n  a: {image: i, environment: {NEXT: b}, command: 'sh -c \"wait-for $$NEXT:80\"'}\n"
        "  b: {image: i, command: 'sh -c \"wait-for $${NEXT:-a}:80 $$GONE:80\"'}\n"
    )
    assert needs(collect({"c.yaml": text})) == [("a", "b", "serve"), ("b", "a", "serve")]


MOUNTED = {"nginx.conf": "upstream x {\n  server b:80;\n}", "deploy/b.yml": "targets: ['b:80', 'a:80', 'elsewhere:80']"}


@pytest.mark.parametrize(
    "part",
    [
        "volumes: ['./nginx.conf:/etc/nginx/nginx.conf:ro']",
        "volumes: ['./deploy/b.yml:/etc/b.yml']",
        "volumes: ['${WHERE:-./nginx.conf}:/etc/nginx.conf']",
        "volumes: [{type: bind, source: nginx.conf, target: /etc/nginx.conf}]",
        "volumes: ['./deploy:/etc/deploy:ro']",
        "volumes: [{type: bind, source: deploy, target: /usr/local/etc/deploy}]",
        "volumes: ['./plain:/etc/plain']",
        "configs: [whole]",
        "configs: [{source: inside, target: /etc/x}]",
    ],
)
def test_a_mounted_file_names_whom_the_service_calls(part: str) -> None:
    text = (
        f"services:\n  a: {{image: i, {part}}}\n  b: {{image: i}}\n  c: {{image: i}}\n"
        "configs: {whole: {file: nginx.conf}, inside: {content: 'url: http://b/'}, other: {external: true}}\n"
    )
    inner = {"deploy/in/x.json": "{}", "deploy/b.key": "http://c/", "deploy/dashboard.yml": "http://c/", "plain": "server b:80;"}
    (found,) = collect({"c.yaml": text, **MOUNTED, **inner})
    assert needs([found]) == [("a", "b", "serve")]
    assert found.skipped == ()
    (need,) = found.services[0].needs
    assert need.hardness is Hardness.UNKNOWN
    assert need.evidence.place is not None
    assert need.evidence.place.line == 2


@pytest.mark.parametrize(
    "part",
    [
        "volumes: ['./nginx.bin:/x', './nginx.conf', 'nginx.conf:/x', '/nginx.conf:/x', '~/nginx.conf:/x', '${GONE}/nginx.conf:/x']",
        "volumes: ['./compose.yaml:/etc/x', './dashboard.json:/x', './nginx.conf/:/x', './app:/app']",
        "volumes: [{type: volume, source: nginx.conf, target: /x}, {type: bind, source: /nginx.conf, target: /x}, 5, [x]]",
        "configs: [other, absent, outside, {target: /x}, [x]]",
        "configs: nginx.conf",
    ],
)
def test_volumes_that_are_no_configuration_beside_the_file_are_not_looked_into(part: str) -> None:
    text = (
        f"services:\n  a: {{image: i, {part}}}\n  b: {{image: i}}\n"
        "configs: {other: {external: true}, outside: {file: /nginx.conf}, shape: [x]}\n"
    )
    files = dict.fromkeys(("compose.yaml", "dashboard.json", "app/x.conf"), "url: http://b:80") | {
        f"{folder}nginx.{end}": MOUNTED["nginx.conf"] for folder in ("", "/", "~/") for end in ("conf", "bin")
    }
    (found,) = collect({"c.yaml": text, **files})
    assert needs([found]) == []
    assert found.skipped == ()


def test_a_file_that_several_services_mount_tells_who_calls_only_if_it_names_one() -> None:
    mount = "volumes: ['./all.json:/all.json', './one.conf:/one.conf']"
    files = {
        "c.yaml": f"services:\n  a: {{image: i, {mount}}}\n  b: {{image: i, {mount}}}\n  c: {{image: i}}\n  d: {{image: i}}\n",
        "all.json": '{"c": "c:80", "d": "d:80", "a": "a:80"}',
        "one.conf": "server c:80;",
    }
    (found,) = collect(files)
    assert needs([found]) == [("a", "c", "serve"), ("b", "c", "serve")]
    assert [(item.subject, item.reason) for item in found.skipped] == [
        ("all.json", "mounted by 2 services, and names several: who of them calls whom is not known")
    ]


def test_a_mounted_file_that_cannot_be_read_is_listed_once() -> None:
    text = "services:\n  a: {image: i, volumes: ['../x.conf:/x']}\n  b: {image: i, volumes: ['../x.conf:/y']}\n"
    (found,) = collect({"shop/c.yaml": text})
    assert [(item.subject, item.reason) for item in found.skipped] == [
        ("x.conf", "mounted by shop/c.yaml: cannot be read, addresses in it are not seen")
    ]


def test_a_dependency_without_a_name_is_none() -> None:
    assert (
        needs(collect({"c.yaml": "services:\n  a: {image: i, depends_on: ['', [b], {b: c}], links: ['', ':b']}\n  b: {image: i}\n"})) == []
    )


def test_what_a_service_depends_on_may_stand_in_a_variable() -> None:
    files = {
        "c.yaml": "services:\n  a: {image: i, depends_on: ['${ENGINE}'], links: ['${ENGINE}:alias'], environment: {X: 'http://alias/'}}\n"
        "  b: {image: i, network_mode: 'service:${OTHER:-c}'}\n  c: {image: i}\n  d: {image: i}\n",
        ".env": "ENGINE=d\n",
    }
    assert needs(collect(files)) == [("a", "d", "start"), ("a", "d", "serve"), ("b", "c", "start")]


def test_included_files_are_read_and_those_that_cannot_be_are_listed() -> None:
    files = {
        "p/c.yaml": (
            "include: [../q/c.yaml, {path: [gone.yaml, bad.yaml]}, 'https://example.com/c.yaml']\n"
            "services:\n  a: {image: i, environment: {X_HOST: b}}\n"
        ),
        "q/c.yaml": "include: [../p/c.yaml]\nservices:\n  b: {image: i}\n",
        "p/bad.yaml": "services: [\n",
    }
    found = collect(files)
    assert [(contribution.file, [service.name for service in contribution.services]) for contribution in found] == [
        ("p/c.yaml", ["a"]),
        ("q/c.yaml", ["b"]),
    ]
    assert needs(found) == [("a", "b", "serve")]
    assert [item.subject for item in found[0].skipped] == ["p/gone.yaml", "p/bad.yaml", "https://example.com/c.yaml"]


def test_an_included_file_takes_the_folder_and_the_variables_it_is_given() -> None:
    files = {
        "c.yaml": (
            "include: [{path: sub/c.yaml, project_directory: ., env_file: [sub/x.env]}]\n"
            "services:\n  b: {image: i}\n  c: {image: i}\n  d: {image: i}\n"
        ),
        "sub/c.yaml": "services:\n  a: {image: i, env_file: a.env, environment: {C_HOST: '${C}', D_HOST: '${D}'}}\n",
        "sub/x.env": "C=c\nD=e\n",
        "a.env": "B_URL=http://b/\n",
        ".env": "D=d\n",
    }
    found = collect(files)
    assert needs(found) == [("a", "b", "serve"), ("a", "c", "serve"), ("a", "d", "serve")]
    assert [item for contribution in found for item in contribution.skipped] == []


def test_a_file_that_only_includes_is_a_compose_file() -> None:
    found = SOURCE.collect(b"include:\n  - gone.yaml\n", "c.yaml")
    assert found is not None
    assert found.services == ()
    assert [item.subject for item in found.skipped] == ["gone.yaml"]


def test_a_service_inherits_what_it_extends() -> None:
    files = {
        "c.yaml": (
            "services:\n  a: {extends: {file: base.yaml, service: base}, environment: {Y: 'http://c/'}}\n  b: {image: i}\n  c: {image: i}\n"
        ),
        "base.yaml": (
            "services:\n  base: {extends: root, environment: {X: 'http://b/', Y: 'http://b/'}}\n  root: {image: i, depends_on: [c]}\n"
        ),
    }
    found = collect(files)
    assert needs(found) == [("a", "c", "start"), ("a", "b", "serve"), ("a", "c", "serve")]
    assert [fact.value for fact in found[0].services[0].facts] == ["i"]


def test_services_that_extend_one_another_end() -> None:
    assert needs(
        collect({"c.yaml": "services:\n  a: {image: i, extends: b}\n  b: {image: i, extends: a, depends_on: [c]}\n  c: {image: i}\n"})
    )


def test_files_of_one_run_name_each_others_services() -> None:
    files = {"c.yaml": "services:\n  a: {image: i, environment: {UPSTREAM: b}}\n", "c.override.yaml": "services:\n  b: {image: i}\n"}
    assert needs(collect(files, "c.yaml", "c.override.yaml")) == [("a", "b", "serve")]


def test_an_override_file_replaces_what_it_states_anew() -> None:
    files = {
        "compose.yaml": (
            "services:\n  a:\n    image: i\n    depends_on: [c]\n    links: [c]\n    command: run http://c/\n"
            "    environment: [DB_HOST=c, X_HOST=d]\n  b: {image: i}\n  c: {image: i}\n  d: {image: i}\n"
        ),
        "compose.override.yaml": (
            "services:\n  a:\n    depends_on: !override [d]\n    links: !reset []\n    command: run\n    environment: {DB_HOST: b}\n"
        ),
    }
    for roots in (list(files), list(files)[::-1]):
        assert sorted(needs(collect(files, *roots))) == [("a", "b", "serve"), ("a", "d", "serve"), ("a", "d", "start")]


def test_one_name_in_two_projects_is_two_services() -> None:
    web = "services:\n  web: {image: i, depends_on: [db], environment: {DB_HOST: db, CART_URL: 'http://cart/'}}\n"
    files = {
        "shop/c.yaml": web + "  db: {image: i}\n  cart: {image: i}\n",
        "shop/c.override.yaml": "services:\n  db: {restart: always}\n",
        "depot/c.yaml": "name: store\n" + web.replace("web", "api") + "  db: {image: i}\n",
    }
    found = collect(files, *files)
    assert [service.name for contribution in found for service in contribution.services] == [
        "web",
        "db.shop",
        "cart",
        "db.shop",
        "api",
        "db.store",
    ]
    assert needs(found) == [
        ("web", "db.shop", "start"),
        ("web", "db.shop", "serve"),
        ("web", "cart", "serve"),
        ("api", "db.store", "start"),
        ("api", "db.store", "serve"),
        ("api", "cart", "serve"),
    ]


def test_an_included_file_belongs_to_the_project_that_includes_it() -> None:
    files = {
        "c.yaml": "include: [db/c.yaml]\nservices:\n  web: {image: i, environment: {UPSTREAM: db}}\n  db: {restart: always}\n",
        "db/c.yaml": "services:\n  db: {image: i}\n",
    }
    for roots in (["c.yaml"], ["c.yaml", "db/c.yaml"], ["db/c.yaml", "c.yaml"]):
        assert needs(collect(files, *roots)) == [("web", "db", "serve")]


def test_how_a_service_runs_is_kept_as_facts() -> None:
    (found,) = collect(
        {
            "c.yaml": (
                "services:\n  a: {image: 'i:${V:-1}', deploy: {replicas: 2, update_config: {order: start-first}}, "
                "healthcheck: {interval: 5s}, profiles: [x], restart: always}\n"
            )
        }
    )
    assert [(fact.key, fact.value) for fact in found.services[0].facts] == [
        ("image", "i:1"),
        ("replicas", "2"),
        ("healthcheck", "interval: 5s"),
        ("restart", "always"),
        ("strategy", "order: start-first"),
        ("profiles", "[x]"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "services: {login: {tier: 1, needs: [a]}}",
        "version: 1\nservices:\n  a: {availability: 99%}\n",
        "services: [a]",
        "services: x",
        "services: {}",
        "include: x",
        "jobs: {a: {services: {b: {image: i}}}}",
        "services: {a: {image: i}}\nother: 1",
        "services: {a: {image: i}}\n---\nservices: {a: {image: i}}",
        "- services",
        "a: b",
    ],
)
def test_what_is_no_compose_file_is_left_to_others(text: str) -> None:
    assert read_compose(text.encode(), "c.yaml") is None


def test_every_service_that_is_no_map_is_a_mistake() -> None:
    with pytest.raises(CatalogError) as caught:
        read_compose(b"services:\n  a: {image: i}\n  b: 1\n  c: x\n  d:\n", "c.yaml")
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        "c.yaml:3:6: service 'b' is not described by a map",
        "c.yaml:4:6: service 'c' is not described by a map",
    ]


@pytest.mark.parametrize(
    "part",
    [
        "depends_on: x",
        "depends_on: {b: x}",
        "environment: x",
        "environment: [[a]]",
        "command: {a: b}",
        "env_file: [[x]]",
        "deploy: x",
        "networks: [[x]]",
    ],
)
def test_parts_of_the_wrong_shape_say_nothing(part: str) -> None:
    found = SOURCE.collect(f"services:\n  a: {{image: i, {part}}}\n".encode(), "c.yaml")
    assert found is not None
