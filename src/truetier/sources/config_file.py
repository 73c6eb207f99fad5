"""Whom a configuration file names: nginx, properties, YAML, JSON, scripts.

The file is written for a program we do not know, so it is read line by line as a value is, comments left out. Like words
of a command line, what is found counts only if it is the name of a service.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.sources.addresses import addresses_in, asks_for_address, host_of, is_for_calls, is_never_called
from truetier.sources.command_line import hosts_of_command

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 65_536  # characters of one file that are looked at
_COMMENT = ("#", "//", ";", "--", "!")
_KEY = re.compile(r"[ \t\"'-]*([A-Za-z][\w.-]{0,63})([\"']?[ \t:=]*)")
_PORT_BEHIND = re.compile(r"[ \t]+[0-9]{2,5}[ \t;]*\Z")  # replicaof cache 6379
_DIRECTIVES = frozenset({"server", "replicaof", "slaveof"})  # of nginx and redis: a name follows
_OPEN = ("[", "{", ":")
_AROUND = " \t;,\"'"
_SCRIPTS = (".sh", ".bash")


def hosts_of_file(name: str, text: str) -> tuple[str, ...]:
    """The hosts that a file of that name may name, in order, each once."""
    text = text[:_LONGEST]
    if name.endswith(_SCRIPTS) or text.startswith("#!"):
        return tuple(dict.fromkeys(host for host, _ in hosts_of_command([text])))
    lines: list[str] = []
    bare: list[str] = []
    for line in _lines(text):
        key = _KEY.match(line)
        if key is None:
            lines.append(line)
        elif is_for_calls(key.group(1)):
            lines.append(line)
            bare += _bare_hosts(key.group(1), line[key.end() :], is_directive=not key.group(2).strip())
    return tuple(dict.fromkeys([*(address.host for address in addresses_in("", "\n".join(lines))), *bare]))


def _lines(text: str) -> Iterator[str]:
    """The lines without comments and without lists of names that are never called: ``redirectUris: [`` and what is inside."""
    closed = -1  # how far the line is indented that a list left out began on
    for line in text.splitlines():
        inside = line.lstrip()
        if inside.startswith(_COMMENT):
            continue
        indent = len(line) - len(inside)
        if closed >= 0 and (indent > closed or (indent == closed and inside.startswith("- ")) or not inside):
            continue
        closed = -1
        key = _KEY.match(line)
        if key is not None and is_never_called(key.group(1)) and line.rstrip().endswith(_OPEN):
            closed = indent
        yield line


def _bare_hosts(key: str, value: str, *, is_directive: bool) -> list[str]:
    """The host of ``redis.host: cache``, ``server cache backup;`` and ``replicaof cache 6379``."""
    words = _PORT_BEHIND.sub("", value).strip(_AROUND).replace(",", " ").split()
    if key in _DIRECTIVES:
        words = words[:1] if is_directive or len(words) == 1 else []  # "server": "node app" is a program to run
    elif not asks_for_address(key):
        return []
    hosts = [host_of(word) for word in words]
    return [host for host in hosts if host is not None] if all(hosts) else []
