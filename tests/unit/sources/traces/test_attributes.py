"""What attributes mean: failures by status, codes and texts, and whom a call calls."""

from __future__ import annotations

import pytest

from truetier.sources.traces.attributes import MEANINGS, Told, Value, failure, is_failed, peer


def told(**named: Value) -> Told:
    """Attributes by name; two underscores stand for a dot."""
    return {MEANINGS[name.replace("__", ".")]: value for name, value in named.items()}


@pytest.mark.parametrize("name", ["http__status_code", "http__response__status_code"])
@pytest.mark.parametrize("code", [200, 404, 408, 500, 503])
@pytest.mark.parametrize("written", [int, str])
def test_an_answer_of_http_is_an_error_of_a_client_from_400_and_of_others_from_500(name: str, code: int, written: type[int | str]) -> None:
    answer = told(**{name: written(code)})
    assert is_failed("client", None, answer) == (code >= 400)
    for kind in ("server", "internal", ""):
        assert is_failed(kind, None, answer) == (code >= 500)


@pytest.mark.parametrize(
    ("code", "name", "of_server"),
    [
        (0, "OK", False),
        (1, "CANCELLED", False),
        (2, "UNKNOWN", True),
        (3, "INVALID_ARGUMENT", False),
        (4, "DEADLINE_EXCEEDED", True),
        (5, "NOT_FOUND", False),
        (6, "ALREADY_EXISTS", False),
        (7, "PERMISSION_DENIED", False),
        (8, "RESOURCE_EXHAUSTED", False),
        (9, "FAILED_PRECONDITION", False),
        (10, "ABORTED", False),
        (11, "OUT_OF_RANGE", False),
        (12, "UNIMPLEMENTED", True),
        (13, "INTERNAL", True),
        (14, "UNAVAILABLE", True),
        (15, "DATA_LOSS", True),
        (16, "UNAUTHENTICATED", False),
    ],
)
def test_codes_of_grpc_are_errors_of_the_server_where_it_is_to_blame(code: int, name: str, of_server: bool) -> None:  # noqa: FBT001
    for written in (code, str(code), name, name.title().replace("_", "")):
        answer = told(rpc__grpc__status_code=written)
        assert is_failed("server", None, answer) == of_server
        assert is_failed("client", None, answer) == (code != 0)


def test_a_code_nobody_knows_is_no_error() -> None:
    assert not any(is_failed("client", None, told(rpc__grpc__status_code=code)) for code in (99, "", "SOMETHING"))


@pytest.mark.parametrize(
    ("value", "failed"), [(True, True), ("true", True), ("", True), ("boom", True), (False, False), ("False", False), ("0", False)]
)
def test_a_tag_error_counts_unless_it_says_no(value: Value, failed: bool) -> None:  # noqa: FBT001
    assert is_failed("server", None, told(error=value)) == failed


def test_the_status_of_a_span_goes_before_its_attributes() -> None:
    assert not is_failed("server", False, told(http__status_code=500))  # noqa: FBT003
    assert is_failed("server", True, {})  # noqa: FBT003
    assert is_failed("client", None, told(error__type="timeout"))
    assert not is_failed("client", None, told(error__type=""))


@pytest.mark.parametrize(
    ("said", "text", "expected"),
    [
        (told(http__status_code=504), "", "timeout"),
        (told(http__response__status_code="408"), "", "timeout"),
        (told(http__status_code=503), "", "error"),
        (told(rpc__grpc__status_code=4), "", "timeout"),
        (told(rpc__grpc__status_code=14), "connection timed out", "unreachable"),
        (told(response_flags="UT"), "", "timeout"),
        (told(response_flags="URX,UF"), "", "unreachable"),
        (told(error="Read timed out"), "", "timeout"),
        (told(error__type="java.net.ConnectException"), "", "unreachable"),
        ({}, "java.net.SocketTimeoutException", "timeout"),
        ({}, "connect ECONNREFUSED 10.0.0.1:80", "unreachable"),
        ({}, "a bug", "error"),
    ],
)
def test_codes_and_texts_say_how_it_failed(said: Told, text: str, expected: str) -> None:
    assert failure(said, text) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (told(peer__service="payment", server__address="10.0.0.1", db__system="mysql", db__name="orders"), "payment"),
        (told(db__system="postgresql", db__name="orders", server__address="db"), "postgresql/orders"),
        (told(db__system__name="postgresql", db__namespace="orders"), "postgresql/orders"),
        (told(db__system="redis", db__namespace="0", server__address="cache"), "cache"),
        (told(db__system="redis"), "redis"),
        (told(messaging__system="kafka", messaging__destination__name="orders"), "orders"),
        (told(upstream_cluster="outbound|80||cart.shop.svc", http__url="http://10.0.0.1/"), "cart.shop.svc"),
        (told(upstream_cluster="PassthroughCluster", http__url="http://cart/"), "cart"),
        (told(net__peer__name="payment:8080"), "payment"),
        (told(http__host="[::1]:80"), "[::1]"),
        (told(http__url="https://user:word@payment.shop:8443/pay?x=http://y"), "payment.shop"),
        (told(url__full="https://[2001:db8::1]:8443/pay"), "[2001:db8::1]"),
        (told(http__url="/pay"), ""),
        (told(net__peer__ip="10.0.0.7"), "10.0.0.7"),
        ({}, ""),
    ],
)
def test_a_call_says_whom_it_calls_by_the_best_name_it_has(said: Told, expected: str) -> None:
    assert peer("client", said) == peer("producer", said) == expected


@pytest.mark.parametrize("kind", ["server", "consumer", "internal"])
def test_what_is_no_call_calls_nobody(kind: str) -> None:
    assert peer(kind, told(peer__service="payment")) == ""


def test_of_a_span_whose_kind_nobody_knows_only_a_service_is_believed() -> None:
    assert peer("", told(peer__service="payment")) == "payment"
    assert peer("", told(server__address="me")) == ""
