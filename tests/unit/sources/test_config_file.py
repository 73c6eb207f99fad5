from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetier.sources.config_file import hosts_of_file


@pytest.mark.parametrize(
    "text",
    [
        "location / {\n  proxy_pass http://db/;\n}",
        "upstream x {\n  server db:80 weight=5;\n}",
        "upstream x {\n  server db;\n}",
        "upstream x {\n  server db backup;\n}",
        "client:\n  server: db\n",
        "spring.datasource.url=jdbc:postgresql://db:5432/orders",
        "spring.redis.host=db",
        "spring:\n  redis:\n    host: db\n    port: 6379\n",
        '{"redis": {"host": "db"}}',
        "scrape_configs:\n- static_configs:\n  - targets: ['db:9090', \"localhost:9090\"]\n",
        "<match **>\n  host db\n  port 9200\n</match>",
        "replicaof db 6379",
        "cors_allowed_origins:\n- http://web\nurl: http://db",
        "#!/bin/sh\nuntil nc -z db 5432; do sleep 10; done",
    ],
)
def test_whom_a_file_names_is_found(text: str) -> None:
    assert set(hosts_of_file("x.conf", text)) == {"db"}


@pytest.mark.parametrize(
    "text",
    [
        "# proxy_pass http://db/;",
        "  // url: http://db/",
        ";server=db:80",
        "server_name db;",
        "cors_allowed_origins: ['http://db']",
        "allowed_hosts = db:80",
        "db.password=db:80",
        "db: 5432",
        "- db",
        "image: other\nname: db",
        '{\n  "redirectUris": ["http://db/done"],\n  "webOrigins": [\n    "http://db"\n  ]\n}',
        "cors_allowed_origins:\n- http://db\n\n- http://db:80\nname: x",
        "clients:\n- redirect_uris:\n    - http://db/done\n",
    ],
)
def test_what_a_file_does_not_call_is_left_out(text: str) -> None:
    assert set(hosts_of_file("x.conf", text)) == set()


def test_a_script_called_server_is_no_host() -> None:
    assert "db" not in hosts_of_file("package.json", '{"scripts": {\n"server": "run db",\n"start": "run"}}')


@given(st.text(alphabet="ab:/#-\n=.{} \"'", max_size=300))
def test_any_file_is_read(text: str) -> None:
    for host in hosts_of_file("x", text):
        assert host in text


@pytest.mark.parametrize(
    "text", ["a:1\n" * 20_000, "a " * 30_000, " " * 60_000, "-" * 60_000, "a\n" * 30_000, "a.b " * 16_000, "key\t" * 16_000]
)
def test_hostile_files_cost_little(text: str) -> None:
    list(hosts_of_file("x", text))
