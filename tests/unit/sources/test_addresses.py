from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.sources.addresses import addresses_in, asks_for_address, host_of


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("cart:8080", ["cart"]),
        ("cart.shop:8080", ["cart.shop"]),
        ("cart.shop.svc.cluster.local:8080", ["cart.shop.svc.cluster.local"]),
        ("CART:8080", ["cart"]),
        ("http://cart", ["cart"]),
        ("https://user:pw@cart:8080/a?b=c#d", ["cart"]),
        ("http://a:80,http://b:80/x", ["a", "b"]),
        ("jdbc:postgresql://db:5432/orders", ["db"]),
        ("jdbc:sqlserver://db:1433;databaseName=orders", ["db"]),
        ("jdbc:oracle:thin:@db:1521:orders", ["db"]),
        ("jdbc:oracle:thin:@//db:1521/orders", ["db"]),
        ("(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521)))", ["db"]),
        ("mongodb://u:p@m1:27017,m2:27017/orders?replicaSet=rs", ["m1", "m2"]),
        ("postgres://u:p@db/orders?sslmode=disable", ["db"]),
        ("redis://:pw@cache:6379/0", ["cache"]),
        ("amqp://guest:guest@queue", ["queue"]),
        ("Host=db;Port=5432;Username=u;Password=p", ["db"]),
        ("Server=tcp:db,1433;Database=orders", ["db"]),
        ("host=db user=u dbname=orders", ["db"]),
        ("user:pw@tcp(db:3306)/orders?parseTime=true", ["db"]),
        ("cache:6379,password=x,ssl=False", ["cache"]),
        ("k1:9092,k2:9092 k3:9092", ["k1", "k2", "k3"]),
        ("1@kafka:9093", ["kafka"]),
        ("PLAINTEXT://kafka:9092,SSL://kafka:9093", ["kafka"]),
        ("dns:///cart:7070", ["cart"]),
        ("dns:cart:7070", ["cart"]),
        ("cart:7070/v1", ["cart"]),
        ("cart:$(CART_PORT)", ["cart"]),
        ("memcached:11211:1", ["memcached"]),
        ("auth:8080", ["auth"]),
        ("user:pw@tcp(db)/orders", ["db"]),
        ("user:pw@(db:3306)/orders", ["db"]),
        ("Host = db ; Port = 5432", ["db"]),
        ("jdbc:sqlserver://;serverName=db;databaseName=orders", ["db"]),
        ('{"host": "db", "port": 5432}', ["db"]),
        ("dns://8.8.8.8/cart:7070", ["cart"]),
        ("kubernetes:///cart:7070", ["cart"]),
        ("dns+cart:10901", ["cart"]),
        ("dnssrv+_grpc._tcp.cart", ["cart"]),
        ("dnssrvnoa+_grpc._tcp.cart.shop.svc,_http._tcp.search", ["cart.shop.svc", "search"]),
        ("kubernetes://apis/apps/v1/namespaces/shop/deployments/cart", []),
    ],
)
def test_a_host_is_found_in_every_form_of_address(value: str, hosts: list[str]) -> None:
    found = addresses_in("X", value)
    assert [address.host for address in found] == hosts
    assert all(address.is_certain for address in found)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "cart",
        "8080",
        "10:30",
        "localhost:8080",
        "127.0.0.1:8080",
        "0.0.0.0:80",
        "http://[::1]:80/",
        "http://*:8080",
        "http://$(HOST):80",
        "://",
        "quote://",
        "/var/run/cart:rw",
        "s3://orders/2026",
        "file:///etc/cart:80",
        "unix:///run/cart.sock",
        "cart:http",
        "cart:123456",
        "service.version=3.0.0,service.criticality=low",
        "Username=cart;Password=orders:5432",
        '{"user": "cart", "password": "orders:5432"}',
        "service.name=cart,host.name=cart",
        "host.docker.internal:80",
        "x" * 70_000 + ":80",
        "-cart:80",
    ],
)
def test_what_is_no_address_of_a_service_names_none(value: str) -> None:
    assert addresses_in("X", value) == ()


@pytest.mark.parametrize(
    "key",
    [
        "FLAGD_HOST",
        "CART_ADDR",
        "spring.redis.host",
        "brokerUrls",
        "DB_HOST_0",
        "REDIS_HOSTNAME",
        "DB_HOST_NAME",
        "MCP_ENDPOINT",
        "PGHOST",
        "dbhost",
        "REDISURL",
        "TOKEN_SERVICE_HOST",
    ],
)
def test_a_bare_name_counts_under_a_key_that_asks_for_an_address(key: str) -> None:
    assert asks_for_address(key)
    assert addresses_in(key, "cart") == (("cart", True),)


