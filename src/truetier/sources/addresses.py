"""Which hosts a configuration value names: URLs, connection strings, host:port lists, bare names.

A value is text somebody wrote for a program we do not know, so the reading is careful: a host counts when its form says
that it is an address (a scheme, a port, ``host=``), or when it is a bare name under a key that asks for an address
(``FLAGD_HOST: flagd``). Loopback, numbers and wildcards name no service, and the name of a database or a queue is no
host. Only hosts leave this module; user names and passwords of connection strings never do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_VALUE = 65_536  # characters of one value that are looked at; a longer one is data, not an address
_LONGEST_SCHEME = 32
_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{0,253}}\Z)(?=[^a-z]*[a-z]){_LABEL}(?:\.{_LABEL})*")
_PORT = re.compile(r"[0-9]{2,5}|\$.*")  # a variable nobody could expand still stands where a port does
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_AUTHORITY = re.compile(r"[^\s/?#\"'`;|<>(){}\\]*")
_URL_REST = re.compile(r"[^\s\"'`,;|<>()]*")
_SEPARATORS = re.compile(r"[\s,;|(){}\[\]\"'`<>]+")
_LIST_SEPARATORS = re.compile(r"[\s,;]+")
_IN_PARENTHESES = re.compile(r"@(?:[a-z0-9]{1,9})?\(([^()]{1,300})\)")  # Go's user:password@tcp(db:3306)/orders
_PAIR = re.compile(  # host=db, "host": "db", Host = db, -Dredis.host=cache: the key may be quoted, the value too
    r"(?<![\w.])([A-Za-z][\w.-]{0,63})[\"']?[ \t]{0,8}[=:][ \t]{0,8}[\"']?([^\s\"',;|(){}\[\]<>=]+)"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_NO_SERVICE = frozenset({"localhost", "ip6-localhost", "host.docker.internal", "kubernetes.docker.internal", "gateway.docker.internal"})
_NOT_A_HOST_SCHEMES = frozenset(
    {"file", "unix", "s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "wasb", "wasbs"}
    | {"spiffe", "oci", "docker", "docker-image", "classpath", "data"}
)
_NAME_IN_PATH_SCHEMES = frozenset({"dns", "xds", "passthrough", "kubernetes", "k8s"})  # gRPC: dns:///cart:7070, dns://8.8.8.8/cart
_PREFIXES = (
    "dns+",
    "dnssrv+",
    "dnssrvnoa+",
    "dns:",
    "passthrough:",
    "tcp:",
    "udp:",
    "np:",
    "admin:",
    "jdbc:oracle:thin:",
    "jdbc:oracle:oci:",
)
_SERVICE_RECORD = re.compile(r"_[A-Za-z0-9-]{1,63}\._(?:tcp|udp)\.")  # dnssrv+_grpc._tcp.store
_PAIR_KEYS = frozenset(
    {"host", "hosts", "hostname", "hostaddr", "server", "servers", "source", "datasource", "addr", "addrs", "address", "addresses"}
    | {
        "endpoint",
        "endpoints",
        "bootstrap.servers",
        "servername",
        "broker",
        "brokers",
        "metadata.broker.list",
        "contactpoints",
        "nodes",
        "url",
        "uri",
    }
)
_ADDRESS_WORDS = frozenset(
    {"addr", "addrs", "address", "addresses", "host", "hosts", "hostname", "hostnames", "endpoint", "endpoints"}
    | {"url", "urls", "uri", "uris", "broker", "brokers", "dsn", "bootstrap", "join"}
)
_LAST_WORDS = frozenset(
    {"service", "services", "server", "servers", "upstream", "upstreams", "backend", "backends", "target", "targets", "peer", "peers"}
    | {"node", "nodes", "seed", "seeds", "members", "sentinels", "points", "svc", "proxy", "gateway", "master", "primary"}
    | {"connection", "connect", "cache"}
)
_ADDRESS_ENDINGS = ("host", "hosts", "hostname", "addr", "url", "urls", "uri", "endpoint", "brokers")  # of words run together: PGHOST
_NO_ADDRESS_WORDS = frozenset({"ghost", "curl"})
_TRAILING_WORDS = frozenset({"name", "names", "list", "internal", "primary", "secondary", "replica", "read", "write", "ro", "rw"})
_NEVER_CALLED = re.compile(  # NO_PROXY, CORS_ORIGINS, redirectUris, --advertise-address: hosts that are let in, or one's own
    r"^(?:no_proxy|virtual_host)(?:[_.-]|$)"
    r"|(?:^|[_.-])(?:allowed|trusted|cors|listen|bind|advertised?)(?:[_.-]|$)|(?:^|[_.-])advertised?listeners?$"
    r"|(?:^|[_.-])(?:external|public|server[_.-]{1,2}root)[_.-]?ur[il]s?$|^root_?url$|redirect[_.-]?ur[il]s?$|origins?$",
    re.IGNORECASE,
)
_NO_HOST = re.compile(  # CART_IMAGE, DD_SERVICE: names of other things, or one's own
    r"(?:^|[_.-])(?:images?|tags?|version|topics?|users?)$|^(?:dd|otel|apm)[_.-]service$", re.IGNORECASE
)
_SECRET = re.compile(r"passw|pwd|secret|token|credential|(?:^|[_.-])(?:api[_.-]?key|key|auth)$", re.IGNORECASE)
_CONNECTION_STRING = re.compile(r"connection[_.-]?strings?(?:[^a-z]|$)", re.IGNORECASE)
_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null"})  # ALLOW_OLD_URLS: true
_SETTINGS = re.compile(r"[,;][A-Za-z ]{1,40}=.*\Z", re.DOTALL)  # behind a bare name: redis,abortConnect=false


class Address(NamedTuple):
    """A host a value names, in lower case without its port.

    ``is_certain`` says that the form or the key leaves no doubt that a host is meant, so that one nobody knows is
    worth a note; an uncertain one counts only if it is the name of a service.
    """

    host: str
    is_certain: bool

    @property
    def is_local(self) -> bool:
        """Whether it can only be the name of a neighbour: a single label, or a cluster's own domain."""
        return "." not in self.host or "svc" in self.host.split(".")[2:]


