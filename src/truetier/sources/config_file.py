"""Whom a configuration file names: nginx, properties, YAML, JSON, scripts.

The file is written for a program we do not know, so it is read line by line as a value is, comments left out. Like words
of a command line, what is found counts only if it is the name of a service.
"""

from __future__ import annotations

import re

from truetier.sources.addresses import addresses_in, asks_for_address, host_of, is_for_calls
from truetier.sources.command_line import hosts_of_command

_LONGEST = 65_536  # characters of one file that are looked at
_COMMENT = ("#", "//", ";", "--", "!")
_KEY = re.compile(r"[ \t\"'-]*([A-Za-z][\w.-]{0,63})[\"']?[ \t:=]*")
_PORT_BEHIND = re.compile(r"[ \t]+[0-9]{2,5}[ \t;]*\Z")  # replicaof cache 6379
_DIRECTIVES = frozenset({"server", "replicaof", "slaveof"})  # of nginx and redis: a name follows
_AROUND = " \t;,\"'"
_SCRIPTS = (".sh", ".bash")


def hosts_of_file(name: str, text: str) -> tuple[str, ...]:
    """The hosts that a file of that name may name, in order, each once."""
    text = text[:_LONGEST]
    if name.endswith(_SCRIPTS) or text.startswith("#!"):
        return tuple(dict.fromkeys(host for host, _ in hosts_of_command([text])))
    lines: list[str] = []
    bare: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith(_COMMENT):
            continue
        key = _KEY.match(line)
        if key is None:
            lines.append(line)
        elif is_for_calls(key.group(1)):
            lines.append(line)
            bare += _bare_hosts(key.group(1), line[key.end() :])
    return tuple(dict.fromkeys([*(address.host for address in addresses_in("", "\n".join(lines))), *bare]))


def _bare_hosts(key: str, value: str) -> list[str]:
    """The host of ``redis.host: cache``, ``server cache;`` and ``replicaof cache 6379``."""
    if key not in _DIRECTIVES and not asks_for_address(key):
        return []
    hosts = [host_of(word) for word in _PORT_BEHIND.sub("", value).strip(_AROUND).replace(",", " ").split()]
    return [host for host in hosts if host is not None] if all(hosts) else []
