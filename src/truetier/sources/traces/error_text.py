"""What the texts of errors say: that something took too long, that somebody could not be reached, and who that was."""

from __future__ import annotations

import re

LONGEST = 4_000  # characters that are looked at; behind them come stacks
_TIMEOUT = re.compile(r"time[sd]?[ _-]?out|deadline[ _-]?exceeded|ETIMEDOUT", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"connect(?:ion)?[ _]?refused|ECONNREFUSED|Connect(?:ion)?(?:Exception|Error)\b|failed to connect|connect(?:ion)? (?:error|failure)"
    r"|unknown ?host|UnresolvedAddress|no ?route ?to ?host|EHOSTUNREACH|ENETUNREACH|(?:host|network) (?:is )?unreachable"
    r"|no such host|name or service not known|name resolution|nodename nor servname|(?:could not|failed to) resolve|ENOTFOUND|EAI_AGAIN"
    r"|no (?:healthy )?(?:instances?|servers?|endpoints?) (?:is |are )?available|no healthy upstream"
    r"|no available (?:instance|server|endpoint)"
    r"|does not (?:contain an instance|have available server)",
    re.IGNORECASE,
)
_NAME = r"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)"
_NAMED = re.compile(
    "|".join(
        (
            rf"no (?:instances?|servers?) available for (?:service:? |client:? )?[\"'\[]?{_NAME}",  # Spring Cloud, Ribbon
            rf"does not contain an instance for the service {_NAME}",  # Spring Cloud LoadBalancer
            rf"does not have available server for client: {_NAME}",  # Ribbon
            rf"UnknownHostException: (?:failed to resolve )?[\"']?{_NAME}",  # Java
            rf"(?:failed to|could not|couldn't) resolve (?:host(?:name)?:? )?[\"']?{_NAME}",  # Netty, curl
            rf"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) {_NAME}",  # Node.js
            rf"lookup {_NAME} on [^ ]{{1,60}}: no such host",  # Go
            rf"connection refused: (?:no further information: )?{_NAME}/",  # Netty: name/address:port
            rf"failed to connect to /?{_NAME}[/:]",  # OkHttp
            rf"connect to {_NAME}:[0-9]{{1,5}} (?:\[[^\]]{{0,200}}\] )?failed: (?:[a-z.]{{0,20}}Exception: )?connection refused",  # Apache
            rf"request for \"?[a-z]{{1,10}}://{_NAME}[^ ]{{0,500}}: (?:java\.net\.ConnectException: )?connection refused",  # RestTemplate
            rf"ConnectionPool\(host='{_NAME}',.{{0,500}}(?:connection refused|name or service not known|name resolution)",  # urllib3
        )
    ),
    re.IGNORECASE,
)
_NO_NAME = re.compile(r"[0-9.]+|localhost")


def says_timeout(text: str) -> bool:
    """Whether the text complains that something took too long."""
    return _TIMEOUT.search(text, 0, LONGEST) is not None


def says_unreachable(text: str) -> bool:
    """Whether the text complains that somebody could not be reached."""
    return _UNREACHABLE.search(text, 0, LONGEST) is not None


def words_of_failure(text: str) -> str:
    """The words of the text that say so, and no others; empty where there are none."""
    found = _TIMEOUT.search(text, 0, LONGEST) or _UNREACHABLE.search(text, 0, LONGEST)
    return found.group() if found else ""


def unreachable_in(text: str) -> str:
    """Who could not be reached, by name; empty where the text does not say, or gives an address of numbers alone."""
    found = _NAMED.search(text, 0, LONGEST)
    name = next(filter(None, found.groups()), "") if found else ""
    return "" if _NO_NAME.fullmatch(name) else name