def addresses_in(key: str, value: str) -> tuple[Address, ...]:
    """The hosts that a variable of that name and value names, in order, each once."""
    if len(value) > _LONGEST_VALUE or not is_for_calls(key):
        return ()
    found: dict[str, bool] = {}
    for address in _all_addresses(key, value):
        found[address.host] = found.get(address.host, False) or address.is_certain
    return tuple(Address(host, is_certain) for host, is_certain in found.items())


def is_for_calls(key: str) -> bool:
    """Whether the name of a variable leaves it open that its value is whom to call; a secret or a list of allowed hosts is not."""
    return not is_never_called(key) and not _NO_HOST.search(key) and not _is_secret(key)


def is_never_called(key: str) -> bool:
    """Whether hosts under that name are there for another purpose than to be called: CORS_ORIGINS, redirectUris."""
    return _NEVER_CALLED.search(key) is not None


def host_of(text: str) -> str | None:
    """The text as a host name in lower case; None when it cannot name a service."""
    host = text.lower().removesuffix(".")
    if host in _NO_SERVICE or host.endswith(".localhost") or not _HOST.fullmatch(host):
        return None
    return host


def _is_secret(key: str) -> bool:
    """Whether the value is one nobody may see; TOKEN_URL says where to fetch one."""
    return _SECRET.search(key) is not None and not asks_for_address(key)


def _all_addresses(key: str, value: str) -> Iterator[Address]:
    rest, in_urls = _cut_urls(value)
    for host in in_urls:
        yield Address(host, is_certain=True)
    rest = _PAIR.sub(_without_secret, rest)
    for token in _SEPARATORS.split(rest):
        if token:
            yield from _in_token(token)
    for found in _IN_PARENTHESES.finditer(rest):
        yield from _in_place(found.group(1), is_named=True)
    for found in _PAIR.finditer(rest):
        yield from _in_pair(*found.groups())
    yield from _bare(key, value)


