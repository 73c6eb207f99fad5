from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.sources.command_line import hosts_of_command


def hosts(*parts: str) -> list[str]:
    return list(dict.fromkeys(host for host, _ in hosts_of_command(parts)))


@pytest.mark.parametrize(
    "command",
    [
        "run --db=db:5432",
        "run http://db/",
        "run --db-host=db",
        "run --db-host db",
        "psql -h db -U postgres",
        "mysql -hdb -uroot",
        "agent -retry-join db",
        "agent -retry-join=db",
        "java -Dspring.redis.host=db -jar app.jar",
        "./wait-for-it.sh db:5432 -- run",
        "until nc -z db 5432; do sleep 30; done",
        "until nslookup db; do echo waiting; sleep 2; done; exit 10",
        "while ! getent hosts db\ndo sleep 1; done",
        "while ! $(ping -c 1 db); do sleep 1; done",
        "until (echo > /dev/tcp/db/5432) 2> /dev/null; do sleep 1; done",
        "redis-server --replicaof db 6379",
        "# until nc -z cart 5432\n/usr/bin/nc -z db 5432",
    ],
)
def test_whom_a_command_calls_or_waits_for_is_found(command: str) -> None:
    assert "db" in hosts(command)
    assert not {"sleep", "exit", "cart", "postgres"}.intersection(hosts(command))


def test_words_of_several_parts_belong_together_and_each_host_says_its_part() -> None:
    assert list(hosts_of_command(["nc", "-z", "db", "5432"])) == [("db", 2)]
    assert list(hosts_of_command(["run", "--redis-host", "cache", "--next", "http://cart/"])) == [("cart", 4), ("cache", 2)]


@pytest.mark.parametrize(
    "command", ["run cart", "run cart --workers 80", "curl -X POST", "nslookup; run cart", "run --mode=cart", "sleep 80"]
)
def test_a_word_that_is_only_a_word_names_nobody(command: str) -> None:
    assert hosts(command) == []


@pytest.mark.parametrize(
    "command",
    [
        "prometheus --web.external-url=http://proxy/prometheus --web.listen-address=proxy:9090",
        "etcd --advertise-client-urls http://proxy:2379 --listen-peer-urls=http://proxy:2380",
        "gunicorn --bind proxy:8000 app:app",
        "auth -redirect-url=http://proxy/done --cors-origins http://proxy",
    ],
)
def test_where_a_tool_listens_or_is_seen_from_outside_is_nobody_it_calls(command: str) -> None:
    assert hosts(command) == []
    assert hosts(*command.split()) == []
    assert hosts(command + " --next=http://cart/") == hosts(*command.split(), "http://cart/") == ["cart"]


@given(st.lists(st.text(alphabet="ab nc-h:/$();&|\n80=", max_size=80), max_size=4))
def test_any_command_is_read(parts: list[str]) -> None:
    for host, index in hosts_of_command(parts):
        assert host in parts[index].lower()


@pytest.mark.parametrize(
    "part", ["a " * 30_000, "(" * 60_000, "nc " * 20_000, "-h " * 20_000, "/dev/tcp/" * 7_000, "--bind " * 9_000, "--bind" + " " * 60_000]
)
def test_hostile_commands_cost_little(part: str) -> None:
    hosts(part)
