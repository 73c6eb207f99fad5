"""Whom a command line calls or waits for.

What counts as an address in a value counts here too. Besides, the tools that wait for a neighbour take its name as a
word: ``nc -z db 5432``, ``pg_isready -h db``, ``until nslookup db; do ...``. Words are weak signs, so what is found
counts only if it is the name of a service, which the caller of this module knows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.sources.addresses import addresses_in, asks_for_address, host_of, is_never_called

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONGEST = 65_536  # characters of one command line that are looked at
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_FLAG = r"--?([A-Za-z][\w.-]{0,63})"
_OPTION_ALONE = re.compile(_FLAG)
_OPTION = re.compile(rf"(?<!\S){_FLAG}(?:=|[ \t]+(?!-))[^\s;&|]*")  # --web.external-url=http://proxy/prometheus
_WORD = re.compile(r"[;&|\n]|[^\s;&|]+")
_QUOTES = "()\"'`"
_PORT = re.compile(r"[0-9]{2,5}")
_SOCKET = re.compile(r"/dev/(?:tcp|udp)/([^/\s]+)/")
_LOOK_UPS = frozenset({"nslookup", "getent", "dig", "ping", "telnet", "nc", "ncat"})
_WITH_NUMBER = frozenset({"sleep", "timeout", "exit", "seq", "head", "tail"})  # commands that take one, not hosts with a port


def hosts_of_command(parts: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The hosts that a command line may name, and the part each stands in; a part is a word or a whole script."""
    words: list[tuple[str, int]] = []
    is_own = False  # whether the option before asks for an address of one's own
    for index, part in enumerate(parts):
        text = "" if is_own else _OPTION.sub(_without_own, _COMMENT.sub("", part[:_LONGEST]))
        option = _OPTION_ALONE.fullmatch(part)
        is_own = option is not None and is_never_called(option.group(1))
        for address in addresses_in("", text):
            yield address.host, index
        for found in _SOCKET.finditer(text):
            yield from _host(found.group(1), index)
        words += [(word, index) for word in (found.strip(_QUOTES) for found in _WORD.findall(text)) if word]
    yield from _in_words(words)


def _without_own(option: re.Match[str]) -> str:
    """The option as it is written, but not where one listens or is seen from outside."""
    return " " if is_never_called(option.group(1)) else option.group()


def _in_words(words: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    is_look_up = False
    previous = ""
    for position, (word, index) in enumerate(words):
        following = words[position + 1][0] if position + 1 < len(words) else ""
        name = word.rpartition("/")[2].removeprefix("$(")
        if word in ";&|\n":
            is_look_up = False
        elif name in _LOOK_UPS:
            is_look_up = True
        elif word.startswith("-h"):
            yield from _host(word[2:], index)  # mysql -hdb
        elif is_look_up or _asks(previous) or (_PORT.fullmatch(following) and word not in _WITH_NUMBER):
            yield from _host(word, index)
        previous = word


def _asks(option: str) -> bool:
    """Whether the word behind that option is a host: ``-h``, ``--redis-host``."""
    return option == "-h" or (option.startswith("-") and "=" not in option and asks_for_address(option))


def _host(text: str, index: int) -> Iterator[tuple[str, int]]:
    host = host_of(text)
    if host is not None:
        yield host, index