def _cut_urls(value: str) -> tuple[str, list[str]]:
    """The value with its URLs cut out, and the hosts of the URLs."""
    hosts: list[str] = []
    kept: list[str] = []
    position = 0
    while (found := value.find("://", position)) >= 0:
        scheme = _SCHEME.search(value, max(position, found - _LONGEST_SCHEME), found)
        name = scheme.group().lower() if scheme else ""
        kept.append(value[position : scheme.start() if scheme else found])
        start = found + 3
        authority = _match_at(_AUTHORITY, value, start)
        if name in _NAME_IN_PATH_SCHEMES and value.startswith("/", start + len(authority)):
            start += len(authority) + 1
            authority = _match_at(_AUTHORITY, value, start)
            if value.startswith("/", start + len(authority)):
                authority = ""  # kubernetes://apis/apps/v1/...: the path of an object
        if authority.endswith(":") and value.startswith("//", start + len(authority)):
            authority = authority.rpartition(",")[0]  # "http://a:80,http://b:80": the next URL begins here
            position = start + len(authority)
        else:
            position = start + len(authority)
            position += len(_match_at(_URL_REST, value, position))
        if name not in _NOT_A_HOST_SCHEMES:
            hosts += _hosts_of_authority(authority)
        kept.append(" ")
    kept.append(value[position:])
    return "".join(kept), hosts


def _match_at(pattern: re.Pattern[str], text: str, start: int) -> str:
    found = pattern.match(text, start)
    return found.group() if found else ""


def _hosts_of_authority(authority: str) -> Iterator[str]:
    for part in authority.rpartition("@")[2].split(","):
        host, colon, port = part.partition(":")
        name = host_of(host)
        if name is not None and (not colon or _PORT.fullmatch(port)):
            yield name


def _without_secret(pair: re.Match[str]) -> str:
    """The pair as it is written, but not a password with a colon in it; a service may be called ``auth:8080``."""
    name, text = pair.groups()
    start, colon, _ = text.partition(":")
    return " " if colon and _is_secret(name) and not _PORT.fullmatch(start) else pair.group()


def _in_token(token: str) -> Iterator[Address]:
    """The host of ``cart:80``, also behind ``--cart=``."""
    name, equals, text = token.partition("=")
    if not equals:
        yield from _in_place(token)
    elif not _is_secret(name):
        yield from _in_place(text)


def _in_pair(name: str, text: str) -> Iterator[Address]:
    """The host of ``host=db``: the key says that a bare name is one."""
    is_stated = name.lower() in _PAIR_KEYS
    if (
        is_stated
        or name.lower() == "servername"
        or (_words(name)[-1:] and _is_address_word(_words(name)[-1]) and not is_never_called(name))
    ):
        for host, _ in _in_place(text, is_named=True):
            yield Address(host, is_stated)


def _in_place(text: str, *, is_named: bool = False) -> Iterator[Address]:
    place = _without_prefix(text).rpartition("@")[2].lstrip("/").partition("/")[0]
    record = _SERVICE_RECORD.match(place)
    if record is not None:
        place = place[record.end() :]
    host, colon, port = place.partition(":")
    port, *more = port.split(":")
    valid = host_of(host)
    if valid is None:
        return
    if not colon:
        is_host = is_named or record is not None
    else:
        is_oracle = text.startswith("jdbc:")
        is_host = _PORT.fullmatch(port) is not None and (is_oracle or all(part.isdigit() for part in more))
    if is_host:
        yield Address(valid, is_certain=True)


def _without_prefix(text: str) -> str:
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    return text


def _bare(key: str, value: str) -> Iterator[Address]:
    """Bare names count only under a key that asks for an address, and only if the value holds nothing else."""
    is_certain = asks_for_address(key)
    if not is_certain and not _may_ask_for_address(key):
        return
    if _CONNECTION_STRING.search(key):
        value = _SETTINGS.sub("", value)
    hosts = [host_of(token) for token in _LIST_SEPARATORS.split(value.strip()) if token]
    if all(hosts) and value.strip().lower() not in _SWITCHES:
        for host in hosts:
            if host is not None:
                yield Address(host, is_certain)


def asks_for_address(key: str) -> bool:
    """Whether the name of a variable says that its value is an address: FLAGD_HOST, spring.redis.host, BROKER_URLS."""
    words = _words(key)
    while words and (words[-1] in _TRAILING_WORDS or words[-1].isdigit()):
        words.pop()
    return bool(words) and _is_address_word(words[-1])


def _is_address_word(word: str) -> bool:
    return word in _ADDRESS_WORDS or (word.endswith(_ADDRESS_ENDINGS) and word not in _NO_ADDRESS_WORDS)


def _may_ask_for_address(key: str) -> bool:
    words = _words(key)
    return bool(words) and (words[-1] in _LAST_WORDS or _CONNECTION_STRING.search(key) is not None)


def _words(key: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(key)]
