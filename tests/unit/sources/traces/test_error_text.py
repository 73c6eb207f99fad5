"""What error texts of many libraries say."""

from __future__ import annotations

import pytest

from truetier.sources.traces.error_text import says_timeout, says_unreachable, unreachable_in

WORDINGS = [
    ("Request processing failed; nested exception is java.lang.IllegalStateException: No instances available for ledger] with", "ledger"),
    ("Load balancer does not contain an instance for the service ledger", "ledger"),
    ("com.netflix.client.ClientException: Load balancer does not have available server for client: ledger", "ledger"),
    ("No servers available for service: ledger", "ledger"),
    ("java.net.UnknownHostException: ledger: Name or service not known", "ledger"),
    ("io.netty.UnknownHostException: Failed to resolve 'ledger.shop' [A(1)]", "ledger.shop"),
    ("curl: (6) Could not resolve host: ledger", "ledger"),
    ("getaddrinfo ENOTFOUND ledger ledger:80", "ledger"),
    ("getaddrinfo EAI_AGAIN ledger", "ledger"),
    ("dial tcp: lookup ledger on 10.96.0.10:53: no such host", "ledger"),
    ("Connection refused: ledger/10.0.0.1:8080", "ledger"),
    ("Connection refused: no further information: ledger/10.0.0.1:8080", "ledger"),
    ("java.net.ConnectException: Failed to connect to ledger/10.0.0.1:8080", "ledger"),
    ("Connect to ledger:8080 [ledger/10.0.0.1] failed: Connection refused (Connection refused)", "ledger"),
    ('I/O error on GET request for "http://ledger:8080/entries": Connection refused', "ledger"),
    ("HTTPConnectionPool(host='ledger', port=80): Max retries exceeded with url: / (... [Errno 111] Connection refused'))", "ledger"),
]


@pytest.mark.parametrize(("text", "name"), WORDINGS)
def test_who_could_not_be_reached_is_named(text: str, name: str) -> None:
    assert unreachable_in(text) == name
    assert says_unreachable(text)


@pytest.mark.parametrize(
    "text", ["connect ECONNREFUSED 10.0.0.1:80", "Connection refused: localhost/127.0.0.1:80", "no healthy upstream", "all is well", ""]
)
def test_a_text_without_a_name_names_nobody(text: str) -> None:
    assert unreachable_in(text) == ""


@pytest.mark.parametrize(
    "text", ["context deadline exceeded", "DEADLINE_EXCEEDED", "Read timed out", "TimeoutException", "ETIMEDOUT", "504 Gateway Time-out"]
)
def test_what_took_too_long(text: str) -> None:
    assert says_timeout(text)
    assert not says_timeout("all is well")


@pytest.mark.parametrize("text", ["a bug", "no server error", "connection reset by peer", "404"])
def test_another_error_reached_somebody(text: str) -> None:
    assert not says_unreachable(text)