@pytest.mark.parametrize(
    "key",
    [
        "UPSTREAM",
        "PAYMENT_SERVICE",
        "BACKEND",
        "REDIS_NODES",
        "CONTACT_POINTS",
        "CART_SVC",
        "EventBusConnection",
        "ConnectionString",
        "ConnectionStrings__Redis",
    ],
)
def test_a_bare_name_is_uncertain_under_a_key_that_may_ask_for_one(key: str) -> None:
    assert addresses_in(key, "cart") == (("cart", False),)


@pytest.mark.parametrize(
    "key",
    [
        "OTEL_SERVICE_NAME",
        "DD_SERVICE",
        "DB_TYPE",
        "MODE",
        "",
        "DB_NAME",
        "HOST_USER",
        "POSTGRES_DB",
        "MYSQL_DATABASE",
        "DB_URL_DATABASE",
        "ORDER_QUEUE",
        "GHOST",
    ],
)
def test_a_bare_name_under_another_key_is_a_word(key: str) -> None:
    assert addresses_in(key, "cart") == ()


@pytest.mark.parametrize(
    "key",
    [
        "NO_PROXY",
        "no_proxy",
        "DJANGO_ALLOWED_HOSTS",
        "CORS_ORIGINS",
        "CART_IMAGE",
        "VIRTUAL_HOST",
        "OIDC_REDIRECT_URI",
        "KAFKA_ADVERTISED_LISTENERS",
        "advertisedListeners",
        "PROMETHEUS_EXTERNAL_URL",
        "publicUrl",
        "ROOT_URL",
        "APP__server__ROOT_URL",
        "SERVER_LISTEN_ADDR",
        "GRPC_BIND_ADDRESS",
        "loginRedirectUrl",
        "webOrigins",
        "SUPER_USERS",
        "DB_PASSWORD",
        "API_KEY",
        "SESSION_SECRET",
    ],
)
def test_keys_that_list_names_for_another_purpose_or_hold_secrets_are_left_alone(key: str) -> None:
    assert addresses_in(key, "http://cart:8080") == ()


def test_a_key_inside_a_value_asks_for_an_address_too() -> None:
    assert addresses_in("JAVA_OPTS", "-Xmx1g -Dspring.redis.host=cache -Dmode=cart") == (("cache", False),)
    assert addresses_in("X", '{"redis": {"cacheHost": "cache"}, "allowed_hosts": "web"}') == (("cache", False),)


def test_a_key_that_tells_where_to_fetch_a_secret_is_read() -> None:
    assert addresses_in("OAUTH_TOKEN_URL", "http://login/token") == (("login", True),)
    assert addresses_in("SECRETS_ADDR", "vault:8200") == (("vault", True),)


def test_settings_behind_the_name_in_a_connection_string_do_not_hide_it() -> None:
    assert addresses_in("ConnectionStrings__Redis", "cache,abortConnect=false") == (("cache", False),)


@pytest.mark.parametrize("value", ["true", "False", "none", " off "])
def test_a_switch_is_no_host(value: str) -> None:
    assert addresses_in("ALLOW_OLD_URLS", value) == ()


def test_a_name_with_a_small_number_is_a_count_and_no_address() -> None:
    assert addresses_in("SHARES", "cart:1,search:2") == ()


def test_several_bare_names_count_only_if_all_are_names() -> None:
    assert [address.host for address in addresses_in("BROKERS", "a, b;c")] == ["a", "b", "c"]
    assert addresses_in("BROKERS", "a, /b") == ()


def test_a_host_named_twice_is_given_once() -> None:
    assert addresses_in("CART_URL", "http://cart:80/ http://cart:81/") == (("cart", True),)


def test_only_a_single_label_or_a_name_of_the_cluster_is_local() -> None:
    hosts = [
        (address.host, address.is_local)
        for address in addresses_in("X", "cart:80 cart.shop.svc:80 cart.shop.svc.cluster.local:80 api.example.com:80")
    ]
    assert hosts == [("cart", True), ("cart.shop.svc", True), ("cart.shop.svc.cluster.local", True), ("api.example.com", False)]


@pytest.mark.parametrize("text", ["", "a b", "a/b", "-a", "a-", "1.2.3.4", "a..b", "a" * 64, "x." * 140 + "x", "é", "a\n"])
def test_what_no_service_can_be_called_is_no_host(text: str) -> None:
    assert host_of(text) is None


@given(st.text(max_size=200), st.text(alphabet="ab:/@,;=.-_$(){}[] \n", max_size=200))
def test_any_text_is_read_and_only_hosts_come_out(key: str, value: str) -> None:
    for address in addresses_in(key, value):
        assert host_of(address.host) == address.host
        assert address.host in value.lower()


@pytest.mark.parametrize(
    "value",
    [
        "://" * 20_000,
        "a:1," * 16_000,
        "a@" * 30_000,
        "a.a" * 20_000,
        "(" * 60_000,
        "http://" * 9_000,
        "a-" * 30_000,
        "@(" * 30_000,
        "a:" * 30_000,
    ],
)
def test_hostile_values_cost_little(value: str) -> None:
    addresses_in("X_URL", value)
