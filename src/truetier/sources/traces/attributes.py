"""What attributes of a span mean, old names and new ones, the same for every format: how the work ended, and whom it called.

OpenTelemetry's semantic conventions decide what is an error: a client's 4xx is one, a server's is not, since the server did its
work; of gRPC codes, those that the server is to blame for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.sources.traces.error_text import says_timeout, says_unreachable
from truetier.telemetry.spans import Outcome, SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable

Value = str | int | float | bool
Told = dict[str, Value]

_OK, _ERROR, _TIMEOUT, _UNREACHABLE = (outcome.value for outcome in (Outcome.OK, Outcome.ERROR, Outcome.TIMEOUT, Outcome.UNREACHABLE))
_CLIENT, _PRODUCER = SpanKind.CLIENT.value, SpanKind.PRODUCER.value

HTTP, GRPC, FLAGS = "http", "grpc", "flags"
ERROR, ERROR_TYPE, MESSAGE = "error", "error type", "message"
SERVICE, SYSTEM, DATABASE, DESTINATION = "service", "system", "database", "destination"
CLUSTER, HOST, URL, ADDRESS = "cluster", "host", "url", "address"

MEANINGS = {
    "http.response.status_code": HTTP,
    "http.status_code": HTTP,
    "rpc.grpc.status_code": GRPC,
    "rpc.response.status_code": GRPC,
    "grpc.status_code": GRPC,
    "grpc.code": GRPC,
    "response_flags": FLAGS,  # of Envoy
    "error": ERROR,
    "error.type": ERROR_TYPE,
    "error.message": MESSAGE,
    "exception.type": MESSAGE,
    "exception.message": MESSAGE,
    "otel.status_description": MESSAGE,
    "peer.service": SERVICE,
    "service.peer.name": SERVICE,
    "db.system.name": SYSTEM,
    "db.system": SYSTEM,
    "messaging.system": SYSTEM,
    "db.namespace": DATABASE,
    "db.name": DATABASE,
    "messaging.destination.name": DESTINATION,
    "messaging.destination": DESTINATION,
    "upstream_cluster.name": CLUSTER,
    "upstream_cluster": CLUSTER,
    "server.address": HOST,
    "net.peer.name": HOST,
    "peer.hostname": HOST,
    "http.host": HOST,
    "url.full": URL,
    "http.url": URL,
    "network.peer.address": ADDRESS,
    "net.peer.ip": ADDRESS,
    "net.sock.peer.addr": ADDRESS,
    "peer.ipv4": ADDRESS,
    "peer.address": ADDRESS,
}
"""The attributes that are looked at, and what each means. Readers keep what a span told under the meaning, and nothing else."""

COMPLAINTS = frozenset(name for name, meaning in MEANINGS.items() if meaning in (ERROR, ERROR_TYPE, MESSAGE))
"""Those of an exception that say in words how it came about; whatever else it carries says nothing of that."""

_CODES = {
    0: "OK",
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALIDARGUMENT",
    4: "DEADLINEEXCEEDED",
    5: "NOTFOUND",
    6: "ALREADYEXISTS",
    7: "PERMISSIONDENIED",
    8: "RESOURCEEXHAUSTED",
    9: "FAILEDPRECONDITION",
    10: "ABORTED",
    11: "OUTOFRANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATALOSS",
    16: "UNAUTHENTICATED",
}
_SERVER_IS_TO_BLAME = frozenset({"UNKNOWN", "DEADLINEEXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATALOSS"})
_NAMES_OF_CODES = frozenset(_CODES.values())
_NOT_AN_ERROR = frozenset({"false", "0", "no", "ok"})
_CLIENT_ERRORS = frozenset(code for number in range(400, 600) for code in (number, str(number)))
_SERVER_ERRORS = frozenset(code for number in range(500, 600) for code in (number, str(number)))
_HTTP_TIMEOUTS = frozenset({408, 504, "408", "504"})
_FLAGS_OF_UNREACHABLE = frozenset({"UH", "UF", "NR", "NC"})
_FLAG_OF_TIMEOUT = "UT"
_HOST_OF_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://(?:[^/?#@]{0,500}@)?(\[[0-9A-Fa-f:.]{1,60}\]|[^/?#:]{1,253})")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]{1,60}\]|[^/:]{1,253})(?::[0-9]{1,5})?")


def ends_of(names: Iterable[bytes]) -> bytes:
    """For each length, modulo 64, and each last byte whether a name has them: most of those that do not matter need not be looked up."""
    found = bytearray(64 * 256)
    for name in names:
        found[(len(name) % 64) * 256 + name[-1]] = 1
    return bytes(found)


def is_failed(kind: str, is_error: bool | None, told: Told) -> bool:  # noqa: FBT001 - a status, not a switch
    """Whether the work of a span failed; ``is_error`` is what its status says, None where it leaves that open."""
    if is_error is not None:
        return is_error
    if HTTP in told and told[HTTP] in (_CLIENT_ERRORS if kind == _CLIENT else _SERVER_ERRORS):
        return True
    if ERROR in told and str(told[ERROR]).lower() not in _NOT_AN_ERROR:
        return True
    if told.get(ERROR_TYPE):
        return True
    code = _grpc_code(told)
    return code in _SERVER_IS_TO_BLAME or (kind == _CLIENT and code not in ("", "OK"))


def failure(told: Told, text: str = "") -> str:
    """How the work of a failed span ended, by its codes and by what the texts of its errors say."""
    code, flags = _grpc_code(told), str(told.get(FLAGS, "")).split(",")
    if told.get(HTTP) in _HTTP_TIMEOUTS or code == "DEADLINEEXCEEDED" or _FLAG_OF_TIMEOUT in flags:
        return _TIMEOUT
    if code == "UNAVAILABLE" or not _FLAGS_OF_UNREACHABLE.isdisjoint(flags):
        return _UNREACHABLE
    texts = [text, *(str(told[meaning]) for meaning in (ERROR, ERROR_TYPE, MESSAGE) if meaning in told)]
    if any(map(says_timeout, texts)):
        return _TIMEOUT
    return _UNREACHABLE if any(map(says_unreachable, texts)) else _ERROR


def peer(kind: str, told: Told) -> str:
    """Whom a span says it calls: a service, a database or destination by name, else a host. Empty for what calls nobody."""
    if kind not in (_CLIENT, _PRODUCER):
        return str(told.get(SERVICE, "")) if not kind else ""  # of a span whose kind nobody knows, a host may be its own
    if SERVICE in told:
        return str(told[SERVICE])
    return _store(told) or _envoy_cluster(told) or _host(told) or str(told.get(SYSTEM) or told.get(ADDRESS) or "")


def without_path(url: str) -> str:
    """Scheme and host of a URL, all that ``peer`` looks at; empty for what is none."""
    found = _HOST_OF_URL.match(url)
    return f"{url.partition('://')[0]}://{found.group(1)}" if found else ""


def _grpc_code(told: Told) -> str:
    """The code by name, in capitals without underscores, since some write DeadlineExceeded; empty where there is none."""
    if GRPC not in told:
        return ""
    text = str(told[GRPC])
    if len(text) <= 2 and text.isdecimal():
        return _CODES.get(int(text), "")
    name = text.replace("_", "").upper()
    return name if name in _NAMES_OF_CODES else ""


def _store(told: Told) -> str:
    """A database as ``postgresql/orders``: its name alone is often the same as that of a service. A queue or topic by name."""
    if SYSTEM in told and DATABASE in told:
        name = str(told[DATABASE])
        if name and not name.isdecimal():  # redis numbers its databases
            return f"{told[SYSTEM]}/{name}"
    return str(told.get(DESTINATION, ""))


def _envoy_cluster(told: Told) -> str:
    """The host that Istio's proxy chose: ``outbound|9080||reviews.shop.svc.cluster.local``; the URL may still say the gateway."""
    cluster = str(told.get(CLUSTER, ""))
    return cluster.rpartition("|")[2] if cluster.startswith("outbound|") else ""


def _host(told: Told) -> str:
    host = str(told.get(HOST, ""))
    if ":" in host or "/" in host:
        found = _HOST_AND_PORT.fullmatch(host)
        host = found.group(1) if found else ""
    if not host and URL in told:
        found = _HOST_OF_URL.match(str(told[URL]))
        host = found.group(1) if found else ""
    return host
